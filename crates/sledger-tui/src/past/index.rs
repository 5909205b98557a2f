//! How much happened when, in a bounded number of equal parts, and how policies fared.
//!
//! Invariants: at most `PARTS_MAX` parts; when time goes beyond them, each two become one. At most `FARED_MAX`
//! failures and differences of policies are known by their place; behind them none is told.

use sledger_core::event::{Cause, Decision, Event, PolicyRef};
use sledger_core::{Millis, Seq};
use std::collections::BTreeMap;

/// Parts at most.
const PARTS_MAX: usize = 512;
/// Failures and differences that are known by their place.
const FARED_MAX: usize = 262_144;
/// Revisions of policies whose fate is known.
const POLICIES_MAX: usize = 1_024;

/// When how much happened.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// The last event counted.
    pub(super) last: Seq,
    /// Why nothing more is counted, where that is so.
    pub(super) failed: Option<String>,
    /// The time of the first decision.
    begun: Option<Millis>,
    /// Milliseconds of a part.
    wide: u64,
    /// Decisions, and those that evicted or refused.
    parts: Vec<(u64, u64)>,
    fared: Fared,
}

/// How policies fared, by place.
#[derive(Clone, Debug, Default)]
struct Fared {
    policies: Vec<PolicyRef>,
    /// The event, the index of the policy, and whether it failed; else it differed.
    all: Vec<(Seq, u16, bool)>,
    /// From this event on nothing is known any more.
    over: Option<Seq>,
}

impl Default for Index {
    fn default() -> Self {
        let (parts, fared) = (Vec::new(), Fared::default());
        Self { last: Seq(0), failed: None, begun: None, wide: 1, parts, fared }
    }
}

impl Index {
    /// An index of what lasts from the first to the last of these times.
    pub(super) fn over((begun, ended): (Millis, Millis)) -> Self {
        let mut index = Self { begun: Some(begun), ..Self::default() };
        while ended.since(begun) / index.wide >= PARTS_MAX as u64 {
            index.halve();
        }
        index
    }

    /// Counts a decision with its first event.
    pub(super) fn add(&mut self, first: Seq, decision: &Decision) {
        self.last = Seq(first.0.saturating_add(decision.events.len() as u64).saturating_sub(1));
        self.fared.add(first, decision);
        let offset = decision.at.since(*self.begun.get_or_insert(decision.at));
        while offset / self.wide >= PARTS_MAX as u64 {
            self.halve();
        }
        let place = usize::try_from(offset / self.wide).unwrap_or(PARTS_MAX - 1);
        if self.parts.len() <= place {
            self.parts.resize(place + 1, (0, 0));
        }
        if let Some(part) = self.parts.get_mut(place) {
            part.0 += 1;
            part.1 += u64::from(is_end(decision));
        }
    }

    fn halve(&mut self) {
        let both = |two: &[(u64, u64)]| two.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        self.parts = self.parts.chunks(2).map(both).collect();
        self.wide = self.wide.saturating_mul(2);
    }

    /// Decisions by part, and those that evicted or refused; the parts are equal and go on until `ended`.
    pub(super) fn parts(&self, ended: Millis) -> (Vec<u64>, Vec<u64>) {
        let Some(begun) = self.begun else { return (Vec::new(), Vec::new()) };
        let last = usize::try_from(ended.since(begun) / self.wide).unwrap_or(PARTS_MAX);
        let nothing = last.saturating_add(1).min(PARTS_MAX).saturating_sub(self.parts.len());
        self.parts.iter().copied().chain(std::iter::repeat_n((0, 0), nothing)).unzip()
    }

    /// How often policies failed and differed until the event `seq`; none where that is not known.
    pub(super) fn fared(&self, seq: Seq) -> BTreeMap<PolicyRef, (u64, u64)> {
        let is_known = seq <= self.last && self.fared.over.is_none_or(|over| seq < over);
        if is_known { self.fared.until(seq) } else { BTreeMap::new() }
    }
}

