//! `policy test` and `policy bench`.

use crate::common::{Ran, folder, run};
use serde_json::Value;

const POLICY: &str = "fn on_exhausted() {\n    if quota.excess > 1 { return deny(\"too many\"); }\n    evict(sessions.oldest()).because(\"oldest\")\n}\n";
const GOOD: &str = "[base]\nlimit = 2\nsessions = [\"a age=3h\", \"b age=2h\"]\n[[case]]\nname = \"oldest goes\"\nexpect = { evict = [\"a\"] }\n[[case]]\nname = \"two too many\"\nlimit = 1\nexpect = { deny = \"too many\" }\n[property]\nruns = 50\nnever = [\"POLICY_ERROR\"]\n";

fn test(files: &[(&str, &str)], args: &[&str]) -> Ran {
    run(folder(files).path(), &[&["policy", "test"], args].concat())
}

fn json(files: &[(&str, &str)], args: &[&str]) -> (i32, Value) {
    let ran = test(files, &[args, &["--output", "json"]].concat());
    (ran.code, serde_json::from_str(&ran.stdout).unwrap())
}

#[test]
fn all_of_the_policies_folder_are_found_and_pass() {
    let files =
        [("policies/keep.rhai", POLICY), ("policies/keep.test.toml", GOOD), ("policies/notes.md", "x")];
    let ran = test(&files, &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[0], "policies/keep.rhai");
    assert!(lines[1].starts_with("  ok    oldest goes ("), "{}", lines[1]);
    assert!(lines[3].starts_with("  ok    property: 50 scenarios from seed 24301, "), "{}", lines[3]);
    assert_eq!(lines[4], "  coverage 100 % of 2 lines");
    assert_eq!(lines[5], "policies: 1, failed: 0; cases: 2, failed: 0; generated scenarios: 50");
    let moved = [
        ("sledger.toml", "[policies]\nfolder = \"mine\"\n"),
        ("mine/keep.rhai", POLICY),
        ("mine/keep.test.toml", GOOD),
    ];
    assert_eq!(test(&moved, &[]).code, 0);
}

