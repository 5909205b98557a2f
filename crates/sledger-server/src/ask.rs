//! One request, one answer: callers with their rings are kept from request to request.

use crate::limits::{ANSWER_LOOK, ANSWER_MAX, CALLERS_KEPT};
use crossbeam_queue::ArrayQueue;
use sledger::{Answer, Caller, Decision, Failure, Ledger, Refused, Request, Token};
use std::sync::Arc;
use std::time::Duration;

/// Callers that are not in use.
pub(crate) struct Callers {
    ledger: Ledger,
    idle: ArrayQueue<Caller>,
}

impl Callers {
    pub(crate) fn new(ledger: Ledger) -> Self {
        Self { ledger, idle: ArrayQueue::new(CALLERS_KEPT) }
    }

    /// Asks the ledger, and waits for the answer.
    pub(crate) async fn ask(&self, request: Request) -> Result<Box<Answer>, Failure> {
        let mut lease = self.lease();
        match lease.caller().submit(request) {
            Ok(_) => {}
            Err(Refused::Ledger(failure)) => return Err(failure),
            // Callers come back without anything in flight.
            Err(Refused::RingFull { .. }) => return Err(Failure::Busy),
        }
        next_of(&self.ledger, lease.caller()).await?.1
    }

    fn lease(&self) -> Lease<'_> {
        let caller = self.idle.pop().unwrap_or_else(|| self.ledger.caller(1));
        Lease { callers: self, caller: Some(caller) }
    }
}

/// Waits for the next answer, but no longer than an answer can take. A writer that hangs answers nobody: then the
/// poison of its watchdog is what there is to tell.
pub(crate) async fn next_of(ledger: &Ledger, caller: &mut Caller) -> Result<(Token, Decision), Failure> {
    let mut waited = Duration::ZERO;
    let mut poison = None;
    loop {
        if let Ok(next) = tokio::time::timeout(ANSWER_LOOK, caller.next()).await {
            return next.ok_or_else(|| Failure::OutcomeUnknown(Arc::from("the answer is gone")));
        }
        waited += ANSWER_LOOK;
        // One look after the poison was seen: answers may have been on their way.
        if let Some(reason) = poison {
            return Err(Failure::OutcomeUnknown(reason));
        }
        poison = ledger.poisoned();
        if waited >= ANSWER_MAX {
            return Err(Failure::OutcomeUnknown(Arc::from("no answer in time")));
        }
    }
}

/// A caller in use; it goes back unless its request was given up before the answer came.
struct Lease<'a> {
    callers: &'a Callers,
    caller: Option<Caller>,
}

impl Lease<'_> {
    fn caller(&mut self) -> &mut Caller {
        self.caller.get_or_insert_with(|| self.callers.ledger.caller(1))
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(caller) = self.caller.take().filter(|caller| caller.in_flight() == 0) {
            // A full pool needs no more.
            let _dropped = self.callers.idle.push(caller);
        }
    }
}
