//! Where the log stands after each append, for whoever waits for the hash at one seq.

use crate::config::BoxedLog;
use sledger_core::Seq;
use sledger_core::log::{Appended, Batch, Head, Log};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Written by the writer's thread after each append, read by the decider's.
pub(crate) struct Heads {
    inner: Mutex<Inner>,
    committed: Condvar,
}

struct Inner {
    last: Head,
    wanted: Option<Seq>,
    found: Option<Head>,
}

impl Heads {
    pub(crate) fn new(last: Head) -> Self {
        Self { inner: Mutex::new(Inner { last, wanted: None, found: None }), committed: Condvar::new() }
    }

    /// From now on the head at `seq` is kept. Nothing after `seq` may have been handed to the log yet.
    pub(crate) fn want(&self, seq: Seq) {
        let mut inner = self.lock();
        inner.wanted = Some(seq);
        inner.found = Some(inner.last).filter(|last| last.seq == seq);
    }

    /// The last event that is durable.
    pub(crate) fn durable(&self) -> Seq {
        self.lock().last.seq
    }

    /// The head at the seq that is wanted; `None` when an append passed it without ending there, or before it does.
    pub(crate) fn found(&self) -> Option<Head> {
        self.lock().found
    }

    /// Waits for the head at the seq that is wanted, at most for `patience`.
    pub(crate) fn wait(&self, patience: Duration) -> Option<Head> {
        let waits = |inner: &mut Inner| inner.wanted.is_some_and(|wanted| inner.last.seq < wanted);
        let waited = self.committed.wait_timeout_while(self.lock(), patience, waits);
        waited.unwrap_or_else(PoisonError::into_inner).0.found
    }

    fn note(&self, head: Head) {
        let mut inner = self.lock();
        inner.last = head;
        if inner.wanted == Some(head.seq) {
            inner.found = Some(head);
            self.committed.notify_all();
        }
    }

    /// A lock whose holder panicked guards plain data all the same.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A log that tells its heads.
pub(crate) struct Told {
    log: BoxedLog,
    heads: Arc<Heads>,
}

impl Told {
    pub(crate) fn new(log: BoxedLog, heads: &Arc<Heads>) -> Self {
        Self { log, heads: Arc::clone(heads) }
    }
}

impl Log for Told {
    fn append(&mut self, batch: Batch<'_>, head: &Head) -> Appended {
        let appended = self.log.append(batch, head);
        if let Appended::Committed(head) = &appended {
            self.heads.note(*head);
        }
        appended
    }

    fn head(&self) -> Head {
        self.log.head()
    }

    fn close(&mut self) -> Result<(), String> {
        self.log.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(seq: u64) -> Head {
        Head { seq: Seq(seq), hash: [7; 32], ..Head::default() }
    }

    #[test]
    fn the_head_is_found_where_the_log_stood_stands_or_will_stand() {
        let heads = Heads::new(head(4));
        heads.want(Seq(4));
        assert_eq!(heads.found(), Some(head(4)), "it stands there");
        heads.want(Seq(9));
        assert_eq!(heads.found(), None);
        heads.note(head(9));
        heads.note(head(12));
        assert_eq!((heads.found(), heads.durable()), (Some(head(9)), Seq(12)), "it stood there");
        assert_eq!(heads.wait(Duration::from_secs(60)), Some(head(9)));
    }

    #[test]
    fn a_log_that_passes_the_seq_without_ending_there_gives_no_head() {
        let heads = Heads::new(head(4));
        heads.want(Seq(9));
        assert_eq!(heads.wait(Duration::ZERO), None, "not yet");
        heads.note(head(11));
        assert_eq!(heads.wait(Duration::from_secs(60)), None);
    }
}
