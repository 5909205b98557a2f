//! How revisions of policies fare on quotas: a count over decisions, wherever they come from.
//!
//! Promise: counted from what is recorded alone: the past tells what was told live.
//! A shadow that agrees leaves no record of its own: that it was asked, and what it said, follows from the answer that
//! it agreed with. Of denials that were counted in a storm it is known that a shadow was asked, not what it said.
//! Bounded: of so many quotas and revisions; those beyond are not counted.

use sledger_core::decider::Recorded;
use sledger_core::event::{Decision, Event, Judged, Judgement, PolicyCode, PolicyFailure, PolicyRef};
use sledger_core::quota::Ready;
use sledger_core::{Millis, Seq};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Revisions, each on a quota, that are counted; those beyond are not.
const COUNTED_MAX: usize = 1_024;

/// How a revision fared on a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fared {
    /// How often it was asked: a login met the quota exhausted.
    pub asked: u64,
    /// How often it let in and nobody had to go.
    pub allowed: u64,
    /// How often it refused.
    pub denied: u64,
    /// How often it made room.
    pub evicted: u64,
    /// How often it failed, its `limit()` among it.
    pub failures: u64,
    /// How often it would have decided otherwise, as a shadow.
    pub differences: u64,
    /// When and how it failed last.
    pub last_failure: Option<LastFailure>,
}

/// A failure, and where it stands in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastFailure {
    /// The event.
    pub seq: Seq,
    /// The time of the event.
    pub at: Millis,
    /// How it failed.
    pub code: PolicyCode,
    /// Where in its source: line, 0 when unknown.
    pub line: u32,
}

/// How all revisions fared on their quotas, in the decisions that were shown to it.
#[derive(Clone, Debug, Default)]
pub struct Fares {
    by_revision: BTreeMap<PolicyRef, BTreeMap<Arc<str>, Fare>>,
    /// How many there are, quotas and revisions together.
    count: usize,
}

/// What is counted, and until when the revision is not asked.
#[derive(Clone, Copy, Debug, Default)]
struct Fare {
    fared: Fared,
    tripped: Millis,
}

impl Fares {
    /// How a revision fared on a quota.
    #[must_use]
    pub fn fared(&self, quota: &str, policy: &PolicyRef) -> Fared {
        self.by_revision
            .get(policy)
            .and_then(|quotas| quotas.get(quota))
            .map_or_else(Fared::default, |fare| fare.fared)
    }

    /// Counts a decision that fell under `ready` settings.
    pub fn apply(&mut self, recorded: &Recorded, ready: &Ready) {
        let decision = &*recorded.decision;
        // Before the events: what trips in this decision was asked in it.
        for judged in &decision.judged {
            self.judged(decision, judged, ready);
        }
        for (event, seq) in decision.events.iter().zip(recorded.first.0..) {
            self.event(event, (Seq(seq), decision.at), ready);
        }
    }

    /// Counts an answer, and the shadow that agreed.
    fn judged(&mut self, decision: &Decision, judged: &Judged, ready: &Ready) {
        let (Some(policy), Some(quota)) = (&judged.policy, ready.quota(judged.quota)) else { return };
        match &judged.failure {
            None => self.answered(&quota.name, policy, &judged.answer),
            Some(failure) => self.failed(&quota.name, policy, failure, &judged.answer),
        }
        let trial = ready.trial(judged.quota).filter(|trial| trial.is_shadow());
        if let Some(trial) = trial.filter(|_| !differed(decision, judged)) {
            self.agreed((&quota.name, &trial.policy), decision, judged);
        }
    }

    fn event(&mut self, event: &Event, (seq, at): (Seq, Millis), ready: &Ready) {
        match event {
            Event::PolicyFailed { quota, failure, .. } => {
                let PolicyFailure { code, line, .. } = *failure;
                let last_failure = Some(LastFailure { seq, at, code, line });
                self.change(ready, *quota, &failure.policy, |Fare { fared, .. }| {
                    add(&mut fared.failures, 1);
                    fared.last_failure = last_failure;
                });
            }
            Event::PolicyTripped { quota, policy, until } => {
                self.change(ready, *quota, policy, |fare| fare.tripped = *until);
            }
            Event::PolicyDiffered { quota, shadow } => self.differs(ready, *quota, shadow),
            Event::DenialsCounted { quota: Some(quota), policy: Some(policy), count, last, .. } => {
                self.stormed((ready, *quota), policy, (*count, *last));
            }
            // Other settings mostly begin anew with what trips.
            Event::ConfigApplied { .. } => self.untrip(),
            _ => {}
        }
    }

