//! The sources of policies that a history installed, and binding them as they were bound.

use sledger_core::State;
use sledger_core::config::{OnError, Param, Quota};
use sledger_core::event::{Binding, Decision, Event, PolicyRef};
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
            if !stood_in.contains(&index) {
                self.bind_one(&binding.policy, &quota.params, engine);
            }
            if let (Some(second), OnError::Policy(_)) = (&binding.on_error, &quota.on_error) {
                self.bind_one(second, &BTreeMap::new(), engine);
            }
        }
    }

    fn bind_one(&mut self, policy: &PolicyRef, params: &BTreeMap<String, Param>, engine: &mut Engine) {
        let mut texts = self.named(&policy.name);
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

/// Params of `quota` that `declared` knows.
pub(crate) fn fitting(quota: &Quota, is_declared: impl Fn(&str) -> bool) -> BTreeMap<String, Param> {
    let own = quota.params.iter().filter(|(name, _)| is_declared(name));
    own.map(|(name, value)| (name.clone(), value.clone())).collect()
}
