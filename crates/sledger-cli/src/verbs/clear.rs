//! `clear`: over a served ledger.

use super::asking::Line;
use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::Result;
use clap::Args;

/// Ends the sessions of a user
#[derive(Debug, Args)]
pub(crate) struct Clear {
    /// Whose
    #[arg(value_name = "USER")]
    user: String,
    /// The id of the one to keep; it must be live
    #[arg(long, value_name = "SESSION")]
    keep: Option<String>,
    /// A repeat of this id within 10 minutes changes nothing
    #[arg(long, value_name = "ID")]
    command: Option<String>,
}

impl Clear {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let line = Line::new("clear").with("user", Some(self.user.as_str())).with("keep", self.keep.clone());
        line.with("command", self.command.clone()).ask(global, out)
    }
}
