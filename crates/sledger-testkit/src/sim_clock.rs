//! A clock that a test sets: time passes when it says so.

use sledger_core::Millis;
use sledger_core::clock::Clock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Both hands of a machine's clock. Shared by `Arc`; every change is seen by the next reading.
#[derive(Debug)]
pub struct SimClock {
    boot: AtomicU64,
    wall: AtomicU64,
    broken: AtomicBool,
}

impl SimClock {
    /// A machine that booted a minute ago, on a day when the wall clock says `wall`.
    #[must_use]
    pub const fn at(wall: Millis) -> Self {
        Self { boot: AtomicU64::new(60_000), wall: AtomicU64::new(wall.0), broken: AtomicBool::new(false) }
    }

    /// Time passes, on both hands. Whoever reads between the two sees no time pass, and so compares nothing.
    pub fn pass(&self, ms: u64) {
        self.wall.fetch_add(ms, Ordering::SeqCst);
        self.boot.fetch_add(ms, Ordering::SeqCst);
    }

    /// Somebody sets the wall clock; no time passes.
    pub fn set_wall(&self, wall: Millis) {
        self.wall.store(wall.0, Ordering::SeqCst);
    }

    /// From now on every reading panics: for whoever reads it.
    pub fn break_it(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn boot(&self) -> u64 {
        assert!(!self.broken.load(Ordering::SeqCst), "the clock is broken, as the test asked");
        self.boot.load(Ordering::SeqCst)
    }

    fn wall(&self) -> Millis {
        Millis(self.wall.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stands_still_until_it_is_told_to_pass() {
        let clock = SimClock::at(Millis(1_000_000));
        let (boot, wall) = (clock.boot(), clock.wall());
        assert_eq!((clock.boot(), clock.wall()), (boot, wall));
        clock.pass(250);
        assert_eq!((clock.boot(), clock.wall()), (boot + 250, Millis(1_000_250)));
        clock.set_wall(Millis(5));
        assert_eq!((clock.boot(), clock.wall()), (boot + 250, Millis(5)));
    }
}
