//! Rebuilds a damaged ledger from what is whole.
//!
//! Every volume up to the first damage stays as it is. The damaged one is
//! written anew from its chain up to the damage, into a fresh folder, and set
//! aside as `NNNNNN.damaged`; so are all volumes behind it, since nothing can be
//! chained to a gap. Whole blocks behind it are written into plain files beside
//! the ledger. Nothing is deleted and nothing invented: what is missing is told,
//! first and last seq, and recorded by who opens the ledger next.

mod frames;
mod islands;
mod told;

pub use islands::Island;
pub use told::Salvaged;

use crate::begins::{self, Begins};
use crate::block::{Block, LedgerId};
use crate::checkpoint::Shelf;
use crate::dir::{self, End, Meta};
use crate::error::OpenError;
use crate::files;
use crate::leftovers;
use crate::lock::DirLock;
use crate::pack::GROUP_BYTES_MAX;
use crate::probe::Probes;
use crate::scan::{Chain, Scan, Tail};
use crate::seal::{Frames, SealedFile, check_whole};
use crate::source;
use crate::volume::{self, Volume, VolumeError};
use sledger_core::Seq;
use sledger_core::log::Head;
use std::io;
use std::path::{Path, PathBuf};

const CACHE_BYTES: u64 = 32 * 1024 * 1024;
/// Word behind the number of a volume that is being written anew.
const FRESH: &str = "salvage";

/// What a salvage did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalvageReport {
    /// Where the ledger stands now.
    pub head: Head,
    /// The volume that was written anew, if any.
    pub rebuilt: Option<u32>,
    /// First seq that is lost, if any.
    pub lost_from: Option<Seq>,
    /// The last seq known to be lost: something named it or stood behind it.
    pub lost_to: Option<Seq>,
    /// Folders set aside.
    pub aside: Vec<PathBuf>,
    /// What is whole behind the first gap, in order.
    pub islands: Vec<Island>,
    /// What is in no block that is left: first and last seq of each gap, in order.
    pub missing: Vec<(Seq, Seq)>,
    /// The volume whose end nothing tells: more may have stood behind what was found in it.
    pub open_end: Option<u32>,
}

impl SalvageReport {
    /// What was done, in a sentence.
    #[must_use]
    pub fn told(&self) -> String {
        let rebuilt = self.rebuilt.map_or_else(String::new, |no| format!("volume {no} was written anew, "));
        let missing: u64 = self.missing.iter().map(|(from, to)| to.0.saturating_sub(from.0) + 1).sum();
        let (aside, islands) = (self.aside.len(), self.islands.len());
        let told = format!(
            "{rebuilt}{aside} set aside, {islands} runs of blocks kept beside, {missing} events missing"
        );
        self.open_end.map_or(told.clone(), |no| format!("{told}, where volume {no} ended is not known"))
    }
}

/// Salvages the ledger in `dir`. It must not be served.
///
/// # Errors
/// [`OpenError`]: no ledger, locked, or the system refused.
pub fn salvage(dir: &Path) -> Result<SalvageReport, OpenError> {
    let Some(meta) = Meta::read(dir)? else { return Err(OpenError::Missing { dir: dir.to_owned() }) };
    let _lock = DirLock::take(dir)?;
    let mut work = Salvage {
        dir: dir.to_owned(),
        ledger: meta.ledger,
        epoch: 0,
        first: 1,
        known: known(dir, meta.ledger),
        meta,
        report: SalvageReport::default(),
    };
    let begins = Begins::read(dir, work.ledger)?;
    let (first, head, epoch) = begins::origin(begins.as_ref());
    (work.first, work.report.head, work.epoch) = (first, head, epoch);
    work.run().map_err(|error| match error {
        VolumeError::Io(source) => OpenError::io("salvage", dir, source),
        error => OpenError::io("salvage", dir, io::Error::other(error.to_string())),
    })?;
    Ok(work.report)
}

/// The furthest seq that any mark names.
fn known(dir: &Path, ledger: LedgerId) -> Seq {
    let noted = crate::head_mark::read(&dir::head_path(dir), ledger).ok().flatten().map(|head| head.seq);
    let clean = dir::Clean::read(dir, ledger).ok().flatten().map(|clean| clean.head.seq);
    noted.into_iter().chain(clean).max().unwrap_or_default()
}

struct Salvage {
    dir: PathBuf,
    meta: Meta,
    ledger: LedgerId,
    epoch: u64,
    /// The first volume that there must be.
    first: u32,
    known: Seq,
    report: SalvageReport,
}

