//! What lint says, and what it does not.

use sledger_core::config::Level;
use sledger_policy::{Lint, Severity, check_source, lint};

fn of(source: &str) -> Vec<String> {
    lint(source, None).iter().map(ToString::to_string).collect()
}

/// One complaint, at this place, with these words.
fn only(source: &str, place: &str, words: &str) {
    let lints = of(source);
    let found = lints.len() == 1 && lints[0].starts_with(place) && lints[0].contains(words);
    assert!(found, "{source}\nexpected {place} … {words}, got {lints:#?}");
}

fn silent(source: &str) {
    assert_eq!(of(source), Vec::<String>::new(), "{source}");
}

#[test]
fn the_policy_of_the_manual_is_fine() {
    silent(
        r#"//! description = "End the session idle longest, but never one in active use"
//! [params]
//! protect = { default = "5m", type = "duration", doc = "idle for less than this is protected" }

fn on_exhausted() {
    let idle = sessions.idle_for(params.protect);
    if idle.count < quota.excess { return deny("every session is in active use").offer(sessions); }
    evict(idle.most_idle(quota.excess)).because("idle longest")
}
"#,
    );
}

#[test]
fn ordinary_policies_raise_no_false_alarm() {
    silent(
        r#"fn on_exhausted() {
    let worst = ();
    for s in sessions { if s.client == request.client && s.idle > 60 { worst = s; } }
    if worst == () { deny("none") } else { evict(worst).because(`${worst.id} idle ${worst.idle}`) }
}"#,
    );
    silent(
        r#"//! [params]
//! nets = { default = ["10.0.0.0/8"], type = "list" }
//! most = { default = 3, type = "int" }
fn inside() { request.from_any(params.nets) || request.from("192.168.0.0/16") }
fn pick(set) { if set.is_empty() { sessions.oldest() } else { set.newest() } }
fn on_exhausted() {
    note("client " + request.client + " of " + user.id);
    let own = sessions.filter(|s| s.ip == request.ip && s.attr("device") == request.attr("device"));
    if own.count >= params.most { return evict(own.oldest(own.count - params.most + 1)); }
    if inside() && now.between(8, 18) && now.weekday <= 5 { return allow("office").tell("hello"); }
    switch request.client {
        "web" => evict(pick(sessions.retained())),
        "tv" | "radio" => deny("no"),
        _ => evict(sessions.except(sessions.newest()).least_idle()).because("x".to_upper())
    }
}
fn limit() { if user.in_group("vip") { 10 } else { () } }
"#,
    );
    silent("fn on_exhausted() { let n = user.groups.len(); if n > 2 { deny(\"a\") } else { throw \"b\" } }");
    silent("fn on_exhausted() { for s in sessions { if s.retained { return evict(s); } } deny(\"none\") }");
    silent(
        "fn on_exhausted() { if request.evicted_ago != () { deny(\"again\") } else { help(1) } }\nfn help(x) { deny(\"y\" + x) }",
    );
    silent(
        "fn on_exhausted() { let n = 0; for (s, i) in sessions { if i < 2 { n += s.age; } } deny(`${n}`) }",
    );
    silent(
        "fn on_exhausted() { let few = sessions.filter(|s| sessions.filter(|t| t.ip == s.ip).count > 1); evict(few) }",
    );
    silent(
        "fn on_exhausted() { if quota.limit > 3 { deny(\"a\") } else if seconds(\"5m\") > 1 { deny(\"b\") } else { deny(\"c\") } }",
    );
}

#[test]
fn syntax_errors_have_a_place() {
    only("fn on_exhausted() {\n    deny(\"x\"\n}", "3:1: error[syntax]", "");
    only("fn on_exhausted() { eval(\"1\") }", "1:21: error[syntax]", "eval");
    only("fn on_exhausted() { let m = #{a: 1}; deny(\"x\") }", "1:29: error[syntax]", "");
    only("fn on_exhausted() { try { deny(\"x\") } catch { deny(\"y\") } }", "1:21: error[syntax]", "try");
}

#[test]
fn a_policy_must_have_on_exhausted_and_nothing_outside_functions() {
    only("fn on_exhuasted() { deny(\"x\") }", "1:1: error[structure]", "no `fn on_exhausted()`");
    only("let x = 1;\nfn on_exhausted() { deny(\"x\") }", "1:1: error[structure]", "never runs");
    let lints = of("fn limit(x) { x }\nfn on_exhausted() { deny(\"x\") }");
    assert!(lints.iter().any(|lint| lint.contains("`fn limit` takes no parameters")), "{lints:?}");
}

#[test]
fn a_name_that_is_always_there_cannot_be_declared() {
    only("fn on_exhausted() { let user = 1; deny(\"x\") }", "1:25: error[shadow]", "`user` is always there");
    only(
        "fn on_exhausted() { for sessions in 0..3 { note(\"x\"); } deny(\"x\") }",
        "1:25: error[shadow]",
        "",
    );
    only("fn on_exhausted() { deny(\"x\") }\nfn help(quota) { 1 }", "2:1: error[shadow]", "`quota`");
    only("fn on_exhausted() { evict(sessions.filter(|now| true)) }", "1:43: error[shadow]", "`now`");
    only("fn on_exhausted() { request = 1; deny(\"x\") }", "1:21: error[shadow]", "cannot be changed");
}

