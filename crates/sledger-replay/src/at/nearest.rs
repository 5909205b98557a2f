//! Where a fold to a moment begins: the newest snapshot at or before it that the log vouches for, else the first event.
//!
//! INVARIANT(log): a snapshot is taken only where the log holds the block that it names, with the hash that it names.
//! It is a cache and no evidence: whoever wants evidence folds everything.

use super::walk::closes;
use super::{At, Walk, When};
use crate::history::{Ahead, HistoryError, decisions, first_state};
use sledger_core::event::RULES_REVISION;
use sledger_core::snapshot::{LoadError, Loader, Rows, SNAPSHOT_REVISION};
use sledger_core::{Seq, State};
use sledger_log::{Block, Blocks, Reader, SnapshotError, SnapshotReader, Snapshots};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

/// So many snapshots before the moment are looked at, newest first.
const LOOKED_AT_MAX: usize = 4;
/// Frames decoded ahead of what is loaded.
const FRAMES_AHEAD: usize = 16;

/// How a ledger in a directory is read.
#[derive(Clone, Copy)]
pub struct Begin<'a> {
    /// Whether snapshots may be used.
    pub snapshots: bool,
    /// Nothing behind this event is looked at: it may not be durable yet.
    pub upto: Option<Seq>,
    /// Asked now and then: whether nobody waits for the answer any more.
    pub is_stopped: &'a dyn Fn() -> bool,
}

/// For whoever waits to the end.
#[must_use]
pub const fn stopped_never() -> bool {
    false
}

/// A snapshot that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// What was found, and how.
#[derive(Debug)]
pub struct Found {
    /// The ledger at the moment.
    pub at: At,
    /// The snapshot that the fold began with.
    pub snapshot: Option<Seq>,
    /// Snapshots before the moment that were passed over.
    pub passed: Vec<Passed>,
}

