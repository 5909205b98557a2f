//! The engine as a scenario's decider asks it, with all it replied and what ran.

use crate::Engine;
use sledger_core::Limit;
use sledger_core::config::Param;
use sledger_core::event::PolicyRef;
use sledger_core::policy::{Bound, LimitQuestion, Policies, PolicyFault, Question, Reply, Verdict};
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Witness<'e> {
    engine: &'e mut Engine,
    /// Statements that ran; nothing is watched where there is nowhere to write it.
    ran: Option<&'e mut BTreeSet<usize>>,
    pub(super) replies: Vec<Reply<Verdict>>,
    pub(super) limits: Vec<Reply<Option<Limit>>>,
    /// How many had to go when it was first asked.
    pub(super) excess: Option<u32>,
}

impl<'e> Witness<'e> {
    pub(super) fn new(engine: &'e mut Engine) -> Self {
        Self { engine, ran: None, replies: Vec::new(), limits: Vec::new(), excess: None }
    }

    pub(super) fn watching(engine: &'e mut Engine, ran: &'e mut BTreeSet<usize>) -> Self {
        Self { ran: Some(ran), ..Self::new(engine) }
    }
}

impl Policies for &mut Witness<'_> {
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
        self.excess.get_or_insert(question.excess());
        let reply = match &mut self.ran {
            Some(ran) => {
                let watched = self.engine.watch(policy, question, spent);
                ran.extend(watched.ran);
                watched.trace.reply
            }
            None => self.engine.ask(policy, question, spent),
        };
        self.replies.push(reply.clone());
        reply
    }

    fn limit(&mut self, policy: &PolicyRef, question: LimitQuestion) -> Reply<Option<Limit>> {
        let reply = match &mut self.ran {
            Some(ran) => {
                let watched = self.engine.watch_limit(policy, question);
                ran.extend(watched.ran);
                watched.trace.reply
            }
            None => self.engine.limit(policy, question),
        };
        self.limits.push(reply.clone());
        reply
    }
}
