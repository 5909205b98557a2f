//! The quotas, one pass in order: who is asked, and what is made of the answer (RULES 3h, 4, 5).

mod asking;
mod shadow;
mod smoke;

pub(super) use smoke::smoke;

use super::Means;
use super::login::Attempt;
use super::view::View;
use crate::config::{Dimension, Level, OnError, Quota};
use crate::event::{
    Binding, Cause, Code, Counted, Event, Judged, Judgement, PolicyCode, PolicyFailure, PolicyRef,
};
use crate::policy::{Failure, LimitQuestion, Verdict};
use crate::quota::{Keys, ReadyQuota, Trial, key_for_people};
use crate::state::TRIP_FOR;
use crate::{KeyNo, Limit, Personal};
use smallvec::SmallVec;
use std::sync::Arc;

/// Why a login is denied.
#[derive(Debug)]
pub(super) struct Denial {
    pub(super) code: Code,
    pub(super) quota: Option<u16>,
    pub(super) limit: Option<Limit>,
    pub(super) active: u32,
    pub(super) judged: Option<u16>,
    pub(super) reason: Arc<str>,
}

/// Hears all quotas about one login.
pub(super) struct Court<'a, 'm> {
    attempt: &'a Attempt<'a>,
    means: &'a mut Means<'m>,
    pub(super) view: View<'a>,
    pub(super) judged: Vec<Judged>,
    /// Failures and trips of policies: recorded whatever becomes of the login.
    pub(super) incidents: Vec<Event>,
    /// Operations of `limit()`, and of a smoke run.
    spent: u32,
}

/// One exhausted key of one quota.
#[derive(Clone, Copy)]
struct Case<'c> {
    index: u16,
    quota: &'c ReadyQuota,
    binding: &'c Binding,
    /// The policy asked: the one in force, or one on trial.
    policy: &'c PolicyRef,
    /// Whether it is asked beside the one that decides.
    is_shadow: bool,
    text: &'c Arc<str>,
    key: Option<u32>,
    limit: Limit,
    max: u32,
    used: u32,
    /// Whether the sessions that may be evicted are too few whatever the policy says.
    too_few: bool,
}

/// What a policy's answers came to.
struct Ruling {
    answer: Judgement,
    policy: PolicyRef,
    verdict: Option<Verdict>,
    operations: u32,
}

type Admission = SmallVec<[Counted; 2]>;

/// Keys of one quota that count a login, and the limit in force.
struct Counting {
    quota: u16,
    keys: SmallVec<[(Arc<str>, Option<u32>); 1]>,
    limit: Limit,
    /// The limit by the shadow, where there is one.
    shadow_limit: Option<Limit>,
}

impl<'a, 'm> Court<'a, 'm> {
    pub(super) fn new(attempt: &'a Attempt<'a>, means: &'a mut Means<'m>, view: View<'a>) -> Self {
        Self { attempt, means, view, judged: Vec::new(), incidents: Vec::new(), spent: 0 }
    }

    /// Every quota in order; at the end what is recorded with the admission.
    pub(super) fn hear(&mut self) -> Result<Admission, Denial> {
        let ready = Arc::clone(self.attempt.state.ready());
        let mut counting: SmallVec<[Counting; 2]> = SmallVec::new();
        for (quota, index) in ready.quotas.iter().zip(0u16..) {
            let keys = self.keys(quota);
            if keys.is_empty() {
                continue;
            }
            let (limit, shadow_limit) = self.limits(quota, index, &keys);
            let (tables, user) = (self.attempt.state.tables(), self.attempt.user);
            let keys = keys.into_iter().map(|text| {
                let key = tables.find_key_of(user, index, &text);
                (text, key)
            });
            let found = Counting { quota: index, keys: keys.collect(), limit, shadow_limit };
            if quota.is_enforced() {
                self.enforce(quota, &found)?;
            } else {
                self.advise(quota, &found);
            }
            counting.push(found);
        }
        Ok(self.counted(&counting))
    }

