//! How much happened within the last minute of ledger time.

use sledger_core::Millis;
use sledger_core::event::{Cause, Decision, Event};
use sledger_projector::{RATE_SECONDS, Tally};
use sledger_wire::pages::Rates;
use std::collections::VecDeque;

/// Counts by second, oldest first; no more than a minute of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Minute(VecDeque<(u64, Tally)>);

impl Minute {
    /// Counts a decision.
    pub(super) fn add(&mut self, at: Millis, decision: &Decision) {
        let second = at.0 / 1000;
        if self.0.back().is_none_or(|(last, _)| *last != second) {
            self.0.push_back((second, Tally::default()));
            while self.0.front().is_some_and(|(first, _)| first + RATE_SECONDS <= second) {
                self.0.pop_front();
            }
        }
        let Some((_, tally)) = self.0.back_mut() else { return };
        for event in &decision.events {
            match event {
                Event::Admitted { .. } => tally.admitted += 1,
                Event::Resumed { .. } => tally.resumed += 1,
                Event::Denied { .. } => tally.denied += 1,
                Event::DenialsCounted { count, .. } => tally.denied = tally.denied.saturating_add(*count),
                Event::Ended { cause: Cause::Evicted, .. } => tally.evicted += 1,
                Event::Ended { cause: Cause::Ttl | Cause::Idle | Cause::Retention, .. } => tally.expired += 1,
                Event::Ended { .. } => tally.ended += 1,
                _ => {}
            }
        }
    }

    /// Per second, over the minute that ends at `at`; none where nothing happened in it.
    pub(super) fn rates(&self, at: Millis) -> Rates {
        let now = at.0 / 1000;
        let within = self.0.iter().filter(|(second, _)| second + RATE_SECONDS > now).map(|(_, tally)| tally);
        let tallies: Vec<&Tally> = within.collect();
        if tallies.is_empty() {
            return Rates::default();
        }
        let rate = |of: fn(&Tally) -> u64| Some(per_second(tallies.iter().map(|tally| of(tally)).sum()));
        Rates {
            admitted: rate(|tally| tally.admitted),
            denied: rate(|tally| tally.denied),
            resumed: rate(|tally| tally.resumed),
            evicted: rate(|tally| tally.evicted),
            expired: rate(|tally| tally.expired),
            ended: rate(|tally| tally.ended),
        }
    }
}

#[expect(clippy::float_arithmetic, reason = "shown only, never decided or hashed by")]
fn per_second(count: u64) -> f64 {
    let milli = count.saturating_mul(1000) / RATE_SECONDS;
    f64::from(u32::try_from(milli).unwrap_or(u32::MAX)) / 1000.0
}
