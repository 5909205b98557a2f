//! What is refused, and how.

use crate::common::{folder, run, run_with};

#[test]
fn an_unknown_key_is_refused_with_file_line_and_suggestion() {
    let dir =
        folder(&[("sledger.toml", "[server]\nlisten = \"127.0.0.1:0\"\n\n[sessions]\nidel = \"5m\"\n")]);
    for verb in [&["serve"][..], &["config", "check"], &["config", "show"], &["simulate"]] {
        let ran = run(dir.path(), verb);
        assert_eq!(ran.code, 2, "{verb:?}: {ran:?}");
        assert_eq!(ran.stderr, "error: sledger.toml:5: `sessions.idel`: is unknown; did you mean `idle`?\n");
        assert_eq!(ran.stdout, "");
    }
    assert!(!dir.path().join("sledger-data").exists(), "nothing is made before all is known to be right");
}

#[test]
fn a_malformed_file_is_refused_by_its_line() {
    let dir = folder(&[("mine.toml", "[sessions]\nttl = = 5\n")]);
    let ran = run(dir.path(), &["config", "check", "--config", "mine.toml"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.starts_with("error: mine.toml:2: "), "{}", ran.stderr);
}

#[test]
fn a_configuration_that_is_named_must_be_there() {
    let dir = folder(&[]);
    let ran = run(dir.path(), &["config", "check", "--config", "gone.toml"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (2, "error: configuration `gone.toml` does not exist\n"));
}

#[test]
fn a_foreign_number_is_answered_with_ours() {
    let dir = folder(&[("sledger.toml", "[[quota]]\nname = \"q\"\nmax_sessions = 0\n")]);
    let ran = run(dir.path(), &["config", "check"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("sledger.toml:3") && ran.stderr.contains("OpenAM"), "{}", ran.stderr);
}

#[test]
fn a_policy_that_is_named_and_missing_stops_a_start_by_its_file() {
    let quota = "[[quota]]\nname = \"q\"\nmax_sessions = 2\non_exhausted = \"kindest\"\n";
    let dir = folder(&[("sledger.toml", quota)]);
    for verb in [&["serve", "--listen", "127.0.0.1:0"][..], &["config", "check"], &["simulate"]] {
        let ran = run(dir.path(), verb);
        assert_eq!(ran.code, 2, "{verb:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error: sledger.toml:4: `quota[0].on_exhausted`"), "{}", ran.stderr);
        assert!(ran.stderr.contains("kindest.rhai"), "{}", ran.stderr);
    }
    assert!(!dir.path().join("sledger-data").exists());
}

#[test]
fn a_policy_that_does_not_parse_or_decides_nothing_is_refused_by_its_file() {
    for (text, what) in
        [("fn on_exhausted() { deny(", "policies/mine.rhai:1:"), ("fn other() { 1 }", "on_exhausted")]
    {
        let dir = folder(&[("policies/mine.rhai", text)]);
        let ran = run(dir.path(), &["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains(what) && ran.stderr.contains("policies/mine.rhai"), "{}", ran.stderr);
    }
}

#[test]
fn only_one_place_is_read_from() {
    let dir = folder(&[]);
    let ran = run(dir.path(), &["sessions", "--data", "a", "--recording", "b"]);
    let complaint = "error: give only one of --connect URL, --data DIR, --recording FILE\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (2, complaint));
}

#[test]
fn moments_and_zones_are_refused_with_what_to_write() {
    let dir = folder(&[]);
    let ran = run(dir.path(), &["events", "--data", ".", "--since", "1204880"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("`seq:1204880`, `ms:1204880` or a time"), "{}", ran.stderr);
    let ran = run(dir.path(), &["events", "--data", ".", "--tz", "Europe/Oslo"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("+01:00"), "{}", ran.stderr);
}

#[test]
fn a_malformed_line_stops_a_simulation_by_file_and_line() {
    let dir = folder(&[]);
    let ran = run_with(
        dir.path(),
        &["simulate"],
        "{\"at\":5,\"op\":\"advance\"}\n\n{\"at\":4,\"op\":\"advance\"}\n",
    );
    assert_eq!(ran.code, 1);
    assert_eq!(ran.stderr, "error: -:3: `at` runs back: 4 after 5\n");
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
}

#[test]
fn no_ledger_is_a_failure_and_nothing_is_made() {
    let dir = folder(&[]);
    for verb in [&["sessions"][..], &["users"], &["events"], &["ledger", "verify"], &["ledger", "stats"]] {
        let ran = run(dir.path(), &[verb, &["--data", "nowhere"]].concat());
        assert_eq!((ran.code, ran.stderr.as_str()), (1, "error: no ledger in `nowhere`\n"), "{verb:?}");
    }
    assert!(!dir.path().join("nowhere").exists());
}

#[test]
fn nobody_there_is_a_failure_that_says_what_to_do() {
    let dir = folder(&[]);
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let ran = run(dir.path(), &["login", "ann", "a", "--connect", &url]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("sledger serve"), "{}", ran.stderr);
}

#[test]
fn defaults_are_shown_as_a_file_that_can_be_read_back() {
    let dir = folder(&[]);
    let shown = run(dir.path(), &["config", "show", "--default"]);
    assert_eq!(shown.code, 0);
    std::fs::write(dir.path().join("sledger.toml"), &shown.stdout).unwrap();
    let again = run(dir.path(), &["config", "show"]);
    assert_eq!(again.stdout, shown.stdout);
    let checked = run(dir.path(), &["config", "check", "--output", "json"]);
    assert!(checked.stdout.starts_with("{\"ok\":true,\"file\":\"sledger.toml\""), "{}", checked.stdout);
}

#[test]
fn where_a_value_comes_from_is_shown() {
    let dir = folder(&[("sledger.toml", "[sessions]\nidle = \"5m\"\n")]);
    let mut command = crate::common::command(dir.path(), &["config", "show", "--origin", "--data", "mine"]);
    let output = command.env("SLEDGER__LOG__LEVEL", "debug").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let comment = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
        line.split("# ").nth(1).unwrap().to_owned()
    };
    assert_eq!(comment("idle"), "sledger.toml:2");
    assert_eq!(comment("level"), "SLEDGER__LOG__LEVEL");
    assert_eq!(comment("data"), "--data");
    assert_eq!(comment("ttl"), "default");
}
