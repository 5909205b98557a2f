//! Snapshots: files beside the volumes that say what the log amounts to at one seq.
//!
//! ```text
//! DIR/snapshots/SSSSSSSSSSSS.snap   the state after event S
//! DIR/snapshots/SSSSSSSSSSSS.tmp    being written
//!
//! snapshot := header { frame } trailer          all integers little-endian
//! header   := magic 8 · format u16 · revision of rows u32 · rules u32 · ledger id 16 · partition u32
//!             · seq u64 · time u64 · check 32
//! frame    := length u32 · kind u8 · check 32 · body
//! trailer  := magic 8 · hash of the block that ends at seq 32 · its time u64 · through u64 · frames u64
//!             · BLAKE3 of all frames' checks 32 · check 32
//! ```
//!
//! A check of header and trailer is BLAKE3 of what stands before it in them; a frame's is BLAKE3 of its index (u64),
//! kind and body. `through` is the seq that the log must have reached for the snapshot to be whole.
//!
//! Where personal values are sealed, a body is nonce 24 · XChaCha20-Poly1305 of the rows, under a key that goes with
//! the next erasure, as the snapshots then do.
//! The two newest are kept, and of the older ones some for old times, see `sparse`.
//!
//! Promise: a file with its last name is whole and durable. A snapshot is a cache: it is good only where the log holds
//! the block that it names, and never stands against the log. Whoever can write the directory can write one.
//!
//! Absent on purpose: what the rows in a frame are, and any judgement of them.

mod base;
mod format;
mod read;
mod sparse;
mod write;

pub use base::Bases;
pub use format::{SnapshotAbout, SnapshotEnd, SnapshotError};
pub use read::SnapshotReader;
pub use write::SnapshotWriter;

use crate::dir::Meta;
use crate::files;
use crate::keys::{Cipher, KeyRing};
use crate::probe::Probe;
use sledger_core::Seq;
use sparse::{Kept, NEWEST, superfluous};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Every point on the way of a snapshot to the disk, in order.
pub const SNAPSHOT_POINTS: [&str; 4] =
    ["snapshot.begin", "snapshot.written", "snapshot.renamed", "snapshot.removed_old"];

/// The snapshots of one ledger.
#[derive(Clone)]
pub struct Snapshots {
    data: PathBuf,
    dir: PathBuf,
    meta: Meta,
    probe: Option<Arc<dyn Probe>>,
    /// Where personal values are sealed: what seals snapshots, or why there is nothing to do it with.
    keys: Option<Result<Arc<KeyRing>, Arc<str>>>,
}

impl Snapshots {
    /// Those of the ledger in the data directory `data`, which is `meta`.
    #[must_use]
    pub fn new(data: &Path, meta: &Meta, probe: Option<Arc<dyn Probe>>) -> Self {
        let keys = meta.seal_personal.then(|| KeyRing::read(data, meta.ledger));
        let keys = keys.map(|keys| keys.map(Arc::new).map_err(|error| Arc::from(error.to_string())));
        Self { data: data.to_owned(), dir: data.join("snapshots"), meta: meta.clone(), probe, keys }
    }

    /// What the ledger is.
    #[must_use]
    pub const fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The seqs of which there are snapshots, newest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> io::Result<Vec<Seq>> {
        let found = match files::entries(&self.dir) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut seqs: Vec<Seq> = found.iter().filter_map(|path| seq_of(files::name(path))).collect();
        seqs.sort_unstable_by(|a, b| b.cmp(a));
        Ok(seqs)
    }

    /// Where the snapshot of `seq` lies.
    #[must_use]
    pub fn path(&self, seq: Seq) -> PathBuf {
        self.dir.join(format!("{:012}.snap", seq.0))
    }

    /// Opens the snapshot of `seq`.
    ///
    /// # Errors
    /// [`SnapshotError`]: not there, cut, changed, or of another ledger, format or revision.
    pub fn open(&self, seq: Seq) -> Result<SnapshotReader, SnapshotError> {
        let reader = SnapshotReader::open(&self.path(seq), self.cipher()?)?;
        let about = reader.about();
        if about.ledger != self.meta.ledger || about.partition != self.meta.partition {
            return Err(SnapshotError::Ledger { found: about.ledger });
        }
        if about.seq != seq {
            return Err(SnapshotError::Name { found: about.seq });
        }
        Ok(reader)
    }

