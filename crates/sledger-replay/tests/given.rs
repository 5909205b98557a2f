//! Pasts in which policies were given to quotas, tried as shadows or for a share, promoted and taken back: decided
//! again, explained, and tried against others.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sledger_core::command::{Actor, Change, Changing, Command, Deed, Login, PolicyChange, Request};
use sledger_core::config::{Bounds, Dimension, Level, OnError, Param, Quota, Settings};
use sledger_core::decider::{Decider, Recorded};
use sledger_core::event::{Decision, Event, Op, PolicyMode};
use sledger_core::{Limit, Millis};
use sledger_policy::{Engine, built_in};
use sledger_replay::backtest::{Backtest, Cascade, Report, Trial, Window};
use sledger_replay::commands::LateTouches;
use sledger_replay::explain::Explainer;
use sledger_replay::rejudge::{Candidate, Rejudge, Target};
use sledger_replay::verify::{Unable, Verify};
use sledger_wire::events::Begin;
use std::collections::BTreeMap;
use std::sync::Arc;

const SEEDS: std::ops::Range<u64> = 1..60;
const OLDEST: &str = "fn on_exhausted() { evict(sessions.oldest(quota.excess)).because(\"oldest\") }";
const NEWEST: &str = "fn on_exhausted() { evict(sessions.newest(quota.excess)).because(\"newest\") }";
const DENY: &str = "fn on_exhausted() { deny(\"no\") }";
const FAILS: &str =
    "fn on_exhausted() { if request.ip == \"10.0.0.1\" { return evict(()); } evict(sessions.oldest()) }";
const STRICT: &str =
    "fn limit() { if user.id == \"u1\" { \"x\" } else { 1 } }\nfn on_exhausted() { deny(\"one\") }";
const PARAM: &str =
    "//! [params]\n//! n = { default = 1, type = \"int\" }\nfn on_exhausted() { deny(`${params.n}`) }";
const TEXTS: [&str; 6] = [OLDEST, NEWEST, DENY, FAILS, STRICT, PARAM];

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound.max(1)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *from.get(usize::try_from(self.below(from.len() as u64)).unwrap()).unwrap()
    }
}

/// How it began, and what was recorded.
type Past = (Begin, Vec<Recorded>);

struct Ledger {
    decider: Decider<Engine>,
    recorded: Vec<Recorded>,
    at: u64,
    number: u32,
}

impl Ledger {
    fn new(settings: &Settings) -> Self {
        let decider = Decider::genesis(settings.clone(), &[], Engine::new(), (Bounds::default(), 1)).unwrap();
        Self { decider, recorded: Vec::new(), at: 1_000, number: 0 }
    }

    fn ask(&mut self, command: Command) -> sledger_core::answer::Answer {
        self.at += 700;
        self.decider.decide(&Request::new(Actor::Local, command), Millis(self.at), &mut self.recorded)
    }

    fn login(&mut self, user: &str, ip: &str) {
        self.number += 1;
        let session = Some(format!("s{}", self.number));
        let login = Login { user: Some(user.into()), session, ip: Some(ip.into()), ..Login::default() };
        self.ask(Command::Login(Box::new(login)));
    }

    fn change(&mut self, what: Changing) {
        self.ask(Command::Change(Box::new(Change { what, expect: None, reason: None })));
    }

    fn policy(&mut self, name: &str, quota: Option<&str>, deed: Deed) {
        let change = PolicyChange { name: name.into(), quota: quota.map(str::to_owned), deed };
        self.change(Changing::Policy(Box::new(change)));
    }

    fn install(&mut self, name: &str, text: &str, quota: Option<&str>, mode: PolicyMode) {
        let is_given = text == PARAM && quota.is_some();
        let params = is_given.then(|| ("n".to_owned(), Param::Int(7))).into_iter().collect();
        self.policy(name, quota, Deed::Install { text: text.into(), mode, params });
    }

    fn past(self, settings: Settings) -> Past {
        (Begin { ledger: None, settings: Some(settings), policies: Vec::new(), base: None }, self.recorded)
    }
}

fn quota(name: &str, limit: u32, policy: &str) -> Quota {
    let max_sessions = Limit::at_most(limit).unwrap();
    Quota { name: name.into(), max_sessions, on_exhausted: policy.into(), ..Quota::default_quota() }
}

