//! `ledger …`: looking after a data directory.

mod anchored;
mod archive;
mod backup;
mod checkpoint;
pub(crate) mod clock;
mod erase;
mod hold;
mod proof;
mod restore;
mod salvage;
mod seal;
mod stats;
pub(crate) mod verify;

use crate::args::Global;
use crate::configured::{self, Flags};
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::whence::Whence;
use anyhow::Result;
use clap::Subcommand;
use std::path::PathBuf;

/// `ledger …`
#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// Show what a ledger holds
    Stats,
    Verify(verify::Verify),
    Checkpoint(checkpoint::CheckpointVerb),
    /// End the active volume and seal it into one plain file
    Seal,
    /// Rebuild a damaged ledger from what is whole; nothing is deleted
    Salvage,
    Backup(backup::Backup),
    Restore(restore::Restore),
    Archive(archive::Archive),
    Hold(hold::Hold),
    Release(hold::Release),
    /// Erase a person: end the sessions, destroy the key of what is sealed
    Erase(erase::Erase),
    /// Compare the clock with the ledger, or accept it
    Clock(clock::Clock),
}

impl Ledger {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        if let Self::Erase(erase) = self {
            return erase.run(global, out);
        }
        match (self, &global.connect, &global.data, &global.recording) {
            (Self::Stats, Some(url), None, None) => return stats::of_served(url, global.tz, out),
            (Self::Stats, None, None, Some(file)) => return stats::of_recording(file, global, out),
            (Self::Verify(verify), None, None, Some(file)) => return verify.of_recording(file, out),
            (Self::Checkpoint(checkpoint), _, None, None) => {
                return checkpoint.of_served(&Whence::url(global)?, out);
            }
            (Self::Seal, _, None, None) => return seal::of_served(&Whence::url(global)?, out),
            (Self::Backup(backup), ..) => return backup.run(global, out),
            (Self::Restore(restore), ..) => return restore.run(global, out),
            (Self::Hold(hold), ..) => return hold.run(global, out),
            (Self::Release(release), ..) => return release.run(global, out),
            _ => {}
        }
        if global.recording.is_some() || global.connect.is_some() {
            Whence::of(global)?;
            return Err(Usage::error("this verb looks at a data directory: use --data DIR"));
        }
        if let Self::Archive(archive) = self {
            return archive.run(global, out);
        }
        let configured = configured::load(global, &Flags::new(), out)?;
        let dir = configured.config.ledger.data.clone();
        match self {
            Self::Stats => stats::of_data(&dir, global, out),
            Self::Verify(verify) => verify.of_data(&dir, out),
            Self::Checkpoint(checkpoint) => checkpoint.of_data(&dir, &configured, out),
            Self::Seal => seal::of_data(&dir, out),
            Self::Salvage => salvage::run(&dir, out),
            Self::Erase(erase) => erase.run(global, out),
            Self::Clock(clock) => clock.run(&dir, configured.config.ledger.gap_max, global, out),
            // Told apart above.
            Self::Backup(_) | Self::Restore(_) | Self::Archive(_) | Self::Hold(_) | Self::Release(_) => {
                Ok(Exit::Ok)
            }
        }
    }
}

/// Refuses a directory that somebody serves.
pub(crate) fn not_served(dir: &std::path::Path) -> Result<()> {
    let Ok(Some(served)) = sledger_log::served(dir) else { return Ok(()) };
    let dir = dir.display();
    let served = match (served.pid, served.url) {
        (0, _) => format!("`{dir}` is served by another process"),
        (pid, None) => format!("`{dir}` is served by pid {pid}"),
        (pid, Some(url)) => format!("`{dir}` is served by pid {pid} at {url}; use --connect {url}"),
    };
    anyhow::bail!("{served}")
}

/// The file in a data directory by which an operator accepts a clock that is far ahead.
pub(crate) fn accepted_path(dir: &std::path::Path) -> PathBuf {
    dir.join("clock-accepted")
}