    /// Begins to write the snapshot of `seq`. What an earlier one left unfinished is removed.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn begin(&self, about: SnapshotAbout) -> io::Result<SnapshotWriter> {
        if !self.dir.is_dir() {
            fs::create_dir_all(&self.dir)?;
            files::sync_dir(&self.data)?;
        }
        self.remove_unfinished()?;
        let tmp = self.dir.join(format!("{:012}.tmp", about.seq.0));
        let writer = SnapshotWriter::begin(tmp, &about, self.cipher()?)?;
        self.reach("snapshot.begin")?;
        Ok(writer)
    }

    /// Gives a whole snapshot its name, and removes those that are no longer kept. Durable when this returns.
    ///
    /// # Errors
    /// When that fails: the snapshots that were there before are still there.
    pub fn publish(&self, writer: SnapshotWriter, end: &SnapshotEnd) -> io::Result<PathBuf> {
        let path = self.path(end.head.seq);
        let tmp = writer.finish(end)?;
        self.reach("snapshot.written")?;
        files::rename(tmp.path(), &path)?;
        tmp.keep();
        self.reach("snapshot.renamed")?;
        for old in self.superfluous()? {
            files::remove(&self.path(old))?;
        }
        self.reach("snapshot.removed_old")?;
        Ok(path)
    }

    /// Removes every snapshot there is: what they hold may have become unreadable, or was to go.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn remove_all(&self) -> io::Result<()> {
        for seq in self.list()? {
            files::remove(&self.path(seq))?;
        }
        Ok(())
    }

    /// What seals a snapshot's frames; `None` where personal values stand in the clear.
    fn cipher(&self) -> io::Result<Option<Arc<Cipher>>> {
        let Some(keys) = &self.keys else { return Ok(None) };
        let keys = keys.as_ref().map_err(|reason| io::Error::other(reason.to_string()))?;
        let found = keys.snapshot_cipher()?;
        found.map(Some).ok_or_else(|| io::Error::other("the key that seals snapshots is not there"))
    }

    /// Those that are kept neither as the newest nor for old times.
    fn superfluous(&self) -> io::Result<Vec<Seq>> {
        let bytes = |seq: Seq| fs::metadata(self.path(seq)).map_or(0, |about| about.len());
        let all: Vec<Kept> = self.list()?.into_iter().map(|seq| Kept { seq, bytes: bytes(seq) }).collect();
        Ok(superfluous(&all, files::bytes_below(&self.data.join("volumes"))))
    }

    /// Removes those that are kept for old times only: what is written next needs their room. Whether there were any.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub fn drop_old(&self) -> io::Result<bool> {
        let old: Vec<Seq> = self.list()?.into_iter().skip(NEWEST).collect();
        old.iter().try_for_each(|seq| files::remove(&self.path(*seq)))?;
        Ok(!old.is_empty())
    }

    /// Bytes that an unprivileged process can still write beside the ledger.
    ///
    /// # Errors
    /// When the file system cannot be asked.
    pub fn free_bytes(&self) -> io::Result<u64> {
        files::free_bytes(&self.data)
    }

    fn remove_unfinished(&self) -> io::Result<()> {
        let all = files::entries(&self.dir)?;
        let unfinished = all.iter().filter(|path| path.extension().is_some_and(|word| word == "tmp"));
        for path in unfinished {
            files::remove(path)?;
        }
        Ok(())
    }

    fn reach(&self, point: &'static str) -> io::Result<()> {
        let Some(probe) = &self.probe else { return Ok(()) };
        probe.at(point);
        probe.fail(point).map_or(Ok(()), |text| Err(io::Error::other(text)))
    }
}

impl std::fmt::Debug for Snapshots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshots").field("dir", &self.dir).finish_non_exhaustive()
    }
}

fn seq_of(name: &str) -> Option<Seq> {
    let digits = name.strip_suffix(".snap")?;
    let is_number = digits.len() >= 12 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok().map(Seq)).flatten()
}

#[cfg(test)]
mod tests;
