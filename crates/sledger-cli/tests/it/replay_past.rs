//! `replay at`, `timeline` and `diff`: the past, walked.

use crate::common::{command, folder, run};
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A day on which one is evicted, one denied, one disconnects and comes again, one expires and one logs out.
const CONFIG: &str = "[sessions]\nidle = \"1h\"\nretention = \"10m\"\n[[quota]]\nname = \"per-user\"\n\
                      max_sessions = 2\non_exhausted = \"destroy_oldest\"\n\
                      override = [ { user = \"vip\", max_sessions = 9, until = \"2026-11-20T09:00:00Z\" } ]\n\
                      [[quota]]\nname = \"per-ip\"\ncount_by = \"ip\"\nmax_sessions = 4\n\
                      on_exhausted = \"deny_access\"\n";

const DAY: &str = r#"{"at":"2026-11-20T08:00:00Z","op":"login","user":"ann","session":"a1","ip":"192.0.2.1","client":"web"}
{"at":"2026-11-20T08:00:01Z","op":"login","user":"ann","session":"a2","ip":"192.0.2.1","client":"web"}
{"at":"2026-11-20T08:00:02Z","op":"login","user":"ann","session":"a3","ip":"192.0.2.1","client":"web"}
{"at":"2026-11-20T08:00:03Z","op":"login","user":"bob","session":"b1","ip":"192.0.2.1","client":"web"}
{"at":"2026-11-20T08:00:04Z","op":"login","user":"vip","session":"v1","ip":"192.0.2.1","client":"=web"}
{"at":"2026-11-20T08:00:05Z","op":"login","user":"gus","session":"g1","ip":"192.0.2.1","client":"web"}
{"at":"2026-11-20T08:10:00Z","op":"disconnect","session":"b1"}
{"at":"2026-11-20T08:15:00Z","op":"login","user":"bob","session":"b1","ip":"192.0.2.9","client":"web"}
{"at":"2026-11-20T08:20:00Z","op":"touch","session":"a3"}
{"at":"2026-11-20T08:30:00Z","op":"end","session":"b1","reason":"bob asked"}
{"at":"2026-11-20T08:40:00Z","op":"logout","session":"a2"}
{"at":"2026-11-20T10:00:00Z","op":"advance"}
{"at":"2026-11-20T10:00:01Z","op":"login","user":"\u202eevil\"<b>","session":"=e1","ip":"192.0.2.7","client":"web"}
"#;

