//! Lives of sessions, and the ways to end them.

use crate::desk::{at_both_doors, ids};
use serde_json::json;

#[test]
fn a_login_brings_its_own_ttl_idle_and_retention() {
    at_both_doors("", |desk| {
        desk.login(&json!({"user": "ann", "session": "t", "ttl": "1h", "idle": "never"}), "admitted");
        desk.login(&json!({"user": "ann", "session": "i", "idle": "10m"}), "admitted");
        desk.login(&json!({"user": "ann", "session": "r", "retention": "5m", "idle": "never"}), "admitted");
        desk.ask("disconnect", &json!({"session": "r"}), "retained");
        assert_eq!(desk.live("ann"), ["t", "i", "r"], "a retained session counts");
        desk.login(&json!({"user": "ann", "session": "r"}), "resumed");
        desk.ask("disconnect", &json!({"session": "r", "user": "ann"}), "retained");
        desk.pass(5);
        let gone = desk.ask("touch", &json!({"session": "r"}), "ended");
        assert_eq!(gone["tombstone"]["cause"], "retention");
        desk.pass(5);
        let gone = desk.ask("touch", &json!({"session": "i"}), "ended");
        assert_eq!(gone["tombstone"]["cause"], "idle");
        desk.pass(50);
        let gone = desk.ask("touch", &json!({"session": "t"}), "ended");
        assert_eq!(gone["tombstone"]["cause"], "ttl", "at its end it is over");
        for zero in [json!({"ttl": "0s"}), json!({"idle": 0})] {
            let mut login = json!({"user": "ann", "session": "z"});
            login.as_object_mut().unwrap().extend(zero.as_object().unwrap().clone());
            desk.login(&login, "rejected");
        }
    });
}

#[test]
fn without_retention_a_disconnect_ends_a_session() {
    at_both_doors("", |desk| {
        desk.login(&json!({"user": "ann", "session": "a"}), "admitted");
        desk.ask("disconnect", &json!({"session": "a"}), "disconnected");
        desk.ask("disconnect", &json!({"session": "a"}), "ended");
        desk.ask("disconnect", &json!({"session": "never"}), "unknown");
    });
}

#[test]
fn an_operator_ends_one_session_with_a_reason() {
    at_both_doors("", |desk| {
        desk.login(&json!({"user": "ann", "session": "a"}), "admitted");
        desk.ask("end", &json!({"session": "a", "user": "bob"}), "unknown");
        desk.ask("end", &json!({"session": "a", "user": "ann", "reason": "lost phone"}), "cleared");
        let gone = desk.ask("touch", &json!({"session": "a"}), "ended");
        assert_eq!(
            (&gone["tombstone"]["cause"], &gone["tombstone"]["reason"]),
            (&json!("cleared"), &json!("lost phone"))
        );
        desk.ask("end", &json!({"session": "a"}), "ended");
    });
}

#[test]
fn a_user_is_cleared_but_for_the_one_to_keep() {
    at_both_doors("", |desk| {
        for id in ["a", "b", "c"] {
            desk.login(&json!({"user": "ann", "session": id}), "admitted");
        }
        desk.login(&json!({"user": "bob", "session": "x"}), "admitted");
        let refused = desk.ask("clear", &json!({"user": "ann", "keep": "x"}), "rejected");
        assert_eq!(refused["field"], "keep");
        assert_eq!(desk.live("ann").len(), 3, "nothing was ended");
        let cleared = desk.ask("clear", &json!({"user": "ann", "keep": "b"}), "cleared");
        assert_eq!((ids(&cleared["ended"]), desk.live("ann").join(" ")), (vec!["a", "c"], "b".to_owned()));
        let cleared = desk.ask("clear", &json!({"user": "ann"}), "cleared");
        assert_eq!((ids(&cleared["ended"]), desk.live("bob").len()), (vec!["b"], 1));
    });
}

#[test]
fn a_source_says_who_is_live_and_its_others_are_gone() {
    at_both_doors("", |desk| {
        let login = |session: &str, more: serde_json::Value| {
            let mut login = json!({"user": "ann", "session": session, "source": "broker"});
            login.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            desk.login(&login, "admitted")
        };
        login("stays", json!({}));
        login("gone", json!({}));
        let parked = login("parked", json!({"retention": "1h"}));
        let late = login("late", json!({}));
        assert!(late["generation"].as_u64() > parked["generation"].as_u64());
        let list = json!({"source": "broker", "live": ["stays", "zz"], "as_of": parked["generation"]});
        let answer = desk.ask("reconcile", &list, "reconciled");
        assert_eq!((ids(&answer["ended"]), ids(&answer["retained"])), (vec!["gone"], vec!["parked"]));
        assert_eq!(ids(&answer["unknown"]), ["zz"]);
        assert_eq!(desk.live("ann"), ["stays", "parked", "late"], "what came after the list was made stays");
        desk.ask("reconcile", &json!({"source": "broker", "live": []}), "reconciled");
        assert_eq!(desk.live("ann").len(), 3, "without `as_of`, whoever came within a minute stays");
        desk.pass(2);
        let answer = desk.ask("reconcile", &json!({"source": "broker", "live": []}), "reconciled");
        assert_eq!(ids(&answer["ended"]), ["stays", "late"]);
    });
}
