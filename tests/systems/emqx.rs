//! EMQX: a hundred per username, clients that are away, that come back, that are kicked or banned.

use crate::served::{Served, ids, told, under};
use serde_json::json;

/// Two hours, as long as a client that is away counts.
const RETENTION_MS: u64 = 2 * 60 * 60_000;

fn disconnect(served: &Served, client: &str) {
    served.ask("disconnect", &json!({"session": client}), "retained");
}

#[test]
fn the_hundred_and_first_client_of_a_username_is_refused() {
    under("emqx", |served| {
        served.fill("plant", 100);
        let denied = served.login("plant", "plant-101", "denied");
        assert_eq!(told(&denied), ["SESSION_QUOTA_EXCEEDED", "the limit is reached", "Quota exceeded"]);
        assert_eq!((&denied["active"], &denied["limit"]), (&json!(100), &json!(100)));
    });
}

#[test]
fn a_client_that_is_away_counts_for_two_hours_and_comes_back_at_a_full_quota() {
    under("emqx", |served| {
        let meters = served.fill("meter", 3);
        disconnect(served, &meters[0]);
        served.login("meter", "new", "denied");
        let answer = served.login("meter", &meters[0], "resumed");
        assert_eq!((&answer["active"], &answer["limit"]), (&json!(3), &json!(3)));
        disconnect(served, &meters[0]);
        served.pass(RETENTION_MS - 1);
        served.login("meter", "new", "denied");
        served.pass(1);
        let answer = served.login("meter", "new", "admitted");
        assert_eq!(answer["active"], 3, "{answer}");
        assert_eq!(served.tombstone(&meters[0])["cause"], "retention");
    });
}

#[test]
fn a_client_may_bring_an_expiry_interval_of_its_own() {
    under("emqx", |served| {
        served.login_with(("meter", "clean"), &json!({"retention": "0s"}), "admitted");
        served.ask("disconnect", &json!({"session": "clean"}), "disconnected");
        served.login_with(("meter", "short"), &json!({"retention": "5m"}), "admitted");
        disconnect(served, "short");
        served.pass(5 * 60_000);
        assert_eq!(served.tombstone("short")["cause"], "retention");
    });
}

#[test]
fn under_a_lowered_limit_known_clients_stay_and_come_back_and_new_ones_are_refused() {
    under("emqx", |served| {
        let meters = served.fill("meter", 3);
        served.pull(&["limit", "meter", "1"]);
        disconnect(served, &meters[2]);
        served.login("meter", &meters[2], "resumed");
        served.login("meter", "new", "denied");
        assert_eq!(served.live("meter"), meters);
    });
}

#[test]
fn a_ban_refuses_newcomers_and_a_kick_ends_who_is_in() {
    under("emqx", |served| {
        let meters = served.fill("meter", 2);
        served.pull(&["limit", "meter", "banned"]);
        disconnect(served, &meters[0]);
        served.login("meter", &meters[0], "resumed");
        assert_eq!(served.login("meter", "new", "denied")["code"], "USER_BANNED");
        let kicked = served.ask("clear", &json!({"user": "meter"}), "cleared");
        assert_eq!(ids(&kicked["ended"]), meters);
        assert_eq!(served.login("meter", &meters[0], "denied")["code"], "USER_BANNED");
        served.login("stolen", "s", "denied");
    });
}

#[test]
fn the_white_list_is_not_limited_and_an_empty_username_is_no_session() {
    under("emqx", |served| {
        served.fill("bridge-eu", 101);
        served.login("", "anonymous", "ignored");
        served.pull(&["limit", "meter", "unlimited"]);
        served.fill("meter", 4);
    });
}

#[test]
fn a_client_id_is_one_client_whatever_username_it_brings() {
    under("emqx", |served| {
        let meters = served.fill("meter", 3);
        let answer = served.login("gate", &meters[0], "admitted");
        assert_eq!(ids(&answer["ended"]), [meters[0].as_str()]);
        assert_eq!(
            (served.live("meter"), served.live("gate")),
            (meters[1..].to_vec(), vec![meters[0].clone()])
        );
    });
}

#[test]
fn the_late_disconnect_of_an_old_connection_ends_nothing() {
    under("emqx", |served| {
        let first = served.login("meter", "c", "admitted");
        served.login_with(("meter", "c"), &json!({"source": "emqx-2"}), "resumed");
        let late = json!({"session": "c", "generation": first["generation"]});
        served.ask("disconnect", &late, "stale");
        assert_eq!(served.live("meter"), ["c"]);
    });
}

#[test]
fn a_node_that_is_back_tells_who_is_live_there() {
    under("emqx", |served| {
        for client in ["c1", "c2"] {
            served.login_with(("meter", client), &json!({"source": "emqx-1"}), "admitted");
        }
        served.login_with(("meter", "c3"), &json!({"source": "emqx-2"}), "admitted");
        // Whoever came within the last minute is spared.
        served.pass(61_000);
        let told = served.ask("reconcile", &json!({"source": "emqx-1", "live": ["c2", "c9"]}), "reconciled");
        assert_eq!((ids(&told["retained"]), ids(&told["unknown"])), (vec!["c1"], vec!["c9"]), "{told}");
        served.pass(RETENTION_MS);
        assert_eq!(served.tombstone("c1")["cause"], "retention");
        assert_eq!(served.live("meter"), ["c2", "c3"]);
    });
}

#[test]
fn clients_that_are_there_already_are_taken_over_above_the_limit_and_refuse_newcomers() {
    under("emqx", |served| {
        let sessions: Vec<_> =
            (1..=5).map(|n| json!({"user": "meter", "session": format!("c{n}")})).collect();
        served.ask("adopt", &json!({"source": "emqx-1", "sessions": sessions}), "adopted");
        assert_eq!(served.live("meter").len(), 5);
        served.login("meter", "c3", "resumed");
        served.login("meter", "c6", "denied");
    });
}

#[test]
fn whoever_is_at_the_limit_is_found() {
    under("emqx", |served| {
        served.fill("meter", 3);
        served.fill("plant", 3);
        let near = sledger_wire::queries::UsersQuery { near: Some("0.8".to_owned()), ..Default::default() };
        let users = served.client().users(&near).unwrap().users;
        assert_eq!(users.iter().map(|row| row.user.as_str()).collect::<Vec<_>>(), ["meter"]);
    });
}
