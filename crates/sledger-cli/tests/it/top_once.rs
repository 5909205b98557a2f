//! `top --once`: what each view shows, for programs and for people.

use crate::common::{Ran, folder, run};
use crate::serve::{Served, post};
use serde_json::Value;
use std::path::Path;

const CONFIG: &str = "[[quota]]\nname = \"per-user\"\nmax_sessions = 2\non_exhausted = \"destroy_oldest\"\n";

fn login(served: &Served, user: &str, session: &str) {
    let body = format!(r#"{{"user":"{user}","session":"{session}","ip":"192.0.2.{}"}}"#, session.len());
    let answer = post(served, "/v1/sessions", &body);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

/// Ann logged in three times with room for two, bob once.
fn served(dir: &Path) -> Served {
    let served = Served::start(dir, &[]);
    for (user, session) in [("ann", "a1"), ("bob", "b"), ("ann", "a2"), ("ann", "a3")] {
        login(&served, user, session);
    }
    served
}

fn once(dir: &Path, args: &[&str]) -> Ran {
    run(dir, &[&["top", "--once"], args].concat())
}

fn json(dir: &Path, args: &[&str]) -> Value {
    let ran = once(dir, &[args, &["--output", "json"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn ids(rows: &Value) -> Vec<(&str, &str)> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| (row["session"].as_str().unwrap(), row["state"].as_str().unwrap())).collect()
}

#[test]
fn each_view_of_a_served_ledger_is_printed() {
    let dir = folder(&[("sledger.toml", CONFIG)]);
    let served = served(dir.path());
    let to = ["--connect", served.url.as_str()];
    let shown = |view: &str| json(dir.path(), &[&to[..], &["--view", view]].concat());

    let overview = json(dir.path(), &to);
    assert_eq!((&overview["sessions"], &overview["top"][0]["user"]), (&3.into(), &"ann".into()));
    assert_eq!((&overview["top"][0]["quota"], &overview["view"]), (&"per-user".into(), &"overview".into()));
    assert_eq!(overview["users_shown"].as_array().unwrap().len(), 2);
    assert_eq!(overview["ledger"]["name"], "main", "{overview}");

    let user = shown("user:ann");
    assert_eq!((&user["active"], &user["limit"]), (&2.into(), &2.into()));
    assert_eq!(ids(&user["sessions"]), [("a2", "live"), ("a3", "live"), ("a1", "evicted")]);
    assert_eq!(user["events"].as_array().unwrap().len(), 4, "its past is asked of the server: {user}");

    let session = shown("session:a1");
    assert_eq!(
        (&session["ended"]["cause"], &session["ended"]["by_session"]),
        (&"evicted".into(), &"a3".into())
    );
    assert_eq!(
        (&session["why"]["outcome"], &session["why"]["as_recorded"]),
        (&"evicted".into(), &true.into())
    );
    assert_eq!(session["events"].as_array().unwrap().len(), 2, "{session}");
    assert_eq!(shown("session:b")["session"]["user"], "bob");

    let policies = shown("policies:destroy_oldest");
    let mut uses =
        policies["policies"].as_array().unwrap().iter().flat_map(|one| one["uses"].as_array().unwrap());
    let used = uses.find(|used| used["quota"] == "per-user").unwrap();
    assert_eq!((&used["asked"], &used["evicted"]), (&1.into(), &1.into()), "{used}");
    assert!(policies["policy"]["text"].as_str().unwrap().contains("on_exhausted"), "{policies}");
}

#[test]
fn a_view_as_it_was_is_what_replay_says_of_that_moment() {
    let dir = folder(&[("sledger.toml", CONFIG)]);
    let served = served(dir.path());
    let seq =
        json(dir.path(), &["--connect", &served.url, "--view", "user:ann"])["events"][3]["seq"].to_string();
    let when = format!("seq:{seq}");
    let compared = |to: &[&str]| {
        let then = json(dir.path(), &[to, &["--view", "replay", "--at", &when]].concat());
        let said = run(dir.path(), &[&["replay", "at", &when, "--output", "json"], to].concat());
        let said: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(then["position"]["seq"], said["seq"], "{then} {said}");
        let users = then["users"].as_array().unwrap().iter();
        let shown: Vec<_> = users.map(|user| (user["user"].clone(), user["active"].clone())).collect();
        let users = said["users"].as_array().unwrap().iter();
        let told: Vec<_> = users.map(|user| (user["user"].clone(), user["active"].clone())).collect();
        assert_eq!(shown, told);
        assert_eq!(shown.len(), 1, "only ann was in then: {shown:?}");
        let user = json(dir.path(), &[to, &["--view", "user:ann", "--at", &when]].concat());
        assert_eq!(ids(&user["sessions"]), [("a1", "live")], "{user}");
    };
    compared(&["--connect", &served.url]);
    served.stop("-TERM");
    compared(&["--data", "sledger-data"]);
    let exported = run(dir.path(), &["export", "--data", "sledger-data", "--format", "events"]);
    std::fs::write(dir.path().join("events.jsonl"), exported.stdout).unwrap();
    compared(&["--recording", "events.jsonl"]);
}

#[test]
fn people_read_a_line_a_fact_and_names_are_escaped() {
    let dir = folder(&[("sledger.toml", CONFIG)]);
    let served = served(dir.path());
    post(&served, "/v1/sessions", r#"{"user":"e\u202evil","session":"x"}"#);
    let to = ["--connect", served.url.as_str()];
    let shown = |args: &[&str]| once(dir.path(), &[&to[..], args].concat()).stdout;
    let overview = shown(&[]);
    assert!(
        overview.contains("ann   2       2      per-user") || overview.contains("per-user"),
        "{overview}"
    );
    assert!(!overview.contains('\u{202e}'), "{overview}");
    let session = shown(&["--view", "session:a1"]);
    for part in [
        "a1@",
        "of ann ended (evicted)",
        "line      line 4: evict(",
        "deny_access",
        "decided again, it is what",
    ] {
        assert!(session.contains(part), "{part}: {session}");
    }
    let policies = shown(&["--view", "policies:destroy_oldest"]);
    assert!(policies.contains("ASKED") && policies.contains("   3  fn on_exhausted()"), "{policies}");
}

#[test]
fn what_is_not_there_or_no_view_is_refused_by_name() {
    let dir = folder(&[("sledger.toml", CONFIG)]);
    let served = served(dir.path());
    let to = ["--connect", served.url.as_str()];
    let refused = |args: &[&str]| {
        let ran = once(dir.path(), &[&to[..], args].concat());
        assert!(ran.stdout.is_empty(), "{}", ran.stdout);
        (ran.code, ran.stderr)
    };
    let (code, said) = refused(&["--view", "session:nobody"]);
    assert!(code == 1 && said.contains("no session `nobody` is live or remembered"), "{said}");
    let (code, said) = refused(&["--view", "sesion:a1"]);
    assert!(code == 2 && said.contains("there is no such view: write overview, user:NAME"), "{said}");
    let (code, said) = refused(&["--at", "yesterdy"]);
    assert!(code == 2 && said.contains("--at yesterdy"), "{said}");
    let ran = once(dir.path(), &["--recording", "-"]);
    assert!(ran.code == 2 && ran.stderr.contains("give a file, not -"), "{}", ran.stderr);
}
