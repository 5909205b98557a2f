//! The test runner: what it refuses, what it finds, what it covers.

use sledger_policy::suite::{
    CASES_MAX, GATE_RUNS_MAX, Options, Report, Suite, SuiteError, TESTS_BYTES_MAX, run_text,
};

const PROTECT: &str = r#"//! [params]
//! protect = { default = "5m", type = "duration", doc = "idle for less than this is protected" }
fn on_exhausted() {
    let idle = sessions.idle_for(params.protect);
    if idle.count < quota.excess { return deny("every session is in active use").offer(sessions); }
    evict(idle.most_idle(quota.excess)).because("idle longest")
}
"#;

const BASE: &str = r#"[base]
now = "2026-01-05T10:00:00Z"
limit = 3
user = { id = "ann", groups = ["staff"] }
request = { ip = "10.0.0.9", client = "web" }
sessions = ["a ip=10.0.0.1 age=3h idle=2h", "b ip=10.0.0.2 age=2h idle=1m", "c ip=10.0.0.3 age=1h idle=30m"]
"#;

fn run(source: &str, cases: &str) -> Report {
    run_text("p", source, &format!("{BASE}{cases}")).unwrap()
}

fn differences(source: &str, case: &str) -> Vec<(&'static str, String, String)> {
    let report = run(source, &format!("[[case]]\nname = \"x\"\n{case}\n"));
    let found = report.cases[0].differences.clone();
    found.into_iter().map(|one| (one.what, one.expected, one.found)).collect()
}

#[test]
fn the_example_of_the_format_passes_and_covers_every_line() {
    let cases = r#"
[[case]]
name = "ends the one idle longest"
expect = { evict = ["a"], because = "idle longest" }

[[case]]
name = "all in use"
sessions = ["a idle=10s", "b idle=20s", "c idle=30s"]
expect = { deny = "active use", offer = ["a", "b", "c"], evict = [] }

[[case]]
name = "params of the quota"
params = { protect = "3h" }
expect = { deny = "active use" }

[property]
runs = 300
never = ["POLICY_ERROR", "POLICY_OVER_BUDGET", "POLICY_NOT_ENOUGH_ROOM"]
"#;
    let report = run(PROTECT, cases);
    assert!(report.passed(), "{report:#?}");
    let deciding = report.cases[0].deciding.as_ref().unwrap();
    assert_eq!((deciding.line, deciding.column), (6, 5));
    assert!(deciding.text.starts_with("evict(idle.most_idle"));
    assert_eq!(report.cases[1].line, 13);
    assert!(report.cases.iter().all(|case| case.operations > 5));
    assert_eq!((report.coverage.lines.as_slice(), report.coverage.percent()), (&[4, 5, 6][..], 100));
    let property = report.property.unwrap();
    assert!(property.over_by_more > 80, "{} of 300 need more than one to go", property.over_by_more);
}

#[test]
fn a_line_is_covered_when_all_that_begins_on_it_ran() {
    let report = run(PROTECT, "[[case]]\nname = \"one way only\"\nexpect = { evict = [\"a\"] }\n");
    assert_eq!((report.coverage.missed.as_slice(), report.coverage.percent()), (&[5][..], 66));
    let none = run(PROTECT, "");
    assert_eq!((none.coverage.missed.len(), none.coverage.percent()), (3, 0));
}

