//! `reconcile`: over a served ledger.

use super::asking::Line;
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::lines::Lines;
use crate::output::Output;
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

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
    /// Take the ids from a file, one a line; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    live_from: Option<PathBuf>,
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
        let line = line.with("as_of", self.as_of).with("live", Some(self.live()?));
        line.with("command", self.command.clone()).ask(global, out)
    }

    fn live(&self) -> Result<Vec<String>> {
        let Some(file) = &self.live_from else { return Ok(self.live.clone()) };
        let mut lines = Lines::open(file)?;
        let (name, mut ids) = (lines.name.clone(), Vec::new());
        while let Some((number, line)) = lines.next()? {
            let id = std::str::from_utf8(line);
            let id = id.map_err(|_| Usage::error(format!("{name}:{number}: is not UTF-8")))?;
            ids.push(id.to_owned());
        }
        Ok(ids)
    }
}
