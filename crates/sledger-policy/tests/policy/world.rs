//! A decider with one quota, sessions as a test wants them, and a newcomer.

use sledger_core::command::{Actor, Command, Login, Request};
use sledger_core::config::{Bounds, Level, Param};
use sledger_core::decide::{Means, decide};
use sledger_core::decider::Decider;
use sledger_core::event::PolicyRef;
use sledger_core::policy::{Bound, LimitQuestion, Policies, PolicyFault, Question, Reply, Verdict};
use sledger_core::{Limit, Millis, Span, answer::Answer};
use sledger_policy::Engine;
use sledger_policy::suite::{self, Old};
use std::collections::BTreeMap;

/// The engine, with everything it replied and the last question.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) engine: Engine,
    pub(crate) replies: Vec<Reply<Verdict>>,
    pub(crate) limits: Vec<Reply<Option<Limit>>>,
    /// Kept only when asked for: a kept question keeps the state shared.
    pub(crate) keep: bool,
    pub(crate) question: Option<(PolicyRef, Question)>,
    pub(crate) limit_question: Option<(PolicyRef, LimitQuestion)>,
}

impl Policies for Recorder {
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
        if self.keep {
            self.question = Some((policy.clone(), question.clone()));
        }
        let reply = self.engine.ask(policy, question, spent);
        self.replies.push(reply.clone());
        reply
    }
    fn limit(&mut self, policy: &PolicyRef, question: LimitQuestion) -> Reply<Option<Limit>> {
        if self.keep {
            self.limit_question = Some((policy.clone(), question.clone()));
        }
        let reply = self.engine.limit(policy, question);
        self.limits.push(reply.clone());
        reply
    }
}

/// What a policy is asked in.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) now: Millis,
    pub(crate) limit: u32,
    pub(crate) level: Level,
    pub(crate) newcomer: Login,
    pub(crate) sessions: Vec<Old>,
    pub(crate) params: BTreeMap<String, Param>,
}

impl Default for World {
    fn default() -> Self {
        let newcomer = Login { user: Some("ann".into()), session: Some("new".into()), ..Login::default() };
        Self {
            // A Monday, 10:00 UTC.
            now: Millis(1_767_607_200_000),
            limit: 2,
            level: Level::Hard,
            newcomer,
            sessions: Vec::new(),
            params: BTreeMap::new(),
        }
    }
}

pub(crate) type Court = Decider<Recorder>;

impl World {
    /// `count` sessions of the newcomer, a minute apart, the limit reached.
    pub(crate) fn with_sessions(count: u32) -> Self {
        let mut world = Self { limit: count.max(1), ..Self::default() };
        for i in 0..count {
            let mut old = world.old(&format!("s{i}"));
            old.age = u64::from(count - i) * 60;
            old.idle = u64::from(i * 7919 % count);
            old.idle = old.idle.min(old.age);
            old.login.ttl = Some(Span::seconds(10 * 86_400));
            world.sessions.push(old);
        }
        world
    }

    pub(crate) fn old(&self, id: &str) -> Old {
        let login =
            Login { user: self.newcomer.user.clone(), session: Some(id.to_owned()), ..Login::default() };
        Old { login, age: 3600, idle: 0, retained: false }
    }

    /// A decider in this world under the policy `name`.
    pub(crate) fn court(&self, name: &str, source: &str) -> Court {
        self.of_suite().court((name, source), Recorder::default()).unwrap()
    }

    /// The same world as the test runner knows it.
    pub(crate) fn of_suite(&self) -> suite::World {
        suite::World {
            now: self.now,
            limit: Limit::at_most(self.limit).unwrap(),
            level: self.level,
            sessions: self.sessions.clone(),
            params: self.params.clone(),
            newcomer: self.newcomer.clone(),
            ..suite::World::default()
        }
    }

    fn tell(&self, court: &mut Court, command: Command) -> Answer {
        court.decide(&Request::new(Actor::Cli, command), self.now, &mut Vec::new())
    }

    /// The newcomer comes.
    pub(crate) fn login(&self, court: &mut Court) -> Answer {
        self.tell(court, Command::Login(Box::new(self.newcomer.clone())))
    }

    /// What the policy says, asked once or more, and the first reply.
    pub(crate) fn ask(&self, source: &str) -> Reply<Verdict> {
        let mut court = self.court("p", source);
        let answer = self.login(&mut court);
        let replies = &court.policies().replies;
        replies.first().unwrap_or_else(|| panic!("not asked: {answer:?}")).clone()
    }

    /// The question a policy is asked, and an engine to ask.
    pub(crate) fn question(&self, source: &str) -> (Recorder, PolicyRef, Question) {
        self.question_of(&mut self.court("p", source), source)
    }

    /// The same in a court that stays.
    pub(crate) fn question_of(&self, court: &mut Court, source: &str) -> (Recorder, PolicyRef, Question) {
        let mut recorder = self.overhear(court, source);
        let (policy, question) = recorder.question.take().unwrap();
        (recorder, policy, question)
    }

    /// The question for the limit, and an engine to ask.
    pub(crate) fn limit_question(&self, source: &str) -> (Recorder, PolicyRef, LimitQuestion) {
        let mut recorder = self.overhear(&mut self.court("p", source), source);
        recorder.question = None;
        let (policy, question) = recorder.limit_question.take().unwrap();
        (recorder, policy, question)
    }

    fn overhear(&self, court: &mut Court, source: &str) -> Recorder {
        let mut recorder = Recorder { keep: true, ..Recorder::default() };
        recorder.engine.bind("p", source, &self.params).unwrap();
        let command = Command::Login(Box::new(self.newcomer.clone()));
        let bounds = Bounds::default();
        let mut means = Means { policies: &mut recorder, bounds: &bounds };
        decide(court.state(), &mut means, &Request::new(Actor::Cli, command), self.now);
        court.policies().replies.clear();
        recorder
    }
}
