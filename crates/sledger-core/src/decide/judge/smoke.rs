//! The smoke run: a policy that is to come into force is asked about logins that met an exhausted quota lately.
//!
//! They are asked about the state as it is now, and where the key has room by now, as if it had none. What comes of it
//! is not recorded; only that the policy fails is of interest. Bounded: nobody is decided meanwhile.

use super::super::login::Attempt;
use super::super::{Means, view::View};
use super::{Case, Court};
use crate::command::{Login, Request};
use crate::event::{Binding, PolicyCode, PolicyRef};
use crate::policy::Bound;
use crate::quota::ReadyQuota;
use crate::{Facts, Limit, Millis, State};
use std::num::NonZeroU32;
use std::sync::Arc;

/// Operations after which a policy has shown enough: some twenty evaluations at their bound.
const OPERATIONS_MAX: u32 = 400_000;

/// A policy that failed on a login as there was one lately.
#[derive(Debug)]
pub(in crate::decide) struct Smoke {
    /// How it failed.
    pub(in crate::decide) code: PolicyCode,
    /// Line and column, 0 when unknown.
    pub(in crate::decide) place: (u32, u32),
}

/// Asks `bound` about logins that met the quota at `index` lately; the first failure.
pub(in crate::decide) fn smoke(
    state: &State,
    means: &mut Means<'_>,
    request: &Request,
    (index, bound): (u16, &Bound),
    at: Millis,
) -> Option<Smoke> {
    let quota = state.ready().quota(index)?;
    let (login, mut spent) = (Login::default(), 0u32);
    for (_, facts) in state.met().rev().filter(|(name, _)| *name == quota.name) {
        let attempt = Attempt::on_trial(state, (request, &login), facts, at);
        let mut court = Court::new(&attempt, means, View::new(state));
        court.spent = spent;
        if let Some((code, place)) = court.try_out(quota, index, bound, facts) {
            return Some(Smoke { code, place });
        }
        spent = court.spent;
        if spent >= OPERATIONS_MAX {
            break;
        }
    }
    None
}

impl Court<'_, '_> {
    fn try_out(
        &mut self,
        quota: &ReadyQuota,
        index: u16,
        bound: &Bound,
        facts: &Facts,
    ) -> Option<(PolicyCode, (u32, u32))> {
        let keys = quota.keys_counting(facts);
        let (configured, is_final) = quota.configured_limit(facts, self.attempt.at);
        let mut limit = configured;
        if bound.has_limit && !is_final {
            limit = self.limit_by(&bound.policy, (quota, index), &keys, configured);
            if let Some(crate::event::Event::PolicyFailed { failure, .. }) = self.incidents.first() {
                return Some((failure.code, (failure.line, failure.column)));
            }
        }
        keys.iter().find_map(|text| {
            let is_enough = self.spent >= OPERATIONS_MAX;
            if is_enough { None } else { self.try_key(quota, (index, &bound.policy), text, limit) }
        })
    }

    fn try_key(
        &mut self,
        quota: &ReadyQuota,
        (index, policy): (u16, &PolicyRef),
        text: &Arc<str>,
        limit: Limit,
    ) -> Option<(PolicyCode, (u32, u32))> {
        let key = self.attempt.state.tables().find_key_of(self.attempt.user, index, text);
        let used = self.view.used(key);
        let max = match limit {
            Limit::Max(max) => max.get().min(used),
            Limit::Unlimited | Limit::Banned => used,
        };
        let limit = Limit::Max(NonZeroU32::new(max)?);
        let binding = Binding { policy: policy.clone(), has_limit: false, on_error: None };
        let case = Case {
            index,
            quota,
            binding: &binding,
            policy,
            is_shadow: true,
            text,
            key,
            limit,
            max,
            used,
            too_few: false,
        };
        let case = self.sized(case);
        if case.too_few {
            return None;
        }
        let (failure, _) = match self.attempt_policy(&case, policy, 0) {
            Ok(ruling) => {
                self.spent = self.spent.saturating_add(ruling.operations);
                return None;
            }
            Err(failed) => failed,
        };
        let is_trip = failure.code == PolicyCode::Tripped;
        (!is_trip).then_some((failure.code, (failure.line, failure.column)))
    }
}
