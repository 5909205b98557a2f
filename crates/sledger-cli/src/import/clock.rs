//! A clock that says what the lines of the past say.

use sledger_core::Millis;
use sledger_core::clock::Clock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Both of its hands stand at the time of the line being replayed, so ledger time is that time exactly.
#[derive(Debug, Default)]
pub(crate) struct PastClock(AtomicU64);

impl PastClock {
    /// Moves on to `at`; never back.
    pub(crate) fn set(&self, at: Millis) {
        // Relaxed: the decider reads it after the channel that brings it the command.
        self.0.fetch_max(at.0, Ordering::Relaxed);
    }
}

impl Clock for PastClock {
    fn boot(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn wall(&self) -> Millis {
        Millis(self.boot())
    }
}
