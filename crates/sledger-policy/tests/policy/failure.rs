//! What becomes of a login when its policy fails, and of the others meanwhile (RULES 5).

use crate::world::{Recorder, World};
use sledger_core::answer::{Answer, Outcome};
use sledger_core::command::{Actor, Command, Login, Request};
use sledger_core::config::{Bounds, Condition, Dimension, Fact, Level, OnError, Quota, Settings, When};
use sledger_core::decide::Install;
use sledger_core::decider::Decider;
use sledger_core::event::{Code, Event, PolicyCode, PolicySource};
use sledger_core::{Limit, Millis};
use sledger_policy::suite;

/// Each kind of failure: its code, and a script that fails so at any level.
const KINDS: [(&str, &str); 8] = [
    ("POLICY_ERROR", "fn on_exhausted() { throw 1 }"),
    ("POLICY_OVER_BUDGET", "fn on_exhausted() { loop { } }"),
    ("POLICY_OVER_BUDGET", "fn f() { f() } fn on_exhausted() { f() }"),
    ("POLICY_NO_DECISION", "fn on_exhausted() { }"),
    ("POLICY_WRONG_TYPE", "fn on_exhausted() { 7 }"),
    ("POLICY_NO_VICTIM", "fn on_exhausted() { evict(sessions.of_client(\"nobody\")) }"),
    ("POLICY_VICTIM_NOT_IN_SET", "fn on_exhausted() { evict(all_sessions.of_client(\"app\")) }"),
    // Ends one in the set and one that is not: nobody ends.
    ("POLICY_VICTIM_NOT_IN_SET", "fn on_exhausted() { evict(all_sessions) }"),
];

/// Two sessions of the newcomer's under a key of two, one more under another key.
fn world(level: Level, on_error: OnError) -> suite::World {
    let mut world = suite::World {
        level,
        on_error,
        count_by: vec![Dimension::Client],
        limit: Limit::at_most(2).unwrap(),
        ..suite::World::default()
    };
    world.newcomer.client = Some("web".to_owned());
    for (id, client, age) in [("a", "web", 3), ("b", "web", 2), ("x", "app", 1)] {
        let mut old = world.old(id);
        old.age = age * 3600;
        old.login.client = Some(client.to_owned());
        world.sessions.push(old);
    }
    world
}

fn code(answer: &Answer) -> Option<&'static str> {
    answer.policy_code.map(PolicyCode::as_str)
}

fn evicted(answer: &Answer) -> Vec<&str> {
    answer.evicted.iter().map(|facts| facts.session()).collect()
}

#[test]
fn each_kind_of_failure_ends_as_on_error_says() {
    let second = || OnError::Policy("destroy_oldest".to_owned());
    for (expected, source) in KINDS {
        for level in [Level::Hard, Level::Soft] {
            let mut cases = vec![
                (OnError::Deny, Outcome::Denied, vec![]),
                (second(), Outcome::Admitted, vec!["a"]),
                // The second is asked in place of the first, and refuses.
                (OnError::Policy("deny_access".to_owned()), Outcome::Denied, vec![]),
            ];
            if level == Level::Soft {
                cases.push((OnError::Allow, Outcome::Admitted, vec![]));
            }
            for (on_error, outcome, gone) in cases {
                let world = world(level, on_error.clone());
                let mut court = world.court(("p", source), Recorder::default()).unwrap();
                let answer = world.login(&mut court);
                let case = format!("{source} {level:?} {on_error:?}: {answer:#?}");
                assert_eq!(answer.outcome, outcome, "{case}");
                assert_eq!(code(&answer), Some(expected), "{case}");
                assert_eq!(evicted(&answer), gone, "{case}");
                let is_denied = outcome == Outcome::Denied;
                assert!(!is_denied || answer.code == Some(Code::SessionQuotaExceeded), "{case}");
                let left = 3 - gone.len() + usize::from(!is_denied);
                assert_eq!(court.state().session_count(), left, "{case}");
            }
        }
    }
}

#[test]
fn allow_is_a_failure_under_a_hard_quota_alone() {
    let source = "fn on_exhausted() { allow(\"vip\") }";
    for (level, expected) in [(Level::Hard, Some("POLICY_NOT_ENOUGH_ROOM")), (Level::Soft, None)] {
        let world = world(level, OnError::Deny);
        let answer = world.login(&mut world.court(("p", source), Recorder::default()).unwrap());
        assert_eq!(code(&answer), expected);
        assert_eq!(answer.outcome == Outcome::Admitted, expected.is_none());
    }
}

#[test]
fn what_was_decided_before_a_failure_counts_for_nothing() {
    // Two must go: the first is evicted, then it fails.
    let source = "fn on_exhausted() { if quota.excess == 1 { throw 1 } evict(sessions.newest()) }";
    let mut world = world(Level::Hard, OnError::Policy("destroy_oldest".to_owned()));
    world.limit = Limit::at_most(1).unwrap();
    let answer = world.login(&mut world.court(("p", source), Recorder::default()).unwrap());
    assert_eq!((evicted(&answer), code(&answer)), (vec!["a", "b"], Some("POLICY_ERROR")));
}

