//! Blocks read and decoded by a thread of their own, ahead of whoever folds.
//!
//! Promise: every whole decision in order, in batches; nothing comes after an error. The thread ends when what it
//! reads does, or soon after nobody listens any more.
//!
//! Invariant: at most [`BATCHES_AHEAD`] batches wait, each of [`BATCH_DECISIONS`] and a block more.

use super::{HistoryError, decisions};
use sledger_core::event::Decision;
use sledger_log::Block;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{JoinHandle, spawn};

/// Decisions handed over together: a block may hold one, and handing over one by one costs more than decoding.
const BATCH_DECISIONS: usize = 512;
/// Batches decoded ahead.
const BATCHES_AHEAD: usize = 16;

/// Batches of decisions that are decoded ahead.
#[derive(Debug)]
pub struct Ahead<E> {
    batches: Receiver<Result<Vec<Decision>, E>>,
    reader: Option<JoinHandle<()>>,
}

impl<E: From<HistoryError> + Send + 'static> Ahead<E> {
    /// Begins to read `blocks`.
    pub fn of(blocks: impl Iterator<Item = Result<Block, E>> + Send + 'static) -> Self {
        let (send, batches) = sync_channel(BATCHES_AHEAD);
        Self { batches, reader: Some(spawn(move || read(blocks, &send))) }
    }
}

impl<E: From<HistoryError>> Iterator for Ahead<E> {
    type Item = Result<Vec<Decision>, E>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Ok(batch) = self.batches.recv() {
            return Some(batch);
        }
        match self.reader.take()?.join() {
            Ok(()) => None,
            Err(_) => Some(Err(HistoryError::Stopped.into())),
        }
    }
}

fn read<E: From<HistoryError>>(
    blocks: impl Iterator<Item = Result<Block, E>>,
    send: &SyncSender<Result<Vec<Decision>, E>>,
) {
    let mut blocks = blocks.peekable();
    while blocks.peek().is_some() {
        let (batch, error) = batch(&mut blocks);
        // What stands before an error is shown first. Whoever has seen enough listens no more.
        let items = (!batch.is_empty()).then_some(Ok(batch)).into_iter().chain(error.map(Err));
        for item in items {
            let is_last = item.is_err();
            if send.send(item).is_err() || is_last {
                return;
            }
        }
    }
}

/// A batch, and what stands in the way of more.
fn batch<E: From<HistoryError>>(
    blocks: &mut impl Iterator<Item = Result<Block, E>>,
) -> (Vec<Decision>, Option<E>) {
    let mut batch = Vec::with_capacity(BATCH_DECISIONS);
    while batch.len() < BATCH_DECISIONS
        && let Some(block) = blocks.next()
    {
        if let Err(error) = block.and_then(|block| add(&block, &mut batch).map_err(E::from)) {
            return (batch, Some(error));
        }
    }
    (batch, None)
}

fn add(block: &Block, batch: &mut Vec<Decision>) -> Result<(), HistoryError> {
    for decision in decisions(block) {
        batch.push(decision?);
    }
    Ok(())
}
