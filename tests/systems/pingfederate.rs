//! PingFederate: three behaviours, one code for all of them, tabs, devices that are not mine, tokens that ask.

use crate::served::{Served, ids, told, under};
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

const HOUR_MS: u64 = 60 * 60_000;
const AS_SHIPPED: &str = "\non_exhausted = \"destroy_most_idle\"";

/// Three sessions of Kim's; the second is idle longest, since the first has been used in another tab.
fn three(served: &Served) {
    for session in ["browser", "phone", "laptop"] {
        served.login("kim", session, "admitted");
        served.pass(60_000);
    }
    served.login("kim", "browser", "resumed");
}

#[test]
fn each_of_pingfederates_three_behaviours_does_what_it_says_under_one_code() {
    let cases: [(&str, &[&str], &str); 2] = [
        ("destroy_most_idle", &["phone"], "idle longest"),
        ("destroy_all_others", &["browser", "phone", "laptop"], "replaced by a new login"),
    ];
    for (policy, gone, reason) in cases {
        under("pingfederate", |served| {
            if policy != "destroy_most_idle" {
                served.edit(AS_SHIPPED, &format!("\non_exhausted = \"{policy}\""));
            }
            three(served);
            let answer = served.login("kim", "tablet", "admitted");
            assert_eq!(ids(&answer["evicted"]), gone, "{policy}");
            assert_eq!(told(&answer), ["SESSION_QUOTA_EXCEEDED", reason, "-"]);
            let words =
                "You were signed out at 2026-11-20T12:03:00.000Z, since your account signed in elsewhere.";
            assert_eq!(told(&served.tombstone("phone"))[2], words);
        });
    }
    under("pingfederate", |served| {
        served.edit(AS_SHIPPED, "\non_exhausted = \"deny_access\"");
        three(served);
        let denied = served.login("kim", "tablet", "denied");
        assert_eq!(
            told(&denied),
            ["SESSION_QUOTA_EXCEEDED", "the limit is reached", "Session limit exceeded"]
        );
    });
}

#[test]
fn a_tab_is_the_same_session_and_a_device_that_is_not_mine_is_none() {
    under("pingfederate", |served| {
        three(served);
        let not_mine = json!({"attributes": {"device": "not_mine"}});
        served.login_with(("kim", "library"), &not_mine, "ignored");
        assert_eq!(served.live("kim"), ["browser", "phone", "laptop"]);
    });
}

#[test]
fn a_session_ends_after_an_hour_without_activity_and_after_eight_hours_with_it() {
    under("pingfederate", |served| {
        served.login("kim", "desk", "admitted");
        served.login("lea", "desk-2", "admitted");
        served.pass(HOUR_MS - 1);
        served.ask("touch", &json!({"session": "desk"}), "touched");
        assert_eq!(served.live("lea"), ["desk-2"]);
        served.pass(1);
        assert_eq!(served.tombstone("desk-2")["cause"], "idle");
        served.ask("touch", &json!({"session": "desk"}), "touched");
        for _ in 1..8 {
            served.pass(HOUR_MS - 1);
            served.ask("touch", &json!({"session": "desk"}), "touched");
        }
        served.pass(7);
        assert_eq!(served.tombstone("desk")["cause"], "ttl");
    });
}

/// Whether `session` still stands for somebody, as a resource server asks (RFC 7662).
fn is_active(served: &Served, session: &str) -> bool {
    let body = format!("token={session}");
    let head = format!(
        "POST /v1/introspect HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        served.address,
        body.len()
    );
    let mut stream = TcpStream::connect(&served.address).unwrap();
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer.contains("\"active\":true")
}

#[test]
fn whoever_holds_a_token_of_a_revoked_session_finds_it_revoked() {
    under("pingfederate", |served| {
        three(served);
        assert!(is_active(served, "phone"));
        served.login("kim", "tablet", "admitted");
        assert!(!is_active(served, "phone") && is_active(served, "tablet"));
    });
}
