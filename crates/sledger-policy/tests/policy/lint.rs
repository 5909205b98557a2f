//! What lint says, and what it does not.

use sledger_core::config::Level;
use sledger_policy::{Lint, Severity, check_source, is_linear, lint, read_source};

/// Complaints, in words; hints are none.
fn of(source: &str) -> Vec<String> {
    let lints = lint(source, None).into_iter().filter(|lint| lint.severity != Severity::Hint);
    lints.map(|lint| lint.to_string()).collect()
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
        _ => evict(sessions.least_idle()).because("x".to_upper())
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
        "fn on_exhausted() { let few = sessions.filter(|s| sessions.filter(|t| t.ip == s.ip).count > 1); if few.is_empty() { deny(\"none\") } else { evict(few) } }",
    );
    silent(
        "fn on_exhausted() { if quota.limit > 3 { deny(\"a\") } else if seconds(\"5m\") > 1 { deny(\"b\") } else { deny(\"c\") } }",
    );
}

#[test]
fn syntax_errors_have_a_place() {
    only("fn on_exhausted() {\n    deny(\"x\"\n}", "3:1: syntax: ", "");
    only("fn on_exhausted() { eval(\"1\") }", "1:21: syntax:", "eval");
    only("fn on_exhausted() { let m = #{a: 1}; deny(\"x\") }", "1:29: syntax:", "");
    only("fn on_exhausted() { try { deny(\"x\") } catch { deny(\"y\") } }", "1:21: syntax:", "try");
}

#[test]
fn a_policy_must_have_on_exhausted_and_nothing_outside_functions() {
    only("fn on_exhuasted() { deny(\"x\") }", "1:1: structure:", "no `fn on_exhausted()`");
    only("let x = 1;\nfn on_exhausted() { deny(\"x\") }", "1:1: structure:", "never runs");
    let lints = of("fn limit(x) { x }\nfn on_exhausted() { deny(\"x\") }");
    assert!(lints.iter().any(|lint| lint.contains("`fn limit` takes no parameters")), "{lints:?}");
}

#[test]
fn a_name_that_is_always_there_cannot_be_declared() {
    only("fn on_exhausted() { let user = 1; deny(\"x\") }", "1:25: shadow:", "`user` is always there");
    only("fn on_exhausted() { for sessions in 0..3 { note(\"x\"); } deny(\"x\") }", "1:25: shadow:", "");
    only("fn on_exhausted() { deny(\"x\") }\nfn help(quota) { 1 }", "2:1: shadow:", "`quota`");
    only("fn on_exhausted() { deny(`${sessions.filter(|now| true).count}`) }", "1:45: shadow:", "`now`");
    only("fn on_exhausted() { request = 1; deny(\"x\") }", "1:21: shadow:", "cannot be changed");
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
    only(source, "1:47: comparison:", "seconds(\"5m\")");
    only("fn on_exhausted() { deny(`${sessions.filter(|s| \"1h\" <= s.age).count}`) }", "1:", "comparison:");
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
    let hint = "1:21: allow_under_hard: hint: `allow` passes a soft quota; under a hard one it is a failure";
    assert_eq!(lint(source, None).iter().map(ToString::to_string).collect::<Vec<_>>(), [hint]);
    check_source("p", source).unwrap();
    assert_eq!(lint(source, Some(Level::Soft)), []);
    assert_eq!(lint(source, Some(Level::Advisory)), []);
    assert_eq!(lint(source, Some(Level::Hard))[0].to_string().split(':').next(), Some("1"));
}

#[test]
fn closures_stand_only_in_filter() {
    only(
        "fn on_exhausted() { let f = |s| s.retained; deny(`${sessions.filter(f).count}`) }",
        "1:",
        "closure:",
    );
    only(
        "fn on_exhausted() { let n = 1; let f = |s| s.age > n; deny(`${sessions.filter(f).count}`) }",
        "1:",
        "closure:",
    );
    only("fn on_exhausted() { let a = [1]; a[0] = 2; deny(\"x\") }", "1:", "assigned into");
    silent("fn keep(s) { s.retained }\nfn on_exhausted() { deny(`${sessions.filter(keep).count}`) }");
}

