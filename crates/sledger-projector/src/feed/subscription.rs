//! One reader of the feed, at its own pace: blocking or async.

use super::{Batch, Feed, Ring};
use crate::told::Told;
use sledger_core::Seq;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// What a reader gets next.
#[derive(Clone, Debug)]
pub enum Next {
    /// Events.
    Told(Delivery),
    /// It fell behind; nothing more comes.
    Lost(Lost),
    /// The ledger is closed; nothing more comes.
    Closed,
    /// Nothing within the time given.
    Idle,
}

/// Events that can no longer be read here, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The first.
    pub from: Seq,
    /// The last.
    pub to: Seq,
}

/// Told events of whole decisions; only the first delivery of a reader that began within a decision has less.
#[derive(Clone)]
pub struct Delivery {
    batch: Arc<Batch>,
    skipped: usize,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.events()).finish()
    }
}

impl Delivery {
    /// The events, in order; at least one.
    #[must_use]
    pub fn events(&self) -> &[Told] {
        self.batch.told().get(self.skipped..).unwrap_or_default()
    }
}

/// A reader of the feed.
pub struct Subscription {
    feed: Arc<Feed>,
    id: u64,
    position: u64,
    wanted: Seq,
    is_over: bool,
}

impl Subscription {
    pub(super) fn new(feed: Arc<Feed>, id: u64, position: u64, wanted: Seq) -> Self {
        Self { feed, id, position, wanted, is_over: false }
    }

    /// The event that it will get next, once there is one.
    #[must_use]
    pub const fn wanted(&self) -> Seq {
        self.wanted
    }

    /// What is next; waits up to `timeout` for it.
    pub fn next_blocking(&mut self, timeout: Duration) -> Next {
        let feed = Arc::clone(&self.feed);
        let waiting = |ring: &mut Ring| !self.is_over && !ring.closed && self.position == ring.end();
        let (ring, _) = feed
            .news
            .wait_timeout_while(feed.lock(), timeout, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        self.take(&ring).unwrap_or(Next::Idle)
    }

    /// What is next, or a promise to wake the task; never [`Next::Idle`].
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Next> {
        let feed = Arc::clone(&self.feed);
        let mut ring = feed.lock();
        let next = self.take(&ring);
        if next.is_none() {
            self.wait(&mut ring, context.waker());
        }
        next.map_or(Poll::Pending, Poll::Ready)
    }

    /// What is next, however long it takes; never [`Next::Idle`].
    pub async fn next(&mut self) -> Next {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn wait(&self, ring: &mut Ring, waker: &Waker) {
        match ring.wakers.iter_mut().find(|(id, _)| *id == self.id) {
            Some((_, known)) => known.clone_from(waker),
            None => ring.wakers.push((self.id, waker.clone())),
        }
    }

    fn take(&mut self, ring: &Ring) -> Option<Next> {
        if self.is_over {
            return Some(Next::Closed);
        }
        let Some(index) = self.position.checked_sub(ring.first) else {
            self.is_over = true;
            let to = Seq(ring.oldest().0.saturating_sub(1));
            return Some(Next::Lost(Lost { from: self.wanted, to }));
        };
        let batches = ring.batches.iter().skip(usize::try_from(index).unwrap_or(usize::MAX));
        for batch in batches {
            self.position = self.position.saturating_add(1);
            if batch.last >= self.wanted {
                // Events follow each other without a gap.
                let skipped = self.wanted.0.saturating_sub(batch.first.0);
                let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
                self.wanted = batch.last.next();
                return Some(Next::Told(Delivery { batch: Arc::clone(batch), skipped }));
            }
        }
        self.is_over = ring.closed;
        ring.closed.then_some(Next::Closed)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut ring = self.feed.lock();
        ring.readers = ring.readers.saturating_sub(1);
        ring.wakers.retain(|(id, _)| *id != self.id);
    }
}