/// A folder with the day as a recording, as a ledger `past` served by nobody, and as exports of it.
fn past() -> tempfile::TempDir {
    let dir = folder(&[("sledger.toml", CONFIG), ("day.jsonl", DAY)]);
    let ran = run(dir.path(), &["import", "--enforce", "--data", "past", "day.jsonl"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for (name, form) in [("events.jsonl", "events"), ("blocks", "blocks")] {
        let args = ["export", "--data", "past", "--format", form];
        let output = command(dir.path(), &args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        std::fs::write(dir.path().join(name), output.stdout).unwrap();
    }
    dir
}

/// What `replay …` says.
fn replay(dir: &Path, args: &[&str]) -> String {
    let ran = run(dir, &[&["replay"], args].concat());
    assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
    ran.stdout
}

fn json(dir: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&replay(dir, &[args, &["--output", "json"]].concat())).unwrap()
}

/// Sessions by user, with limits.
fn who(at: &Value) -> Vec<String> {
    let users = at["users"].as_array().unwrap().iter().map(|user| {
        let sessions = user["sessions"].as_array().unwrap();
        assert_eq!(user["active"], sessions.len());
        let ids: Vec<&str> = sessions.iter().map(|one| one["session"].as_str().unwrap()).collect();
        format!("{} {}/{}: {}", user["user"].as_str().unwrap(), sessions.len(), user["limit"], ids.join(" "))
    });
    users.collect()
}

#[test]
fn who_was_in_is_told_with_counts_and_limits_as_they_were() {
    let dir = past();
    let at = |when: &str| who(&json(dir.path(), &["at", when, "--data", "past"]));
    assert_eq!(at("2026-11-20 08:00:01"), ["ann 2/2: a1 a2"]);
    assert_eq!(at("2026-11-20T08:00:05Z"), ["ann 2/2: a2 a3", "bob 1/2: b1", "vip 1/9: v1"]);
    assert_eq!(at("2026-11-20 08:12"), ["ann 2/2: a2 a3", "bob 1/2: b1", "vip 1/9: v1"]);
    assert_eq!(at("2026-11-20 08:59:59"), ["ann 1/2: a3", "vip 1/9: v1"]);
    // The override is over at nine; the session four seconds later. Neither is written before ten.
    assert_eq!(at("2026-11-20 09:00"), ["ann 1/2: a3", "vip 1/2: v1"]);
    assert_eq!(at("2026-11-20 09:00:04"), ["ann 1/2: a3"]);
    assert_eq!(at("2026-11-20T10:19:59+01:00"), ["ann 1/2: a3"]);
    assert_eq!(at("2026-11-20 09:20"), [""; 0]);
    assert_eq!(at("2026-11-20 10:00:01"), ["\u{202e}evil\"<b> 1/2: =e1"]);
    let one = json(dir.path(), &["at", "2026-11-20 08:12", "--user", "bob", "--data", "past"]);
    assert_eq!(who(&one), ["bob 1/2: b1"]);
    assert_eq!(one["users"][0]["sessions"][0]["retained"], true);
    let nobody = json(dir.path(), &["at", "2026-11-20 08:12", "--user", "eve", "--data", "past"]);
    assert_eq!(
        (nobody["users"][0]["user"].as_str(), nobody["users"][0]["active"].as_u64()),
        (Some("eve"), Some(0))
    );
}

#[test]
fn a_ledger_its_exports_and_its_recording_tell_the_same() {
    let dir = past();
    for when in ["2026-11-20T08:00:05Z", "2026-11-20 08:12", "2026-11-20 09:00:04", "2026-11-20 10:00:01"] {
        let stored = json(dir.path(), &["at", when, "--data", "past"]);
        for file in ["events.jsonl", "blocks"] {
            assert_eq!(json(dir.path(), &["at", when, "--recording", file]), stored, "{file}");
        }
        assert_eq!(json(dir.path(), &["at", when, "--data", "past", "--no-snapshots"]), stored);
        // Its own numbers, since a simulation records no start; the same people all the same.
        let recorded = json(dir.path(), &["at", when, "--recording", "day.jsonl"]);
        assert_eq!(who(&recorded), who(&stored), "{when}");
    }
}

#[test]
fn a_moment_outside_of_history_is_answered_in_words() {
    let dir = past();
    let run = |args: &[&str]| run(dir.path(), &[&["replay", "at"], args].concat());
    let before = run(&["2020-01-01 00:00", "--data", "past", "--output", "json"]);
    assert_eq!(before.stdout, "{\"seq\":0,\"at\":\"2020-01-01T00:00:00.000Z\",\"users\":[]}\n");
    assert!(before.stderr.contains("before the first event: nobody is in"), "{before:?}");
    let beyond = run(&["seq:9999", "--data", "past"]);
    assert_eq!(beyond.code, 2, "{beyond:?}");
    assert!(beyond.stderr.contains("there is no seq 9999 yet: the last event is seq "), "{beyond:?}");
    let future = run(&["2999-01-01 00:00", "--data", "past"]);
    assert_eq!(future.code, 2, "{future:?}");
    assert!(future.stderr.contains("is yet to come: the last event, seq "), "{future:?}");
    let now = run(&["now", "--recording", "day.jsonl"]);
    assert_eq!(now.code, 2, "{now:?}");
    assert!(now.stderr.contains("a recording has no now"), "{now:?}");
    let bare = run(&["17", "--data", "past"]);
    assert_eq!((bare.code, bare.stderr.contains("is ambiguous")), (2, true), "{bare:?}");
    // A recording goes on for ever: what was over by then is over.
    let later = run(&["2999-01-01 00:00", "--recording", "day.jsonl", "--output", "json"]);
    assert!(later.stdout.ends_with("\"users\":[]}\n"), "{later:?}");
    assert!(later.stderr.contains("over by themselves since are left out"), "{later:?}");
    // The ledger was closed in good order: idle time does not run, so who was in still is.
    let closed = run(&["2026-11-20 12:00", "--data", "past", "--output", "json"]);
    assert_eq!(who(&serde_json::from_str(&closed.stdout).unwrap()), ["\u{202e}evil\"<b> 1/2: =e1"]);
    assert!(closed.stderr.contains("the ledger was down then"), "{closed:?}");
}

#[test]
fn names_from_strangers_move_neither_terminal_nor_spreadsheet() {
    let dir = past();
    let text = replay(dir.path(), &["at", "2026-11-20 10:00:01", "--data", "past"]);
    assert!(text.starts_with("USER ") && text.contains("\\u{202e}evil\"<b>  1       2      =e1"), "{text}");
    let csv = replay(dir.path(), &["at", "2026-11-20 10:00:01", "--data", "past", "--csv"]);
    let rows: Vec<&str> = csv.lines().collect();
    assert!(rows[0].starts_with("user,active,limit,session,") && rows[1].contains(",1,2,\"'=e1\","), "{csv}");
    let both = run(dir.path(), &["replay", "at", "now", "--data", "past", "--csv", "--output", "json"]);
    assert_eq!(both.code, 2, "{both:?}");
}

/// Every file below, with its bytes' hash, its times and its mode.
fn trace(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![dir.to_owned()];
    while let Some(path) = left.pop() {
        let about = std::fs::symlink_metadata(&path).unwrap();
        let times = (about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec(), about.mode());
        let bytes = if about.is_dir() {
            left.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            String::new()
        } else {
            let bytes = std::fs::read(&path).unwrap();
            format!("{} bytes, {:?}", bytes.len(), bytes)
        };
        found.insert(path.display().to_string(), format!("{times:?} {bytes}"));
    }
    found
}

/// Every look at a ledger at rest.
const LOOKS: &[&[&str]] = &[
    &["at", "2026-11-20 08:12"],
    &["at", "2026-11-20 08:12", "--no-snapshots", "--csv"],
    &["at", "seq:9", "--user", "ann", "--output", "json"],
];

#[test]
fn looking_changes_nothing_below_the_directory() {
    let dir = past();
    let before = trace(&dir.path().join("past"));
    for look in LOOKS {
        replay(dir.path(), &[look, &["--data", "past"][..]].concat());
        let after = trace(&dir.path().join("past"));
        assert!(before == after, "{look:?} changed something");
    }
}
