//! `touch`: over a served ledger.

use super::asking::Line;
use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::Result;
use clap::Args;

/// Records activity of a session
#[derive(Debug, Args)]
pub(crate) struct Touch {
    /// Its id
    #[arg(value_name = "SESSION")]
    session: String,
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

impl Touch {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let line =
            Line::new("touch").with("session", Some(self.session.as_str())).with("user", self.user.clone());
        line.with("generation", self.generation).with("command", self.command.clone()).ask(global, out)
    }
}
