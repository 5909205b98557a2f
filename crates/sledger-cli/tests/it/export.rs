//! `export`, and its way back.

use crate::common::{folder, run};
use crate::serve::Served;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A day on which one is evicted, one denied, one expires and one logs out.
const CONFIG: &str = "[sessions]\nidle = \"1h\"\n[[quota]]\nname = \"per-user\"\nmax_sessions = 2\n\
                      on_exhausted = \"destroy_oldest\"\n[[quota]]\nname = \"per-ip\"\ncount_by = \"ip\"\n\
                      max_sessions = 3\non_exhausted = \"deny_access\"\n";

fn day() -> String {
    let mut text = String::new();
    for (second, user, session) in
        [(0, "ann", "a1"), (1, "ann", "a2"), (2, "ann", "a3"), (3, "bob", "b1"), (4, "gus", "g1")]
    {
        let login = format!(
            r#"{{"at":"2026-11-20T08:00:{second:02}Z","op":"login","user":"{user}","session":"{session}","ip":"192.0.2.1","client":"=web","attributes":{{"device":"{user}s phone"}}}}"#
        );
        writeln!(text, "{login}").unwrap();
    }
    text.push_str("{\"at\":\"2026-11-20T08:30:00Z\",\"op\":\"touch\",\"session\":\"b1\"}\n");
    text.push_str(
        "{\"at\":\"2026-11-20T08:40:00Z\",\"op\":\"end\",\"session\":\"b1\",\"reason\":\"bob asked\"}\n",
    );
    text.push_str("{\"at\":\"2026-11-20T10:00:00Z\",\"op\":\"advance\"}\n");
    text
}

