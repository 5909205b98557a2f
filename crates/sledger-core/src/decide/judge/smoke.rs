//! The smoke run: a policy that is to come into force is asked about logins that met an exhausted quota lately.
//!
//! They are asked about the state as it is now, and where the key has room by now, as if it had none. What comes of it
//! is not recorded; only that the policy fails is of interest.

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

/// A policy that failed on a login as there was one lately.
#[derive(Debug)]
pub(in crate::decide) struct Smoke {
    /// Whose login.
    pub(in crate::decide) user: String,
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
    let met = state.met().rev().filter(|(name, _)| *name == quota.name);
    met.map(|(_, facts)| facts).find_map(|facts| {
        let login = Login::default();
        let attempt = Attempt::on_trial(state, (request, &login), facts, at);
        let mut court = Court::new(&attempt, means, View::new(state));
        let (code, place) = court.try_out(quota, index, bound, facts)?;
        Some(Smoke { user: facts.user().to_owned(), code, place })
    })
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
        keys.iter().find_map(|text| self.try_key(quota, (index, &bound.policy), text, limit))
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
        let (failure, _) = self.attempt_policy(&case, policy, 0).err()?;
        let is_trip = failure.code == PolicyCode::Tripped;
        (!is_trip).then_some((failure.code, (failure.line, failure.column)))
    }
}
