//! `policy explain`: why a login was decided so.

mod json;
mod shown;

use super::backtest::{read_candidate, refused};
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::past::Past;
use crate::whence::Whence;
use anyhow::Result;
use clap::Args;
use sledger_core::Seq;
use sledger_replay::explain::{ExplainError, Explained, Explainer};
use sledger_replay::rejudge::{Candidate, Target};
use sledger_wire::values::{Moment, Offset, moment};
use std::path::PathBuf;

/// Show why a login was decided so: what was known, and each line that ran
///
/// The login is decided again by the policies that decided it, and by another where --with names one. Exit 3 where
/// that does not give what was recorded
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// An event of the login, as seq:N
    #[arg(value_name = "SEQ")]
    seq: String,
    /// A policy to decide it, too: a file, or the name of a built-in one
    #[arg(long, value_name = "NEW")]
    with: Option<PathBuf>,
    #[arg(help = "The quota that NEW stands in for [default: those naming it, or the only\none]")]
    #[arg(long, value_name = "NAME", requires = "with")]
    quota: Option<String>,
    /// A param of NEW instead of the quota's own; several times
    #[arg(long = "param", value_name = "KEY=VALUE", requires = "with")]
    params: Vec<String>,
}

impl Explain {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let seq = seq(&self.seq)?;
        let with = self.with.as_ref().map(|file| read_candidate(file, &self.params)).transpose()?;
        let target = self.quota.clone().map_or(Target::ByName, Target::Quota);
        let explained = explained(seq, with.map(|with| (with, target)), global, out)?;
        let is_as_recorded = explained.is_as_recorded();
        if out.is_json() {
            out.json(&json::Shown::new(&explained, is_as_recorded))?;
        } else {
            shown::tell(&explained, global.tz, out)?;
        }
        if is_as_recorded {
            return Ok(Exit::Ok);
        }
        if let Some(policy) = &explained.again.missing {
            out.say(&format!("the text of {policy} is not in this history: it cannot be run again"));
            return Ok(Exit::Failure);
        }
        out.say("DIFFERS: decided again, this login is not what was recorded");
        Ok(Exit::Diverged)
    }
}

/// `seq:N`.
pub(super) fn seq(text: &str) -> Result<Seq> {
    match moment(text, Offset::default()) {
        Ok(Moment::Seq(seq)) if seq.0 > 0 => Ok(seq),
        _ => {
            let shown = sledger_wire::escape::brief(text);
            Err(Usage::error(format!("`{shown}` names no event: write seq:N, as `sledger events` shows it")))
        }
    }
}

/// The login of an event, explained.
pub(super) fn explained(
    seq: Seq,
    with: Option<(Candidate, Target)>,
    global: &Global,
    out: &mut Output<'_>,
) -> Result<Explained> {
    let past = Past::open(&Whence::of(global)?, global, out)?;
    let mut explainer = Explainer::new(&past.begin, seq, with).map_err(refused)?;
    let mut found = None;
    past.each(&mut |decision| {
        found = explainer.decision(&decision).map_err(told)?;
        Ok(found.is_none())
    })?;
    found.ok_or_else(|| told(explainer.beyond()))
}

fn told(error: ExplainError) -> anyhow::Error {
    match error {
        ExplainError::Rejudge(error) => refused(error),
        ExplainError::NoLogin { .. } | ExplainError::Beyond { .. } => Usage::error(error.to_string()),
        ExplainError::Sealed(_) => error.into(),
    }
}
