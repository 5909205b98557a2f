//! Checks all that is stored: hashes, chain, gapless numbers, marks, content.
//!
//! Goes on behind damage where it can, so that one report names all of it. It
//! takes no lock and writes nothing. What it cannot tell: a cut tail, or a whole
//! rewritten ledger, unless something outside names a head.

use crate::block::Block;
use crate::dir::{self, End, Meta};
use crate::error::{DamageKind, OpenError, ReadError};
use crate::mentions::mentions;
use crate::reader::Reader;
use crate::scan::{Chain, Scan, Tail};
use crate::seal::{Filter, Frames, SealedFault, SealedFile};
use crate::source::{self, SourceFault};
use sledger_core::event::Decision;
use sledger_core::log::Head;
use sledger_core::{Millis, Seq};
use std::path::{Path, PathBuf};

/// One thing that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub kind: DamageKind,
    /// In which volume.
    pub volume: u32,
    /// First seq concerned.
    pub seq: Seq,
    /// In words.
    pub detail: String,
}

/// What a check of the storage found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// What the ledger is.
    pub meta: Meta,
    /// Volumes read.
    pub volumes: u32,
    /// Whole blocks.
    pub blocks: u64,
    /// Decisions in them.
    pub decisions: u64,
    /// Events in them.
    pub events: u64,
    /// The last whole block.
    pub head: Head,
    /// What is wrong, in order; empty when all is well.
    pub problems: Vec<Problem>,
}

/// Checks the ledger in `dir`.
///
/// # Errors
/// [`OpenError`] where not even the beginning can be read.
pub fn verify(dir: &Path) -> Result<VerifyReport, OpenError> {
    let mut check = match Reader::open(dir) {
        Ok(reader) => Check::new(dir, reader.meta().clone(), reader.acknowledged),
        Err(OpenError::Damaged { volume, seq, kind, detail }) => {
            let meta = Meta::read(dir)?.ok_or_else(|| OpenError::Missing { dir: dir.to_owned() })?;
            let mut check = Check::new(dir, meta, None);
            check.report.problems.push(Problem { kind, volume, seq, detail });
            check
        }
        Err(error) => return Err(error),
    };
    for no in dir::volumes(dir)? {
        check.volume(no)?;
    }
    check.acknowledged();
    Ok(check.report)
}

struct Check {
    dir: PathBuf,
    acknowledged: Option<Head>,
    last_at: Millis,
    report: VerifyReport,
}

impl Check {
    fn new(dir: &Path, meta: Meta, acknowledged: Option<Head>) -> Self {
        let report = VerifyReport {
            meta,
            volumes: 0,
            blocks: 0,
            decisions: 0,
            events: 0,
            head: Head::default(),
            problems: Vec::new(),
        };
        Self { dir: dir.to_owned(), acknowledged, last_at: Millis(0), report }
    }

    fn volume(&mut self, no: u32) -> Result<(), OpenError> {
        self.report.volumes += 1;
        let path = dir::volume_path(&self.dir, no);
        if !path.is_dir() && dir::sealed_path(&self.dir, no).exists() {
            return self.sealed(no);
        }
        let db = path.join("db");
        let io = |source| OpenError::from(ReadError::Io { path: db.clone(), source });
        let scan = Scan::run(&db, self.report.meta.ledger).map_err(io)?;
        if scan.foreign > 0 {
            let detail = format!("{} blocks belong to another ledger", scan.foreign);
            self.problem(no, DamageKind::Foreign, detail);
        }
        let end = End::read(&path, self.report.meta.ledger, no).map_err(io)?.and_then(Result::ok);
        let mut chain = scan.chain(self.report.head);
        self.chain(no, &mut chain, end).map_err(io)?;
        self.end(no, end);
        Ok(())
    }

    /// Walks the chain, and goes on behind each gap.
    fn chain(&mut self, no: u32, chain: &mut Chain, end: Option<End>) -> std::io::Result<()> {
        let is_over = |head: Head| end.is_some_and(|end| end.head.seq <= head.seq);
        while !is_over(self.report.head) {
            if let Some(block) = chain.step()? {
                self.block(no, &block, None);
                continue;
            }
            let tail = chain.tail()?;
            let is_lost = end.is_some() || matches!(tail, Tail::Broken | Tail::Gap { .. });
            let Some(head) = (if is_lost { chain.skip_gap()? } else { None }) else { break };
            if head.seq == self.report.head.seq {
                self.problem(no, DamageKind::ChainBroken, "the next block does not follow".to_owned());
            } else {
                self.lost(no, head.seq);
            }
            self.report.head = head;
        }
        Ok(())
    }