/// A folder with the day in a ledger `past`, served by nobody.
fn past() -> tempfile::TempDir {
    let dir = folder(&[("sledger.toml", CONFIG), ("day.jsonl", &day())]);
    let ran = run(dir.path(), &["import", "--enforce", "--data", "past", "day.jsonl"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    dir
}

/// What an export says.
fn export(dir: &Path, args: &[&str]) -> String {
    let ran = run(dir, &[&["export"], args].concat());
    assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
    ran.stdout
}

/// An export into a file, as bytes.
fn export_to(dir: &Path, args: &[&str], name: &str) -> Vec<u8> {
    let output = crate::common::command(dir, &[&["export"], args].concat()).output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    std::fs::write(dir.join(name), &output.stdout).unwrap();
    output.stdout
}

fn stats(dir: &Path, args: &[&str]) -> (String, u64) {
    let ran = run(dir, &[&["ledger", "stats", "--output", "json"], args].concat());
    assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
    let stats: Value = serde_json::from_str(&ran.stdout).unwrap();
    (stats["digest"].as_str().unwrap().to_owned(), stats["seq"].as_u64().unwrap())
}

#[test]
fn exports_of_events_and_of_blocks_fold_to_the_state_of_the_ledger() {
    let dir = past();
    let stored = stats(dir.path(), &["--data", "past"]);
    assert_eq!(stored.0.len(), 64);
    let events = export_to(dir.path(), &["--data", "past"], "events.jsonl");
    let blocks = export_to(dir.path(), &["--data", "past", "--format", "blocks"], "blocks");
    for file in ["events.jsonl", "blocks"] {
        assert_eq!(stats(dir.path(), &["--recording", file]), stored, "{file}");
    }
    // An export of an export is the same export.
    assert_eq!(export_to(dir.path(), &["--recording", "blocks"], "again"), events);
    assert_eq!(export_to(dir.path(), &["--recording", "events.jsonl"], "again"), events);
    assert_eq!(export_to(dir.path(), &["--recording", "blocks", "--format", "blocks"], "again"), blocks);
    let shown = |args: &[&str]| run(dir.path(), &[&["events"], args].concat()).stdout;
    assert_eq!(shown(&["--recording", "blocks"]), shown(&["--data", "past"]));
    let users = |args: &[&str]| run(dir.path(), &[&["users"], args].concat()).stdout;
    assert_eq!(users(&["--recording", "events.jsonl"]), users(&["--data", "past"]));
    let ran = run(dir.path(), &["ledger", "stats", "--recording", "events.jsonl"]);
    assert!(ran.stdout.contains(&format!("digest        {}", stored.0)), "{}", ran.stdout);
}

#[test]
fn a_cut_changed_or_foreign_export_is_refused_by_place_and_reason() {
    let dir = past();
    let events = String::from_utf8(export_to(dir.path(), &["--data", "past"], "events")).unwrap();
    let other = past();
    let foreign = String::from_utf8(export_to(other.path(), &["--data", "past"], "events")).unwrap();
    let lines: Vec<&str> = events.lines().collect();
    let count = lines.len();
    let admitted = lines.iter().position(|line| line.contains("\"login.admitted\"")).unwrap();
    let is_login = |line: &&str| line.contains("\"login.admitted\"");
    let without = |gone: usize| {
        let kept = lines.iter().enumerate().filter(|(index, _)| *index != gone).map(|(_, line)| *line);
        kept.collect::<Vec<_>>().join("\n")
    };
    let changed = |from: &str, to: &str| {
        let text = events.replacen(from, to, 1);
        assert_ne!(text, events, "{from}");
        text
    };
    let mixed: Vec<&str> = lines[..admitted].iter().copied().chain(foreign.lines().skip(admitted)).collect();
    let cases = [
        (lines[..count - 1].join("\n"), count - 1, "cut off after seq "),
        (events.trim_end()[..events.len() - 9].to_owned(), count, "is not JSON: "),
        (without(3), 4, "`seq` is 5, the next event is 4: lines are missing"),
        (without(0), 1, "is not the first line of an export: `begin` is missing"),
        (
            changed("\"user\":\"ann\"", "\"user\":\"gus\""),
            admitted + 1,
            "`user` is \"gus\", the record says otherwise",
        ),
        (changed("192.0.2.1\\u0004", "192.0.2.2\\u0004"), admitted + 1, "chain broken: "),
        (mixed.join("\n"), admitted + 1, "chain broken: "),
        (format!("{events}{}", lines[count - 1]), count + 1, "stands behind the line that ends the export"),
        (changed("\"digest\":\"", "\"digest\":\"0"), count, "the state at seq "),
    ];
    assert!(lines.iter().any(is_login));
    for (text, line, reason) in cases {
        std::fs::write(dir.path().join("odd"), text).unwrap();
        let ran = run(dir.path(), &["users", "--recording", "odd"]);
        let wanted = format!("error: odd:{line}: {reason}");
        assert!(
            ran.code == 1 && ran.stderr.starts_with(&wanted),
            "{wanted} was to be said, not {}",
            ran.stderr
        );
    }
    let blocks = export_to(dir.path(), &["--data", "past", "--format", "blocks"], "blocks");
    let mut odd = blocks.clone();
    odd[200] ^= 1;
    for (bytes, reason) in
        [(&blocks[..blocks.len() - 1], "cut off: "), (odd.as_slice(), "block hash does not match")]
    {
        std::fs::write(dir.path().join("odd"), bytes).unwrap();
        let ran = run(dir.path(), &["users", "--recording", "odd"]);
        assert!(
            ran.code == 1 && ran.stderr.starts_with("error: odd: byte ") && ran.stderr.contains(reason),
            "{ran:?}"
        );
    }
}

/// Answers of a simulation to what changes something, without what differs from ledger to ledger.
fn answers(text: &str) -> Vec<Value> {
    let unchanged = ["stale", "unknown", "ignored", "advanced", "configured"];
    let answer = |line: &str| {
        let mut answer: Value = serde_json::from_str(line).unwrap();
        let keys = answer.as_object_mut().unwrap();
        // `active` is told for commands that name a user only, lists are made anew, and another line may drain.
        for key in ["line", "at", "generation", "active", "user", "expired", "unknown", "skipped"] {
            keys.remove(key);
        }
        answer
    };
    let all = text.lines().map(answer);
    all.filter(|answer| !unchanged.contains(&answer["outcome"].as_str().unwrap())).collect()
}

fn recordings() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../replay");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("recording.jsonl").exists())
        .collect();
    folders.sort();
    folders
}

#[test]
fn an_exported_recording_is_decided_as_the_first_time() {
    let dir = folder(&[]);
    for folder in recordings() {
        let config = folder.join("sledger.toml").display().to_string();
        let recording = folder.join("recording.jsonl").display().to_string();
        let from = ["--config", &config, "--recording", &recording];
        let again = export_to(dir.path(), &[&from[..], &["--format", "recording"]].concat(), "again.jsonl");
        assert!(again.starts_with(b"{\"at\":"), "{recording}");
        let ran = run(dir.path(), &["simulate", "again.jsonl"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{recording}");
        assert!(!ran.stdout.contains("\"outcome\":\"rejected\""), "{recording}: {}", ran.stdout);
        let (mut expected, found) = (
            answers(&std::fs::read_to_string(folder.join("expected.jsonl")).unwrap()).into_iter(),
            answers(&ran.stdout),
        );
        // Lines that recorded nothing (repeats, storms, what changes nothing) are not exported: passed over here.
        for answer in found {
            let is_found = expected.any(|wanted| wanted == answer);
            assert!(is_found, "{recording}: answered otherwise: {answer}");
        }
        let passed_over = expected.find(|answer| {
            ["admitted", "conflict"].contains(&answer["outcome"].as_str().unwrap())
                && answer["repeated"].is_null()
        });
        assert_eq!(passed_over, None, "{recording}");
        // And so are events: the fold of what the simulation records is the simulation's own state.
        export_to(dir.path(), &from, "events.jsonl");
        assert_eq!(
            stats(dir.path(), &["--recording", "events.jsonl"]),
            stats(dir.path(), &from),
            "{recording}"
        );
    }
}

#[test]
fn a_real_ledger_exported_as_a_recording_is_decided_as_it_was() {
    let dir = past();
    export_to(dir.path(), &["--data", "past", "--format", "recording"], "again.jsonl");
    // Without the configuration: the recording brings its own.
    let empty = folder(&[("again.jsonl", &std::fs::read_to_string(dir.path().join("again.jsonl")).unwrap())]);
    let ran = run(empty.path(), &["simulate", "again.jsonl"]);
    let found: Vec<Value> = answers(&ran.stdout);
    let first = run(dir.path(), &["simulate", "day.jsonl"]);
    assert_eq!(found, answers(&first.stdout), "{}", ran.stdout);
    assert!(first.stdout.contains("\"evicted\":[\"a1\"]") && first.stdout.contains("\"outcome\":\"denied\""));
    let whole = run(empty.path(), &["sessions", "--recording", "again.jsonl"]);
    assert_eq!(whole.stdout, run(dir.path(), &["sessions", "--data", "past"]).stdout);
}

#[test]
fn a_served_ledger_is_exported_while_it_serves() {
    let dir = folder(&[("sledger.toml", CONFIG)]);
    let served = Served::start(dir.path(), &[]);
    for (user, session) in [("ann", "a1"), ("ann", "a2"), ("ann", "a3")] {
        let ran = run(dir.path(), &["login", user, session, "--connect", &served.url]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let url = served.url.clone();
    for (format, name) in [("events", "events"), ("blocks", "blocks"), ("recording", "again")] {
        export_to(dir.path(), &["--connect", &url, "--format", format], name);
    }
    let ran = run(dir.path(), &["export", "--data", "sledger-data"]);
    assert!(ran.code == 1 && ran.stderr.contains("use --connect http://"), "{ran:?}");
    let (code, said) = served.stop("-TERM");
    assert_eq!(code, Some(0), "{said}");
    let served = stats(dir.path(), &["--recording", "events"]);
    assert_eq!(stats(dir.path(), &["--recording", "blocks"]), served);
    let again = run(dir.path(), &["sessions", "--recording", "again"]);
    assert_eq!(again.stdout, run(dir.path(), &["sessions", "--data", "sledger-data"]).stdout);
}

#[test]
fn nothing_personal_is_left_under_pseudonyms() {
    let dir = past();
    for format in ["recording", "events", "csv"] {
        let args = ["--data", "past", "--redact", "--format", format];
        let shown = export(dir.path(), &args);
        for personal in ["ann", "bob", "gus", "a1", "a2", "b1", "192.0.2.1", "phone"] {
            let found = shown.match_indices(personal).find(|(at, _)| {
                let around =
                    |index: Option<usize>| index.and_then(|index| shown.as_bytes().get(index).copied());
                let is_word = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
                !is_word(around(at.checked_sub(1))) && !is_word(around(Some(at + personal.len())))
            });
            assert_eq!(found, None, "`{personal}` stands in the {format}:\n{shown}");
        }
        let users: Vec<&str> = shown.match_indices("user-").map(|(at, _)| &shown[at..at + 21]).collect();
        let mut distinct = users.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 3, "three users have three pseudonyms: {distinct:?}");
        assert!(users.len() > 6, "{users:?}");
        assert!(!export(dir.path(), &args).contains(distinct[0]), "another export has other pseudonyms");
    }
    // What the policy and the rules say is kept.
    let events = export(dir.path(), &["--data", "past", "--redact"]);
    assert!(events.contains("\"reason\":\"oldest\""), "{events}");
    let ran = run(dir.path(), &["export", "--data", "past", "--redact"]);
    assert!(ran.stderr.contains("cannot be folded again"), "{}", ran.stderr);
    std::fs::write(dir.path().join("redacted"), &ran.stdout).unwrap();
    let ran = run(dir.path(), &["users", "--recording", "redacted"]);
    assert!(ran.stderr.starts_with("error: redacted:1: carries no `record`: "), "{}", ran.stderr);
}

#[test]
fn the_export_of_one_user_names_nobody_else() {
    let dir = past();
    for format in ["recording", "events", "csv"] {
        let shown = export(dir.path(), &["--data", "past", "--user", "ann", "--format", format]);
        assert!(shown.contains("a1") && shown.contains("a3"), "{shown}");
        for other in ["bob", "gus", "\"b1\"", "g1"] {
            assert!(!shown.contains(other), "`{other}` stands in the {format}:\n{shown}");
        }
    }
    assert_eq!(export(dir.path(), &["--data", "past", "--user", "nobody"]), "");
    let ran = run(dir.path(), &["export", "--data", "past", "--user", "a\u{1b}"]);
    assert!(ran.code == 2 && ran.stderr.starts_with("error: --user has the control character"), "{ran:?}");
}

#[test]
fn a_table_has_a_row_per_event_and_no_formulas() {
    let dir = past();
    let table = export(dir.path(), &["--data", "past", "--format", "csv"]);
    let rows: Vec<&str> = table.split_terminator("\r\n").collect();
    assert_eq!(rows[0].split(',').take(4).collect::<Vec<_>>(), ["seq", "at", "type", "code"]);
    assert_eq!(rows.len() as u64 - 1, stats(dir.path(), &["--data", "past"]).1);
    assert!(table.contains(",\"'=web\",") && !table.contains(",=web,"), "{table}");
}

#[test]
fn what_an_export_cannot_be_is_said() {
    let dir = past();
    for (args, said) in [
        (
            &["--data", "past", "--format", "blocks", "--redact"][..],
            "--redact cannot go with --format blocks",
        ),
        (&["--data", "past", "--format", "blocks", "--user", "ann"], "--user cannot go with --format blocks"),
        (&["--recording", "day.jsonl", "--format", "blocks"], "this file holds no blocks"),
        (&["--recording", "-", "--format", "recording"], "give a file, not -"),
        (&["--data", "past", "--format", "xml"], "possible values"),
    ] {
        let ran = run(dir.path(), &[&["export"], args].concat());
        assert!(ran.code == 2 && ran.stderr.contains(said), "{args:?}: {ran:?}");
    }
    let ran = run(dir.path(), &["export", "--data", "nowhere"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, "error: no ledger in `nowhere`\n"));
}
