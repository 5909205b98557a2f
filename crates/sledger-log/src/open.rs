//! Opens a ledger for writing.
//!
//! Order: lock; drop the page cache of the last volume's files; scan it and
//! check its chain against every mark; sync its files and folders; only then
//! decide what to write to:
//!
//! - closed in good order and still small: the files' digest is compared, the
//!   clean mark removed, sled opened, and what it shows compared with the scan;
//! - anything else: the volume ends where its chain ends, gets its end mark, and
//!   a fresh volume begins. sled never sees a folder that a kill, a power loss
//!   or a changed byte may have touched: opening it is no safe reading.
//!
//! A damaged ledger is refused by name; only [`salvage`](crate::salvage()) writes
//! to it.

use crate::archive;
use crate::block::LedgerId;
use crate::dir::{self, Clean, End, Meta};
use crate::error::{DamageKind, OpenError};
use crate::files;
use crate::keys::KeyRing;
use crate::leftovers;
use crate::lock::DirLock;
use crate::probe::{Probe, Probes};
use crate::reader::{Blocks, Entry, Reader};
use crate::volume::{self, Volume, VolumeError};
use sledger_core::log::Head;
use sledger_core::{Millis, Seq};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A volume that was closed in good order is taken up again while it is smaller than this part.
const TAKE_UP_PART: u64 = 8;

/// How a log is opened.
#[derive(Clone)]
pub struct LogConfig {
    /// The data directory; made if it is not there.
    pub dir: PathBuf,
    /// Bytes of blocks after which a volume ends.
    pub volume_bytes_max: u64,
    /// Blocks after which a volume ends: bounds the memory of a scan.
    pub volume_blocks_max: u64,
    /// sled's cache in bytes.
    pub cache_bytes: u64,
    /// Bytes that must be free to open, and that sealing leaves free.
    pub free_bytes_min: u64,
    /// Whether full volumes are sealed, in the background; else they stay sled folders.
    pub seal: bool,
    /// Noted in a new ledger.
    pub program_version: String,
    /// Partition of a new ledger.
    pub partition: u32,
    /// Whether a new ledger seals personal fields.
    pub seal_personal: bool,
    /// The ledger expected; a new one gets this id, or a random one.
    pub ledger: Option<LedgerId>,
    /// Watches or fails named points.
    pub probe: Option<Arc<dyn Probe>>,
}

impl LogConfig {
    /// The defaults for a ledger in `dir`: volumes of 256 MiB, 32 MiB of cache, 64 MiB to be free.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            volume_bytes_max: 256 * 1024 * 1024,
            volume_blocks_max: 256 * 1024,
            cache_bytes: 32 * 1024 * 1024,
            free_bytes_min: 64 * 1024 * 1024,
            seal: true,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            partition: 0,
            seal_personal: false,
            ledger: None,
            probe: None,
        }
    }

    pub(crate) const fn take_up_bytes_max(&self) -> u64 {
        self.volume_bytes_max / TAKE_UP_PART
    }
}

impl std::fmt::Debug for LogConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogConfig").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// An opened directory, ready to be written.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) lock: DirLock,
    pub(crate) meta: Meta,
    pub(crate) keys: Option<KeyRing>,
    pub(crate) volume: Volume,
    /// First seq of the active volume.
    pub(crate) first: Seq,
    pub(crate) head: Head,
    pub(crate) epoch: u64,
    pub(crate) clean: bool,
    /// Whether there are volumes that have ended and are no sealed files yet.
    pub(crate) unsealed: bool,
}

/// What the scan of the last volume found.
#[derive(Debug)]
struct Found {
    entry: Option<Entry>,
    /// The number of the first volume, where there is none.
    volume: u32,
    first: Seq,
    head: Head,
    epoch: u64,
    blocks: u64,
    bytes: u64,
    clean: Option<Clean>,
}

/// Opens the directory.
pub(crate) fn open(config: &LogConfig, probes: &Probes) -> Result<Opened, OpenError> {
    make_dir(&config.dir)?;
    let lock = DirLock::take(&config.dir)?;
    check_space(config)?;
    let meta = meta(config)?;
    if archive::is_archive(&config.dir) {
        return Err(OpenError::Archive { dir: config.dir.clone(), ledger: meta.ledger });
    }
    let keys = meta.seal_personal.then(|| KeyRing::take(&config.dir, meta.ledger)).transpose()?;
    leftovers::settle(&config.dir, &meta)
        .map_err(|source| OpenError::io("tidy up in", &dir::volumes_path(&config.dir), source))?;
    let found = examine(config, &meta, probes)?;
    let take_up = found.clean.is_some() && found.bytes <= config.take_up_bytes_max();
    let volume = match &found.entry {
        Some(entry) if take_up && entry.end.is_none() => take_up_volume(config, entry.no, &found, probes)?,
        _ => begin_volume(config, &meta, &found, probes)?,
    };
    let first = if volume.blocks == 0 { found.head.seq.next() } else { found.first };
    let unsealed = (1..volume.no).any(|no| dir::volume_path(&config.dir, no).is_dir());
    let Found { head, epoch, clean, .. } = found;
    let clean = clean.is_some() || head.seq == Seq(0);
    Ok(Opened { lock, meta, keys, volume, first, head, epoch, clean, unsealed })
}