impl Salvage {
    fn run(&mut self) -> Result<(), VolumeError> {
        leftovers::settle(&self.dir, &self.meta)?;
        let numbers = self.numbers()?;
        let mut is_whole = true;
        for (expected, no) in (self.first..).zip(numbers) {
            if is_whole && no == expected {
                is_whole = self.volume(no)?;
            } else {
                is_whole = false;
                self.set_aside(no)?;
            }
        }
        self.report.islands = islands::write(&self.dir, self.ledger, self.report.head, &self.report.aside)?;
        self.tell_loss();
        self.set_aside_checkpoints()?;
        if self.report.rebuilt.is_some() || !self.report.aside.is_empty() {
            let SalvageReport { lost_from, lost_to, .. } = self.report;
            let told = Salvaged { lost_from, lost_to, detail: self.report.told() };
            told.leave(&self.dir, self.ledger)?;
        }
        self.forget_marks()
    }

    /// The volumes there are. One that an earlier salvage had written whole before it was cut short,
    /// with the damaged one set aside already, gets its number first.
    fn numbers(&self) -> Result<Vec<u32>, VolumeError> {
        let volumes = dir::volumes_path(&self.dir);
        for fresh in files::entries(&volumes)? {
            let no = files::name(&fresh).strip_suffix(".salvage").and_then(|no| no.parse().ok());
            let Some(volume) = no.map(|no| dir::volume_path(&self.dir, no)) else { continue };
            if fresh.join("end").exists() && !volume.exists() {
                files::rename(&fresh, &volume)?;
            }
        }
        Ok(dir::numbers(&self.dir)?)
    }

    /// Looks at a volume; whether the next one may follow.
    fn volume(&mut self, no: u32) -> Result<bool, VolumeError> {
        let path = dir::volume_path(&self.dir, no);
        if !path.is_dir() {
            return self.sealed(no);
        }
        let end = End::read(&path, self.ledger, no)?.and_then(Result::ok);
        let scan = self.scan(no)?;
        let is_ours = scan.foreign == 0;
        let mut chain = scan.chain(self.report.head);
        let begun = self.report.head;
        while end.is_none_or(|end| end.head.seq > chain.head().seq) {
            let Some(block) = chain.step()? else { break };
            self.epoch = block.header().epoch;
        }
        let head = chain.head();
        let tail =
            if end.is_some_and(|end| end.head.seq <= head.seq) { Tail::Whole } else { chain.tail()? };
        let is_end = end.is_none_or(|end| (end.head.seq, end.head.hash) == (head.seq, head.hash));
        let is_chain = matches!(tail, Tail::Whole | Tail::Torn);
        self.note_gap(tail, end, &mut chain)?;
        self.report.head = head;
        if head.seq > begun.seq {
            self.report.open_end = None;
        }
        if !(is_end && is_chain) {
            self.rebuild(no, begun)?;
            return Ok(false);
        }
        if !is_ours {
            self.rebuild(no, begun)?;
            return Ok(true);
        }
        let end = End { first: begun.seq.next(), head, epoch: self.epoch };
        end.write(&path, self.ledger, no)?;
        Ok(true)
    }

    /// Looks at a sealed volume: one that is whole and follows from the one before stays as it is.
    fn sealed(&mut self, no: u32) -> Result<bool, VolumeError> {
        let (path, begun) = (dir::sealed_path(&self.dir, no), self.report.head);
        let name = source::name(&self.meta, no);
        if let Ok(file) = check_whole(&path, &name, None, &|| false) {
            let (end, follows) = (file.end(), file.footer().prev == begun.hash);
            if follows && end.first == begun.seq.next() {
                self.report.open_end = None;
                (self.report.head, self.epoch) = (end.head, end.epoch);
                return Ok(true);
            }
        }
        let end = SealedFile::open(&path, &name).ok().map(|file| file.end());
        self.known = self.known.max(end.map_or(Seq(0), |end| end.head.seq));
        self.report.open_end = end.is_none().then_some(no);
        self.rebuild_sealed(no, begun)?;
        Ok(end.is_none_or(|end| end.head.seq == self.report.head.seq))
    }

    /// Writes a sealed volume anew, as a sled folder, from the frames that are whole, and sets the file aside.
    fn rebuild_sealed(&mut self, no: u32, begun: Head) -> Result<(), VolumeError> {
        let mut frames = Frames::without_footer(&dir::sealed_path(&self.dir, no), begun)?;
        let fresh = dir::beside_path(&self.dir, no, FRESH);
        volume::make(&fresh, CACHE_BYTES)?;
        let mut volume = Volume::open_at(fresh.clone(), no, CACHE_BYTES)?;
        let mut since = 0;
        while let Ok(Some(block)) = frames.step() {
            self.epoch = block.header().epoch;
            self.report.head = block.head();
            since += put(&mut volume, &block)?;
            if since >= GROUP_BYTES_MAX {
                volume.barrier(&Probes::default())?;
                since = 0;
            }
        }
        volume.barrier(&Probes::default())?;
        volume.close()?;
        if self.report.head.seq == begun.seq {
            std::fs::remove_dir_all(&fresh)?;
            return self.set_aside(no);
        }
        self.install(no, begun, &fresh)
    }

