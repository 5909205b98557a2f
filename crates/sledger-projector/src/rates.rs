//! How much happened: counts per second of ledger time, over the last minute.

use sledger_core::Millis;
use std::fmt;

/// Seconds looked back on.
pub const RATE_SECONDS: u64 = 60;

/// Buckets of the ring, one per second.
const BUCKETS: usize = 60;

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Logins admitted.
    pub admitted: u64,
    /// Logins denied, those counted during a storm among them.
    pub denied: u64,
    /// Logins that resumed a session.
    pub resumed: u64,
    /// Sessions ended to make room.
    pub evicted: u64,
    /// Sessions ended by ttl, idle time or retention.
    pub expired: u64,
    /// Sessions ended otherwise.
    pub ended: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.admitted += other.admitted;
        self.denied = self.denied.saturating_add(other.denied);
        self.resumed += other.resumed;
        self.evicted += other.evicted;
        self.expired += other.expired;
        self.ended += other.ended;
    }
}

/// How often something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate {
    /// Times within [`RATE_SECONDS`].
    pub count: u64,
}

impl Rate {
    /// Thousandths per second.
    #[must_use]
    pub const fn per_second_milli(self) -> u64 {
        self.count.saturating_mul(1000) / RATE_SECONDS
    }
}

impl fmt::Display for Rate {
    /// Per second, with one digit after the point, rounded down.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.per_second_milli() / 100;
        write!(out, "{}.{}", tenths / 10, tenths % 10)
    }
}

/// What happened within the last minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Logins admitted.
    pub admitted: Rate,
    /// Logins denied.
    pub denied: Rate,
    /// Logins that resumed a session.
    pub resumed: Rate,
    /// Sessions ended to make room.
    pub evicted: Rate,
    /// Sessions ended by ttl, idle time or retention.
    pub expired: Rate,
    /// Sessions ended otherwise.
    pub ended: Rate,
}

/// One bucket per second, the second's number beside it.
#[derive(Clone, Debug)]
pub(crate) struct RateRing([(u64, Tally); BUCKETS]);

impl Default for RateRing {
    fn default() -> Self {
        Self([(0, Tally::default()); BUCKETS])
    }
}

impl RateRing {
    /// The counts of the second of `at`.
    pub(crate) fn at(&mut self, at: Millis) -> &mut Tally {
        let second = at.0 / 1000;
        let place = usize::try_from(second % RATE_SECONDS).unwrap_or_default();
        let bucket = self.0.get_mut(place).expect("a remainder is within the ring");
        if bucket.0 != second {
            *bucket = (second, Tally::default());
        }
        &mut bucket.1
    }

    /// The minute that ends with the second of `at`; `None` when nothing happened in it.
    pub(crate) fn rates(&self, at: Millis) -> Option<Rates> {
        let now = at.0 / 1000;
        let mut sum = Tally::default();
        let recent = |second: u64| second <= now && now - second < RATE_SECONDS;
        self.0.iter().filter(|(second, _)| recent(*second)).for_each(|(_, tally)| sum.add(tally));
        let rate = |count| Rate { count };
        (sum != Tally::default()).then(|| Rates {
            admitted: rate(sum.admitted),
            denied: rate(sum.denied),
            resumed: rate(sum.resumed),
            evicted: rate(sum.evicted),
            expired: rate(sum.expired),
            ended: rate(sum.ended),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_later_nothing_is_left_of_what_happened() {
        let mut ring = RateRing::default();
        assert_eq!(ring.rates(Millis(1_000_000)), None);
        for second in 0..90u64 {
            ring.at(Millis(1_000_000 + second * 1000)).admitted += 2;
        }
        let rates = ring.rates(Millis(1_089_999)).expect("something happened");
        assert_eq!(rates.admitted.count, 120);
        assert_eq!(rates.admitted.to_string(), "2.0");
        assert_eq!(ring.rates(Millis(1_139_000)).map(|r| r.admitted.count), Some(20));
        assert_eq!(ring.rates(Millis(1_149_000)), None);
    }

    #[test]
    fn rates_below_one_are_not_lost() {
        assert_eq!(Rate { count: 7 }.to_string(), "0.1");
        assert_eq!(Rate { count: 7 }.per_second_milli(), 116);
    }
}
