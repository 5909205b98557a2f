//! Checks all that is stored: hashes, chain, gapless numbers, marks, content.
//!
//! Goes on behind damage where it can, so that one report names all of it. It
//! takes no lock and writes nothing. What it cannot tell: a cut tail, or a whole
//! rewritten ledger, unless something outside names a head: a checkpoint that was
//! kept elsewhere. Those that lie in the ledger's own folder are looked at too,
//! but anchor nothing, since whoever rewrites the ledger can take them away.

mod ahead;
mod anchors;
mod report;
mod stream;

pub use anchors::{Anchor, Anchors};
pub use report::{Problem, VerifyReport};
pub use stream::{BlocksReport, Held, verify_blocks};

use crate::begins::{self, Begins};
use crate::block::Block;
use crate::checkpoint::Shelf;
use crate::dir::{self, Clean, End, Meta};
use crate::error::{DamageKind, OpenError, ReadError};
use crate::files;
use crate::head_mark;
use crate::keys::KeyRing;
use crate::mentions::mentions;
use crate::reader::{self, Reader};
use crate::scan::{Chain, Scan, Tail};
use crate::seal::{Filter, Filters, Frames, SealedFault, SealedFile};
use crate::snapshots::Bases;
use crate::source::{self, SourceFault};
use ahead::Ahead;
use anchors::{Finding, Holding, Of};
use sledger_core::event::Decision;
use sledger_core::log::Head;
use sledger_core::{Millis, Seq};
use std::path::{Path, PathBuf};

/// Checks the ledger in `dir`, with nothing to hold it against.
///
/// # Errors
/// As [`verify_against`].
pub fn verify(dir: &Path) -> Result<VerifyReport, OpenError> {
    verify_against(dir, &Anchors::default())
}

/// Checks the ledger in `dir`, and that it passes these checkpoints.
///
/// # Errors
/// [`OpenError`] where not even the beginning can be read.
pub fn verify_against(dir: &Path, anchors: &Anchors) -> Result<VerifyReport, OpenError> {
    checked(dir, anchors, None)
}

/// Gets each whole block and its decisions, with the volume it lies in.
pub type Seen = Box<dyn FnMut(u32, &Block, Vec<Decision>) + Send>;

/// As [`verify_against`], and shows what is whole on the way. After damage it goes on behind it.
///
/// # Errors
/// As [`verify_against`].
pub fn verify_seen(dir: &Path, anchors: &Anchors, seen: Seen) -> Result<VerifyReport, OpenError> {
    checked(dir, anchors, Some(seen))
}

fn checked(dir: &Path, anchors: &Anchors, seen: Option<Seen>) -> Result<VerifyReport, OpenError> {
    let meta = Meta::read(dir)?.ok_or_else(|| OpenError::Missing { dir: dir.to_owned() })?;
    let mut check = Check::new(dir, meta, anchors)?;
    if let Some(seen) = seen {
        // Without its keys it is shown as it is sealed.
        let is_sealed = check.report.meta.seal_personal;
        check.keys = is_sealed.then(|| KeyRing::read(dir, check.report.meta.ledger).ok()).flatten();
        check.seen = Some(seen);
    }
    check.opens()?;
    let (first, head, _) = begins::origin(check.report.begins.as_ref());
    if check.report.begins.is_some() {
        check.resume(first, head);
        check.last_at = head.at;
        check.base();
    }
    let numbers = dir::numbers(dir).map_err(|source| OpenError::io("list", &dir::volumes_path(dir), source));
    let mut expected = first;
    // Those before the beginning were about to go.
    for no in numbers?.into_iter().filter(|no| *no >= first) {
        if no != expected {
            check.missing(expected, no)?;
        }
        check.volume(no)?;
        expected = no + 1;
    }
    check.acknowledged();
    check.closed()?;
    check.anchored(anchors.is_required);
    Ok(check.report)
}

struct Check {
    dir: PathBuf,
    acknowledged: Option<Head>,
    holding: Holding,
    last_at: Millis,
    report: VerifyReport,
    /// Who is shown what is whole.
    seen: Option<Seen>,
    /// Opens what is sealed, for whoever is shown it.
    keys: Option<KeyRing>,
}