    fn sealed(&mut self, no: u32) -> Result<(), OpenError> {
        let path = dir::sealed_path(&self.dir, no);
        let io = |source| OpenError::from(ReadError::Io { path: path.clone(), source });
        let opened = SealedFile::open(&path, &source::name(&self.report.meta, no));
        let Some(file) = self.checked(no, opened)? else {
            let frames = Frames::without_footer(&path, self.report.head).map_err(io)?;
            return self.frames(no, frames, None);
        };
        let (problems, counts) = (self.report.problems.len(), self.counts());
        let (index, filter) = (file.index(), file.filter());
        self.checked(no, index)?;
        let filter = self.checked(no, filter)?;
        let frames = file.frames(self.report.head, Seq(0));
        if let Some(frames) = self.checked(no, frames)? {
            self.frames(no, frames, filter.as_ref())?;
        }
        self.end(no, Some(file.end()));
        let footer = file.footer();
        let said = [footer.blocks, footer.decisions, footer.events];
        let found = self.counts().into_iter().zip(counts).map(|(now, before)| now - before);
        if self.report.problems.len() == problems && !found.eq(said) {
            self.problem(no, DamageKind::SealedFile, "sealed file: its counts are wrong".to_owned());
        }
        Ok(())
    }

    const fn counts(&self) -> [u64; 3] {
        [self.report.blocks, self.report.decisions, self.report.events]
    }

    /// A part of a sealed file, or a problem told.
    fn checked<T>(&mut self, no: u32, part: Result<T, SealedFault>) -> Result<Option<T>, OpenError> {
        let fault = match part {
            Ok(part) => return Ok(Some(part)),
            Err(fault) => fault,
        };
        if matches!(fault, SealedFault::Io(_)) {
            let error = SourceFault::sealed(&self.dir, no, fault).at(no, self.report.head.seq.next());
            return Err(error.into());
        }
        let (kind, detail) = (source::kind(&fault), source::detail(&fault));
        let is_told = |told: &Problem| (told.volume, &told.detail) == (no, &detail);
        if !self.report.problems.iter().any(is_told) {
            self.problem(no, kind, detail);
        }
        Ok(None)
    }

    /// Walks the frames, and goes on behind each that is damaged.
    fn frames(&mut self, no: u32, mut frames: Frames, filter: Option<&Filter>) -> Result<(), OpenError> {
        loop {
            let step = frames.step();
            match self.checked(no, step)? {
                Some(Some(block)) => self.block(no, &block, filter),
                Some(None) => return Ok(()),
                None => {
                    let skipped = frames.skip();
                    let Some(head) = self.checked(no, skipped)?.flatten() else { return Ok(()) };
                    if head.seq > self.report.head.seq {
                        self.lost(no, head.seq);
                    }
                    self.report.head = head;
                }
            }
        }
    }

    /// No mention of a decision may be missing in the filter of its volume.
    fn filtered(&mut self, no: u32, first: Seq, decision: &Decision, filter: &Filter) {
        let mut is_found = true;
        mentions(first, decision, &mut |mention| is_found &= filter.may_hold(mention));
        let detail = "sealed file: its filter misses what it mentions".to_owned();
        if !is_found && self.report.problems.last().is_none_or(|told| told.detail != detail) {
            self.problem(no, DamageKind::SealedFile, detail);
        }
    }

    fn block(&mut self, no: u32, block: &Block, filter: Option<&Filter>) {
        let header = block.header();
        self.report.blocks += 1;
        self.report.decisions += u64::from(header.decisions);
        self.report.events += u64::from(header.events);
        let mut events = 0;
        for decision in block.decisions() {
            match decision {
                Ok(decision) => {
                    if let Some(filter) = filter {
                        self.filtered(no, header.first.plus(events), &decision, filter);
                    }
                    events += decision.events.len() as u64;
                    self.time(no, decision.at);
                }
                Err(error) => self.problem(no, DamageKind::Content, error.to_string()),
            }
        }
        if events != u64::from(header.events) {
            let detail = format!("a block says `{}` events and holds `{events}`", header.events);
            self.problem(no, DamageKind::Content, detail);
        }
        self.report.head = block.head();
    }

    fn time(&mut self, no: u32, at: Millis) {
        if at < self.last_at {
            let detail = format!("ledger time runs back from `{}` to `{}`", self.last_at.0, at.0);
            self.problem(no, DamageKind::Content, detail);
        }
        self.last_at = at;
    }

    fn end(&mut self, no: u32, end: Option<End>) {
        let Some(end) = end else { return };
        let head = self.report.head;
        if head.seq < end.head.seq {
            self.lost(no, end.head.seq);
        } else if (head.seq, head.hash) != (end.head.seq, end.head.hash) {
            self.problem(no, DamageKind::EndMark, "its end mark names another head".to_owned());
        }
        self.report.head = end.head;
    }

    fn acknowledged(&mut self) {
        let lost = self.acknowledged.filter(|noted| noted.seq > self.report.head.seq);
        if let Some(noted) = lost {
            self.lost(self.report.volumes, noted.seq);
        }
    }

    fn lost(&mut self, no: u32, to: Seq) {
        let from = self.report.head.seq.next();
        self.problem(no, DamageKind::Lost { to }, format!("events `{from}` to `{to}` are lost"));
    }

    fn problem(&mut self, volume: u32, kind: DamageKind, detail: String) {
        let seq = self.report.head.seq.next();
        self.report.problems.push(Problem { kind, volume, seq, detail });
    }
}
