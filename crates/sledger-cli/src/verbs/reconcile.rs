//! `reconcile`: over a served ledger.

use super::asking::Line;
use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::Result;
use clap::Args;

/// Tells which sessions of a source are live
///
/// Its others are gone there: they end, or are retained where they have retention
#[derive(Debug, Args)]
pub(crate) struct Reconcile {
    /// The source
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The ids that are live there; none ends all of them
    #[arg(value_name = "SESSION")]
    live: Vec<String>,
    /// Leave alone what has a later generation
    #[arg(long, value_name = "SEQ")]
    as_of: Option<u64>,
    /// A repeat of this id within 10 minutes changes nothing
    #[arg(long, value_name = "ID")]
    command: Option<String>,
}

impl Reconcile {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let line = Line::new("reconcile").with("source", Some(self.source.as_str()));
        let line = line.with("as_of", self.as_of).with("live", Some(self.live.clone()));
        line.with("command", self.command.clone()).ask(global, out)
    }
}
