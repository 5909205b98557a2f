//! The log on one machine: appends, barriers, rotation, close.
//!
//! Invariants: an answer *committed* comes after `flush`, `fdatasync` and the
//! note of the head, in this order; after the first failure nothing is written
//! and nothing synced any more, sled is left as it is, and every append is
//! answered *failed*. A log that is dropped without [`Log::close`] is as after
//! a kill: the next open scans it.
//!
//! Absent on purpose: a time limit on a barrier. Whoever calls holds the watch.

use crate::block::Block;
use crate::dir::{self, Clean, End, Meta};
use crate::error::OpenError;
use crate::files;
use crate::head_mark::HeadMark;
use crate::keys::{KeyRing, KeysError};
use crate::lock::DirLock;
use crate::open::{self, LogConfig, Opened};
use crate::pack::{self, Stamp};
use crate::probe::Probes;
use crate::reader::{Blocks, Reader};
use crate::sealing::{SealStatus, SealedVolume, Sealing, Work};
use crate::volume::{self, Volume, VolumeError};
use sledger_core::Seq;
use sledger_core::log::{Appended, Batch, Head, Log};
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How long closing lets a volume that is being sealed go on.
const SEAL_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long the thread may take to notice that it is to stop: a frame, or a sync.
const SEAL_STOP_MAX: Duration = Duration::from_secs(5);

