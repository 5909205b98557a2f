//! Relaxed durability: answers leave once they are decided, and the disk follows within a bound.
//!
//! Promise: what may be lost with the machine is at most what was decided in the last [`RELAXED_BEHIND_MAX`]. Once
//! the oldest decision that is not durable is as old as that, answers wait for the disk again, however slow it is.
//! Nothing is written less often: the writer takes what there is as soon as it is done with what came before.
//!
//! Absent on purpose: anything for readers. Queries and the feed show what is durable and nothing else, so under
//! relaxed durability they may be behind an answer by the same bound.

use sledger_core::Seq;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How old the oldest decision that is not durable may be while answers leave before they are durable.
pub const RELAXED_BEHIND_MAX: Duration = Duration::from_millis(100);
/// Decisions as close together as this are taken for one.
const GRAIN: Duration = Duration::from_millis(1);

/// When an answer may leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Once everything it rests on is on the disk.
    #[default]
    Durable,
    /// Once it is decided, as long as the disk is not more than [`RELAXED_BEHIND_MAX`] behind.
    Relaxed,
}

impl Durability {
    /// The word as other programs read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Durable => "durable",
            Self::Relaxed => "relaxed",
        }
    }
}

/// What was decided and is not durable yet, with when it was decided: the decider's own.
#[derive(Debug, Default)]
pub(crate) struct Behind(VecDeque<(Seq, Instant)>);

impl Behind {
    /// Everything up to `last` was decided by `now`.
    pub(crate) fn decided(&mut self, last: Seq, now: Instant) {
        match self.0.back_mut() {
            Some((known, _)) if *known >= last => {}
            // The older time stands for both: it ends no later than it should.
            Some((known, since)) if now.saturating_duration_since(*since) < GRAIN => *known = last,
            _ => self.0.push_back((last, now)),
        }
    }

    /// Whether answers may leave at `now`, where everything up to `durable` is on the disk.
    pub(crate) fn is_within_bound(&mut self, durable: Seq, now: Instant) -> bool {
        while self.0.front().is_some_and(|(last, _)| *last <= durable) {
            self.0.pop_front();
        }
        self.0.front().is_none_or(|(_, since)| now.saturating_duration_since(*since) < RELAXED_BEHIND_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_wait_from_the_bound_on_until_the_disk_has_caught_up() {
        let (begun, mut behind) = (Instant::now(), Behind::default());
        let after = |millis| begun + Duration::from_millis(millis);
        assert!(behind.is_within_bound(Seq(1), begun), "nothing is behind");
        behind.decided(Seq(5), begun);
        behind.decided(Seq(9), after(60));
        assert!(behind.is_within_bound(Seq(1), after(99)));
        assert!(!behind.is_within_bound(Seq(1), after(100)), "the oldest counts");
        assert!(!behind.is_within_bound(Seq(4), after(100)), "half of what was decided then is not enough");
        assert!(behind.is_within_bound(Seq(5), after(100)), "the next oldest is 40 ms old");
        assert!(!behind.is_within_bound(Seq(5), after(160)));
        assert!(behind.is_within_bound(Seq(9), after(160)));
        assert!(behind.0.is_empty());
    }

    #[test]
    fn what_is_decided_together_is_kept_as_one() {
        let (begun, mut behind) = (Instant::now(), Behind::default());
        for seq in 1..=1_000 {
            behind.decided(Seq(seq), begun + Duration::from_micros(seq));
        }
        assert!(behind.0.len() <= 2, "{}", behind.0.len());
        assert!(!behind.is_within_bound(Seq(999), begun + RELAXED_BEHIND_MAX + GRAIN));
    }
}
