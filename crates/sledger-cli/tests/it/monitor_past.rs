//! `top --data`: what it shows of a moment is what `replay at` tells of it.

use crate::common::{command, folder, run};
use crate::serve::{Served, post};
use sledger_testkit::tmux::Tmux;
use std::path::Path;

const SLEDGER: &str = env!("CARGO_BIN_EXE_sledger");

/// Idle deadlines that are written late, an override that lapses, an eviction, and then a pause.
const CONFIG: &str = "[sessions]\nidle = \"1h\"\n[[quota]]\nname = \"per-user\"\nmax_sessions = 2\n\
                      on_exhausted = \"destroy_oldest\"\n\
                      override = [ { user = \"vip\", max_sessions = 9, until = \"2026-11-20T09:00:00Z\" } ]\n";

const DAY: &str = r#"{"at":"2026-11-20T08:00:00Z","op":"login","user":"ann","session":"a1"}
{"at":"2026-11-20T08:00:01Z","op":"login","user":"ann","session":"a2"}
{"at":"2026-11-20T08:00:02Z","op":"login","user":"ann","session":"a3"}
{"at":"2026-11-20T08:00:04Z","op":"login","user":"vip","session":"v1"}
{"at":"2026-11-20T08:20:00Z","op":"touch","session":"a3"}
{"at":"2026-11-20T10:00:00Z","op":"login","user":"bob","session":"b1"}
{"at":"2026-11-20T10:00:01Z","op":"logout","session":"b1"}
"#;

/// Sessions, users, and the limits of users, as `replay at` tells them.
fn told(dir: &Path, when: &str) -> (u64, usize, Vec<(String, u64, u64)>) {
    let ran = run(dir, &["replay", "at", when, "--data", "past", "--output", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let at: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let users = at["users"].as_array().unwrap().iter().map(|user| {
        let number = |field: &str| user[field].as_u64().unwrap();
        (user["user"].as_str().unwrap().to_owned(), number("active"), number("limit"))
    });
    let users: Vec<_> = users.collect();
    (users.iter().map(|user| user.1).sum(), users.len(), users)
}

#[test]
fn the_monitor_shows_of_a_moment_what_replay_at_tells_of_it() {
    let dir = folder(&[("sledger.toml", CONFIG), ("day.jsonl", DAY)]);
    let imported = run(dir.path(), &["import", "--enforce", "--data", "past", "day.jsonl"]);
    assert_eq!(imported.code, 0, "{imported:?}");
    let top = format!("{SLEDGER} top --data past; exec cat");
    let Some(tmux) = Tmux::start((100, 30), dir.path(), &top) else { return };
    tmux.until("the past at its end", |screen| screen.contains("3 Replay") && screen.contains(" AT 20"));
    let moments = [
        "2026-11-20T08:00:02Z",
        "2026-11-20T08:59:59Z",
        // The override lapses, then one session is over, then the other: none of it is written down before ten.
        "2026-11-20T09:00:00Z",
        "2026-11-20T09:00:04Z",
        "2026-11-20T09:19:59Z",
        "2026-11-20T09:20:00Z",
        "2026-11-20T10:00:00Z",
    ];
    for when in moments {
        let (sessions, count, users) = told(dir.path(), when);
        tmux.keys(&[":", &format!("goto {when}"), "Enter"]);
        let time = when.get(11..19).unwrap();
        tmux.until(&format!("{sessions} sessions of {count} users at {when}"), |screen| {
            let screen = screen.replace('│', " ");
            let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let figure = |name: &str, value: u64| {
                screen
                    .lines()
                    .map(words)
                    .any(|line| line.windows(2).any(|two| two == [name, &value.to_string()]))
            };
            let row = |(user, active, limit): &(String, u64, u64)| {
                let wanted = [user.clone(), active.to_string(), limit.to_string()];
                screen.lines().map(words).any(|line| line.windows(3).any(|three| three == wanted))
            };
            screen.contains(&format!(" {time}"))
                && figure("sessions", sessions)
                && figure("users", count as u64)
                && users.iter().all(row)
        });
    }
}

#[test]
fn a_ledger_that_is_served_is_walked_by_its_url_only() {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &[]);
    post(&served, "/v1/sessions", r#"{"user":"ann","session":"a"}"#);
    let output = command(dir.path(), &["top", "--data", "sledger-data"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("is served by pid") && said.contains(&format!("use --connect {}", served.url)),
        "{said}"
    );
}

#[test]
fn the_past_of_a_served_ledger_is_walked_again_and_goes_on_with_it() {
    let dir = folder(&[]);
    let served = Served::start(dir.path(), &[]);
    for n in 0..7 {
        post(&served, "/v1/sessions", &format!(r#"{{"user":"ann","session":"s{n}"}}"#));
    }
    let command = format!("{SLEDGER} top --connect {}; exec cat", served.url);
    let Some(tmux) = Tmux::start((120, 30), dir.path(), &command) else { return };
    tmux.until("the present", |screen| screen.contains("LIVE") && screen.contains("ann"));
    for round in 0..3 {
        post(&served, "/v1/sessions", &format!(r#"{{"user":"new{round}","session":"n{round}"}}"#));
        tmux.keys(&["3"]);
        tmux.until("the past, and the newest in it", |screen| {
            screen.contains(" AT 20") && screen.contains("LOGIN") && screen.contains(&format!("new{round}"))
        });
        tmux.keys(&["V"]);
        tmux.until("the eviction before", |screen| screen.contains("EVICT") && !screen.contains("new0"));
        tmux.keys(&["Escape"]);
        tmux.until("the present again", |screen| screen.contains("LIVE"));
    }
}