#[test]
fn what_differs_is_shown_beside_what_was_expected() {
    let evict = differences(PROTECT, r#"expect = { evict = ["b"], because = "oldest" }"#);
    let expected = [("evict", "[b]", "[a]"), ("because", "oldest", "idle longest")];
    let owned = expected.map(|(what, expected, found)| (what, expected.to_owned(), found.to_owned()));
    assert_eq!(evict, owned);
    let deny = differences(PROTECT, r#"expect = { deny = "active" }"#);
    assert_eq!(deny, [("deny", "active".to_owned(), "evict [a]: idle longest".to_owned())]);
    let tells = r#"fn on_exhausted() { note("why"); deny("no").tell("Sorry.") }"#;
    assert_eq!(differences(tells, r#"expect = { deny = "no", tell = "Sorry", note = ["wh", "y"] }"#), []);
    let told = differences(tells, r#"expect = { told = "Welcome", note = "how" }"#);
    assert_eq!(told.iter().map(|(what, ..)| *what).collect::<Vec<_>>(), ["tell", "note"]);
}

#[test]
fn a_failure_is_expected_by_its_code_or_wrong() {
    let wrong = "fn on_exhausted() { evict(sessions.retained()) }";
    assert_eq!(differences(wrong, r#"expect = { error = "POLICY_NO_VICTIM", evict = [] }"#), []);
    let found = differences(wrong, "expect = { evict = [] }");
    assert_eq!(found, [("error", "none".to_owned(), "POLICY_NO_VICTIM".to_owned())]);
    let missing = differences(PROTECT, r#"expect = { error = "POLICY_ERROR" }"#);
    assert_eq!(missing, [("error", "POLICY_ERROR".to_owned(), "none".to_owned())]);
    // What the host checks: the key is still full, and a hard quota cannot be passed.
    let too_few =
        "fn on_exhausted() { if quota.excess > 1 { return evict(sessions.oldest()); } deny(\"x\") }";
    let case = "limit = 2\nexpect = { deny = \"x\" }";
    assert_eq!(differences(too_few, case), []);
    let allow = "fn on_exhausted() { allow(\"vip\") }";
    assert_eq!(differences(allow, "level = \"soft\"\nexpect = { allow = \"vip\" }"), []);
    assert!(!differences(allow, "expect = { allow = \"vip\" }").is_empty());
}

#[test]
fn a_limit_is_asked_for_and_compared() {
    let source = "fn limit() { if user.in_group(\"vip\") { 10 } else if user.in_group(\"out\") { \"banned\" } else { () } }\nfn on_exhausted() { deny(\"x\") }";
    let groups = |groups: &str, limit: &str| {
        differences(
            source,
            &format!("user = {{ id = \"ann\", groups = [{groups}] }}\nexpect = {{ limit = {limit} }}"),
        )
    };
    assert_eq!(groups("\"vip\"", "10"), []);
    assert_eq!(groups("\"out\"", "\"banned\""), []);
    assert_eq!(groups("", "\"configured\""), []);
    assert_eq!(groups("\"vip\"", "9"), [("limit", "9".to_owned(), "10".to_owned())]);
    let fails = "fn limit() { throw 1 }\nfn on_exhausted() { deny(\"x\") }";
    assert_eq!(differences(fails, "expect = { limit = \"POLICY_ERROR\", deny = \"x\" }"), []);
}

#[test]
fn keys_of_a_case_override_those_of_the_base() {
    let source = r#"fn on_exhausted() {
        deny(`${now.date} ${user.id} ${user.attr("tier")} ${request.ip} ${request.attr("os")} ${quota.limit} ${sessions.count} ${all_sessions.count}`)
    }"#;
    let of_base = "deny = \"2026-01-05 ann  10.0.0.9  3 3 3\"";
    assert_eq!(differences(source, &format!("expect = {{ {of_base} }}")), []);
    let other = r#"now = "2026-02-01T00:00:00+01:00"
limit = 2
user = { id = "bob" }
user_attr = { tier = "gold" }
request = { attr = { os = "linux" } }
sessions = ["a user=ann", "b", "c attr.os=mac retained"]
expect = { deny = "2026-01-31 bob gold  linux 2 3 2" }"#;
    assert_eq!(differences(source, other), []);
}

#[test]
fn sessions_of_others_stay_where_the_quota_protects_them() {
    let source = "fn on_exhausted() { if sessions.is_empty() { return deny(\"none of theirs\"); } evict(sessions.oldest(quota.excess)) }";
    let case = "sessions = [\"a user=bob\", \"b user=bob\", \"c user=bob\"]\n";
    assert_eq!(differences(source, &format!("{case}expect = {{ evict = [\"a\"] }}")), []);
    let protected = format!("{case}evict_others = false\nexpect = {{ deny = \"none of theirs\" }}");
    assert_eq!(differences(source, &protected), []);
}

#[test]
fn mistakes_in_a_file_are_refused_with_their_line() {
    let cases = [
        ("[bse]\n", 1, "unknown key `bse`, did you mean `base`?"),
        ("[base]\nlimt = 3\n", 2, "did you mean `limit`?"),
        ("[base]\nlimit = 0\n", 2, "a number from 1 up"),
        ("[base]\nlevel = \"harsh\"\n", 2, "a level is"),
        ("[base]\nnow = \"yesterday\"\n", 2, "a time is written as"),
        ("[base]\n\nsessions = [\"a\",\n \"b ege=3h\"]\n", 4, "did you mean `age`?"),
        ("[base]\nsessions = [\"a\", \"a\"]\n", 2, "stands there twice"),
        ("[[case]]\nname = \"x\"\nexpect = { evct = [] }\n", 3, "did you mean `evict`?"),
        ("[[case]]\nname = \"x\"\nexpect = { }\n", 3, "expects nothing"),
        ("[[case]]\nname = \"x\"\n", 1, "missing field `expect`"),
        ("[[case]]\nname = \"x\"\nexpect = { error = \"POLICY_EROR\" }\n", 3, "did you mean `POLICY_ERROR`?"),
        ("[[case]]\nname = \"x\"\nexpect = { tell = \"a\", told = \"b\" }\n", 3, "mean the same"),
        ("[property]\nruns = 0\n", 2, "`runs` is 1 to"),
        ("[property]\nruns = 3\nnever = [\"NOTHING\"]\n", 3, "is no code"),
        ("[base\n", 1, ""),
    ];
    for (text, line, reason) in cases {
        let Err(SuiteError::File { line: at, reason: said }) = Suite::read(text) else { panic!("{text}") };
        assert_eq!(at, line, "{text}: {said}");
        assert!(said.contains(reason), "{text}: {said}");
    }
}

#[test]
fn what_cannot_be_is_told_by_case_and_policy() {
    let impossible = "[[case]]\nname = \"old\"\nsessions = [\"a age=3h ttl=1h\"]\nexpect = { evict = [] }\n";
    let error = run_text("p", PROTECT, impossible).unwrap_err().to_string();
    assert!(error.starts_with("line 2: case `old`: session `a` cannot be there"), "{error}");
    let params = "[[case]]\nname = \"x\"\nparams = { protct = 1 }\nexpect = { evict = [] }\n";
    let error = run_text("p", PROTECT, params).unwrap_err().to_string();
    assert!(error.contains("did you mean `protect`?"), "{error}");
    let error = run_text("p", "fn on_exhausted() {", "").unwrap_err();
    assert!(matches!(error, SuiteError::Policy(_)), "{error}");
}

#[test]
fn a_broken_property_prints_a_small_case_that_fails_alike() {
    // Wrong only where more than one must go and a session is retained.
    let source = "fn on_exhausted() {\n    if quota.excess > 1 && sessions.retained().count > 0 { throw 1 }\n    evict(sessions.oldest(quota.excess))\n}";
    let tests = "[property]\nruns = 1000\nseed = 7\nnever = [\"POLICY_ERROR\"]\n";
    let report = run_text("p", source, tests).unwrap();
    let broken = report.property.as_ref().and_then(|property| property.broken.as_ref()).unwrap();
    assert!(!report.passed());
    assert_eq!((broken.code, broken.deciding.as_ref().map(|at| at.line)), ("POLICY_ERROR", Some(2)));
    println!("{}", broken.case);
    let again = run_text("p", source, &broken.case).unwrap();
    assert!(again.passed(), "{:?}\n{}", again.cases, broken.case);
    // Two sessions, a limit of one: nothing can be taken away.
    assert_eq!(broken.case.matches("age=").count(), 2, "{}", broken.case);
    assert!(broken.case.contains("limit = 1\n") && broken.case.matches("retained").count() == 1);
    assert!(!broken.case.contains("attr") && !broken.case.contains("client"), "{}", broken.case);
    // Another seed finds another one, the same seed the same.
    let options = Options { seed: Some(8), ..Options::default() };
    let other = Suite::read(tests).unwrap().run("p", source, &options).unwrap().property.unwrap();
    assert_eq!((other.seed, other.passed()), (8, false));
    let same = run_text("p", source, tests).unwrap().property.unwrap().broken.unwrap();
    assert_eq!((same.run, same.case), (broken.run, broken.case.clone()));
}

#[test]
fn generated_scenarios_reach_what_the_source_compares_with() {
    let wants = [
        "request.client == \"kiosk\"",
        "request.attr(\"os\") == \"linux\"",
        "user.attr(\"os\") == \"linux\"",
        "user.in_group(\"staff\")",
        "request.from(\"192.0.2.0/24\")",
        "request.ip == ()",
        "request.client == ()",
        "sessions.with_attr(\"os\", \"linux\").count > 1",
        "sessions.of_user(\"bob\").count > 0",
        "sessions.distinct(\"ip\") > 3",
        "sessions.retained().count > 1",
        "quota.excess > 3",
        "now.weekday == 7",
        "now.hour == 3",
    ];
    for wanted in wants {
        let source = format!(
            "fn on_exhausted() {{ if {wanted} {{ throw \"linux\" + \"os\" + \"staff\" + \"kiosk\" }} deny(\"x\") }}"
        );
        let report = run_text("p", &source, "[property]\nruns = 500\n").unwrap();
        assert!(!report.passed(), "{wanted} never came");
    }
}

#[test]
fn only_the_cases_named_are_run() {
    let cases = "[[case]]\nname = \"one\"\nexpect = { evict = [\"a\"] }\n[[case]]\nname = \"two\"\nexpect = { evict = [] }\n[property]\nruns = 1\n";
    let options = Options { only: Some("on".to_owned()), ..Options::default() };
    let report = Suite::read(&format!("{BASE}{cases}")).unwrap().run("p", PROTECT, &options).unwrap();
    assert_eq!((report.cases.len(), report.passed(), report.property.is_none()), (1, true, true));
}

#[test]
fn an_install_gate_waits_for_so_many_scenarios_and_no_more() {
    let report = run_text("p", PROTECT, "[property]\nruns = 1000000\n").unwrap();
    assert_eq!(report.property.unwrap().runs, GATE_RUNS_MAX);
    let cases = "[[case]]\nname = \"x\"\nexpect = { evict = [] }\n".repeat(CASES_MAX + 1);
    assert!(Suite::read(&cases).unwrap_err().to_string().contains("more than 1000 cases"));
    assert!(Suite::read(&"#\n".repeat(TESTS_BYTES_MAX)).is_err());
}