#[test]
fn unknown_names_are_guessed_at() {
    let deny = |before: &str| format!("fn on_exhausted() {{ {before}; deny(\"x\") }}");
    let cases = [
        ("let a = session.count", "there is no `session`, did you mean `sessions`?"),
        ("let a = sessions.odlest()", "a set of sessions has no `odlest`, did you mean `oldest`?"),
        ("let a = sessions.oldest().idel", "a session has no `idel`, did you mean `idle`?"),
        ("let a = sessions.count()", "is written without parentheses"),
        ("let a = sessions.oldest", "is called with parentheses"),
        ("let a = sessions.with_attr(\"k\")", "takes 2 arguments, not 1"),
        ("let a = quota.exces", "did you mean `excess`?"),
        ("let a = now.hours", "did you mean `hour`?"),
        ("let a = request.user_agent", "`request` has no `user_agent`"),
        ("for s in sessions { note(s.adress) }", "a session has no `adress`"),
        ("let a = sessions.filter(|s| s.idel > 3)", "a session has no `idel`"),
        ("let a = params.x", "the header has no param `x`"),
        ("evcit(sessions)", "there is no function `evcit`, did you mean `evict`?"),
        ("let a = deny()", "`deny` takes 1 argument, not 0"),
        ("let a = \"x\".shout()", "text has no `shout`"),
        ("let a = sessions.distinct(\"clent\")", "did you mean `client`?"),
        ("let a = help(1)", "there is no function `help`"),
    ];
    for (before, words) in cases {
        only(&deny(before), "1:", words);
    }
}

#[test]
fn a_number_compared_with_a_duration_is_an_error() {
    let source =
        "fn on_exhausted() { if sessions.oldest().idle > \"5m\" { deny(\"x\") } else { deny(\"y\") } }";
    only(source, "1:47: error[comparison]", "seconds(\"5m\")");
    only("fn on_exhausted() { evict(sessions.filter(|s| \"1h\" <= s.age)) }", "1:", "error[comparison]");
    silent("fn on_exhausted() { if request.client == \"5m\" { deny(\"x\") } else { deny(\"y\") } }");
}

#[test]
fn ways_without_a_decision_are_found() {
    let cases = [
        ("if quota.used > 3 { deny(\"x\") }", "no `else`"),
        ("if quota.used > 3 { deny(\"x\") } else { note(\"y\") }", "`note` is no decision"),
        ("note(\"x\");", "`note` is no decision"),
        ("let x = 1;", "ends without a decision"),
        ("", "ends without a decision"),
        ("if quota.used > 3 { return; } deny(\"x\")", "gives nothing"),
        ("switch quota.used { 1 => deny(\"x\") }", "no `_` case"),
        ("for s in sessions { if s.retained { return evict(s); } }", "ends without a decision"),
        ("\"deny\"", "no decision"),
    ];
    for (body, words) in cases {
        only(&format!("fn on_exhausted() {{ {body} }}"), "1:", words);
    }
    only("fn on_exhausted() { help() }\nfn help() { if now.hour > 3 { deny(\"x\") } }", "2:13", "no `else`");
}

#[test]
fn allow_is_an_error_only_under_a_hard_quota() {
    let source = "fn on_exhausted() { allow(\"welcome\") }";
    assert_eq!(lint(source, None), []);
    assert_eq!(lint(source, Some(Level::Soft)), []);
    assert_eq!(lint(source, Some(Level::Hard))[0].to_string().split(':').next(), Some("1"));
}

#[test]
fn closures_stand_only_in_filter() {
    only("fn on_exhausted() { let f = |s| s.retained; evict(sessions.filter(f)) }", "1:", "error[closure]");
    only(
        "fn on_exhausted() { let n = 1; let f = |s| s.age > n; evict(sessions.filter(f)) }",
        "1:",
        "[closure]",
    );
    only("fn on_exhausted() { let a = [1]; a[0] = 2; deny(\"x\") }", "1:", "assigned into");
    silent("fn keep(s) { s.retained }\nfn on_exhausted() { evict(sessions.filter(keep)) }");
}

#[test]
fn limit_must_do_without_the_sessions() {
    let rest = "\nfn on_exhausted() { deny(\"x\") }";
    only(&format!("fn limit() {{ sessions.count }}{rest}"), "1:14: error[unknown]", "while a limit");
    only(&format!("fn limit() {{ help() }}\nfn help() {{ quota.excess }}{rest}"), "2:", "`quota.excess`");
    silent(&format!("fn limit() {{ if user.in_group(\"vip\") {{ 10 }} }}{rest}"));
}

#[test]
fn warnings_do_not_stop_a_policy() {
    let unread = "//! [params]\n//! a = { default = 1, type = \"int\" }\nfn on_exhausted() { deny(\"x\") }";
    only(unread, "2:5: warning[unused_param]", "nothing reads the param `a`");
    check_source("p", unread).unwrap();
    let offset = "//! utc_offset = \"+01:00\"\nfn on_exhausted() { deny(\"x\") }";
    only(offset, "1:1: warning[offset]", "daylight");
    let count = "fn on_exhausted() { let n = 0; for s in sessions { n += 1; } deny(\"x\" + n) }";
    only(count, "1:32: warning[loop]", "`.count`");
    let best = "fn on_exhausted() { let b = (); for s in sessions { if b == () || s.idle > b.idle { b = s; } } evict(b) }";
    only(best, "1:33: warning[loop]", "`most_idle`");
}

#[test]
fn complaints_come_in_the_order_of_the_source_with_stable_codes() {
    let lints = lint("fn on_exhausted() {\n let a = foo;\n let b = bar;\n}", None);
    let places: Vec<(u32, &str)> = lints.iter().map(|lint: &Lint| (lint.line, lint.code.as_str())).collect();
    assert_eq!(places, [(2, "unknown"), (3, "no_decision"), (3, "unknown")]);
    assert!(lints.iter().all(|lint| lint.severity == Severity::Error));
}
