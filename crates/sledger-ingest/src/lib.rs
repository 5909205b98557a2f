//! Admission: the way in and the way back, without a lock of ours on either.
//!
//! In: one bounded channel, `try_send` only; a full one means *busy, retry after*.
//! Back: each caller has a completion ring, filled per block and woken once per block.
//!
//! Invariants: a caller never has more in flight than its ring holds, so filling never fails;
//! every submission is answered exactly once, also when it is dropped.
//! Absent on purpose: any deciding, any waiting on the way in.

mod caller;
mod ring;

pub use caller::{Caller, Refused, Token};
pub use ring::{Reply, Wakes};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use sledger_core::answer::Answer;
use sledger_core::command::Request;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Instant;

/// The answer to a submission, or why there is none.
pub type Completion = Result<Box<Answer>, Failure>;

/// Why a submission has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The queue is full; nothing was decided.
    #[error("the ledger is busy: its queue is full; try again in a moment")]
    Busy,
    /// The ledger is closed; nothing was decided.
    #[error("the ledger is closed")]
    Closed,
    /// The ledger is poisoned; nothing was decided.
    #[error("the ledger is poisoned and admits nothing: {0}")]
    Poisoned(Arc<str>),
    /// It may have been recorded or not; a repeat with the same command id tells after a restart.
    #[error("the outcome is unknown: {0}; repeat it with the same command id once the ledger is back")]
    OutcomeUnknown(Arc<str>),
}

/// One request on its way in.
#[derive(Debug)]
pub struct Submission {
    /// What is asked.
    pub request: Request,
    /// When it was received.
    pub received: Instant,
    /// Where its answer goes.
    pub reply: Reply,
}

/// The way in, for any number of threads.
#[derive(Clone, Debug)]
pub struct Ingest {
    sender: Sender<Submission>,
    stopped: Arc<OnceLock<Failure>>,
}

/// The end of the way in, for the decider.
#[derive(Debug)]
pub struct Intake {
    receiver: Receiver<Submission>,
    stopped: Arc<OnceLock<Failure>>,
}

/// Makes a way in that holds at most `queue_max` submissions.
#[must_use]
pub fn channel(queue_max: usize) -> (Ingest, Intake) {
    let (sender, receiver) = bounded(queue_max.max(1));
    let stopped = Arc::new(OnceLock::new());
    (Ingest { sender, stopped: Arc::clone(&stopped) }, Intake { receiver, stopped })
}

impl Ingest {
    /// A caller that may have up to `in_flight_max` submissions unanswered.
    #[must_use]
    pub fn caller(&self, in_flight_max: usize) -> Caller {
        Caller::new(self.clone(), in_flight_max)
    }

    /// How many submissions wait.
    #[must_use]
    pub fn queue_length(&self) -> usize {
        self.sender.len()
    }

    /// From now on every submission is refused with `why`. The first reason stays.
    pub fn stop(&self, why: Failure) {
        // A second reason is no news: the first one is what happened.
        let _kept = self.stopped.set(why);
    }

    /// Why nothing is taken any more, if so.
    #[must_use]
    pub fn stopped(&self) -> Option<&Failure> {
        self.stopped.get()
    }

    pub(crate) fn send(&self, submission: Submission) -> Result<(), Failure> {
        if let Some(why) = self.stopped.get() {
            submission.reply.disarm();
            return Err(why.clone());
        }
        self.sender.try_send(submission).map_err(|error| {
            let (failure, submission) = match error {
                TrySendError::Full(submission) => (Failure::Busy, submission),
                TrySendError::Disconnected(submission) => (Failure::Closed, submission),
            };
            submission.reply.disarm();
            failure
        })
    }
}

impl Intake {
    /// Waits for a submission until `until`, or until `other` has something to say. `None` when the time is over,
    /// `other` spoke, or nobody can submit any more.
    #[must_use]
    pub fn wait(&self, other: &Receiver<()>, until: Instant) -> Option<Submission> {
        crossbeam_channel::select! {
            recv(self.receiver) -> submission => submission.ok(),
            recv(other) -> _ => None,
            default(until.saturating_duration_since(Instant::now())) => None,
        }
    }

    /// The next submission, if one waits.
    #[must_use]
    pub fn take(&self) -> Option<Submission> {
        self.receiver.try_recv().ok()
    }

    /// Whether submissions are refused from now on.
    #[must_use]
    pub fn stopped(&self) -> Option<&Failure> {
        self.stopped.get()
    }
}

#[cfg(test)]
mod tests;
