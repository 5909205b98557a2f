//! Recovery: the newest snapshot that the log vouches for, and the events after it.
//!
//! INVARIANT(log): a snapshot is taken only where the log holds the block that it names and reaches as far as it
//! needs; everything else about it may be wrong, then it is passed over, and said so.

mod tail;

use crate::error::OpenError;
use crossbeam_channel::{Sender, bounded};
use sledger_core::event::RULES_REVISION;
use sledger_core::log::{Head, Log};
use sledger_core::snapshot::{LoadError, Loader, Rows, SNAPSHOT_REVISION};
use sledger_core::{Seq, State};
use sledger_log::{Begins, Blocks, SledLog, SnapshotError, SnapshotReader, Snapshots};
use std::path::PathBuf;
use std::thread;

/// So many snapshots are looked at before everything is folded.
const LOOKED_AT_MAX: usize = 8;
/// Frames read ahead of what is loaded.
const FRAMES_AHEAD: usize = 16;

/// How the state of a ledger was found when it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The snapshot that was taken, by its seq; `None` when everything was folded.
    pub snapshot: Option<Seq>,
    /// Events that were folded.
    pub folded: u64,
    /// Where history begins, if not with the first event.
    pub begins: Option<Begins>,
    /// Snapshots that were passed over, newest first.
    pub ignored: Vec<IgnoredSnapshot>,
    /// Keys that events among those folded call destroyed.
    pub erased: Vec<u64>,
}

/// A snapshot that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoredSnapshot {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// Why a snapshot is not taken.
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

/// The state at the end of `log`. `begun` makes the one before the first event that is there, after `begins`; without
/// `snapshots` all is folded.
pub(crate) fn recover(
    log: &SledLog,
    snapshots: Option<&Snapshots>,
    (begins, begun): (Option<Begins>, impl FnOnce() -> Result<State, OpenError>),
    seed: u64,
) -> Result<(State, Recovery), OpenError> {
    let mut recovery = Recovery { begins, ..Recovery::default() };
    for seq in snapshots.map(list).unwrap_or_default() {
        let Some(snapshots) = snapshots else { break };
        match taken(log, snapshots, seq, seed)? {
            Ok((mut state, blocks)) => {
                recovery.snapshot = Some(seq);
                recovery.folded = tail::fold(&mut state, blocks, &mut recovery.erased)?;
                return Ok((state, recovery));
            }
            Err(unfit) => {
                let (path, reason) = (snapshots.path(seq), unfit.to_string());
                tracing::warn!(path = %path.display(), %reason, "a snapshot is passed over");
                recovery.ignored.push(IgnoredSnapshot { path, reason });
            }
        }
    }
    let mut state = begun()?;
    let blocks = log.replay(state.seq().next())?;
    recovery.folded = tail::fold(&mut state, blocks, &mut recovery.erased)?;
    Ok((state, recovery))
}

fn list(snapshots: &Snapshots) -> Vec<Seq> {
    let mut found = snapshots.list().unwrap_or_else(|error| {
        tracing::warn!(%error, "the snapshots cannot be listed; everything is folded");
        Vec::new()
    });
    found.truncate(LOOKED_AT_MAX);
    found
}

/// The state of a snapshot, and the blocks after it. The outer error is the log's.
fn taken(
    log: &SledLog,
    snapshots: &Snapshots,
    seq: Seq,
    seed: u64,
) -> Result<Result<(State, Blocks), Unfit>, OpenError> {
    let reader = match fitting(snapshots, seq, log.head()) {
        Ok(reader) => reader,
        Err(unfit) => return Ok(Err(unfit)),
    };
    let named = reader.end().head;
    let mut blocks = log.replay(seq)?;
    let found = blocks.next().transpose()?.map(|block| (block.head().seq, block.hash()));
    if found != Some((named.seq, named.hash)) {
        return Ok(Err(Unfit::NotInLog { seq }));
    }
    Ok(load(reader, seed).map(|state| (state, blocks)))
}

/// Opens a snapshot whose header and trailer fit this program, and a log that ends at `end`.
fn fitting(snapshots: &Snapshots, seq: Seq, end: Head) -> Result<SnapshotReader, Unfit> {
    let reader = snapshots.open(seq)?;
    let (about, needed) = (reader.about(), reader.end().through.max(seq));
    if about.revision != SNAPSHOT_REVISION {
        return Err(Unfit::Revision { found: about.revision });
    }
    if about.rules != RULES_REVISION {
        return Err(Unfit::Rules { found: about.rules });
    }
    if needed > end.seq {
        return Err(Unfit::Future { needed, end: end.seq });
    }
    Ok(reader)
}

/// Reads and decodes on one thread, puts together on this one.
fn load(reader: SnapshotReader, seed: u64) -> Result<State, Unfit> {
    let mut loader = Loader::new(seed, reader.bytes());
    let seq = reader.about().seq;
    thread::scope(|scope| {
        let (sender, frames) = bounded(FRAMES_AHEAD);
        scope.spawn(move || read(reader, &sender));
        for rows in frames {
            loader.take(rows?)?;
        }
        Ok::<(), Unfit>(())
    })?;
    let state = loader.finish()?;
    if state.seq() == seq { Ok(state) } else { Err(SnapshotError::Name { found: state.seq() }.into()) }
}

fn read(mut reader: SnapshotReader, frames: &Sender<Result<Rows, Unfit>>) {
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