fn settings(quotas: Vec<Quota>) -> Settings {
    Settings { quotas: quotas.into_iter().map(Arc::new).collect(), ..Settings::default() }
}

/// A random past.
fn past(seed: u64) -> Past {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let office = Quota { on_error: OnError::Policy("destroy_oldest".into()), ..quota("office", 2, "mine") };
    let by_ip =
        Quota { count_by: vec![Dimension::Ip], evict_others: true, ..quota("by-ip", 4, "destroy_oldest") };
    let dry = Quota { level: Level::Advisory, ..quota("dry", 1, "destroy_oldest") };
    let begin = settings(vec![Quota { on_exhausted: "destroy_oldest".into(), ..office.clone() }, by_ip, dry]);
    let mut ledger = Ledger::new(&begin);
    ledger.install("mine", OLDEST, None, PolicyMode::Active);
    for _ in 0..80 {
        let name = random.pick(&["mine", "other", "destroy_oldest"]);
        let on = random.pick(&[None, Some("office"), Some("by-ip"), Some("dry")]);
        let share = PolicyMode::Share(u8::try_from(random.below(100)).unwrap() + 1);
        match random.below(24) {
            0 | 1 => ledger.install(name, random.pick(&TEXTS), on, PolicyMode::Active),
            2 | 3 => ledger.install(name, random.pick(&TEXTS), on, PolicyMode::Shadow),
            4 | 5 => ledger.install(name, random.pick(&TEXTS), on, share),
            6 => ledger.policy(name, on, Deed::Promote),
            7 => ledger.policy(name, on, Deed::RollBack { to: None }),
            8 => ledger.policy(name, on, Deed::Stop),
            9 => ledger.change(Changing::Reset { quota: on.unwrap_or("dry").into() }),
            _ => ledger.login(&format!("u{}", random.below(6)), &format!("10.0.0.{}", random.below(3))),
        }
    }
    ledger.past(begin)
}

#[test]
fn a_login_is_decided_again_by_what_was_given_or_on_trial() {
    println!("seeds {SEEDS:?}");
    let (mut logins, mut differed, mut asked) = (0, 0, 0);
    for seed in SEEDS {
        let (begin, recorded) = past(seed);
        let mut rejudge = Rejudge::as_recorded(&begin).unwrap();
        for one in &recorded {
            if matches!(one.decision.op, Op::Login(_)) {
                let again = rejudge.decide_again(&one.decision).unwrap();
                let said = format!("seed {seed}, seq {}: {:#?} {again:#?}", one.first, one.decision);
                assert!(rejudge.is_alike(&one.decision, &again), "{said}");
                assert_eq!(again.judged, one.decision.judged, "{said}");
                let is_of_shadow = |event: &&Event| matches!(event, Event::PolicyDiffered { .. });
                assert_eq!(again.events.iter().filter(is_of_shadow).count(), 0, "no shadow is asked again");
                differed += one.decision.events.iter().filter(is_of_shadow).count();
                (logins, asked) = (logins + 1, asked + one.decision.judged.len());
            }
            rejudge.fold(&one.decision).unwrap();
        }
    }
    let enough = logins > 1500 && differed > 100 && asked > 500;
    assert!(enough, "{logins} logins, {asked} asked, {differed} differed: too few to say much");
}

#[test]
fn settings_and_shadows_are_decided_again_too() {
    println!("seeds {SEEDS:?}");
    let mut settings = 0;
    for seed in SEEDS {
        let (begin, recorded) = past(seed);
        let mut verify = Verify::new(&begin).unwrap();
        for one in &recorded {
            verify.decisions(std::slice::from_ref(&*one.decision));
            settings += usize::from(matches!(one.decision.op, Op::Configure | Op::Policy));
        }
        let report = verify.finish();
        assert_eq!(report.problems, [], "seed {seed}");
        let counted = report.count(Unable::Aggregated);
        assert_eq!(report.rederived + counted, recorded.len() as u64, "seed {seed}: {report:?}");
    }
    assert!(settings > 500, "{settings}: too few to say much");
}

