//! `policy check`: everything that can be said against a policy without running it.
//!
//! What a quota of the configuration says about a policy (its level, its params) is looked at too.

mod complaint;
mod quotas;
mod sources;

use self::complaint::Complaint;
use self::quotas::Quotas;
use crate::args::Global;
use crate::configured::{self, Flags};
use crate::exit::{Exit, Usage};
use crate::output::Output;
use anyhow::Result;
use clap::Args;
use sledger_policy::{LintCode, Severity};
use sledger_wire::escape;
use std::path::PathBuf;

/// Look for mistakes in policies without running them
///
/// Prints `FILE:LINE:COLUMN: CODE: MESSAGE` for each. Levels and params are those of the configuration's quotas
/// that name the policy. Exits 1 when one of them is an error
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Policies or folders of them, - is stdin [default: the policies folder]
    #[arg(value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// Check for this quota alone: its level and its params
    #[arg(long, value_name = "NAME")]
    quota: Option<String>,
    /// Exit 1 on warnings too
    #[arg(long)]
    deny_warnings: bool,
    /// Say what a code means, with an example
    #[arg(long, value_name = "CODE", conflicts_with_all = ["paths", "quota", "deny_warnings"])]
    explain: Option<String>,
}

impl Check {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        match &self.explain {
            Some(code) => explain(code, out),
            None => self.check(global, out),
        }
    }

    fn check(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let config = configured::load(global, &Flags::new(), out)?.config;
        let quotas = Quotas::of(&config, self.quota.as_deref())?;
        let folder = [config.policies.folder.clone()];
        let paths = match self.paths.as_slice() {
            // A ledger that uses what is built in needs no folder.
            [] if config.policies.folder.symlink_metadata().is_err() => {
                out.say(&format!(
                    "there is no folder `{}`",
                    escape(&config.policies.folder.display().to_string())
                ));
                &[]
            }
            [] => &folder[..],
            named => named,
        };
        let sources = sources::all(paths)?;
        let mut found: Vec<Complaint> = Vec::new();
        for source in &sources {
            found.extend(quotas.check(source, sources.len() == 1));
        }
        if self.paths.is_empty() {
            found.extend(quotas.check_built_in(&sources));
        }
        tell(&found, out)?;
        let worst = found.iter().map(|complaint| complaint.lint.severity).min();
        out.say(&summed(sources.len(), &found));
        Ok(match worst {
            Some(Severity::Error) => Exit::Failure,
            Some(Severity::Warning) if self.deny_warnings => Exit::Failure,
            _ => Exit::Ok,
        })
    }
}

fn explain(code: &str, out: &mut Output<'_>) -> Result<Exit> {
    let code = LintCode::named(code).map_err(Usage::error)?;
    if out.is_json() {
        let severity = code.severity().as_str();
        out.json(&serde_json::json!({"code": code.as_str(), "severity": severity, "page": code.page()}))?;
    } else {
        out.text(code.page())?;
    }
    Ok(Exit::Ok)
}

fn tell(found: &[Complaint], out: &mut Output<'_>) -> Result<()> {
    if out.is_json() {
        return out.json(&found.iter().map(Complaint::to_json).collect::<Vec<_>>());
    }
    found.iter().try_for_each(|complaint| out.line(&complaint.line()))
}

/// `3 policies: 1 error, 0 warnings, 2 hints`.
fn summed(policies: usize, found: &[Complaint]) -> String {
    let count = |severity| found.iter().filter(|complaint| complaint.lint.severity == severity).count();
    let many = |count: usize, one: &str, more: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {more}"),
    };
    format!(
        "{}: {}, {}, {}",
        many(policies, "policy", "policies"),
        many(count(Severity::Error), "error", "errors"),
        many(count(Severity::Warning), "warning", "warnings"),
        many(count(Severity::Hint), "hint", "hints")
    )
}
