//! A question as a decider asks it: a user at the limit, and one more login.

use anyhow::{Context, ensure};
use sledger::core::command::{Actor, Command, Login, Request, Target};
use sledger::core::config::{Bounds, Param, Quota, SessionSettings, Settings};
use sledger::core::decider::Decider;
use sledger::core::event::PolicyRef;
use sledger::core::policy::{Bound, LimitQuestion, Policies, PolicyFault, Question, Reply, Verdict};
use sledger::core::{Limit, Millis, Span};
use sledger::policy::Engine;
use std::collections::BTreeMap;

/// When the first session begins.
const BEGIN: u64 = 1_790_000_000_000;
/// Between two sessions, and between two touches.
const STEP: u64 = 100;
/// Coprime to every number of sessions here: touches come in another order than logins.
const STRIDE: u32 = 7919;

/// A question, and an engine that can be asked it.
pub(super) struct Asked {
    pub(super) engine: Engine,
    pub(super) policy: PolicyRef,
    pub(super) question: Question,
}

impl Asked {
    /// What `policy` is asked when a user with `sessions` live ones is at the limit. All live by the same spans.
    pub(super) fn new(policy: &str, sessions: u32) -> anyhow::Result<Self> {
        let mut decider =
            Decider::genesis(settings(policy, sessions), &[], Recorder::default(), (Bounds::default(), 7))?;
        fill(&mut decider, sessions);
        ensure!(decider.state().session_count() == sessions as usize, "the user is not at the limit");
        decider.policies().keeps = true;
        let late = BEGIN + STEP * u64::from(2 * sessions + 1);
        decider.decide(&login("newcomer"), Millis(late), &mut Vec::new());
        let recorder = decider.policies();
        let (policy, question) = recorder.kept.take().context("the policy was not asked")?;
        Ok(Self { engine: std::mem::take(&mut recorder.engine), policy, question })
    }
}

fn settings(policy: &str, sessions: u32) -> Settings {
    let quota = Quota {
        max_sessions: Limit::at_most(sessions).unwrap_or(Limit::Unlimited),
        on_exhausted: policy.to_owned(),
        ..Quota::default_quota()
    };
    let lives = SessionSettings { activity_resolution: Span::ZERO, ..SessionSettings::default() };
    Settings { sessions: lives, quotas: vec![quota.into()], ..Settings::default() }
}

fn fill(decider: &mut Decider<Recorder>, sessions: u32) {
    for n in 0..sessions {
        let at = Millis(BEGIN + STEP * u64::from(n));
        decider.decide(&login(&format!("{n:016x}")), at, &mut Vec::new());
    }
    for n in 0..sessions {
        let at = Millis(BEGIN + STEP * u64::from(sessions + n));
        let session = Some(format!("{:016x}", n * STRIDE % sessions));
        let touch = Command::Touch(Target { session, ..Target::default() });
        decider.decide(&Request::new(Actor::Local, touch), at, &mut Vec::new());
    }
}

fn login(session: &str) -> Request {
    let login =
        Login { user: Some("user-000001".to_owned()), session: Some(session.to_owned()), ..Login::default() };
    Request::new(Actor::Local, Command::Login(Box::new(login)))
}

/// The engine, and the last question it was asked while it keeps them.
#[derive(Default)]
struct Recorder {
    engine: Engine,
    keeps: bool,
    kept: Option<(PolicyRef, Question)>,
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
        if self.keeps {
            self.kept = Some((policy.clone(), question.clone()));
        }
        self.engine.ask(policy, question, spent)
    }

    fn limit(&mut self, policy: &PolicyRef, question: LimitQuestion) -> Reply<Option<Limit>> {
        self.engine.limit(policy, question)
    }
}
