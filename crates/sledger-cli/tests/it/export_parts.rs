//! `export` of a part of the past, and as a table with types.

use crate::common::{command, folder, run};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;

/// Ann is evicted by herself, twice; a name that is a formula, another that takes no room, and what expires.
fn past() -> tempfile::TempDir {
    let config = "[sessions]\nidle = \"1h\"\n[[quota]]\nname = \"per-user\"\nmax_sessions = 2\non_exhausted = \"destroy_oldest\"\n";
    let mut day = String::new();
    for (minute, user, session) in [
        (0, "ann", "a1"),
        (10, "ann", "a2"),
        (20, "ann", "a3"),
        (30, "=cmd", "'b1"),
        (40, "zo\u{200b}e", "z,1"),
    ] {
        writeln!(day, r#"{{"at":"2026-11-20T08:{minute:02}:00.250Z","op":"login","user":"{user}","session":"{session}"}}"#).unwrap();
    }
    day.push_str("{\"at\":\"2026-11-20T10:00:00Z\",\"op\":\"advance\"}\n");
    let dir = folder(&[("sledger.toml", config), ("day.jsonl", &day)]);
    let ran = run(dir.path(), &["import", "--enforce", "--data", "past", "day.jsonl"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    dir
}

fn export(dir: &Path, args: &[&str]) -> String {
    let ran = run(dir, &[&["export", "--data", "past"], args].concat());
    assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
    ran.stdout
}

fn events(dir: &Path, args: &[&str]) -> Vec<Value> {
    export(dir, args).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The rows of a table, each as an event would be; nulls left out.
fn rows(dir: &Path, args: &[&str]) -> Vec<Value> {
    let out = command(dir, &[&["export", "--data", "past", "--format", "parquet"], args].concat())
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
    std::fs::write(dir.join("table"), out.stdout).unwrap();
    let reader = SerializedFileReader::new(File::open(dir.join("table")).unwrap()).unwrap();
    let row = |row: parquet::record::Row| {
        let cells =
            row.get_column_iter().filter_map(|(name, field)| Some((name.clone(), shown(name, field)?)));
        Value::Object(cells.collect())
    };
    reader.get_row_iter(None).unwrap().map(|found| row(found.unwrap())).collect()
}

fn shown(name: &str, field: &Field) -> Option<Value> {
    Some(match field {
        Field::Null => return None,
        Field::Long(number) => json!(number),
        Field::TimestampMillis(ms) => json!(sledger_core::Millis(u64::try_from(*ms).unwrap()).rfc3339()),
        Field::Str(text) if ["advisory", "details"].contains(&name) => serde_json::from_str(text).unwrap(),
        Field::Str(text) => json!(text),
        other => panic!("{name} is {other:?}"),
    })
}

/// An event without what is null, and with limits as text, as in a table.
fn as_row(mut event: Value) -> Value {
    let object = event.as_object_mut().unwrap();
    for key in ["begin", "record", "chain", "end"] {
        object.remove(key);
    }
    object.retain(|_, value| !value.is_null());
    if let Some(limit) = object.get_mut("limit").filter(|limit| limit.is_number()) {
        *limit = json!(limit.to_string());
    }
    event
}

#[test]
fn a_table_with_types_read_back_says_what_the_events_say() {
    let dir = past();
    let all = events(dir.path(), &[]);
    let expected: Vec<Value> = all
        .into_iter()
        .filter(|event| event["seq"].is_u64() && event["type"].is_string())
        .map(as_row)
        .collect();
    let rows = rows(dir.path(), &[]);
    assert_eq!(rows.len(), expected.len());
    for (row, expected) in rows.iter().zip(&expected) {
        assert_eq!(row, expected);
    }
    // Names are as they are: a table for programs has nothing put before them.
    let users: Vec<_> = rows.iter().filter_map(|row| row["user"].as_str()).collect();
    assert!(users.contains(&"=cmd") && users.contains(&"zo\u{200b}e"), "{users:?}");
    let reader = SerializedFileReader::new(File::open(dir.path().join("table")).unwrap()).unwrap();
    let schema = format!("{:?}", reader.metadata().file_metadata().schema());
    assert!(schema.contains("Timestamp") && schema.contains("is_adjusted_to_u_t_c: true"), "{schema}");
}

#[test]
fn a_table_of_one_user_or_under_pseudonyms_names_nobody_else() {
    let dir = past();
    let theirs = rows(dir.path(), &["--user", "ann"]);
    assert!(theirs.iter().filter_map(|row| row["user"].as_str()).all(|user| user == "ann"), "{theirs:?}");
    let redacted = rows(dir.path(), &["--redact"]);
    assert!(
        redacted.iter().all(|row| row["user"].as_str().is_none_or(|user| user.starts_with("user-"))),
        "{redacted:?}"
    );
}

#[test]
fn a_part_has_whole_decisions_and_parts_that_meet_are_the_whole() {
    let dir = past();
    let seqs = |args: &[&str]| -> Vec<u64> {
        rows(dir.path(), args).iter().map(|row| row["seq"].as_u64().unwrap()).collect()
    };
    let all = seqs(&[]);
    // Ann's third login: a decision of two events, an eviction and an admission.
    let whole = rows(dir.path(), &[]);
    let evicted = whole.iter().find(|row| row["type"] == "session.evicted").unwrap();
    let within = format!("seq:{}", evicted["seq"]);
    for middle in ["2026-11-20T08:20:00.250Z", "2026-11-20 08:20", "ms:1795163400250", &within] {
        let (before, after) = (seqs(&["--until", middle]), seqs(&["--since", middle]));
        let shared: Vec<u64> = before.iter().filter(|seq| after.contains(seq)).copied().collect();
        if middle.starts_with("seq:") {
            assert_eq!(
                shared,
                [evicted["seq"].as_u64().unwrap(), evicted["seq"].as_u64().unwrap() + 1],
                "{middle}"
            );
        } else {
            assert_eq!(([before, after].concat(), shared), (all.clone(), Vec::new()), "{middle}");
        }
    }
    assert_eq!(seqs(&["--since", "2026-11-20T09:00:00Z", "--until", "2026-11-20T09:00:00Z"]), [0_u64; 0]);
    let part = events(dir.path(), &["--since", "2026-11-20T08:30:00Z", "--until", "2026-11-20T08:35:00Z"]);
    assert_eq!(part.len(), 1);
    assert_eq!((&part[0]["user"], &part[0]["record"]), (&json!("=cmd"), &Value::Null), "{part:?}");
    let csv = export(
        dir.path(),
        &["--format", "csv", "--since", "2026-11-20T08:30:00Z", "--until", "2026-11-20T08:35:00Z"],
    );
    assert!(csv.lines().count() == 2 && csv.contains(",\"'=cmd\",\"''b1\","), "{csv}");
}

#[test]
fn a_recording_up_to_a_moment_decides_the_same_up_to_it() {
    let dir = past();
    let until = export(dir.path(), &["--format", "recording", "--until", "2026-11-20T08:25:00Z"]);
    std::fs::write(dir.path().join("until.jsonl"), until).unwrap();
    let ran = run(dir.path(), &["sessions", "--recording", "until.jsonl", "--output", "json"]);
    let page: Value = serde_json::from_str(&ran.stdout).unwrap();
    let live: Vec<_> =
        page["sessions"].as_array().unwrap().iter().map(|one| one["session"].clone()).collect();
    assert_eq!(live, ["a2", "a3"]);
    assert_eq!(export(dir.path(), &["--format", "recording", "--until", "2020-01-01T00:00:00Z"]), "");
}

#[test]
fn what_cannot_be_a_part_says_why() {
    let dir = past();
    for (args, said) in [
        (
            &["--data", "past", "--format", "recording", "--since", "seq:3"][..],
            "what came before decides what comes after",
        ),
        (
            &["--data", "past", "--format", "blocks", "--since", "seq:3"],
            "--since cannot go with --format blocks",
        ),
        (
            &["--data", "past", "--format", "blocks", "--until", "seq:3"],
            "--until cannot go with --format blocks",
        ),
        (&["--data", "past", "--since", "7"], "--since: `7` is ambiguous"),
        (&["--recording", "day.jsonl", "--until", "-2h"], "--until: a recording has no now"),
    ] {
        let ran = run(dir.path(), &[&["export"], args].concat());
        assert!(ran.code == 2 && ran.stderr.contains(said), "{args:?}: {ran:?}");
    }
}
