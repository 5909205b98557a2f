//! AWX: the newest N stay, what makes no session, addresses, and who hears of it.

use crate::served::{ids, told, under};
use serde_json::{Value, json};
use sledger_wire::queries::EventsQuery;

const AS_SHIPPED: &str = "\nmax_sessions = 3";

#[test]
fn the_newest_three_of_five_stay_whoever_was_active() {
    under("awx", |served| {
        let mut gone = Vec::new();
        for n in 1..=5 {
            served.pass(1_000);
            gone.extend(
                ids(&served.login("admin", &format!("s{n}"), "admitted")["evicted"])
                    .into_iter()
                    .map(str::to_owned),
            );
            if n == 3 {
                served.ask("touch", &json!({"session": "s1"}), "touched");
            }
        }
        assert_eq!(
            (gone, served.live("admin")),
            (vec!["s1".into(), "s2".into()], vec!["s3".into(), "s4".into(), "s5".into()])
        );
        let words = "Maximum per-user sessions reached: you logged in again at 2026-11-20T12:00:04.000Z.";
        assert_eq!(told(&served.tombstone("s1")), ["SESSION_QUOTA_EXCEEDED", "oldest", words]);
    });
}

#[test]
fn calls_with_a_password_or_a_token_are_neither_counted_nor_refused() {
    under("awx", |served| {
        served.fill("admin", 3);
        for client in ["basic_auth", "oauth2"] {
            served.login_with(("admin", client), &json!({"client": client}), "ignored");
        }
        assert_eq!(served.live("admin").len(), 3);
    });
}

#[test]
fn the_words_for_minus_one_and_for_zero_do_what_they_say() {
    under("awx", |served| {
        served.edit(AS_SHIPPED, "\nmax_sessions = \"unlimited\"");
        let live = served.fill("admin", 9);
        let limit = served.login("admin", &live[0], "resumed")["limit"].clone();
        assert_eq!(limit, "unlimited");
        served.edit("\nmax_sessions = \"unlimited\"", "\nmax_sessions = \"banned\"");
        let denied = served.login("admin", "tenth", "denied");
        assert_eq!((&denied["code"], served.live("admin")), (&json!("USER_BANNED"), live), "and ends nobody");
    });
}

#[test]
fn sessions_are_counted_by_address_as_awx_promises() {
    let from = |ip: &str| json!({"ip": ip});
    under("awx", |served| {
        served.edit("\ncount_by = \"user\"", "\ncount_by = [\"user\", \"ip\"]");
        for (n, ip) in ["10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.1"].into_iter().enumerate() {
            served.login_with(("admin", &format!("s{n}")), &from(ip), "admitted");
        }
        let answer = served.login_with(("admin", "fifth"), &from("10.0.0.1"), "admitted");
        assert_eq!(ids(&answer["evicted"]), ["s0"], "only of that address");
        let answer = served.login_with(("eve", "e"), &from("10.0.0.1"), "admitted");
        assert_eq!(answer["evicted"], json!([]), "and of that user");
    });
    under("awx", |served| {
        served.edit("\ncount_by = \"user\"", "\ncount_by = \"ip\"\nevict_others = true");
        for user in ["a", "b", "c"] {
            served.login_with((user, user), &from("10.0.0.1"), "admitted");
        }
        let answer = served.login_with(("d", "d"), &from("10.0.0.1"), "admitted");
        assert_eq!(ids(&answer["evicted"]), ["a"], "whoever it is");
    });
}

#[test]
fn a_session_slides_with_use_for_as_long_as_it_is_used() {
    under("awx", |served| {
        served.login("admin", "s", "admitted");
        for _ in 0..50 {
            served.pass(1_800_000 - 1);
            served.ask("touch", &json!({"session": "s"}), "touched");
        }
        served.pass(1_800_000);
        assert_eq!(served.tombstone("s")["cause"], "idle");
    });
}

#[test]
fn a_gateway_that_follows_a_user_hears_which_session_is_out_and_why() {
    under("awx", |served| {
        let head = served.client().ledger().unwrap().head;
        let of_admin = EventsQuery {
            user: Some("admin".to_owned()),
            kind: Some("session.evicted".to_owned()),
            ..EventsQuery::default()
        };
        let mut feed = served.client().events(Some(head + 1), &of_admin).unwrap();
        served.fill("other", 3);
        served.login("other", "other-4", "admitted");
        served.fill("admin", 3);
        served.login("admin", "s4", "admitted");
        let event = feed.next().unwrap().unwrap();
        let told = [&event.user, &event.session, &event.by_session].map(|one| one.as_deref().unwrap());
        assert_eq!(told, ["admin", "admin-1", "s4"], "one page, by its id, and nobody else's");
        assert_eq!(Value::from(event.reason), "oldest");
    });
}
