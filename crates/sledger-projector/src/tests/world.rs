//! A small world to decide in: few users, few ids, policies that need no engine.

use crate::Projection;
use sledger_core::command::{
    Actor, Adopt, Adoptee, Command, Configure, Ending, Login, Reconcile, Request, Target,
};
use sledger_core::config::{
    Bounds, Dimension, Level, OnError, Origin, Override, Param, Quota, QuotaMessages, Selector, Settings,
    When,
};
use sledger_core::decide::own_decision;
use sledger_core::decider::{Decider, Recorded};
use sledger_core::event::{Event, Op, PolicyCode, PolicyRef, Started};
use sledger_core::policy::{
    Bound, Choice, Failure, LimitQuestion, Policies, PolicyFault, Question, Reply, Verdict,
};
use sledger_core::state::Order;
use sledger_core::{Limit, Millis, Seq, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What begins with `deny` denies, with `allow` allows, with `fail` fails; all else evicts the oldest.
#[derive(Debug)]
pub(crate) struct Stub;

impl Policies for Stub {
    fn engine(&self) -> &'static str {
        "stub"
    }

    fn built_in(&self, name: &str) -> Option<&'static str> {
        matches!(name, "deny" | "evict" | "allow" | "fail").then_some("stub")
    }

    fn check(&mut self, _: &str, _: &str) -> Result<(), PolicyFault> {
        Ok(())
    }

    fn bind(&mut self, name: &str, _: &str, _: &BTreeMap<String, Param>) -> Result<Bound, PolicyFault> {
        Ok(Bound { policy: PolicyRef { name: Arc::from(name), revision: [1; 4] }, has_limit: false })
    }

    fn ask(&mut self, policy: &PolicyRef, question: Question, _: u32) -> Reply<Verdict> {
        if policy.name.starts_with("fail") {
            let failure = Failure { code: PolicyCode::Error, line: 2, column: 1 };
            return Reply { answer: Err(failure), operations: 1 };
        }
        let choice = if policy.name.starts_with("deny") {
            Choice::Deny { offer: Vec::new() }
        } else if policy.name.starts_with("allow") {
            Choice::Allow
        } else {
            let oldest = question.sessions.pick(Order::Oldest, question.excess() as usize);
            let number = |slot: &u32| question.sessions.session(*slot).map(|session| session.number);
            Choice::Evict { victims: oldest.iter().filter_map(number).collect() }
        };
        let reason = Some(Arc::from("so it is"));
        let verdict = Verdict { choice, reason, told: None, notes: Vec::new(), line: 3, column: 1 };
        Reply { answer: Ok(verdict), operations: 1 }
    }

    fn limit(&mut self, _: &PolicyRef, _: LimitQuestion) -> Reply<Option<Limit>> {
        Reply { answer: Ok(None), operations: 1 }
    }
}

pub(crate) fn at_most(count: u32) -> Limit {
    Limit::at_most(count).expect("tests give limits above 0")
}

pub(crate) fn quota(name: &str, count_by: Vec<Dimension>, max: u32, level: Level, policy: &str) -> Quota {
    Quota {
        name: name.to_owned(),
        count_by,
        when: When::default(),
        max_sessions: at_most(max),
        level,
        on_exhausted: policy.to_owned(),
        on_error: OnError::Deny,
        evict_others: true,
        enabled: true,
        params: BTreeMap::new(),
        messages: QuotaMessages::default(),
        overrides: Vec::new(),
        origin: Origin::Api,
    }
}

fn for_user(user: &str, limit: Limit) -> Override {
    Override { selector: Selector::User(user.to_owned()), limit, until: None, set_at: None, reason: None }
}

/// Some sets of quotas that differ in every way that counting knows.
pub(crate) fn quotas(which: u8) -> Vec<Quota> {
    use Dimension::{All, Client, Group, Ip, User};
    let mut per_user = quota("per-user", vec![User], 3, Level::Hard, "evict");
    per_user.overrides = vec![for_user("u1", Limit::Banned), for_user("u2", at_most(5))];
    match which % 4 {
        0 => vec![
            per_user,
            quota("per-ip", vec![Ip], 4, Level::Hard, "deny"),
            quota("all", vec![All], 5, Level::Advisory, "evict"),
        ],
        1 => vec![
            quota("per-group", vec![Group], 6, Level::Hard, "evict"),
            quota("per-device", vec![User, Client], 1, Level::Hard, "evict"),
            quota("per-user", vec![User], 2, Level::Soft, "deny"),
        ],
        2 => {
            per_user.enabled = false;
            vec![per_user, quota("all", vec![All], 9, Level::Hard, "evict")]
        }
        _ => vec![
            quota("a", vec![User], 4, Level::Hard, "deny"),
            quota("b", vec![User], 9, Level::Hard, "deny"),
            quota("c", vec![User, Ip], 2, Level::Hard, "evict"),
            quota("d", vec![Ip], 50, Level::Soft, "deny"),
        ],
    }
}

