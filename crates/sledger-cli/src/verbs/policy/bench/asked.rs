//! One question, asked again and again.

use anyhow::{Context as _, Result};
use sledger_core::Limit;
use sledger_core::config::Param;
use sledger_core::event::PolicyRef;
use sledger_core::policy::{Bound, Choice, LimitQuestion, Policies, PolicyFault, Question, Reply, Verdict};
use sledger_policy::Engine;
use sledger_policy::suite::World;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// An engine with a question for it.
pub(super) struct Asked {
    engine: Engine,
    policy: PolicyRef,
    question: Question,
    last: Option<Reply<Verdict>>,
}

impl Asked {
    /// The question that a newcomer to a full key of so many sessions raises.
    pub(super) fn new(name: &str, source: &str, sessions: u32) -> Result<Self> {
        let world = World::with_sessions(sessions);
        let mut court = world.court((name, source), Overheard::default())?;
        world.login(&mut court);
        let overheard = std::mem::take(court.policies());
        let (policy, question) =
            overheard.asked.context("the policy was not asked: its own limit let all in")?;
        Ok(Self { engine: overheard.engine, policy, question, last: None })
    }

    /// Asks once; how long it took. Copying the question is not counted.
    pub(super) fn ask(&mut self) -> Duration {
        let question = self.question.clone();
        let start = Instant::now();
        let reply = self.engine.ask(&self.policy, question, 0);
        let took = start.elapsed();
        self.last = Some(reply);
        took
    }

    /// What it answered last, and the operations.
    pub(super) fn last(&self) -> (&'static str, u32) {
        let Some(reply) = &self.last else { return ("", 0) };
        let outcome = match reply.answer.as_ref().map(|verdict| &verdict.choice) {
            Ok(Choice::Allow) => "allow",
            Ok(Choice::Deny { .. }) => "deny",
            Ok(Choice::Evict { .. }) => "evict",
            Err(failure) => failure.code.as_str(),
        };
        (outcome, reply.operations)
    }
}

/// An engine that remembers the first question.
#[derive(Default)]
struct Overheard {
    engine: Engine,
    asked: Option<(PolicyRef, Question)>,
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
