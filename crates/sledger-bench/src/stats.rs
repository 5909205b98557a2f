//! Rates, medians and spreads.
#![expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "figures are shown, never stored or decided on"
)]

use std::time::Duration;

/// What several repetitions gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    /// The middle one; of an even number the mean of the middle two.
    pub(crate) median: f64,
    /// The least.
    pub(crate) min: f64,
    /// The most.
    pub(crate) max: f64,
}

impl Spread {
    /// Of what was measured; `None` of nothing.
    pub(crate) fn of(measured: &[f64]) -> Option<Self> {
        let mut sorted = measured.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get((sorted.len() - 1) / 2)?;
        Some(Self { median: f64::midpoint(lower, upper), min, max })
    }

    /// Of ratios, each taken between two neighbours in time.
    pub(crate) fn of_ratios(ours: &[f64], theirs: &[f64]) -> Option<Self> {
        let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        Self::of(&ratios)
    }
}

/// `count` per second.
pub(crate) fn rate(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(1e-9)
}

/// Microseconds for each of `count`.
pub(crate) fn micros_each(took: Duration, count: u64) -> f64 {
    took.as_secs_f64() * 1e6 / count.max(1) as f64
}

/// Microseconds of so many nanoseconds.
pub(crate) fn micros(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e3
}

/// Microseconds at a quantile of a histogram of nanoseconds.
pub(crate) fn micros_at(latencies: &hdrhistogram::Histogram<u64>, quantile: f64) -> f64 {
    micros(latencies.value_at_quantile(quantile))
}

/// How much each of `count` is of `all`; also less than nothing.
pub(crate) fn each(all: i64, count: u64) -> f64 {
    all as f64 / count.max(1) as f64
}

/// Mebibytes per second.
pub(crate) fn mebibytes(bytes: u64, took: Duration) -> f64 {
    rate(bytes, took) / 1_048_576.0
}

/// Seconds.
pub(crate) fn seconds(took: Duration) -> f64 {
    took.as_secs_f64()
}

/// A count as it is shown among other figures.
pub(crate) fn plain(count: u64) -> f64 {
    count as f64
}

/// The middle one of a few.
pub(crate) fn median(measured: &[f64]) -> f64 {
    Spread::of(measured).map_or(0.0, |spread| spread.median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle_and_the_spread_its_ends() {
        let spread = Spread::of(&[3.0, 1.0, 10.0]).unwrap();
        assert_eq!(spread, Spread { median: 3.0, min: 1.0, max: 10.0 });
        assert_eq!(Spread::of(&[1.0, 2.0]), Some(Spread { median: 1.5, min: 1.0, max: 2.0 }));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn ratio_is_taken_between_neighbours() {
        // The machine was half as fast in the second turn: the ratio does not see it.
        let spread = Spread::of_ratios(&[10.0, 5.0], &[5.0, 2.5]).unwrap();
        assert_eq!(spread, Spread { median: 2.0, min: 2.0, max: 2.0 });
    }
}