/// Why a log no longer takes anything.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error("{0}")]
    Pack(#[from] pack::PackError),
    #[error("{0}")]
    Volume(#[from] VolumeError),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Keys(#[from] KeysError),
    #[error("the log was closed")]
    Closed,
    #[error("making the next volume panicked")]
    AheadPanicked,
}

/// A ledger's log in a data directory.
#[derive(Debug)]
pub struct SledLog {
    config: LogConfig,
    probes: Probes,
    /// `None` once closed.
    lock: Option<Arc<DirLock>>,
    meta: Meta,
    /// Where personal values are sealed.
    keys: Option<Arc<KeyRing>>,
    /// `None` once closed or poisoned.
    volume: Option<Volume>,
    /// First seq of the active volume.
    first: Seq,
    head: Head,
    epoch: u64,
    mark: HeadMark,
    /// Set by the first failure, never cleared.
    poisoned: Option<String>,
    /// Makes the next volume while this one is still filling.
    ahead: Option<JoinHandle<Result<(), VolumeError>>>,
    sealing: Sealing,
    was_clean: bool,
}

impl SledLog {
    /// Opens the log, and makes the ledger if there is none.
    ///
    /// # Errors
    /// [`OpenError`], by what stands in the way. Nothing that is damaged is written to.
    pub fn open(config: LogConfig) -> Result<Self, OpenError> {
        let probes = Probes(config.probe.clone());
        let Opened { lock, meta, keys, volume, first, head, epoch, clean, unsealed } =
            open::open(&config, &probes)?;
        let path = dir::head_path(&config.dir);
        let mark =
            HeadMark::open(&path, meta.ledger).map_err(|source| OpenError::io("open", &path, source))?;
        let log = Self {
            config,
            probes,
            lock: Some(Arc::new(lock)),
            meta,
            keys: keys.map(Arc::new),
            volume: Some(volume),
            first,
            head,
            epoch,
            mark,
            poisoned: None,
            ahead: None,
            sealing: Sealing::default(),
            was_clean: clean,
        };
        if unsealed {
            log.begin_sealing();
        }
        Ok(log)
    }

    /// What the ledger is.
    #[must_use]
    pub const fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Whether it had been closed in good order, or was made just now.
    #[must_use]
    pub const fn was_clean(&self) -> bool {
        self.was_clean
    }

    /// Epoch of the last block, 0 when there is none.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Why nothing is taken any more, once something failed.
    #[must_use]
    pub fn poisoned(&self) -> Option<&str> {
        self.poisoned.as_deref()
    }

    /// Notes where the ledger is served, for whoever finds it locked.
    ///
    /// # Errors
    /// When the lock file cannot be written.
    pub fn note_url(&mut self, url: &str) -> io::Result<()> {
        self.lock.as_ref().map_or(Ok(()), |lock| lock.write(Some(url)))
    }

    /// Bytes that can still be written beside the ledger.
    ///
    /// # Errors
    /// When the file system cannot be asked.
    pub fn free_bytes(&self) -> io::Result<u64> {
        files::free_bytes(&self.config.dir)
    }

    /// The stored blocks that hold `from` and everything after it, as they lie on the disk.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn replay(&self, from: Seq) -> Result<Blocks, OpenError> {
        Ok(Reader::open(&self.config.dir)?.with_keys(self.keys.clone()).blocks(from))
    }

    /// The keys of what is personal; `None` where it is not sealed.
    #[must_use]
    pub fn keys(&self) -> Option<Arc<KeyRing>> {
        self.keys.clone()
    }

    /// Sealing, to be watched from elsewhere.
    #[must_use]
    pub fn sealing(&self) -> Sealing {
        self.sealing.clone()
    }

    /// The volumes sealed since this was asked last, in order.
    #[must_use]
    pub fn take_sealed(&self) -> Vec<SealedVolume> {
        self.sealing.take_sealed()
    }

    /// Ends the active volume, unless it is empty, and begins to seal what has ended. How sealing goes;
    /// [`Sealing::wait`] waits for it.
    ///
    /// # Errors
    /// What failed: the log is poisoned then.
    pub fn seal_now(&mut self) -> Result<SealStatus, String> {
        if let Some(reason) = &self.poisoned {
            return Err(reason.clone());
        }
        self.rotate_unless_empty().map_err(|error| self.poison(&error))?;
        Ok(self.sealing.status())
    }

    /// Ends the active volume unless it is empty; what has ended is sealed either way.
    fn rotate_unless_empty(&mut self) -> Result<(), WriteError> {
        if self.volume.as_ref().is_some_and(|volume| volume.blocks > 0) {
            return self.rotate();
        }
        self.begin_sealing();
        Ok(())
    }

    fn begin_sealing(&self) {
        let Some(lock) = self.lock.as_ref().filter(|_| self.config.seal) else { return };
        self.sealing.begin(Work {
            dir: self.config.dir.clone(),
            meta: self.meta.clone(),
            probes: self.probes.clone(),
            free_bytes_min: self.config.free_bytes_min,
            lock: Arc::clone(lock),
        });
    }

    /// Lets a volume that is being sealed go on for a while, then has it left as it is.
    fn end_sealing(&self, at_most: Duration) {
        let _ = self.sealing.wait(at_most);
        self.sealing.stop();
        if self.sealing.wait(SEAL_STOP_MAX).running {
            tracing::warn!("a volume is still being sealed; the directory stays locked until that ends");
        }
    }

    fn try_append(&mut self, batch: Batch<'_>) -> Result<(), WriteError> {
        let stamp = Stamp { ledger: self.meta.ledger, partition: self.meta.partition };
        let blocks = pack::pack_sealed(stamp, batch, &self.head, self.keys.as_deref())?;
        self.sync_keys()?;
        if self.sealing.is_asked() {
            self.rotate_unless_empty()?;
            self.sealing.answered();
        }
        for group in blocks.chunk_by(|_, next| !next.header().after_barrier()) {
            self.rotate_if_full()?;
            self.write_group(group)?;
        }
        self.wipe_keys()?;
        self.mark.note(&self.head);
        self.make_ahead_if_half_full();
        Ok(())
    }

    /// Keys are durable before the first block that needs them is written.
    fn sync_keys(&self) -> Result<(), WriteError> {
        let Some(keys) = &self.keys else { return Ok(()) };
        self.probes.reach("keys.before_sync")?;
        keys.sync()?;
        Ok(self.probes.reach("keys.after_sync")?)
    }

    /// Keys that a durable event calls destroyed are wiped before anybody is told.
    fn wipe_keys(&self) -> Result<(), WriteError> {
        let Some(keys) = &self.keys else { return Ok(()) };
        self.probes.reach("keys.before_wipe")?;
        keys.wipe()?;
        Ok(self.probes.reach("keys.after_wipe")?)
    }

    /// Blocks and their barrier.
    fn write_group(&mut self, group: &[Block]) -> Result<(), WriteError> {
        let volume = self.volume.as_mut().ok_or(WriteError::Closed)?;
        self.probes.reach("append.before_insert")?;
        for block in group {
            volume.insert(block)?;
        }
        self.probes.reach("append.after_insert")?;
        volume.barrier(&self.probes)?;
        if let Some(last) = group.last() {
            self.head = last.head();
            self.epoch = last.header().epoch;
        }
        Ok(())
    }

    fn is_filled_to(&self, part: u64) -> bool {
        let (bytes, blocks) = (self.config.volume_bytes_max / part, self.config.volume_blocks_max / part);
        self.volume.as_ref().is_some_and(|volume| volume.bytes >= bytes || volume.blocks >= blocks)
    }

    fn rotate_if_full(&mut self) -> Result<(), WriteError> {
        if self.is_filled_to(1) { self.rotate() } else { Ok(()) }
    }

    /// Ends the active volume and begins the next. The end mark stands before the next volume has
    /// its name, so only the last volume ever lacks one.
    fn rotate(&mut self) -> Result<(), WriteError> {
        let old = self.volume.take().ok_or(WriteError::Closed)?;
        let (no, dir) = (old.no + 1, self.config.dir.clone());
        self.probes.reach("rotate.begin")?;
        self.join_ahead()?;
        volume::make_ahead(&dir, no, self.config.cache_bytes)?;
        self.probes.reach("rotate.made_ahead")?;
        let path = old.close()?;
        End { first: self.first, head: self.head, epoch: self.epoch }.write(
            &path,
            self.meta.ledger,
            no - 1,
        )?;
        self.probes.reach("rotate.closed")?;
        volume::take_ahead(&dir, no)?;
        self.probes.reach("rotate.renamed")?;
        self.volume = Some(Volume::open(&dir, no, self.config.cache_bytes)?);
        self.first = self.head.seq.next();
        self.probes.reach("rotate.done")?;
        self.begin_sealing();
        Ok(())
    }

    fn make_ahead_if_half_full(&mut self) {
        let Some(no) = self.volume.as_ref().map(|volume| volume.no + 1) else { return };
        if self.ahead.is_none() && self.is_filled_to(2) {
            let (dir, cache_bytes) = (self.config.dir.clone(), self.config.cache_bytes);
            self.ahead = Some(std::thread::spawn(move || volume::make_ahead(&dir, no, cache_bytes)));
        }
    }

    fn join_ahead(&mut self) -> Result<(), WriteError> {
        let Some(ahead) = self.ahead.take() else { return Ok(()) };
        Ok(ahead.join().map_err(|_| WriteError::AheadPanicked)??)
    }

    /// Nothing is taken from here on, and sled is never touched again.
    fn poison(&mut self, error: &WriteError) -> String {
        self.volume = None;
        self.sealing.stop();
        let reason = error.to_string();
        tracing::error!(%reason, "the log failed and takes nothing more");
        self.poisoned.get_or_insert(reason).clone()
    }

    /// A batch after another head: the one written last, once more, or somebody else's.
    fn repeated(&self, batch: Batch<'_>, head: &Head) -> Appended {
        let stamp = Stamp { ledger: self.meta.ledger, partition: self.meta.partition };
        let blocks = pack::pack_sealed(stamp, batch, head, self.keys.as_deref()).ok();
        let last = blocks.and_then(|blocks| blocks.last().map(Block::head));
        let is_repeat = last.is_some_and(|last| (last.seq, last.hash) == (self.head.seq, self.head.hash));
        if is_repeat { Appended::Committed(self.head) } else { Appended::Conflict(self.head) }
    }

    fn try_close(&mut self) -> Result<(), WriteError> {
        self.join_ahead()?;
        let volume = self.volume.take().ok_or(WriteError::Closed)?;
        let (no, bytes) = (volume.no, volume.bytes);
        self.probes.reach("close.before_mark")?;
        let path = volume.close()?;
        volume::remove_generating(&path)?;
        files::sync_tree(&path)?;
        self.mark.sync()?;
        let is_taken_up = bytes <= self.config.take_up_bytes_max();
        let digest = if is_taken_up { dir::digest(&path)? } else { [0; 32] };
        Clean { volume: no, head: self.head, epoch: self.epoch, files: digest }
            .write(&self.config.dir, self.meta.ledger)?;
        Ok(self.probes.reach("close.after_mark")?)
    }
}