impl Fared {
    fn add(&mut self, first: Seq, decision: &Decision) {
        for (seq, event) in (first.0..).map(Seq).zip(&decision.events) {
            let (policy, is_failure) = match event {
                Event::PolicyFailed { failure, .. } => (Some(&failure.policy), true),
                Event::PolicyDiffered { shadow, .. } => (shadow.policy.as_ref(), false),
                _ => continue,
            };
            let Some(policy) = policy else { continue };
            match self.place(policy).filter(|_| self.all.len() < FARED_MAX) {
                Some(place) if self.over.is_none() => self.all.push((seq, place, is_failure)),
                _ => self.over = self.over.or(Some(seq)),
            }
        }
    }

    fn place(&mut self, policy: &PolicyRef) -> Option<u16> {
        let found = self.policies.iter().position(|known| known == policy);
        if found.is_none() && self.policies.len() < POLICIES_MAX {
            self.policies.push(policy.clone());
            return u16::try_from(self.policies.len() - 1).ok();
        }
        found.and_then(|place| u16::try_from(place).ok())
    }

    fn until(&self, seq: Seq) -> BTreeMap<PolicyRef, (u64, u64)> {
        let mut counts: BTreeMap<u16, (u64, u64)> = BTreeMap::new();
        for (_, place, is_failure) in self.all.iter().take_while(|(at, _, _)| *at <= seq) {
            let count = counts.entry(*place).or_default();
            if *is_failure { count.0 += 1 } else { count.1 += 1 }
        }
        let named = |(place, count)| Some((self.policies.get(usize::from(place))?.clone(), count));
        counts.into_iter().filter_map(named).collect()
    }
}

/// Whether somebody was evicted or refused.
pub(super) fn is_end(decision: &Decision) -> bool {
    let is_it = |event: &Event| {
        matches!(event, Event::Denied { .. } | Event::DenialsCounted { .. })
            || matches!(event, Event::Ended { cause: Cause::Evicted, .. })
    };
    decision.events.iter().any(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sledger_core::command::Actor;
    use sledger_core::event::{Code, Op};

    /// Somebody is refused where `is_end`, and let be otherwise.
    fn decision(at: u64, is_end: bool) -> Decision {
        let counted = Event::DenialsCounted {
            user: sledger_core::Personal::Plain("u".into()),
            quota: None,
            policy: None,
            code: Code::SessionQuotaExceeded,
            first: Millis(at),
            last: Millis(at),
            count: 1,
        };
        Decision {
            at: Millis(at),
            actor: Actor::Timer,
            request_id: None,
            command: None,
            cause: None,
            op: Op::Denials,
            judged: Vec::new(),
            events: vec![if is_end { counted } else { Event::LedgerStopped }],
        }
    }

    fn sums(index: &Index, ended: Millis) -> (u64, u64) {
        let (all, ends) = index.parts(ended);
        (all.iter().sum(), ends.iter().sum())
    }

    #[test]
    fn however_long_it_lasts_nothing_is_lost_and_nothing_grows() {
        let mut index = Index::default();
        for n in 1..=5_000_u64 {
            index.add(Seq(n), &decision(1_000 + n * n * 977, n % 10 == 0));
            assert!(index.parts.len() <= PARTS_MAX);
        }
        assert_eq!(sums(&index, Millis(1_000 + 5_000 * 5_000 * 977)), (5_000, 500));
        assert_eq!((index.last, index.begun), (Seq(5_000), Some(Millis(1_977))));
    }

    #[test]
    fn what_is_not_counted_yet_has_its_parts_all_the_same() {
        let span = (Millis(1_000), Millis(9_001_000));
        let (mut whole, mut half) = (Index::over(span), Index::over(span));
        for n in 0..=900 {
            let one = decision(1_000 + n * 10_000, false);
            whole.add(Seq(n + 1), &one);
            if n < 450 {
                half.add(Seq(n + 1), &one);
            }
        }
        let ((whole, _), (half, _)) = (whole.parts(span.1), half.parts(span.1));
        assert_eq!(whole.len(), half.len());
        let middle = half.iter().rposition(|part| *part > 0).unwrap_or_default();
        assert_eq!((whole.get(..middle), half.iter().sum::<u64>()), (half.get(..middle), 450));
    }
}
