//! What the threads of a ledger count, for whoever watches it.
//!
//! Counted once per batch, under a lock that is otherwise held for one copy: no login waits for a reader.
//! Invariants: counted are answers that leave and decisions that are durable, since the process started; a repeat of
//! an answer and a dry run are no logins. The number of kinds is bounded whatever quotas and policies are called.

use crate::shared::Answered;
use crate::timed::Stopwatch;
use sledger_core::answer::{Answer, Outcome};
use sledger_core::decider::Recorded;
use sledger_core::event::{Cause, Decision, Event, Judged, PolicyCode, PolicyFailure};
use sledger_projector::{Latencies, Latency};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Kinds of logins told apart by quota; quotas beyond are counted together.
const LOGIN_KINDS_MAX: usize = 4_096;
/// Kinds of failures told apart by policy; policies beyond are counted together.
const FAILURE_KINDS_MAX: usize = 1_024;
/// What quotas and policies beyond the bounds are called.
const OTHER: &str = "other";
/// The code of a login that a limit of the ledger refused.
const FULL: &str = "LEDGER_FULL";

/// Upper bounds of [`Tallies::operations`].
pub const OPERATIONS_BOUNDS: [u32; 8] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 20_000];

/// One kind of login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginKind {
    /// What came of it.
    pub outcome: Outcome,
    /// The quota shown in the answer.
    pub quota: Option<Arc<str>>,
    /// The code in the answer; `LEDGER_FULL` where a limit of the ledger refused it.
    pub code: Option<&'static str>,
}

/// What was counted since the process started.
#[derive(Clone, Debug, Default)]
pub struct Tallies {
    /// Logins answered.
    pub logins: Vec<(LoginKind, u64)>,
    /// Sessions ended.
    pub ends: BTreeMap<Cause, u64>,
    /// Failures of policies, by name and how.
    pub policy_failures: Vec<((Arc<str>, PolicyCode), u64)>,
    /// Logins on which a shadow would have decided otherwise, by its name.
    pub shadow_differences: Vec<(Arc<str>, u64)>,
    /// How often policies were asked, by operations: for each of [`OPERATIONS_BOUNDS`] those at or below it and above
    /// the one before, and at the end those above all.
    pub operations: [u64; OPERATIONS_BOUNDS.len() + 1],
    /// All operations together.
    pub operations_sum: u64,
}

/// Counts, and shows a copy.
#[derive(Debug)]
pub(crate) struct Meters {
    tallies: Mutex<Tallies>,
    latencies: Latencies,
    /// From handing a batch to the log until it is durable.
    pub(crate) sync: Latency,
    /// Each run of a policy for a login. Recorded when it is decided.
    pub(crate) policies: Stopwatch,
}

impl Meters {
    pub(crate) fn new(latencies: Latencies) -> Self {
        Self {
            tallies: Mutex::default(),
            latencies,
            sync: Latency::default(),
            policies: Stopwatch::default(),
        }
    }

    /// What was counted so far.
    pub(crate) fn tallies(&self) -> Tallies {
        self.lock().clone()
    }

    /// Counts answers that leave now.
    pub(crate) fn answered(&self, answers: &[Answered]) {
        let now = Instant::now();
        let waited = answers.iter().map(|one| micros(now.saturating_duration_since(one.received)));
        self.latencies.answer.record(waited);
        self.latencies.decide.record(answers.iter().map(|one| one.decide_ns / 1_000));
        let mut tallies = self.lock();
        let logins = answers.iter().filter(|one| one.is_login && !one.answer.repeated);
        logins.for_each(|one| tallies.login(&one.answer));
    }

