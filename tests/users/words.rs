//! Code, reason and message: for programs, for operators, for the person; never one in the place of another.

use crate::command;
use crate::desk::{Desk, Door, at_both_doors, at_both_doors_with};
use serde_json::{Value, json};

/// Code, reason and message of an answer or tombstone.
fn told(answer: &Value) -> [&str; 3] {
    ["code", "reason", "message"].map(|key| answer[key].as_str().unwrap_or("-"))
}

/// What the tombstone of `session` says.
fn tombstone(desk: &Desk, session: &str) -> Value {
    desk.ask("touch", &json!({"session": session}), "ended")["tombstone"].clone()
}

fn enter(desk: &Desk, user: &str, session: &str, client: &str) -> Value {
    desk.login(&json!({"user": user, "session": session, "client": client}), "admitted")
}

#[test]
fn messages_are_filled_in_and_a_quota_has_its_own() {
    let config = "[messages]\ndenied = \"All: {active} of {limit} in {quota}.\"\n\
                  evicted = \"Out at {at} for {by_client}, {quota} holds {limit}.\"\n\
                  [[quota]]\nname = \"tv\"\nwhen = { client = \"tv\" }\nmax_sessions = 1\non_exhausted = \"deny_access\"\n\
                  messages = { denied = \"One television at a time.\" }\n\
                  [[quota]]\nname = \"web\"\nwhen = { client = [\"web\", \"app\"] }\nmax_sessions = 1\n\
                  on_exhausted = \"destroy_oldest\"\n\
                  [[quota]]\nname = \"cli\"\nwhen = { client = \"cli\" }\nmax_sessions = 1\non_exhausted = \"deny_access\"\n";
    at_both_doors(config, |desk| {
        for client in ["tv", "web", "cli"] {
            enter(desk, "ann", client, client);
        }
        let denied = desk.login(&json!({"user": "ann", "session": "tv2", "client": "tv"}), "denied");
        assert_eq!(
            told(&denied),
            ["SESSION_QUOTA_EXCEEDED", "the limit is reached", "One television at a time."]
        );
        let denied = desk.login(&json!({"user": "ann", "session": "cli2", "client": "cli"}), "denied");
        assert_eq!(told(&denied)[2], "All: 1 of 1 in cli.");
        let admitted = enter(desk, "ann", "app", "app");
        assert_eq!(told(&admitted), ["SESSION_QUOTA_EXCEEDED", "oldest", "-"], "no word for whoever got in");
        let gone = tombstone(desk, "web");
        let words = "Out at 2026-11-20T12:00:00.000Z for app, web holds 1.";
        assert_eq!(told(&gone), ["SESSION_QUOTA_EXCEEDED", "oldest", words]);
        let events = desk.events("ann", "login.denied,session.evicted");
        let messages: Vec<&str> = events.iter().map(|event| event.message.as_deref().unwrap()).collect();
        assert_eq!(messages, ["One television at a time.", "All: 1 of 1 in cli.", words]);
        assert!(events.iter().all(|event| event.code.as_deref() == Some("SESSION_QUOTA_EXCEEDED")));
        assert!(events.iter().all(|event| event.reason.is_some() && event.reason != event.message));
    });
}

/// Denies mornings, evicts afternoons, and tells each person so.
const SCRIPT: &str = r#"
fn on_exhausted() {
    if request.client == "deny" { return deny("for operators: denied").tell("Please come back later."); }
    if request.client == "allow" { return allow("for operators: allowed").tell("You are one too many; be quick."); }
    evict(sessions.oldest()).because("for operators: evicted").tell("Your seat was needed.")
}
"#;

#[test]
fn a_script_tells_the_denied_the_evicted_and_the_one_let_in() {
    let config = "[messages]\ndenied = \"not this\"\nevicted = \"nor this\"\n\
                  [[quota]]\nname = \"q\"\nmax_sessions = 1\nlevel = \"soft\"\non_exhausted = \"teller\"\n\
                  messages = { denied = \"nor that\", evicted = \"nor that\" }\n";
    at_both_doors_with(config, &[("teller", SCRIPT)], |desk| {
        enter(desk, "ann", "a", "web");
        let denied = desk.login(&json!({"user": "ann", "session": "d", "client": "deny"}), "denied");
        assert_eq!(
            told(&denied),
            ["SESSION_QUOTA_EXCEEDED", "for operators: denied", "Please come back later."]
        );
        let allowed = enter(desk, "ann", "b", "allow");
        assert_eq!(told(&allowed)[1..], ["for operators: allowed", "You are one too many; be quick."]);
        enter(desk, "ann", "c", "web");
        assert_eq!(told(&tombstone(desk, "a"))[1..], ["for operators: evicted", "Your seat was needed."]);
    });
}

#[test]
fn the_words_of_pingfederate_and_avi_are_settings() {
    let ping = "[messages]\ndenied = \"Session limit exceeded\"\n\
                [[quota]]\nname = \"active-sessions\"\nmax_sessions = 1\non_exhausted = \"deny_access\"\n";
    at_both_doors(ping, |desk| {
        enter(desk, "kim", "browser", "html-form");
        let denied = desk.login(&json!({"user": "kim", "session": "phone"}), "denied");
        assert_eq!(told(&denied)[0], "SESSION_QUOTA_EXCEEDED");
        assert_eq!(told(&denied)[2], "Session limit exceeded");
    });
    let avi = "[[quota]]\nname = \"default-profile\"\nmax_sessions = 1\non_exhausted = \"deny_access\"\n\
               [quota.messages]\ndenied = \"\"\"\nWARNING: Maximum concurrent session count has been reached.\n\
               Please clear the sessions using shell --clear-sessions\"\"\"\n";
    at_both_doors(avi, |desk| {
        enter(desk, "olga", "ui", "ui");
        let denied = desk.login(&json!({"user": "olga", "session": "cli"}), "denied");
        let words = "WARNING: Maximum concurrent session count has been reached.\n\
                     Please clear the sessions using shell --clear-sessions";
        assert_eq!(told(&denied)[2], words);
        desk.login(&json!({"user": "olga", "session": "cli", "end": "all"}), "admitted");
    });
}

#[test]
fn a_ban_is_told_without_numbers_and_is_no_bad_password() {
    let config = "[[quota]]\nname = \"q\"\nmax_sessions = 5\noverride = [{ user = \"mallory\", max_sessions = \"banned\" }]\n";
    at_both_doors(config, |desk| {
        let denied = desk.login(&json!({"user": "mallory", "session": "m"}), "denied");
        assert_eq!((told(&denied)[0], told(&denied)[2]), ("USER_BANNED", "You may not sign in here."));
    });
}

#[test]
fn on_a_terminal_each_of_the_three_has_its_name() {
    let config = "[messages]\ndenied = \"Full: {active} of {limit}\\n\\u001b[2J\"\n\
                  [[quota]]\nname = \"q\"\nmax_sessions = 1\non_exhausted = \"deny_access\"\n";
    at_both_doors(config, |desk| {
        let Door::Command(program) = &desk.door else { return };
        enter(desk, "ann", "a", "web");
        let arguments = ["login", "ann", "b"].map(str::to_owned);
        let (code, said) = command::run(program, &desk.address, &arguments, "");
        let line = "denied user=ann session=b active=1/1 quota=q code=SESSION_QUOTA_EXCEEDED \
                    reason=\"the limit is reached\" message=\"Full: 1 of 1\\n\\u{1b}[2J\"\n";
        assert_eq!((code, said.as_str()), (4, line));
    });
}
