//! What holds around every evaluation: nothing kept, one budget, revisions, threads.

use crate::world::{Recorder, World};
use sledger_core::command::{Actor, Command, Request};
use sledger_core::config::{Bounds, Param};
use sledger_core::decide::{Means, decide};
use sledger_core::policy::Policies;
use sledger_policy::{BUILT_IN, ENGINE_REVISION, Engine, OPERATIONS_MAX, is_linear};
use std::collections::BTreeMap;

const NO_PARAMS: BTreeMap<String, Param> = BTreeMap::new();

#[test]
fn nothing_of_the_state_is_kept_after_an_answer() {
    let clinging = [
        "fn on_exhausted() { let a = [sessions, all_sessions]; let s = sessions.oldest(2); throw s }",
        "fn on_exhausted() { let n = 0; sessions.filter(|s| { n += 1; throw sessions }); deny(\"x\") }",
        "fn on_exhausted() { let k = sessions; evict(sessions.filter(|s| k.contains(s))) }",
        "fn on_exhausted() { loop { let a = sessions.newest(3); } }",
        "fn on_exhausted() { sessions }",
        "fn on_exhausted() { deny(\"x\").offer(sessions) }",
    ];
    for source in clinging.into_iter().chain(BUILT_IN.iter().map(|(_, source)| *source)) {
        let world = World::with_sessions(20);
        let court = world.court("p", source);
        let mut recorder = Recorder::default();
        recorder.engine.bind("p", source, &NO_PARAMS).unwrap();
        let bounds = Bounds::default();
        let mut means = Means { policies: &mut recorder, bounds: &bounds };
        let login = Request::new(Actor::Cli, Command::Login(Box::new(world.newcomer.clone())));
        assert!(court.state().is_unshared());
        drop(decide(court.state(), &mut means, &login, world.now));
        assert_eq!(recorder.replies.len(), 1);
        assert!(court.state().is_unshared(), "{source}");
    }
}

#[test]
fn what_was_spent_before_counts() {
    let source = "fn on_exhausted() { let n = 0; for i in 0..1000 { n += i; } deny(\"x\") }";
    let (mut recorder, policy, question) = World::with_sessions(3).question(source);
    let whole = recorder.engine.ask(&policy, question.clone(), 0);
    assert!(whole.answer.is_ok());
    let enough = recorder.engine.ask(&policy, question.clone(), OPERATIONS_MAX - whole.operations);
    assert_eq!(enough, whole);
    let short = recorder.engine.ask(&policy, question, OPERATIONS_MAX - whole.operations + 1);
    assert_eq!(short.answer.unwrap_err().code.as_str(), "POLICY_OVER_BUDGET");
}

#[test]
fn a_pick_costs_what_it_returns_however_many_there_are() {
    let cost = |source: &str, sessions| {
        let reply = World::with_sessions(sessions).ask(source);
        assert!(reply.answer.is_ok());
        reply.operations
    };
    for (name, source) in BUILT_IN.iter().filter(|(_, source)| is_linear(source).is_none()) {
        assert_eq!(cost(source, 20), cost(source, 500), "{name}");
    }
    let pick = |n| cost(&format!("fn on_exhausted() {{ evict(sessions.oldest({n})) }}"), 100);
    assert_eq!(pick(11) - pick(1), 20, "ten more picked, ten more ended");
    let narrow = "fn on_exhausted() { sessions.idle_for(0); deny(\"x\") }";
    assert_eq!(cost(narrow, 100) - cost(narrow, 50), 50);
    // Asserted to the operation: a change of costs is a change of the engine's revision.
    let plain = |name: &str| name.starts_with("destroy_") || name == "deny_access";
    let destroying = BUILT_IN.iter().filter(|(name, _)| plain(name));
    let costs: Vec<u32> = destroying.map(|(_, source)| cost(source, 5)).collect();
    assert_eq!((ENGINE_REVISION, costs), ("rhai-1.27.0/1", vec![5, 15, 19, 19, 19, 19]));
}

