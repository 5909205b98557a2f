//! `end`: over a served ledger.

use super::asking::Line;
use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::Result;
use clap::Args;

/// Ends one session, as an operator
#[derive(Debug, Args)]
pub(crate) struct End {
    /// Its id
    #[arg(value_name = "SESSION")]
    session: String,
    /// Why: shown to operators
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Its user: a session of somebody else is unknown
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// The generation known; an older one changes nothing
    #[arg(long, value_name = "SEQ")]
    generation: Option<u64>,
    /// A repeat of this id within 10 minutes changes nothing
    #[arg(long, value_name = "ID")]
    command: Option<String>,
}

impl End {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let line =
            Line::new("end").with("session", Some(self.session.as_str())).with("user", self.user.clone());
        let line = line.with("generation", self.generation).with("command", self.command.clone());
        line.with("reason", self.reason.clone()).ask(global, out)
    }
}
