//! A served ledger, from start to a clean stop.

use crate::common::{command, folder, run};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running server; killed when a test fails before it stops it.
pub(crate) struct Served {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Served {
    pub(crate) fn start(dir: &Path, args: &[&str]) -> Self {
        Self::start_at(dir, "127.0.0.1:0", args)
    }

    pub(crate) fn start_at(dir: &Path, listen: &str, args: &[&str]) -> Self {
        let mut command = command(dir, &[&["serve", "--listen", listen], args].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Some(url) = line.trim_end().strip_prefix("listening on ") else {
            let mut stderr = String::new();
            child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            panic!("no address in {line:?}: {stderr}");
        };
        Self { child, stdout, url: url.to_owned() }
    }

    /// Asks it to stop by a signal; its exit code, and what it said.
    pub(crate) fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let code = self.child.wait().unwrap().code();
        let mut said = String::new();
        self.stdout.read_to_string(&mut said).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (code, said)
    }

    /// Sends it a signal, without waiting for anything.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }
}

/// One request as `curl` would send it; the whole answer.
pub(crate) fn post(served: &Served, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(served.address()).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        served.address(),
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_login_is_kept_and_sigterm_leaves_a_clean_mark() {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &[]);
    let answer = post(&served, "/v1/sessions", r#"{"user":"ann","session":"laptop"}"#);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert!(answer.contains(r#""outcome":"admitted""#), "{answer}");
    assert!(!dir.path().join("sledger-data/clean").exists(), "while it runs");
    let (code, said) = served.stop("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("sledger login ann laptop --connect http://"), "{said}");
    assert!(dir.path().join("sledger-data/clean").exists(), "{said}");
    let ran = run(dir.path(), &["users", "--data", "sledger-data", "--output", "json"]);
    assert!(ran.stdout.contains(r#"{"user":"ann","active":1,"limit":5,"quota":"per-user"}"#), "{ran:?}");
    assert_eq!(run(dir.path(), &["ledger", "verify"]).code, 0);
}

#[test]
fn verbs_ask_a_served_ledger_and_say_denied_by_exit_code_4() {
    let quota = "[[quota]]\nname = \"q\"\nmax_sessions = 1\non_exhausted = \"deny_access\"\n";
    let dir = folder(&[("sledger.toml", quota)]);
    let served = Served::start(dir.path(), &["--data", "mine"]);
    let url = served.url.clone();
    let ask = |args: &[&str]| run(dir.path(), &[args, &["--connect", &url]].concat());
    let login = ask(&["login", "ann", "a1", "--client", "web", "--attribute", "device=tv", "--ttl", "2h"]);
    assert_eq!((login.code, login.stderr.as_str()), (0, ""), "{login:?}");
    assert!(login.stdout.starts_with("admitted user=ann session=a1 active=1/1 quota=q"), "{login:?}");
    let denied = ask(&["login", "ann", "a2", "--output", "json"]);
    let answer: Value = serde_json::from_str(&denied.stdout).unwrap();
    assert_eq!((denied.code, &answer["code"]), (4, &"SESSION_QUOTA_EXCEEDED".into()), "{denied:?}");
    assert_eq!(ask(&["login", "bob", "a1"]).code, 4, "a conflict");
    assert_eq!(ask(&["login", "b\nob", "b"]).code, 2, "rejected");
    assert_eq!(ask(&["touch", "a1"]).code, 0);
    assert_eq!(ask(&["touch", "nobody"]).code, 1);
    assert_eq!(ask(&["reconcile", "broker"]).code, 0);
    let sessions = ask(&["sessions", "--user", "ann"]);
    assert!(sessions.stdout.lines().nth(1).unwrap().starts_with("a1       ann   web"), "{sessions:?}");
    assert_eq!(ask(&["end", "a1", "--reason", "test"]).code, 0);
    assert_eq!(ask(&["login", "ann", "a3"]).code, 0);
    let cleared = ask(&["clear", "ann", "--output", "json"]);
    assert!(cleared.stdout.contains(r#""ended":["a3"]"#), "{cleared:?}");
    let events = ask(&["events", "--type", "login.*,session.*"]);
    let types: Vec<&str> = events.stdout.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    assert_eq!(
        types,
        [
            "login.admitted",
            "login.denied",
            "login.conflict",
            "session.ended",
            "login.admitted",
            "session.ended"
        ],
        "{events:?}"
    );
    let (code, said) = served.stop("-INT");
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn what_is_served_is_neither_read_nor_served_twice() {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &["--data", "mine"]);
    let (pid, url) = (served.child.id(), served.url.clone());
    for verb in [&["sessions"][..], &["events"], &["ledger", "verify"], &["ledger", "clock"]] {
        let ran = run(dir.path(), &[verb, &["--data", "mine"]].concat());
        let told = format!("error: `mine` is served by pid {pid} at {url}; use --connect {url}\n");
        assert_eq!((ran.code, ran.stderr), (1, told), "{verb:?}");
    }
    let twice = run(dir.path(), &["serve", "--listen", "127.0.0.1:0", "--data", "mine"]);
    assert_eq!(twice.code, 1, "{twice:?}");
    assert!(twice.stderr.contains(&pid.to_string()) && twice.stderr.contains(&url), "{twice:?}");
    let taken = run(dir.path(), &["serve", "--listen", served.address(), "--data", "other"]);
    assert_eq!(taken.code, 1, "{taken:?}");
    assert!(taken.stderr.contains(&format!("cannot listen on {}", served.address())), "{taken:?}");
    assert!(dir.path().join("other/clean").exists(), "a start that fails closes what it opened");
    assert_eq!(served.stop("-TERM").0, Some(0));
}

#[test]
fn an_address_that_others_can_reach_is_refused_as_configuration() {
    let dir = folder(&[]);
    let ran = run(dir.path(), &["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("insecure"), "{ran:?}");
}

#[test]
fn a_clock_far_ahead_is_refused_until_it_is_accepted_and_then_once() {
    let past = r#"{"at":"2020-01-01T00:00:00Z","op":"login","user":"ann","session":"a"}"#;
    let dir = folder(&[("past.jsonl", past)]);
    assert_eq!(run(dir.path(), &["import", "--data", "mine", "past.jsonl"]).code, 0);
    let refused = run(dir.path(), &["serve", "--listen", "127.0.0.1:0", "--data", "mine"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("sledger ledger clock accept"), "{refused:?}");
    let clock = run(dir.path(), &["ledger", "clock", "--data", "mine", "--output", "json"]);
    assert!(clock.stdout.contains(r#""refused":true,"accepted":false"#), "{clock:?}");
    let accepted = run(dir.path(), &["ledger", "clock", "accept", "--data", "mine"]);
    assert!(accepted.code == 0 && accepted.stdout.contains("accepted for the next start"), "{accepted:?}");
    let served = Served::start(dir.path(), &["--data", "mine"]);
    assert!(!dir.path().join("mine/clock-accepted").exists(), "it holds once");
    assert_eq!(served.stop("-TERM").0, Some(0));
}

#[test]
fn a_feed_is_followed_as_it_happens_and_stats_are_told() {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &[]);
    let url = served.url.clone();
    let args = ["events", "--follow", "--since", "seq:0", "--type", "login.*", "--connect", &url];
    let mut follow = command(dir.path(), &args);
    let mut follow = follow.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap());
    for id in ["a", "b"] {
        assert_eq!(run(dir.path(), &["login", "ann", id, "--connect", &url]).code, 0);
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert!(line.contains(&format!("login.admitted     user=ann session={id} ")), "{line}");
    }
    follow.kill().unwrap();
    follow.wait().unwrap();
    let stats = run(dir.path(), &["ledger", "stats", "--connect", &url, "--output", "json"]);
    assert!(stats.stdout.contains(r#""sessions":2,"users":1"#), "{stats:?}");
    assert_eq!(served.stop("-TERM").0, Some(0));
}

#[test]
fn relaxed_durability_is_warned_of_and_shown() {
    let dir = folder(&[("sledger.toml", "[ledger]\ndurability = \"relaxed\"\n")]);
    let warning = "warning: sledger.toml:2: `ledger.durability`: is `relaxed`: logins are answered before the disk has them, and those of the last moment are lost if the machine fails; `durable` loses none";
    let checked = run(dir.path(), &["config", "check"]);
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    assert!(checked.stderr.contains(warning), "{}", checked.stderr);
    let served = Served::start(dir.path(), &[]);
    let answer = post(&served, "/v1/sessions", r#"{"user":"ann","session":"laptop"}"#);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let url = served.url.clone();
    let top = run(dir.path(), &["top", "--once", "--connect", &url, "--output", "json"]);
    let figures: Value = serde_json::from_str(&top.stdout).unwrap();
    assert_eq!(figures["durability"], "relaxed", "{figures}");
    let top = run(dir.path(), &["top", "--once", "--connect", &url]);
    assert!(top.stdout.starts_with("! durability is relaxed: "), "{}", top.stdout);
    let (code, said) = served.stop("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(warning), "{said}");
    let top = run(dir.path(), &["top", "--once", "--data", "sledger-data", "--output", "json"]);
    let figures: Value = serde_json::from_str(&top.stdout).unwrap();
    assert_eq!((&figures["sessions"], &figures["durability"]), (&Value::from(1), &Value::from("durable")));
}
