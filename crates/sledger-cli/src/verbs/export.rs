//! `export`: a ledger's past as a recording, as events, as a table, or as its very blocks.
//!
//! Promise: it streams; what is held is the state of who is in, and one decision. Nothing is ever written to the
//! ledger. An export of events or of blocks can be read back by every verb that takes `--recording`.

mod recording;

use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::past::Past;
use crate::whence::Whence;
use anyhow::{Result, anyhow};
use clap::{Args, ValueEnum};
use sledger_core::State;
use sledger_core::decide::edge::user_key;
use sledger_projector::tell;
use sledger_replay::export::Exporter;
use sledger_replay::one_user::{OneUser, line};
use sledger_replay::pseudonyms::Pseudonyms;
use sledger_wire::csv;
use sledger_wire::events::EventLine;

/// Export the past of a ledger, to stdout
///
/// Events and blocks can be read back with --recording FILE. A recording decides the same again with simulate
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// recording: commands; events: one JSON object each; csv: a table;
    /// blocks: the ledger's own bytes [default: events]
    #[arg(long, value_enum, default_value_t, hide_possible_values = true, hide_default_value = true)]
    #[arg(value_name = "recording|events|csv|blocks")]
    format: ExportFormat,
    /// Only what concerns this user
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Pseudonyms for users, sessions, addresses and attributes
    #[arg(long)]
    redact: bool,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// Commands, as `simulate` takes them.
    Recording,
    /// Events, as everybody reads them.
    #[default]
    Events,
    /// A table of events.
    Csv,
    /// Blocks as they lie on the disk.
    Blocks,
}

impl Export {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let whence = Whence::of(global)?;
        match self.format {
            ExportFormat::Blocks => self.blocks(&whence, global, out)?,
            ExportFormat::Recording => self.recording(&whence, global, out)?,
            ExportFormat::Csv => {
                let past = Past::open(&whence, global, out)?;
                out.text(&csv::header())?;
                self.lines(past, out, csv::row)?;
            }
            ExportFormat::Events if self.is_whole() => events(Past::open(&whence, global, out)?, out)?,
            ExportFormat::Events => {
                let past = Past::open(&whence, global, out)?;
                self.lines(past, out, |line| format!("{}\n", line.to_json()))?;
                out.say("this export cannot be folded again: it is of one user, or under pseudonyms");
            }
        }
        Ok(Exit::Ok)
    }

    const fn is_whole(&self) -> bool {
        self.user.is_none() && !self.redact
    }

    fn blocks(&self, whence: &Whence, global: &Global, out: &mut Output<'_>) -> Result<()> {
        if !self.is_whole() {
            let flag = if self.redact { "--redact" } else { "--user" };
            return Err(Usage::error(format!(
                "{flag} cannot go with --format blocks: blocks are whole, or their hashes do not hold"
            )));
        }
        let blocks = Past::open(whence, global, out)?.into_blocks();
        let blocks = blocks.ok_or_else(|| {
            Usage::error("this file holds no blocks: only a ledger, or an export of blocks, has them")
        })?;
        for block in blocks {
            out.bytes(block?.bytes())?;
        }
        Ok(())
    }

    /// Every event asked for, as `shown`.
    fn lines(&self, past: Past, out: &mut Output<'_>, shown: impl Fn(&EventLine) -> String) -> Result<()> {
        let pseudonyms = self.pseudonyms()?;
        past.read(&mut |recorded, state| {
            let key = self.key(state)?;
            for told in tell(state, recorded) {
                let line = match key.as_deref().map(OneUser) {
                    Some(user) if !user.concerns(&told) => continue,
                    Some(user) => user.event(&told, state, pseudonyms.as_ref()),
                    None => line(&told, state, pseudonyms.as_ref()),
                };
                out.text(&shown(&line))?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// The user asked for, as the ledger counts it.
    fn key(&self, state: &State) -> Result<Option<String>> {
        let key = self.user.as_deref().map(|user| user_key(user, &state.ready().settings.users)).transpose();
        key.map_err(|rejection| Usage::error(format!("--user {}", rejection.reason)))
    }

    /// Pseudonyms under a key that nobody keeps.
    fn pseudonyms(&self) -> Result<Option<Pseudonyms>> {
        if !self.redact {
            return Ok(None);
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| anyhow!("cannot draw a key for pseudonyms: {error}"))?;
        Ok(Some(Pseudonyms::new(key)))
    }
}

/// All events, so that they can be folded again.
fn events(past: Past, out: &mut Output<'_>) -> Result<()> {
    let mut exporter = Exporter::new(past.begin.clone());
    let state = past.read(&mut |recorded, state| {
        exporter.decision(recorded, state).iter().try_for_each(|line| out.line(line))
    })?;
    exporter.finish(&state).map_or(Ok(()), |line| out.line(&line))
}
