//! `replay note`: what an investigator found, written beside what happened.

use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use crate::verbs::asking::{Asking, told};
use crate::whence::Whence;
use anyhow::Result;
use clap::Args;

/// Write a note into a served ledger; it stands there for ever
#[derive(Debug, Args)]
pub(crate) struct Note {
    /// What it is about: seq:N, session:ID, user:NAME, or a case
    #[arg(value_name = "ABOUT")]
    about: String,
    /// The note
    #[arg(value_name = "TEXT")]
    text: String,
}

impl Note {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let asking = Asking::new(&Whence::url(global)?)?;
        let kept = asking.client().note(&self.about, &self.text).map_err(told)?;
        if out.is_json() {
            out.json(&kept)?;
        } else {
            out.line(&format!("recorded as seq:{} at {}", kept.seq, kept.at))?;
        }
        Ok(Exit::Ok)
    }
}
