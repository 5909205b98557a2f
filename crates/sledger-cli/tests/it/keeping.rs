//! `ledger backup`, `restore`, `archive`, `hold`, `release`, as an operator meets them.

use crate::common::{folder, run};
use crate::serve::Served;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file below `dir` with its bytes, but for the lock.
fn everything(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.file_name().unwrap() != "lock" {
                found.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn ok(dir: &Path, args: &[&str]) -> String {
    let ran = run(dir, args);
    assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
    ran.stdout
}

fn refused(dir: &Path, args: &[&str], code: i32, why: &str) {
    let ran = run(dir, args);
    assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{args:?}: {ran:?}");
    assert!(ran.stderr.contains(why), "{args:?}: {why} was to be said, not {}", ran.stderr);
    assert!(!ran.stderr.contains('\u{1b}'), "{args:?}: {:?}", ran.stderr);
}

fn login(dir: &Path, url: &str, users: &[&str]) {
    for user in users {
        ok(dir, &["login", user, &format!("{user}-desk"), "--connect", url]);
    }
}

fn digest(dir: &Path, data: &str) -> (String, u64) {
    let stats: Value =
        serde_json::from_str(&ok(dir, &["ledger", "stats", "--data", data, "--output", "json"])).unwrap();
    (stats["digest"].as_str().unwrap().to_owned(), stats["seq"].as_u64().unwrap())
}

/// A ledger of three users, at rest in `past`, backed up in `kept`.
fn past() -> tempfile::TempDir {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &["--data", "past"]);
    login(dir.path(), &served.url, &["ann", "bob", "cyd"]);
    served.stop("-TERM");
    ok(dir.path(), &["ledger", "backup", "kept", "--data", "past"]);
    dir
}

#[test]
fn a_served_ledger_is_backed_up_while_it_serves_and_restored_answers_alike() {
    let dir = folder(&[]);
    let here = dir.path();
    let served = Served::start(here, &["--data", "first"]);
    let url = served.url.clone();
    login(here, &url, &["ann", "bob"]);
    let first = ok(here, &["ledger", "backup", "kept", "--connect", &url]);
    assert!(first.starts_with("added ") && first.contains("it holds seq 1 to "), "{first}");
    login(here, &url, &["cyd"]);
    let second = ok(here, &["ledger", "backup", "kept", "--connect", &url, "--output", "json"]);
    let second: Value = serde_json::from_str(&second).unwrap();
    assert_eq!(second["added"]["segments"], 1, "{second}");
    assert_eq!(second["not_in_it"][1]["what"], "session.key", "{second}");
    let users = ok(here, &["users", "--connect", &url]);
    served.stop("-KILL");
    let restored = run(here, &["ledger", "restore", "kept", "--data", "again"]);
    assert_eq!(restored.code, 0, "{restored:?}");
    assert!(restored.stdout.starts_with("restored seq 1 to "), "{restored:?}");
    assert!(restored.stderr.contains("where that one still serves, both go on as histories of one id"));
    assert!(restored.stderr.contains("not restored: session.key"), "{restored:?}");
    assert!(restored.stdout.contains(&digest(here, "again").0), "{restored:?}");
    assert_eq!(digest(here, "again"), digest(here, "first"));
    for verb in ["sessions", "events"] {
        assert_eq!(ok(here, &[verb, "--data", "again"]), ok(here, &[verb, "--data", "first"]), "{verb}");
    }
    assert_eq!(run(here, &["ledger", "verify", "--data", "again"]).code, 0);
    let served = Served::start(here, &["--data", "again"]);
    let url = served.url.clone();
    assert_eq!(ok(here, &["users", "--connect", &url]), users);
    served.stop("-TERM");
    let recovered = ["events", "--data", "again", "--type", "ledger.recovered", "--output", "json"];
    let recovered = ok(here, &recovered);
    assert!(recovered.contains("restored from a backup of seq 1 to "), "{recovered}");
}

#[test]
fn a_backup_at_rest_changes_nothing_and_a_second_one_adds_nothing() {
    let dir = past();
    let before = everything(&dir.path().join("past"));
    let kept = everything(&dir.path().join("kept"));
    let again = ok(dir.path(), &["ledger", "backup", "kept", "--data", "past"]);
    assert!(again.starts_with("added 0 events in 0 blocks, 0 bytes, to kept\n"), "{again}");
    assert_eq!(everything(&dir.path().join("past")), before);
    assert_eq!(everything(&dir.path().join("kept")), kept);
    // Segments are an export of blocks.
    let segment = kept.iter().find(|(path, _)| path.extension().is_some_and(|word| word == "blocks"));
    let segment = segment.unwrap().0.display().to_string();
    let users = ok(dir.path(), &["users", "--recording", &segment]);
    assert_eq!(users, ok(dir.path(), &["users", "--data", "past"]));
}

#[test]
fn what_cannot_be_backed_up_or_restored_is_refused_in_words() {
    let dir = past();
    let here = dir.path();
    let backup = |to: &'static str| ["ledger", "backup", to, "--data", "past"];
    refused(here, &backup("past/kept"), 1, "lies in a data directory: a backup is kept elsewhere");
    refused(here, &backup("past"), 1, "lies in a data directory");
    fs::create_dir(here.join("mine")).unwrap();
    fs::write(here.join("mine/letter"), "").unwrap();
    refused(here, &backup("mine"), 1, "`mine` is not empty and holds no backup");
    let beyond = ["ledger", "backup", "new", "--data", "past", "--since", "1000"];
    refused(here, &beyond, 2, "--since 1000 lies beyond the last event: there is nothing to back up");
    assert!(!here.join("new/backup.toml").exists());
    let hole = ["ledger", "backup", "kept", "--data", "past", "--since", "1000"];
    refused(here, &hole, 1, "from seq `1000` on it would have a hole");
    refused(here, &["ledger", "backup", "new", "--recording", "x"], 2, "give --connect URL or --data DIR");
    refused(here, &["ledger", "restore", "kept"], 2, "name the folder of the new ledger: --data DIR");
    refused(here, &["ledger", "restore", "mine", "--data", "new"], 1, "there is no backup in `mine`");
    refused(here, &["ledger", "restore", "kept", "--data", "mine"], 1, "`mine` is not empty");
    refused(here, &["ledger", "restore", "kept", "--data", "past"], 1, "`past` is not empty");
    let mut kept = fs::read_dir(here.join("kept")).unwrap().map(|entry| entry.unwrap().path());
    let segment = kept.find(|path| path.extension().is_some_and(|word| word == "blocks")).unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    bytes[300] ^= 1;
    fs::write(&segment, bytes).unwrap();
    refused(here, &["ledger", "restore", "kept", "--data", "newer"], 1, "was changed or cut");
    assert!(!here.join("newer").exists());
    let other = past();
    fs::remove_dir_all(here.join("kept")).unwrap();
    fs::rename(other.path().join("kept"), here.join("kept")).unwrap();
    refused(here, &backup("kept"), 1, "the backup in `kept` is of ledger `");
}

#[test]
fn holds_are_set_shown_and_released_by_name() {
    let dir = folder(&[]);
    let here = dir.path();
    let served = Served::start(here, &[]);
    let url = served.url.clone();
    let hold = |name: &'static str, reason: &'static str| {
        ["ledger", "hold", name, "--reason", reason, "--connect", &url].map(str::to_owned)
    };
    let args = |hold: &[String]| hold.to_vec();
    let said = |list: Vec<String>| {
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        run(here, &list)
    };
    let set = said(args(&hold("case-7", "the police asked")));
    assert!(set.code == 0 && set.stdout.contains("\nhold case-7: the police asked (since "), "{set:?}");
    let twice = said(args(&hold("case-7", "again")));
    assert!(twice.code != 0 && twice.stderr.contains("hold `case-7` stands since "), "{twice:?}");
    for (name, reason) in [("a\u{1b}[2Jb", "x"), ("case-8", "a\u{7}b"), ("", "x"), ("case-9", "")] {
        let odd = said(args(&hold(name, reason)));
        assert_eq!(odd.code, 2, "{odd:?}");
        assert!(!odd.stderr.contains(['\u{1b}', '\u{7}']), "{odd:?}");
    }
    let stats = ok(here, &["ledger", "stats", "--connect", &url]);
    assert!(stats.contains("case-7") && stats.contains("the police asked"), "{stats}");
    let unknown = run(here, &["ledger", "release", "case-\u{1b}1", "--connect", &url]);
    assert!(unknown.code != 0 && !unknown.stderr.contains('\u{1b}'), "{unknown:?}");
    refused(
        here,
        &["ledger", "release", "case-1", "--connect", &url],
        1,
        "there is no hold `case-1`; of holds there are: `case-7`",
    );
    let released = ok(here, &["ledger", "release", "case-7", "--connect", &url]);
    assert!(released.ends_with("no hold stands\n"), "{released}");
    served.stop("-TERM");
    let events = ok(here, &["events", "--data", "sledger-data", "--type", "hold.*"]);
    assert!(events.contains("hold.set") && events.contains("hold.released"), "{events}");
    refused(
        here,
        &["ledger", "hold", "x", "--reason", "y", "--data", "sledger-data"],
        2,
        "use --connect URL",
    );
}

/// A ledger that was killed now and then: each start begins a volume.
fn killed() -> tempfile::TempDir {
    let dir = folder(&[]);
    for user in ["ann", "bob", "cyd", "dan"] {
        let served = Served::start(dir.path(), &["--data", "past"]);
        login(dir.path(), &served.url, &[user]);
        served.stop("-KILL");
    }
    // What is sealed in the background is waited for by a clean stop.
    Served::start(dir.path(), &["--data", "past"]).stop("-TERM");
    dir
}

#[test]
fn volumes_are_archived_at_rest_read_there_and_given_back() {
    let dir = killed();
    let here = dir.path();
    let users = ok(here, &["users", "--data", "past"]);
    let moved = ok(here, &["ledger", "archive", "--to", "old", "--volumes", "1..2", "--data", "past"]);
    assert!(moved.starts_with("moved 2 volumes, "), "{moved}");
    assert!(moved.contains("\nhistory begins at seq ") && moved.contains("was archived on "), "{moved}");
    let verified = ok(here, &["ledger", "verify", "--data", "past"]);
    assert!(verified.contains("history begins at seq ") && verified.ends_with("whole\n"), "{verified}");
    assert_eq!(ok(here, &["users", "--data", "past"]), users, "who is in comes from the base");
    let exported = run(here, &["export", "--data", "past"]);
    assert!(exported.code == 0 && exported.stderr.contains("history begins at seq "), "{exported:?}");
    assert!(exported.stderr.contains("this export cannot be folded again"), "{exported:?}");
    let recording = ["export", "--format", "recording", "--data", "past"];
    refused(here, &recording, 1, "a recording begins with nobody in, and this history does not");
    let old = ok(here, &["users", "--data", "old", "--output", "json"]);
    assert!(old.contains("ann") && old.contains("bob") && !old.contains("cyd"), "{old}");
    refused(here, &["serve", "--listen", "127.0.0.1:0", "--data", "old"], 1, "it is read, never served");
    let archived = ok(here, &["events", "--data", "past", "--type", "volume.archived"]);
    assert_eq!(archived.lines().count(), 2, "{archived}");
    let served = Served::start(here, &["--data", "past"]);
    let url = served.url.clone();
    assert_eq!(ok(here, &["users", "--connect", &url]), users);
    // Reading verbs, exports, backups of a served history that begins later.
    let read = ok(here, &["quota", "list", "--connect", &url]);
    assert!(read.contains("per-user"), "{read}");
    let backed = ok(here, &["ledger", "backup", "kept", "--connect", &url]);
    assert!(backed.contains("it holds seq ") && !backed.contains("it holds seq 1 "), "{backed}");
    refused(here, &["ledger", "archive", "--to", "old", "--data", "past"], 1, "is served by pid");
    served.stop("-TERM");
    ok(here, &["ledger", "restore", "kept", "--data", "again"]);
    assert_eq!(ok(here, &["users", "--data", "again"]), users);
    let odd =
        |volumes: &'static str| ["ledger", "archive", "--to", "old", "--volumes", volumes, "--data", "past"];
    refused(here, &odd("4..5"), 2, "the first volume is 3: what goes begins there");
    refused(here, &odd("3-4"), 2, "`3-4` is no range: write e.g. 1..3");
    let none = ok(here, &["ledger", "archive", "--to", "old", "--before", "-90d", "--data", "past"]);
    assert!(none.starts_with("nothing to archive"), "{none}");
    let back = ok(here, &["ledger", "archive", "--back", "old", "--data", "past"]);
    assert!(back.ends_with("history begins at seq 1 again\n"), "{back}");
    assert_eq!(ok(here, &["users", "--data", "past"]), users);
    assert_eq!(run(here, &["ledger", "verify", "--data", "past"]).code, 0);
}