    /// Gives a volume written anew its place, and sets aside what stood there.
    fn install(&mut self, no: u32, begun: Head, fresh: &Path) -> Result<(), VolumeError> {
        let head = self.report.head;
        files::sync_tree(fresh)?;
        End { first: begun.seq.next(), head, epoch: self.epoch }.write(fresh, self.ledger, no)?;
        self.set_aside(no)?;
        files::rename(fresh, &dir::volume_path(&self.dir, no))?;
        self.report.rebuilt = Some(no);
        Ok(())
    }

    fn scan(&self, no: u32) -> io::Result<Scan> {
        Scan::run(&dir::volume_path(&self.dir, no).join("db"), self.ledger)
    }

    fn note_gap(&mut self, tail: Tail, end: Option<End>, chain: &mut Chain) -> Result<(), VolumeError> {
        let behind = match tail {
            Tail::Gap { to } => Some(to),
            Tail::Broken => chain.skip_gap()?.map(|head| head.seq.next()),
            Tail::Whole | Tail::Torn => None,
        };
        let furthest = behind.into_iter().chain(end.map(|end| end.head.seq)).max();
        self.known = self.known.max(furthest.unwrap_or_default());
        Ok(())
    }

    /// Writes a volume anew from its chain, and sets the damaged one aside.
    fn rebuild(&mut self, no: u32, begun: Head) -> Result<(), VolumeError> {
        let keep = self.report.head;
        let chain = self.scan(no)?.chain(begun);
        if keep.seq == begun.seq {
            return self.set_aside(no);
        }
        let fresh = dir::beside_path(&self.dir, no, FRESH);
        volume::make(&fresh, CACHE_BYTES)?;
        copy(Volume::open_at(fresh.clone(), no, CACHE_BYTES)?, chain, keep)?;
        self.install(no, begun, &fresh)
    }

    /// Renames what there is of a volume: its folder, its sealed file, or both.
    fn set_aside(&mut self, no: u32) -> Result<(), VolumeError> {
        for path in [dir::volume_path(&self.dir, no), dir::sealed_path(&self.dir, no)] {
            if path.exists() {
                self.report.aside.push(dir::set_aside(&path)?);
            }
        }
        Ok(())
    }

    fn tell_loss(&mut self) {
        let head = self.report.head.seq;
        let last = self.report.islands.last().map(|island| island.last);
        self.known = self.known.max(last.unwrap_or_default());
        let mut next = head.next();
        for island in &self.report.islands {
            if island.first > next {
                self.report.missing.push((next, Seq(island.first.0 - 1)));
            }
            next = island.last.next();
        }
        if self.known >= next {
            self.report.missing.push((next, self.known));
        }
        if self.known > head {
            self.report.lost_from = Some(head.next());
            self.report.lost_to = Some(self.known);
        }
    }

    /// Checkpoints of what is gone name what cannot be found any more: they are kept, out of the way.
    fn set_aside_checkpoints(&mut self) -> io::Result<()> {
        for (path, held) in Shelf::of(&self.dir).all()? {
            if held.is_none_or(|held| held.stand().seq > self.report.head.seq) {
                dir::set_aside(&path)?;
            }
        }
        Ok(())
    }

    /// Marks that name what is gone would refuse the ledger for ever.
    fn forget_marks(&self) -> Result<(), VolumeError> {
        files::remove(&dir::head_path(&self.dir))?;
        files::remove(&dir::clean_path(&self.dir))?;
        Ok(files::sync_dir(&self.dir)?)
    }
}

/// Copies a chain up to `keep` into a fresh volume.
fn copy(mut volume: Volume, mut chain: Chain, keep: Head) -> Result<PathBuf, VolumeError> {
    let mut since = 0;
    while chain.head().seq < keep.seq {
        let Some(block) = chain.step()? else { break };
        since += put(&mut volume, &block)?;
        if since >= GROUP_BYTES_MAX {
            volume.barrier(&Probes::default())?;
            since = 0;
        }
    }
    volume.barrier(&Probes::default())?;
    volume.close()
}

fn put(volume: &mut Volume, block: &Block) -> Result<usize, VolumeError> {
    volume.insert(block)?;
    Ok(block.bytes().len())
}