fn make_dir(dir: &Path) -> Result<(), OpenError> {
    fs::create_dir_all(dir).map_err(|source| OpenError::io("make", dir, source))?;
    match dir::is_foreign(dir) {
        Ok(false) => Ok(()),
        Ok(true) => Err(OpenError::NotALedger { dir: dir.to_owned() }),
        Err(source) => Err(OpenError::io("list", dir, source)),
    }
}

fn check_space(config: &LogConfig) -> Result<(), OpenError> {
    let dir = &config.dir;
    let free = files::free_bytes(dir).map_err(|source| OpenError::io("measure", dir, source))?;
    let needed = config.free_bytes_min;
    if free < needed { Err(OpenError::NoSpace { dir: dir.clone(), free, needed }) } else { Ok(()) }
}

fn meta(config: &LogConfig) -> Result<Meta, OpenError> {
    let dir = &config.dir;
    let Some(meta) = Meta::read(dir)? else {
        let made = |source| OpenError::io("make a ledger in", dir, source);
        let meta = new_meta(config).map_err(made)?;
        fs::create_dir_all(dir::volumes_path(dir)).map_err(made)?;
        if meta.seal_personal {
            KeyRing::make(dir, meta.ledger).map_err(made)?;
        }
        meta.write(dir).map_err(made)?;
        return Ok(meta);
    };
    match config.ledger {
        Some(expected) if expected != meta.ledger => {
            Err(OpenError::OtherLedger { dir: dir.clone(), found: meta.ledger, expected })
        }
        _ => Ok(meta),
    }
}

fn new_meta(config: &LogConfig) -> std::io::Result<Meta> {
    let mut id = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut id)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    Ok(Meta {
        ledger: config.ledger.unwrap_or(LedgerId(id)),
        partition: config.partition,
        created: Millis(u64::try_from(now).unwrap_or(0)),
        seal_personal: config.seal_personal,
        program: config.program_version.clone(),
    })
}

/// Finds where the log stands, from the disk and not from the page cache.
fn examine(config: &LogConfig, meta: &Meta, probes: &Probes) -> Result<Found, OpenError> {
    let dir = &config.dir;
    let reader = Reader::open(dir)?;
    let clean = Clean::read(dir, meta.ledger)?;
    let before = reader.entries.iter().filter_map(|entry| entry.end).next_back();
    let (volume, begun, began) = reader.origin();
    let (head, epoch) = before.map_or((begun, began), |end| (end.head, end.epoch));
    let entry = reader.entries.last().cloned();
    let first = head.seq.next();
    let entry_of = entry.clone();
    let mut found = Found { entry: entry_of, volume, first, head, epoch, blocks: 0, bytes: 0, clean };
    if let Some(entry) = entry.filter(|entry| entry.sealed.is_none()) {
        let path = dir::volume_path(dir, entry.no);
        files::drop_cache(&path).map_err(|source| OpenError::io("read", &path, source))?;
        probes.reach("open.before_scan").map_err(|source| OpenError::io("scan", &path, source))?;
        let no = entry.no;
        let entries = if entry.end.is_none() { vec![entry] } else { Vec::new() };
        fold(&mut found, Blocks::over(dir, meta, entries, head, reader.acknowledged, Seq(0)))?;
        check_clean(config, &path, no, &found)?;
        sync(dir, &path).map_err(|source| OpenError::io("sync", &path, source))?;
        probes.reach("open.after_scan").map_err(|source| OpenError::io("scan", &path, source))?;
    }
    Ok(found)
}

fn fold(found: &mut Found, blocks: Blocks) -> Result<(), OpenError> {
    for block in blocks {
        let block = block?;
        found.head = block.head();
        found.epoch = block.header().epoch;
        found.blocks += 1;
        found.bytes += block.bytes().len() as u64;
    }
    Ok(())
}

