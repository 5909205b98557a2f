//! `replay verify`: a past proved wherever it lies, and what is said of one that is not what it was.

use crate::common::{Ran, folder, run};
use crate::serve::Served;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const CONFIG: &str = "[sessions]\nidle = \"30m\"\nttl = \"12h\"\n[[quota]]\nname = \"per-user\"\nmax_sessions = 2\n\
                      on_exhausted = \"destroy_oldest\"\n";

/// Users come and go for a day: some make room, some fall due.
fn day() -> String {
    let mut text = String::new();
    for n in 0u32..400 {
        let (user, id, minute) = (n * 7 % 9, n % 5, n * 3 / 2);
        let op = if n % 11 == 3 { "logout" } else { "login" };
        let at = format!("2026-11-20T{:02}:{:02}:00Z", 8 + minute / 60, minute % 60);
        writeln!(text, r#"{{"at":"{at}","op":"{op}","user":"u{user}","session":"u{user}-{id}"}}"#).unwrap();
    }
    text
}

fn past() -> tempfile::TempDir {
    let dir = folder(&[("sledger.toml", CONFIG), ("day.jsonl", &day())]);
    let ran = run(dir.path(), &["import", "--enforce", "--data", "past", "day.jsonl"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for format in ["blocks", "events"] {
        let command =
            &mut crate::common::command(dir.path(), &["export", "--format", format, "--data", "past"]);
        fs::write(dir.path().join(format), command.output().unwrap().stdout).unwrap();
    }
    dir
}

fn verified(dir: &Path, args: &[&str]) -> (Ran, Value) {
    let ran = run(dir, &[&["replay", "verify", "--output", "json"], args].concat());
    let told = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    (ran, told)
}

/// Every file under a folder with its bytes.
fn everything(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(everything(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_past_is_proved_alike_from_a_directory_and_its_exports_and_nothing_is_written() {
    let dir = past();
    let before = everything(&dir.path().join("past"));
    let (ran, whole) = verified(dir.path(), &["--data", "past"]);
    assert_eq!((ran.code, ran.stderr.as_str(), &whole["ok"]), (0, "", &Value::Bool(true)), "{whole}");
    assert!(everything(&dir.path().join("past")) == before, "verify wrote something");
    let apart = whole["not_rederivable"].as_object().unwrap();
    assert_eq!(apart.keys().collect::<Vec<_>>(), ["ledger"], "all else is decided again: {whole}");
    let counted = apart["ledger"].as_u64().unwrap() + whole["rederived"].as_u64().unwrap();
    assert_eq!(whole["decisions"].as_u64(), Some(counted));
    for file in ["blocks", "events"] {
        let (ran, told) = verified(dir.path(), &["--recording", file]);
        assert_eq!(ran.code, 0, "{ran:?}");
        for key in ["events", "decisions", "rederived", "not_rederivable", "ok", "problems"] {
            assert_eq!(told[key], whole[key], "{file}: {key}");
        }
    }
    let (ran, told) = verified(dir.path(), &["--recording", "day.jsonl"]);
    assert_eq!((ran.code, &told["rederived"]), (0, &told["decisions"]), "{told}");
    assert!(told["cannot_tell"].to_string().contains("nothing about any ledger"), "{told}");
}

#[test]
fn what_only_a_checkpoint_can_tell_is_said_and_may_be_required() {
    let dir = past();
    let ran = run(dir.path(), &["replay", "verify", "--data", "past"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stdout.contains("anchored to: nothing\n") && ran.stdout.contains("cut off at the end"),
        "{ran:?}"
    );
    assert!(ran.stdout.ends_with("VERIFIED\n") && ran.stdout.contains("counted apart"), "{ran:?}");
    let (ran, told) = verified(dir.path(), &["--data", "past", "--require-checkpoint"]);
    assert_eq!((ran.code, &told["problems"][0]["kind"]), (3, &Value::from("not_anchored")), "{told}");
    let (ran, _) = verified(dir.path(), &["--data", "past", "--strict"]);
    assert_eq!(ran.code, 0, "all was decided by this program: {ran:?}");
}

#[test]
fn an_export_cut_or_broken_is_told_with_its_place_and_what_can_be_trusted() {
    let dir = past();
    let whole = fs::read(dir.path().join("blocks")).unwrap();
    fs::write(dir.path().join("cut"), &whole[..whole.len() / 2]).unwrap();
    let (ran, told) = verified(dir.path(), &["--recording", "cut"]);
    let (to, problem) = (told["whole_to"].as_u64().unwrap(), &told["problems"][0]);
    assert_eq!((ran.code, &problem["kind"], to), (3, &Value::from("cut"), told["events"].as_u64().unwrap()));
    assert_eq!(problem["seq"].as_u64(), Some(to + 1), "{told}");
    assert!(problem["detail"].as_str().unwrap().starts_with("byte "), "{told}");
    let lines = fs::read_to_string(dir.path().join("events")).unwrap();
    let count = lines.lines().count();
    for (name, broken) in [("junk", "{\"seq\":"), ("gone", ""), ("hostile", "\u{1b}[2J")] {
        let kept = lines.lines().enumerate().map(|(no, line)| if no == count / 2 { broken } else { line });
        fs::write(dir.path().join(name), kept.collect::<Vec<_>>().join("\n")).unwrap();
        let (ran, told) = verified(dir.path(), &["--recording", name]);
        assert_eq!((ran.code, told["problems"].as_array().unwrap().len()), (3, 1), "{told}");
        let detail = told["problems"][0]["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("{name}:")) && !detail.contains('\u{1b}'), "{detail}");
        assert_eq!(told["problems"][0]["seq"].as_u64(), told["events"].as_u64().map(|seq| seq + 1));
    }
}

#[test]
fn a_recording_with_a_broken_line_is_proved_up_to_there_and_the_line_is_named() {
    let dir = past();
    let mut lines: Vec<&str> = Vec::new();
    let day = day();
    lines.extend(day.lines());
    lines[200] = "{\"at\":oops}";
    fs::write(dir.path().join("broken"), lines.join("\n")).unwrap();
    let (ran, told) = verified(dir.path(), &["--recording", "broken"]);
    let detail = told["problems"][0]["detail"].as_str().unwrap();
    assert!(ran.code == 3 && detail.starts_with("broken:201:"), "{told}");
    assert!(told["rederived"].as_u64() > Some(150), "{told}");
}

#[test]
fn a_served_ledger_is_proved_over_http_and_after_it_was_closed_and_opened_again() {
    let dir = folder(&[("sledger.toml", CONFIG)]);
    for round in 0..3 {
        let served = Served::start(dir.path(), &[]);
        for n in 0..6 {
            let session = format!("s{round}-{n}");
            let ran = run(dir.path(), &["login", "ann", &session, "--connect", &served.url]);
            assert_eq!(ran.code, 0, "{ran:?}");
        }
        let note = run(dir.path(), &["replay", "note", "user:ann", "seen", "--connect", &served.url]);
        assert_eq!(note.code, 0, "{note:?}");
        let (ran, told) = verified(dir.path(), &["--connect", &served.url]);
        assert_eq!((ran.code, &told["ok"]), (0, &Value::Bool(true)), "{told}");
        let refused = run(dir.path(), &["replay", "verify", "--data", "sledger-data"]);
        assert_eq!(refused.code, 1, "it is served: {refused:?}");
        assert!(refused.stderr.contains("--connect"), "{refused:?}");
        served.stop("-TERM");
    }
    let (ran, told) = verified(dir.path(), &["--data", "sledger-data"]);
    assert_eq!((ran.code, &told["problems"]), (0, &Value::Array(Vec::new())), "{told}");
}
