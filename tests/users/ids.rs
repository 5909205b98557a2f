//! Session ids: the same again, somebody else's, ended ones, evicted ones, rotated ones.

use crate::desk::{Desk, at_both_doors, ids};
use serde_json::json;

/// `count` sessions a user, and `policy` when they are exhausted.
fn quota(count: u32, policy: &str) -> String {
    format!("[[quota]]\nname = \"per-user\"\nmax_sessions = {count}\non_exhausted = \"{policy}\"\n")
}

fn enter(desk: &Desk, user: &str, session: &str) {
    desk.login(&json!({"user": user, "session": session}), "admitted");
}

fn enter_all(desk: &Desk, user: &str, sessions: &[&str]) {
    for session in sessions {
        enter(desk, user, session);
    }
}

#[test]
fn a_live_id_of_somebody_else_is_a_conflict() {
    at_both_doors(&quota(2, "deny_access"), |desk| {
        enter(desk, "ann", "a");
        let conflict = desk.login(&json!({"user": "bob", "session": "a"}), "conflict");
        assert_eq!(conflict["code"], "SESSION_CONFLICT");
        desk.login(&json!({"user": "ann", "session": "a"}), "resumed");
        assert_eq!((desk.live("ann"), desk.live("bob")), (vec!["a".to_owned()], Vec::new()));
    });
}

#[test]
fn under_take_over_the_old_owners_session_ends() {
    at_both_doors("[sessions]\nsame_id = \"take_over\"\n", |desk| {
        enter(desk, "ann", "a");
        let taken = desk.login(&json!({"user": "bob", "session": "a"}), "admitted");
        assert_eq!((ids(&taken["ended"]), ids(&taken["evicted"])), (vec!["a"], vec![]));
        assert_eq!((desk.live("ann"), desk.live("bob")), (Vec::new(), vec!["a".to_owned()]));
        desk.ask("touch", &json!({"session": "a", "user": "ann"}), "unknown");
        let ends = desk.events("ann", "session.*");
        assert_eq!(ends[0].cause.as_deref(), Some("taken_over"));
    });
}

#[test]
fn an_ended_id_comes_again_unless_that_is_refused() {
    at_both_doors("", |desk| {
        enter(desk, "ann", "a");
        desk.ask("logout", &json!({"session": "a"}), "logged_out");
        enter(desk, "ann", "a");
    });
    at_both_doors("[sessions]\nreuse = \"refuse\"\n", |desk| {
        enter(desk, "ann", "a");
        desk.ask("logout", &json!({"session": "a"}), "logged_out");
        let ended = desk.login(&json!({"user": "ann", "session": "a"}), "ended");
        assert_eq!(ended["tombstone"]["cause"], "logout");
        enter(desk, "ann", "b");
    });
}

#[test]
fn an_evicted_id_waits_before_it_may_come_again() {
    let config =
        format!("[sessions]\nidle = \"never\"\nevicted_wait = \"10m\"\n{}", quota(1, "destroy_oldest"));
    at_both_doors(&config, |desk| {
        enter(desk, "ann", "a");
        let answer = desk.login(&json!({"user": "ann", "session": "b"}), "admitted");
        assert_eq!(ids(&answer["evicted"]), ["a"]);
        desk.pass(9);
        let early = desk.login(&json!({"user": "ann", "session": "a"}), "denied");
        assert_eq!(early["code"], "EVICTED_RECENTLY");
        assert_eq!(desk.live("ann"), ["b"], "a refused login ends nobody");
        desk.pass(1);
        let answer = desk.login(&json!({"user": "ann", "session": "a"}), "admitted");
        assert_eq!(ids(&answer["evicted"]), ["b"]);
    });
}

#[test]
fn an_old_generation_changes_nothing() {
    at_both_doors("", |desk| {
        let first = desk.login(&json!({"user": "ann", "session": "a"}), "admitted");
        let second = desk.login(&json!({"user": "ann", "session": "a"}), "resumed");
        let (old, new) = (&first["generation"], &second["generation"]);
        assert!(old.as_u64() < new.as_u64(), "{old} {new}");
        for op in ["touch", "disconnect", "logout", "end"] {
            desk.ask(op, &json!({"session": "a", "generation": old}), "stale");
        }
        desk.ask("touch", &json!({"session": "a", "generation": new}), "touched");
        desk.ask("logout", &json!({"session": "a", "generation": new}), "logged_out");
        desk.ask("logout", &json!({"session": "a", "generation": new}), "logged_out");
        desk.ask("touch", &json!({"session": "a"}), "ended");
    });
}

#[test]
fn a_command_id_that_comes_again_gets_the_first_answer() {
    at_both_doors("", |desk| {
        let login = json!({"user": "ann", "session": "a", "command": "c-1"});
        let first = desk.login(&login, "admitted");
        let again = desk.login(&login, "admitted");
        assert_eq!((&again["repeated"], &again["generation"]), (&json!(true), &first["generation"]));
        let other = desk.login(&json!({"user": "bob", "session": "b", "command": "c-1"}), "rejected");
        assert_eq!(other["field"], "command");
        assert_eq!(desk.live("bob"), Vec::<String>::new());
    });
}

