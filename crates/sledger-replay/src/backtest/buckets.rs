//! Counts over time in a bounded number of buckets: where they get too many, each takes in its neighbour.

use crate::rejudge::Kind;
use sledger_core::Millis;

/// Buckets at most.
pub const BUCKETS_MAX: usize = 200;
/// Width at the beginning: a minute.
const WIDTH_MIN: u64 = 60_000;

/// What fell into one stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Logins that were compared.
    pub compared: u64,
    /// Changes, by what they change to, in the order of [`Kind::ALL`].
    pub changed: [u64; 4],
}

/// Stretches of equal width, one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// Where the first begins: a multiple of the width.
    pub start: Millis,
    /// Milliseconds.
    pub width: u64,
    /// From the first to the last that holds anything.
    pub counts: Vec<Bucket>,
}

impl Default for Buckets {
    fn default() -> Self {
        Self { start: Millis(0), width: WIDTH_MIN, counts: Vec::new() }
    }
}

impl Buckets {
    /// Counts a login at `at`, changed to `changed`. Times do not run back; one that does falls into the first.
    pub(super) fn count(&mut self, at: Millis, changed: Option<Kind>) {
        if self.counts.is_empty() {
            self.start = Millis(at.0 / self.width * self.width);
        }
        while self.index(at) >= BUCKETS_MAX {
            self.widen();
        }
        let index = self.index(at);
        if self.counts.len() <= index {
            self.counts.resize(index + 1, Bucket::default());
        }
        let Some(bucket) = self.counts.get_mut(index) else { return };
        bucket.compared += 1;
        if let Some(count) = changed.and_then(|kind| bucket.changed.get_mut(kind as usize)) {
            *count += 1;
        }
    }

    fn index(&self, at: Millis) -> usize {
        usize::try_from(at.since(self.start) / self.width).unwrap_or(usize::MAX)
    }

    /// Twice the width, from a multiple of it.
    fn widen(&mut self) {
        let is_odd = !(self.start.0 / self.width).is_multiple_of(2);
        if is_odd {
            self.counts.insert(0, Bucket::default());
            self.start = Millis(self.start.0.saturating_sub(self.width));
        }
        self.width = self.width.saturating_mul(2);
        self.counts = self.counts.chunks(2).map(|pair| pair.iter().fold(Bucket::default(), add)).collect();
    }
}

fn add(mut sum: Bucket, one: &Bucket) -> Bucket {
    sum.compared += one.compared;
    sum.changed.iter_mut().zip(one.changed).for_each(|(sum, one)| *sum += one);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_fit_into_the_buckets_and_nothing_is_lost() {
        let mut buckets = Buckets::default();
        let day = 86_400_000;
        for n in 0..4000 {
            buckets.count(Millis(1_700_000_000_000 + n * day), (n % 4 == 0).then_some(Kind::Deny));
            assert!(buckets.counts.len() <= BUCKETS_MAX);
            assert!(buckets.start.0.is_multiple_of(buckets.width));
        }
        let sum = buckets.counts.iter().fold(Bucket::default(), add);
        assert_eq!(sum, Bucket { compared: 4000, changed: [0, 1000, 0, 0] });
    }
}
