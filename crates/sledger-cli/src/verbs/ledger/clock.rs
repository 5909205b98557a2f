//! `ledger clock [accept]`: this machine's clock against the ledger's last time.
//!
//! A wall clock that is further ahead than `ledger.gap_max` is refused at start: sessions would expire for
//! nothing. Accepting it leaves a file `clock-accepted` with the time accepted in the data directory; the next
//! `serve` takes it once and removes it. It holds only for a clock that still says about that time.

use super::{accepted_path, not_served};
use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::json;
use sledger::SystemClock;
use sledger_core::clock::Clock as _;
use sledger_core::{Millis, Span};
use sledger_replay::history;
use std::fs;
use std::path::Path;

/// `ledger clock`
#[derive(Debug, Args)]
pub(crate) struct Clock {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Let the next start take a clock that is far ahead of the ledger
    Accept,
}

impl Clock {
    /// Compares, or accepts.
    pub(super) fn run(
        &self,
        dir: &Path,
        gap_max: Span,
        global: &Global,
        out: &mut Output<'_>,
    ) -> Result<Exit> {
        not_served(dir)?;
        let last = history::fold(dir, |_| ())?.at();
        let wall = SystemClock.wall();
        if let Some(Verb::Accept) = self.verb {
            let path = accepted_path(dir);
            let written = fs::write(&path, format!("{}\n", wall.rfc3339()));
            written.with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        let accepted = accepted(dir, wall, gap_max);
        let is_ahead = wall > last.plus(gap_max);
        if out.is_json() {
            out.json(&json!({
                "wall": wall.rfc3339(), "last": last.rfc3339(), "gap_max": gap_max.to_string(),
                "refused": is_ahead && !accepted, "accepted": accepted,
            }))?;
            return Ok(Exit::Ok);
        }
        out.line(&format!("clock    {}", global.tz.shown(wall)))?;
        out.line(&format!("ledger   {}", global.tz.shown(last)))?;
        let verdict = match (is_ahead, accepted) {
            (_, true) => "accepted for the next start".to_owned(),
            (false, false) => "a start takes this clock".to_owned(),
            (true, false) => format!(
                "a start refuses this clock, more than {gap_max} ahead; if it is right: sledger ledger clock accept"
            ),
        };
        out.line(&verdict)?;
        Ok(Exit::Ok)
    }
}

/// Whether an operator accepted a clock that says about `wall`.
pub(crate) fn accepted(dir: &Path, wall: Millis, gap_max: Span) -> bool {
    let text = fs::read_to_string(accepted_path(dir)).unwrap_or_default();
    let Ok(accepted) = sledger_wire::values::time(text.trim()) else { return false };
    wall <= accepted.plus(gap_max)
}

/// What was accepted holds once.
pub(crate) fn forget(dir: &Path) {
    // Left behind it would only accept a clock of about the same time again.
    let _absent = fs::remove_file(accepted_path(dir));
}
