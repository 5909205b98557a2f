//! Files of who is on which line, of three architectures and one broken: read as `last` and `utmpdump` read them, where
//! these can. Built for one architecture, they take the records of others for nonsense.

use crate::{imported, recording, sledger};
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// What a reader of the same files says; `None`, and a word, where it is not installed.
fn said(reader: &str, args: &[&str], file: &Path) -> Option<String> {
    // Programs of the same name that read something else have other options.
    let version = Command::new(reader).arg("--version").output();
    if !version.is_ok_and(|version| String::from_utf8_lossy(&version.stdout).contains("util-linux")) {
        println!("not tested: `{reader}` of util-linux is not installed");
        return None;
    }
    let output = Command::new(reader).args(args).arg(file).env("TZ", "UTC").output().unwrap();
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The import's report, and its sessions as `user line start` and, where they ended, the end.
fn ours(file: &Path) -> (Value, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("ledger");
    let report = imported(file, &data, "utmp");
    let mut lives = Vec::new();
    if report["seq"] != 0 {
        let data = data.to_str().unwrap();
        let output = sledger().args(["events", "--output", "json", "--data", data]).output().unwrap();
        let events: Vec<Value> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        for login in events.iter().filter(|event| event["type"] == "login.admitted") {
            let end = events
                .iter()
                .find(|event| event["type"] == "session.ended" && event["number"] == login["number"])
                .map_or(String::new(), |end| format!(" {}", second(&end["ended_at"])));
            let session = login["session"].as_str().unwrap();
            let source = login["source"].as_str().unwrap();
            let line =
                session.strip_prefix(source).unwrap().trim_start_matches('/').rsplit_once('/').unwrap().0;
            lives.push(format!("{} {line} {}{end}", login["user"].as_str().unwrap(), second(&login["at"])));
        }
    }
    lives.sort();
    (report, lives)
}

/// A time up to its seconds.
fn second(at: &Value) -> String {
    at.as_str().unwrap()[..19].to_owned()
}

/// What `last` says. It reads from the end, so a record that is cut off there would throw it off: it is given the whole
/// ones. It takes every record with a user for a login, also those of run levels and of the clock, whose
/// users are `runlevel`, `shutdown` and `date`; and it gives the start of the system as one of `reboot`.
fn lasts(file: &Path) -> Option<Vec<String>> {
    let mut whole = tempfile::NamedTempFile::new().unwrap();
    let bytes = std::fs::read(file).unwrap();
    whole.write_all(&bytes[..bytes.len() - bytes.len() % 384]).unwrap();
    let text = said("last", &["-w", "-R", "--time-format", "iso", "-f"], whole.path())?;
    let words = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut lives: Vec<String> = words
        .filter(|words| words.len() > 3 && words[1] != "begins")
        .filter(|words| !["reboot", "shutdown", "runlevel", "date"].contains(&words[0]))
        .map(|words| {
            let end = if words[3] == "-" { format!(" {}", &words[4][..19]) } else { String::new() };
            format!("{} {} {}{end}", words[0], words[1], &words[2][..19])
        })
        .collect();
    lives.sort();
    Some(lives)
}

/// Records as `utmpdump` prints them, in brackets: type, process, id, user, line, host, address, time.
fn dumped(file: &Path) -> Option<Vec<Vec<String>>> {
    let text = said("utmpdump", &[], file)?;
    let fields = |line: &str| {
        line.split("] [").map(|field| field.trim_matches(['[', ']']).trim().to_owned()).collect::<Vec<_>>()
    };
    Some(text.lines().filter(|line| line.starts_with('[')).map(fields).collect())
}

#[test]
fn the_same_logins_and_ends_as_last() {
    for (name, logins) in [("utmp", 6), ("utmp_x86_64", 0), ("utmp_corrupted", 2)] {
        let Some(file) = recording(&format!("plaso-utmp/{name}")) else { continue };
        let (report, ours) = ours(&file);
        assert_eq!(ours.len(), logins, "{name}: {report}");
        let Some(theirs) = lasts(&file) else { continue };
        assert_eq!(ours, theirs, "{name}");
    }
}

#[test]
fn the_same_records_as_utmpdump_and_the_same_of_them_broken() {
    for name in ["utmp", "utmp_x86_64", "utmp_corrupted"] {
        let Some(file) = recording(&format!("plaso-utmp/{name}")) else { continue };
        let (report, ours) = ours(&file);
        let Some(dumped) = dumped(&file) else { continue };
        let users: Vec<_> = dumped.iter().filter(|record| record[0] == "7").collect();
        assert_eq!(ours.len(), users.len(), "{name}");
        for record in users {
            let start = record.last().unwrap();
            let life = format!("{} {} {}", record[3], record[4], &start[..19]);
            assert!(ours.contains(&life), "{name}: {life} is missing in {ours:?}");
        }
        let remarks = report["remarks"].as_array().unwrap();
        for (index, record) in dumped.iter().enumerate() {
            let is_broken = record[0].parse::<u16>().unwrap() > 9;
            let place = format!(": record {} (byte {}) ", index + 1, index * 384);
            let is_named = remarks.iter().any(|remark| remark.as_str().unwrap().contains(&place));
            assert_eq!(is_named, is_broken, "{name}: {record:?}: {remarks:?}");
        }
        // What is left behind the last whole record is named, too: `utmpdump` says nothing of it.
        let left = std::fs::metadata(&file).unwrap().len() % 384;
        assert_eq!(report["lines"].as_u64().unwrap(), dumped.len() as u64 + u64::from(left > 0), "{name}");
        let cut = remarks
            .iter()
            .any(|remark| remark.as_str().unwrap().contains(&format!("cut off after {left} of")));
        assert_eq!(cut, left > 0, "{name}: {remarks:?}");
    }
}

#[test]
fn records_of_other_architectures_say_the_same() {
    let Some(first) = recording("plaso-utmp/utmp_x86_64") else { return };
    let (expected, _) = ours(&first);
    for name in ["utmp_aarch64", "utmp_s390"] {
        let Some(file) = recording(&format!("plaso-utmp/{name}")) else { continue };
        let (report, _) = ours(&file);
        for key in ["lines", "skipped", "broken", "moved", "closes_without_open", "gone", "outcomes"] {
            assert_eq!(report[key], expected[key], "{name}: {key}");
        }
        assert_eq!((&report["lines"], &report["broken"]), (&Value::from(6), &Value::from(0)), "{name}");
    }
}
