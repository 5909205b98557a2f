//! Letting volumes go that are recorded as dropped or archived.
//!
//! Order: the mark `begin` takes its name, durable; then the files go, oldest first; then every base but the one that
//! the mark names. Readers look at the mark before they look at volumes, so at each moment there is one history,
//! gapless from where it begins. What a kill leaves is put in order at the next open (`leftovers`).
//!
//! Absent on purpose: deciding what may go, and recording it. Both come before.

use crate::begins::Begins;
use crate::dir::{self, Meta};
use crate::files;
use crate::probe::Probe;
use crate::snapshots::Bases;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Every point on the way of a volume out of a ledger, in order.
pub const KEEPING_POINTS: [&str; 6] = [
    "keeping.begin",
    "keeping.base",
    "keeping.recorded",
    "keeping.marked",
    "keeping.removed",
    "keeping.done",
];

/// Lets volumes of one ledger go. Whoever has it holds the ledger's lock.
#[derive(Clone)]
pub struct LettingGo {
    dir: PathBuf,
    meta: Meta,
    probe: Option<Arc<dyn Probe>>,
}

impl LettingGo {
    /// In the data directory `dir`, which is `meta`.
    #[must_use]
    pub fn new(dir: &Path, meta: &Meta, probe: Option<Arc<dyn Probe>>) -> Self {
        Self { dir: dir.to_owned(), meta: meta.clone(), probe }
    }

    /// What the ledger is.
    #[must_use]
    pub const fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Removes the volumes before the one that history is to begin with, from now on. Bytes that they took.
    ///
    /// # Errors
    /// What the system refused; before the mark stands nothing has changed, after it the next open goes on.
    pub fn let_go(&self, begins: &Begins) -> io::Result<u64> {
        begins.write(&self.dir, self.meta.ledger)?;
        self.reach("keeping.marked")?;
        let mut bytes = 0;
        for no in dir::numbers(&self.dir)?.into_iter().filter(|no| *no < begins.volume) {
            let path = dir::sealed_path(&self.dir, no);
            bytes += std::fs::metadata(&path).map_or(0, |found| found.len());
            files::remove(&path)?;
            self.reach("keeping.removed")?;
        }
        Bases::new(&self.dir, &self.meta).keep_only(begins.head.seq)?;
        self.reach("keeping.done")?;
        Ok(bytes)
    }

    /// BLAKE3 of the sealed file of a volume.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn hash_of(&self, volume: u32) -> io::Result<[u8; 32]> {
        files::hash(&dir::sealed_path(&self.dir, volume))
    }

    /// Writes down, in a text file of its own, what goes and why; durable when this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_down(&self, volume: u32, text: &str) -> io::Result<()> {
        let folder = self.dir.join("gone");
        if !folder.is_dir() {
            std::fs::create_dir_all(&folder)?;
            files::sync_dir(&self.dir)?;
        }
        files::write_whole(&folder.join(format!("{volume:06}.txt")), text.as_bytes())
    }

    /// Reaches `point`, one of [`KEEPING_POINTS`].
    ///
    /// # Errors
    /// What a harness has fail there.
    pub fn reach(&self, point: &'static str) -> io::Result<()> {
        debug_assert!(KEEPING_POINTS.contains(&point), "{point} is listed");
        let Some(probe) = &self.probe else { return Ok(()) };
        probe.at(point);
        probe.fail(point).map_or(Ok(()), |text| Err(io::Error::other(text)))
    }
}

impl std::fmt::Debug for LettingGo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LettingGo").field("dir", &self.dir).finish_non_exhaustive()
    }
}