impl Log for SledLog {
    fn append(&mut self, batch: Batch<'_>, head: &Head) -> Appended {
        if let Some(reason) = &self.poisoned {
            return Appended::Failed(reason.clone());
        }
        if (head.seq, head.hash) != (self.head.seq, self.head.hash) {
            return self.repeated(batch, head);
        }
        if batch.epoch < self.epoch {
            return Appended::Conflict(self.head);
        }
        match self.try_append(batch) {
            Ok(()) => Appended::Committed(self.head),
            Err(error) => Appended::Failed(self.poison(&error)),
        }
    }

    fn head(&self) -> Head {
        self.head
    }

    fn close(&mut self) -> Result<(), String> {
        if let Some(reason) = &self.poisoned {
            return Err(reason.clone());
        }
        self.try_close().map_err(|error| self.poison(&error))?;
        self.poisoned = Some(WriteError::Closed.to_string());
        self.end_sealing(SEAL_WAIT_MAX);
        self.lock = None;
        Ok(())
    }
}

impl Drop for SledLog {
    fn drop(&mut self) {
        self.end_sealing(Duration::ZERO);
        if let Err(error) = self.join_ahead() {
            tracing::warn!(%error, "the next volume could not be made ahead");
        }
        if let Some(Err(error)) = self.volume.take().map(Volume::close) {
            tracing::warn!(%error, "a volume could not be closed; the next open scans it");
        }
    }
}
