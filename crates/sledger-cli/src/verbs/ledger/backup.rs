//! `ledger backup`: a ledger's blocks into a folder of plain files, while it serves or at rest.
//!
//! Promise: a second run adds what is new; every block is checked before it is written, every segment is read back;
//! what is interrupted leaves whole segments. Nothing in the ledger is changed.

use super::not_served;
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::served;
use crate::verbs::asking::Asking;
use crate::whence::Whence;
use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use sledger_core::Seq;
use sledger_log::backup::{Backup as Kept, BackupWriter, Written};
use sledger_log::{BlockStream, Reader};
use sledger_replay::export::hex;
use std::path::{Path, PathBuf};

/// What a backup does not hold, and why.
pub(super) const NOT_IN_IT: [(&str, &str); 6] = [
    ("snapshots", "caches: made anew"),
    ("session.key", "a secret of the server: ids that it gives out are others without it"),
    ("the configuration file", "lies elsewhere; what it said is in the blocks"),
    ("keys/", "of sealed personal data: so that who is erased is erased in backups, too"),
    ("audit positions", "belong to the sinks of one server"),
    ("checkpoint.key", "signs for one server; keep it apart"),
];

/// Back up a ledger, while it serves (--connect) or at rest (--data)
///
/// DEST is a folder of plain files: segments of raw blocks and their
/// manifests. A second run adds what is new. Restore it with `ledger restore`
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The folder of the backup; made if it is not there
    #[arg(value_name = "DEST")]
    dest: PathBuf,
    /// Only from this event on, e.g. behind an older backup
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
    since: Option<u64>,
}

impl Backup {
    /// Runs it.
    pub(super) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let done = match Whence::of(global)? {
            Whence::Connect(url) => self.of_served(&url)?,
            Whence::Data(dir) => self.of_data(&dir)?,
            Whence::Recording(_) => {
                return Err(Usage::error("a ledger is backed up: give --connect URL or --data DIR"));
            }
        };
        tell(&self.dest, &done, out)
    }

    fn of_data(&self, dir: &Path) -> Result<(Written, Kept)> {
        not_served(dir)?;
        let reader = Reader::open(dir)?;
        let mut writer = BackupWriter::begin(&self.dest, reader.meta(), Some(dir))?;
        let from = writer.reads_from(self.since.map(Seq))?;
        if let Some(begins) = reader.begins() {
            check_begin((from, self.since), begins.head.seq, &begins.to_string(), &writer)?;
            if !writer.is_continued() && self.since.is_none() {
                writer.with_base_of(begins, dir)?;
            }
        }
        let mut last = Seq(0);
        for block in reader.blocks(from) {
            let block = block?;
            last = block.header().last();
            writer.push(&block)?;
        }
        self.check_since(writer.is_continued() || last >= from)?;
        Ok(writer.finish()?)
    }

    fn of_served(&self, url: &str) -> Result<(Written, Kept)> {
        let asking = Asking::new(url)?;
        let stats = asking.stats()?;
        let mut writer = BackupWriter::begin(&self.dest, &served::meta(&stats)?, None)?;
        let from = writer.reads_from(self.since.map(Seq))?;
        self.check_since(writer.is_continued() || from.0 <= stats.head.max(1))?;
        if let Some(told) = &stats.begins {
            let begins = served::begins(told)?;
            check_begin((from, self.since), begins.head.seq, &begins.to_string(), &writer)?;
            if !writer.is_continued() && self.since.is_none() {
                writer.with_base(&begins, &mut asking.base_file()?)?;
            }
        }
        if from.0 > stats.head {
            return Ok(writer.finish()?);
        }
        for block in BlockStream::anywhere(asking.blocks_from(from)?) {
            writer.push(&block?)?;
        }
        Ok(writer.finish()?)
    }

    fn check_since(&self, reaches: bool) -> Result<()> {
        match self.since {
            Some(since) if !reaches => Err(Usage::error(format!(
                "--since {since} lies beyond the last event: there is nothing to back up"
            ))),
            _ => Ok(()),
        }
    }
}

/// Nothing that is gone can be backed up any more.
fn check_begin(
    (from, since): (Seq, Option<u64>),
    gone: Seq,
    begins: &str,
    writer: &BackupWriter,
) -> Result<()> {
    if from <= gone && (writer.is_continued() || since.is_some()) {
        bail!("events from seq {from} on are asked for: {begins}; begin a new backup in another folder");
    }
    Ok(())
}

fn tell(dest: &Path, (written, kept): &(Written, Kept), out: &mut Output<'_>) -> Result<Exit> {
    let head = kept.head();
    if out.is_json() {
        let not_in_it: Vec<_> =
            NOT_IN_IT.iter().map(|(what, why)| json!({"what": what, "why": why})).collect();
        out.json(&json!({
            "ledger": kept.meta.ledger.to_string(), "first": kept.before.seq.0 + 1, "last": head.seq.0,
            "head": hex(&head.hash), "at": head.at.rfc3339(), "segments": kept.segments.len(), "bytes": kept.bytes(),
            "added": {"events": written.events, "blocks": written.blocks, "bytes": written.bytes,
                "segments": written.segments},
            "not_in_it": not_in_it,
        }))?;
        return Ok(Exit::Ok);
    }
    let Written { events, blocks, bytes, .. } = written;
    let dest = sledger_wire::escape(&dest.display().to_string()).into_owned();
    out.line(&format!("added {events} events in {blocks} blocks, {bytes} bytes, to {dest}"))?;
    let first = kept.before.seq.0 + 1;
    let shown = format!("it holds seq {first} to {} of ledger {}, checked", head.seq, kept.meta.ledger);
    out.line(&format!("{shown}; head {}", hex(&head.hash)))?;
    for (what, why) in NOT_IN_IT {
        out.say(&format!("not in it: {what} ({why})"));
    }
    Ok(Exit::Ok)
}
