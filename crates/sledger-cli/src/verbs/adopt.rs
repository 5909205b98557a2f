//! `adopt`: over a served ledger.

use super::asking::Line;
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::lines::Lines;
use crate::output::Output;
use anyhow::Result;
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;

/// Records sessions that exist already
///
/// They keep their true times; none is refused, nobody is evicted
#[derive(Debug, Args)]
pub(crate) struct Adopt {
    /// JSON lines, one session each: user, session, started, …; - is stdin
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// The source of sessions that name none
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// A repeat of this id within 10 minutes changes nothing
    #[arg(long, value_name = "ID")]
    command: Option<String>,
}

impl Adopt {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let mut lines = Lines::open(&self.file)?;
        let name = lines.name.clone();
        let mut sessions: Vec<Value> = Vec::new();
        while let Some((number, line)) = lines.next()? {
            let read = serde_json::from_slice(line);
            sessions
                .push(read.map_err(|error| Usage::error(format!("{name}:{number}: is not JSON: {error}")))?);
        }
        let line = Line::new("adopt").with("source", self.source.clone()).with("sessions", Some(sessions));
        line.with("command", self.command.clone()).ask(global, out)
    }
}
