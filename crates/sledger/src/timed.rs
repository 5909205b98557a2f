//! Policies, timed: the engine behind a clock, and how long each revision takes on each quota.
//!
//! The core reads no clock, so time is taken around its port. Only logins count: a dry run and what tries a policy out
//! before it is in force take their time without being told. A login that asks no policy pays for one look at an empty
//! list. Bounded: of so many revisions on quotas; those beyond are not measured.

use sledger_core::Limit;
use sledger_core::config::Param;
use sledger_core::event::PolicyRef;
use sledger_core::policy::{Bound, LimitQuestion, Policies, PolicyFault, Question, Reply, Verdict};
use sledger_policy::Engine;
use sledger_projector::{Latency, Quantiles};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Revisions, each on a quota, that are measured.
const MEASURED_MAX: usize = 256;
/// Runs of one login that are measured.
const RUNS_MAX: usize = 1_024;

/// How long policies took since the process started, by revision and quota.
#[derive(Clone, Debug, Default)]
pub struct PolicyTimes(Measured<Quantiles>);

type Measured<T> = BTreeMap<PolicyRef, BTreeMap<Arc<str>, T>>;

impl PolicyTimes {
    /// How long the runs of a revision on a quota took, its `limit()` among them; `None` when nothing was measured.
    #[must_use]
    pub fn of(&self, quota: &str, policy: &PolicyRef) -> Option<Quantiles> {
        self.0.get(policy)?.get(quota).copied()
    }
}

/// Written by the decider after a login that asked, read by whoever watches.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch(Mutex<Measured<Latency>>);

impl Stopwatch {
    /// What was measured so far.
    pub(crate) fn times(&self) -> PolicyTimes {
        // Histograms are copied outside the lock: the decider must not wait for a reader.
        let measured = self.lock().clone();
        let told = measured.into_iter().map(|(policy, quotas)| {
            let quotas = quotas.into_iter();
            (policy, quotas.filter_map(|(quota, latency)| Some((quota, latency.quantiles()?))).collect())
        });
        PolicyTimes(told.collect())
    }

    /// Records what ran for one login.
    pub(crate) fn record(&self, runs: impl Iterator<Item = Run>) {
        let mut measured = self.lock();
        for Run { quota, policy, micros } in runs {
            if let Some(latency) = latency(&mut measured, &quota, &policy) {
                latency.record([micros]);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Measured<Latency>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the runs of a revision on a quota are recorded; `None` beyond the bound.
fn latency<'m>(
    measured: &'m mut Measured<Latency>,
    quota: &Arc<str>,
    policy: &PolicyRef,
) -> Option<&'m Latency> {
    let is_known = measured.get(policy).is_some_and(|quotas| quotas.contains_key(quota));
    if !is_known {
        if measured.values().map(BTreeMap::len).sum::<usize>() >= MEASURED_MAX {
            return None;
        }
        measured.entry(policy.clone()).or_default().insert(Arc::clone(quota), Latency::default());
    }
    measured.get(policy)?.get(quota)
}

/// One run of a policy.
#[derive(Debug)]
pub(crate) struct Run {
    quota: Arc<str>,
    policy: PolicyRef,
    micros: u64,
}

/// The engine behind a clock.
#[derive(Debug, Default)]
pub(crate) struct Timed {
    engine: Engine,
    /// What ran since somebody asked for it last.
    runs: Vec<Run>,
}

impl Timed {
    /// What ran since this was called last; nothing is left.
    pub(crate) fn runs(&mut self) -> std::vec::Drain<'_, Run> {
        self.runs.drain(..)
    }

    fn note(&mut self, quota: Arc<str>, policy: &PolicyRef, begun: Instant) {
        if self.runs.len() < RUNS_MAX {
            let micros = crate::meters::micros(begun.elapsed());
            self.runs.push(Run { quota, policy: policy.clone(), micros });
        }
    }
}

impl Policies for Timed {
    fn engine(&self) -> &str {
        self.engine.engine()
    }

    fn built_in(&self, name: &str) -> Option<&'static str> {
        self.engine.built_in(name)
    }

    fn check(&mut self, name: &str, source: &str) -> Result<(), PolicyFault> {
        self.engine.check(name, source)
    }

    fn bind(
        &mut self,
        name: &str,
        source: &str,
        params: &BTreeMap<String, Param>,
    ) -> Result<Bound, PolicyFault> {
        self.engine.bind(name, source, params)
    }

    fn in_force(&mut self, policies: &[PolicyRef]) {
        self.engine.in_force(policies);
    }

    fn ask(&mut self, policy: &PolicyRef, question: Question, spent: u32) -> Reply<Verdict> {
        let (quota, begun) = (Arc::clone(&question.quota), Instant::now());
        let reply = self.engine.ask(policy, question, spent);
        self.note(quota, policy, begun);
        reply
    }

    fn limit(&mut self, policy: &PolicyRef, question: LimitQuestion) -> Reply<Option<Limit>> {
        let (quota, begun) = (Arc::clone(&question.quota), Instant::now());
        let reply = self.engine.limit(policy, question);
        self.note(quota, policy, begun);
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: String, micros: u64) -> Run {
        Run { quota: Arc::from("q"), policy: PolicyRef { name: name.into(), revision: [0; 4] }, micros }
    }

    #[test]
    fn revisions_beyond_the_bound_are_not_measured() {
        let stopwatch = Stopwatch::default();
        let known = run("p0".to_owned(), 0).policy;
        for n in 0..MEASURED_MAX + 10 {
            stopwatch.record(std::iter::once(run(format!("p{n}"), 5)));
        }
        stopwatch.record(std::iter::once(run("p0".to_owned(), 7)));
        let times = stopwatch.times();
        assert_eq!(times.0.values().map(BTreeMap::len).sum::<usize>(), MEASURED_MAX);
        assert_eq!(times.of("q", &known).map(|seen| (seen.count, seen.max)), Some((2, 7)));
        assert_eq!(times.of("another", &known), None);
    }
}
