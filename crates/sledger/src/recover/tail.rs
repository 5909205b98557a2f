//! Folding blocks: one thread reads and decodes, the other folds.

use crate::error::OpenError;
use crossbeam_channel::{Sender, bounded};
use sledger_core::event::{Decision, Event};
use sledger_core::state::AHEAD_DECISIONS;
use sledger_core::{Seq, State, refold};
use sledger_log::{Block, Blocks};
use std::thread;

/// Blocks decoded ahead of what is folded.
const BLOCKS_AHEAD: usize = 64;

/// The decisions of a block, and the seq of their first event.
type Decoded = (Seq, Vec<Decision>);

/// Folds the blocks that `blocks` has left, and notes the keys that they call destroyed; says how many events they held.
pub(super) fn fold(state: &mut State, blocks: Blocks, erased: &mut Vec<u64>) -> Result<u64, OpenError> {
    let before = state.seq();
    thread::scope(|scope| {
        let (sender, decoded) = bounded(BLOCKS_AHEAD);
        scope.spawn(move || read(blocks, &sender));
        for block in decoded {
            let (mut seq, decisions) = block?;
            for stretch in decisions.chunks(AHEAD_DECISIONS) {
                state.look_ahead(stretch);
                for decision in stretch {
                    refold(state, seq, decision);
                    erased.extend(destroyed(decision));
                    seq = seq.plus(decision.events.len() as u64);
                }
            }
        }
        Ok::<(), OpenError>(())
    })?;
    Ok(state.seq().0.saturating_sub(before.0))
}

/// The key that a decision destroys: it is in the last event of an erasure.
fn destroyed(decision: &Decision) -> Option<u64> {
    match decision.events.last() {
        Some(Event::UserErased { key, .. }) => Some(*key),
        _ => None,
    }
}

fn read(blocks: Blocks, decoded: &Sender<Result<Decoded, OpenError>>) {
    for block in blocks {
        let block = block.map_err(OpenError::from).and_then(|block| decode(&block));
        let is_last = block.is_err();
        // Whoever folds stops at the first error.
        if decoded.send(block).is_err() || is_last {
            return;
        }
    }
}

fn decode(block: &Block) -> Result<Decoded, OpenError> {
    let first = block.header().first;
    let mut seq = first;
    let mut decisions = Vec::with_capacity(block.header().decisions as usize);
    for decision in block.decisions() {
        let decision = decision.map_err(|source| OpenError::Decision { seq, source })?;
        seq = seq.plus(decision.events.len() as u64);
        decisions.push(decision);
    }
    Ok((first, decisions))
}