#[test]
fn a_failing_case_shows_both_sides_and_the_line_that_decided() {
    let bad = GOOD.replace("evict = [\"a\"]", "evict = [\"b\"], because = \"newest\"");
    let files = [("keep.rhai", POLICY), ("keep.test.toml", &*bad)];
    let ran = test(&files, &["keep.rhai"]);
    assert_eq!(ran.code, 1);
    let expected = "\
  FAIL  oldest goes (keep.test.toml:5)
                  expected                          found
        evict     [b]                               [a]
        because   newest                            oldest
        line 3    evict(sessions.oldest()).because(\"oldest\")
";
    assert!(ran.stdout.contains(expected), "{}", ran.stdout);
    let (code, json) = json(&files, &["keep.test.toml"]);
    assert_eq!((code, &json["ok"]), (1, &Value::Bool(false)));
    let case = &json["policies"][0]["cases"][0];
    assert_eq!(case["differences"][0]["found"], "[a]");
    assert_eq!(case["deciding"]["line"], 3);
    assert_eq!(test(&files, &["keep.rhai", "--case", "two"]).code, 0);
}

#[test]
fn mistakes_that_check_finds_fail_before_any_case() {
    let wrong = "fn on_exhausted() {\n    evict(sessions.oldst())\n}\n";
    let ran = test(&[("keep.rhai", wrong), ("keep.test.toml", GOOD)], &["."]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stdout.contains("keep.rhai:2:20: unknown: a set of sessions has no `oldst`"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("oldest goes"));
}

#[test]
fn coverage_under_the_least_fails() {
    let half =
        "[base]\nlimit = 1\nsessions = [\"a\"]\n[[case]]\nname = \"x\"\nexpect = { evict = [\"a\"] }\n";
    let files = [("keep.rhai", POLICY), ("keep.test.toml", half)];
    assert_eq!(test(&files, &["keep.rhai"]).code, 0);
    let ran = test(&files, &["keep.rhai", "--coverage-min", "80"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("  coverage 50 % of 2 lines; not run: 2\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("is under 80 %"));
    assert_eq!(test(&files, &["keep.rhai", "--coverage-min", "50"]).code, 0);
    assert_eq!(test(&files, &["keep.rhai", "--coverage-min", "101"]).code, 2);
}

#[test]
fn a_broken_property_is_a_case_to_paste_and_a_seed_can_be_given() {
    let source = "fn on_exhausted() {\n    if quota.excess > 2 { throw 1 }\n    evict(sessions.oldest(quota.excess))\n}\n";
    let tests = "[property]\nruns = 200\nnever = [\"POLICY_ERROR\"]\n";
    let ran = test(&[("keep.rhai", source), ("keep.test.toml", tests)], &["keep.rhai", "--seed", "3"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stdout.contains("of seed 3\n") && ran.stdout.contains("as a case:\n[[case]]\n"),
        "{}",
        ran.stdout
    );
    let case = ran.stdout.split_once("as a case:\n").unwrap().1.split_once("  coverage").unwrap().0;
    let again = test(&[("keep.rhai", source), ("keep.test.toml", case)], &["keep.rhai"]);
    assert_eq!(again.code, 0, "{}\n{case}", again.stdout);
}

#[test]
fn policies_without_tests_warn_and_tests_without_a_policy_fail() {
    let ran = test(&[("keep.rhai", POLICY)], &["."]);
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("warning: `./keep.rhai` has no tests"), "{}", ran.stderr);
    let ran = test(&[("gone.test.toml", GOOD)], &["."]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("`./gone.test.toml` has no policy `./gone.rhai` beside it"),
        "{}",
        ran.stderr
    );
    assert_eq!(test(&[("a.txt", "")], &["a.txt"]).code, 2);
    assert_eq!(test(&[], &["nowhere.rhai"]).code, 2);
}

#[test]
fn a_mistake_in_a_file_of_tests_names_its_line() {
    let files = [("keep.rhai", POLICY), ("keep.test.toml", "[base]\nlimt = 2\n")];
    let ran = test(&files, &["keep.rhai"]);
    assert_eq!(ran.code, 1);
    let said = "keep.test.toml:2: unknown key `limt`, did you mean `limit`?";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
}

#[test]
fn junit_is_well_formed_whatever_names_hold() {
    let bad = GOOD
        .replace("oldest goes", "a \\\"<&> \\u001b[2J \\uFFFF")
        .replace("evict = [\"a\"]", "evict = [\"b\"]");
    let dir = folder(&[("keep.rhai", POLICY), ("keep.test.toml", &bad), ("lost.test.toml", "")]);
    let ran = run(dir.path(), &["policy", "test", ".", "--junit", "report.xml"]);
    assert_eq!(ran.code, 1);
    assert!(!ran.stdout.contains('\u{1b}'));
    let xml = std::fs::read_to_string(dir.path().join("report.xml")).unwrap();
    assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites"), "{xml}");
    assert!(xml.contains("tests=\"5\" failures=\"2\""), "{xml}");
    assert!(xml.contains("name=\"a &quot;&lt;&amp;&gt; \\u{1b}[2J \\u{ffff}\""), "{xml}");
    assert!(xml.contains("evict: expected `[b]`, found `[a]`"), "{xml}");
    assert!(xml.chars().all(|c| c == '\n' || !c.is_control()));
    assert_eq!(xml.matches("<testcase").count(), 5);
    assert_eq!(xml.matches("<failure").count(), xml.matches("</failure>").count());
}

#[test]
fn bench_measures_files_and_names_beside_a_policy_that_does_nothing() {
    let files = [("keep.rhai", POLICY), ("policies/mine.rhai", "fn on_exhausted() { loop { } }")];
    let dir = folder(&files);
    for (policy, outcome) in [("keep.rhai", "evict"), ("mine", "POLICY_OVER_BUDGET"), ("deny_access", "deny")]
    {
        let ran = run(dir.path(), &["policy", "bench", policy, "--asks", "10"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let lines: Vec<&str> = ran.stdout.lines().collect();
        assert_eq!(lines[1], "sessions  operations     min µs  median µs     p99 µs  × empty");
        for (line, sessions) in lines[2..].iter().zip(["5", "100", "1000"]) {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!((words[0], words[6], words.len()), (sessions, outcome, 7), "{line}");
        }
    }
    let ran = run(dir.path(), &["policy", "bench", "destroy_oldest", "--asks", "10", "--output", "json"]);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    let sizes = json["sizes"].as_array().unwrap();
    assert_eq!(sizes.iter().map(|size| &size["operations"]).collect::<Vec<_>>(), [19, 19, 19]);
    assert!(sizes[0]["nanoseconds"]["min"].as_u64() <= sizes[0]["nanoseconds"]["p99"].as_u64());
    assert!(sizes[0]["ratio_tenths"].as_u64().is_some());
    assert_eq!(run(dir.path(), &["policy", "bench", "nowhere"]).code, 2);
}
