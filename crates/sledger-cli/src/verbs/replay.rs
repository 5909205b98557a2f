//! `replay …`: what happened, when, and why.

mod note;

use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::Result;
use clap::Subcommand;

/// `replay …`
#[derive(Debug, Subcommand)]
pub(crate) enum Replay {
    Note(note::Note),
}

impl Replay {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        match self {
            Self::Note(verb) => verb.run(global, out),
        }
    }
}
