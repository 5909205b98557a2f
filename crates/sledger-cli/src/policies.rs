//! The policies folder and what quotas say about policies, checked before anything is opened.
//!
//! A policy that does not parse, has no `on_exhausted`, or is named and missing is a fault of the
//! configuration: the file is named, and nothing starts.

use crate::exit::Usage;
use anyhow::Result;
use sledger_core::config::{Bounds, OnError, Quota};
use sledger_core::decide::Install;
use sledger_core::decider::{Decider, GenesisError};
use sledger_core::event::PolicySource;
use sledger_policy::{BUILT_IN, Engine, built_in, check_source, load_folder, load_folder_if_there};
use sledger_wire::Fault;
use sledger_wire::config::{Config, Policies};
use std::path::Path;
use std::sync::Arc;

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

/// `policies/NAME.rhai:3:1: error[syntax]: …` for each complaint, when one of them is an error.
fn check(folder: &Path, name: &str, source: &str) -> Vec<String> {
    let file = folder.join(format!("{name}.rhai"));
    let lints = check_source(name, source).err().unwrap_or_default();
    lints.iter().map(|lint| format!("{}:{lint}", file.display())).collect()
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
