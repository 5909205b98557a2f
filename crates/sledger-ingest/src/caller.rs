//! A caller: submits without waiting, collects answers when they come.

use crate::ring::{Reply, Ring};
use crate::{Completion, Failure, Ingest, Submission};
use sledger_core::command::Request;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Names one submission of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Why a submission was not taken; the request comes back with it where it was not even built into one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The ledger does not take it.
    #[error(transparent)]
    Ledger(#[from] Failure),
    /// This caller has as many unanswered as its ring holds.
    #[error("{in_flight} submissions are unanswered; collect answers first")]
    RingFull {
        /// How many.
        in_flight: usize,
    },
}

/// One caller with its completion ring. Not shared: one thread or task at a time.
#[derive(Debug)]
pub struct Caller {
    ingest: Ingest,
    ring: Arc<Ring>,
    capacity: usize,
    in_flight: usize,
    next: u64,
}

impl Caller {
    pub(crate) fn new(ingest: Ingest, in_flight_max: usize) -> Self {
        let capacity = in_flight_max.max(1);
        Self { ingest, ring: Arc::new(Ring::new(capacity)), capacity, in_flight: 0, next: 0 }
    }

    /// How many are unanswered.
    #[must_use]
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Hands a request to the decider. Never waits.
    ///
    /// # Errors
    /// [`Refused::RingFull`] until answers are collected; [`Refused::Ledger`] when the ledger is busy, closed or
    /// poisoned. Nothing was decided then.
    pub fn submit(&mut self, request: Request) -> Result<Token, Refused> {
        if self.in_flight >= self.capacity {
            return Err(Refused::RingFull { in_flight: self.in_flight });
        }
        let token = self.next;
        let reply = Reply::new(Arc::clone(&self.ring), token);
        self.ingest.send(Submission { request, received: Instant::now(), reply })?;
        self.next = self.next.wrapping_add(1);
        self.in_flight += 1;
        Ok(Token(token))
    }

    /// The next answer, if one is there.
    pub fn try_next(&mut self) -> Option<(Token, Completion)> {
        let (token, completion) = self.ring.take()?;
        self.in_flight = self.in_flight.saturating_sub(1);
        Some((Token(token), completion))
    }

    /// Waits for the next answer; `None` when nothing is in flight or `patience` is over.
    pub fn next_within(&mut self, patience: Duration) -> Option<(Token, Completion)> {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let end = Instant::now() + patience;
        loop {
            match self.poll_next(&mut Context::from_waker(&waker)) {
                Poll::Ready(next) => return next,
                Poll::Pending => {}
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            std::thread::park_timeout(left);
        }
    }

    /// Waits for the next answer; `None` when nothing is in flight.
    pub async fn next(&mut self) -> Option<(Token, Completion)> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next answer, or a wake-up when one comes.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Token, Completion)>> {
        if self.in_flight == 0 {
            return Poll::Ready(None);
        }
        if let Some(next) = self.try_next() {
            return Poll::Ready(Some(next));
        }
        self.ring.register(cx.waker());
        // Once more: it may have come between looking and registering.
        self.try_next().map_or(Poll::Pending, |next| Poll::Ready(Some(next)))
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
