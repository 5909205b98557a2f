//! Policies that somebody listens to.

use sledger_core::Limit;
use sledger_core::config::Param;
use sledger_core::event::PolicyRef;
use sledger_core::policy::{Bound, LimitQuestion, Policies, PolicyFault, Question, Reply, Verdict};
use sledger_policy::Engine;
use std::collections::BTreeMap;

/// Hears what policies are asked and answer.
pub(crate) trait Hear: Send {
    /// A key is exhausted.
    fn asked(&mut self, policy: &PolicyRef, question: &Question, spent: u32, reply: &Reply<Verdict>);
    /// The limit of a login.
    fn limit(&mut self, policy: &PolicyRef, question: &LimitQuestion, reply: &Reply<Option<Limit>>);
}

/// An engine, and who listens.
pub(super) struct Heard<'h> {
    pub(super) engine: &'h mut Engine,
    pub(super) hear: &'h mut dyn Hear,
}

impl Policies for Heard<'_> {
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

    fn ask(&mut self, policy: &PolicyRef, question: Question, spent: u32) -> Reply<Verdict> {
        let reply = self.engine.ask(policy, question.clone(), spent);
        self.hear.asked(policy, &question, spent, &reply);
        reply
    }

    fn limit(&mut self, policy: &PolicyRef, question: LimitQuestion) -> Reply<Option<Limit>> {
        let reply = self.engine.limit(policy, question.clone());
        self.hear.limit(policy, &question, &reply);
        reply
    }
}