#[test]
fn a_revision_depends_on_source_and_resolved_params_alone() {
    let mut engine = Engine::new();
    let header = "//! [params]\n//! n = { default = 3, type = \"int\" }\n//! d = { default = \"5m\", type = \"duration\" }\n";
    let source = format!("{header}fn on_exhausted() {{ deny(`${{params.n}}${{params.d}}`) }}");
    let mut revision = |source: &str, params: &[(&str, Param)]| {
        let params = params.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        engine.bind("p", source, &params).unwrap().policy.to_string()
    };
    let plain = revision(&source, &[]);
    assert_eq!(plain, revision(&source, &[("n", Param::Int(3))]));
    assert_eq!(plain, revision(&source, &[("d", Param::Text("300s".into()))]));
    assert_ne!(plain, revision(&source, &[("n", Param::Int(4))]));
    assert_ne!(plain, revision(&format!("{source}\n"), &[]));
    assert_eq!(Engine::new().bind("p", &source, &NO_PARAMS).unwrap().policy.to_string(), plain);
}

#[test]
fn what_cannot_be_bound_says_why() {
    let source = "//! [params]\n//! protect = { default = \"5m\", type = \"duration\" }\nfn on_exhausted() { deny(`${params.protect}`) }";
    let bind = |name: &str, source: &str, params: &[(&str, Param)]| {
        let params = params.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        Engine::new().bind(name, source, &params).unwrap_err().to_string()
    };
    let wrong = bind("p", source, &[("protct", Param::Int(1))]);
    assert!(wrong.contains("has no param `protct`, did you mean `protect`?"), "{wrong}");
    let wrong = bind("p", source, &[("protect", Param::Bool(true))]);
    assert!(wrong.contains("param `protect` is not a duration"), "{wrong}");
    let wrong = bind("p", "fn on_exhausted() {\n  deny(\n}", &[]);
    assert!(wrong.starts_with("policy `p`, line 3"), "{wrong}");
    assert!(bind("P!", source, &[]).contains("lower-case"));
    assert!(bind("p", &" ".repeat(40_000), &[]).contains("larger than"));
}

#[test]
fn check_refuses_what_is_probably_a_mistake_and_bind_takes_it() {
    let source = "fn on_exhausted() { if quota.used > 3 { deny(\"x\") } }";
    let mut engine = Engine::new();
    let fault = engine.check("p", source).unwrap_err();
    assert_eq!((fault.line, fault.column), (1, 21));
    engine.bind("p", source, &NO_PARAMS).unwrap();
    for (name, source) in BUILT_IN {
        engine.check(name, source).unwrap();
        assert_eq!(engine.built_in(name), Some(*source));
    }
}

#[test]
fn a_policy_that_was_never_bound_fails_as_an_error() {
    let (_, policy, question) = World::with_sessions(3).question("fn on_exhausted() { deny(\"x\") }");
    let reply = Engine::new().ask(&policy, question, 0);
    assert_eq!(reply.answer.unwrap_err().code.as_str(), "POLICY_ERROR");
}

#[test]
fn an_engine_moves_between_threads_and_answers_alike() {
    let source = BUILT_IN[3].1;
    let (mut recorder, policy, question) = World::with_sessions(9).question(source);
    let here = recorder.engine.ask(&policy, question.clone(), 0);
    let there = std::thread::spawn(move || recorder.engine.ask(&policy, question, 0)).join().unwrap();
    assert_eq!(here, there);
}

#[test]
fn a_policy_that_frees_too_little_is_asked_again_with_one_budget() {
    let mut world = World::with_sessions(6);
    world.limit = 3;
    let source = "fn on_exhausted() { evict(sessions.oldest()) }";
    let mut court = world.court("p", source);
    let answer = world.login(&mut court);
    let evicted: Vec<&str> = answer.evicted.iter().map(|facts| facts.session()).collect();
    assert_eq!(evicted, ["s0", "s1", "s2", "s3"]);
    assert_eq!(court.policies().replies.len(), 4);
}

#[test]
fn the_failure_of_a_script_denies_by_code() {
    let world = World::with_sessions(3);
    let mut court = world.court("p", "fn on_exhausted() { loop { } }");
    let answer = world.login(&mut court);
    assert_eq!(answer.outcome.as_str(), "denied");
    assert_eq!(answer.policy_code.map(sledger_core::event::PolicyCode::as_str), Some("POLICY_OVER_BUDGET"));
}
