//! A question as a decider asks it: a user at the limit, and one more login.

use anyhow::{Context, ensure};
use sledger::core::command::{Actor, Command, Login, Request, Target};
use sledger::core::config::{Bounds, Quota, SessionSettings, Settings};
use sledger::core::decider::Decider;
use sledger::core::event::PolicyRef;
use sledger::core::policy::Question;
use sledger::core::{Limit, Millis, Span};
use sledger::policy::Engine;
use sledger::policy::suite::Overheard;

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
            Decider::genesis(settings(policy, sessions), &[], Overheard::default(), (Bounds::default(), 7))?;
        fill(&mut decider, sessions);
        ensure!(decider.state().session_count() == sessions as usize, "the user is not at the limit");
        let late = BEGIN + STEP * u64::from(2 * sessions + 1);
        decider.decide(&login("newcomer"), Millis(late), &mut Vec::new());
        let overheard = decider.policies();
        let (policy, question) = overheard.asked.take().context("the policy was not asked")?;
        Ok(Self { engine: std::mem::take(&mut overheard.engine), policy, question })
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

fn fill(decider: &mut Decider<Overheard>, sessions: u32) {
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