#[test]
fn a_forged_word_of_a_shadow_is_found() {
    let mut found = 0;
    for seed in SEEDS {
        let (begin, recorded) = past(seed);
        let mut decisions: Vec<Decision> =
            recorded.iter().map(|one| Decision::clone(&one.decision)).collect();
        let shadow = decisions.iter_mut().zip(&recorded).find_map(|(decision, one)| {
            let shadow = decision.events.iter_mut().find_map(|event| match event {
                Event::PolicyDiffered { shadow, .. } => Some(shadow),
                _ => None,
            });
            shadow.map(|shadow| (one.first, shadow))
        });
        let Some((first, shadow)) = shadow else { continue };
        shadow.line += 1;
        let mut verify = Verify::new(&begin).unwrap();
        verify.decisions(&decisions);
        let report = verify.finish();
        assert_eq!(report.first_difference().map(|one| one.seq), Some(first), "seed {seed}");
        found += 1;
    }
    assert!(found > 10, "{found}");
}

#[test]
fn any_login_is_explained_whatever_was_given_or_on_trial() {
    println!("seeds {SEEDS:?}");
    let mut rounds = 0;
    for seed in SEEDS.step_by(5) {
        let (begin, recorded) = past(seed);
        for login in recorded.iter().filter(|one| matches!(one.decision.op, Op::Login(_))) {
            let mut explainer = Explainer::new(&begin, login.first, None).unwrap();
            let explained =
                recorded.iter().find_map(|one| explainer.decision(&one.decision).unwrap()).unwrap();
            assert!(explained.is_as_recorded(), "seed {seed}, seq {}", login.first);
            assert_eq!(explained.again.missing, None);
            for round in explained.again.asked.iter().flat_map(|asked| &asked.rounds) {
                assert!(round.source.is_some(), "seed {seed}, seq {}", login.first);
                rounds += 1;
            }
        }
    }
    assert!(rounds > 50, "{rounds}");
}

fn trial(name: &str, source: &str, target: Target) -> Trial {
    let candidate = Candidate { name: name.into(), source: source.into(), params: BTreeMap::new() };
    Trial { candidate, target, against: None, window: Window::default(), examples: 5 }
}

fn backtest((begin, recorded): &Past, trial: Trial) -> Report {
    let mut test = Backtest::new(begin, trial).unwrap();
    for one in recorded {
        assert!(test.decision(&one.decision).unwrap());
    }
    test.finish().unwrap()
}

fn cascade((begin, recorded): &Past, trial: Trial) -> Report {
    let mut late = LateTouches::default();
    for one in recorded {
        late.see(&one.decision);
    }
    let mut test = Cascade::new(begin, late.sorted(), trial).unwrap();
    for one in recorded {
        assert!(test.decision(Arc::clone(&one.decision)).unwrap());
    }
    test.finish().unwrap().0
}

#[test]
fn who_stands_in_does_so_for_those_of_a_share_too() {
    let begin = settings(vec![quota("office", 1, "destroy_oldest")]);
    let mut ledger = Ledger::new(&begin);
    ledger.install("other", DENY, Some("office"), PolicyMode::Share(100));
    for n in 0..8 {
        ledger.login(&format!("u{}", n % 4), "10.0.0.1");
    }
    let past = ledger.past(begin);
    let report = backtest(&past, trial("mine", OLDEST, Target::Quota("office".into())));
    assert_eq!((report.changed, report.exhausted), (4, 4), "{report:?}");
}

#[test]
fn a_candidate_stands_in_for_a_policy_of_its_name_that_was_given_to_a_quota() {
    let two = || vec![quota("office", 1, "destroy_oldest"), quota("home", 9, "destroy_oldest")];
    let begin = settings(two());
    let mut ledger = Ledger::new(&begin);
    ledger.install("mine", PARAM, Some("office"), PolicyMode::Active);
    for n in 0..8 {
        ledger.login(&format!("u{}", n % 4), "10.0.0.1");
    }
    let past = ledger.past(begin);
    for test in [backtest, cascade] {
        let report = test(&past, trial("mine", built_in("destroy_oldest").unwrap(), Target::ByName));
        assert_eq!((report.changed, report.quotas.len()), (4, 1), "{report:?}");
        let same = test(&past, trial("mine", PARAM, Target::ByName));
        assert_eq!((same.changed, same.exhausted), (0, 4), "{same:?}");
    }
    let report = backtest(&past, trial("mine", &PARAM.replace("deny(", "deny(\"n is \" + "), Target::ByName));
    assert_eq!(report.after, report.before, "{report:?}");
}