#[test]
fn limit_must_do_without_the_sessions() {
    let rest = "\nfn on_exhausted() { deny(\"x\") }";
    only(&format!("fn limit() {{ sessions.count }}{rest}"), "1:14: unknown:", "while a limit");
    only(&format!("fn limit() {{ help() }}\nfn help() {{ quota.excess }}{rest}"), "2:", "`quota.excess`");
    silent(&format!("fn limit() {{ if user.in_group(\"vip\") {{ 10 }} }}{rest}"));
}

#[test]
fn warnings_do_not_stop_a_policy() {
    let unread = "//! [params]\n//! a = { default = 1, type = \"int\" }\nfn on_exhausted() { deny(\"x\") }";
    only(unread, "2:5: unused_param: warning:", "nothing reads the param `a`");
    check_source("p", unread).unwrap();
    let offset = "//! utc_offset = \"+01:00\"\nfn on_exhausted() { deny(\"x\") }";
    only(offset, "1:1: offset: warning:", "daylight");
    let count = "fn on_exhausted() { let n = 0; for s in sessions { n += 1; } deny(\"x\" + n) }";
    only(count, "1:32: loop: warning:", "`.count`");
    let best = "fn on_exhausted() { let b = (); for s in sessions { if b == () || s.idle > b.idle { b = s; } } evict(b) }";
    only(best, "1:33: loop: warning:", "`most_idle`");
}

#[test]
fn complaints_come_in_the_order_of_the_source_with_stable_codes() {
    let lints = lint("fn on_exhausted() {\n let a = foo;\n let b = bar;\n}", None);
    let places: Vec<(u32, &str)> = lints.iter().map(|lint: &Lint| (lint.line, lint.code.as_str())).collect();
    assert_eq!(places, [(2, "unknown"), (3, "no_decision"), (3, "unknown")]);
    assert!(lints.iter().all(|lint| lint.severity == Severity::Error));
}

#[test]
fn who_may_be_nobody_is_not_evicted_unseen() {
    let unseen = [
        "evict(sessions.retained())",
        "evict(sessions.retained().oldest())",
        "let idle = sessions.idle_for(60); evict(idle.most_idle(quota.excess))",
        "let one = sessions.except(\"a\").oldest(); evict(one).because(\"x\")",
        "let r = sessions.retained(); if now.hour > 3 { if r.count > 0 { return evict(r); } } evict(r.oldest())",
        "let r = sessions.retained(); let i = r.idle_for(60); if r.count > 1 { evict(i) } else { deny(\"x\") }",
    ];
    for body in unseen {
        only(&format!("fn on_exhausted() {{ {body} }}"), "1:", "empty_pick: warning:");
    }
    let seen = [
        "evict(sessions)",
        "evict(sessions.oldest(quota.excess))",
        "let r = sessions.retained(); if r.is_empty() { deny(\"x\") } else { evict(r) }",
        "let r = sessions.retained(); if r.len() < 2 { return deny(\"x\"); } let two = r.oldest(2); evict(two)",
        "let one = sessions.retained().oldest(); if one == () { deny(\"x\") } else { evict(one) }",
        "if sessions.retained().count > 0 { evict(sessions.retained().oldest()) } else { deny(\"x\") }",
        "if sessions.count > 1 { evict(sessions.except(sessions.newest())) } else { deny(\"x\") }",
        "let n = sessions.of_client(\"tv\").count; if n > 0 { evict(sessions.of_client(\"tv\")) } else { deny(\"x\") }",
        "for s in sessions.retained() { return evict(s); } deny(\"none\")",
    ];
    for body in seen {
        silent(&format!("fn on_exhausted() {{ {body} }}"));
    }
}