#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error(transparent)]
    File(#[from] SnapshotError),
    #[error(transparent)]
    Rows(#[from] LoadError),
    #[error("its rows have revision `{found}`; this program reads `{SNAPSHOT_REVISION}`")]
    Revision { found: u32 },
    #[error("it was folded by rules of revision `{found}`; those of this program are `{RULES_REVISION}`")]
    Rules { found: u32 },
    #[error("it needs the log up to seq `{needed}`, which ends at `{end}`")]
    Future { needed: Seq, end: Seq },
    #[error("no block of the log ends at seq `{seq}` with the hash that it names")]
    NotInLog { seq: Seq },
}

/// The state of the newest usable snapshot at or before a moment and behind the event `after`; none where there is
/// none.
///
/// # Errors
/// What is damaged in the log where the snapshot stands.
pub fn nearest(reader: &Reader, dir: &Path, when: When, after: Seq) -> Result<Option<State>, HistoryError> {
    let snapshots = Snapshots::new(dir, reader.meta(), None);
    let mut behind = before(&snapshots, when);
    behind.retain(|seq| *seq > after);
    let taken = newest(reader, &snapshots, behind, &mut Vec::new())?;
    Ok(taken.map(|(state, ..)| state))
}

/// The ledger in `dir`, opened as `reader`, at a moment.
///
/// # Errors
/// What is damaged between the snapshot and the moment, or cannot be read; [`HistoryError::Stopped`] when told to.
pub fn of_ledger(reader: &Reader, dir: &Path, when: When, begin: Begin<'_>) -> Result<Found, HistoryError> {
    let (walk, blocks, snapshot, passed) = started(reader, dir, when, begin)?;
    let at = walked(walk, blocks, begin)?;
    Ok(Found { at, snapshot, passed })
}

type Started = (Walk, Blocks, Option<Seq>, Vec<Passed>);

fn started(reader: &Reader, dir: &Path, when: When, begin: Begin<'_>) -> Result<Started, HistoryError> {
    let snapshots = Snapshots::new(dir, reader.meta(), None);
    let mut passed = Vec::new();
    let all = if begin.snapshots { before(&snapshots, when) } else { Vec::new() };
    if let Some((state, is_stopped, blocks)) = newest(reader, &snapshots, all, &mut passed)? {
        let seq = state.seq();
        return Ok((Walk::new(state, when, is_stopped), blocks, Some(seq), passed));
    }
    let state = first_state(dir, reader)?;
    let is_before = match when {
        When::After(seq) => seq < state.seq(),
        When::At(at) => reader.begins().is_some() && at < state.at(),
    };
    if is_before {
        let begins = reader.begins().map(ToString::to_string).unwrap_or_default();
        return Err(HistoryError::Before(begins));
    }
    Ok((Walk::new(state, when, false), reader.blocks(Seq(1)), None, passed))
}

type Usable = (State, bool, Blocks);

/// The first snapshot of these that can be used, whether it ends closed, and the blocks after it.
fn newest(
    reader: &Reader,
    snapshots: &Snapshots,
    all: Vec<Seq>,
    passed: &mut Vec<Passed>,
) -> Result<Option<Usable>, HistoryError> {
    for seq in all {
        match taken(reader, snapshots, seq)? {
            Ok((state, last, blocks)) => return Ok(Some((state, ends_closed(&last)?, blocks))),
            Err(unfit) => passed.push(Passed { path: snapshots.path(seq), reason: unfit.to_string() }),
        }
    }
    Ok(None)
}

fn walked(mut walk: Walk, blocks: Blocks, begin: Begin<'_>) -> Result<At, HistoryError> {
    let upto = begin.upto;
    let is_in = move |block: &Block| upto.is_none_or(|upto| block.header().last() <= upto);
    let blocks = blocks.take_while(move |block| block.as_ref().map_or(true, is_in));
    for batch in Ahead::of(blocks.map(|block| block.map_err(HistoryError::from))) {
        if (begin.is_stopped)() {
            return Err(HistoryError::Stopped);
        }
        if !walk.take(&batch?) {
            break;
        }
    }
    Ok(walk.finish())
}

/// Snapshots at or before the moment, newest first. A folder that cannot be listed has none.
fn before(snapshots: &Snapshots, when: When) -> Vec<Seq> {
    let all = snapshots.list().unwrap_or_default().into_iter();
    let is_before = |seq: &Seq| match when {
        When::After(wanted) => *seq <= wanted,
        When::At(at) => snapshots.open(*seq).map_or(true, |reader| reader.about().at <= at),
    };
    all.filter(is_before).take(LOOKED_AT_MAX).collect()
}

/// Whether the block's last decision closed the ledger.
fn ends_closed(block: &Block) -> Result<bool, HistoryError> {
    let last = decisions(block).last().transpose()?;
    Ok(last.as_ref().is_some_and(closes))
}

type Taken = (State, Block, Blocks);

/// The state of a snapshot, the block it ends with, and the blocks after it. The outer error is the log's.
fn taken(reader: &Reader, snapshots: &Snapshots, seq: Seq) -> Result<Result<Taken, Unfit>, HistoryError> {
    let snapshot = match fitting(snapshots, seq, reach(reader)) {
        Ok(snapshot) => snapshot,
        Err(unfit) => return Ok(Err(unfit)),
    };
    let named = snapshot.end().head;
    let mut blocks = reader.blocks(seq);
    let Some(last) = blocks.next().transpose()? else { return Ok(Err(Unfit::NotInLog { seq })) };
    if (last.head().seq, last.hash()) != (named.seq, named.hash) {
        return Ok(Err(Unfit::NotInLog { seq }));
    }
    Ok(load(snapshot).map(|state| (state, last, blocks)))
}

/// How far the log is known to reach: what was written last may stand behind it.
#[must_use]
pub fn reach(reader: &Reader) -> Seq {
    let ended = reader.volumes().filter_map(|volume| volume.end).map(|end| end.seq);
    ended.chain(reader.acknowledged().map(|head| head.seq)).max().unwrap_or_default()
}

fn fitting(snapshots: &Snapshots, seq: Seq, end: Seq) -> Result<SnapshotReader, Unfit> {
    let reader = snapshots.open(seq)?;
    let (about, needed) = (reader.about(), reader.end().through.max(seq));
    if about.revision != SNAPSHOT_REVISION {
        return Err(Unfit::Revision { found: about.revision });
    }
    if about.rules != RULES_REVISION {
        return Err(Unfit::Rules { found: about.rules });
    }
    if needed > end {
        return Err(Unfit::Future { needed, end });
    }
    Ok(reader)
}

/// Reads and decodes on one thread, puts together on this one.
fn load(reader: SnapshotReader) -> Result<State, Unfit> {
    let mut loader = Loader::new(0, reader.bytes());
    let seq = reader.about().seq;
    thread::scope(|scope| {
        let (sender, frames) = sync_channel(FRAMES_AHEAD);
        scope.spawn(move || read(reader, &sender));
        for rows in frames {
            loader.take(rows?)?;
        }
        Ok::<(), Unfit>(())
    })?;
    let state = loader.finish()?;
    if state.seq() == seq { Ok(state) } else { Err(SnapshotError::Name { found: state.seq() }.into()) }
}

fn read(mut reader: SnapshotReader, frames: &SyncSender<Result<Rows, Unfit>>) {
    loop {
        let rows = match reader.frame() {
            Ok(Some((kind, body))) => Rows::decode(kind, &body).map_err(Unfit::from),
            Ok(None) => return,
            Err(error) => Err(error.into()),
        };
        let is_last = rows.is_err();
        // Whoever loads may have stopped already.
        if frames.send(rows).is_err() || is_last {
            return;
        }
    }
}
