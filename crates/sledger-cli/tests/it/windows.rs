//! `import --format windows`: Security logs of made-up machines.

use crate::common::{Ran, folder, run};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// A log as `winlogbeat` would send it: one object a line.
fn log(events: &[Value]) -> String {
    events.iter().fold(String::new(), |mut text, event| {
        writeln!(text, "{event}").unwrap();
        text
    })
}

/// An event `id` at this second of a morning, about `user` under a logon id.
fn event(id: u32, second: u32, user: &str, logon_id: &str, computer: &str) -> Value {
    json!({
        "@timestamp": format!("2026-11-20T08:{:02}:{:02}Z", second / 60, second % 60),
        "winlog": {"event_id": id, "record_id": second, "computer_name": computer, "event_data": {
            "TargetUserName": user, "TargetDomainName": "EXAMPLE", "TargetLogonId": logon_id,
            "LogonType": "2", "IpAddress": "-",
        }},
    })
}

fn import(dir: &Path, args: &[&str]) -> (Ran, Value) {
    let ran = run(dir, &[&["import", "--format", "windows", "--output", "json"], args].concat());
    let report = serde_json::from_str(&ran.stdout).unwrap_or(Value::Null);
    (ran, report)
}

#[test]
fn a_morning_of_logons_becomes_sessions() {
    let mut domain_differs = event(4634, 50, "Ann", "0x11", "desk-1");
    domain_differs["winlog"]["event_data"]["TargetDomainName"] = json!("EXAMPLE.LOCAL");
    let mut guid = event(4624, 60, "bob", "0x12", "desk-1");
    guid["winlog"]["event_data"]["LogonGuid"] = json!("{AAAA0000-0000-0000-0000-00000000000B}");
    let events = [
        event(4624, 1, "ann", "0x11", "desk-1"),
        // The same logon id on another machine is another session.
        event(4624, 2, "ann", "0x11", "desk-2"),
        event(4624, 3, "DESK-1$", "0x3e7", "desk-1"),
        event(4624, 4, "SYSTEM", "0x3e7", "desk-1"),
        // Asked for by the user; what follows ends nothing more.
        event(4647, 40, "ann", "0x11", "desk-2"),
        event(4634, 41, "ann", "0x11", "desk-2"),
        domain_differs,
        event(4634, 55, "eve", "0x99", "desk-1"),
        guid,
        event(4625, 61, "bob", "0x0", "desk-1"),
        // Started anew: the logon id comes again.
        event(4624, 70, "ann", "0x12", "desk-1"),
    ];
    let dir = folder(&[("morning.jsonl", &log(&events))]);
    let (ran, report) = import(dir.path(), &["--data", "past", "morning.jsonl"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let counts =
        ["lines", "skipped", "system_accounts", "pairs", "opens_without_close", "closes_without_open"];
    let counts = counts.map(|key| report[key].as_u64().unwrap());
    assert_eq!(counts, [11, 1, 2, 2, 2, 1], "{report}");
    assert_eq!(report["reused_ids"], 1, "{report}");
    let events =
        run(dir.path(), &["events", "--data", "past", "--output", "json", "--type", "login.admitted"]);
    let first: Value = serde_json::from_str(events.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(first["user"], "EXAMPLE\\ann");
    assert_eq!(first["session"], "desk-1/0x11/2026-11-20T08:00:01.000Z");
    assert_eq!(
        (&first["client"], &first["source"], &first["ip"]),
        (&json!("interactive"), &json!("desk-1"), &json!(null))
    );
    assert_eq!((&first["actor"], &first["request_id"]), (&json!("import:morning.jsonl"), &json!("1")));
    assert!(events.stdout.contains("desk-1/0x12/aaaa0000-0000-0000-0000-00000000000b"), "{}", events.stdout);
}

#[test]
fn a_log_that_is_none_is_refused_and_nothing_is_made() {
    let dir = folder(&[("a.xml", "<Events>\n<Event><!DOCTYPE x></Event></Events>"), ("b.txt", "hello")]);
    let (ran, _) = import(dir.path(), &["--data", "past", "a.xml"]);
    assert!(ran.code == 1 && ran.stderr.starts_with("error: a.xml:2: "), "{ran:?}");
    let (ran, _) = import(dir.path(), &["--data", "past", "b.txt"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, "error: b.txt:1: is neither XML nor JSON\n"));
    assert!(!dir.path().join("past").exists());
}

/// Logs from the real world, where they are at hand: see `SLEDGER_TEST_DATA`.
#[test]
fn real_security_logs_are_imported_whole() {
    let Some(data) = std::env::var_os("SLEDGER_TEST_DATA") else {
        println!("SLEDGER_TEST_DATA is not set: the logs in otrf/ are not tried");
        return;
    };
    let dir = folder(&[]);
    let logs = std::fs::read_dir(Path::new(&data).join("otrf")).unwrap().map(|entry| entry.unwrap().path());
    for (index, log) in logs.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).enumerate() {
        let text = std::fs::read_to_string(&log).unwrap();
        let people = |id: u32| {
            let is_person = |event: &Value| {
                let user = event["TargetUserName"].as_str().unwrap_or_default();
                event["EventID"] == id
                    && !user.ends_with('$')
                    && !["S-1-5-18", "S-1-5-7"].contains(&event["TargetUserSid"].as_str().unwrap_or_default())
                    && !user.starts_with("DWM-")
                    && !user.starts_with("UMFD-")
                    && !user.contains(" SERVICE")
            };
            text.lines()
                .filter(|line| serde_json::from_str::<Value>(line).is_ok_and(|event| is_person(&event)))
                .count()
        };
        let data = format!("past-{index}");
        let (ran, report) = import(dir.path(), &["--data", &data, log.to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(report["outcomes"]["admitted"].as_u64().unwrap_or(0), people(4624) as u64, "{report}");
        let ends = report["pairs"].as_u64().unwrap() + report["closes_without_open"].as_u64().unwrap();
        assert!(ends <= (people(4634) + people(4647)) as u64 && ends > 0, "{report}");
        let whole = run(dir.path(), &["ledger", "verify", "--data", &data]);
        assert_eq!(whole.stdout.lines().last(), Some("whole"));
    }
}
