//! The policies: what is installed, what is in force for which quota, and how they fare since this process started.

use super::Projection;
use super::fared::{Fared, Fares};
use sledger_core::decider::Recorded;
use sledger_core::event::{Binding, Decision, Event, PolicyRef};
use sledger_core::quota::Ready;
use sledger_core::state::{AllSources, Source};
use std::sync::Arc;

/// What is known of policies.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    sources: AllSources,
    bindings: Arc<[Binding]>,
    fares: Fares,
}

impl Policies {
    /// As they stand after an event that this process did not see.
    pub(super) fn new(sources: AllSources, bindings: &[Binding]) -> Self {
        Self { sources, bindings: Arc::from(bindings), fares: Fares::default() }
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

    /// How a revision fared on a quota since this process started.
    #[must_use]
    pub fn fared(&self, quota: &str, policy: &PolicyRef) -> Fared {
        self.fares.fared(quota, policy)
    }

    pub(super) fn count(&mut self, recorded: &Recorded, ready: &Ready) {
        self.fares.apply(recorded, ready);
    }

    pub(super) fn fold(&mut self, event: &Event, decision: &Decision) {
        match event {
            Event::PolicyInstalled { name, text, from, reason } => {
                let (at, by, reason) = (decision.at, decision.actor.clone(), reason.clone());
                let source = Source { text: Arc::clone(text), from: *from, at, by, reason };
                self.sources.entry(Arc::clone(name)).or_default().install(source);
            }
            Event::ConfigApplied { bindings, .. } => self.bindings = Arc::from(bindings.as_slice()),
            _ => {}
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