impl Projection {
    /// Folds decisions one by one.
    pub(crate) fn apply_all(&mut self, recorded: &[Recorded]) {
        for recorded in recorded {
            self.apply(recorded);
        }
    }
}

/// One step: what, with which names, after how many seconds.
pub(crate) type Step = (u8, u8, u8, u16);

/// A decider and the time.
pub(crate) struct World {
    pub(crate) decider: Decider<Stub>,
    pub(crate) at: Millis,
}

impl World {
    pub(crate) fn new(quotas: Vec<Quota>) -> Self {
        let mut settings =
            Settings { quotas: quotas.into_iter().map(Arc::new).collect(), ..Settings::default() };
        settings.sessions.tombstones_max = 12;
        settings.sessions.activity_resolution = Span::seconds(5);
        let decider = Decider::genesis(settings, &[], Stub, (Bounds::default(), 7))
            .expect("the settings of the test can be used");
        Self { decider, at: Millis(1_000_000) }
    }

    pub(crate) fn login(&mut self, user: &str, session: &str) -> Vec<Recorded> {
        let (user, session) = (Some(user.to_owned()), Some(session.to_owned()));
        self.run(Command::Login(Box::new(Login { user, session, ..Login::default() })))
    }

    pub(crate) fn logout(&mut self, session: &str) -> Vec<Recorded> {
        self.run(Command::Logout(Target { session: Some(session.to_owned()), ..Target::default() }))
    }

    pub(crate) fn run(&mut self, command: Command) -> Vec<Recorded> {
        let mut out = Vec::new();
        self.decider.decide(&Request::new(Actor::Local, command), self.at, &mut out);
        out
    }

    pub(crate) fn step(&mut self, (what, who, more, wait): Step) -> Vec<Recorded> {
        self.at = self.at.plus(Span::seconds(u64::from(wait)));
        if what % 16 == 15 {
            return self.restart(u64::from(more));
        }
        self.run(command(what, who, more))
    }

    fn restart(&mut self, gap: u64) -> Vec<Recorded> {
        let started = Started {
            version: "test".into(),
            epoch: 1,
            rules: 1,
            engine: "stub".into(),
            last: self.at,
            gap: Span::seconds(gap),
            clean: true,
            wall: self.at,
            clock_accepted: false,
        };
        let event = Event::LedgerStarted(Box::new(started));
        let mut out = Vec::new();
        self.decider.record_own(vec![own_decision(Actor::Timer, self.at, Op::Ledger, vec![event])], &mut out);
        out
    }
}

fn command(what: u8, who: u8, more: u8) -> Command {
    let user = Some(format!("u{}", who % 5));
    let session = Some(format!("s{}", more % 24));
    let target = Target { session: session.clone(), user: None, generation: None };
    match what % 16 {
        0..=6 => Command::Login(Box::new(login(user, session, who, more))),
        7 => Command::Touch(target),
        8 => Command::Logout(target),
        9 => Command::Disconnect(target),
        10 => Command::End { target, reason: Some("asked for".to_owned()) },
        11 => Command::Clear { user, keep: None },
        12 => Command::Reconcile(Reconcile {
            source: Some("gate".to_owned()),
            as_of: Some(Seq(u64::from(who) * 4)),
            live: session.into_iter().collect(),
        }),
        13 => {
            let adoptee =
                Adoptee { login: login(user, session, who, more), started: None, last_active: None };
            Command::Adopt(Adopt { source: Some("gate".to_owned()), sessions: vec![adoptee] })
        }
        _ => {
            let quotas = Some(quotas(more));
            Command::Configure(Box::new(Configure { quotas, ..Configure::default() }))
        }
    }
}

fn login(user: Option<String>, session: Option<String>, who: u8, more: u8) -> Login {
    Login {
        user,
        session,
        ip: (who & 32 != 0).then(|| format!("10.0.0.{}", more % 3)),
        client: (who & 64 != 0).then(|| format!("c{}", more % 2)),
        source: (who & 128 != 0).then(|| "gate".to_owned()),
        groups: (0..more % 3).map(|n| format!("g{n}")).collect(),
        ttl: (more & 64 != 0).then_some(Span::seconds(300)),
        idle: (more & 32 != 0).then_some(Span::seconds(90)),
        retention: (more & 128 != 0).then_some(Span::seconds(60)),
        end: if who % 11 == 7 { Ending::Others } else { Ending::None },
        ..Login::default()
    }
}
