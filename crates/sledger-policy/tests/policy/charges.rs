//! What every native function costs, by the number of sessions: one row each, none can be forgotten.
//!
//! The cost is what a statement with the call takes over the same script without it: a step for each part that
//! the interpreter looks at, and what the function charges.

use crate::world::World;
use sledger_core::policy::Policies;
use sledger_policy::native_signatures;
use std::collections::BTreeSet;

/// Operations at 0, 1 and 100 sessions; `NONE` where the call is an error by design.
type Costs = [u32; 3];
const NONE: Costs = [0; 3];

/// Signature, what stands before, the call, its costs.
type Row = (&'static str, &'static str, &'static str, Costs);

const ONE: &str = "let s = all_sessions.oldest(); ";
/// 128 bytes before the rest: two operations to look through.
const TEXT: &str = "let t = \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx,a,b\"; ";
const LIST: &str = "let l = [1, 2, 3]; ";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("==(session, session)", ONE, "s == s", [5, 5, 5]),
    ("!=(session, session)", ONE, "s != s", [5, 5, 5]),
    ("allow(string)", "", "allow(\"x\")", [4, 4, 4]),
    ("deny(string)", "", "deny(\"x\")", [4, 4, 4]),
    ("because(decision, string)", "let d = deny(\"x\"); ", "d.because(\"y\")", [6, 6, 6]),
    ("tell(decision, string)", "let d = deny(\"x\"); ", "d.tell(\"y\")", [6, 6, 6]),
    ("note(string)", "", "note(\"x\")", [4, 4, 4]),
    ("evict(())", "", "evict(())", NONE),
    ("evict(session)", ONE, "evict(s)", [4, 4, 4]),
    ("evict(sessions)", "", "evict(all_sessions)", [6, 6, 105]),
    ("offer(decision, ())", "let d = deny(\"x\"); ", "d.offer(())", [6, 6, 6]),
    ("offer(decision, session)", "let d = deny(\"x\"); let s = all_sessions.oldest(); ", "d.offer(s)", [6, 6, 6]),
    ("offer(decision, sessions)", "let d = deny(\"x\"); ", "d.offer(sessions)", [7, 8, 107]),
    ("attr(request, string)", "", "request.attr(\"k\")", [6, 6, 6]),
    ("attr(user, string)", "", "user.attr(\"k\")", [6, 6, 6]),
    ("attr(session, string)", ONE, "s.attr(\"k\")", [6, 6, 6]),
    ("between(now, i64, i64)", "", "now.between(8, 18)", [7, 7, 7]),
    ("in_group(user, string)", "", "user.in_group(\"g\")", [6, 6, 6]),
    ("from(request, string)", "", "request.from(\"10.0.0.0/8\")", [6, 6, 6]),
    ("from_any(request, array)", "let n = [\"10.0.0.0/8\", \"11.0.0.0/8\", \"12.0.0.0/8\"]; ", "request.from_any(n)", [9, 9, 9]),
    ("seconds(dynamic)", "", "seconds(\"5m\")", [4, 4, 4]),
    ("index$get$(params, string)", "", "params.list", [8, 8, 8]),
    ("get$count(sessions)", "", "sessions.count", [4, 4, 4]),
    ("len(sessions)", "", "sessions.len()", [4, 4, 4]),
    ("is_empty(sessions)", "", "sessions.is_empty()", [4, 4, 4]),
    ("oldest(sessions)", "", "sessions.oldest()", [5, 6, 6]),
    ("oldest(sessions, i64)", "", "sessions.oldest(10)", [7, 8, 17]),
    ("newest(sessions)", "", "sessions.newest()", [5, 6, 6]),
    ("newest(sessions, i64)", "", "sessions.newest(10)", [7, 8, 17]),
    ("next_expiring(sessions)", "", "sessions.next_expiring()", [5, 6, 6]),
    ("next_expiring(sessions, i64)", "", "sessions.next_expiring(10)", [7, 8, 17]),
    ("least_time_left(sessions)", "", "sessions.least_time_left()", [5, 6, 6]),
    ("least_time_left(sessions, i64)", "", "sessions.least_time_left(10)", [7, 8, 17]),
    ("most_idle(sessions)", "", "sessions.most_idle()", [5, 6, 6]),
    ("most_idle(sessions, i64)", "", "sessions.most_idle(10)", [7, 8, 17]),
    ("least_idle(sessions)", "", "sessions.least_idle()", [5, 6, 6]),
    ("least_idle(sessions, i64)", "", "sessions.least_idle(10)", [7, 8, 17]),
    ("from_ip(sessions, ())", "", "sessions.from_ip(())", [7, 7, 7]),
    ("from_ip(sessions, string)", "", "sessions.from_ip(\"10.0.0.0/8\")", [7, 8, 107]),
    ("of_client(sessions, ())", "", "sessions.of_client(())", [7, 7, 7]),
    ("of_client(sessions, string)", "", "sessions.of_client(\"web\")", [7, 8, 107]),
    ("of_user(sessions, ())", "", "sessions.of_user(())", [7, 7, 7]),
    ("of_user(sessions, string)", "", "sessions.of_user(\"ann\")", [7, 8, 107]),
    ("with_attr(sessions, string, ())", "", "sessions.with_attr(\"k\", ())", [8, 8, 8]),
    ("with_attr(sessions, string, string)", "", "sessions.with_attr(\"k\", \"v\")", [8, 9, 108]),
    ("retained(sessions)", "", "sessions.retained()", [5, 6, 105]),
    ("connected(sessions)", "", "sessions.connected()", [5, 6, 105]),
    ("idle_for(sessions, dynamic)", "", "sessions.idle_for(60)", [7, 8, 107]),
    ("older_than(sessions, dynamic)", "", "sessions.older_than(60)", [7, 8, 107]),
    ("except(sessions, ())", "", "sessions.except(())", [7, 8, 107]),
    ("except(sessions, session)", ONE, "sessions.except(s)", [7, 8, 107]),
    ("except(sessions, sessions)", "", "sessions.except(sessions)", [8, 10, 208]),
    ("except(sessions, string)", "", "sessions.except(\"s1\")", [7, 8, 107]),
    ("filter(sessions, Fn)", "", "sessions.filter(|s| true)", [7, 11, 407]),
    ("distinct(sessions, string)", "", "sessions.distinct(\"ip\")", [7, 8, 107]),
    ("contains(sessions, session)", ONE, "sessions.contains(s)", [7, 8, 107]),
    ("get$name(quota)", "", "quota.name", [4, 4, 4]),
    ("get$key(quota)", "", "quota.key", [4, 4, 4]),
    ("get$limit(quota)", "", "quota.limit", [4, 4, 4]),
    ("get$used(quota)", "", "quota.used", [4, 4, 4]),
    ("get$excess(quota)", "", "quota.excess", [4, 4, 4]),
    ("get$epoch(now)", "", "now.epoch", [4, 4, 4]),
    ("get$hour(now)", "", "now.hour", [4, 4, 4]),
    ("get$minute(now)", "", "now.minute", [4, 4, 4]),
    ("get$weekday(now)", "", "now.weekday", [4, 4, 4]),
    ("get$date(now)", "", "now.date", [4, 4, 4]),
    ("get$id(user)", "", "user.id", [4, 4, 4]),
    ("get$groups(user)", "", "user.groups", [6, 6, 6]),
    ("get$session(request)", "", "request.session", [4, 4, 4]),
    ("get$ip(request)", "", "request.ip", [4, 4, 4]),
    ("get$client(request)", "", "request.client", [4, 4, 4]),
    ("get$source(request)", "", "request.source", [4, 4, 4]),
    ("get$evicted_ago(request)", "", "request.evicted_ago", [4, 4, 4]),
    ("get$id(session)", ONE, "s.id", [4, 4, 4]),
    ("get$user(session)", ONE, "s.user", [4, 4, 4]),
    ("get$ip(session)", ONE, "s.ip", [4, 4, 4]),
    ("get$client(session)", ONE, "s.client", [4, 4, 4]),
    ("get$source(session)", ONE, "s.source", [4, 4, 4]),
    ("get$groups(session)", ONE, "s.groups", [5, 5, 5]),
    ("get$started(session)", ONE, "s.started", [4, 4, 4]),
    ("get$expires(session)", ONE, "s.expires", [4, 4, 4]),
    ("get$last_active(session)", ONE, "s.last_active", [4, 4, 4]),
    ("get$age(session)", ONE, "s.age", [4, 4, 4]),
    ("get$idle(session)", ONE, "s.idle", [4, 4, 4]),
    ("get$retained(session)", ONE, "s.retained", [4, 4, 4]),
    ("len(array)", LIST, "l.len()", [4, 4, 4]),
    ("get$len(array)", LIST, "l.len", [4, 4, 4]),
    ("is_empty(array)", LIST, "l.is_empty()", [4, 4, 4]),
    ("contains(array, dynamic)", LIST, "l.contains(9)", [9, 9, 9]),
    ("push(array, dynamic)", LIST, "l.push(4)", [6, 6, 6]),
    ("to_string(array)", LIST, "l.to_string()", [4, 4, 4]),
    ("to_debug(array)", LIST, "l.to_debug()", [4, 4, 4]),
    ("contains(string, string)", TEXT, "t.contains(\"c\")", [8, 8, 8]),
    ("index_of(string, string)", TEXT, "t.index_of(\"c\")", [8, 8, 8]),
    ("replace(string, string, string)", TEXT, "t.replace(\"a\", \"b\")", [10, 10, 10]),
    ("replace(string, char, string)", TEXT, "t.replace('a', \"b\")", [10, 10, 10]),
    ("replace(string, string, char)", TEXT, "t.replace(\"a\", 'b')", [10, 10, 10]),
    ("replace(string, char, char)", TEXT, "t.replace('a', 'b')", [10, 10, 10]),
    ("split(string, string)", TEXT, "t.split(\",\")", [9, 9, 9]),
    ("split(string, char)", TEXT, "t.split(',')", [9, 9, 9]),
    ("index_of(string, string, i64)", TEXT, "t.index_of(\"c\", 1)", NONE),
    ("split(string)", TEXT, "t.split()", NONE),
    ("split(string, i64)", TEXT, "t.split(1)", NONE),
    ("split(string, string, i64)", TEXT, "t.split(\",\", 1)", NONE),
    ("split(string, char, i64)", TEXT, "t.split(',', 1)", NONE),
    ("split_rev(string, string)", TEXT, "t.split_rev(\",\")", NONE),
    ("split_rev(string, string, i64)", TEXT, "t.split_rev(\",\", 1)", NONE),
    ("split_rev(string, char)", TEXT, "t.split_rev(',')", NONE),
    ("split_rev(string, char, i64)", TEXT, "t.split_rev(',', 1)", NONE),
    ("to_chars(string)", TEXT, "t.to_chars()", NONE),
    ("to_blob(string)", TEXT, "t.to_blob()", NONE),
];

