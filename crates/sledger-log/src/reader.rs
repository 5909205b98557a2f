//! Reads a ledger from first to last block: no lock, no sled, nothing written.
//!
//! Invariant: what is given is an unbroken chain from the first block, or from
//! the end of the last volume that lies before the seq asked for. It ends with
//! the last whole block, or with an error that names volume and seq.
//!
//! Beside a running writer a block may be seen a moment before it is durable;
//! [`Reader::acknowledged`] says how far somebody was answered.

use crate::block::{Block, LedgerId};
use crate::dir::{self, Clean, End, Meta};
use crate::error::{DamageKind, OpenError, ReadError};
use crate::head_mark;
use crate::scan::{Chain, Scan, Tail};
use sledger_core::Seq;
use sledger_core::log::Head;
use std::io;
use std::path::{Path, PathBuf};

/// A writer that reuses space under a scan can hide a block from it: so often it is scanned again.
const RESCANS_MAX: u32 = 3;

/// A volume, and how it ends if nothing is appended to it any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) no: u32,
    pub(crate) end: Option<End>,
}

/// A ledger opened for reading.
#[derive(Clone, Debug)]
pub struct Reader {
    dir: PathBuf,
    meta: Meta,
    pub(crate) entries: Vec<Entry>,
    pub(crate) acknowledged: Option<Head>,
}

impl Reader {
    /// Opens the ledger in `dir` for reading.
    ///
    /// # Errors
    /// [`OpenError`]: no ledger there, another format, a volume or mark missing or changed.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let Some(meta) = Meta::read(dir)? else { return Err(OpenError::Missing { dir: dir.to_owned() }) };
        let noted = noted(dir, meta.ledger)?;
        let entries = dir::volumes(dir)?
            .into_iter()
            .map(|no| entry(dir, meta.ledger, no))
            .collect::<Result<Vec<_>, _>>()?;
        check_links(&entries)?;
        if let (true, Some(_)) = (entries.is_empty(), noted) {
            return Err(OpenError::VolumeMissing { dir: dir.to_owned(), volume: 1 });
        }
        Ok(Self { dir: dir.to_owned(), meta, entries, acknowledged: noted })
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

    /// The blocks that hold `from` and everything after it, in order.
    ///
    /// # Errors
    /// Each item: damage or a refusal of the system, after which nothing follows.
    #[must_use]
    pub fn blocks(&self, from: Seq) -> Blocks {
        let mut head = Head::default();
        let mut entries = self.entries.clone();
        let before =
            entries.iter().take_while(|entry| entry.end.is_some_and(|end| end.head.seq < from)).count();
        if let Some(end) = entries.drain(..before).next_back().and_then(|entry| entry.end) {
            head = end.head;
        }
        Blocks::over(&self.dir, self.meta.ledger, entries, head, self.acknowledged, from)
    }
}

fn noted(dir: &Path, ledger: LedgerId) -> Result<Option<Head>, OpenError> {
    let path = dir::head_path(dir);
    let marked = head_mark::read(&path, ledger).map_err(|source| OpenError::io("read", &path, source))?;
    let clean = Clean::read(dir, ledger)?.map(|clean| clean.head).filter(|head| head.seq > Seq(0));
    Ok(marked.into_iter().chain(clean).max_by_key(|head| head.seq))
}

fn entry(dir: &Path, ledger: LedgerId, no: u32) -> Result<Entry, OpenError> {
    let path = dir::volume_path(dir, no);
    let end = End::read(&path, ledger, no).map_err(|source| OpenError::io("read", &path, source))?;
    let end = end.transpose().map_err(|detail| end_mark(no, Seq(0), &detail))?;
    Ok(Entry { no, end })
}

