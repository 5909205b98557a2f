//! Reads a ledger from first to last block: no lock, no sled, nothing written.
//!
//! Invariant: what is given is an unbroken chain from the first block, or from
//! the end of the last volume that lies before the seq asked for. It ends with
//! the last whole block, or with an error that names volume and seq.
//!
//! Beside a running writer a block may be seen a moment before it is durable;
//! [`Reader::acknowledged`] says how far somebody was answered.

mod blocks;
mod sift;

pub use blocks::Blocks;
pub use sift::{Sift, Sifted};

use crate::begins::{self, Begins};
use crate::block::LedgerId;
use crate::dir::{self, Clean, End, Meta};
use crate::error::{DamageKind, OpenError, ReadError};
use crate::head_mark;
use crate::keys::KeyRing;
use crate::mentions::Mention;
use crate::seal::SealedFile;
use crate::source::{self, SourceFault};
use sledger_core::log::Head;
use sledger_core::{Millis, Seq};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder that is being sealed changes its name, volumes that go do so behind a mark: so often all is looked at again.
const LOOKS_MAX: u32 = 3;

/// A volume, and how it ends if nothing is appended to it any more.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) no: u32,
    pub(crate) end: Option<End>,
    /// Its sealed file; `None` while it is a sled folder, also where a sealed file stands beside it.
    pub(crate) sealed: Option<Arc<SealedFile>>,
}

/// One volume of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeInfo {
    /// Its number.
    pub no: u32,
    /// First seq in it; one more than the last of the volume before while it is empty.
    pub first: Seq,
    /// Where the log stands at its end; `None` for the volume that is still written.
    pub end: Option<Head>,
    /// What is known of it where it is sealed.
    pub sealed: Option<SealedInfo>,
}

/// One sealed volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedInfo {
    /// Length of its file.
    pub bytes: u64,
    /// Length of its blocks.
    pub raw_bytes: u64,
    /// How many blocks.
    pub blocks: u64,
    /// How many decisions in them.
    pub decisions: u64,
    /// How many events in them.
    pub events: u64,
    /// Time of its first decision, 0 when it is empty.
    pub first_at: Millis,
    /// Time of the last decision up to its end.
    pub last_at: Millis,
}

/// A ledger opened for reading.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(crate) dir: PathBuf,
    meta: Meta,
    begins: Option<Begins>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) acknowledged: Option<Head>,
    /// Opens what is sealed; `None` where nothing is, or its keys are not at hand.
    keys: Option<Arc<KeyRing>>,
    keys_missing: Option<Arc<str>>,
}

