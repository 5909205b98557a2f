//! The policies: what is installed, what is in force for which quota, and how they fare since this process started.

use super::Projection;
use sledger_core::event::{Binding, Decision, Event, PolicyRef};
use sledger_core::state::{AllSources, Source};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Revisions whose failures and differences are counted; those beyond are not.
const COUNTED_MAX: usize = 1_024;

/// What is known of policies.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    sources: AllSources,
    bindings: Arc<[Binding]>,
    fared: BTreeMap<PolicyRef, Fared>,
}

/// How a revision fared since this process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fared {
    /// How often it failed.
    pub failures: u64,
    /// How often it would have decided otherwise, as a shadow.
    pub differences: u64,
}

impl Policies {
    /// As they stand after an event that this process did not see.
    pub(super) fn new(sources: AllSources, bindings: &[Binding]) -> Self {
        Self { sources, bindings: Arc::from(bindings), fared: BTreeMap::new() }
    }

    /// The sources kept, by name.
    #[must_use]
    pub const fn sources(&self) -> &AllSources {
        &self.sources
    }

    /// What decides, for each quota in order.
    #[must_use]
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// How a revision fared.
    #[must_use]
    pub fn fared(&self, policy: &PolicyRef) -> Fared {
        self.fared.get(policy).copied().unwrap_or_default()
    }

    pub(super) fn fold(&mut self, event: &Event, decision: &Decision) {
        match event {
            Event::PolicyInstalled { name, text, from, reason } => {
                let (at, by, reason) = (decision.at, decision.actor.clone(), reason.clone());
                let source = Source { text: Arc::clone(text), from: *from, at, by, reason };
                self.sources.entry(Arc::clone(name)).or_default().install(source);
            }
            Event::ConfigApplied { bindings, .. } => self.bindings = Arc::from(bindings.as_slice()),
            Event::PolicyFailed { failure, .. } => self.count(&failure.policy, |fared| &mut fared.failures),
            Event::PolicyDiffered { shadow, .. } => {
                if let Some(policy) = &shadow.policy {
                    self.count(policy, |fared| &mut fared.differences);
                }
            }
            _ => {}
        }
    }

    fn count(&mut self, policy: &PolicyRef, which: impl Fn(&mut Fared) -> &mut u64) {
        if self.fared.len() < COUNTED_MAX || self.fared.contains_key(policy) {
            let count = which(self.fared.entry(policy.clone()).or_default());
            *count = count.saturating_add(1);
        }
    }
}

impl Projection {
    /// The policies.
    #[must_use]
    pub const fn policies(&self) -> &Policies {
        &self.policies
    }
}