    fn keys(&self, quota: &ReadyQuota) -> Keys {
        let user = self.attempt.user.and_then(|user| self.attempt.state.tables().users.get(user as usize));
        match user {
            Some(user) if quota.is_own() => smallvec::smallvec![Arc::clone(&user.name)],
            _ => quota.keys_counting(&self.attempt.facts),
        }
    }

    fn enforce(&mut self, quota: &ReadyQuota, counting: &Counting) -> Result<(), Denial> {
        let Counting { quota: index, keys, limit, shadow_limit } = counting;
        keys.iter().try_for_each(|(text, key)| match shadow_limit {
            None => self.judge(quota, *index, (text, *key), *limit),
            Some(shadow) => self.judge_shadowed(quota, *index, (text, *key), (*limit, *shadow)),
        })
    }

    /// The dry run: on a view of its own, recorded, never enforced.
    fn advise(&mut self, quota: &ReadyQuota, counting: &Counting) {
        let real = self.view.clone();
        // A denial ends the dry run of this quota as it would have ended the login.
        let _denied = self.enforce(quota, counting).is_err();
        self.view = real;
    }

    /// The limit in force: an override, or what the policy's own `limit()` says, or the quota's. And that by the shadow.
    fn limits(&mut self, quota: &ReadyQuota, index: u16, keys: &Keys) -> (Limit, Option<Limit>) {
        let (limit, is_final) = quota.configured_limit(&self.attempt.facts, self.attempt.at);
        let state = self.attempt.state;
        let Some(binding) = state.bindings().get(usize::from(index)) else { return (limit, None) };
        let trial = self.trial(index);
        let (policy, has_limit) = match trial {
            Some(trial) if trial.decides_for(self.attempt.facts.user()) => (&trial.policy, trial.has_limit),
            _ => (&binding.policy, binding.has_limit),
        };
        let shadow = trial.filter(|trial| trial.is_shadow() && !self.is_tripped(index, &trial.policy));
        let mut by = |policy: &PolicyRef, has_limit: bool| {
            if is_final || !has_limit { limit } else { self.limit_by(policy, (quota, index), keys, limit) }
        };
        let in_force = by(policy, has_limit);
        (in_force, shadow.map(|trial| by(&trial.policy, trial.has_limit)))
    }

    fn limit_by(
        &mut self,
        policy: &PolicyRef,
        (quota, index): (&ReadyQuota, u16),
        keys: &Keys,
        limit: Limit,
    ) -> Limit {
        if self.is_tripped(index, policy) {
            return limit;
        }
        let question = LimitQuestion {
            at: self.attempt.at,
            login: Arc::clone(&self.attempt.facts),
            evicted_ago: self.evicted_ago(),
            quota: Arc::clone(&quota.name),
            key: keys.first().map(key_for_people).unwrap_or_default(),
            limit,
        };
        let reply = self.means.policies.limit(policy, question);
        self.spent = self.spent.saturating_add(reply.operations);
        match reply.answer {
            Ok(own) => own.unwrap_or(limit),
            Err(failure) => {
                self.failed(index, None, policy, failure);
                limit
            }
        }
    }

    fn judge(
        &mut self,
        quota: &ReadyQuota,
        index: u16,
        (text, key): (&Arc<str>, Option<u32>),
        limit: Limit,
    ) -> Result<(), Denial> {
        let used = self.view.used(key);
        if !limit.is_exhausted_by(used) {
            return Ok(());
        }
        let Limit::Max(max) = limit else { return Err(self.ban(index, text, limit, used, quota)) };
        let state = self.attempt.state;
        let Some(binding) = state.bindings().get(usize::from(index)) else {
            return Err(unbound(index, limit, used));
        };
        let trial = self.trial(index).filter(|trial| trial.decides_for(self.attempt.facts.user()));
        let policy = trial.map_or(&binding.policy, |trial| &trial.policy);
        let (max, is_shadow, too_few) = (max.get(), false, false);
        let case = Case { index, quota, binding, policy, is_shadow, text, key, limit, max, used, too_few };
        self.ask(self.sized(case))
    }

