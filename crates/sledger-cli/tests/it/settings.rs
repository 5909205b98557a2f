//! Who wins: the file, what was set at run time, and what a restart finds. A test for each sentence.

use crate::common::{folder, run};
use crate::serve::Served;
use serde_json::Value;
use std::path::Path;

const FILE: &str = "[[quota]]\nname = \"office\"\nmax_sessions = 2\non_exhausted = \"deny_access\"\n";

/// Runs a verb against `served`; its JSON.
fn ask(served: &Served, dir: &Path, args: &[&str]) -> Value {
    let ran = run(dir, &[args, &["--connect", &served.url, "--output", "json"]].concat());
    assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

fn refused(served: &Served, dir: &Path, args: &[&str]) -> (i32, String) {
    let ran = run(dir, &[args, &["--connect", &served.url]].concat());
    assert_eq!(ran.stdout, "", "{args:?}");
    (ran.code, ran.stderr)
}

fn quota(served: &Served, dir: &Path, name: &str) -> Value {
    ask(served, dir, &["quota", "show", name])
}

/// `name:origin` of every quota.
fn names(served: &Served, dir: &Path) -> Vec<String> {
    let page = ask(served, dir, &["quota", "list"]);
    let all = page["quotas"].as_array().unwrap().iter();
    all.map(|quota| format!("{}:{}", quota["name"].as_str().unwrap(), quota["origin"].as_str().unwrap()))
        .collect()
}

fn write(dir: &Path, text: &str) {
    std::fs::write(dir.join("sledger.toml"), text).unwrap();
}

/// Asks for a reload by a signal, and waits until `is_done`.
fn by_signal(served: &Served, dir: &Path, is_done: impl Fn() -> bool) {
    served.signal("-HUP");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !is_done() {
        assert!(std::time::Instant::now() < until, "no reload in {}", dir.display());
        std::thread::yield_now();
    }
}

#[test]
fn a_quota_of_the_file_changes_by_editing_it_and_reload_by_command_or_signal_or_start() {
    let dir = folder(&[("sledger.toml", FILE)]);
    let served = Served::start(dir.path(), &[]);
    let limit = |served: &Served| quota(served, dir.path(), "office")["max_sessions"].clone();
    write(dir.path(), &FILE.replace("= 2", "= 3"));
    assert_eq!(limit(&served), 2, "not before it is asked for");
    assert_eq!(ask(&served, dir.path(), &["config", "reload"])["changed"], true);
    assert_eq!(limit(&served), 3);
    assert_eq!(ask(&served, dir.path(), &["config", "reload"])["changed"], false);
    write(dir.path(), &FILE.replace("= 2", "= 4"));
    by_signal(&served, dir.path(), || limit(&served) == 4);
    assert_eq!(served.stop("-TERM").0, Some(0));
    write(dir.path(), &FILE.replace("= 2", "= 5"));
    let served = Served::start(dir.path(), &[]);
    assert_eq!(limit(&served), 5);
    let (code, said) = refused(&served, dir.path(), &["quota", "set", "office", "max_sessions=9"]);
    assert_eq!(code, 1);
    assert!(said.contains("sledger.toml"), "{said}");
    let (code, said) = refused(&served, dir.path(), &["quota", "delete", "office", "--yes"]);
    assert_eq!(code, 1);
    assert!(said.contains("sledger.toml"), "{said}");
}

#[test]
fn quotas_of_the_ledger_come_after_those_of_the_file_and_survive_restarts_and_kills() {
    let dir = folder(&[("sledger.toml", FILE)]);
    let served = Served::start(dir.path(), &[]);
    let set = ask(
        &served,
        dir.path(),
        &["quota", "set", "a-mine", "count_by=ip", "max_sessions=7", "--reason", "try"],
    );
    assert_eq!((&set["before"], &set["quota"]["max_sessions"]), (&Value::Null, &Value::from(7)));
    assert_eq!(names(&served, dir.path()), ["office:file", "a-mine:api"]);
    let before = quota(&served, dir.path(), "a-mine");
    assert_eq!(served.stop("-TERM").0, Some(0));
    let served = Served::start(dir.path(), &[]);
    assert_eq!(quota(&served, dir.path(), "a-mine"), before, "with its tag");
    served.stop("-KILL");
    let served = Served::start(dir.path(), &[]);
    assert_eq!(names(&served, dir.path()), ["office:file", "a-mine:api"]);
    write(dir.path(), &format!("{FILE}[[quota]]\nname = \"second\"\ncount_by = \"client\"\n"));
    ask(&served, dir.path(), &["config", "reload"]);
    assert_eq!(names(&served, dir.path()), ["office:file", "second:file", "a-mine:api"]);
    ask(&served, dir.path(), &["quota", "delete", "a-mine", "--yes"]);
    assert_eq!(names(&served, dir.path()), ["office:file", "second:file"]);
    let events = ask_lines(&served, dir.path(), &["events", "--since", "seq:1", "--type", "quota.*"]);
    let about: Vec<_> = events.iter().filter(|event| event["quota"] == "a-mine").collect();
    assert_eq!(
        about.first().map(|event| &event["reason"]),
        Some(&Value::from("try")),
        "its past stays: {events:?}"
    );
    assert_eq!(about.last().map(|event| &event["type"]), Some(&Value::from("quota.deleted")));
    assert!(about.iter().all(|event| event["actor"] == "local"), "{about:?}");
}

fn ask_lines(served: &Served, dir: &Path, args: &[&str]) -> Vec<Value> {
    let ran = run(dir, &[args, &["--connect", &served.url, "--output", "json"]].concat());
    assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn overrides_and_switches_are_set_on_both_kept_over_reloads_and_restarts_and_removed_by_reset() {
    let dir = folder(&[("sledger.toml", FILE)]);
    let served = Served::start(dir.path(), &[]);
    ask(&served, dir.path(), &["quota", "set", "mine", "max_sessions=7", "count_by=ip"]);
    for name in ["office", "mine"] {
        ask(&served, dir.path(), &["limit", "ann", "9", "--quota", name, "--reason", "moving"]);
        ask(
            &served,
            dir.path(),
            &["limit", "group:vip", "unlimited", "--quota", name, "--until", "2999-01-01 08:00"],
        );
        ask(&served, dir.path(), &["quota", "disable", name]);
    }
    let seen = |served: &Served| {
        ["office", "mine"].map(|name| {
            let quota = quota(served, dir.path(), name);
            (quota["override"].as_array().unwrap().len(), quota["enabled"].clone())
        })
    };
    let set = [(2, Value::from(false)), (2, Value::from(false))];
    assert_eq!(seen(&served), set);
    write(dir.path(), &FILE.replace("= 2", "= 3"));
    ask(&served, dir.path(), &["config", "reload"]);
    assert_eq!(seen(&served), set, "after a reload");
    assert_eq!(served.stop("-TERM").0, Some(0));
    write(dir.path(), &FILE.replace("= 2", "= 4"));
    let served = Served::start(dir.path(), &[]);
    assert_eq!(seen(&served), set, "after a restart with another file");
    for name in ["office", "mine"] {
        ask(&served, dir.path(), &["quota", "reset", name]);
    }
    assert_eq!(seen(&served), [(0, Value::from(true)), (0, Value::from(true))]);
    assert_eq!(quota(&served, dir.path(), "office")["max_sessions"], 4);
}

#[test]
fn a_reload_is_taken_whole_or_not_at_all_and_the_reason_stays_to_be_seen() {
    let dir = folder(&[("sledger.toml", FILE)]);
    let served = Served::start(dir.path(), &[]);
    let bad = [
        (FILE.replace("= 2", "= 3") + "[[quota]]\nname = \"office\"\n", "names another quota too"),
        (FILE.replace("= 2", "= 3") + "[sesions]\nidle = 3\n", "did you mean `sessions`?"),
        (FILE.replace("= 2", "= 3").replace("deny_access", "nowhere"), "no such built-in policy"),
        (FILE.replace("= 2", "= 0"), "write `unlimited` or `banned`"),
        (format!("[server]\nname = \"other\"\n{FILE}"), "`server` changed, which needs a restart"),
        (format!("[ledger]\nreserve = \"1GiB\"\n{FILE}"), "`ledger` changed, which needs a restart"),
        (format!("[limits]\nqueue = 17\n{FILE}"), "`limits.queue` changed, which needs a restart"),
        (format!("[users]\nfold = \"lowercase\"\n{FILE}"), "needs an empty ledger"),
    ];
    for (text, why) in bad {
        write(dir.path(), &text);
        let (code, said) = refused(&served, dir.path(), &["config", "reload"]);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(why) && said.contains("the former one stays in force"), "{said}");
        assert_eq!(quota(&served, dir.path(), "office")["max_sessions"], 2, "{why}");
        let top = ask(&served, dir.path(), &["top", "--once"]);
        assert!(top["warnings"][0].as_str().unwrap().contains(why), "{top}");
    }
    write(dir.path(), FILE);
    assert_eq!(ask(&served, dir.path(), &["config", "reload"])["changed"], false);
    assert_eq!(ask(&served, dir.path(), &["top", "--once"])["warnings"], Value::Null);
}

#[test]
fn config_show_origin_says_where_each_value_was_written() {
    let dir = folder(&[("sledger.toml", FILE)]);
    let shown = run(dir.path(), &["config", "show", "--origin", "--data", "elsewhere"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    for place in ["sledger.toml:3", "--data"] {
        assert!(shown.stdout.contains(place), "{place} in {}", shown.stdout);
    }
}

#[test]
fn quotas_and_groups_of_a_ledger_at_rest_are_shown() {
    let dir = folder(&[("sledger.toml", &format!("{FILE}[[group]]\nname = \"ops\"\nusers = [\"ann\"]\n"))]);
    let served = Served::start(dir.path(), &[]);
    ask(&served, dir.path(), &["group", "add", "ops", "zoe"]);
    ask(&served, dir.path(), &["group", "remove", "ops", "ann"]);
    assert_eq!(served.stop("-TERM").0, Some(0));
    let groups = run(dir.path(), &["group", "list", "--data", "sledger-data"]);
    assert_eq!(groups.stdout, "ops: ann +zoe -ann\n", "{groups:?}");
    let quotas = run(dir.path(), &["quota", "list", "--data", "sledger-data"]);
    assert!(quotas.stdout.lines().nth(1).is_some_and(|line| line.starts_with("office")), "{quotas:?}");
}

#[test]
fn what_is_asked_wrongly_is_answered_with_what_was_meant() {
    let dir = folder(&[("sledger.toml", FILE)]);
    let served = Served::start(dir.path(), &[]);
    let cases: [(&[&str], i32, &str); 9] = [
        (&["quota", "show", "ofice"], 2, "there are: office"),
        (&["quota", "set", "mine", "max_sesions=3"], 2, "did you mean `max_sessions`?"),
        (&["quota", "set", "mine", "max_sessions"], 2, "is not KEY=VALUE"),
        (&["quota", "set", "mine", "level=soft", "level=hard"], 2, "given twice"),
        (&["quota", "disable", "office", "--for", "soon"], 2, "for"),
        (&["limit", "ann", "0"], 2, "write"),
        (&["limit", "ann", "3", "--until", "2020-01-01 08:00"], 2, "not later than now"),
        (&["limit", "ann", "--unset"], 1, "has no override for `ann`"),
        (&["group", "remove", "ops", "ann"], 1, "is not in group"),
    ];
    for (args, code, hint) in cases {
        let (found, said) = refused(&served, dir.path(), args);
        assert_eq!(found, code, "{args:?}: {said}");
        assert!(said.contains(hint), "{args:?}: {said}");
    }
}

#[test]
fn a_recording_of_a_ledger_whose_settings_changed_at_run_time_is_decided_the_same() {
    let dir = folder(&[("sledger.toml", FILE), ("nothing.toml", "")]);
    let served = Served::start(dir.path(), &[]);
    let login = |user: &str, session: &str| {
        let args = ["login", user, session, "--ip", "10.0.0.1", "--connect", &served.url, "--output", "json"];
        let answer: Value = serde_json::from_str(&run(dir.path(), &args).stdout).unwrap();
        format!("{session}:{}", answer["outcome"].as_str().unwrap())
    };
    let mut told = Vec::new();
    told.extend(["1", "2", "3"].map(|n| login("ann", n)));
    ask(&served, dir.path(), &["limit", "ann", "4"]);
    told.extend(["4", "5", "6"].map(|n| login("ann", n)));
    ask(&served, dir.path(), &["quota", "disable", "office"]);
    told.extend(["7", "8"].map(|n| login("ann", n)));
    ask(&served, dir.path(), &["quota", "enable", "office"]);
    ask(&served, dir.path(), &["limit", "group:vip", "3"]);
    ask(&served, dir.path(), &["group", "add", "vip", "bob"]);
    told.extend(["b1", "b2", "b3", "b4"].map(|n| login("bob", n)));
    ask(
        &served,
        dir.path(),
        &["quota", "set", "by-ip", "count_by=ip", "max_sessions=1", "on_exhausted=deny_access"],
    );
    told.push(login("eve", "e1"));
    ask(&served, dir.path(), &["quota", "delete", "by-ip", "--yes"]);
    told.push(login("eve", "e2"));
    let kinds: std::collections::BTreeSet<_> = told.iter().filter_map(|one| one.split(':').nth(1)).collect();
    assert_eq!(kinds.len(), 2, "some in, some refused: {told:?}");
    let recording = run(dir.path(), &["export", "--format", "recording", "--connect", &served.url]);
    assert_eq!(recording.code, 0, "{recording:?}");
    std::fs::write(dir.path().join("past.jsonl"), &recording.stdout).unwrap();
    let again = run(dir.path(), &["simulate", "past.jsonl", "--config", "nothing.toml"]);
    assert_eq!(again.code, 0, "{again:?}");
    let lines = again.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let logins = lines.filter(|line| line["op"] == "login");
    let decided: Vec<String> = logins
        .map(|line| format!("{}:{}", line["session"].as_str().unwrap(), line["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(decided, told);
}

/// Runs a verb on a terminal, with `typed` at its prompt; what the terminal shows.
fn on_a_terminal(served: &Served, dir: &Path, args: &str, typed: &str) -> (i32, String) {
    let line = format!("{} {args} --connect {}", env!("CARGO_BIN_EXE_sledger"), served.url);
    let mut script = std::process::Command::new("script");
    script.current_dir(dir).args(["-qec", &line, "/dev/null"]);
    script.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = script.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn on_a_terminal_a_quota_is_deleted_only_by_writing_its_name() {
    if std::process::Command::new("script").arg("--version").output().is_err() {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "`script` of util-linux is missing, and CI needs it"
        );
        return;
    }
    let dir = folder(&[("sledger.toml", FILE)]);
    let served = Served::start(dir.path(), &[]);
    ask(&served, dir.path(), &["quota", "set", "mine", "max_sessions=7"]);
    let (code, shown) = on_a_terminal(&served, dir.path(), "quota delete mine", "yes\n");
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("Write `mine` to delete it:") && shown.contains("max_sessions  7"), "{shown}");
    assert!(shown.contains("nothing was deleted"), "{shown}");
    assert_eq!(names(&served, dir.path()), ["office:file", "mine:api"]);
    let (code, shown) = on_a_terminal(&served, dir.path(), "quota delete mine", "mine\n");
    assert_eq!(code, 0, "{shown}");
    assert_eq!(names(&served, dir.path()), ["office:file"]);
}
