//! The active volume: a sled database behind fences.
//!
//! Key: seq of the block's first event, 8 bytes big-endian. Value: the block,
//! uncompressed, at most 64 KiB, so that it lies whole in the file `db`.
//!
//! Blocks lie in *stretches*: sled trees named by the key of their first block.
//! sled writes a page anew, with all blocks in it, when it splits or has been
//! changed ten times; in one tree every block would be written three times. A
//! stretch ends before that, as soon as it holds [`STRETCH_BLOCKS_MIN`] blocks
//! and [`STRETCH_BYTES_MIN`] bytes.
//!
//! Fences against what was measured of sled 0.34.7:
//! - its `flush` is no fsync: a barrier is `flush`, then `fdatasync` on our own
//!   handle of `db`, opened before the first block and kept;
//! - values over a quarter segment go to `blobs/`, unsynced: segments of 8 MiB,
//!   and a file in `blobs/` is an error at open and after every barrier;
//! - its `conf` is written in two unsynced parts: a volume is made ahead under
//!   another name, synced whole, marked ready and renamed;
//! - a snapshot half written breaks the next open: removed before;
//! - it panics: everything it does is caught;
//! - its drop writes and panics: after a failure it is forgotten, never dropped.
//!
//! Absent on purpose: reading blocks back. That is done by `scan`.

use crate::block::Block;
use crate::dir::{beside_path, volume_path};
use crate::files;
use crate::probe::Probes;
use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// A page of at most 17 blocks of 64 KiB stays under a quarter of this.
const SEGMENT_BYTES: usize = 8 * 1024 * 1024;

/// Fewer than the ten changes after which sled writes a page anew.
const STRETCH_BLOCKS_MIN: u64 = 8;
/// Bounds the number of stretches: sled writes all their names anew with each of them.
const STRETCH_BYTES_MIN: u64 = 128 * 1024;

/// What went wrong in a volume.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VolumeError {
    #[error("sled cannot {doing}: {detail}")]
    Sled { doing: &'static str, detail: String },
    #[error("sled panicked at {doing}: {detail}")]
    Panic { doing: &'static str, detail: String },
    #[error("sled spilled a value into `{file}`")]
    Blob { file: PathBuf },
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// The active volume.
#[derive(Debug)]
pub(crate) struct Volume {
    pub(crate) no: u32,
    pub(crate) dir: PathBuf,
    /// Bytes and number of blocks in it.
    pub(crate) bytes: u64,
    pub(crate) blocks: u64,
    db: Option<sled::Db>,
    stretch: Option<Stretch>,
    file: File,
}

#[derive(Debug)]
struct Stretch {
    tree: sled::Tree,
    bytes: u64,
    blocks: u64,
}

impl Volume {
    /// Opens a volume that is fresh, or whose files are what a clean close left.
    pub(crate) fn open(dir: &Path, no: u32, cache_bytes: u64) -> Result<Self, VolumeError> {
        Self::open_at(volume_path(dir, no), no, cache_bytes)
    }

    /// Opens a volume that does not have its number yet.
    pub(crate) fn open_at(dir: PathBuf, no: u32, cache_bytes: u64) -> Result<Self, VolumeError> {
        remove_generating(&dir)?;
        assert_no_blob(&dir)?;
        let file = File::options().read(true).write(true).open(dir.join("db"))?;
        let db = Some(open_sled(&dir, cache_bytes)?);
        let volume = Self { no, dir, bytes: 0, blocks: 0, db, stretch: None, file };
        assert_no_blob(&volume.dir)?;
        Ok(volume)
    }

    /// Puts a block in. Not durable before the next [`Volume::barrier`].
    pub(crate) fn insert(&mut self, block: &Block) -> Result<(), VolumeError> {
        let key = block.header().first.0.to_be_bytes();
        let length = block.bytes().len() as u64;
        let mut stretch = match self.stretch.take().filter(|stretch| !stretch.is_over()) {
            Some(stretch) => stretch,
            None => self.begin_stretch(key)?,
        };
        let inserted = caught("insert", || stretch.tree.insert(key, block.bytes()).map(|_| ()));
        stretch.bytes += length;
        stretch.blocks += 1;
        self.stretch = Some(stretch);
        inserted?;
        self.bytes += length;
        self.blocks += 1;
        Ok(())
    }

    fn begin_stretch(&self, name: [u8; 8]) -> Result<Stretch, VolumeError> {
        let tree = self.sled("begin a stretch", |db| db.open_tree(name))?;
        Ok(Stretch { tree, bytes: 0, blocks: 0 })
    }

    /// Makes everything put in durable.
    pub(crate) fn barrier(&self, probes: &Probes) -> Result<(), VolumeError> {
        self.sled("flush", |db| db.flush().map(|_| ()))?;
        probes.reach("append.after_flush")?;
        files::sync_data(&self.file)?;
        assert_no_blob(&self.dir)?;
        Ok(probes.reach("append.after_fdatasync")?)
    }

    /// The key and value that sled shows last, and how many it shows.
    pub(crate) fn shown(&self) -> Result<(Option<Vec<u8>>, u64), VolumeError> {
        self.sled("read", |db| {
            let mut names = db.tree_names();
            names.retain(|name| name.len() == 8);
            names.sort();
            let (mut last, mut blocks) = (None, 0);
            for name in names {
                let tree = db.open_tree(name)?;
                last = tree.last()?.map(|(_, value)| value.to_vec());
                blocks += tree.len() as u64;
            }
            Ok((last, blocks))
        })
    }

    /// Closes the database; nothing is written to its folder after this returns.
    pub(crate) fn close(mut self) -> Result<PathBuf, VolumeError> {
        let (db, stretch) = (self.db.take(), self.stretch.take());
        caught("close", || {
            drop(stretch);
            drop(db);
            Ok(())
        })?;
        files::wait_unlocked(&self.file)?;
        Ok(std::mem::take(&mut self.dir))
    }

    fn sled<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&sled::Db) -> sled::Result<T>,
    ) -> Result<T, VolumeError> {
        let db = self.db.as_ref().expect("a volume has its database until it is closed or forgotten");
        caught(doing, || work(db))
    }
}

