//! How long answers take.
//!
//! Each kind of latency has one writing thread. It hands over what it measured
//! once per block, under a lock that nobody else holds for longer than a copy
//! of some kilobytes takes: recording one value is an increment.

use hdrhistogram::Histogram;
use std::sync::{Arc, Mutex, PoisonError};

/// Longest latency told apart, in microseconds: a minute.
const MICROS_MAX: u64 = 60_000_000;
/// Significant digits kept: values are exact within a hundredth.
const DIGITS: u8 = 2;

/// Both latencies of the ledger.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    /// From the receipt of a command to its durable answer.
    pub answer: Latency,
    /// Deciding alone.
    pub decide: Latency,
}

/// One kind of latency, since the process started. Clones share it.
#[derive(Clone, Debug)]
pub struct Latency(Arc<Mutex<Measured>>);

#[derive(Clone, Debug)]
struct Measured {
    histogram: Histogram<u64>,
    sum: u64,
}

/// What was measured, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// Half took no longer.
    pub p50: u64,
    /// 99 of 100 took no longer.
    pub p99: u64,
    /// 999 of 1,000 took no longer.
    pub p999: u64,
    /// The longest.
    pub max: u64,
}

impl Default for Latency {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, MICROS_MAX, DIGITS)
            .expect("the bounds of the histogram are constants that fit each other");
        Self(Arc::new(Mutex::new(Measured { histogram, sum: 0 })))
    }
}

impl Latency {
    /// Records what was measured during one block, in microseconds.
    pub fn record(&self, micros: impl IntoIterator<Item = u64>) {
        let mut measured = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for value in micros {
            measured.histogram.saturating_record(value.max(1));
            measured.sum = measured.sum.saturating_add(value);
        }
    }

    /// What was measured so far; `None` when nothing was.
    #[must_use]
    pub fn quantiles(&self) -> Option<Quantiles> {
        let Measured { histogram, sum } = self.copy();
        (!histogram.is_empty()).then(|| Quantiles {
            count: histogram.len(),
            sum,
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
        })
    }

    /// For each bound, in microseconds, how many values were at or below it.
    #[must_use]
    pub fn at_or_below(&self, bounds: &[u64]) -> Vec<u64> {
        let Measured { histogram, .. } = self.copy();
        bounds.iter().map(|bound| histogram.count_between(0, *bound)).collect()
    }

    fn copy(&self) -> Measured {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_tell_what_was_recorded() {
        let latency = Latency::default();
        assert_eq!(latency.quantiles(), None);
        latency.record(1..=1000);
        let seen = latency.quantiles().expect("values were recorded");
        assert_eq!((seen.count, seen.sum), (1000, 500_500));
        assert!((495..=505).contains(&seen.p50) && (990..=1000).contains(&seen.p99), "{seen:?}");
        assert!(seen.max >= 1000 && seen.max <= 1007, "{seen:?}");
        assert_eq!(latency.at_or_below(&[100]), [100]);
    }

    #[test]
    fn a_latency_beyond_all_bounds_is_kept_as_the_longest() {
        let latency = Latency::default();
        latency.record([u64::MAX, 0]);
        assert_eq!(latency.quantiles().map(|q| q.count), Some(2));
    }
}
