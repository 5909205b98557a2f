//! A ledger's past, folded: every whole decision in order, the state after it, quotas checked.
//!
//! Promise: one fold for all that decisions are read from, a data directory, a stream of blocks or an export of
//! events; equal decisions leave equal states.

mod ahead;

pub use ahead::Ahead;
pub use sledger_wire::events::Begin;

use crate::quotas::{Broken, QuotaFold};
use sledger_core::config::Settings;
use sledger_core::decider::Recorded;
use sledger_core::event::Decision;
use sledger_core::evolve::Effect;
use sledger_core::quota::Ready;
use sledger_core::snapshot::{Loader, Rows, SNAPSHOT_REVISION};
use sledger_core::state::AHEAD_DECISIONS;
use sledger_core::{Seq, State, refold};
use sledger_log::{Bases, Block, CodecError, OpenError, ReadError, Reader, SnapshotReader};
use std::path::Path;
use std::sync::Arc;

/// Why a ledger cannot be folded to its end.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The directory.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A block.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A decision that this program cannot read.
    #[error("cannot read the decision at seq {seq}: {source}")]
    Decision {
        /// Seq of its first event.
        seq: Seq,
        /// Why.
        source: CodecError,
    },
    /// The state that history begins with.
    #[error(
        "history begins after seq {seq}, and the base that stands for what came before cannot be used: {reason}"
    )]
    Base {
        /// The last event that is gone.
        seq: Seq,
        /// Why.
        reason: String,
    },
    /// A moment before the first event that is there.
    #[error("the moment lies before what is there: {0}")]
    Before(String),
    /// Quota safety does not hold.
    #[error(transparent)]
    Quota(#[from] Broken),
    /// The settings before the first event.
    #[error("{0}")]
    Settings(String),
    /// The thread that reads ahead.
    #[error("reading the history failed: its reader stopped")]
    Stopped,
}

/// A decision as it was folded.
#[derive(Debug)]
pub struct Folded<'a> {
    /// Seq of its first event.
    pub first: Seq,
    /// The decision.
    pub decision: &'a Arc<Decision>,
    /// What its events did.
    pub effects: &'a [Effect],
    /// The state after it.
    pub state: &'a State,
}

/// Decisions folded one by one, from the beginning.
#[derive(Debug)]
pub struct Fold {
    state: State,
    quotas: QuotaFold,
}

impl Fold {
    /// A fold that goes on from `state`.
    #[must_use]
    pub fn new(state: State) -> Self {
        let quotas = QuotaFold::of(&state);
        Self { state, quotas }
    }

    /// The state after what was folded so far.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Folds the next decisions one by one, and shows each of them with the state after it.
    ///
    /// # Errors
    /// The event that breaks quota safety, or what `see` says.
    pub fn batch<E: From<HistoryError>>(
        &mut self,
        decisions: Vec<Decision>,
        mut see: impl FnMut(&Recorded, &State) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut left = decisions.len();
        let mut decisions = decisions.into_iter();
        while left > 0 {
            self.state
                .look_ahead(decisions.as_slice().get(..AHEAD_DECISIONS).unwrap_or(decisions.as_slice()));
            for decision in decisions.by_ref().take(AHEAD_DECISIONS) {
                let recorded = self.decision(Arc::new(decision))?;
                see(&recorded, &self.state)?;
            }
            left = decisions.len();
        }
        Ok(())
    }

    /// Folds the next decision.
    ///
    /// # Errors
    /// The event that breaks quota safety.
    pub fn decision(&mut self, decision: Arc<Decision>) -> Result<Recorded, HistoryError> {
        let first = self.state.seq().next();
        let effects = refold(&mut self.state, first, &decision);
        self.quotas.fold(first, &decision, &self.state)?;
        Ok(Recorded { first, decision, effects })
    }
}

/// The decisions of a block.
///
/// # Errors
/// Each item: a decision that this program cannot read, with its seq. Nothing follows that could be counted on.
pub fn decisions(block: &Block) -> impl Iterator<Item = Result<Decision, HistoryError>> {
    let mut seq = block.header().first;
    block.decisions().map(move |decision| {
        let decision = decision.map_err(|source| HistoryError::Decision { seq, source })?;
        seq = seq.plus(decision.events.len() as u64);
        Ok(decision)
    })
}

/// The state of a ledger before its first event.
///
/// # Errors
/// Never for the defaults of this program; says what is wrong with them otherwise.
pub fn beginning() -> Result<State, HistoryError> {
    let ready = Ready::new(Settings::default());
    let ready = ready.map_err(|rejection| HistoryError::Settings(rejection.reason))?;
    Ok(State::new(ready, Vec::new(), 0))
}

/// The state before the first event that is there in `dir`: that of a new ledger, or the base of one whose first
/// volumes are gone.
///
/// # Errors
/// The base is missing, changed, or of another revision than this program reads.
pub fn first_state(dir: &Path, reader: &Reader) -> Result<State, HistoryError> {
    let Some(begins) = reader.begins() else { return beginning() };
    let opened = Bases::new(dir, reader.meta()).open(begins);
    let state = opened.map_err(|error| error.to_string()).and_then(base);
    state.map_err(|reason| HistoryError::Base { seq: begins.head.seq, reason })
}

/// The state of a base that was opened.
///
/// # Errors
/// Says why it cannot be used.
pub fn base(mut reader: SnapshotReader) -> Result<State, String> {
    let found = reader.about().revision;
    if found != SNAPSHOT_REVISION {
        return Err(format!("its rows have revision `{found}`; this program reads `{SNAPSHOT_REVISION}`"));
    }
    let mut loader = Loader::new(0, reader.bytes());
    while let Some((kind, body)) = reader.frame().map_err(|error| error.to_string())? {
        let rows = Rows::decode(kind, &body).map_err(|error| error.to_string())?;
        loader.take(rows).map_err(|error| error.to_string())?;
    }
    loader.finish().map_err(|error| error.to_string())
}

/// Folds the ledger in `dir` from its beginning and shows each decision to `see`. Reads blocks by scan, never
/// through sled; nothing is written. The state at the end.
///
/// # Errors
/// The first thing that is damaged or does not add up.
pub fn fold(dir: &Path, mut see: impl FnMut(Folded<'_>)) -> Result<State, HistoryError> {
    let reader = Reader::open(dir)?;
    let mut fold = Fold::new(first_state(dir, &reader)?);
    let blocks = reader.blocks(Seq(1));
    for batch in Ahead::of(blocks.map(|block| block.map_err(HistoryError::from))) {
        let batch = batch?;
        fold.batch(batch, |recorded, state| {
            let Recorded { first, decision, effects } = recorded;
            see(Folded { first: *first, decision, effects, state });
            Ok::<(), HistoryError>(())
        })?;
    }
    Ok(fold.state)
}
