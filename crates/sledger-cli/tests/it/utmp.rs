//! `import --format utmp`: records of made-up machines, and how `last` reads the same.

use crate::common::{Ran, folder, run};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// 2026-11-20 08:00 UTC.
const EIGHT: u32 = 1_795_161_600;

/// A record as x86-64 writes it: type, process, line, id, user, host, so many seconds after eight.
fn record(kind: u16, process: u32, texts: [&str; 4], second: u32) -> Vec<u8> {
    let mut record = vec![0; 384];
    let mut at = |at: usize, bytes: &[u8]| record[at..at + bytes.len()].copy_from_slice(bytes);
    at(0, &kind.to_le_bytes());
    at(4, &process.to_le_bytes());
    [8, 40, 44, 76].into_iter().zip(texts).for_each(|(to, text)| at(to, text.as_bytes()));
    at(340, &(EIGHT + second).to_le_bytes());
    if !texts[3].is_empty() {
        at(348, &[198, 51, 100, 7]);
    }
    record
}

/// A day of a machine: it starts, people come and go, one leaves without a word, it stops, starts, and falls over.
fn day() -> Vec<u8> {
    let reboot = ["~", "~~", "reboot", "6.1.0"];
    [
        record(2, 0, reboot, 0),
        record(1, 53, ["~", "~~", "runlevel", "6.1.0"], 1),
        record(6, 700, ["tty1", "1", "LOGIN", ""], 2),
        record(7, 700, ["tty1", "1", "ann", ""], 60),
        record(7, 810, ["pts/0", "ts/0", "bob", "desk.example"], 120),
        record(8, 810, ["pts/0", "ts/0", "", ""], 600),
        record(7, 820, ["pts/0", "ts/0", "cyd", "desk.example"], 700),
        // Nobody wrote down that cyd left.
        record(7, 830, ["pts/0", "ts/0", "dan", "desk.example"], 1300),
        record(1, 0, ["~", "~~", "shutdown", "6.1.0"], 2000),
        record(2, 0, reboot, 2100),
        record(7, 600, ["pts/1", "ts/1", "eve", "\u{1b}[2J"], 2200),
        // It fell over.
        record(2, 0, reboot, 3000),
        record(7, 600, ["tty2", "2", "ann", ""], 3100),
    ]
    .concat()
}

fn import(dir: &Path, args: &[&str]) -> (Ran, Value) {
    let ran = run(dir, &[&["import", "--output", "json"], args].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = serde_json::from_str(&ran.stdout).unwrap();
    (ran, report)
}

fn events(dir: &Path, data: &str) -> Vec<Value> {
    let ran = run(dir, &["events", "--data", data, "--output", "json"]);
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Sessions as `user line start cause end`.
fn lives(dir: &Path, data: &str) -> Vec<String> {
    let events = events(dir, data);
    let of = |kind: &'static str| events.iter().filter(move |event| event["type"] == kind);
    let mut lives: Vec<String> = of("login.admitted")
        .map(|login| {
            let session = login["session"].as_str().unwrap();
            let line = session.strip_prefix("wtmp/").unwrap().rsplit_once('/').unwrap().0;
            let mut life = format!("{} {line} {}", login["user"].as_str().unwrap(), clock(&login["at"]));
            if let Some(end) = of("session.ended").find(|end| end["number"] == login["number"]) {
                write!(life, " {} {}", end["cause"].as_str().unwrap(), clock(&end["ended_at"])).unwrap();
            }
            life
        })
        .collect();
    lives.sort();
    lives
}

fn clock(at: &Value) -> String {
    at.as_str().unwrap()[11..19].to_owned()
}

#[test]
fn a_day_of_a_machine_becomes_sessions_with_their_ends() {
    let dir = folder(&[]);
    std::fs::write(dir.path().join("wtmp"), day()).unwrap();
    let (ran, report) = import(dir.path(), &["--data", "past", "wtmp"]);
    assert_eq!(ran.stderr, "wtmp: read as utmp; --format says otherwise\n");
    let lives = lives(dir.path(), "past");
    assert_eq!(
        lives,
        [
            "ann tty1 08:01:00 reconciled 08:33:20",
            "ann tty2 08:51:40",
            "bob pts/0 08:02:00 logout 08:10:00",
            "cyd pts/0 08:11:40 assumed 08:21:40",
            "dan pts/0 08:21:40 reconciled 08:33:20",
            "eve pts/1 08:36:40 reconciled 08:50:00",
        ]
    );
    for (key, expected) in [
        ("lines", 13),
        ("skipped", 2),
        ("broken", 0),
        ("moved", 0),
        ("pairs", 1),
        ("gone", 3),
        ("assumed", 1),
        ("opens_without_close", 2),
        ("closes_without_open", 0),
    ] {
        assert_eq!(report[key], expected, "{key} in {report}");
    }
    let events = events(dir.path(), "past");
    let bob = events.iter().find(|event| event["user"] == "bob").unwrap();
    for (key, expected) in [
        ("actor", "import:wtmp"),
        ("request_id", "5"),
        ("source", "wtmp"),
        ("client", "pts"),
        ("ip", "198.51.100.7"),
        ("session", "wtmp/pts/0/2026-11-20T08:02:00.000Z"),
    ] {
        assert_eq!(bob[key], expected, "{bob}");
    }
    assert_eq!(run(dir.path(), &["ledger", "verify", "--data", "past"]).code, 0);
}

#[test]
fn a_session_begins_in_one_rotated_log_and_ends_in_the_next() {
    let (dir, day) = (folder(&[]), day());
    let (old, new) = day.split_at(5 * 384);
    std::fs::write(dir.path().join("wtmp.1"), old).unwrap();
    std::fs::write(dir.path().join("wtmp"), new).unwrap();
    // In any order: they are merged by time.
    import(dir.path(), &["--data", "past", "wtmp", "wtmp.1"]);
    let lives = lives(dir.path(), "past");
    assert_eq!(lives.len(), 6);
    assert!(lives.contains(&"bob pts/0 08:02:00 logout 08:10:00".to_owned()), "{lives:?}");
}

#[test]
fn broken_records_and_hostile_names_are_named_and_the_rest_is_imported() {
    let dir = folder(&[]);
    let log = [
        record(7, 1, ["pts/0", "ts/0", "ann", ""], 0),
        record(99, 1, ["pts/1", "ts/1", "bob", ""], 1),
        record(7, 1, ["pts/2", "ts/2", "\u{1b}[2Jmallory", ""], 2),
        record(7, 1, ["pts/3", "ts/3", "cyd", ""], 3)[..100].to_vec(),
    ];
    std::fs::write(dir.path().join("wtmp"), log.concat()).unwrap();
    let (ran, report) = import(dir.path(), &["--format", "utmp", "--data", "past", "wtmp"]);
    assert_eq!(
        (&report["broken"], &report["outcomes"]["rejected"]),
        (&Value::from(2), &Value::from(1)),
        "{report}"
    );
    assert_eq!(report["outcomes"]["admitted"], 1);
    let said: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].starts_with("note: wtmp:3: `user` has the control character"), "{said:?}");
    assert!(said[1].starts_with("note: wtmp: record 2 (byte 384) has the type 99"), "{said:?}");
    assert!(said[2].starts_with("note: wtmp: record 4 (byte 1152) is cut off after 100 of 384"), "{said:?}");
}

