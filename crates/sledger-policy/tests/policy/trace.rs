//! Tracing: the same reply for the same operations, and what people see of it.

use crate::hostile;
use crate::world::World;
use sledger_core::event::PolicyRef;
use sledger_core::policy::{Policies, Question};
use sledger_policy::{BUILT_IN, Engine, STEPS_MAX, Step};

/// A scenario asked both ways.
fn both(engine: &mut Engine, policy: &PolicyRef, question: &Question, name: &str) -> (Vec<Step>, bool) {
    for spent in [0, 19_990] {
        let plain = engine.ask(policy, question.clone(), spent);
        let trace = engine.trace(policy, question.clone(), spent);
        assert_eq!(trace.reply, plain, "{name} after {spent}");
    }
    let trace = engine.trace(policy, question.clone(), 0);
    (trace.steps, trace.cut)
}

fn steps(source: &str, world: &World) -> Vec<String> {
    let (mut recorder, policy, question) = world.question(source);
    let (steps, _) = both(&mut recorder.engine, &policy, &question, source);
    let values = |step: &Step| {
        let values: Vec<String> =
            step.values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        values.join(", ")
    };
    steps.iter().map(|step| format!("{} {}: {}", step.line, step.function, values(step))).collect()
}

const PROTECT: &str = r#"//! [params]
//! protect = { default = "5m", type = "duration" }
fn on_exhausted() {
    let idle = sessions.idle_for(params.protect);
    if idle.count < quota.excess { return deny("every session is in active use").offer(sessions); }
    evict(idle.most_idle(quota.excess)).because("idle longest")
}
"#;

#[test]
fn steps_show_lines_in_order_with_the_values_read_and_set() {
    let mut world = World::with_sessions(3);
    world.sessions[1].idle = 60;
    let steps = steps(&PROTECT.replace("5m", "1m"), &world);
    let expected = [
        "4 on_exhausted: params.protect = 60, sessions.idle_for(params.protect) = {s1}, idle = {s1}",
        "5 on_exhausted: idle = {s1}, idle.count = 1, quota.excess = 1",
        "6 on_exhausted: idle = {s1}, quota.excess = 1, idle.most_idle(quota.excess) = {s1}",
    ];
    assert_eq!(steps, expected);
}

#[test]
fn helpers_closures_and_loops_are_followed() {
    let source = r"
fn help(s, most) {
    let idle = s.idle;
    idle > most
}
fn on_exhausted() {
    let n = 0;
    let kept = sessions.filter(|s| help(s, 0));
    for s in kept { n += 1; }
    while kept.len() >= n { n += 1; }
    deny(`${n}`)
}";
    let steps = steps(source, &World::with_sessions(2));
    let expected = [
        "7 on_exhausted: n = 0",
        "8 on_exhausted: sessions.filter(…) = {s1}, kept = {s1}",
        "8 closure: s = s0, help(s, 0) = false",
        "3 help: s = s0, s.idle = 0, idle = 0",
        "4 help: idle = 0, most = 0",
        "8 closure: s = s1, help(s, 0) = true",
        "3 help: s = s1, s.idle = 1, idle = 1",
        "4 help: idle = 1, most = 0",
        "9 on_exhausted: kept = {s1}",
        "9 on_exhausted: n = 1",
        "10 on_exhausted: kept = {s1}, n = 1, kept.len() = 1",
        "10 on_exhausted: n = 2",
        "10 on_exhausted: kept = {s1}, n = 2, kept.len() = 1",
        "11 on_exhausted: n = 2",
    ];
    assert_eq!(steps, expected);
}

#[test]
fn what_attackers_name_is_escaped_and_bounded() {
    let world = World::with_sessions(20);
    let text = format!("a\\u202e\\\"\\u001b[2J{}", "x".repeat(200));
    let header = format!("//! [params]\n//! c = {{ default = \"{text}\", type = \"text\" }}\n");
    let shown = steps(&format!("{header}fn on_exhausted() {{ let c = params.c; deny(c) }}"), &world);
    let client = format!("\"a\\\\u{{202e}}\\\"\\\\u{{1b}}[2J{}…\"", "x".repeat(61));
    assert_eq!(shown[0], format!("3 on_exhausted: params.c = {client}, c = {client}"));
    let shown = steps("fn on_exhausted() { let all = sessions; deny(`${all.count}`) }", &world);
    assert_eq!(shown[0], "1 on_exhausted: all = {s0, s1, s2, s3, s4, s5, s6, s7, …}");
}

#[test]
fn watching_changes_no_answer_and_no_cost() {
    let hostile = hostile::asked_scripts();
    let others = [
        ("protect", PROTECT),
        (
            "captured",
            "fn on_exhausted() { let k = sessions; let n = 0; let f = sessions.filter(|s| { n += 1; k.contains(s) }); deny(`${n}`) }",
        ),
        (
            "empty",
            "fn nothing() { } fn on_exhausted() { nothing(); for s in sessions { } if true { } deny(\"x\") }",
        ),
        (
            "switch",
            "fn on_exhausted() { switch quota.used { 0 => deny(\"a\"), 1..3 => evict(sessions.oldest()), _ => deny(\"b\") } }",
        ),
    ];
    let all = BUILT_IN.iter().copied().chain(others);
    let all = all.chain(hostile.iter().map(|(name, source)| (name.as_str(), source.as_str())));
    for (name, source) in all {
        for count in [1, 3, 40] {
            let (mut recorder, policy, question) = World::with_sessions(count).question(source);
            let (steps, cut) = both(&mut recorder.engine, &policy, &question, name);
            assert!(!steps.is_empty() && steps.len() <= STEPS_MAX, "{name}: {}", steps.len());
            assert_eq!(cut, cut && steps.len() == STEPS_MAX, "{name}");
        }
    }
}

#[test]
fn a_long_evaluation_is_cut_and_says_so() {
    let source = "fn on_exhausted() { let n = 0; while n < 1500 { n += 1; } deny(\"x\") }";
    let (mut recorder, policy, question) = World::with_sessions(1).question(source);
    let trace = recorder.engine.trace(&policy, question, 0);
    assert!(trace.cut && trace.reply.answer.is_ok());
    assert_eq!(trace.steps.len(), STEPS_MAX);
}

#[test]
fn nothing_of_the_question_is_kept_by_a_trace() {
    for source in [
        "fn on_exhausted() { let k = sessions; evict(sessions.filter(|s| k.contains(s))) }",
        "fn on_exhausted() { throw sessions }",
    ] {
        let world = World::with_sessions(5);
        let mut court = world.court("p", source);
        let (mut recorder, policy, question) = world.question_of(&mut court, source);
        assert!(!court.state().is_unshared());
        drop(recorder.engine.trace(&policy, question, 0));
        assert!(court.state().is_unshared(), "{source}");
    }
}

#[test]
fn a_limit_is_traced_too() {
    let source = "fn limit() { let n = 3; if user.in_group(\"vip\") { n = 10; } n }\nfn on_exhausted() { deny(\"x\") }";
    let (mut recorder, policy, question) = World::with_sessions(1).limit_question(source);
    let plain = recorder.engine.limit(&policy, question.clone());
    let trace = recorder.engine.trace_limit(&policy, question);
    assert_eq!(trace.reply, plain);
    assert_eq!(trace.steps.len(), 3);
    assert_eq!(trace.steps[1].values, [("user.in_group(\"vip\")".to_owned(), "false".to_owned())]);
    assert_eq!(&*recorder.engine.source_of(&policy).unwrap(), source);
}
