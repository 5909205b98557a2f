//! The policies folder and what quotas say about policies, checked before anything is opened.
//!
//! A policy that does not parse, has no `on_exhausted`, or is named and missing is a fault of the
//! configuration: the file is named, and nothing starts.

use crate::exit::Usage;
use anyhow::Result;
use sledger_core::Limit;
use sledger_core::config::{Bounds, Level, OnError, Quota};
use sledger_core::decide::Install;
use sledger_core::decider::{Decider, GenesisError};
use sledger_core::event::PolicySource;
use sledger_policy::gate::{self, Closed};
use sledger_policy::{
    BUILT_IN, Engine, Severity, built_in, check_source, is_linear, load_folder, load_folder_if_there,
};
use sledger_wire::Fault;
use sledger_wire::config::{Config, Policies};
use std::path::Path;
use std::sync::Arc;

/// A key that can hold more is not for policies that look at each session.
const LINEAR_SESSIONS_MAX: u32 = 10_000;

/// As [`load`], for what is to come into force: each policy passes the gate, with the tests beside it.
pub(crate) fn load_tested(config: &Config) -> Result<Vec<Install>> {
    let installs = load(config)?;
    let complaints: Vec<String> = installs.iter().filter_map(|one| untested(config, one)).collect();
    if complaints.is_empty() { Ok(installs) } else { Err(Usage::error(complaints.join("\n"))) }
}

/// Policies of the folder that have no tests beside them: a warning each.
pub(crate) fn without_tests(config: &Config, installs: &[Install]) -> Vec<String> {
    let folder = &config.policies.folder;
    let file = |one: &Install| folder.join(format!("{}.rhai", one.name));
    let bare = installs.iter().map(file).filter(|file| !file.with_extension("test.toml").exists());
    bare.map(|file| format!("{}: has no tests beside it", file.display())).collect()
}

/// What the gate has against a policy of the folder, for the quotas that name it.
fn untested(config: &Config, install: &Install) -> Option<String> {
    let file = config.policies.folder.join(format!("{}.rhai", install.name));
    let tests = file.with_extension("test.toml");
    let text = match std::fs::read(&tests) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(_) => return Some(format!("{}: is not UTF-8", tests.display())),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Some(format!("{}: cannot be read: {error}", tests.display())),
    };
    let named = config.settings.quotas.iter().filter(|quota| quota.on_exhausted == *install.name);
    let levels: Vec<Level> = named.map(|quota| quota.level).collect();
    match gate::pass(&install.name, &install.text, text.as_deref(), &levels).err()? {
        Closed::Tests(lines) => {
            let lines: Vec<String> =
                lines.iter().map(|line| format!("{}: {line}", tests.display())).collect();
            Some(lines.join("\n"))
        }
        Closed::Lint(lints) => {
            let errors = lints.iter().filter(|lint| lint.severity == Severity::Error);
            let lines: Vec<String> = errors.map(|lint| format!("{}:{lint}", file.display())).collect();
            Some(lines.join("\n"))
        }
        closed @ Closed::Name(_) => Some(format!("{}: {closed}", file.display())),
    }
}

/// The policies of the configuration's folder, all of them usable, and enough for all quotas.
pub(crate) fn load(config: &Config) -> Result<Vec<Install>> {
    let folder = &config.policies.folder;
    // Only the default folder may be missing, also where a file shown by `config show` names it.
    let beside = config.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let is_named = *folder != beside.join(Policies::default().folder);
    let found = if is_named { load_folder(folder) } else { load_folder_if_there(folder) };
    let found = found.map_err(|error| Usage::error(chained(&error)))?;
    let mut complaints = Vec::new();
    for (name, source) in &found {
        complaints.extend(check(folder, name, source));
    }
    complaints.extend(missing(config, &found));
    if !complaints.is_empty() {
        return Err(Usage::error(complaints.join("\n")));
    }
    let install = |(name, text): (String, String)| Install {
        name: Arc::from(name),
        text: Arc::from(text),
        from: PolicySource::Folder,
    };
    let installs: Vec<Install> = found.into_iter().map(install).collect();
    bind(config, &installs)?;
    Ok(installs)
}