impl Check {
    fn new(dir: &Path, meta: Meta, anchors: &Anchors) -> Result<Self, OpenError> {
        let begins = Begins::read(dir, meta.ledger)?;
        let path = dir::checkpoints_path(dir);
        let inside = Shelf::of(dir).all().map_err(|source| OpenError::io("read", &path, source))?;
        let inside = inside.into_iter().map(|(path, read)| (files::name(&path).to_owned(), read)).collect();
        let (holding, findings) =
            Holding::new(anchors, inside, Of { ledger: meta.ledger, partition: meta.partition });
        let report = VerifyReport {
            meta,
            begins,
            volumes: 0,
            blocks: 0,
            decisions: 0,
            events: 0,
            head: Head::default(),
            anchor: None,
            checkpoints_inside: 0,
            problems: Vec::new(),
        };
        let mut check = Self {
            dir: dir.to_owned(),
            acknowledged: None,
            holding,
            last_at: Millis(0),
            report,
            seen: None,
            keys: None,
        };
        check.tell(0, findings);
        Ok(check)
    }

    /// Reads the marks, and opens the ledger as a reader does: what stands in the way is told.
    fn opens(&mut self) -> Result<(), OpenError> {
        match reader::noted(&self.dir, self.report.meta.ledger) {
            Ok(noted) => self.acknowledged = noted,
            Err(OpenError::BadMark { path, detail }) => {
                self.problem(0, DamageKind::EndMark, format!("mark `{}`: {detail}", files::name(&path)));
            }
            Err(error) => return Err(error),
        }
        match Reader::open(&self.dir).map(|_| ()) {
            Err(OpenError::Damaged { volume, seq, kind, detail }) => {
                self.report.problems.push(Problem { kind, volume, seq, detail });
                Ok(())
            }
            // Both are told where they are met.
            Ok(()) | Err(OpenError::VolumeMissing { .. } | OpenError::BadMark { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The volumes from `first` on are not there; the next is `no`.
    fn missing(&mut self, first: u32, no: u32) -> Result<(), OpenError> {
        let from = self.report.head.seq.next();
        let before = self.before(no)?.filter(|before| before.seq >= from);
        let named = if no - first == 1 { "it is" } else { "it and those up to the next are" };
        let (kind, lost) = match before {
            Some(before) => {
                let lost = format!(": events `{from}` to `{}` are lost", before.seq);
                (DamageKind::Lost { to: before.seq }, lost)
            }
            None => (DamageKind::Lost { to: from }, String::new()),
        };
        self.problem(first, kind, format!("{named} missing{lost}"));
        if let Some(before) = before {
            self.resume(no, before);
        }
        Ok(())
    }

    /// Where the log stood before volume `no`, as that volume says.
    fn before(&self, no: u32) -> Result<Option<Head>, OpenError> {
        let (path, sealed) = (dir::volume_path(&self.dir, no), dir::sealed_path(&self.dir, no));
        if !path.is_dir() {
            let file = SealedFile::open(&sealed, &source::name(&self.report.meta, no)).ok();
            return Ok(file.map(|file| {
                let seq = Seq(file.end().first.0.saturating_sub(1));
                Head { seq, hash: file.footer().prev, at: file.footer().first_at, token: 0 }
            }));
        }
        let db = path.join("db");
        let io = |source| OpenError::from(ReadError::Io { path: db.clone(), source });
        let scan = Scan::run(&db, self.report.meta.ledger).map_err(io)?;
        scan.chain(self.report.head).skip_gap().map_err(io)
    }

    /// Goes on behind a gap, where the log stood at `head` as what follows says.
    fn resume(&mut self, no: u32, head: Head) {
        self.report.head = head;
        let findings = self.holding.resumes(head);
        self.tell(no, findings);
    }

    fn tell(&mut self, volume: u32, findings: impl IntoIterator<Item = Finding>) {
        let problem = |Finding { kind, seq, detail }| Problem { kind, volume, seq, detail };
        self.report.problems.extend(findings.into_iter().map(problem));
    }

    /// The state that a history begins with must be the one that its mark names.
    fn base(&mut self) {
        let Some(begins) = self.report.begins else { return };
        if let Err(error) = Bases::new(&self.dir, &self.report.meta).open(&begins) {
            self.problem(begins.volume, DamageKind::Base, format!("base: {error}"));
        }
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
            self.resume(no, head);
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
        let (index, filter) = (file.index(), file.filters());
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
    fn frames(&mut self, no: u32, frames: Frames, filter: Option<&Filters>) -> Result<(), OpenError> {
        let begun = Ahead::of(frames).map_err(SealedFault::from);
        let Some(mut frames) = self.checked(no, begun)? else { return Ok(()) };
        loop {
            let step = frames.step();
            match self.checked(no, step)? {
                Some(Some(block)) => {
                    let filter = filter.and_then(|filters| filters.of(block.header().first));
                    self.block(no, &block, filter);
                }
                Some(None) => return Ok(()),
                None => {
                    let skipped = frames.skip();
                    let Some(head) = self.checked(no, skipped)?.flatten() else { return Ok(()) };
                    if head.seq > self.report.head.seq {
                        self.lost(no, head.seq);
                    }
                    self.resume(no, head);
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
        let (mut events, mut whole) = (0, Vec::new());
        for decision in block.decisions() {
            match decision {
                Ok(decision) => {
                    if let Some(filter) = filter {
                        self.filtered(no, header.first.plus(events), &decision, filter);
                    }
                    events += decision.events.len() as u64;
                    self.time(no, decision.at);
                    if self.seen.is_some() {
                        whole.push(decision);
                    }
                }
                Err(error) => self.problem(no, DamageKind::Content, error.to_string()),
            }
        }
        if events != u64::from(header.events) {
            let detail = format!("a block says `{}` events and holds `{events}`", header.events);
            self.problem(no, DamageKind::Content, detail);
        } else if let Some(seen) = &mut self.seen {
            if let Some(keys) = &self.keys {
                for decision in &mut whole {
                    keys.open_in(decision);
                }
            }
            seen(no, block, whole);
        }
        self.report.head = block.head();
        let findings = self.holding.passes(header.first, block.head());
        self.tell(no, findings);
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
            // A mark is no block: no checkpoint holds by it.
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

    /// A ledger closed in good order has every byte of its last volume, and its head mark, as they were.
    fn closed(&mut self) -> Result<(), OpenError> {
        let ledger = self.report.meta.ledger;
        let Ok(Some(clean)) = Clean::read(&self.dir, ledger) else { return Ok(()) };
        let (path, mark) = (dir::volume_path(&self.dir, clean.volume), dir::head_path(&self.dir));
        let marked = head_mark::read(&mark, ledger).map_err(|source| OpenError::io("read", &mark, source))?;
        // An empty one was never written to.
        let is_written = std::fs::metadata(&mark).is_ok_and(|mark| mark.len() > 0);
        if marked.is_none() && is_written {
            self.problem(0, DamageKind::EndMark, "mark `head`: its check does not match".to_owned());
        }
        let is_told = self.report.problems.iter().any(|told| told.volume == clean.volume);
        if clean.files == [0; 32] || is_told || !path.is_dir() {
            return Ok(());
        }
        let digest = dir::digest(&path).map_err(|source| OpenError::io("read", &path, source))?;
        if digest != clean.files {
            let detail = "its files are not what they were when it was closed".to_owned();
            self.problem(clean.volume, DamageKind::FilesChanged, detail);
        }
        Ok(())
    }

    /// What checkpoints say of the end, and whether one of them anchors the chain.
    fn anchored(&mut self, is_required: bool) {
        let cut = self.holding.ends(self.report.head);
        self.tell(self.report.volumes, cut);
        self.report.anchor = self.holding.anchor.take();
        self.report.checkpoints_inside = self.holding.inside;
        if is_required && self.report.anchor.is_none() {
            let detail = "no checkpoint from outside anchors this ledger".to_owned();
            let (kind, seq) = (DamageKind::NotAnchored, Seq(0));
            self.report.problems.push(Problem { kind, volume: 0, seq, detail });
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
