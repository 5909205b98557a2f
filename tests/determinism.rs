//! The same history decides the same: with other hash seeds, after a restart, on another day. For every policy that
//! comes with the program.
//!
//! `SLEDGER_PROPERTY_SEED` sets the first seed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "seeds are for whoever runs the tests")]

use sledger_core::answer::Answer;
use sledger_core::command::{Actor, Command, Login, Request, Target};
use sledger_core::config::{Bounds, Dimension, Level, Quota, SessionSettings, Settings};
use sledger_core::decide::is_settled;
use sledger_core::decider::{Decider, Recorded};
use sledger_core::event::Decision;
use sledger_core::{Limit, Millis, Span, codec, refold};
use sledger_policy::{BUILT_IN, Engine};
use sledger_testkit::recordings::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const COMMANDS: usize = 120;
const WEEK: u64 = 7 * 86_400_000;
/// A Monday, 07:30 UTC: what looks at hours meets several of them.
const MONDAY: u64 = 1_767_598_200_000;

/// What is decided, on which ground, and where.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    outcome: &'static str,
    evicted: Vec<String>,
    ended: Vec<String>,
    offered: usize,
    code: Option<&'static str>,
    reason: Option<String>,
    policy: Option<String>,
    active: Option<u32>,
}

impl Said {
    fn of(answer: &Answer) -> Self {
        let ids =
            |facts: &[Arc<sledger_core::Facts>]| facts.iter().map(|one| one.session().to_owned()).collect();
        Self {
            outcome: answer.outcome.as_str(),
            evicted: ids(&answer.evicted),
            ended: ids(&answer.ended),
            offered: answer.offer.len(),
            code: answer.code.map(sledger_core::event::Code::as_str),
            reason: answer.reason.as_deref().map(str::to_owned),
            policy: answer.policy.as_ref().map(ToString::to_string),
            active: answer.active,
        }
    }
}

/// Settings whose quotas ask `policy`: a user's sessions, and those of everybody together.
fn settings(policy: &str) -> Settings {
    let level = if policy == "vip_grace" { Level::Soft } else { Level::Hard };
    let quota = |name: &str, by, limit, evict_others| Quota {
        name: name.to_owned(),
        count_by: vec![by],
        max_sessions: Limit::at_most(limit).unwrap(),
        on_exhausted: policy.to_owned(),
        evict_others,
        level,
        ..Quota::default_quota()
    };
    let quotas = vec![quota("own", Dimension::User, 3, false), quota("all", Dimension::All, 7, true)];
    let sessions = SessionSettings {
        activity_resolution: Span::ZERO,
        retention: Span::seconds(3600),
        ..SessionSettings::default()
    };
    Settings { quotas: quotas.into_iter().map(Arc::new).collect(), sessions, ..Settings::default() }
}

/// Commands with their times, in order.
fn history(seed: u64) -> Vec<(u64, Command)> {
    let mut rng = Rng::new(seed);
    let mut at = MONDAY;
    let mut commands = Vec::new();
    for number in 0..COMMANDS {
        at += rng.below(400_000) as u64;
        let session = Some(format!("s{}", rng.below(number.max(1))));
        let command = match rng.below(10) {
            0 => Command::Touch(Target { session, ..Target::default() }),
            1 => Command::Disconnect(Target { session, ..Target::default() }),
            2 => Command::Logout(Target { session, ..Target::default() }),
            _ => Command::Login(Box::new(login(&mut rng, number))),
        };
        commands.push((at, command));
    }
    commands
}

fn login(rng: &mut Rng, number: usize) -> Login {
    let mut one = |of: &[&str]| rng.pick(of).to_owned();
    Login {
        user: Some(one(&["ann", "bob", "eve"])),
        session: Some(format!("s{number}")),
        ip: Some(one(&["10.0.0.1", "10.0.0.2", "10.0.0.3"])),
        client: Some(one(&["web", "mobile"])),
        groups: vec![one(&["staff", "vip"])],
        attributes: [("device".to_owned(), one(&["phone", "desk"]))].into(),
        ..Login::default()
    }
}

