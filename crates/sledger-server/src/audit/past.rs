//! Events from disk, for a sink that is behind what is in memory.
//!
//! An event names sessions by number, so the ledger is folded: from the newest snapshot at or before the place asked
//! for, else from its beginning. The state is kept only while a sink catches up.

use super::lines::Batch;
use crate::events::opened;
use sledger::core::decider::Recorded;
use sledger::core::event::{Decision, RULES_REVISION};
use sledger::core::snapshot::{Loader, Rows, SNAPSHOT_REVISION};
use sledger::core::{Seq, State, refold};
use sledger::log::{Block, Blocks, CodecError, OpenError, ReadError, Reader, Snapshots};
use sledger::projector::{Told, tell};
use sledger_replay::history::{HistoryError, first_state};
use sledger_wire::config::Audit as SinkConfig;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Blocks folded before somebody looks whether the sink is to stop.
const BLOCKS_AT_ONCE: usize = 64;

/// Why history cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum PastError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error(transparent)]
    Beginning(#[from] HistoryError),
    #[error("the disk ends at seq {at}, though seq {durable} is durable")]
    Short { at: Seq, durable: Seq },
}

/// A fold on its way from some event to what is in memory.
pub(super) struct Past {
    data: PathBuf,
    state: State,
    blocks: Blocks,
    /// This pass goes up to here: what lies behind may be on disk without being acknowledged.
    durable: Seq,
    /// Of the block that is being folded.
    decisions: VecDeque<(Seq, Decision)>,
    /// Of the decision folded last.
    told: VecDeque<Told>,
}

impl Past {
    /// Begins at or before the event after `after`.
    pub(super) fn begin(data: &Path, after: Seq, durable: Seq) -> Result<Self, PastError> {
        let reader = opened(data)?;
        let state = match from_snapshot(&reader, data, after) {
            Some(state) => state,
            None => first_state(data, &reader)?,
        };
        let blocks = reader.blocks(state.seq().next());
        let (decisions, told) = (VecDeque::new(), VecDeque::new());
        Ok(Self { data: data.to_owned(), state, blocks, durable, decisions, told })
    }

    /// The last event that was folded and given.
    pub(super) fn at(&self) -> Seq {
        self.state.seq()
    }

    /// Goes on to what became durable meanwhile.
    pub(super) fn again(&mut self, durable: Seq) -> Result<(), PastError> {
        self.blocks = opened(&self.data)?.blocks(self.state.seq().next());
        self.durable = durable;
        Ok(())
    }

    /// Fills `batch` with what comes next. False at the end of this pass.
    ///
    /// # Errors
    /// What cannot be read, or was said to be durable and is not there.
    pub(super) fn fill(&mut self, batch: &mut Batch, config: &SinkConfig) -> Result<bool, PastError> {
        for _ in 0..BLOCKS_AT_ONCE {
            while !batch.is_full() {
                match self.told.pop_front() {
                    Some(told) => batch.look(&told, config),
                    None if self.fold_one(batch) => {}
                    None => break,
                }
            }
            if batch.is_full() {
                return Ok(true);
            }
            let Some(block) =
                self.blocks.next().transpose()?.filter(|block| block.header().first <= self.durable)
            else {
                let (at, durable) = (self.state.seq(), self.durable);
                return if at < durable { Err(PastError::Short { at, durable }) } else { Ok(false) };
            };
            self.take(&block)?;
        }
        Ok(true)
    }

    fn take(&mut self, block: &Block) -> Result<(), PastError> {
        let mut first = block.header().first;
        let behind = |(seq, decision): &(Seq, Decision)| seq.plus(decision.events.len() as u64);
        if first > self.decisions.back().map_or(self.state.seq().next(), behind) {
            // What comes next went while it was on its way to be read.
            return Err(PastError::Short { at: self.state.seq(), durable: first });
        }
        for decision in block.decisions() {
            let decision = decision?;
            let next = first.plus(decision.events.len() as u64);
            if first > self.state.seq() {
                self.decisions.push_back((first, decision));
            }
            first = next;
        }
        Ok(())
    }

    /// Folds the next decision of the block, and tells it where it is wanted. False when there is none.
    fn fold_one(&mut self, batch: &Batch) -> bool {
        let Some((first, decision)) = self.decisions.pop_front() else { return false };
        let effects = refold(&mut self.state, first, &decision);
        if self.state.seq().0 > batch.mark().seq {
            let recorded = Recorded { first, decision: Arc::new(decision), effects };
            self.told.extend(tell(&self.state, &recorded));
        }
        true
    }
}

/// The state of the newest snapshot at or before `after` that the log vouches for.
fn from_snapshot(reader: &Reader, data: &Path, after: Seq) -> Option<State> {
    let snapshots = Snapshots::new(data, reader.meta(), None);
    let found = snapshots.list().ok()?;
    found.into_iter().filter(|seq| *seq <= after).find_map(|seq| load(&snapshots, reader, seq))
}

/// `None` where it does not fit: it is a cache, and folding everything does as well.
fn load(snapshots: &Snapshots, reader: &Reader, seq: Seq) -> Option<State> {
    let mut file = snapshots.open(seq).ok()?;
    let (about, named) = (file.about(), file.end().head);
    if about.revision != SNAPSHOT_REVISION || about.rules != RULES_REVISION {
        return None;
    }
    let block = reader.blocks(seq).next()?.ok()?;
    if (block.head().seq, block.hash()) != (named.seq, named.hash) {
        return None;
    }
    let mut loader = Loader::new(0, file.bytes());
    while let Some((kind, body)) = file.frame().ok()? {
        loader.take(Rows::decode(kind, &body).ok()?).ok()?;
    }
    loader.finish().ok().filter(|state| state.seq() == seq)
}
