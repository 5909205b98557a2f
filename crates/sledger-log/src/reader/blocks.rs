//! The blocks of some volumes, in order.

use super::Entry;
use crate::block::Block;
use crate::dir::{End, Meta};
use crate::error::{DamageKind, ReadError};
use crate::keys::KeyRing;
use crate::scan::Tail;
use crate::source::{Source, SourceFault};
use sledger_core::Seq;
use sledger_core::log::Head;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A writer that reuses space under a scan can hide a block from it: so often it is scanned again.
const RESCANS_MAX: u32 = 3;

/// Blocks in order; see [`super::Reader::blocks`].
#[derive(Debug)]
pub struct Blocks {
    dir: PathBuf,
    meta: Meta,
    entries: std::vec::IntoIter<Entry>,
    current: Option<(Entry, Source)>,
    head: Head,
    acknowledged: Option<Head>,
    from: Seq,
    last_no: u32,
    rescans: u32,
    done: bool,
    keys: Option<Arc<KeyRing>>,
}

impl Blocks {
    /// Blocks of `entries`, which begin after `head`; they must pass `acknowledged`.
    pub(crate) fn over(
        dir: &Path,
        meta: &Meta,
        entries: Vec<Entry>,
        head: Head,
        acknowledged: Option<Head>,
        from: Seq,
    ) -> Self {
        Self {
            dir: dir.to_owned(),
            meta: meta.clone(),
            last_no: entries.last().map_or(1, |entry| entry.no),
            entries: entries.into_iter(),
            current: None,
            head,
            acknowledged,
            from,
            rescans: 0,
            done: false,
            keys: None,
        }
    }

    pub(crate) fn with_keys(self, keys: Option<Arc<KeyRing>>) -> Self {
        Self { keys, ..self }
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
            let Some((entry, source)) = &mut self.current else { return Ok(None) };
            let (no, end) = (entry.no, entry.end);
            if end.is_some_and(|end| end.head.seq <= self.head.seq) {
                self.end_volume(no, end)?;
                continue;
            }
            match source.step(&self.dir, no) {
                Ok(Some(block)) => {
                    self.head = block.head();
                    self.check_passed(no, &block)?;
                    if block.header().last() >= self.from {
                        return Ok(Some(block.with_keys(self.keys.clone())));
                    }
                }
                Ok(None) => self.chain_ended()?,
                Err(fault) => return Err(fault.at(no, self.head.seq.next())),
            }
        }
    }

    /// Scans the next volume; after the last, checks that nothing acknowledged is missing.
    fn next_volume(&mut self) -> Result<bool, ReadError> {
        let Some(entry) = self.entries.next() else {
            let missing = self.acknowledged.filter(|noted| noted.seq > self.head.seq);
            return missing.map_or(Ok(false), |noted| Err(self.lost(self.last_no, noted.seq)));
        };
        self.begin(entry)?;
        Ok(true)
    }

    fn begin(&mut self, entry: Entry) -> Result<(), ReadError> {
        let opened = Source::open(&self.dir, &self.meta, &entry, self.head, self.from);
        let source = opened.map_err(|fault| fault.at(entry.no, self.head.seq.next()))?;
        self.head = source.head();
        self.current = Some((entry, source));
        Ok(())
    }

    /// A volume was read up to its end mark: the mark must name its head.
    fn end_volume(&mut self, no: u32, end: Option<End>) -> Result<(), ReadError> {
        self.current = None;
        match end {
            Some(end) if (end.head.seq, end.head.hash) != (self.head.seq, self.head.hash) => {
                Err(self.damaged(no, DamageKind::EndMark, "its end mark names another head".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// No block follows in this volume: all is well, or it is named.
    fn chain_ended(&mut self) -> Result<(), ReadError> {
        let Some((entry, mut source)) = self.current.take() else { return Ok(()) };
        let no = entry.no;
        let tail = match &mut source {
            Source::Sled(chain) => chain.tail(),
            Source::Sealed(_) => Ok(Tail::Whole),
        };
        let tail =
            tail.map_err(|source| SourceFault::db(&self.dir, no, source).at(no, self.head.seq.next()))?;
        let must = entry.end.map(|end| end.head.seq).or(self.acknowledged.map(|head| head.seq));
        let lost = must.filter(|must| *must > self.head.seq);
        let damaged = lost.is_some() || matches!(tail, Tail::Broken | Tail::Gap { .. });
        if damaged && entry.end.is_none() && self.rescans < RESCANS_MAX {
            self.rescans += 1;
            return self.begin(entry);
        }
        match (tail, lost) {
            (Tail::Broken, _) => {
                let detail = "chain broken: the next block does not follow from the one before".to_owned();
                Err(self.damaged(no, DamageKind::ChainBroken, detail))
            }
            (Tail::Gap { to }, _) | (_, Some(to)) => Err(self.lost(no, to)),
            (Tail::Whole | Tail::Torn, None) => Ok(()),
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