#[test]
fn a_limit_that_fails_leaves_the_configured_one() {
    let cases = [
        ("throw 1", Err("POLICY_ERROR")),
        ("loop { }", Err("POLICY_OVER_BUDGET")),
        ("limit()", Err("POLICY_OVER_BUDGET")),
        ("0", Err("POLICY_WRONG_TYPE")),
        ("-1", Err("POLICY_WRONG_TYPE")),
        ("4294967296", Err("POLICY_WRONG_TYPE")),
        ("9223372036854775807", Err("POLICY_WRONG_TYPE")),
        ("\"none\"", Err("POLICY_WRONG_TYPE")),
        ("\"3\"", Err("POLICY_WRONG_TYPE")),
        ("[3]", Err("POLICY_WRONG_TYPE")),
        ("true", Err("POLICY_WRONG_TYPE")),
        ("user", Err("POLICY_WRONG_TYPE")),
        ("deny(\"x\")", Err("POLICY_WRONG_TYPE")),
        ("sessions.count", Err("POLICY_ERROR")),
        ("quota.used", Err("POLICY_ERROR")),
        ("4294967295", Ok("4294967295")),
        ("\"unlimited\"", Ok("unlimited")),
        ("\"banned\"", Ok("banned")),
        ("()", Ok("")),
    ];
    for (body, expected) in cases {
        let source = format!("fn limit() {{ {body} }}\nfn on_exhausted() {{ deny(\"full\") }}");
        let mut world = World::with_sessions(3);
        let mut court = world.court("p", &source);
        let answer = world.login(&mut court);
        let reply = court.policies().limits.last().unwrap().clone();
        let found =
            reply.answer.as_ref().map(|limit| limit.map(|limit| limit.to_string()).unwrap_or_default());
        let found = found.map_err(|failure| failure.code.as_str());
        assert_eq!(found.as_deref().map_err(|code| *code), expected, "{body}");
        let is_in = matches!(body, "4294967295" | "\"unlimited\"");
        assert_eq!(answer.outcome == Outcome::Admitted, is_in, "{body}: {answer:?}");
        // Below the limit nothing but a ban keeps the newcomer out, whatever `limit` does.
        world.sessions.clear();
        let answer = world.login(&mut world.court("p", &source));
        assert_eq!(answer.outcome == Outcome::Admitted, body != "\"banned\"", "{body}: {answer:?}");
    }
}

/// Quotas by client: `a` and `c` under a policy that fails for those without a good source, `b` under another.
fn three_quotas() -> Decider<Recorder> {
    let source = "fn on_exhausted() { if request.source != \"good\" { throw 1 } deny(\"asked\") }";
    let quota = |client: &str, policy: &str| {
        let condition = Condition { fact: Fact::Client, any_of: vec![client.to_owned()] };
        Quota {
            name: format!("of-{client}"),
            count_by: vec![Dimension::Client],
            when: When { all_of: vec![condition], not: Vec::new() },
            max_sessions: Limit::at_most(1).unwrap(),
            on_exhausted: policy.to_owned(),
            evict_others: true,
            ..Quota::default_quota()
        }
    };
    let quotas = [quota("a", "p"), quota("b", "destroy_oldest"), quota("c", "p")];
    let settings = Settings { quotas: quotas.map(Into::into).into(), ..Settings::default() };
    let install = Install { name: "p".into(), text: source.into(), from: PolicySource::Sent };
    let mut court =
        Decider::genesis(settings, &[install], Recorder::default(), (Bounds::default(), 7)).unwrap();
    for client in ["a", "b", "c"] {
        assert_eq!(login(&mut court, START, (client, "good")).outcome, Outcome::Admitted);
    }
    court
}

const START: u64 = 1_767_607_200_000;

/// Somebody new comes from `client` at `at`.
fn login(court: &mut Decider<Recorder>, at: u64, (client, source): (&str, &str)) -> Answer {
    let number = court.state().session_count() + court.policies().replies.len();
    let login = Login {
        user: Some(format!("u{at}-{number}-{client}")),
        session: Some(format!("s{at}-{number}-{client}")),
        client: Some(client.to_owned()),
        source: Some(source.to_owned()),
        ..Login::default()
    };
    let mut out = Vec::new();
    let request = Request::new(Actor::Cli, Command::Login(Box::new(login)));
    court.decide(&request, Millis(at), &mut out)
}

/// Fails `times` times, `apart` milliseconds from each other; when the last was.
fn fail(court: &mut Decider<Recorder>, start: u64, (times, apart): (u64, u64)) -> u64 {
    for i in 0..times {
        let answer = login(court, start + i * apart, ("a", "bad"));
        assert_eq!(code(&answer), Some("POLICY_ERROR"), "failure {i}");
    }
    start + (times - 1) * apart
}