/// One run through a history.
#[derive(Clone, Copy)]
struct Run {
    seed: u64,
    later: u64,
    restarted_at: Option<usize>,
}

const PLAIN: Run = Run { seed: 1, later: 0, restarted_at: None };

/// What was said to every command, and the digest of the state at the end.
fn played(policy: &str, history: &[(u64, Command)], run: Run) -> (Vec<Said>, [u8; 32]) {
    let begin =
        |seed| Decider::genesis(settings(policy), &[], Engine::new(), (Bounds::default(), seed)).unwrap();
    let (mut decider, mut recorded, mut said) = (begin(run.seed), Vec::new(), Vec::new());
    for (index, (at, command)) in history.iter().enumerate() {
        if run.restarted_at == Some(index) {
            decider = restarted(&begin(run.seed + 7), &recorded);
        }
        let request = Request::new(Actor::Cli, command.clone());
        said.push(Said::of(&decider.decide(&request, Millis(at + run.later), &mut recorded)));
    }
    (said, decider.state().digest())
}

/// A decider over what was recorded, as it is read back; nothing else is left of the one before.
fn restarted(fresh: &Decider<Engine>, recorded: &[Recorded]) -> Decider<Engine> {
    let mut state = fresh.state().clone();
    for one in recorded {
        let decision: Decision = codec::decode(&codec::encode(&*one.decision)).unwrap();
        refold(&mut state, one.first, &decision);
    }
    let (mut engine, settings) = (Engine::new(), state.ready().settings.clone());
    // The engine of a simulation is not recorded; binding is what counts.
    let _settled = is_settled(&state, &mut engine, &settings, &[]);
    sledger_core::decide::bindings(&state, &mut engine, &settings, &[]).unwrap();
    Decider::new(state, engine, Bounds::default())
}

/// Calls `check` with every policy and some histories.
fn each(mut check: impl FnMut(&str, &[(u64, Command)])) {
    let first = std::env::var("SLEDGER_PROPERTY_SEED").map_or(30_000, |text| text.parse().unwrap());
    for (policy, _) in BUILT_IN {
        for seed in first..first + 5 {
            println!("{policy}, seed {seed}");
            check(policy, &history(seed));
        }
    }
}

#[test]
fn every_policy_is_met_with_all_it_can_say() {
    let (mut outcomes, mut asked) = (BTreeSet::new(), BTreeMap::new());
    each(|policy, history| {
        let (said, _) = played(policy, history, PLAIN);
        *asked.entry(policy.to_owned()).or_insert(0) +=
            said.iter().filter(|said| said.policy.is_some()).count();
        outcomes.extend(said.iter().map(|said| (said.outcome, !said.evicted.is_empty(), said.offered > 0)));
    });
    for met in [("admitted", true, false), ("denied", false, false), ("denied", false, true)] {
        assert!(outcomes.contains(&met), "{met:?} in {outcomes:?}");
    }
    assert!(asked.len() == BUILT_IN.len() && asked.values().all(|times| *times > 40), "{asked:?}");
}

#[test]
fn hash_seeds_decide_nothing() {
    each(|policy, history| {
        assert_eq!(played(policy, history, PLAIN), played(policy, history, Run { seed: 99, ..PLAIN }));
    });
}

#[test]
fn a_restart_in_between_decides_nothing() {
    each(|policy, history| {
        let through = played(policy, history, PLAIN);
        for at in [1, COMMANDS / 3, COMMANDS - 1] {
            assert_eq!(through, played(policy, history, Run { restarted_at: Some(at), ..PLAIN }), "at {at}");
        }
    });
}

#[test]
fn the_day_decides_nothing_where_hours_and_weekday_are_the_same() {
    each(|policy, history| {
        let (now, _) = played(policy, history, PLAIN);
        assert_eq!(now, played(policy, history, Run { later: 41 * WEEK, ..PLAIN }).0);
    });
}
