//! The past, imported.

use crate::common::{Ran, folder, run};
use serde_json::Value;
use std::path::Path;

const LOG: &str = "\
Dec 31 23:58:00 gw sshd[101]: session opened for user ann by (uid=0)
Dec 31 23:58:30 gw kernel: something else
Dec 31 23:59:00 gw sshd[102]: pam_unix(sshd:session): session opened for user bob(uid=1000) by (uid=0)
Dec 31 23:59:10 gw sshd[103]: Invalid user session opened for user root by (uid=0) from 192.0.2.9
Jan  1 00:00:10 gw sshd[101]: session closed for user ann
Jan  1 00:00:20 gw sshd[101]: session opened for user cyd by (uid=0)
Jan  1 00:00:30 gw sshd[101]: session opened for user dan by (uid=0)
Jan  1 00:00:40 gw sshd[101]: session closed for user dan
Jan  1 00:00:50 gw su[7]: session closed for user eve
Jan  1 00:01:00 gw su[8]: session opened for user \u{1b}[2Jmallory by (uid=0)
not a line of a log
Jan  1 06:00:00 gw kernel: the end
Jan  1 06:00:00 gw sshd[104]: session opened for user ann by (uid=0)
Jan  1 06:00:00 gw sshd[104]: session closed for user ann
";

fn import(dir: &Path, args: &[&str]) -> (Ran, Value) {
    let ran = run(dir, &[&["import", "--output", "json"], args].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = serde_json::from_str(&ran.stdout).unwrap();
    (ran, report)
}

fn sessions(dir: &Path, data: &str) -> Vec<(String, String)> {
    let ran = run(dir, &["sessions", "--data", data, "--output", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let page: Value = serde_json::from_str(&ran.stdout).unwrap();
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    page["sessions"].as_array().unwrap().iter().map(|one| (text(one, "session"), text(one, "user"))).collect()
}

fn pair(session: &str, user: &str) -> (String, String) {
    (session.to_owned(), user.to_owned())
}

#[test]
fn a_system_log_is_imported_with_exact_figures() {
    let dir = folder(&[("auth.log", LOG)]);
    let (_, report) =
        import(dir.path(), &["--format", "syslog", "--year", "2025", "--data", "past", "auth.log"]);
    for (key, expected) in [
        ("lines", 14),
        ("skipped", 4),
        ("pairs", 3),
        ("opens_without_close", 2),
        ("closes_without_open", 1),
        ("reused_ids", 2),
        ("assumed", 0),
    ] {
        assert_eq!(report[key], expected, "{key} in {report}");
    }
    assert_eq!(report["outcomes"]["admitted"], 5);
    assert_eq!(report["outcomes"]["logged_out"], 3);
    assert_eq!(report["outcomes"]["rejected"], 1, "a name with control characters");
    assert_eq!(report["first_at"], "2025-12-31T23:58:00.000Z");
    assert_eq!(report["last_at"], "2026-01-01T06:00:00.000Z");
    assert_eq!(sessions(dir.path(), "past"), [pair("gw/sshd[102]", "bob"), pair("gw/sshd[101]#2", "cyd")]);
    let events =
        run(dir.path(), &["events", "--data", "past", "--type", "login.admitted", "--output", "json"]);
    let first: Value = serde_json::from_str(events.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(first["actor"], "import:auth.log");
    assert_eq!(first["request_id"], "1");
    assert_eq!(first["at"], "2025-12-31T23:58:00.000Z");
    assert_eq!(run(dir.path(), &["ledger", "verify", "--data", "past"]).code, 0);
}

#[test]
fn ends_are_assumed_only_when_asked_for() {
    let dir = folder(&[("auth.log", LOG)]);
    let base = ["--format", "syslog", "--year", "2025", "auth.log", "--data"];
    let (_, report) = import(dir.path(), &[&base[..], &["hour", "--assume-end", "1h"]].concat());
    assert_eq!(
        (&report["assumed"], &report["opens_without_close"]),
        (&Value::from(2), &Value::from(2)),
        "{report}"
    );
    assert_eq!(sessions(dir.path(), "hour"), []);
    let ended = run(dir.path(), &["events", "--data", "hour", "--user", "bob", "--output", "json"]);
    let last: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&last["at"], &last["cause"]), (&"2026-01-01T00:59:00.000Z".into(), &"assumed".into()));
    assert_eq!(
        (&last["actor"], &last["request_id"]),
        (&"import:auth.log".into(), &"3".into()),
        "its login's"
    );
    let (_, report) = import(dir.path(), &[&base[..], &["day", "--assume-end", "1d"]].concat());
    assert_eq!(report["assumed"], 0, "they may still have been open when the log ends");
    let (_, report) = import(dir.path(), &[&base[..], &["last", "--assume-end", "last"]].concat());
    assert_eq!(report["assumed"], 2);
    assert_eq!(sessions(dir.path(), "last"), []);
}

#[test]
fn a_log_without_a_year_is_refused_by_its_line() {
    let dir = folder(&[("auth.log", LOG)]);
    let ran = run(dir.path(), &["import", "--format", "syslog", "--data", "past", "auth.log"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.starts_with("error: auth.log:1: carries no year"), "{}", ran.stderr);
    assert!(!dir.path().join("past").exists());
}

const MORNING: &str = r#"{"at":"2026-11-20T08:00:00Z","op":"login","user":"ann","session":"a1"}
{"at":"2026-11-20T09:00:00Z","op":"login","user":"ann","session":"a2"}
{"at":"2026-11-20T11:00:00Z","op":"logout","user":"ann","session":"a1"}
"#;
const OFFICE: &str = r#"{"at":"2026-11-20T08:30:00Z","op":"login","user":"bob","session":"b1"}
{"at":"2026-11-20T10:00:00Z","op":"login","user":"ann","session":"a3"}
{"at":"2026-11-20T11:00:00Z","op":"logout","user":"zoe","session":"z"}
"#;
const TIGHT: &str = "[[quota]]\nname = \"q\"\nmax_sessions = 1\non_exhausted = \"destroy_oldest\"\n";

#[test]
fn recordings_are_merged_by_time_and_quotas_only_advise() {
    let dir = folder(&[("one.jsonl", MORNING), ("two.jsonl", OFFICE), ("tight.toml", TIGHT)]);
    let args = ["--config", "tight.toml", "--data", "past", "one.jsonl", "two.jsonl"];
    let (_, report) = import(dir.path(), &args);
    assert_eq!((&report["advised"], &report["pairs"]), (&Value::from(2), &Value::from(1)), "{report}");
    assert_eq!(
        (&report["closes_without_open"], &report["lines"]),
        (&Value::from(1), &Value::from(6)),
        "{report}"
    );
    assert_eq!(sessions(dir.path(), "past"), [pair("b1", "bob"), pair("a2", "ann"), pair("a3", "ann")]);
    let events =
        run(dir.path(), &["events", "--data", "past", "--type", "login.*,session.*", "--output", "json"]);
    let seen: Vec<String> = events
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|event| {
            format!(
                "{} {}:{}",
                event["session"].as_str().unwrap(),
                event["actor"].as_str().unwrap(),
                event["request_id"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            "a1 import:one.jsonl:1",
            "b1 import:two.jsonl:1",
            "a2 import:one.jsonl:2",
            "a3 import:two.jsonl:2",
            "a1 import:one.jsonl:3"
        ]
    );
}

#[test]
fn enforced_quotas_evict_as_they_would_have() {
    let dir = folder(&[("one.jsonl", MORNING), ("two.jsonl", OFFICE), ("tight.toml", TIGHT)]);
    let args = ["--enforce", "--config", "tight.toml", "--data", "past", "one.jsonl", "two.jsonl"];
    import(dir.path(), &args);
    assert_eq!(sessions(dir.path(), "past"), [pair("b1", "bob"), pair("a3", "ann")]);
}

#[test]
fn an_idle_time_that_is_configured_ends_sessions_of_the_past() {
    let dir = folder(&[("one.jsonl", MORNING), ("idle.toml", "[sessions]\nidle = \"30m\"\n")]);
    let (_, report) = import(dir.path(), &["--config", "idle.toml", "--data", "past", "one.jsonl"]);
    assert_eq!(
        (&report["pairs"], &report["opens_without_close"]),
        (&Value::from(0), &Value::from(0)),
        "{report}"
    );
    let events = run(dir.path(), &["events", "--data", "past", "--type", "session.ended"]);
    assert_eq!(events.stdout.matches(" cause=idle").count(), 2, "{events:?}");
    assert!(events.stdout.contains("session=a1"), "{events:?}");
}

#[test]
fn the_past_goes_into_a_ledger_of_its_own() {
    let dir = folder(&[("one.jsonl", MORNING), ("full/other.txt", "x")]);
    import(dir.path(), &["--data", "past", "one.jsonl"]);
    let ran = run(dir.path(), &["import", "--data", "past", "one.jsonl"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("holds a ledger already"), "{}", ran.stderr);
    let ran = run(dir.path(), &["import", "--data", "full", "one.jsonl"]);
    assert!(ran.code == 1 && ran.stderr.contains("is not empty"), "{ran:?}");
    let ran = run(dir.path(), &["import", "one.jsonl"]);
    assert!(ran.code == 2 && ran.stderr.contains("--data DIR is missing"), "{ran:?}");
}

#[test]
fn a_damaged_ledger_is_told_by_exit_code_3() {
    let dir = folder(&[("one.jsonl", MORNING)]);
    import(dir.path(), &["--data", "past", "one.jsonl"]);
    assert_eq!(run(dir.path(), &["ledger", "verify", "--data", "past"]).stdout.lines().last(), Some("whole"));
    let stats = run(dir.path(), &["ledger", "stats", "--data", "past", "--output", "json"]);
    let stats: Value = serde_json::from_str(&stats.stdout).unwrap();
    assert_eq!((&stats["sessions"], &stats["users"]), (&Value::from(1), &Value::from(1)), "{stats}");
    // Every block of the only volume is overwritten.
    let db = dir.path().join("past/volumes/000001/db");
    let bytes = std::fs::read(&db).unwrap();
    std::fs::write(&db, vec![0_u8; bytes.len()]).unwrap();
    let ran = run(dir.path(), &["ledger", "verify", "--data", "past", "--output", "json"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let verified: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(verified["ok"], false);
    assert_eq!(verified["problems"][0]["kind"], "lost");
    let salvaged = run(dir.path(), &["ledger", "salvage", "--data", "past"]);
    assert!(salvaged.code == 0 && salvaged.stdout.starts_with("lost: events 1 to "), "{salvaged:?}");
}

/// Logs from the real world, where they are at hand: see `SLEDGER_TEST_DATA`.
#[test]
fn real_logs_are_imported_whole() {
    let Some(data) = std::env::var_os("SLEDGER_TEST_DATA") else {
        println!("SLEDGER_TEST_DATA is not set: Linux_2k.log and OpenSSH_2k.log are not tried");
        return;
    };
    let dir = folder(&[]);
    let log = |name: &str| Path::new(&data).join("loghub").join(name).display().to_string();
    let linux = log("Linux_2k.log");
    let (_, report) =
        import(dir.path(), &["--format", "syslog", "--year", "2005", "--data", "linux", &linux]);
    assert_eq!(
        (&report["pairs"], &report["opens_without_close"]),
        (&Value::from(123), &Value::from(0)),
        "{report}"
    );
    assert_eq!(report["outcomes"]["admitted"], 123);
    let hostile = log("OpenSSH_2k.log");
    let (_, report) =
        import(dir.path(), &["--format", "syslog", "--year", "2005", "--data", "ssh", &hostile]);
    assert_eq!((&report["pairs"], &report["lines"]), (&Value::from(1), &Value::from(2000)), "{report}");
}
