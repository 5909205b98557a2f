//! One question, asked again and again.

use anyhow::{Context as _, Result};
use sledger_core::event::PolicyRef;
use sledger_core::policy::{Choice, Policies as _, Question, Reply, Verdict};
use sledger_policy::Engine;
use sledger_policy::suite::{Overheard, World};
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
