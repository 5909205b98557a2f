//! `ledger restore`: a ledger out of a backup, in an empty folder.
//!
//! Promise: every byte of the backup is checked before anything is written; nothing is ever written over; what fails
//! leaves nothing behind. The first start of what was restored records that it was.

use super::backup::NOT_IN_IT;
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use anyhow::Result;
use clap::Args;
use serde_json::json;
use sledger_log::backup::{Backup, BackupError, Restored, restore};
use sledger_replay::{export::hex, history};
use std::path::{Path, PathBuf};

/// Make a ledger out of a backup, in an empty folder (--data)
///
/// Everything is checked first. Several backups, each taken with --since
/// behind the one before, are given in order
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The folders of the backup, oldest first
    #[arg(value_name = "BACKUP", required = true)]
    backups: Vec<PathBuf>,
}

impl Restore {
    /// Runs it.
    pub(super) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let Some(dir) = &global.data else {
            return Err(Usage::error("name the folder of the new ledger: --data DIR"));
        };
        if global.connect.is_some() || global.recording.is_some() {
            return Err(Usage::error("a ledger is restored into a folder: --data DIR alone"));
        }
        let mut backups = Vec::new();
        for path in &self.backups {
            let backup = Backup::open(path)?;
            backups.push(backup.ok_or_else(|| BackupError::NoBackup { dir: path.clone() })?);
        }
        let restored = restore(&backups, dir, (None, &mut |_| Ok(())))?;
        let digest = history::fold(dir, |_| ())?.digest();
        tell(dir, (&restored, &hex(&digest)), out)
    }
}

fn tell(dir: &Path, (restored, digest): (&Restored, &str), out: &mut Output<'_>) -> Result<Exit> {
    let Restored { meta, begins, head, volumes, blocks, events } = restored;
    let dir = sledger_wire::escape(&dir.display().to_string()).into_owned();
    let warning = format!(
        "this ledger has the id {} of the one it was backed up from: where that one still serves, both go on as \
         histories of one id, and nothing can tell afterwards which is meant. Let one of them serve only",
        meta.ledger
    );
    if out.is_json() {
        out.json(&json!({
            "ledger": meta.ledger.to_string(), "first": head.seq.0 + 1 - events, "last": head.seq.0,
            "head": hex(&head.hash), "digest": digest, "events": events, "blocks": blocks, "volumes": volumes,
            "begins": begins.map(|begins| begins.to_string()), "warning": warning,
        }))?;
        return Ok(Exit::Ok);
    }
    let first = head.seq.0 + 1 - events;
    out.line(&format!(
        "restored seq {first} to {}: {events} events, {blocks} blocks, {volumes} volumes in {dir}",
        head.seq
    ))?;
    out.line(&format!("head {}, digest {digest}", hex(&head.hash)))?;
    if let Some(begins) = begins {
        out.line(&begins.to_string())?;
    }
    out.say(&format!("warning: {warning}"));
    for (what, why) in NOT_IN_IT {
        out.say(&format!("not restored: {what} ({why})"));
    }
    Ok(Exit::Ok)
}
