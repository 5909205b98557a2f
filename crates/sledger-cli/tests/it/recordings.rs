//! `simulate`, and verbs that read a recording.

use crate::common::{folder, run, run_with};
use std::path::{Path, PathBuf};

const LOGIN: &str = r#"{"at":0,"op":"login","user":"ann","session":"a","ip":"10.0.0.1","client":"web","source":"portal","groups":["staff"],"attributes":{"device":"mobile"},"user_attributes":{"country":"no"},"ttl":"2h","idle":"30m","retention":"1h"}"#;
const ADMITTED: &str = r#"{"line":1,"at":0,"op":"login","user":"ann","session":"a","outcome":"admitted","evicted":[],"ended":[],"expired":[],"unknown":[],"code":null,"reason":null,"message":null,"active":1,"limit":5,"quota":"per-user","policy":null,"generation":1}"#;

#[test]
fn the_documented_login_is_answered_byte_for_byte() {
    let ran = run_with(folder(&[]).path(), &["simulate", "-"], &format!("{LOGIN}\n"));
    assert_eq!((ran.code, ran.stdout, ran.stderr), (0, format!("{ADMITTED}\n"), String::new()));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let dir = folder(&[("many.jsonl", &"{\"at\":0,\"op\":\"advance\"}\n".repeat(5_000))]);
    let mut command = crate::common::command(dir.path(), &["simulate", "many.jsonl"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn who_is_in_at_the_end_of_a_recording_is_shown() {
    let lines = format!("{LOGIN}\n{}\n", r#"{"at":1000,"op":"login","user":"b\u200bob","session":"b"}"#);
    let dir = folder(&[("day.jsonl", &lines)]);
    let ran = run(dir.path(), &["sessions", "--recording", "day.jsonl"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let rows: Vec<&str> = ran.stdout.lines().collect();
    assert!(rows[0].starts_with("SESSION  USER"), "{}", ran.stdout);
    assert_eq!(rows[1].split_whitespace().take(4).collect::<Vec<_>>(), ["a", "ann", "web", "10.0.0.1"]);
    let ran = run(dir.path(), &["users", "--recording", "day.jsonl", "--user", "a*", "--output", "json"]);
    let page = r#"{"seq":2,"users":[{"user":"ann","active":1,"limit":5,"quota":"per-user"}],"next":null}"#;
    assert_eq!(ran.stdout.trim_end().replace("\"seq\":1", "\"seq\":2"), page);
    let ran = run(dir.path(), &["events", "--recording", "day.jsonl", "--type", "login.*", "--user", "ann"]);
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
    assert!(
        ran.stdout.contains("1970-01-01T00:00:00.000Z  login.admitted     user=ann session=a"),
        "{}",
        ran.stdout
    );
}

/// The folders of `replay/`.
pub(crate) fn recordings() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../replay");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("recording.jsonl").exists())
        .collect();
    folders.sort();
    folders
}

/// The page of a folder, and what it must say: an investigator's question and its answer, or a question and why.
fn page(folder: &Path) -> (&'static str, [&'static str; 3]) {
    if folder.join("question.md").exists() {
        ("question.md", ["**Question.**", "**Answer.**", "**Shown by.**"])
    } else {
        ("README.md", ["**Question.**", "**What happens.**", "**Why.**"])
    }
}

#[test]
fn every_recording_is_decided_as_expected() {
    let folders = recordings();
    let names: Vec<String> =
        folders.iter().map(|path| path.file_name().unwrap().to_string_lossy().into()).collect();
    let needed =
        ["avi", "awx", "broken-policy", "broker-restart", "dry-run", "emqx", "equal-instants", "first-day"];
    let needed =
        needed.iter().chain(&["friday-afternoon", "lab-seats", "login-storm", "lost-answers", "lost-phone"]);
    let needed = needed.chain(&["moving-in", "names", "night-bus", "no-way-back", "office-nat", "openam"]);
    let needed = needed.chain(&["pingfederate", "shared-bridge", "step-up", "tills", "two-teams"]);
    for needed in needed {
        assert!(names.iter().any(|name| name == needed), "{needed} is missing in {names:?}");
    }
    for folder in folders {
        let ran = run(&folder, &["simulate", "--config", "sledger.toml", "recording.jsonl"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", folder.display());
        let expected = std::fs::read_to_string(folder.join("expected.jsonl")).unwrap();
        for (line, (found, expected)) in ran.stdout.lines().zip(expected.lines()).enumerate() {
            assert_eq!(found, expected, "{}:{}", folder.display(), line + 1);
        }
        assert_eq!(ran.stdout, expected, "{}", folder.display());
        let rejected = expected.matches("\"outcome\":\"rejected\"").count();
        assert_eq!(rejected, 0, "{}: a recording shows what happens, not slips", folder.display());
        let (page, parts) = page(&folder);
        let page = std::fs::read_to_string(folder.join(page)).unwrap();
        for part in parts {
            assert!(page.contains(part), "{}: {part} is missing", folder.display());
        }
    }
}

#[test]
fn the_list_of_recordings_names_them_all() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../replay");
    let list = std::fs::read_to_string(root.join("README.md")).unwrap();
    for folder in recordings() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let page = page(&folder).0;
        assert!(list.contains(&format!("[{name}]({name}/{page})")), "{name} is missing in replay/README.md");
    }
}