#[test]
fn a_login_ends_the_named_the_others_or_all_in_its_own_decision() {
    at_both_doors(&quota(3, "deny_access"), |desk| {
        enter_all(desk, "ann", &["a", "b", "c"]);
        let answer = desk.login(&json!({"user": "ann", "session": "d", "end": ["a"]}), "admitted");
        assert_eq!((ids(&answer["ended"]), desk.live("ann").join(" ")), (vec!["a"], "b c d".to_owned()));
        let answer = desk.login(&json!({"user": "ann", "session": "e", "end": "others"}), "admitted");
        assert_eq!(ids(&answer["ended"]), ["b", "c", "d"]);
        let answer = desk.login(&json!({"user": "ann", "session": "e", "end": "all"}), "resumed");
        assert_eq!(ids(&answer["ended"]), [""; 0], "on a resume all means all others");
        let answer = desk.login(&json!({"user": "ann", "session": "f", "end": ["a", "zz"]}), "admitted");
        assert_eq!(ids(&answer["ended"]), [""; 0], "what is not live is passed over");
        assert_eq!(desk.live("ann"), ["e", "f"]);
    });
}

#[test]
fn somebody_elses_id_to_end_or_to_replace_is_a_conflict_and_ends_nobody() {
    at_both_doors(&quota(3, "deny_access"), |desk| {
        enter_all(desk, "ann", &["a", "b"]);
        enter(desk, "bob", "x");
        for more in [json!({"end": ["a", "x"]}), json!({"replaces": "x"}), json!({"replaces": "gone"})] {
            let mut login = json!({"user": "ann", "session": "c"});
            login.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let conflict = desk.login(&login, "conflict");
            assert_eq!(conflict["code"], "SESSION_CONFLICT", "{login}");
        }
        assert_eq!(
            (desk.live("ann"), desk.live("bob")),
            (vec!["a".to_owned(), "b".to_owned()], vec!["x".to_owned()])
        );
    });
}

#[test]
fn a_rotated_id_needs_no_room_and_keeps_start_and_end() {
    let config = format!("[sessions]\nttl = \"10h\"\nidle = \"never\"\n{}", quota(1, "deny_access"));
    at_both_doors(&config, |desk| {
        enter(desk, "ann", "old");
        let first = desk.client().session("old").unwrap();
        desk.pass(60);
        let login = json!({"user": "ann", "session": "new", "replaces": "old", "ttl": "20h"});
        let answer = desk.login(&login, "admitted");
        assert_eq!((ids(&answer["ended"]), &answer["active"]), (vec!["old"], &json!(1)));
        let second = desk.client().session("new").unwrap();
        assert_eq!((&second.started, &second.expires), (&first.started, &first.expires));
        assert!(second.generation > first.generation);
        let gone = desk.ask("touch", &json!({"session": "old", "user": "ann"}), "ended");
        assert_eq!(gone["tombstone"]["cause"], "replaced");
        desk.pass(9 * 60 - 1);
        desk.ask("touch", &json!({"session": "new"}), "touched");
        desk.pass(1);
        let over = desk.ask("touch", &json!({"session": "new"}), "ended");
        assert_eq!(over["tombstone"]["cause"], "ttl", "ten hours after the first login");
    });
}

#[test]
fn clear_and_login_is_one_decision_or_none() {
    // Each address has one seat, and two sessions a user.
    let seats =
        "[[quota]]\nname = \"seat\"\ncount_by = \"ip\"\nmax_sessions = 1\non_exhausted = \"deny_access\"\n";
    let config = format!("{seats}{}", quota(2, "deny_access"));
    at_both_doors(&config, |desk| {
        desk.login(&json!({"user": "bob", "session": "b", "ip": "10.0.0.9"}), "admitted");
        enter_all(desk, "ann", &["a1", "a2"]);
        let full = desk.login(&json!({"user": "ann", "session": "a3"}), "denied");
        assert_eq!(full["quota"], "per-user");
        let taken = json!({"user": "ann", "session": "a3", "end": "all", "ip": "10.0.0.9"});
        let denied = desk.login(&taken, "denied");
        assert_eq!(denied["quota"], "seat");
        assert_eq!(desk.live("ann"), ["a1", "a2"], "nobody is ended for a login that is refused");
        let answer = desk.login(&json!({"user": "ann", "session": "a3", "end": "all"}), "admitted");
        assert_eq!(ids(&answer["ended"]), ["a1", "a2"]);
        let events = desk.events("ann", "session.ended,login.admitted");
        let last: Vec<_> = events.iter().rev().take(3).map(|event| event.decision).collect();
        assert!(last.iter().all(|decision| *decision == last[0]), "{last:?}");
        assert_eq!(events.last().unwrap().kind, "login.admitted", "every end stands before it");
    });
}

#[test]
fn a_dry_run_of_a_login_ends_and_admits_nobody() {
    at_both_doors(&quota(1, "destroy_oldest"), |desk| {
        enter(desk, "ann", "a");
        let told = desk.login(&json!({"user": "ann", "session": "b", "dry_run": true}), "admitted");
        assert_eq!((&told["dry_run"], ids(&told["evicted"])), (&json!(true), vec!["a"]));
        assert_eq!(desk.live("ann"), ["a"]);
    });
}
