//! Ledger time: advances with a clock that never jumps, and follows the wall clock without ever going back (RULES 9).
//!
//! Pure: the readings are given. Equal readings give equal times.

use crate::{Millis, Span};

/// Where readings come from.
pub trait Clock: Send + Sync {
    /// Milliseconds of a clock that only advances, suspended time included.
    fn boot(&self) -> u64;

    /// The wall clock: may jump.
    fn wall(&self) -> Millis;
}

/// Differences up to this are no news.
const TOLERATED: u64 = 2_000;
/// A wall clock ahead by no more than this is followed at once: the machine slept.
const FOLLOWED_MAX: u64 = 3_600_000;
/// Milliseconds between two looks at the wall clock.
const COMPARED_EACH: u64 = 1_000;
/// Ledger time per mille of the clock that never jumps.
const STEADY: u64 = 1_000;
/// While catching up.
const FASTER: u64 = 1_100;
/// While waiting for the wall clock.
const SLOWER: u64 = 900;

/// Ledger time.
#[derive(Clone, Debug)]
pub struct LedgerClock {
    anchor: Millis,
    anchored_at: u64,
    rate: u64,
    compared_at: u64,
    last: Millis,
}

/// The wall clock and ledger time differ by more than is tolerated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The wall clock.
    pub wall: Millis,
    /// Ledger time before anything was done about it.
    pub ledger: Millis,
    /// Whether ledger time jumped there, or is slewed by a tenth.
    pub followed: bool,
}

impl LedgerClock {
    /// Starts at the later of the wall clock and the last time recorded.
    #[must_use]
    pub fn start(clock: &dyn Clock, last: Millis) -> Self {
        let (boot, wall) = (clock.boot(), clock.wall());
        let anchor = wall.max(last);
        Self { anchor, anchored_at: boot, rate: STEADY, compared_at: boot, last: anchor }
    }

    /// Ledger time now. Never less than before.
    pub fn now(&mut self, clock: &dyn Clock) -> Millis {
        self.at(clock.boot())
    }

    fn at(&mut self, boot: u64) -> Millis {
        let passed = boot.saturating_sub(self.anchored_at);
        let now = self.anchor.plus(Span::millis(passed.saturating_mul(self.rate) / STEADY));
        self.last = self.last.max(now);
        self.last
    }

    /// How far ahead in the clock that never jumps ledger time reaches `until`, in milliseconds.
    #[must_use]
    pub fn wait_for(&self, until: Millis) -> u64 {
        until.since(self.last).saturating_mul(STEADY).div_ceil(self.rate)
    }

    /// Compares with the wall clock, once a second; says when a difference begins or was jumped over.
    pub fn compare(&mut self, clock: &dyn Clock) -> Option<Difference> {
        let boot = clock.boot();
        if boot.saturating_sub(self.compared_at) < COMPARED_EACH {
            return None;
        }
        self.compared_at = boot;
        let (wall, ledger) = (clock.wall(), self.at(boot));
        let (ahead, behind) = (wall.since(ledger), ledger.since(wall));
        if ahead > TOLERATED && ahead <= FOLLOWED_MAX {
            self.anchor_at(boot, wall, STEADY);
            return Some(Difference { wall, ledger, followed: true });
        }
        let rate = match () {
            () if ahead > TOLERATED => FASTER,
            () if behind > TOLERATED => SLOWER,
            // Slewing ends where it has caught up, not where the difference is just tolerated.
            () if self.rate == FASTER && ahead > 0 => FASTER,
            () if self.rate == SLOWER && behind > 0 => SLOWER,
            () => STEADY,
        };
        let begins = rate != self.rate && rate != STEADY;
        if rate != self.rate {
            self.anchor_at(boot, ledger, rate);
        }
        begins.then_some(Difference { wall, ledger, followed: false })
    }

    fn anchor_at(&mut self, boot: u64, at: Millis, rate: u64) {
        self.anchor = at;
        self.anchored_at = boot;
        self.rate = rate;
        self.last = self.last.max(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[derive(Default)]
    struct Hands {
        boot: AtomicU64,
        wall: AtomicU64,
    }

    impl Hands {
        fn pass(&self, ms: u64) {
            self.boot.fetch_add(ms, Ordering::Relaxed);
            self.wall.fetch_add(ms, Ordering::Relaxed);
        }
    }

    impl Clock for Hands {
        fn boot(&self) -> u64 {
            self.boot.load(Ordering::Relaxed)
        }

        fn wall(&self) -> Millis {
            Millis(self.wall.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn a_machine_that_slept_is_followed_at_once() {
        let hands = Hands::default();
        let mut clock = LedgerClock::start(&hands, Millis(0));
        hands.pass(1_000);
        hands.wall.fetch_add(1_800_000, Ordering::Relaxed);
        let difference = clock.compare(&hands).unwrap();
        assert!(difference.followed, "[9]");
        assert_eq!(clock.now(&hands), Millis(1_801_000));
    }

    #[test]
    fn a_wall_clock_set_back_is_waited_for_by_a_tenth() {
        let hands = Hands::default();
        hands.wall.store(1_000_000, Ordering::Relaxed);
        let mut clock = LedgerClock::start(&hands, Millis(0));
        hands.pass(1_000);
        hands.wall.fetch_sub(60_000, Ordering::Relaxed);
        assert_eq!(clock.compare(&hands).map(|d| d.followed), Some(false), "[9]");
        hands.pass(10_000);
        assert_eq!(clock.now(&hands), Millis(1_001_000 + 9_000));
        assert_eq!(clock.compare(&hands), None, "told once");
    }

    proptest! {
        #[test]
        fn ledger_time_never_goes_back(steps in prop::collection::vec((0u64..5_000, -9_000_000i64..9_000_000), 1..60)) {
            let hands = Hands::default();
            hands.wall.store(1_000_000_000, Ordering::Relaxed);
            let mut clock = LedgerClock::start(&hands, Millis(0));
            let mut before = clock.now(&hands);
            for (passed, jump) in steps {
                hands.pass(passed);
                hands.wall.store(hands.wall().0.saturating_add_signed(jump), Ordering::Relaxed);
                clock.compare(&hands);
                let now = clock.now(&hands);
                prop_assert!(now >= before);
                // Never leaps: at most an hour at once, and a tenth more than passed.
                prop_assert!(now.since(before) <= FOLLOWED_MAX + passed * 11 / 10 + 1);
                before = now;
            }
        }
    }
}
