//! Where the checkpoints of a ledger are kept: `checkpoints/` in its directory, and wherever they are shipped.
//!
//! ```text
//! checkpoints/SSSSSSSSSSSS.checkpoint  after event S
//! checkpoints/KKKKKKKKKKKKKKKK.pem     a public key that signed some of them
//! TO/LEDGER-SSSSSSSSSSSS.checkpoint    shipped; there nothing is ever removed or written anew
//! ```
//!
//! Bounded: the newest [`NEWEST_MAX`] are kept, one a day of the year before, and one for each thirty days before
//! that.

use super::{CHECKPOINT_BYTES_MAX, Checkpoint, key};
use crate::dir;
use crate::files;
use sledger_core::{Millis, Seq};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// So many are kept whatever their age.
const NEWEST_MAX: usize = 100;
const DAY_MS: u64 = 86_400_000;
const DAYS_SINGLE: u64 = 366;
const DAYS_THINNED: u64 = 30;
const SUFFIX: &str = ".checkpoint";

/// The checkpoints of one ledger.
#[derive(Clone, Debug)]
pub struct Shelf {
    dir: PathBuf,
}

impl Shelf {
    /// The shelf of the ledger in `dir`.
    #[must_use]
    pub fn of(dir: &Path) -> Self {
        Self { dir: dir::checkpoints_path(dir) }
    }

    /// The newest that can be read.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn newest(&self) -> io::Result<Option<Checkpoint>> {
        Ok(self.paths()?.iter().rev().find_map(|path| read(path).ok().flatten()))
    }

    /// Every file of a checkpoint with what it holds, in order; `None` for one that is damaged.
    pub(crate) fn all(&self) -> io::Result<Vec<(PathBuf, Option<Checkpoint>)>> {
        self.paths()?.into_iter().map(|path| read(&path).map(|found| (path, found))).collect()
    }

    /// Keeps a checkpoint, durable when this returns. Where it lies.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn keep(&self, checkpoint: &Checkpoint) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.dir)?;
        key::publish(checkpoint.key(), &self.dir)?;
        let path = self.dir.join(name(checkpoint.stand().seq));
        files::write_whole(&path, checkpoint.render().as_bytes())?;
        Ok(path)
    }

    /// Removes those that need not be kept any more. How many.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn thin(&self) -> io::Result<usize> {
        let paths = self.paths()?;
        let old = paths.len().saturating_sub(NEWEST_MAX);
        let now = paths.last().map_or(Ok(None), |path| read(path))?;
        let now = now.map_or(Millis(0), |newest| newest.stand().time);
        let (mut removed, mut slot) = (0, None);
        for path in paths.into_iter().take(old) {
            let held = read(&path)?.map(|held| slot_of(held.stand().time, now));
            if held.is_none() || held == slot {
                files::remove(&path)?;
                removed += 1;
            } else {
                slot = held;
            }
        }
        Ok(removed)
    }

    /// Copies what is not there yet of the newest, and their keys, to another folder. How many.
    ///
    /// # Errors
    /// When the system refuses: nothing half written stands under a checkpoint's name.
    pub fn ship(&self, to: &Path) -> io::Result<usize> {
        let paths = self.paths()?;
        let mut shipped = 0;
        for path in paths.iter().skip(paths.len().saturating_sub(NEWEST_MAX)) {
            let Some(found) = read(path)? else { continue };
            let there = to.join(format!("{}-{}", found.stand().ledger, name(found.stand().seq)));
            if there.exists() {
                continue;
            }
            fs::create_dir_all(to)?;
            key::publish(found.key(), to)?;
            files::write_whole(&there, found.render().as_bytes())?;
            shipped += 1;
        }
        Ok(shipped)
    }

    fn paths(&self) -> io::Result<Vec<PathBuf>> {
        let found = match files::entries(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            found => found?,
        };
        let mut paths: Vec<(u64, PathBuf)> =
            found.into_iter().filter_map(|path| Some((seq(&path)?, path))).collect();
        paths.sort();
        Ok(paths.into_iter().map(|(_, path)| path).collect())
    }
}

/// The private key of the ledger in `dir`, unless it is told to lie elsewhere.
#[must_use]
pub fn key_path(dir: &Path) -> PathBuf {
    dir.join("checkpoint.key")
}

fn name(seq: Seq) -> String {
    format!("{:012}{SUFFIX}", seq.0)
}

fn seq(path: &Path) -> Option<u64> {
    files::name(path).strip_suffix(SUFFIX)?.parse().ok()
}

/// Of those that share a slot the first is kept.
const fn slot_of(time: Millis, now: Millis) -> (bool, u64) {
    let day = time.0 / DAY_MS;
    let is_single = day + DAYS_SINGLE >= now.0 / DAY_MS;
    (is_single, if is_single { day } else { day / DAYS_THINNED })
}

/// The checkpoint in a file; `None` where it is none.
fn read(path: &Path) -> io::Result<Option<Checkpoint>> {
    let mut text = Vec::new();
    File::open(path)?.take(CHECKPOINT_BYTES_MAX as u64 + 1).read_to_end(&mut text)?;
    Ok(Checkpoint::parse(&text).ok())
}