    fn untrip(&mut self) {
        self.by_revision
            .values_mut()
            .flat_map(BTreeMap::values_mut)
            .for_each(|fare| fare.tripped = Millis(0));
    }

    fn answered(&mut self, quota: &Arc<str>, policy: &PolicyRef, answer: &Judgement) {
        self.at(quota, policy, |Fare { fared, .. }| fared.said(answer));
    }

    /// A policy that failed was asked; `policy` is the one that answered in its place, or itself where none did.
    fn failed(&mut self, quota: &Arc<str>, policy: &PolicyRef, failure: &PolicyFailure, answer: &Judgement) {
        if failure.code != PolicyCode::Tripped {
            self.at(quota, &failure.policy, |fare| add(&mut fare.fared.asked, 1));
        }
        if *policy != failure.policy {
            self.answered(quota, policy, answer);
        }
    }

    fn agreed(&mut self, (quota, shadow): (&Arc<str>, &PolicyRef), decision: &Decision, judged: &Judged) {
        let failed = decision.events.iter().any(|event| {
            matches!(event, Event::PolicyFailed { quota, judged: None, failure }
                if *quota == judged.quota && failure.policy == *shadow)
        });
        self.at(quota, shadow, |fare| match () {
            () if decision.at < fare.tripped => {}
            () if failed => add(&mut fare.fared.asked, 1),
            () => fare.fared.said(&judged.answer),
        });
    }

    fn differs(&mut self, ready: &Ready, quota: u16, shadow: &Judged) {
        let policy = shadow.failure.as_ref().map(|failure| &failure.policy).or(shadow.policy.as_ref());
        let Some(policy) = policy else { return };
        self.change(ready, quota, policy, |Fare { fared, .. }| {
            add(&mut fared.differences, 1);
            match &shadow.failure {
                None => fared.said(&shadow.answer),
                Some(failure) => add(&mut fared.asked, u64::from(failure.code != PolicyCode::Tripped)),
            }
        });
    }

    /// Denials that nothing but their count is known of. Failures are no such denials, so where a policy is tripped at
    /// the last of them it was asked about none.
    fn stormed(&mut self, (ready, quota): (&Ready, u16), policy: &PolicyRef, (count, last): (u64, Millis)) {
        self.change(ready, quota, policy, |fare| {
            if last >= fare.tripped {
                add(&mut fare.fared.asked, count);
                add(&mut fare.fared.denied, count);
            }
        });
        if let Some(trial) = ready.trial(quota).filter(|trial| trial.is_shadow()) {
            self.change(ready, quota, &trial.policy, |fare| {
                if last >= fare.tripped {
                    add(&mut fare.fared.asked, count);
                }
            });
        }
    }

    fn change(&mut self, ready: &Ready, quota: u16, policy: &PolicyRef, change: impl FnOnce(&mut Fare)) {
        if let Some(quota) = ready.quota(quota) {
            self.at(&quota.name, policy, change);
        }
    }

    fn at(&mut self, quota: &Arc<str>, policy: &PolicyRef, change: impl FnOnce(&mut Fare)) {
        let known = self.by_revision.get_mut(policy).and_then(|quotas| quotas.get_mut(quota));
        match known {
            Some(fare) => change(fare),
            None if self.count >= COUNTED_MAX => {}
            None => {
                self.count += 1;
                let quotas = self.by_revision.entry(policy.clone()).or_default();
                change(quotas.entry(Arc::clone(quota)).or_default());
            }
        }
    }
}

impl Fared {
    /// Counts an answer.
    fn said(&mut self, answer: &Judgement) {
        add(&mut self.asked, 1);
        let which = match answer {
            Judgement::Allow => &mut self.allowed,
            Judgement::Deny { .. } => &mut self.denied,
            Judgement::Evict { .. } => &mut self.evicted,
        };
        add(which, 1);
    }
}

fn add(count: &mut u64, more: u64) {
    *count = count.saturating_add(more);
}

/// Whether the shadow of a quota is on record with another answer about the same key.
fn differed(decision: &Decision, judged: &Judged) -> bool {
    decision.events.iter().any(|event| {
        matches!(event, Event::PolicyDiffered { quota, shadow }
            if *quota == judged.quota && shadow.key == judged.key)
    })
}
