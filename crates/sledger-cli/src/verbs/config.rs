//! `config check|show|reload`: what is configured, and whether it can be used.

use crate::args::Global;
use crate::configured::{self, Configured, Flags};
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::policies;
use crate::verbs::asking::{Asking, told};
use crate::whence::Whence;
use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;
use sledger_wire::config::{Config as Settings, Showing};

/// `config …`
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Check configuration and policies as a start would
    Check,
    /// Show the configuration in force
    Show(Show),
    /// Let a served ledger read its configuration again
    Reload,
}

/// `config show`
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Show the defaults, with what each key means
    #[arg(long, conflicts_with = "origin")]
    default: bool,
    /// Show where each value was written
    #[arg(long)]
    origin: bool,
}

impl Config {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        match self {
            Self::Check => check(global, out),
            Self::Show(show) => show.run(global, out),
            Self::Reload => reload(global, out),
        }
    }
}

/// The served ledger reads its own file, wherever that lies.
fn reload(global: &Global, out: &mut Output<'_>) -> Result<Exit> {
    let done = Asking::new(&Whence::url(global)?)?.client().reload().map_err(told)?;
    if out.is_json() {
        out.json(&done)?;
        return Ok(Exit::Ok);
    }
    for warning in &done.warnings {
        out.say(&format!("warning: {}", sledger_wire::escape(warning)));
    }
    let file = done.file.as_deref().unwrap_or("no file, all defaults");
    let word = if done.changed { "in force" } else { "in force already" };
    out.line(&format!("{}: {word} at seq {}", sledger_wire::escape(file), done.seq))?;
    Ok(Exit::Ok)
}

/// What was found good.
struct Checked {
    configured: Configured,
    policies: usize,
    /// What is said of policies and stops nothing.
    warnings: Vec<String>,
}

fn look(global: &Global) -> Result<Checked> {
    let configured = configured::read(global, &Flags::new())?;
    let installs = policies::load_tested(&configured.config)?;
    sledger_server::audit::check(&configured.config.audit)
        .map_err(|error| Usage::error(error.to_string()))?;
    let mut warnings = policies::linear(&configured.config, &installs);
    warnings.extend(policies::without_tests(&configured.config, &installs));
    Ok(Checked { configured, policies: installs.len(), warnings })
}

fn check(global: &Global, out: &mut Output<'_>) -> Result<Exit> {
    match look(global) {
        Ok(checked) => good(&checked, out).map(|()| Exit::Ok),
        Err(error) if out.is_json() && error.is::<Usage>() => {
            let problems: Vec<String> = error.to_string().lines().map(str::to_owned).collect();
            out.json(&json!({"ok": false, "problems": problems, "warnings": []}))?;
            Ok(Exit::Usage)
        }
        Err(error) => Err(error),
    }
}

fn good(checked: &Checked, out: &mut Output<'_>) -> Result<()> {
    let config = &checked.configured.config;
    let file = config.file.as_ref().map(|file| file.display().to_string());
    let written = config.warnings.iter().map(|one| one.line(config.file.as_deref()));
    let warnings: Vec<String> = written.chain(checked.warnings.iter().cloned()).collect();
    let (quotas, policies) = (config.settings.quotas.len(), checked.policies);
    if out.is_json() {
        let problems: [&str; 0] = [];
        return out.json(&json!({
            "ok": true, "file": file, "problems": problems, "warnings": warnings,
            "quotas": quotas, "policies": policies,
        }));
    }
    for warning in &warnings {
        out.say(&format!("warning: {}", sledger_wire::escape(warning)));
    }
    let file = file.unwrap_or_else(|| "no file, all defaults".to_owned());
    let folder = config.policies.folder.display();
    let line = format!("{file}: good; quotas: {quotas}, policies in `{folder}`: {policies}");
    out.line(&sledger_wire::escape(&line))
}

impl Show {
    fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let config = if self.default {
            Settings::default()
        } else {
            configured::load(global, &Flags::new(), out)?.config
        };
        let showing = if self.origin { Showing::Origin } else { Showing::Meaning };
        let text = config.show(showing);
        if out.is_json() {
            let file = config.file.as_ref().map(|file| file.display().to_string());
            out.json(&json!({"file": file, "toml": text}))?;
        } else {
            out.text(&text)?;
        }
        Ok(Exit::Ok)
    }
}