#[test]
fn a_file_that_is_no_utmp_is_refused_and_nothing_is_made() {
    let dir = folder(&[("wtmp", &"x".repeat(800))]);
    let ran = run(dir.path(), &["import", "--format", "utmp", "--data", "past", "wtmp"]);
    assert!(ran.code == 1 && ran.stderr.starts_with("error: wtmp: is no utmp: "), "{ran:?}");
    let ran = run(dir.path(), &["import", "--data", "past", "wtmp"]);
    assert!(ran.code == 2 && ran.stderr.starts_with("error: wtmp: is none of recording, "), "{ran:?}");
    assert!(!dir.path().join("past").exists());
}

/// What `last` makes of the same: `user line start - end`, `down` and `crash` in place of times it was not told.
#[test]
fn last_reads_the_same_logins_and_ends() {
    // Programs of that name that read something else take no `-f` of this kind.
    let version = Command::new("last").arg("--version").output();
    if !version.is_ok_and(|version| String::from_utf8_lossy(&version.stdout).contains("util-linux")) {
        println!("not tested: `last` of util-linux is not installed");
        return;
    }
    let dir = folder(&[]);
    std::fs::write(dir.path().join("wtmp"), day()).unwrap();
    import(dir.path(), &["--data", "past", "wtmp"]);
    let args = ["-f", "wtmp", "-w", "--time-format", "iso", "-R"];
    let output = Command::new("last").current_dir(dir.path()).env("TZ", "UTC").args(args).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut theirs: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with("wtmp begins")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words[0] == "reboot" {
            continue;
        }
        let clock = |word: &str| word[11..19].to_owned();
        let mut life = format!("{} {} {}", words[0], words[1], clock(words[2]));
        if words[3] == "-" {
            write!(life, " {}", words[4].get(11..19).unwrap_or(words[4])).unwrap();
        }
        theirs.push(life);
    }
    theirs.sort();
    let ours = lives(dir.path(), "past").into_iter().map(|life| {
        let words: Vec<&str> = life.split(' ').collect();
        let end = match words.get(3..) {
            Some(["logout" | "assumed", at]) => format!(" {at}"),
            Some(["reconciled", "08:33:20"]) => " down".to_owned(),
            Some(["reconciled", _]) => " crash".to_owned(),
            _ => String::new(),
        };
        format!("{}{end}", words[..3].join(" "))
    });
    assert_eq!(ours.collect::<Vec<_>>(), theirs, "{text}");
}
