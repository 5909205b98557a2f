//! The durable feed: the newest decisions, told when they are read, for any number of readers up to a bound.
//!
//! A ring of batches, each some whole decisions, is shared by all readers; each
//! reader keeps its own position and holds the lock for one look only. Whoever
//! falls behind the ring is told what is lost, and is done.
//!
//! INVARIANT(feed): batches follow each other without a gap in their seqs.

mod subscription;

pub use subscription::{Delivery, Lost, Next, Subscription};

use crate::told::{Kept, Told, tell_into};
use sledger_core::decider::Recorded;
use sledger_core::event::Op;
use sledger_core::{Millis, Seq, Span};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;

/// So long after an erasure whatever was told before it is let go of, with the next events.
const FORGET_AFTER: Span = Span::seconds(10);

/// Why nobody can read from where it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// It lies before what is kept in memory; the log has it.
    #[error("the feed begins at seq {oldest}")]
    TooOld {
        /// The first event that can be read here.
        oldest: Seq,
    },
    /// As many read as may.
    #[error("{readers_max} readers follow the feed already")]
    TooManyReaders {
        /// How many may.
        readers_max: usize,
    },
}

/// Whole decisions with at least one event, told once somebody reads them.
pub(crate) struct Batch {
    first: Seq,
    last: Seq,
    told: OnceLock<Vec<Told>>,
    recorded: Vec<Recorded>,
    names: Kept,
}

impl Batch {
    /// A batch of what was folded under one configuration; `None` for nothing.
    pub(crate) fn new(recorded: Vec<Recorded>, names: Kept) -> Option<Self> {
        let first = recorded.first()?.first;
        let end = recorded.last()?;
        let last = end.first.plus(end.decision.events.len().saturating_sub(1) as u64);
        Some(Self { first, last, told: OnceLock::new(), recorded, names })
    }

    /// Time of its last decision.
    fn at(&self) -> Millis {
        self.recorded.last().map_or(Millis(0), |recorded| recorded.decision.at)
    }

    fn events(&self) -> usize {
        usize::try_from(self.last.next().0.saturating_sub(self.first.0)).unwrap_or(usize::MAX)
    }

    fn told(&self) -> &[Told] {
        self.told.get_or_init(|| {
            let mut told = Vec::with_capacity(self.events());
            self.recorded.iter().for_each(|recorded| tell_into(&self.names, recorded, &mut told));
            told
        })
    }
}

/// The ring with its readers.
pub(crate) struct Feed {
    /// Written by the projector; readers look at it.
    ring: Mutex<Ring>,
    news: Condvar,
    events_max: usize,
    readers_max: usize,
}

struct Ring {
    batches: VecDeque<Arc<Batch>>,
    /// Position of the first batch, counted from the beginning.
    first: u64,
    events: usize,
    /// The last event told.
    head: Seq,
    /// When everything up to an event is let go of, in order: somebody was erased there. No more than batches.
    forget: VecDeque<(Millis, Seq)>,
    readers: usize,
    readers_ever: u64,
    wakers: Vec<(u64, Waker)>,
    closed: bool,
}

impl Ring {
    fn oldest(&self) -> Seq {
        self.batches.front().map_or(self.head.next(), |batch| batch.first)
    }

    /// What tells of somebody who was erased stays a while, so that those who follow are told of the ends.
    fn note_erasure(&mut self, batch: &Batch) {
        if batch.recorded.iter().any(|recorded| matches!(recorded.decision.op, Op::Erase { .. })) {
            self.forget.push_back((batch.at().plus(FORGET_AFTER), batch.last));
        }
    }

    /// The event up to which everything is let go of at `at`.
    fn forgotten(&mut self, at: Millis) -> Seq {
        let mut forgotten = Seq(0);
        while let Some((_, seq)) = self.forget.front().copied().filter(|(when, _)| at >= *when) {
            forgotten = seq;
            self.forget.pop_front();
        }
        forgotten
    }

    fn end(&self) -> u64 {
        self.first.saturating_add(self.batches.len() as u64)
    }
}

impl Feed {
    /// A feed that goes on after `head`.
    pub(crate) fn new(head: Seq, events_max: usize, readers_max: usize) -> Self {
        let ring = Ring {
            batches: VecDeque::new(),
            first: 0,
            events: 0,
            head,
            forget: VecDeque::new(),
            readers: 0,
            readers_ever: 0,
            wakers: Vec::new(),
            closed: false,
        };
        Self { ring: Mutex::new(ring), news: Condvar::new(), events_max, readers_max }
    }

    /// Tells readers of some whole decisions. Never waits for a reader.
    pub(crate) fn push(&self, batch: Batch) {
        let mut gone = Vec::new();
        let mut ring = self.lock();
        ring.head = batch.last;
        ring.events = ring.events.saturating_add(batch.events());
        ring.note_erasure(&batch);
        let forgotten = ring.forgotten(batch.at());
        ring.batches.push_back(Arc::new(batch));
        while (ring.events > self.events_max || ring.oldest() <= forgotten) && ring.batches.len() > 1 {
            let Some(oldest) = ring.batches.pop_front() else { break };
            ring.events = ring.events.saturating_sub(oldest.events());
            ring.first = ring.first.saturating_add(1);
            gone.push(oldest);
        }
        self.announce(ring);
        // What nobody reads any more is freed here, outside the lock.
        drop(gone);
    }

    /// No more will come.
    pub(crate) fn close(&self) {
        let mut ring = self.lock();
        ring.closed = true;
        self.announce(ring);
    }

    /// The number of readers.
    pub(crate) fn readers(&self) -> usize {
        self.lock().readers
    }

    fn announce(&self, mut ring: MutexGuard<'_, Ring>) {
        let wakers = std::mem::take(&mut ring.wakers);
        drop(ring);
        self.news.notify_all();
        for (_, waker) in wakers {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the feed from the event `from` on; from what comes next without it.
    pub(crate) fn subscribe(self: &Arc<Self>, from: Option<Seq>) -> Result<Subscription, SubscribeError> {
        let mut ring = self.lock();
        if ring.readers >= self.readers_max {
            return Err(SubscribeError::TooManyReaders { readers_max: self.readers_max });
        }
        let wanted = from.unwrap_or(ring.head.next()).max(Seq(1));
        let oldest = ring.oldest();
        if wanted < oldest {
            return Err(SubscribeError::TooOld { oldest });
        }
        let before = ring.batches.partition_point(|batch| batch.last < wanted);
        let position = ring.first.saturating_add(before as u64);
        ring.readers += 1;
        ring.readers_ever = ring.readers_ever.saturating_add(1);
        Ok(Subscription::new(Arc::clone(self), ring.readers_ever, position, wanted))
    }
}
