//! `replay …`: what happened, when, and why.
//!
//! Promise: nothing here writes to a ledger at rest; what a served ledger is asked, it records as read.

mod at;
mod diff;
mod lanes;
mod moment;
mod note;
mod report;
mod served;
mod timeline;
mod told;
mod verify;
mod why;

pub(crate) use why::why_of;

use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::Result;
use clap::Subcommand;

/// `replay …`
#[derive(Debug, Subcommand)]
pub(crate) enum Replay {
    Note(note::Note),
    At(at::At),
    Report(report::Report),
    Verify(verify::Verify),
    Why(why::Why),
    Timeline(timeline::Timeline),
    Diff(diff::Diff),
}

impl Replay {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        match self {
            Self::Note(verb) => verb.run(global, out),
            Self::At(verb) => verb.run(global, out),
            Self::Report(verb) => verb.run(global, out),
            Self::Verify(verb) => verb.run(global, out),
            Self::Why(verb) => verb.run(global, out),
            Self::Timeline(verb) => verb.run(global, out),
            Self::Diff(verb) => verb.run(global, out),
        }
    }
}