    /// The policy on trial on the quota at `index`.
    fn trial(&self, index: u16) -> Option<&'a Trial> {
        let trial = self.attempt.state.ready().trial(index)?;
        self.means.policies.heeds_trial(index, trial.mode).then_some(trial)
    }

    /// The case with whether those who may go are too few.
    fn sized<'c>(&self, case: Case<'c>) -> Case<'c> {
        let too_few = !case.quota.quota.evict_others && self.set(&case).count() < self.excess(&case) as usize;
        Case { too_few, ..case }
    }

    fn ask(&mut self, case: Case<'_>) -> Result<(), Denial> {
        let case = &case;
        let (before, at) = (self.view.clone(), u16::try_from(self.judged.len()).unwrap_or(u16::MAX));
        let mut failure = None;
        let ruling = match self.attempt_policy(case, case.policy, at) {
            Ok(ruling) => ruling,
            Err((failed, operations)) => {
                self.view = before.clone();
                if !case.too_few {
                    let judged = (!case.is_shadow).then_some(at);
                    failure = Some(self.failed(case.index, judged, case.policy, failed));
                }
                self.on_error(case, &before, at, operations)
            }
        };
        self.settle(case, at, ruling, failure.as_ref())
    }

    /// What decides when the policy failed.
    fn on_error(&mut self, case: &Case<'_>, before: &View<'a>, at: u16, operations: u32) -> Ruling {
        let deny = |operations| Ruling {
            answer: Judgement::Deny { offer: Vec::new() },
            policy: case.policy.clone(),
            verdict: None,
            operations,
        };
        if case.too_few {
            return deny(operations);
        }
        match (&case.quota.quota.on_error, &case.binding.on_error) {
            (OnError::Allow, _) if case.quota.quota.level != Level::Hard => {
                Ruling { answer: Judgement::Allow, ..deny(operations) }
            }
            (OnError::Policy(_), Some(second)) => match self.attempt_policy(case, second, at) {
                Ok(ruling) => ruling,
                Err((_, more)) => {
                    self.view = before.clone();
                    deny(operations.saturating_add(more))
                }
            },
            _ => deny(operations),
        }
    }

    /// Records what was decided, and what follows for the login.
    fn settle(
        &mut self,
        case: &Case<'_>,
        at: u16,
        ruling: Ruling,
        failure: Option<&PolicyFailure>,
    ) -> Result<(), Denial> {
        let denied = matches!(ruling.answer, Judgement::Deny { .. });
        let reason = ruling.verdict.as_ref().and_then(|verdict| verdict.reason.clone());
        let verdict = ruling.verdict.as_ref();
        self.judged.push(Judged {
            quota: case.index,
            key: Personal::Plain(Arc::clone(case.text)),
            limit: case.limit,
            active: case.used,
            policy: Some(ruling.policy),
            answer: ruling.answer,
            reason: reason.clone(),
            told: verdict.and_then(|verdict| verdict.told.clone()),
            notes: verdict.map(|verdict| verdict.notes.clone()).unwrap_or_default(),
            line: verdict.map_or(0, |verdict| verdict.line),
            column: verdict.map_or(0, |verdict| verdict.column),
            operations: ruling.operations,
            enforced: case.quota.is_enforced() && !case.is_shadow,
            failure: failure.cloned(),
        });
        if !denied {
            return Ok(());
        }
        let reason = reason.unwrap_or_else(|| refusal_reason(case, failure));
        Err(Denial {
            code: Code::SessionQuotaExceeded,
            quota: Some(case.index),
            limit: Some(case.limit),
            active: case.used,
            judged: Some(at),
            reason,
        })
    }

    fn evicted_ago(&self) -> Option<i64> {
        let tombstone = self.attempt.state.tombstone(self.attempt.facts.session())?;
        let evicted = tombstone.cause == Cause::Evicted;
        evicted.then(|| i64::try_from(self.attempt.at.since(tombstone.ended_at) / 1000).unwrap_or(i64::MAX))
    }

    fn is_tripped(&self, quota: u16, policy: &PolicyRef) -> bool {
        self.attempt.state.tables().trips.is_tripped(quota, policy, self.attempt.at)
    }

    /// Notes a failure, and the trip if it is one too many.
    fn failed(
        &mut self,
        quota: u16,
        judged: Option<u16>,
        policy: &PolicyRef,
        failure: Failure,
    ) -> PolicyFailure {
        let Failure { code, line, column } = failure;
        let failure = PolicyFailure { code, policy: policy.clone(), line, column };
        if code == PolicyCode::Tripped {
            return failure;
        }
        let at = self.attempt.at;
        let trips = self.attempt.state.tables().trips.would_trip(quota, policy, at);
        self.incidents.push(Event::PolicyFailed { quota, judged, failure: failure.clone() });
        if trips {
            let until = at.plus(TRIP_FOR);
            self.incidents.push(Event::PolicyTripped { quota, policy: policy.clone(), until });
        }
        failure
    }

    fn ban(&mut self, index: u16, text: &Arc<str>, limit: Limit, used: u32, quota: &ReadyQuota) -> Denial {
        let at = u16::try_from(self.judged.len()).unwrap_or(u16::MAX);
        self.judged.push(Judged {
            quota: index,
            key: Personal::Plain(Arc::clone(text)),
            limit,
            active: used,
            policy: None,
            answer: Judgement::Deny { offer: Vec::new() },
            reason: None,
            told: None,
            notes: Vec::new(),
            line: 0,
            column: 0,
            operations: 0,
            failure: None,
            enforced: quota.is_enforced(),
        });
        let reason = Arc::from("banned");
        let (quota, limit) = (Some(index), Some(limit));
        Denial { code: Code::UserBanned, quota, limit, active: used, judged: Some(at), reason }
    }

    /// Every key that counts the newcomer, with what it will hold.
    fn counted(&self, counting: &[Counting]) -> Admission {
        let tables = self.attempt.state.tables();
        let mut fresh = tables.key_next;
        let mut counted = Admission::new();
        for Counting { quota, keys, limit, .. } in counting {
            for (_, slot) in keys {
                let known = slot.and_then(|slot| tables.keys.get(slot as usize)).map(|key| key.no);
                let key = known.unwrap_or_else(|| {
                    fresh = fresh.saturating_add(1);
                    KeyNo(fresh.saturating_sub(1))
                });
                let count = self.view.used(*slot).saturating_add(1);
                counted.push(Counted { quota: *quota, key, limit: *limit, count });
            }
        }
        counted
    }
}

/// Whether every key holds sessions of one user only.
fn is_by_user(quota: &Quota) -> bool {
    quota.count_by.contains(&Dimension::User)
}

fn refusal_reason(case: &Case<'_>, failure: Option<&PolicyFailure>) -> Arc<str> {
    match failure {
        Some(failure) => Arc::from(format!("the policy failed: {}", failure.code.as_str())),
        None if case.too_few => Arc::from("the user's own sessions cannot make enough room"),
        None => Arc::from("the quota is exhausted"),
    }
}

/// A quota whose policy is nowhere: configurations are checked, so only damage leads here.
fn unbound(index: u16, limit: Limit, used: u32) -> Denial {
    Denial {
        code: Code::SessionQuotaExceeded,
        quota: Some(index),
        limit: Some(limit),
        active: used,
        judged: None,
        reason: Arc::from("the quota has no policy in force"),
    }
}
