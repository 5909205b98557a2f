//! What `--help` says.

use crate::common::{folder, run};

const VERBS: &[&[&str]] = &[
    &[],
    &["serve"],
    &["top"],
    &["simulate"],
    &["import"],
    &["export"],
    &["events"],
    &["sessions"],
    &["users"],
    &["login"],
    &["touch"],
    &["logout"],
    &["disconnect"],
    &["clear"],
    &["end"],
    &["adopt"],
    &["reconcile"],
    &["quota"],
    &["quota", "list"],
    &["quota", "show"],
    &["quota", "set"],
    &["quota", "enable"],
    &["quota", "disable"],
    &["quota", "delete"],
    &["quota", "reset"],
    &["limit"],
    &["group"],
    &["group", "list"],
    &["group", "add"],
    &["group", "remove"],
    &["policy"],
    &["policy", "new"],
    &["policy", "check"],
    &["policy", "install"],
    &["policy", "promote"],
    &["policy", "rollback"],
    &["policy", "stop"],
    &["policy", "list"],
    &["policy", "test"],
    &["policy", "bench"],
    &["policy", "defs"],
    &["policy", "explain"],
    &["policy", "capture"],
    &["policy", "backtest"],
    &["policy", "diff"],
    &["replay"],
    &["replay", "at"],
    &["replay", "note"],
    &["replay", "report"],
    &["replay", "verify"],
    &["replay", "why"],
    &["config"],
    &["config", "check"],
    &["config", "show"],
    &["config", "reload"],
    &["ledger"],
    &["ledger", "stats"],
    &["ledger", "verify"],
    &["ledger", "checkpoint"],
    &["ledger", "seal"],
    &["ledger", "salvage"],
    &["ledger", "backup"],
    &["ledger", "restore"],
    &["ledger", "archive"],
    &["ledger", "hold"],
    &["ledger", "release"],
    &["ledger", "erase"],
    &["ledger", "clock"],
    &["ledger", "clock", "accept"],
    &["replay"],
    &["replay", "at"],
    &["replay", "timeline"],
    &["replay", "diff"],
    &["completions"],
    &["man"],
];

#[test]
fn no_line_of_any_help_is_wider_than_79_columns() {
    let dir = folder(&[]);
    for verb in VERBS {
        for flag in ["--help", "-h"] {
            let ran = run(dir.path(), &[*verb, &[flag]].concat());
            assert_eq!(ran.code, 0, "{verb:?}");
            for line in ran.stdout.lines() {
                assert!(line.chars().count() <= 79, "{verb:?} {flag}: {line}");
            }
        }
    }
}

#[test]
fn help_names_every_verb_and_the_global_flags() {
    let ran = run(folder(&[]).path(), &["--help"]);
    for verb in VERBS.iter().filter_map(|verb| verb.first()) {
        assert!(ran.stdout.contains(&format!("\n  {verb} ")), "{verb} is missing in\n{}", ran.stdout);
    }
    for flag in ["--config", "--data", "--connect", "--recording", "--output <text|json>", "--tz"] {
        assert!(ran.stdout.contains(flag), "{flag} is missing in\n{}", ran.stdout);
    }
    assert!(ran.stdout.contains("[default: UTC]"), "{}", ran.stdout);
    assert!(ran.stdout.contains("Exit codes: 0 ok, 1 failure, 2 usage or configuration"), "{}", ran.stdout);
}

#[test]
fn a_login_says_what_it_is_for() {
    let ran = run(folder(&[]).path(), &["login", "--help"]);
    assert!(ran.stdout.starts_with("Records a login of a user: for tests and scripts"), "{}", ran.stdout);
}

#[test]
fn flags_of_export_are_those_of_the_table() {
    let ran = run(folder(&[]).path(), &["export", "--help"]);
    for flag in [
        "--format <recording|events|csv|parquet|blocks>",
        "--since <WHEN>",
        "--until <WHEN>",
        "--user <USER>",
        "--redact",
        "[default: events]",
    ] {
        assert!(ran.stdout.contains(flag), "{flag} is missing in\n{}", ran.stdout);
    }
}

#[test]
fn flags_of_import_are_those_of_the_table() {
    let ran = run(folder(&[]).path(), &["import", "--help"]);
    for flag in [
        "--enforce",
        "--assume-end <TIME|last>",
        "--year <Y>",
        "--format <recording|syslog|windows|utmp|radius>",
    ] {
        assert!(ran.stdout.contains(flag), "{flag} is missing in\n{}", ran.stdout);
    }
}

#[test]
fn a_slip_in_a_verb_or_flag_is_answered_with_what_was_meant() {
    let dir = folder(&[]);
    for (args, meant) in [
        (&["simulat"][..], "simulate"),
        (&["serve", "--lisen", "x"], "--listen"),
        (&["ledger", "verfy"], "verify"),
    ] {
        let ran = run(dir.path(), args);
        assert_eq!(ran.code, 2, "{args:?}");
        assert!(ran.stderr.contains(meant), "{args:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{args:?}");
    }
}
