//! A ticket: one answer to come.

use sledger_core::answer::Answer;
use sledger_ingest::{Caller, Failure};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// One answer to come: wait for it, or await it.
#[derive(Debug)]
pub struct Ticket(Caller);

impl Ticket {
    pub(crate) fn new(caller: Caller) -> Self {
        Self(caller)
    }

    /// Waits for the answer, up to `patience`.
    ///
    /// # Errors
    /// What the ledger says; *outcome unknown* when it says nothing in time.
    pub fn wait_for(mut self, patience: Duration) -> Result<Box<Answer>, Failure> {
        match self.0.next_within(patience) {
            Some((_, completion)) => completion,
            None => Err(Failure::OutcomeUnknown(Arc::from("no answer in time"))),
        }
    }
}

impl Future for Ticket {
    type Output = Result<Box<Answer>, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_next(cx).map(|next| match next {
            Some((_, completion)) => completion,
            None => Err(Failure::OutcomeUnknown(Arc::from("the ticket was answered before"))),
        })
    }
}