#[test]
fn one_where_several_may_have_to_go_is_a_hint_and_no_complaint() {
    let hints = |body: &str| -> Vec<String> {
        let lints = lint(&format!("fn on_exhausted() {{ {body} }}"), Some(Level::Hard));
        lints.iter().map(ToString::to_string).collect()
    };
    for body in ["evict(sessions.oldest())", "let one = sessions.oldest(); evict(one).because(\"x\")"] {
        let found = hints(body);
        assert!(found.len() == 1 && found[0].contains("single_pick: hint: one session"), "{found:?}");
        assert!(found[0].contains("`oldest(quota.excess)`"), "{found:?}");
    }
    for body in
        ["evict(sessions.oldest(1))", "evict(sessions)", "for s in sessions { return evict(s); } deny(\"x\")"]
    {
        assert_eq!(hints(body), [""; 0], "{body}");
    }
}

#[test]
fn params_are_used_as_what_they_are() {
    let header = "//! [params]
//! t = { default = \"x\", type = \"text\" }
//! n = { default = 3, type = \"int\" }
//! l = { default = [], type = \"list\" }
";
    let all = "note(params.t); note(`${params.n} ${params.l.len()}`);";
    let cases = [
        ("if params.t > 5 { note(\"\"); }", "mistyped_param: the param `t` does not fit"),
        ("if sessions.count == params.t { note(\"\"); }", "mistyped_param: the param `t` does not fit"),
        ("if params.n { note(\"\"); }", "mistyped_param: the param `n` does not fit: a condition"),
        ("note(params.n)", "mistyped_param: the param `n` does not fit: `note` takes text"),
        ("let a = params.n.contains(\"x\")", "mistyped_param: the param `n` is a number"),
        ("let a = request.from_any(params.t)", "mistyped_param: the param `t` does not fit"),
        ("let a = params.m", "unknown_param: the header has no param `m`"),
    ];
    for (before, words) in cases {
        only(&format!("{header}fn on_exhausted() {{ {all} {before}; deny(\"x\") }}"), "5:", words);
    }
    silent(&format!(
        "{header}fn on_exhausted() {{ {all} if params.n > 2 && params.t == \"y\" && params.l.contains(1) {{ note(\"z\"); }} deny(\"x\" + params.n) }}"
    ));
    only(
        "//! [params]\n//! a = { default = \"x\", type = \"int\" }\nfn on_exhausted() { deny(\"x\") }",
        "2:5: mistyped_param",
        "is not an integer",
    );
}

#[test]
fn values_that_do_not_fit_are_found() {
    let cases = [
        ("let a = sessions.idle_for(\"5 min\")", "`idle_for` takes a duration: `5 min` is none"),
        ("let a = seconds(\"soon\")", "`seconds` takes a duration"),
        ("let a = request.from(\"10.0.0/8\")", "`10.0.0/8` is none"),
        ("let a = now.between(8, 30)", "hours are 0 to 24"),
        ("let a = sessions.oldest(-1)", "fewer than no sessions"),
        ("let a = sessions.oldest(\"3\")", "`oldest` takes a number, not text"),
        ("note(5)", "`note` takes text, not a number"),
        ("evict(())", "`evict` takes a session or a set of sessions, not nothing"),
        ("if sessions.count { note(\"a\"); }", "a condition is true or false"),
        ("if sessions > 3 { note(\"a\"); }", "write `.count`"),
        ("if sessions.oldest() == \"a\" { note(\"a\"); }", "write `.id`"),
        ("let a = sessions.filter(|s| s.ip == 3)", "text never compares with a number"),
    ];
    for (before, words) in cases {
        only(&format!("fn on_exhausted() {{ {before}; deny(\"x\") }}"), "1:", words);
    }
}

