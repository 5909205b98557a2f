//! Adds blocks to a backup.
//!
//! Order: blocks go into a segment that has no name yet; a full one is published and the manifest of the whole
//! rewritten. So a run that is cut short leaves a backup that reaches as far as its last segment.

use super::segment::Growing;
use super::{Backup, BackupError, segment, tidy};
use crate::archive::is_within_ledger;
use crate::begins::Begins;
use crate::block::Block;
use crate::dir::Meta;
use crate::files;
use crate::snapshots::Bases;
use rustix::fs::{FlockOperation, flock};
use sledger_core::Seq;
use sledger_core::log::Head;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A segment is published once it has so many bytes.
const SEGMENT_BYTES: u64 = 256 << 20;

/// What a run added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Events.
    pub events: u64,
    /// Blocks.
    pub blocks: u64,
    /// Bytes of blocks.
    pub bytes: u64,
    /// Segments.
    pub segments: u64,
}

/// A backup that is being added to. Dropped before it is finished, it leaves what was published.
#[derive(Debug)]
pub struct BackupWriter {
    backup: Backup,
    /// Whether the folder held a backup before.
    is_continued: bool,
    /// Whether the block was seen with which it ends, or one behind it.
    has_met: bool,
    head: Head,
    current: Option<Growing>,
    segment_bytes: u64,
    written: Written,
    /// Held so that one run writes at a time.
    _lock: File,
}