    /// Counts decisions that are durable now.
    pub(crate) fn recorded(&self, recorded: &[Recorded]) {
        let mut tallies = self.lock();
        for one in recorded {
            tallies.decision(&one.decision);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Tallies> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whole microseconds.
pub(crate) fn micros(taken: Duration) -> u64 {
    u64::try_from(taken.as_micros()).unwrap_or(u64::MAX)
}

impl Tallies {
    fn login(&mut self, answer: &Answer) {
        let code = answer.full.map(|_| FULL).or(answer.code.map(sledger_core::event::Code::as_str));
        let is_it = |(kind, _): &&mut (LoginKind, u64)| {
            kind.outcome == answer.outcome && kind.code == code && kind.quota == answer.quota
        };
        if let Some((_, count)) = self.logins.iter_mut().find(is_it) {
            *count += 1;
            return;
        }
        let quota = answer.quota.clone();
        let quota = if self.logins.len() < LOGIN_KINDS_MAX { quota } else { quota.map(|_| Arc::from(OTHER)) };
        add(&mut self.logins, LoginKind { outcome: answer.outcome, quota, code });
    }

    fn decision(&mut self, decision: &Decision) {
        for judged in decision.judged.iter().filter(|judged| judged.policy.is_some()) {
            let place = OPERATIONS_BOUNDS.partition_point(|bound| *bound < judged.operations);
            if let Some(count) = self.operations.get_mut(place) {
                *count += 1;
            }
            self.operations_sum = self.operations_sum.saturating_add(u64::from(judged.operations));
        }
        for event in &decision.events {
            match event {
                Event::Ended { cause, .. } => *self.ends.entry(*cause).or_default() += 1,
                Event::PolicyFailed { failure, .. } => self.failure(failure),
                Event::PolicyDiffered { shadow, .. } => self.difference(shadow),
                _ => {}
            }
        }
    }

    fn difference(&mut self, shadow: &Judged) {
        let Some(policy) = &shadow.policy else { return };
        let known = self.shadow_differences.iter().any(|(known, _)| *known == policy.name);
        let is_room = known || self.shadow_differences.len() < FAILURE_KINDS_MAX;
        add(&mut self.shadow_differences, if is_room { Arc::clone(&policy.name) } else { Arc::from(OTHER) });
    }

    fn failure(&mut self, failure: &PolicyFailure) {
        let mut kind = (Arc::clone(&failure.policy.name), failure.code);
        let known = self.policy_failures.iter().any(|(known, _)| *known == kind);
        if !known && self.policy_failures.len() >= FAILURE_KINDS_MAX {
            kind.0 = Arc::from(OTHER);
        }
        add(&mut self.policy_failures, kind);
    }
}

/// Counts one more of `kind`.
fn add<K: PartialEq>(counts: &mut Vec<(K, u64)>, kind: K) {
    match counts.iter_mut().find(|(known, _)| *known == kind) {
        Some((_, count)) => *count += 1,
        None => counts.push((kind, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sledger_core::Millis;
    use sledger_core::event::PolicyRef;

    fn login(quota: &str) -> Answer {
        let quota = Some(Arc::from(quota));
        Answer { quota, ..Answer::new(Outcome::Admitted, Millis(0)) }
    }

    #[test]
    fn quotas_beyond_the_bound_are_counted_together() {
        let mut tallies = Tallies::default();
        for n in 0..LOGIN_KINDS_MAX + 100 {
            tallies.login(&login(&format!("q{n}")));
        }
        tallies.login(&login("q0"));
        assert_eq!(tallies.logins.len(), LOGIN_KINDS_MAX + 1);
        let (last, count) = tallies.logins.last().unwrap();
        assert_eq!((last.quota.as_deref(), *count), (Some(OTHER), 100));
        assert_eq!(tallies.logins[0].1, 2);
    }

    #[test]
    fn policies_beyond_the_bound_are_counted_together() {
        let mut tallies = Tallies::default();
        for n in 0..FAILURE_KINDS_MAX + 100 {
            let policy = PolicyRef { name: format!("p{n}").into(), revision: [0; 4] };
            tallies.failure(&PolicyFailure { code: PolicyCode::Error, policy, line: 0, column: 0 });
        }
        assert_eq!(tallies.policy_failures.len(), FAILURE_KINDS_MAX + 1);
    }
}
