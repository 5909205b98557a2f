//! Which policy decides for a quota, under which revision: what the quota names, or what it was given at run time.

use super::Install;
use super::policies::stopped;
use crate::State;
use crate::command::Rejection;
use crate::config::{Assignment, OnError, Param, Quota, Settings};
use crate::event::{Binding, Event, PolicySource};
use crate::policy::{Bound, Policies, PolicyFault};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sources by name: those sent or found in the folder, else those that come with the program.
struct Sources<'a> {
    fresh: BTreeMap<&'a str, &'a Arc<str>>,
    state: &'a State,
}

impl Sources<'_> {
    fn get(&self, policies: &dyn Policies, name: &str) -> Option<Arc<str>> {
        let known = self.fresh.get(name).copied().or_else(|| self.state.policy_source(name));
        known.map(Arc::clone).or_else(|| policies.built_in(name).map(Arc::from))
    }
}

/// Binds the policies of every quota, in order.
///
/// # Errors
/// Names the quota whose policy is missing or cannot be used.
pub fn bindings(
    state: &State,
    policies: &mut dyn Policies,
    settings: &Settings,
    fresh: &[Install],
) -> Result<Vec<Binding>, PolicyFault> {
    let fresh = fresh.iter().map(|install| (&*install.name, &install.text)).collect();
    let sources = Sources { fresh, state };
    let quotas = settings.quotas.iter();
    quotas.map(|quota| bind(quota, settings.assigned(&quota.name), &sources, policies)).collect()
}

/// Binds the policies given at run time, under the params in force; and what is told of those on trial that these do
/// not fit any more: they end, so that no trial keeps anything else from coming into force.
///
/// # Errors
/// Names the quota that was given a policy whose params can no longer be used.
pub(super) fn rebound(
    policies: &mut dyn Policies,
    settings: &Settings,
) -> Result<(Settings, Vec<Event>), Rejection> {
    let (mut settings, mut told) = (settings.clone(), Vec::new());
    for mut one in std::mem::take(&mut settings.assignments) {
        let Some(quota) = settings.quotas.iter().find(|quota| quota.name == one.quota) else { continue };
        match policies.bind(&one.policy, &one.text, params_of(quota, &one)) {
            Ok(Bound { policy, has_limit }) => {
                (one.revision, one.has_limit) = (policy.revision, has_limit);
                settings.assignments.push(one);
            }
            Err(_) if !one.is_active() => told.push(stopped(&one)),
            Err(fault) => return Err(given_and_unfit(&one, &fault)),
        }
    }
    Ok((settings, told))
}

fn given_and_unfit(one: &Assignment, fault: &PolicyFault) -> Rejection {
    let (quota, policy) = (&one.quota, &one.policy);
    let reason = format!(
        "quota `{quota}` was given a policy at run time that does not fit it any more, {fault}: leave its params, \
         or take the policy back first (policy rollback {policy} --quota {quota})"
    );
    Rejection::new("quota.params", reason)
}

/// The quota's own params where the policy is the one it names.
fn params_of<'a>(quota: &'a Quota, assignment: &'a Assignment) -> &'a BTreeMap<String, Param> {
    if *assignment.policy == *quota.on_exhausted { &quota.params } else { &assignment.params }
}

/// Whether all that `settings` say is in force already, and there is no news of policies. Binds policies on the way.
pub fn is_settled(state: &State, policies: &mut dyn Policies, settings: &Settings, news: &[Install]) -> bool {
    settings == &state.ready().settings
        && state.engine() == policies.engine()
        && news.is_empty()
        && bindings(state, policies, settings, &[]).is_ok_and(|bound| bound == state.bindings())
        && rebound(policies, settings).is_ok_and(|(rebound, _)| rebound == *settings)
}

/// What is new in the policies folder: files that are not as they were last taken from there, and built-in policies
/// whose place a file took that is gone.
pub fn news_of_folder(state: &State, policies: &dyn Policies, folder: &[Install]) -> Vec<Install> {
    let mut news: Vec<Install> =
        folder.iter().filter(|one| !state.is_taken(&one.name, &one.text)).cloned().collect();
    for name in state.policy_names() {
        let is_there = folder.iter().any(|one| one.name == *name);
        let was_there = state.policy(name).is_some_and(|source| source.from == PolicySource::Folder);
        if let (false, true, Some(text)) = (is_there, was_there, policies.built_in(name)) {
            news.push(Install { name: Arc::clone(name), text: text.into(), from: PolicySource::BuiltIn });
        }
    }
    news
}

fn bind(
    quota: &Quota,
    assigned: Option<&Assignment>,
    sources: &Sources<'_>,
    policies: &mut dyn Policies,
) -> Result<Binding, PolicyFault> {
    let Bound { policy, has_limit } = match assigned {
        Some(one) => policies.bind(&one.policy, &one.text, params_of(quota, one))?,
        None => bind_one(quota, &quota.on_exhausted, &quota.params, sources, policies)?,
    };
    let on_error = match &quota.on_error {
        OnError::Policy(name) => Some(bind_one(quota, name, &BTreeMap::new(), sources, policies)?.policy),
        OnError::Deny | OnError::Allow => None,
    };
    Ok(Binding { policy, has_limit, on_error })
}

fn bind_one(
    quota: &Quota,
    name: &str,
    params: &BTreeMap<String, Param>,
    sources: &Sources<'_>,
    policies: &mut dyn Policies,
) -> Result<Bound, PolicyFault> {
    let Some(source) = sources.get(policies, name) else {
        let reason = format!("quota `{}` names it, and there is no such policy", quota.name);
        return Err(PolicyFault { policy: name.to_owned(), line: 0, column: 0, reason });
    };
    policies.bind(name, &source, params)
}
