//! The question that a policy is asked, kept to be asked again.

use crate::Engine;
use sledger_core::Limit;
use sledger_core::config::Param;
use sledger_core::event::PolicyRef;
use sledger_core::policy::{Bound, LimitQuestion, Policies, PolicyFault, Question, Reply, Verdict};
use std::collections::BTreeMap;

/// An engine that remembers the first question since `asked` was taken. What it remembers is a handle on the state: let go of
/// it before the state goes on.
#[derive(Debug, Default)]
pub struct Overheard {
    /// The engine.
    pub engine: Engine,
    /// Who was asked what.
    pub asked: Option<(PolicyRef, Question)>,
}

impl Policies for Overheard {
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
        self.asked.get_or_insert_with(|| (policy.clone(), question.clone()));
        self.engine.ask(policy, question, spent)
    }

    fn limit(&mut self, policy: &PolicyRef, question: LimitQuestion) -> Reply<Option<Limit>> {
        self.engine.limit(policy, question)
    }
}
