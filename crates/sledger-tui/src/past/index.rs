//! How much happened when, in a bounded number of equal parts.
//!
//! Invariant: at most `PARTS_MAX` parts; when time goes beyond them, each two become one.

use sledger_core::{Millis, Seq};

/// Parts at most.
const PARTS_MAX: usize = 512;

/// When how much happened.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// The last event.
    pub(super) last: Seq,
    /// The time of the first and of the last decision.
    pub(super) span: (Millis, Millis),
    /// Milliseconds of a part.
    wide: u64,
    /// Decisions, and those that evicted or refused.
    parts: Vec<(u64, u64)>,
}

impl Default for Index {
    fn default() -> Self {
        Self { last: Seq(0), span: (Millis(0), Millis(0)), wide: 1, parts: Vec::new() }
    }
}

impl Index {
    /// Counts a decision that ends with the event `seq`.
    pub(super) fn add(&mut self, at: Millis, seq: Seq, is_end: bool) {
        if self.parts.is_empty() {
            self.span = (at, at);
        }
        (self.last, self.span.1) = (seq, self.span.1.max(at));
        let offset = at.since(self.span.0);
        while offset / self.wide >= PARTS_MAX as u64 {
            self.halve();
        }
        let place = usize::try_from(offset / self.wide).unwrap_or(PARTS_MAX - 1);
        if self.parts.len() <= place {
            self.parts.resize(place + 1, (0, 0));
        }
        if let Some(part) = self.parts.get_mut(place) {
            part.0 += 1;
            part.1 += u64::from(is_end);
        }
    }

    fn halve(&mut self) {
        let both = |two: &[(u64, u64)]| two.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        self.parts = self.parts.chunks(2).map(both).collect();
        self.wide = self.wide.saturating_mul(2);
    }

    /// Decisions by part, and those that evicted or refused; the parts are equal and cover the span.
    pub(super) fn parts(&self) -> (Vec<u64>, Vec<u64>) {
        self.parts.iter().copied().unzip()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_long_it_lasts_nothing_is_lost_and_nothing_grows() {
        let mut index = Index::default();
        for n in 1..=5_000_u64 {
            index.add(Millis(1_000 + n * n * 977), Seq(n), n % 10 == 0);
            assert!(index.parts.len() <= PARTS_MAX);
        }
        let (all, ends) = index.parts();
        assert_eq!((all.iter().sum::<u64>(), ends.iter().sum::<u64>()), (5_000, 500));
        assert_eq!((index.last, index.span.0), (Seq(5_000), Millis(1_977)));
    }
}