impl Drop for Volume {
    /// What was not closed is left as it is, for good: after a failure not even sled's drop may run.
    fn drop(&mut self) {
        std::mem::forget(self.stretch.take());
        std::mem::forget(self.db.take());
    }
}

impl Stretch {
    const fn is_over(&self) -> bool {
        self.blocks >= STRETCH_BLOCKS_MIN && self.bytes >= STRETCH_BYTES_MIN
    }
}

/// Makes volume `no` ahead: whole and durable in `NNNNNN.new`, to be taken by [`take_ahead`].
pub(crate) fn make_ahead(dir: &Path, no: u32, cache_bytes: u64) -> Result<(), VolumeError> {
    let ahead = beside_path(dir, no, "new");
    if ahead.join("ready").exists() {
        return Ok(());
    }
    make(&ahead, cache_bytes)
}

/// Makes a volume under the name `at`, whole and durable, with its ready mark.
pub(crate) fn make(at: &Path, cache_bytes: u64) -> Result<(), VolumeError> {
    if at.exists() {
        fs::remove_dir_all(at)?;
    }
    fs::create_dir_all(at)?;
    let db = open_sled(at, cache_bytes)?;
    if let Err(error) = caught("flush", || db.flush().map(|_| ())) {
        std::mem::forget(db);
        return Err(error);
    }
    caught("close", || {
        drop(db);
        Ok(())
    })?;
    files::wait_unlocked(&File::open(at.join("db"))?)?;
    remove_generating(at)?;
    files::sync_tree(at)?;
    files::write_whole(&at.join("ready"), b"ready\n")?;
    Ok(files::sync_dir(at.parent().unwrap_or(at))?)
}

/// Gives the volume made ahead its number.
pub(crate) fn take_ahead(dir: &Path, no: u32) -> io::Result<()> {
    files::rename(&beside_path(dir, no, "new"), &volume_path(dir, no))
}

/// Removes snapshots that a kill left half written: the former one goes only after the rename.
pub(crate) fn remove_generating(volume_dir: &Path) -> io::Result<()> {
    for path in files::entries(volume_dir)? {
        let name = files::name(&path);
        if name.starts_with("snap.") && name.ends_with(".generating") {
            files::remove(&path)?;
        }
    }
    Ok(())
}

fn open_sled(dir: &Path, cache_bytes: u64) -> Result<sled::Db, VolumeError> {
    let config = sled::Config::new()
        .path(dir)
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(None)
        .cache_capacity(cache_bytes)
        .mode(sled::Mode::HighThroughput)
        .use_compression(false);
    caught("open", || config.open())
}

fn assert_no_blob(volume_dir: &Path) -> Result<(), VolumeError> {
    let mut blobs = match fs::read_dir(volume_dir.join("blobs")) {
        Ok(blobs) => blobs,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    blobs.next().map_or(Ok(()), |blob| Err(VolumeError::Blob { file: blob?.path() }))
}

fn caught<T>(doing: &'static str, work: impl FnOnce() -> sled::Result<T>) -> Result<T, VolumeError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(VolumeError::Sled { doing, detail: error.to_string() }),
        Err(panic) => Err(VolumeError::Panic { doing, detail: said(panic.as_ref()) }),
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_of_sled_is_caught_and_named() {
        let error = caught::<()>("open", || panic!("corrupted {}", 7)).unwrap_err();
        assert_eq!(error.to_string(), "sled panicked at open: corrupted 7");
    }
}