/// Checks that each volume goes on where the one before it ends.
fn check_links(entries: &[Entry]) -> Result<(), OpenError> {
    let mut next = Seq(1);
    for (index, entry) in entries.iter().enumerate() {
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

fn end_mark(volume: u32, seq: Seq, detail: &str) -> OpenError {
    let detail = format!("end mark: {detail}");
    OpenError::Damaged { volume, seq, kind: DamageKind::EndMark, detail }
}

/// Blocks in order; see [`Reader::blocks`].
#[derive(Debug)]
pub struct Blocks {
    dir: PathBuf,
    ledger: LedgerId,
    entries: std::vec::IntoIter<Entry>,
    current: Option<(Entry, Chain)>,
    head: Head,
    acknowledged: Option<Head>,
    from: Seq,
    last_no: u32,
    rescans: u32,
    done: bool,
}

impl Blocks {
    /// Blocks of `entries`, which begin after `head`; they must pass `acknowledged`.
    pub(crate) fn over(
        dir: &Path,
        ledger: LedgerId,
        entries: Vec<Entry>,
        head: Head,
        acknowledged: Option<Head>,
        from: Seq,
    ) -> Self {
        Self {
            dir: dir.to_owned(),
            ledger,
            last_no: entries.last().map_or(1, |entry| entry.no),
            entries: entries.into_iter(),
            current: None,
            head,
            acknowledged,
            from,
            rescans: 0,
            done: false,
        }
    }

    /// Where the last block given leaves the log; before the first, where reading began.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    fn advance(&mut self) -> Result<Option<Block>, ReadError> {
        loop {
            if self.current.is_none() && !self.next_volume()? {
                return Ok(None);
            }
            let Some((entry, chain)) = &mut self.current else { return Ok(None) };
            let entry = *entry;
            if entry.end.is_some_and(|end| end.head.seq <= self.head.seq) {
                self.end_volume(entry)?;
                continue;
            }
            match chain.step().map_err(|source| io(&self.dir, entry.no, source))? {
                Some(block) => {
                    self.head = block.head();
                    self.check_passed(entry.no, &block)?;
                    if block.header().last() >= self.from {
                        return Ok(Some(block));
                    }
                }
                None => self.chain_ended(entry)?,
            }
        }
    }

    /// Scans the next volume; after the last, checks that nothing acknowledged is missing.
    fn next_volume(&mut self) -> Result<bool, ReadError> {
        let Some(entry) = self.entries.next() else {
            let missing = self.acknowledged.filter(|noted| noted.seq > self.head.seq);
            return missing.map_or(Ok(false), |noted| Err(self.lost(self.last_no, noted.seq)));
        };
        self.scan(entry)?;
        Ok(true)
    }

    fn scan(&mut self, entry: Entry) -> Result<(), ReadError> {
        let path = dir::volume_path(&self.dir, entry.no).join("db");
        let scan = Scan::run(&path, self.ledger).map_err(|source| ReadError::Io { path, source })?;
        if scan.foreign > 0 {
            let detail = format!("{} blocks belong to another ledger", scan.foreign);
            return Err(self.damaged(entry.no, DamageKind::Foreign, detail));
        }
        self.current = Some((entry, scan.chain(self.head)));
        Ok(())
    }

    /// A volume was read up to its end mark: the mark must name its head.
    fn end_volume(&mut self, entry: Entry) -> Result<(), ReadError> {
        self.current = None;
        match entry.end {
            Some(end) if (end.head.seq, end.head.hash) != (self.head.seq, self.head.hash) => {
                Err(self.damaged(entry.no, DamageKind::EndMark, "its end mark names another head".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// No block follows in this volume: all is well, or it is named.
    fn chain_ended(&mut self, entry: Entry) -> Result<(), ReadError> {
        let Some((_, chain)) = &mut self.current else { return Ok(()) };
        let tail = chain.tail().map_err(|source| io(&self.dir, entry.no, source))?;
        let must = entry.end.map(|end| end.head.seq).or(self.acknowledged.map(|head| head.seq));
        let lost = must.filter(|must| *must > self.head.seq);
        let damaged = lost.is_some() || matches!(tail, Tail::Broken | Tail::Gap { .. });
        if damaged && entry.end.is_none() && self.rescans < RESCANS_MAX {
            self.rescans += 1;
            return self.scan(entry);
        }
        match (tail, lost) {
            (Tail::Broken, _) => {
                let detail = "chain broken: the next block does not follow from the one before".to_owned();
                Err(self.damaged(entry.no, DamageKind::ChainBroken, detail))
            }
            (Tail::Gap { to }, _) | (_, Some(to)) => Err(self.lost(entry.no, to)),
            (Tail::Whole | Tail::Torn, None) => {
                self.current = None;
                Ok(())
            }
        }
    }

    fn check_passed(&self, volume: u32, block: &Block) -> Result<(), ReadError> {
        let Some(noted) = self.acknowledged else { return Ok(()) };
        let passes = block.header().first <= noted.seq && noted.seq <= block.header().last();
        if passes && (noted.seq, noted.hash) != (self.head.seq, self.head.hash) {
            let detail = "the block acknowledged here had another hash".to_owned();
            return Err(self.damaged(volume, DamageKind::ChainBroken, detail));
        }
        Ok(())
    }

    fn lost(&self, volume: u32, to: Seq) -> ReadError {
        let from = self.head.seq.next();
        let detail = format!("events `{from}` to `{to}` are lost");
        ReadError::Damaged { volume, seq: from, kind: DamageKind::Lost { to }, detail }
    }

    fn damaged(&self, volume: u32, kind: DamageKind, detail: String) -> ReadError {
        ReadError::Damaged { volume, seq: self.head.seq.next(), kind, detail }
    }
}

fn io(dir: &Path, volume: u32, source: io::Error) -> ReadError {
    ReadError::Io { path: dir::volume_path(dir, volume).join("db"), source }
}

impl Iterator for Blocks {
    type Item = Result<Block, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.advance().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
}
