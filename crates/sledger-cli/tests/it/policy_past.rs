//! Policies and the past: what would have been decided, and why it was decided so.

use crate::common::{folder, run};
use crate::serve::Served;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

const CONFIG: &str = "[sessions]\nidle = \"never\"\nttl = \"never\"\n[[group]]\nname = \"staff\"\nusers = [\"a*\"]\n\
                      [[quota]]\nname = \"per-user\"\nmax_sessions = 2\non_exhausted = \"destroy_oldest\"\n";

const PROTECT: &str = r#"//! description = "Never one in active use"
//! [params]
//! protect = { default = "5m", type = "duration", doc = "idle for less than this is protected" }

fn on_exhausted() {
    let idle = sessions.idle_for(params.protect);
    if idle.count < quota.excess { return deny("every session is in active use").offer(sessions); }
    evict(idle.most_idle(quota.excess)).because("idle longest")
}
"#;

/// Ann comes four times within minutes, bob three times in a day, and an old session of his was used last.
fn day() -> String {
    let mut text = String::new();
    let mut line = |time: &str, rest: &str| {
        writeln!(text, r#"{{"at":"2026-11-20T{time}Z",{rest}}}"#).unwrap();
    };
    for (n, id) in ["a1", "a2", "a3", "a4"].iter().enumerate() {
        line(
            &format!("08:0{n}:00"),
            &format!(r#""op":"login","user":"ann","session":"{id}","ip":"10.0.0.{n}""#),
        );
    }
    line("09:00:00", r#""op":"login","user":"bob","session":"b1","client":"web""#);
    line("10:00:00", r#""op":"login","user":"bob","session":"b2","client":"web""#);
    line("11:00:00", r#""op":"touch","user":"bob","session":"b1""#);
    line("12:00:00", r#""op":"login","user":"bob","session":"b3","client":"web""#);
    text
}

/// A folder with the day as a recording and in a ledger `past`, served by nobody.
fn past() -> tempfile::TempDir {
    let dir = folder(&[("sledger.toml", CONFIG), ("day.jsonl", &day()), ("protect.rhai", PROTECT)]);
    let ran = run(dir.path(), &["import", "--enforce", "--data", "past", "day.jsonl"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    dir
}

fn ok(dir: &Path, args: &[&str]) -> String {
    let ran = run(dir, args);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{args:?}: {ran:?}");
    ran.stdout
}

fn json(dir: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&ok(dir, &[args, &["--output", "json"]].concat())).unwrap()
}

#[test]
fn a_backtest_counts_what_changes_and_shows_the_first() {
    let dir = past();
    let said = ok(dir.path(), &["policy", "backtest", "protect.rhai", "--data", "past"]);
    let wanted = "protect at per-user: 7 logins, 3 exhausted, 3 changed\n\
                  from 2026-11-20T08:00:00.000Z to 2026-11-20T12:00:00.000Z\n\
                  \n\
                  from   to     changed\n\
                  evict  deny   2\n\
                  evict  evict  1        other sessions end\n\
                  \n\
                  group   changed\n\
                  staff   2\n\
                  (none)  1\n";
    assert!(said.starts_with(wanted), "{said}");
    assert!(said.contains("7     deny   2        if idle.count < quota.excess"), "{said}");
    assert!(said.contains("logins denied     0       2\n"), "{said}");
    let example = "  2026-11-20T12:00:00.000Z  bob\n    was  evict b1: oldest (line 4)\n    \
                   is   evict b2: idle longest (line 8)\n";
    assert!(said.contains(example), "{said}");
}

#[test]
fn a_backtest_says_the_same_of_a_ledger_its_exports_and_its_recording() {
    let dir = past();
    let backtest = |args: &[&str]| {
        let mut told = json(dir.path(), &[&["policy", "backtest", "protect.rhai"], args].concat());
        // Seqs count other events before, and a recording says its settings without any.
        told.as_object_mut().unwrap().remove("events");
        for example in told["examples"].as_array_mut().unwrap() {
            example.as_object_mut().unwrap().remove("seq");
        }
        told
    };
    let told = backtest(&["--data", "past"]);
    for key in ["decisions", "exhausted", "changed"] {
        assert!(told[key].is_u64(), "{key}: {told}");
    }
    let changes = serde_json::json!([
        { "from": "evict", "to": "deny", "count": 2 },
        { "from": "evict", "to": "evict", "count": 1 }
    ]);
    assert_eq!(told["changes"], changes);
    assert_eq!(backtest(&["--recording", "day.jsonl"]), told);
    for (format, file) in [("blocks", "blocks"), ("events", "events.jsonl")] {
        let export = crate::common::command(dir.path(), &["export", "--data", "past", "--format", format]);
        let export = { export }.output().unwrap();
        std::fs::write(dir.path().join(file), &export.stdout).unwrap();
        assert_eq!(backtest(&["--recording", file]), told, "{format}");
    }
    let served = Served::start(dir.path(), &["--data", "past"]);
    assert_eq!(backtest(&["--connect", &served.url]), told);
}

#[test]
fn too_many_changes_fail_as_asked() {
    let dir = past();
    let fail_on = |bound: &str| {
        let args = ["policy", "backtest", "protect.rhai", "--data", "past", "--fail-on", bound];
        let ran = run(dir.path(), &args);
        (ran.code, ran.stderr)
    };
    assert_eq!(fail_on("deny>0"), (3, "--fail-on: deny>=1 holds\n".to_owned()));
    for (bound, code) in
        [("deny>1", 3), ("deny>2", 0), ("changed>=3,error>0", 3), ("error>0", 0), ("evict>=2", 0)]
    {
        assert_eq!(fail_on(bound).0, code, "{bound}");
    }
    let (code, said) = fail_on("denied>0");
    assert_eq!(code, 2);
    assert!(said.contains("`denied>0` is no bound: write allow, deny, evict, error or changed"), "{said}");
}

#[test]
fn params_windows_and_consequences_are_as_asked() {
    let dir = past();
    let backtest = |args: &[&str]| {
        json(dir.path(), &[&["policy", "backtest", "protect.rhai", "--data", "past"], args].concat())
    };
    assert_eq!(backtest(&["--param", "protect=1m"])["changes"][0]["to"], "evict");
    assert_eq!(backtest(&["--since", "2026-11-20 09:00"])["changed"], 1);
    assert_eq!(backtest(&["--until", "2026-11-20 09:00"])["changed"], 2);
    assert_eq!(backtest(&["--since", "-1s"])["decisions"], 0);
    let cascade = backtest(&["--cascade"]);
    assert_eq!((&cascade["changed"], &cascade["after"]["denied"]), (&Value::from(3), &Value::from(2)));
    let said = ok(dir.path(), &["policy", "backtest", "protect.rhai", "--data", "past", "--cascade"]);
    assert!(said.contains("\nchanged decisions alter what follows"), "{said}");
}

#[test]
fn slips_are_told_with_what_to_write() {
    let dir = past();
    for (args, said) in [
        (
            &["deny_acces"][..],
            "no file `deny_acces`, and no built-in policy of that name: business_hours deny_access ",
        ),
        (&["protect.rhai", "--param", "portect=1m"], "the policy has no such param; it has: protect"),
        (&["protect.rhai", "--param", "protect=soon"], "--param protect=soon: "),
        (
            &["protect.rhai", "--quota", "per-ip"],
            "no quota `per-ip` when logins were decided; quotas there were: per-user",
        ),
        (&["protect.rhai", "--since", "5"], "--since: "),
    ] {
        let ran = run(dir.path(), &[&["policy", "backtest", "--data", "past"], args].concat());
        assert!(ran.code == 2 && ran.stderr.contains(said), "{args:?}: {ran:?}");
    }
    let args = ["policy", "backtest", "protect.rhai", "--recording", "day.jsonl", "--since", "-30d"];
    let ran = run(dir.path(), &args);
    assert!(ran.code == 2 && ran.stderr.contains("a recording has no now"), "{ran:?}");
}

/// The seq of the login of a session.
fn seq_of(dir: &Path, session: &str) -> u64 {
    let events = ok(dir, &["events", "--data", "past", "--type", "login.*", "--output", "json"]);
    let mut lines = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.find(|line| line["session"] == session).unwrap()["seq"].as_u64().unwrap()
}

#[test]
fn an_explanation_shows_what_was_known_and_each_line_that_ran() {
    let dir = past();
    let seq = format!("seq:{}", seq_of(dir.path(), "b3"));
    let said = ok(dir.path(), &["policy", "explain", &seq, "--data", "past", "--with", "protect.rhai"]);
    for wanted in [
        "bob came as session b3 at 2026-11-20T12:00:00.000Z, told by import:day.jsonl\n",
        "per-user  bob  2     2\n",
        "recorded  admitted; b1 evicted\n            per-user, destroy_oldest@",
        "again     admitted; b1 evicted\n",
        "with      admitted; b2 evicted\n            per-user, protect@",
        "    b1  age 3h  idle 1h  over in never  bob  client=web\n",
        "    b2  age 2h  idle 2h  over in never  bob  client=web\n",
        "     4  evict(sessions.oldest(quota.excess)).because(\"oldest\")\n          quota.excess = 1\n",
        "     6  let idle = sessions.idle_for(params.protect);\n          params.protect = 300\n",
        "          idle.count = 2\n",
        "decided again, it is what was recorded\n",
    ] {
        assert!(said.contains(wanted), "{wanted}\n is missing in\n{said}");
    }
    let told = json(dir.path(), &["policy", "explain", &seq, "--data", "past"]);
    assert_eq!(told["as_recorded"], true);
    assert_eq!(told["recorded"]["ended"], serde_json::json!(["b1"]));
    assert_eq!(told["again"]["asked"][0]["sessions"][1]["session"], "b2");
    // Any event of the decision will do; the eviction is one.
    let evicted = seq_of(dir.path(), "b3") - 1;
    let of_end = json(dir.path(), &["policy", "explain", &format!("seq:{evicted}"), "--data", "past"]);
    assert_eq!(of_end, told);
}

#[test]
fn a_login_that_no_policy_judged_is_explained_by_its_counts() {
    let dir = past();
    let seq = format!("seq:{}", seq_of(dir.path(), "a2"));
    let said = ok(dir.path(), &["policy", "explain", &seq, "--data", "past"]);
    assert!(said.contains("per-user  ann  1     2\n"), "{said}");
    assert!(said.contains("recorded  admitted\nagain     admitted\n"), "{said}");
    assert!(!said.contains("is asked"), "{said}");
}

#[test]
fn what_is_no_login_is_not_explained() {
    let dir = past();
    for (seq, said) in [
        ("seq:1", "seq 1 is `ledger.started`, and no login was decided there"),
        ("seq:999", "history ends at seq "),
        ("12", "`12` names no event: write seq:N"),
    ] {
        let ran = run(dir.path(), &["policy", "explain", seq, "--data", "past"]);
        assert!(ran.code == 2 && ran.stderr.contains(said), "{seq}: {ran:?}");
    }
}

/// Runs the tests in `tests` on a policy of the folder or a built-in one.
fn pass(name: &str, source: &str, tests: &str) -> bool {
    sledger_policy::suite::run_text(name, source, tests).unwrap().passed()
}

#[test]
fn a_captured_login_passes_with_the_policy_that_decided_it_and_fails_with_another() {
    let dir = past();
    let seq = format!("seq:{}", seq_of(dir.path(), "b3"));
    let case = ok(dir.path(), &["policy", "capture", &seq, "--data", "past", "--name", "oldest goes"]);
    let wanted = "[[case]]\nname = \"oldest goes\"\nnow = \"2026-11-20T12:00:00.000Z\"\nlimit = 2\nlevel = \"hard\"\n\
                  evict_others = true\nuser = { id = \"bob\", groups = [] }\nuser_attr = {}\n\
                  request = { session = \"b3\", client = \"web\", attr = {} }\nsessions = [\n    \
                  \"b1 client=web age=10800s idle=3600s\",\n    \"b2 client=web age=7200s idle=7200s\",\n]\n\
                  params = {}\nexpect = { evict = [\"b1\"], because = \"oldest\" }\n";
    assert_eq!(case, wanted);
    let oldest = sledger_policy::built_in("destroy_oldest").unwrap();
    assert!(pass("destroy_oldest", oldest, &case));
    assert!(!pass("protect", PROTECT, &case));
}

#[test]
fn captures_are_appended_to_tests_and_nothing_else_of_them_changes() {
    let dir = past();
    let base = "[base]\nlimit = 7\nlevel = \"soft\"\nuser_attr = { a = \"b\" }\nsessions = [\"x\"]";
    std::fs::write(dir.path().join("own.test.toml"), base).unwrap();
    for session in ["b3", "a3"] {
        let seq = format!("seq:{}", seq_of(dir.path(), session));
        let said = ok(dir.path(), &["policy", "capture", &seq, "--data", "past", "--to", "own.test.toml"]);
        assert!(said.starts_with("appended to own.test.toml: passes with destroy_oldest@"), "{said}");
    }
    let tests = std::fs::read_to_string(dir.path().join("own.test.toml")).unwrap();
    assert!(tests.starts_with(base), "{tests}");
    assert_eq!(tests.matches("[[case]]").count(), 2, "{tests}");
    assert!(pass("destroy_oldest", sledger_policy::built_in("destroy_oldest").unwrap(), &tests), "{tests}");
    std::fs::write(dir.path().join("bad.test.toml"), "[bas]\n").unwrap();
    let seq = format!("seq:{}", seq_of(dir.path(), "b3"));
    let ran = run(dir.path(), &["policy", "capture", &seq, "--data", "past", "--to", "bad.test.toml"]);
    assert!(ran.code == 1 && ran.stderr.contains("cannot be read with the case"), "{ran:?}");
    assert_eq!(std::fs::read_to_string(dir.path().join("bad.test.toml")).unwrap(), "[bas]\n");
}

#[test]
fn deadlines_and_names_that_a_case_cannot_write_are_stood_in_for() {
    // The one to expire next is the one idle longest, by idle time alone; ids have blanks, devices too.
    let config = "[sessions]\nidle = \"30m\"\nttl = \"12h\"\n[[quota]]\nname = \"per-user\"\nmax_sessions = 2\n\
                  on_exhausted = \"destroy_next_expiring\"\n";
    let lines = [
        r#"{"at":"2026-11-20T08:00:00Z","op":"login","user":"ann b","session":"first one","ip":"10.1.2.3","attributes":{"device":"ann's \"phone\""}}"#,
        r#"{"at":"2026-11-20T08:05:00Z","op":"login","user":"ann b","session":"x=y"}"#,
        r#"{"at":"2026-11-20T08:10:00Z","op":"touch","session":"first one"}"#,
        r#"{"at":"2026-11-20T08:20:00Z","op":"login","user":"ann b","session":"third"}"#,
    ];
    let dir = folder(&[("sledger.toml", config), ("day.jsonl", &lines.join("\n"))]);
    let of = |more: &[&str]| {
        let args = ["policy", "capture", "seq:4", "--recording", "day.jsonl"];
        let ran = run(dir.path(), &[&args, more].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        (ran.stdout, ran.stderr)
    };
    let (case, said) = of(&[]);
    assert!(said.contains("cannot be written in a session line: they have stand-ins"), "{said}");
    assert!(case.contains("expect = { evict = [\"session-2\"]"), "{case}");
    let source = sledger_policy::built_in("destroy_next_expiring").unwrap();
    assert!(pass("destroy_next_expiring", source, &case), "{case}");
    let (case, _) = of(&["--redact"]);
    assert!(pass("destroy_next_expiring", source, &case), "{case}");
    for secret in ["ann", "first", "10.1.2.3", "third", "phone"] {
        assert!(!case.contains(secret), "{secret} stands in\n{case}");
    }
}

#[test]
fn a_login_that_no_policy_judged_makes_no_case() {
    let dir = past();
    let seq = seq_of(dir.path(), "a1");
    let ran = run(dir.path(), &["policy", "capture", &format!("seq:{seq}"), "--data", "past"]);
    assert!(ran.code == 2 && ran.stderr.contains("no policy was asked"), "{ran:?}");
}

#[test]
fn the_page_needs_nothing_else_and_takes_no_markup_from_history() {
    let hostile = "<script>alert(1)</script>";
    let lines = [
        format!(
            r#"{{"at":"2026-11-20T08:00:00Z","op":"login","user":"{hostile}","session":"a\"b","groups":["<b>"]}}"#
        ),
        format!(
            r#"{{"at":"2026-11-20T08:01:00Z","op":"login","user":"{hostile}","session":"\u202ertl","groups":["<b>"]}}"#
        ),
        format!(
            r#"{{"at":"2026-11-20T08:02:00Z","op":"login","user":"{hostile}","session":"x","groups":["<b>"]}}"#
        ),
    ];
    let dir = folder(&[
        ("sledger.toml", CONFIG),
        ("day.jsonl", &lines.join("\n")),
        ("newest.rhai", "fn on_exhausted() { evict(sessions.newest()).because(\"<i>&\") }"),
    ]);
    ok(dir.path(), &["policy", "backtest", "newest.rhai", "--recording", "day.jsonl", "--html", "page.html"]);
    let page = std::fs::read_to_string(dir.path().join("page.html")).unwrap();
    for wanted in [
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "evict \\u{202e}rtl: &lt;i&gt;&amp;",
        "<td>&lt;b&gt;</td><td>1</td>",
        "<rect class=\"evict\"",
        "prefers-color-scheme: dark",
        "evict a&quot;b: oldest (line 4)",
    ] {
        assert!(page.contains(wanted), "{wanted}\n is missing in\n{page}");
    }
    for unwanted in ["<script", "<b>", "<i>", "http", "\u{202e}", "src=", "url("] {
        assert!(!page.contains(unwanted), "{unwanted} stands in\n{page}");
    }
    let ran = run(
        dir.path(),
        &["policy", "backtest", "newest.rhai", "--recording", "day.jsonl", "--html", "no/page"],
    );
    assert!(ran.code == 1 && ran.stderr.contains("cannot write `no/page`"), "{ran:?}");
}

#[test]
fn a_diff_shows_sources_findings_and_the_decisions_on_which_two_differ() {
    let dir = past();
    let newer =
        PROTECT.replace("idle.most_idle(quota.excess)", "idle.oldest(quota.excess)").replace("5m", "10m");
    let newer = newer.replace(
        "fn on_exhausted() {",
        "fn on_exhausted() {\n    for s in sessions { if s.idle > \"5m\" {} }",
    );
    std::fs::write(dir.path().join("newer.rhai"), newer).unwrap();
    let said = ok(dir.path(), &["policy", "diff", "protect.rhai", "newer.rhai"]);
    assert!(said.starts_with("--- protect.rhai\n+++ newer.rhai\n@@ "), "{said}");
    assert!(
        said.contains("\n-    evict(idle.most_idle(quota.excess)).because(\"idle longest\")\n"),
        "{said}"
    );
    assert!(said.contains("\nfindings\n+ 6:"), "{said}");
    assert!(!said.contains("changed"), "{said}");
    // Ann is too quick for either; bob's b2 is idle longest, b1 is oldest.
    let said = ok(dir.path(), &["policy", "diff", "protect.rhai", "newer.rhai", "--data", "past"]);
    assert!(said.contains("newer at per-user: 7 logins, 3 exhausted, 1 changed\n"), "{said}");
    let example = "    was  evict b2: idle longest (line 8)\n    is   evict b1: idle longest (line 9)\n";
    assert!(said.contains(example), "{said}");
    let told = json(dir.path(), &["policy", "diff", "newer.rhai", "protect.rhai", "--data", "past"]);
    assert_eq!((told["came"].as_array().unwrap().len(), &told["backtest"]["changed"]), (0, &Value::from(1)));
}

#[test]
fn revisions_are_found_where_they_were_installed() {
    let dir = past();
    let seq = format!("seq:{}", seq_of(dir.path(), "b3"));
    let told = json(dir.path(), &["policy", "explain", &seq, "--data", "past"]);
    let revision = told["recorded"]["policies"][0]["policy"].as_str().unwrap();
    let diff = |args: &[&str]| run(dir.path(), &[&["policy", "diff"], args].concat());
    let ran = diff(&[revision, "destroy_oldest", "--data", "past"]);
    assert!(ran.code == 0 && ran.stdout.starts_with("the sources are the same\n"), "{ran:?}");
    assert!(ran.stdout.contains(" 3 exhausted, 0 changed\n"), "{ran:?}");
    for (args, said) in [
        (&[revision, "protect.rhai"][..], "name its history by --data, --connect or --recording"),
        (&["gone@00000000", "protect.rhai", "--data", "past"], "no quota of this history was decided by it"),
    ] {
        let ran = diff(args);
        assert!(ran.code == 2 && ran.stderr.contains(said), "{args:?}: {ran:?}");
    }
}