impl BackupWriter {
    /// Begins to write the backup of the ledger `meta` in `dir`, or goes on with the one that is there. `data` is the
    /// ledger's own folder where that is known.
    ///
    /// # Errors
    /// [`BackupError`]: another ledger, another run, something else in the folder, a damaged manifest.
    pub fn begin(dir: &Path, meta: &Meta, data: Option<&Path>) -> Result<Self, BackupError> {
        if is_within_ledger(dir, data) || dir.join("ledger.toml").exists() {
            return Err(BackupError::Within { dir: dir.to_owned() });
        }
        let made = |source| BackupError::io("make", dir, source);
        fs::create_dir_all(dir).map_err(made)?;
        let lock = File::open(dir).map_err(made)?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(BackupError::Busy { dir: dir.to_owned() });
        }
        let found = Backup::open(dir)?;
        match &found {
            Some(backup) if backup.meta.ledger != meta.ledger || backup.meta.partition != meta.partition => {
                let (found, expected) = (backup.meta.ledger, meta.ledger);
                return Err(BackupError::OtherLedger { dir: dir.to_owned(), found, expected });
            }
            None if has_strangers(dir).map_err(made)? => {
                return Err(BackupError::NotABackup { dir: dir.to_owned() });
            }
            _ => {}
        }
        tidy(dir).map_err(made)?;
        let is_continued = found.is_some();
        let fresh = || Backup {
            dir: dir.to_owned(),
            meta: meta.clone(),
            before: Head::default(),
            begins: None,
            segments: Vec::new(),
        };
        let backup = found.unwrap_or_else(fresh);
        let (head, written) = (backup.head(), Written::default());
        let segment_bytes = SEGMENT_BYTES;
        Ok(Self {
            backup,
            is_continued,
            has_met: false,
            head,
            current: None,
            segment_bytes,
            written,
            _lock: lock,
        })
    }

    /// Ends segments after so many bytes instead of 256 MiB.
    #[must_use]
    pub fn with_segments_of(self, bytes: u64) -> Self {
        Self { segment_bytes: bytes, ..self }
    }

    /// Where the backup ends so far.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Whether it goes on with what an earlier run wrote.
    #[must_use]
    pub const fn is_continued(&self) -> bool {
        self.is_continued
    }

    /// The event to read from: the last one there is, to see that the histories are one, else `since` or the first.
    ///
    /// # Errors
    /// [`BackupError::Hole`] where `since` lies behind the next event.
    pub fn reads_from(&self, since: Option<Seq>) -> Result<Seq, BackupError> {
        let (end, since) = (self.head.seq, since.unwrap_or(Seq(1)).max(Seq(1)));
        if !self.is_continued {
            return Ok(since);
        }
        if since > end.next() {
            return Err(BackupError::Hole { dir: self.backup.dir.clone(), end, since });
        }
        Ok(end.max(Seq(1)))
    }

    /// Has a new backup begin where the ledger's history does: copies the state that stood there.
    ///
    /// # Errors
    /// When the base cannot be written, or is not the one that is named.
    pub fn with_base(&mut self, begins: &Begins, base: &mut dyn io::Read) -> Result<(), BackupError> {
        let path = self.backup.base_path(begins.head.seq);
        let write = |source| BackupError::io("write", &path, source);
        let tmp = path.with_extension("tmp");
        let mut file = File::create(&tmp).map_err(write)?;
        io::copy(base, &mut file).and_then(|_| file.sync_all()).map_err(write)?;
        if files::hash(&tmp).map_err(write)? != begins.base {
            files::remove(&tmp).map_err(write)?;
            return Err(BackupError::ReadBack {
                detail: "the base is not the one that was named".to_owned(),
            });
        }
        files::rename(&tmp, &path).map_err(write)?;
        self.backup.before = begins.head;
        self.backup.begins = Some(*begins);
        self.head = begins.head;
        Ok(())
    }

    /// As [`BackupWriter::with_base`], from the data directory of the ledger.
    ///
    /// # Errors
    /// As there.
    pub fn with_base_of(&mut self, begins: &Begins, data: &Path) -> Result<(), BackupError> {
        let path = Bases::new(data, &self.backup.meta).path(begins.head.seq);
        let mut file = File::open(&path).map_err(|source| BackupError::io("read", &path, source))?;
        self.with_base(begins, &mut file)
    }

    /// Adds the next block. The first may be the last that is there already: then it must be the very same.
    ///
    /// # Errors
    /// [`BackupError`]: it does not follow, or cannot be written.
    pub fn push(&mut self, block: &Block) -> Result<(), BackupError> {
        let (header, dir) = (block.header(), self.backup.dir.clone());
        if header.ledger != self.backup.meta.ledger {
            let (found, expected) = (self.backup.meta.ledger, header.ledger);
            return Err(BackupError::OtherLedger { dir, found, expected });
        }
        if self.is_new() {
            self.begins_with(block);
        } else if header.last() == self.head.seq && self.written.blocks == 0 {
            let is_same = block.hash() == self.head.hash;
            let seq = self.head.seq;
            self.has_met = true;
            return if is_same { Ok(()) } else { Err(BackupError::OtherHistory { dir, seq }) };
        }
        if header.first != self.head.seq.next() {
            return Err(BackupError::Order { seq: self.head.seq, found: header.first });
        }
        if header.prev != self.head.hash {
            return Err(BackupError::OtherHistory { dir, seq: self.head.seq });
        }
        self.has_met = true;
        self.add(block).map_err(|source| BackupError::io("write to", &dir, source))
    }

    /// Publishes the last segment. What the run added, and the backup as it is now.
    ///
    /// # Errors
    /// When the ledger showed nothing of what is there, or it cannot be written: what was published before stays.
    pub fn finish(mut self) -> Result<(Written, Backup), BackupError> {
        let dir = self.backup.dir.clone();
        if self.is_continued && self.head.seq > Seq(0) && !self.has_met {
            return Err(BackupError::Ahead { dir, seq: self.head.seq });
        }
        let failed = |source| BackupError::io("write to", &dir, source);
        self.publish().map_err(failed)?;
        if self.written.segments == 0 && !self.is_continued {
            self.backup.write().map_err(failed)?;
        }
        Ok((self.written, self.backup))
    }

    /// Whether nothing says yet after which event it begins.
    fn is_new(&self) -> bool {
        !self.is_continued && self.backup.begins.is_none() && self.written.blocks == 0
    }

    /// A backup of what came since some event begins with the block that holds it.
    fn begins_with(&mut self, block: &Block) {
        let header = block.header();
        let seq = Seq(header.first.0.saturating_sub(1));
        self.head = Head { seq, hash: header.prev, ..Head::default() };
        self.backup.before = self.head;
    }

    fn add(&mut self, block: &Block) -> io::Result<()> {
        let mut current = match self.current.take() {
            Some(current) => current,
            None => Growing::begin(&self.backup.dir, self.head)?,
        };
        current.push(block)?;
        self.head = block.head();
        self.written.events += u64::from(block.header().events);
        self.written.blocks += 1;
        self.written.bytes += block.bytes().len() as u64;
        let is_full = current.bytes() >= self.segment_bytes;
        self.current = Some(current);
        if is_full { self.publish() } else { Ok(()) }
    }

    fn publish(&mut self) -> io::Result<()> {
        let Some(current) = self.current.take() else { return Ok(()) };
        let segment = current.publish(&self.backup.dir, self.backup.meta.ledger)?;
        self.backup.segments.push(segment);
        self.written.segments += 1;
        self.backup.write()
    }
}

/// Whether something lies in a folder without a manifest that no run of ours began.
fn has_strangers(dir: &Path) -> io::Result<bool> {
    let is_ours = |path: &PathBuf| {
        let name = files::name(path);
        let is_base = path.extension().is_some_and(|word| word == "base");
        segment::range(name).is_some() || is_base || path.extension().is_some_and(|word| word == "tmp")
    };
    Ok(!files::entries(dir)?.iter().all(is_ours))
}
