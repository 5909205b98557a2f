//! Policies that somebody listens to, statement by statement.

use sledger_core::Limit;
use sledger_core::config::Param;
use sledger_core::event::PolicyRef;
use sledger_core::policy::{Bound, LimitQuestion, Policies, PolicyFault, Question, Reply, Verdict};
use sledger_policy::{Engine, Trace};
use std::collections::BTreeMap;

/// Hears what policies are asked and answer.
pub(crate) trait Hear: Send {
    /// A key is exhausted.
    fn asked(&mut self, policy: &PolicyRef, question: &Question, trace: Trace<Verdict>);
    /// The limit of a login.
    fn limit(&mut self, policy: &PolicyRef, question: &LimitQuestion, trace: Trace<Option<Limit>>);
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
        let trace = self.engine.trace(policy, question.clone(), spent);
        let reply = trace.reply.clone();
        self.hear.asked(policy, &question, trace);
        reply
    }

    fn limit(&mut self, policy: &PolicyRef, question: LimitQuestion) -> Reply<Option<Limit>> {
        let trace = self.engine.trace_limit(policy, question.clone());
        let reply = trace.reply.clone();
        self.hear.limit(policy, &question, trace);
        reply
    }
}