#[test]
fn work_that_grows_with_the_sessions_is_told() {
    let of = |body: &str| is_linear(&format!("fn on_exhausted() {{ {body} }}"));
    for body in [
        "deny(`${sessions.idle_for(60).count}`)",
        "deny(\"x\").offer(sessions)",
        "evict(sessions)",
        "for s in sessions { return evict(s); } deny(\"x\")",
        "deny(`${sessions.distinct(\"ip\")}`)",
        "let all = sessions; evict(all)",
    ] {
        let found = of(body).unwrap_or_else(|| panic!("{body}"));
        assert_eq!((found.code.as_str(), found.line), ("linear", 1), "{body}");
    }
    for body in [
        "deny(`${sessions.count}`)",
        "evict(sessions.most_idle(quota.excess))",
        "evict(sessions.oldest())",
        "deny(\"x\").offer(sessions.oldest(10))",
        "let few = sessions.oldest(20).filter(|s| s.idle > 3); deny(`${few.count}`)",
    ] {
        assert_eq!(of(body), None, "{body}");
    }
}

#[test]
fn a_param_cannot_have_a_name_that_rhai_cannot_read() {
    let reserved = [
        "let",
        "const",
        "if",
        "else",
        "switch",
        "do",
        "while",
        "until",
        "loop",
        "for",
        "in",
        "continue",
        "break",
        "fn",
        "private",
        "this",
        "return",
        "throw",
        "try",
        "catch",
        "import",
        "export",
        "as",
        "global",
        "true",
        "false",
        "with",
        "is",
        "module",
        "package",
        "use",
        "new",
        "case",
        "match",
        "default",
        "void",
        "null",
        "nil",
        "public",
        "protected",
        "static",
        "shared",
        "goto",
        "exit",
        "unless",
        "each",
        "then",
        "spawn",
        "thread",
        "go",
        "sync",
        "async",
        "await",
        "yield",
        "var",
        "super",
        "eval",
        "curry",
        "print",
        "debug",
    ];
    for name in reserved {
        let source = format!(
            "//! [params]\n//! {name} = {{ default = 1, type = \"int\" }}\nfn on_exhausted() {{ deny(\"x\") }}"
        );
        let lints = of(&source);
        let readable = format!("fn on_exhausted() {{ deny(`${{params.{name}}}`) }}");
        let is_readable = !of(&readable).iter().any(|lint| lint.contains("syntax"));
        assert_eq!(!lints.iter().any(|lint| lint.contains("header:")), is_readable, "{name}: {lints:?}");
    }
}

#[test]
fn a_name_that_is_always_there_cannot_be_declared_in_any_way() {
    for name in ["now", "user", "request", "quota", "params", "sessions", "all_sessions"] {
        for body in [
            format!("let {name} = 1; deny(\"x\")"),
            format!("const {name} = 1; deny(\"x\")"),
            format!("for {name} in 0..3 {{ note(\"x\"); }} deny(\"x\")"),
            format!("for (s, {name}) in [1] {{ note(\"x\"); }} deny(\"x\")"),
            format!("deny(`${{sessions.filter(|{name}| true).count}}`)"),
            format!("if true {{ let {name} = 1; }} deny(\"x\")"),
            format!("deny(help(1)) }} fn help({name}) {{ \"x\""),
        ] {
            let found = of(&format!("fn on_exhausted() {{ {body} }}"));
            assert!(found.iter().any(|lint| lint.contains("shadow: ")), "{body}: {found:?}");
        }
    }
}

#[test]
fn a_byte_order_mark_and_other_encodings_are_named() {
    only("\u{feff}fn on_exhausted() { deny(\"x\") }", "1:1: encoding: ", "byte order mark");
    let told = |bytes: &[u8]| read_source(bytes.to_vec()).unwrap_err().to_string();
    assert_eq!(told(b"\xff\xfef\0n\0"), "1:1: encoding: the file is UTF-16: save it as UTF-8");
    assert_eq!(told(b"\xfe\xff\0f\0n"), "1:1: encoding: the file is UTF-16: save it as UTF-8");
    assert!(told(b"// a\n// caf\xe9").starts_with("2:7: encoding: this is not UTF-8"));
}
