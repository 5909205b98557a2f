//! `policy …`: write, check, test, explain, try and install policies.

pub(crate) mod check;

use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::Result;
use clap::Subcommand;

/// `policy …`
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    Check(check::Check),
}

impl Policy {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        match self {
            Self::Check(verb) => verb.run(global, out),
        }
    }
}