/// Compares what was found with what a clean close left.
fn check_clean(config: &LogConfig, path: &Path, no: u32, found: &Found) -> Result<(), OpenError> {
    let Some(clean) = found.clean else { return Ok(()) };
    let changed = |detail: String| OpenError::Damaged {
        volume: no,
        seq: found.head.seq,
        kind: DamageKind::FilesChanged,
        detail,
    };
    if clean.volume != no || (clean.head.seq, clean.head.hash) != (found.head.seq, found.head.hash) {
        let (at, now) = (clean.head.seq, found.head.seq);
        return Err(changed(format!(
            "closed at seq `{at}` in volume `{}`, now ends at `{now}`",
            clean.volume
        )));
    }
    if found.bytes > config.take_up_bytes_max() || clean.files == [0; 32] {
        return Ok(());
    }
    let digest = dir::digest(path).map_err(|source| OpenError::io("read", path, source))?;
    if digest == clean.files {
        return Ok(());
    }
    Err(changed("its files are not what they were when it was closed".to_owned()))
}

/// After a kill what was read may never have been durable: it is, before anything rests on it.
fn sync(dir: &Path, volume: &Path) -> std::io::Result<()> {
    files::sync_tree(volume)?;
    files::sync_dir(&dir::volumes_path(dir))?;
    files::sync_dir(dir)
}

/// Takes up a volume whose files are what a clean close left.
fn take_up_volume(config: &LogConfig, no: u32, found: &Found, probes: &Probes) -> Result<Volume, OpenError> {
    let dir = &config.dir;
    unmark(dir, probes)?;
    let seq = found.head.seq;
    let open = || {
        let mut volume = Volume::open(dir, no, config.cache_bytes)?;
        probes.reach("open.after_sled")?;
        (volume.blocks, volume.bytes) = (found.blocks, found.bytes);
        let differs = differs(&volume, found)?;
        Ok((volume, differs))
    };
    match open().map_err(|error| failed(dir, no, seq, error))? {
        (volume, None) => Ok(volume),
        (_, Some(detail)) => {
            Err(OpenError::Damaged { volume: no, seq, kind: DamageKind::SledDiffers, detail })
        }
    }
}

/// How what sled shows differs from what the scan found.
fn differs(volume: &Volume, found: &Found) -> Result<Option<String>, VolumeError> {
    let (last, blocks) = volume.shown()?;
    let hash = last.as_deref().and_then(|bytes| bytes.last_chunk::<32>()).copied();
    let same_head = found.blocks == 0 || hash == Some(found.head.hash);
    let same = same_head && blocks == found.blocks;
    Ok((!same).then(|| format!("sled shows `{blocks}` blocks, the scan found `{}`", found.blocks)))
}

/// Ends the last volume where its chain ends, and begins a fresh one.
fn begin_volume(
    config: &LogConfig,
    meta: &Meta,
    found: &Found,
    probes: &Probes,
) -> Result<Volume, OpenError> {
    let dir = &config.dir;
    let no = end_volume(dir, meta.ledger, found).map_err(|source| OpenError::io("end", dir, source))?;
    unmark(dir, probes)?;
    let fresh = || {
        volume::make_ahead(dir, no, config.cache_bytes)?;
        volume::take_ahead(dir, no)?;
        let volume = Volume::open(dir, no, config.cache_bytes)?;
        probes.reach("open.after_sled")?;
        Ok(volume)
    };
    fresh().map_err(|error| failed(dir, no, found.head.seq, error))
}

/// The number of the fresh volume; the one before has its end mark then, or is gone if it was empty.
fn end_volume(dir: &Path, ledger: LedgerId, found: &Found) -> std::io::Result<u32> {
    let Some(entry) = &found.entry else { return Ok(found.volume) };
    let path = dir::volume_path(dir, entry.no);
    if entry.end.is_none() && found.blocks == 0 {
        fs::remove_dir_all(&path)?;
        files::sync_dir(&dir::volumes_path(dir))?;
        return Ok(entry.no);
    }
    if entry.end.is_none() {
        End { first: found.first, head: found.head, epoch: found.epoch }.write(&path, ledger, entry.no)?;
    }
    Ok(entry.no + 1)
}

fn unmark(dir: &Path, probes: &Probes) -> Result<(), OpenError> {
    let path = dir::clean_path(dir);
    probes
        .reach("open.before_unmark")
        .and_then(|()| files::remove(&path))
        .map_err(|source| OpenError::io("remove", &path, source))
}

fn failed(dir: &Path, volume: u32, seq: Seq, error: VolumeError) -> OpenError {
    let kind = match error {
        VolumeError::Io(source) => {
            return OpenError::io("open a volume in", &dir::volume_path(dir, volume), source);
        }
        VolumeError::Blob { .. } => DamageKind::Blob,
        VolumeError::Sled { .. } | VolumeError::Panic { .. } => DamageKind::SledFailed,
    };
    OpenError::Damaged { volume, seq, kind, detail: error.to_string() }
}