impl Reader {
    /// Opens the ledger in `dir` for reading.
    ///
    /// # Errors
    /// [`OpenError`]: no ledger there, another format, a volume or mark missing or changed.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        for _ in 1..LOOKS_MAX {
            match Self::look(dir) {
                Err(OpenError::VolumeMissing { .. }) => {}
                looked => return looked,
            }
        }
        Self::look(dir)
    }

    /// Beside a writer that seals a volume or lets some go, they may change while they are looked at.
    fn look(dir: &Path) -> Result<Self, OpenError> {
        let Some(meta) = Meta::read(dir)? else { return Err(OpenError::Missing { dir: dir.to_owned() }) };
        let noted = noted(dir, meta.ledger)?;
        let begins = Begins::read(dir, meta.ledger)?;
        let (first, head, _) = begins::origin(begins.as_ref());
        let entries = entries(dir, &meta, first)?;
        check_links(&entries, head)?;
        if let (true, Some(_)) = (entries.is_empty(), noted) {
            return Err(OpenError::VolumeMissing { dir: dir.to_owned(), volume: first });
        }
        let keys = meta.seal_personal.then(|| KeyRing::read(dir, meta.ledger)).transpose();
        let (keys, keys_missing) = match keys {
            Ok(keys) => (keys.map(Arc::new), None),
            Err(error) => (None, Some(Arc::from(error.to_string()))),
        };
        Ok(Self { dir: dir.to_owned(), meta, begins, entries, acknowledged: noted, keys, keys_missing })
    }

    /// Why what is sealed stays sealed, where it could have been opened: a backup has no keys.
    #[must_use]
    pub fn keys_missing(&self) -> Option<&str> {
        self.keys_missing.as_deref()
    }

    /// The reader with other keys than those beside the log.
    #[must_use]
    pub fn with_keys(self, keys: Option<Arc<KeyRing>>) -> Self {
        Self { keys, ..self }
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the ledger is.
    #[must_use]
    pub const fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The last head for which somebody was answered, as noted beside the volumes.
    #[must_use]
    pub const fn acknowledged(&self) -> Option<Head> {
        self.acknowledged
    }

    /// Where history begins; `None` where it begins with the first event.
    #[must_use]
    pub const fn begins(&self) -> Option<&Begins> {
        self.begins.as_ref()
    }

    /// The first volume, where the log stands before it, and the epoch there.
    pub(crate) fn origin(&self) -> (u32, Head, u64) {
        begins::origin(self.begins.as_ref())
    }

    /// The volumes, in order.
    pub fn volumes(&self) -> impl Iterator<Item = VolumeInfo> {
        let mut next = self.origin().1.seq.next();
        self.entries.iter().map(move |entry| {
            let first = next;
            next = entry.end.map_or(first, |end| end.head.seq.next());
            let sealed = entry.sealed.as_deref().map(info);
            VolumeInfo { no: entry.no, first, end: entry.end.map(|end| end.head), sealed }
        })
    }

    /// Whether volume `no` may mention any of these; `false` is certain. Only a sealed volume is ever sure.
    ///
    /// # Errors
    /// Damage of the volume's filter, or a refusal of the system.
    pub fn may_mention(&self, no: u32, mentions: &[Mention<'_>]) -> Result<bool, ReadError> {
        let entry = self.entries.iter().find(|entry| entry.no == no);
        let Some((entry, sealed)) = entry.and_then(|entry| entry.sealed.as_ref().map(|file| (entry, file)))
        else {
            return Ok(true);
        };
        let fault =
            |fault| SourceFault::sealed(&self.dir, no, fault).at(no, entry.end.unwrap_or_default().first);
        let filters = sealed.filters().map_err(fault)?;
        Ok(mentions.iter().any(|mention| filters.may_hold(*mention)))
    }

    /// The blocks that hold `from` and everything after it, in order.
    ///
    /// Sealed volumes begin with the frame that holds `from`.
    ///
    /// # Errors
    /// Each item: damage or a refusal of the system, after which nothing follows.
    #[must_use]
    pub fn blocks(&self, from: Seq) -> Blocks {
        let before =
            self.entries.iter().take_while(|entry| entry.end.is_some_and(|end| end.head.seq < from)).count();
        self.blocks_of(before..self.entries.len(), self.acknowledged, from)
    }

    /// Blocks that may mention somebody; what is asked for may change from block to block.
    #[must_use]
    pub fn sift(&self) -> Sift {
        Sift::new(self.clone())
    }

    /// The blocks of volume `no` alone; none when there is no such volume.
    ///
    /// # Errors
    /// As [`Reader::blocks`].
    #[must_use]
    pub fn blocks_in(&self, no: u32) -> Blocks {
        let at = self.entries.iter().position(|entry| entry.no == no).unwrap_or(self.entries.len());
        let is_last = at + 1 == self.entries.len();
        let acknowledged = self.acknowledged.filter(|_| is_last);
        self.blocks_of(at..(at + 1).min(self.entries.len()), acknowledged, Seq(0))
    }

    fn blocks_of(&self, range: std::ops::Range<usize>, acknowledged: Option<Head>, from: Seq) -> Blocks {
        let head = self.head_before(range.start);
        let entries = self.entries.get(range).unwrap_or_default().to_vec();
        Blocks::over(&self.dir, &self.meta, entries, head, acknowledged, from).with_keys(self.keys.clone())
    }

    /// Where the log stands before the volume at `index`.
    pub(crate) fn head_before(&self, index: usize) -> Head {
        let before = index.checked_sub(1).and_then(|before| self.entries.get(before));
        before.and_then(|entry| entry.end).map_or(self.origin().1, |end| end.head)
    }
}

fn info(file: &SealedFile) -> SealedInfo {
    let footer = file.footer();
    SealedInfo {
        bytes: file.bytes(),
        raw_bytes: footer.raw_bytes,
        blocks: footer.blocks,
        decisions: footer.decisions,
        events: footer.events,
        first_at: footer.first_at,
        last_at: footer.end.head.at,
    }
}

/// The volumes there are.
fn entries(dir: &Path, meta: &Meta, first: u32) -> Result<Vec<Entry>, OpenError> {
    dir::volumes(dir, first)?.into_iter().map(|no| entry(dir, meta, no)).collect()
}

pub(crate) fn noted(dir: &Path, ledger: LedgerId) -> Result<Option<Head>, OpenError> {
    let path = dir::head_path(dir);
    let marked = head_mark::read(&path, ledger).map_err(|source| OpenError::io("read", &path, source))?;
    let clean = Clean::read(dir, ledger)?.map(|clean| clean.head).filter(|head| head.seq > Seq(0));
    Ok(marked.into_iter().chain(clean).max_by_key(|head| head.seq))
}

/// One volume: its folder as long as that is there, then its sealed file.
fn entry(dir: &Path, meta: &Meta, no: u32) -> Result<Entry, OpenError> {
    let path = dir::volume_path(dir, no);
    if path.is_dir() {
        let end = End::read(&path, meta.ledger, no).map_err(|source| OpenError::io("read", &path, source))?;
        let end = end.transpose().map_err(|detail| end_mark(no, Seq(0), &detail))?;
        if end.is_some() || path.is_dir() {
            return Ok(Entry { no, end, sealed: None });
        }
    }
    let sealed = source::open_sealed(dir, meta, no, Seq(0))?;
    Ok(Entry { no, end: Some(sealed.end()), sealed: Some(sealed) })
}

/// Checks that the first volume goes on from `head`, and each other where the one before it ends.
fn check_links(entries: &[Entry], head: Head) -> Result<(), OpenError> {
    let mut next = head.seq.next();
    let mut hash = head.hash;
    for (index, entry) in entries.iter().enumerate() {
        if entry.sealed.as_ref().is_some_and(|sealed| sealed.footer().prev != hash) {
            return Err(broken_link(entry.no, next));
        }
        hash = entry.end.map_or(hash, |end| end.head.hash);
        match entry.end {
            Some(end) if end.first != next || end.head.seq.next() < end.first => {
                return Err(end_mark(entry.no, next, "it does not begin where the volume before it ends"));
            }
            Some(end) => next = end.head.seq.next(),
            None if index + 1 < entries.len() => return Err(end_mark(entry.no, next, "it is missing")),
            None => {}
        }
    }
    Ok(())
}

fn broken_link(volume: u32, seq: Seq) -> OpenError {
    let detail = "chain broken: the sealed file does not follow from the volume before".to_owned();
    OpenError::Damaged { volume, seq, kind: DamageKind::ChainBroken, detail }
}

fn end_mark(volume: u32, seq: Seq, detail: &str) -> OpenError {
    let detail = format!("end mark: {detail}");
    OpenError::Damaged { volume, seq, kind: DamageKind::EndMark, detail }
}