/// A signature without what rhai says about references and results.
fn short(signature: &str) -> String {
    let call = signature.split(" -> ").next().unwrap();
    call.replace("_: ", "").replace("&mut ", "").replace("types::dynamic::Dynamic", "dynamic")
}

/// Operations of a script with so many sessions under the key; `None` where it fails.
fn operations(body: &str, sessions: u32) -> Option<u32> {
    let header = "//! [params]\n//! list = { default = [1, 2, 3], type = \"list\" }\n";
    let source = format!("{header}fn on_exhausted() {{ {body}deny(\"x\") }}");
    let mut world = World::with_sessions(sessions.max(1));
    world.newcomer.groups = vec!["g".to_owned(), "h".to_owned()];
    for old in &mut world.sessions {
        old.login.groups = vec!["g".to_owned(); 1];
    }
    let (mut recorder, policy, mut question) = world.question(&source);
    if sessions == 0 {
        question.sessions = question.sessions.of(Vec::new());
    }
    let reply = recorder.engine.ask(&policy, question, 0);
    reply.answer.is_ok().then_some(reply.operations)
}

fn costs(before: &str, call: &str) -> Costs {
    [0, 1, 100].map(|sessions| {
        let without = operations(before, sessions).unwrap();
        operations(&format!("{before}{call}; "), sessions).map_or(0, |with| with - without)
    })
}

#[test]
fn every_native_function_has_its_row() {
    let registered: BTreeSet<String> = native_signatures().iter().map(|signature| short(signature)).collect();
    let rows: BTreeSet<String> = ROWS.iter().map(|(signature, ..)| (*signature).to_owned()).collect();
    let missing: Vec<_> = registered.difference(&rows).collect();
    let gone: Vec<_> = rows.difference(&registered).collect();
    assert!(missing.is_empty() && gone.is_empty(), "without a row: {missing:#?}; not there: {gone:#?}");
    assert_eq!(rows.len(), ROWS.len());
}

#[test]
fn every_native_function_costs_what_its_row_says() {
    let wrong = ROWS.iter().filter_map(|(signature, before, call, expected)| {
        let found = costs(before, call);
        (found != *expected).then(|| format!("{signature}: {found:?}, not {expected:?}"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
