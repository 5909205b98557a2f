//! `quota …`: quotas looked at, set, switched and deleted while the ledger runs.

mod shown;

use super::asking::{Asking, told};
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::past::Past;
use crate::whence::Whence;
use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;
use sledger_client::Changing;
use sledger_core::config::Settings;
use sledger_wire::bodies::quota_words;
use sledger_wire::escape;
use sledger_wire::quotas::{QuotaChange, QuotasPage};
use std::io::{BufRead as _, IsTerminal as _};

/// `quota …`
#[derive(Debug, Subcommand)]
pub(crate) enum Quota {
    /// List the quotas in the order they are judged
    List,
    /// Show a quota with everything set for it
    Show(Named),
    /// Make a quota, or change keys of it; shows it before and after
    Set(Set),
    /// Switch a quota on; it may be for a while
    Enable(Switch),
    /// Switch a quota off, its settings kept; it may be for a while
    Disable(Switch),
    /// Delete a quota; its past stays in the ledger
    Delete(Delete),
    /// Take back what was set at run time: overrides and its switch
    Reset(Reset),
}

/// Which quota.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Which
    #[arg(value_name = "NAME")]
    name: String,
}

/// `quota set`
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Which
    #[arg(value_name = "NAME")]
    name: String,
    #[arg(help = "Keys as in the file, e.g. max_sessions=3 level=soft")]
    #[arg(value_name = "KEY=VALUE", required = true)]
    keys: Vec<String>,
    /// Why, for operators
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// `quota enable`, `quota disable`
#[derive(Debug, Args)]
pub(crate) struct Switch {
    /// Which
    #[arg(value_name = "NAME")]
    name: String,
    /// For how long, e.g. 30m; then it is as it was
    #[arg(long = "for", value_name = "DURATION")]
    lasting: Option<String>,
    /// Why, for operators
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// `quota delete`
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Which
    #[arg(value_name = "NAME")]
    name: String,
    /// Do not ask for the name again
    #[arg(long)]
    yes: bool,
    /// Why, for operators
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// `quota reset`
#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// Which
    #[arg(value_name = "NAME")]
    name: String,
    /// Why, for operators
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Quota {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        match self {
            Self::List => list(global, out),
            Self::Show(named) => show(&named.name, global, out),
            Self::Set(set) => set.run(global, out),
            Self::Enable(switch) => switch.run(true, global, out),
            Self::Disable(switch) => switch.run(false, global, out),
            Self::Delete(delete) => delete.run(global, out),
            Self::Reset(reset) => {
                let done =
                    asking(global)?.client().reset_quota(&reset.name, &because(reset.reason.as_deref()));
                tell(&reset.name, &done.map_err(told)?, out)
            }
        }
    }
}

fn asking(global: &Global) -> Result<Asking> {
    Asking::new(&Whence::url(global)?)
}

fn because(reason: Option<&str>) -> Changing {
    Changing { reason: reason.map(str::to_owned), ..Changing::default() }
}

/// The quotas, of a served ledger or of one at rest.
pub(crate) fn quotas(global: &Global, out: &mut Output<'_>) -> Result<QuotasPage> {
    match Whence::of(global)? {
        Whence::Connect(url) => Asking::new(&url)?.client().quotas().map_err(told),
        whence => {
            let state = Past::open(&whence, global, out)?.read(&mut |_, _| Ok(()))?;
            let settings: &Settings = &state.ready().settings;
            let shown = settings.quotas.iter().map(|quota| sledger_wire::quotas::shown(settings, quota));
            Ok(QuotasPage { seq: state.seq().0, quotas: shown.collect() })
        }
    }
}

fn list(global: &Global, out: &mut Output<'_>) -> Result<Exit> {
    let page = quotas(global, out)?;
    if out.is_json() {
        out.json(&page)?;
    } else {
        for line in shown::table(&page.quotas) {
            out.line(&line)?;
        }
    }
    Ok(Exit::Ok)
}

fn show(name: &str, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
    let page = quotas(global, out)?;
    let Some(quota) = page.quotas.iter().find(|quota| quota["name"] == name) else {
        let known: Vec<_> = page.quotas.iter().filter_map(|quota| quota["name"].as_str()).collect();
        let known = known.join(", ");
        return Err(Usage::error(format!("there is no quota `{name}`; there are: {known}")));
    };
    if out.is_json() {
        out.json(quota)?;
    } else {
        for line in shown::quota(quota) {
            out.line(&line)?;
        }
    }
    Ok(Exit::Ok)
}

impl Set {
    fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let keys = quota_words(&self.keys);
        let keys = keys.map_err(|refused| Usage::error(format!("`{}` {}", refused.field, refused.reason)))?;
        let asking = asking(global)?;
        let client = asking.client();
        let how = because(self.reason.as_deref());
        let done = match client.patch_quota(&self.name, &keys, &how) {
            // One that is not there yet is made, unless somebody else makes it first.
            Err(error) if error.problem().is_some_and(|problem| problem.status == 404) => {
                client.put_quota(&self.name, &keys, &Changing { if_absent: true, ..how })
            }
            done => done,
        };
        tell(&self.name, &done.map_err(told)?, out)
    }
}

impl Switch {
    fn run(&self, enabled: bool, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let (asking, how) = (asking(global)?, because(self.reason.as_deref()));
        let done = asking.client().switch_quota(&self.name, enabled, self.lasting.as_deref(), &how);
        tell(&self.name, &done.map_err(told)?, out)
    }
}

impl Delete {
    fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let asking = asking(global)?;
        let seen = asking.client().quota(&self.name).map_err(told)?;
        if !self.yes && std::io::stdin().is_terminal() && !self.is_meant(&seen, out)? {
            return Err(Usage::error("that is not its name: nothing was deleted"));
        }
        let how = Changing {
            if_match: seen.get("etag").and_then(Value::as_str).map(str::to_owned),
            ..because(self.reason.as_deref())
        };
        tell(&self.name, &asking.client().delete_quota(&self.name, &how).map_err(told)?, out)
    }

    /// Shows what goes, and asks for its name.
    fn is_meant(&self, seen: &Value, out: &mut Output<'_>) -> Result<bool> {
        for line in shown::quota(seen) {
            out.say(&line);
        }
        out.say(&format!("Write `{}` to delete it:", escape(&self.name)));
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        Ok(line.trim_end_matches(['\r', '\n']) == self.name)
    }
}

/// What a change came to: before and after.
pub(crate) fn tell(name: &str, done: &QuotaChange, out: &mut Output<'_>) -> Result<Exit> {
    if out.is_json() {
        out.json(done)?;
        return Ok(Exit::Ok);
    }
    for line in shown::change(name, done) {
        out.line(&line)?;
    }
    for note in &done.notes {
        out.say(&format!("note: {}", escape(note)));
    }
    Ok(Exit::Ok)
}
