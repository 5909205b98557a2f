//! `ledger erase`: served and at rest, and what is shown of whom nobody knows any more.

use crate::common::{Ran, folder, run, run_with};
use crate::serve::Served;
use serde_json::Value;
use std::path::Path;

const SEALED: &str = "[ledger]\nseal_personal = true\n";

fn ok(dir: &Path, args: &[&str]) -> Ran {
    let ran = run(dir, args);
    assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
    ran
}

/// Everything that reading verbs print of the ledger at rest.
fn shown(dir: &Path) -> String {
    let all: [&[&str]; 7] = [
        &["events", "--data", "sledger-data"],
        &["events", "--data", "sledger-data", "--output", "json"],
        &["export", "--format", "events", "--data", "sledger-data"],
        &["export", "--format", "csv", "--data", "sledger-data"],
        &["export", "--format", "recording", "--data", "sledger-data"],
        &["sessions", "--data", "sledger-data"],
        &["users", "--data", "sledger-data"],
    ];
    all.iter().map(|args| ok(dir, args).stdout).collect()
}

#[test]
fn erased_on_a_served_ledger_and_asked_for_the_name_again() {
    let dir = folder(&[("sledger.toml", SEALED)]);
    let served = Served::start(dir.path(), &[]);
    let at = ["--connect", served.url.as_str()];
    ok(dir.path(), &[&["login", "ann-of-erewhon", "laptop-of-ann"], &at[..]].concat());
    ok(dir.path(), &[&["login", "bob", "b"], &at[..]].concat());
    let erase = [&["ledger", "erase", "ann-of-erewhon", "--reason", "as asked"], &at[..]].concat();
    let other = run_with(dir.path(), &erase, "ann\n");
    assert_eq!((other.code, other.stdout.as_str()), (2, ""), "{other:?}");
    assert!(other.stderr.contains("nobody was erased"), "{other:?}");
    let done = run_with(dir.path(), &erase, "ann-of-erewhon\n");
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.stdout.contains("sessions ended: 1"), "{done:?}");
    assert!(done.stderr.contains("not called back"), "{done:?}");
    let again = run(dir.path(), &[&erase[..], &["--yes"]].concat());
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.stderr.contains("nobody of this name is known"), "{again:?}");
    let users = ok(dir.path(), &[&["users"], &at[..]].concat()).stdout;
    assert!(users.contains("bob") && !users.contains("ann"), "{users}");
    assert_eq!(served.stop("-TERM").0, Some(0));
    ok(dir.path(), &["ledger", "verify"]);
    let shown = shown(dir.path());
    assert!(shown.contains("bob") && shown.contains("user.erased"), "{shown}");
    assert!(!shown.contains("erewhon") && !shown.contains("laptop"), "{shown}");
    assert!(!shown.contains('\u{1f}') && !shown.contains("u001f"), "{shown}");
}

#[test]
fn erased_at_rest_without_a_change_of_settings() {
    let quota = "[[quota]]\nname = \"office\"\nmax_sessions = 2\n";
    let dir = folder(&[("sledger.toml", &format!("{SEALED}{quota}"))]);
    let served = Served::start(dir.path(), &[]);
    let at = ["--connect", served.url.as_str()];
    ok(dir.path(), &[&["login", "ann", "a"], &at[..]].concat());
    ok(dir.path(), &[&["quota", "set", "mine", "count_by=ip", "max_sessions=7"], &at[..]].concat());
    let rest = ["ledger", "erase", "ann", "--yes", "--data", "sledger-data", "--output", "json"];
    let refused = run(dir.path(), &rest);
    assert!(refused.code == 1 && refused.stderr.contains("is served by pid"), "{refused:?}");
    assert_eq!(served.stop("-TERM").0, Some(0));
    // The settings at hand are others: those of the ledger stay.
    std::fs::write(dir.path().join("sledger.toml"), "").unwrap();
    let done: Value = serde_json::from_str(&ok(dir.path(), &rest).stdout).unwrap();
    assert_eq!((&done["ended"], &done["snapshots_removed"]), (&Value::from(1), &Value::from(true)));
    let events = ok(dir.path(), &["events", "--data", "sledger-data"]).stdout;
    let tail = events.split("user.erased").nth(1).unwrap();
    let before = events.rsplit_once("ledger.started").unwrap().1;
    assert!(!before.contains("config.applied"), "{before}");
    assert!(tail.contains("ledger.stopped"), "{tail}");
}

#[test]
fn plain_ledger_says_why_nobody_can_be_erased_from_it() {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &[]);
    let at = ["--connect", served.url.as_str()];
    ok(dir.path(), &[&["login", "ann", "a"], &at[..]].concat());
    let refused = run(dir.path(), &[&["ledger", "erase", "ann", "--yes"], &at[..]].concat());
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.stderr.contains("does not seal personal values"), "{refused:?}");
    assert_eq!(served.stop("-TERM").0, Some(0));
    std::fs::write(dir.path().join("sledger.toml"), SEALED).unwrap();
    let refused = run(dir.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("the ledger was made with `false`"), "{refused:?}");
}
