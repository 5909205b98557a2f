//! The way back: a ring of completions for each caller.

use crate::{Completion, Failure};
use atomic_waker::AtomicWaker;
use crossbeam_queue::ArrayQueue;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Completions of one caller.
#[derive(Debug)]
pub(crate) struct Ring {
    filled: ArrayQueue<(u64, Completion)>,
    waker: AtomicWaker,
    /// Set while the ring is on a list to be woken, so that a block wakes it once.
    listed: AtomicBool,
}

impl Ring {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { filled: ArrayQueue::new(capacity), waker: AtomicWaker::new(), listed: AtomicBool::new(false) }
    }

    pub(crate) fn take(&self) -> Option<(u64, Completion)> {
        self.filled.pop()
    }

    pub(crate) fn register(&self, waker: &std::task::Waker) {
        self.waker.register(waker);
    }

    fn wake(&self) {
        // Release: what was filled before is seen by whoever lists the ring again.
        self.listed.store(false, Ordering::Release);
        self.waker.wake();
    }
}

/// Where one answer goes. Dropped without an answer it tells the caller that the outcome is unknown.
#[derive(Debug)]
pub struct Reply {
    to: Option<(Arc<Ring>, u64)>,
}

impl Reply {
    pub(crate) fn new(ring: Arc<Ring>, token: u64) -> Self {
        Self { to: Some((ring, token)) }
    }

    /// Forgets the caller: it was told otherwise.
    pub(crate) fn disarm(mut self) {
        self.to = None;
    }

    /// Fills the caller's ring; it is woken with `wakes`.
    pub fn fill(mut self, completion: Completion, wakes: &mut Wakes) {
        if let Some((ring, token)) = self.to.take() {
            put(&ring, token, completion);
            // AcqRel: exactly one of the fillers between two wakes lists the ring.
            if !ring.listed.swap(true, Ordering::AcqRel) {
                wakes.0.push(ring);
            }
        }
    }
}

fn put(ring: &Ring, token: u64, completion: Completion) {
    // INVARIANT(ring): a caller has no more in flight than its ring holds, so there is room.
    let pushed = ring.filled.push((token, completion));
    debug_assert!(pushed.is_ok(), "a ring holds everything its caller has in flight");
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some((ring, token)) = self.to.take() {
            put(&ring, token, Err(Failure::OutcomeUnknown(Arc::from("the decider is gone"))));
            ring.waker.wake();
        }
    }
}

/// The callers to wake when a block is answered.
#[derive(Debug, Default)]
pub struct Wakes(Vec<Arc<Ring>>);

impl Wakes {
    /// Wakes each caller once.
    pub fn wake_all(&mut self) {
        self.0.drain(..).for_each(|ring| ring.wake());
    }
}
