//! `export`: a ledger's past as a recording, as events, as a table for people or programs, or as its very blocks.
//!
//! Promise: it streams; what is held is the state of who is in, and one decision. Nothing is ever written to the
//! ledger. An export of events or of blocks can be read back by every verb that takes `--recording`.

mod parquet;
mod proof;
mod range;
mod recording;

use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::past::Past;
use crate::whence::Whence;
use anyhow::{Result, anyhow};
use clap::{Args, ValueEnum};
use parquet::Table;
use range::Range;
use sledger_core::State;
use sledger_core::decide::edge::user_key;
use sledger_projector::tell;
use sledger_replay::export::Exporter;
use sledger_replay::one_user::{OneUser, line};
use sledger_replay::pseudonyms::Pseudonyms;
use sledger_wire::csv;
use sledger_wire::events::EventLine;
use std::path::PathBuf;

/// Export the past of a ledger, to stdout
///
/// Events and blocks can be read back with --recording FILE. A recording decides the same again with simulate
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// recording: commands; events: one JSON object each; csv, parquet: a
    /// table; blocks: the ledger's own bytes [default: events]
    #[arg(long, value_enum, hide_possible_values = true)]
    #[arg(value_name = "recording|events|csv|parquet|blocks")]
    format: Option<ExportFormat>,
    /// Only what concerns this user
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Pseudonyms for users, sessions, addresses and attributes. With --user
    /// and no --format: a proof, the decisions of all others as hashes
    #[arg(long)]
    redact: bool,
    /// From here on: a time, -2h, seq:N (after that event) or ms:N
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    since: Option<String>,
    /// Before this time, or up to seq:N
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    until: Option<String>,
    /// Up to where a proof goes [default: the ledger's newest, with --data]
    #[arg(long, value_name = "FILE", requires = "redact", requires = "user")]
    checkpoint: Option<PathBuf>,
}

/// Gets each event.
type Show<'s> = &'s mut dyn FnMut(&EventLine) -> Result<()>;

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
    /// A table of events with types.
    Parquet,
    /// Blocks as they lie on the disk.
    Blocks,
}

impl Export {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let whence = Whence::of(global)?;
        if self.is_proof() {
            self.proof(&whence, global, out)?;
            return Ok(Exit::Ok);
        }
        if self.checkpoint.is_some() {
            return Err(Usage::error(
                "--checkpoint goes with a proof: --user USER --redact, without --format",
            ));
        }
        let range = Range::of(self.since.as_deref(), self.until.as_deref(), &whence, global.tz)?;
        match self.format.unwrap_or_default() {
            ExportFormat::Blocks => self.blocks(&whence, global, out)?,
            ExportFormat::Recording => self.recording(&whence, range, global, out)?,
            ExportFormat::Csv => {
                let past = Past::open(&whence, global, out)?;
                out.text(&csv::header())?;
                self.lines(past, range, &mut |line| out.text(&csv::row(line)))?;
            }
            ExportFormat::Parquet => {
                let past = Past::open(&whence, global, out)?;
                let mut table = Table::new()?;
                self.lines(past, range, &mut |line| out.bytes(&table.add(line)?))?;
                out.bytes(&table.finish()?)?;
            }
            ExportFormat::Events if self.is_whole() => events(Past::open(&whence, global, out)?, out)?,
            ExportFormat::Events => {
                let past = Past::open(&whence, global, out)?;
                self.lines(past, range, &mut |line| out.line(&line.to_json()))?;
                out.say(
                    "this export cannot be folded again: it is of one user, of a part, or under pseudonyms",
                );
            }
        }
        Ok(Exit::Ok)
    }

    const fn is_proof(&self) -> bool {
        self.user.is_some() && self.redact && self.format.is_none()
    }

    const fn is_whole(&self) -> bool {
        self.user.is_none() && !self.redact && self.since.is_none() && self.until.is_none()
    }

    fn blocks(&self, whence: &Whence, global: &Global, out: &mut Output<'_>) -> Result<()> {
        if !self.is_whole() {
            let flags = [
                ("--redact", self.redact),
                ("--user", self.user.is_some()),
                ("--since", self.since.is_some()),
            ];
            let flag = flags.iter().find(|(_, is_given)| *is_given).map_or("--until", |(flag, _)| flag);
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

    /// Shows every event asked for.
    fn lines(&self, past: Past, range: Range, show: Show<'_>) -> Result<()> {
        let pseudonyms = self.pseudonyms()?;
        past.read(&mut |recorded, state| {
            if !range.covers(recorded) {
                return Ok(());
            }
            let key = self.key(state)?;
            for told in tell(state, recorded) {
                let line = match key.as_deref().map(OneUser) {
                    Some(user) if !user.concerns(&told) => continue,
                    Some(user) => user.event(&told, state, pseudonyms.as_ref()),
                    None => line(&told, state, pseudonyms.as_ref()),
                };
                show(&line)?;
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
    if past.begin.base.is_some() {
        out.say("this export cannot be folded again: what it begins on is in `ledger backup` alone");
    }
    let mut exporter = Exporter::new(past.begin.clone());
    let state = past.read(&mut |recorded, state| {
        exporter.decision(recorded, state).iter().try_for_each(|line| out.line(line))
    })?;
    exporter.finish(&state).map_or(Ok(()), |line| out.line(&line))
}
