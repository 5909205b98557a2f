//! The sources of policies that a history installed, and binding them as they were bound.

use sledger_core::State;
use sledger_core::config::{Assignment, OnError, Param, Quota, Settings};
use sledger_core::event::{Binding, Decision, Event, PolicyMode, PolicyRef};
use sledger_core::policy::Policies as _;
use sledger_policy::{Engine, built_in};
use sledger_wire::events::Begin;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Texts kept under one name, the newest: an older one that is still bound stays bound.
const TEXTS_PER_NAME_MAX: usize = 64;
/// Names kept: more than any ledger was seen to have.
const NAMES_MAX: usize = 4096;

/// Sources by name, newest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    by_name: BTreeMap<Arc<str>, VecDeque<Arc<str>>>,
    /// Revisions that are in force and whose text is nowhere.
    missing: BTreeSet<PolicyRef>,
}

impl Texts {
    pub(crate) fn new(begin: &Begin) -> Self {
        let mut texts = Self::default();
        for policy in &begin.policies {
            texts.keep(&policy.name, &policy.text);
        }
        for (name, sources) in begin.base.iter().flat_map(|base| base.0.sources()) {
            for source in &sources.kept {
                texts.keep(name, &source.text);
            }
        }
        texts
    }

    /// Keeps what a decision installs.
    pub(crate) fn note(&mut self, decision: &Decision) {
        for event in &decision.events {
            if let Event::PolicyInstalled { name, text, .. } = event {
                self.keep(name, text);
            }
        }
    }

    fn keep(&mut self, name: &Arc<str>, text: &Arc<str>) {
        if self.by_name.len() >= NAMES_MAX && !self.by_name.contains_key(name) {
            return;
        }
        let texts = self.by_name.entry(Arc::clone(name)).or_default();
        texts.retain(|known| known != text);
        texts.push_front(Arc::clone(text));
        texts.truncate(TEXTS_PER_NAME_MAX);
    }

    /// The texts under a name, newest first, that which comes with the program last.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = Arc<str>> {
        let known = self.by_name.get(name).into_iter().flatten().cloned();
        known.chain(built_in(name).map(Arc::from))
    }

    /// Binds the policies of every quota as they were bound, but where another stands in.
    pub(crate) fn bind(
        &mut self,
        (state, bindings): (&State, &[Binding]),
        stood_in: &[u16],
        engine: &mut Engine,
    ) {
        self.missing.clear();
        let quotas = state.ready().settings.quotas.iter().zip(0u16..);
        for ((quota, index), binding) in quotas.zip(bindings) {
            let settings = &state.ready().settings;
            let given = settings.assigned(&quota.name);
            if !stood_in.contains(&index) {
                self.bind_one(
                    &binding.policy,
                    (given.map(|one| &one.text), params_of(settings, quota)),
                    engine,
                );
            }
            if let Some(trial) = settings.trial(&quota.name) {
                self.bind_trial(trial, quota, stood_in.contains(&index), engine);
            }
            if let (Some(second), OnError::Policy(_)) = (&binding.on_error, &quota.on_error) {
                self.bind_one(second, (None, &BTreeMap::new()), engine);
            }
        }
    }

    /// A shadow is bound to be told of; it is not missed.
    fn bind_trial(&mut self, trial: &Assignment, quota: &Quota, is_stood_in: bool, engine: &mut Engine) {
        let params = if *trial.policy == *quota.on_exhausted { &quota.params } else { &trial.params };
        if matches!(trial.mode, PolicyMode::Share(_)) && !is_stood_in {
            return self.bind_one(&trial.policy_ref(), (Some(&trial.text), params), engine);
        }
        let _told = engine.bind(&trial.policy, &trial.text, params);
    }

    fn bind_one(
        &mut self,
        policy: &PolicyRef,
        (given, params): (Option<&Arc<str>>, &BTreeMap<String, Param>),
        engine: &mut Engine,
    ) {
        let mut texts = given.cloned().into_iter().chain(self.named(&policy.name));
        let mut is_it = |text: Arc<str>| {
            engine.bind(&policy.name, &text, params).is_ok_and(|bound| bound.policy == *policy)
        };
        if !texts.any(&mut is_it) {
            drop(texts);
            self.missing.insert(policy.clone());
        }
    }

    /// A revision in force whose text is nowhere.
    pub(crate) fn missing(&self) -> Option<&PolicyRef> {
        self.missing.first()
    }
}

/// The params of the policy that decides for a quota: its own, or those that came with what it was given.
fn params_of<'s>(settings: &'s Settings, quota: &'s Quota) -> &'s BTreeMap<String, Param> {
    let given = settings.assigned(&quota.name).filter(|one| *one.policy != *quota.on_exhausted);
    given.map_or(&quota.params, |one| &one.params)
}

/// Params of what decides for `quota`, or would by what it says, that `name` declares.
pub(crate) fn fitting(
    settings: &Settings,
    quota: &Quota,
    name: &str,
    is_declared: impl Fn(&str) -> bool,
) -> BTreeMap<String, Param> {
    let params = if *name == *quota.on_exhausted { &quota.params } else { params_of(settings, quota) };
    let own = params.iter().filter(|(name, _)| is_declared(name));
    own.map(|(name, value)| (name.clone(), value.clone())).collect()
}