fn chained(error: &sledger_policy::FolderError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// `policies/NAME.rhai:3:1: syntax: …` for each complaint but hints, when one of them is an error.
fn check(folder: &Path, name: &str, source: &str) -> Vec<String> {
    let file = folder.join(format!("{name}.rhai"));
    let lints = check_source(name, source).err().unwrap_or_default();
    let lints = lints.iter().filter(|lint| lint.severity != Severity::Hint);
    lints.map(|lint| format!("{}:{lint}", file.display())).collect()
}

/// Policies that a quota names and that are nowhere.
fn missing(config: &Config, found: &[(String, String)]) -> Vec<String> {
    let is_there = |name: &str| built_in(name).is_some() || found.iter().any(|(known, _)| known == name);
    let quotas = config.settings.quotas.iter().enumerate();
    let named = quotas.flat_map(|(index, quota)| names(quota).map(move |(key, name)| (index, key, name)));
    named
        .filter(|(_, _, name)| !is_there(name))
        .map(|(index, key, name)| {
            let key = format!("quota[{index}].{key}");
            let file = config.policies.folder.join(format!("{name}.rhai"));
            let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            let reason = format!(
                "names the policy `{name}`, but there is no `{}` and no such built-in policy; built in: {}",
                file.display(),
                known.join(" ")
            );
            let place = config.place(&key).cloned().unwrap_or_default();
            Fault { place, key, reason, suggestion: None }.line(config.file.as_deref())
        })
        .collect()
}

/// Quotas of more sessions than a policy should look at one by one, whose policy does.
pub(crate) fn linear(config: &Config, found: &[Install]) -> Vec<String> {
    let quotas = config.settings.quotas.iter().enumerate();
    let many = quotas.filter(|(_, quota)| is_many(quota.max_sessions));
    many.filter_map(|(index, quota)| {
        let name = quota.on_exhausted.as_str();
        let own = found.iter().find(|install| *install.name == *name).map(|install| &*install.text);
        let lint = is_linear(own.or_else(|| built_in(name))?)?;
        let key = format!("quota[{index}].on_exhausted");
        let place = config.place(&key).cloned().unwrap_or_default();
        let reason = format!(
            "the policy `{name}` (line {}) is not for more than {LINEAR_SESSIONS_MAX} sessions: {}; \
             see `policy check --explain linear`",
            lint.line, lint.message
        );
        Some(Fault { place, key, reason, suggestion: None }.line(config.file.as_deref()))
    })
    .collect()
}

fn is_many(limit: Limit) -> bool {
    matches!(limit, Limit::Max(most) if most.get() > LINEAR_SESSIONS_MAX)
}

fn names(quota: &Quota) -> impl Iterator<Item = (&'static str, &str)> {
    let on_error = match &quota.on_error {
        OnError::Policy(name) => Some(("on_error", name.as_str())),
        OnError::Deny | OnError::Allow => None,
    };
    [("on_exhausted", quota.on_exhausted.as_str())].into_iter().chain(on_error)
}

/// Binds every quota to its policy as a start would: params, levels, selectors.
fn bind(config: &Config, installs: &[Install]) -> Result<()> {
    let decider = Decider::genesis(config.settings.clone(), installs, Engine::new(), (Bounds::default(), 0));
    decider.map(drop).map_err(|error| refused(config, &error))
}

/// A setting or policy that cannot be used, with the file that says so.
pub(crate) fn refused(config: &Config, error: &GenesisError) -> anyhow::Error {
    let file = config.file.as_ref().map(|file| format!("{}: ", file.display())).unwrap_or_default();
    Usage::error(format!("{file}{error}"))
}
