//! `import --format radius`: accounting of made-up servers.

use crate::common::{folder, run};
use serde_json::Value;
use std::path::Path;

const DETAIL: &str = "\
Fri Nov 20 08:00:00 2026
\tAcct-Session-Id = \"A1\"
\tAcct-Status-Type = Start
\tUser-Name = \"ann\"
\tNAS-IP-Address = 192.0.2.10
\tNAS-Port-Type = Wireless-802.11
\tFramed-IP-Address = 198.51.100.7
\tCalling-Station-Id = \"02-00-00-00-00-01\"
\tTimestamp = 1795161600

Fri Nov 20 08:10:00 2026
\tAcct-Session-Id = \"A1\"
\tAcct-Status-Type = Interim-Update
\tUser-Name = \"ann\"
\tNAS-IP-Address = 192.0.2.10
\tTimestamp = 1795162200

Fri Nov 20 08:11:00 2026
\tAcct-Session-Id = \"B7\"
\tAcct-Status-Type = Interim-Update
\tAcct-Session-Time = 3600
\tUser-Name = \"bob\"
\tNAS-IP-Address = 192.0.2.11
\tTimestamp = 1795162260

Fri Nov 20 08:20:00 2026
\tAcct-Session-Id = \"A1\"
\tAcct-Status-Type = Stop
\tAcct-Terminate-Cause = User-Request
\tUser-Name = \"ann\"
\tNAS-IP-Address = 192.0.2.10
\tTimestamp = 1795162800

Fri Nov 20 08:21:00 2026
\tAcct-Session-Id = \"C9\"
\tAcct-Status-Type = Stop
\tUser-Name = \"cyd\"
\tNAS-IP-Address = 192.0.2.10
\tTimestamp = 1795162860

Fri Nov 20 08:22:00 2026
\tAcct-Session-Id = \"A2\"
\tAcct-Status-Type = Start
\tUser-Name = \"ann\"
\tNAS-IP-Address = 192.0.2.10
\tTimestamp = 1795162920

Fri Nov 20 08:30:00 2026
\tAcct-Status-Type = Accounting-On
\tNAS-IP-Address = 192.0.2.10
\tTimestamp = 1795163400

";

fn import(dir: &Path, args: &[&str]) -> Value {
    let ran = run(dir, &[&["import", "--output", "json"], args].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

fn events(dir: &Path, data: &str) -> Vec<Value> {
    let types = "login.*,session.*,source.*";
    let ran = run(dir, &["events", "--data", data, "--type", types, "--output", "json"]);
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_morning_of_accounting_becomes_sessions() {
    let dir = folder(&[("detail", DETAIL)]);
    let report = import(dir.path(), &["--data", "past", "detail"]);
    for (key, expected) in [
        ("lines", 7),
        ("skipped", 0),
        ("broken", 0),
        ("pairs", 1),
        ("gone", 1),
        ("closes_without_open", 1),
        ("opens_without_close", 1),
    ] {
        assert_eq!(report[key], expected, "{key} in {report}");
    }
    assert_eq!(report["terminate_causes"]["User-Request"], 1);
    assert_eq!(report["outcomes"]["adopted"], 1);
    assert_eq!(report["remarks"][0], "detail:34: Stop of `C9` on `192.0.2.10`, which never began here");
    let events = events(dir.path(), "past");
    let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let told: Vec<String> = events
        .iter()
        .map(|event| format!("{} {} {}", text(event, "type"), text(event, "session"), text(event, "cause")))
        .collect();
    assert_eq!(
        told,
        [
            "login.admitted 192.0.2.10/A1 ",
            "session.touched 192.0.2.10/A1 ",
            "session.adopted 192.0.2.11/B7 ",
            "source.adopted  ",
            "session.ended 192.0.2.10/A1 logout",
            "login.admitted 192.0.2.10/A2 ",
            "session.ended 192.0.2.10/A2 reconciled",
            "source.reconciled  ",
        ]
    );
    for (key, expected) in [
        ("actor", "import:detail"),
        ("request_id", "1"),
        ("source", "192.0.2.10"),
        ("client", "wireless-802.11"),
        ("ip", "198.51.100.7"),
        ("at", "2026-11-20T08:00:00.000Z"),
    ] {
        assert_eq!(events[0][key], expected, "{}", events[0]);
    }
    let ran = run(dir.path(), &["sessions", "--data", "past", "--output", "json"]);
    let page: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        page["sessions"][0]["started"], "2026-11-20T07:11:00.000Z",
        "begun an hour before it was first heard of"
    );
    assert_eq!(run(dir.path(), &["ledger", "verify", "--data", "past"]).code, 0);
}

#[test]
fn an_import_written_as_a_recording_is_decided_the_same_again() {
    let dir = folder(&[("detail", DETAIL)]);
    import(dir.path(), &["--data", "past", "detail"]);
    let recording = run(dir.path(), &["export", "--data", "past", "--format", "recording"]);
    std::fs::write(dir.path().join("again.jsonl"), &recording.stdout).unwrap();
    let again = run(dir.path(), &["sessions", "--recording", "again.jsonl"]);
    assert_eq!(again.stdout, run(dir.path(), &["sessions", "--data", "past"]).stdout);
}

#[test]
fn a_session_begins_in_one_file_and_ends_in_the_next() {
    let (first, second) = DETAIL.split_at(DETAIL.find("Fri Nov 20 08:10").unwrap());
    let dir = folder(&[("detail-20261119", first), ("detail-20261120", second)]);
    let report = import(dir.path(), &["--data", "past", "detail-20261119", "detail-20261120"]);
    assert_eq!(
        (&report["pairs"], &report["outcomes"]["touched"]),
        (&Value::from(1), &Value::from(1)),
        "{report}"
    );
}

#[test]
fn a_broken_line_stops_the_import_by_its_place() {
    let dir = folder(&[("detail", &DETAIL.replace("\tUser-Name = \"bob\"", "\tUser-Name = \"bob"))]);
    let ran = run(dir.path(), &["import", "--data", "past", "detail"]);
    assert!(
        ran.code == 1 && ran.stderr.contains("error: detail:22: `User-Name = \"bob` is no attribute"),
        "{ran:?}"
    );
    assert!(!dir.path().join("past").exists());
}

#[test]
fn files_of_several_kinds_are_told_apart_and_merged() {
    let log = "2026-11-20T08:05:00Z gw sshd[7]: session opened for user eve by (uid=0)\n";
    let recording = "{\"at\":\"2026-11-20T08:06:00Z\",\"op\":\"login\",\"user\":\"dan\",\"session\":\"d\"}\n";
    let dir = folder(&[("detail", DETAIL), ("auth.log", log), ("day.jsonl", recording)]);
    let ran = run(dir.path(), &["import", "--data", "past", "detail", "auth.log", "day.jsonl"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for said in ["detail: read as radius;", "auth.log: read as syslog;", "day.jsonl: read as recording;"] {
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    let users: Vec<String> =
        events(dir.path(), "past").iter().map(|event| event["user"].to_string()).take(3).collect();
    assert_eq!(users, ["\"ann\"", "\"eve\"", "\"dan\""]);
}
