//! A ledger at rest, folded: every whole decision in order, the state after it, chain and quotas checked.

use crate::quotas::{Broken, QuotaFold};
use sledger_core::config::Settings;
use sledger_core::event::Decision;
use sledger_core::evolve::Effect;
use sledger_core::quota::Ready;
use sledger_core::{Seq, State, refold};
use sledger_log::{CodecError, OpenError, ReadError, Reader};
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
    /// Quota safety does not hold.
    #[error(transparent)]
    Quota(#[from] Broken),
    /// The settings before the first event.
    #[error("{0}")]
    Settings(String),
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

/// The state of a ledger before its first event.
///
/// # Errors
/// Never for the defaults of this program; says what is wrong with them otherwise.
pub fn beginning() -> Result<State, HistoryError> {
    let ready = Ready::new(Settings::default());
    let ready = ready.map_err(|rejection| HistoryError::Settings(rejection.reason))?;
    Ok(State::new(ready, Vec::new(), 0))
}

/// Folds the ledger in `dir` from its beginning and shows each decision to `see`. Reads blocks by scan, never
/// through sled; nothing is written. The state at the end.
///
/// # Errors
/// The first thing that is damaged or does not add up.
pub fn fold(dir: &Path, mut see: impl FnMut(Folded<'_>)) -> Result<State, HistoryError> {
    let mut state = beginning()?;
    let mut quotas = QuotaFold::new(state.ready());
    for block in Reader::open(dir)?.blocks(Seq(1)) {
        let block = block?;
        let mut first = block.header().first;
        for decision in block.decisions() {
            let decision =
                Arc::new(decision.map_err(|source| HistoryError::Decision { seq: first, source })?);
            let effects = refold(&mut state, first, &decision);
            quotas.fold(first, &decision, &state)?;
            see(Folded { first, decision: &decision, effects: &effects, state: &state });
            first = first.plus(decision.events.len() as u64);
        }
    }
    Ok(state)
}
