//! Policies asked again; somebody may listen, statement by statement.

use sledger_core::Limit;
use sledger_core::config::Param;
use sledger_core::event::{PolicyMode, PolicyRef};
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

/// An engine, who listens, and where another policy stands in.
pub(super) struct Heard<'h, 'l> {
    pub(super) engine: &'h mut Engine,
    pub(super) hear: Option<&'l mut dyn Hear>,
    pub(super) stood_in: &'h [u16],
    /// Whether shadows are asked, too.
    pub(super) asks_shadows: bool,
}

impl Policies for Heard<'_, '_> {
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
        let Some(hear) = &mut self.hear else { return self.engine.ask(policy, question, spent) };
        let trace = self.engine.trace(policy, question.clone(), spent);
        let reply = trace.reply.clone();
        hear.asked(policy, &question, trace);
        reply
    }

    fn limit(&mut self, policy: &PolicyRef, question: LimitQuestion) -> Reply<Option<Limit>> {
        let Some(hear) = &mut self.hear else { return self.engine.limit(policy, question) };
        let trace = self.engine.trace_limit(policy, question.clone());
        let reply = trace.reply.clone();
        hear.limit(policy, &question, trace);
        reply
    }

    /// What shadows said is a record, asked again only to check it. Where another policy stands in, it does so for those of a share, too.
    fn heeds_trial(&self, quota: u16, mode: PolicyMode) -> bool {
        (self.asks_shadows || mode != PolicyMode::Shadow) && !self.stood_in.contains(&quota)
    }
}