#[test]
fn a_policy_that_keeps_failing_is_tripped_and_comes_back() {
    let mut court = three_quotas();
    let last = fail(&mut court, START, (100, 99));
    let asked = court.policies().replies.len();
    // Not asked for 30 s, whoever comes, and refused as `on_error` says.
    for after in [1, 10_000, 29_999] {
        let answer = login(&mut court, last + after, ("a", "good"));
        assert_eq!((answer.outcome, code(&answer)), (Outcome::Denied, Some("POLICY_TRIPPED")), "{after}");
    }
    assert_eq!(court.policies().replies.len(), asked);
    let answer = login(&mut court, last + 30_000, ("a", "good"));
    assert_eq!((code(&answer), answer.reason.as_deref()), (None, Some("asked")));
    assert_eq!(court.policies().replies.len(), asked + 1);
    // One failure more does not trip it again: the count began anew.
    let answer = login(&mut court, last + 30_001, ("a", "bad"));
    assert_eq!(code(&answer), Some("POLICY_ERROR"));
    assert_eq!(code(&login(&mut court, last + 30_002, ("a", "good"))), None);
}

#[test]
fn others_come_in_unharmed_while_a_policy_is_tripped() {
    let mut court = three_quotas();
    let last = fail(&mut court, START, (100, 50));
    assert_eq!(code(&login(&mut court, last + 1, ("a", "good"))), Some("POLICY_TRIPPED"));
    for after in 2..40 {
        let answer = login(&mut court, last + after, ("b", "bad"));
        assert_eq!((answer.outcome, answer.evicted.len()), (Outcome::Admitted, 1));
        // The same policy under another quota is asked as before.
        let answer = login(&mut court, last + after, ("c", "good"));
        assert_eq!((code(&answer), answer.reason.as_deref()), (None, Some("asked")));
    }
}

#[test]
fn fewer_or_slower_failures_do_not_trip() {
    let mut court = three_quotas();
    let last = fail(&mut court, START, (99, 1));
    assert_eq!(code(&login(&mut court, last + 1, ("a", "good"))), None);
    let mut court = three_quotas();
    // 102 ms apart the hundredth comes more than 10 s after the first.
    let last = fail(&mut court, START, (300, 102));
    assert_eq!(code(&login(&mut court, last + 1, ("a", "good"))), None);
}

#[test]
fn failures_and_trips_are_recorded_and_survive_a_fold() {
    let mut court = three_quotas();
    let mut recorded = Vec::new();
    for i in 0..100 {
        let login = Login {
            user: Some(format!("u{i}")),
            session: Some(format!("s{i}")),
            client: Some("a".to_owned()),
            ..Login::default()
        };
        let request = Request::new(Actor::Cli, Command::Login(Box::new(login)));
        court.decide(&request, Millis(START + i), &mut recorded);
    }
    let events = recorded.iter().flat_map(|one| &one.decision.events);
    let trips = events.filter(|event| matches!(event, Event::PolicyTripped { .. })).count();
    assert_eq!(trips, 1);
    let text = format!("{:?}", recorded.iter().map(|one| &one.decision).collect::<Vec<_>>());
    assert!(
        !text.contains("Runtime error") && !text.contains("throw"),
        "the engine's own words are recorded"
    );
    // Who folds what was recorded knows that it is tripped.
    let state = court.state().clone();
    let mut other = Decider::new(state, Recorder::default(), Bounds::default());
    let answer = login(&mut other, START + 200, ("a", "good"));
    assert_eq!(code(&answer), Some("POLICY_TRIPPED"));
}

#[test]
fn what_a_script_says_is_escaped_and_bounded_before_it_is_recorded() {
    let source = r#"fn on_exhausted() {
        for i in 0..40 { note("n\x1b[2J\u202e"); }
        let long = "";
        long.pad(1000, "é");
        deny("a\u202e\x1b[2J\n").tell("\x00b\u2066").because("a\u202e\x1b[2J\n" + long.sub_string(0, 300)).offer(sessions.retained())
    }"#;
    let verdict = World::with_sessions(3).ask(source).answer;
    let Err(failure) = &verdict else { panic!("a text grew beyond its bound") };
    assert_eq!(failure.code, PolicyCode::OverBudget);
    let verdict = World::with_sessions(3).ask(&source.replace("1000", "400")).answer.unwrap();
    let reason = verdict.reason.unwrap();
    assert!(reason.starts_with("a\\u{202e}\\u{1b}[2J\\né") && reason.len() <= 512, "{reason}");
    assert_eq!(verdict.told.as_deref(), Some("\\u{0}b\\u{2066}"));
    assert_eq!(verdict.notes.len(), 16);
    assert_eq!(&*verdict.notes[0], "n\\u{1b}[2J\\u{202e}");
}
