//! How policies fare, as `GET /v1/policies` tells it.

use crate::support::{Running, config};
use serde_json::{Value, json};
use sledger::core::Limit;
use sledger::core::config::{Quota, Settings};
use sledger::{Config as LedgerConfig, Ledger};
use std::sync::Arc;

const NEWEST: &str = "fn on_exhausted() { evict(sessions.newest(quota.excess)).because(\"newest\") }";
const DENY: &str = "fn on_exhausted() { deny(\"no more\") }";
const FAIL: &str = "fn on_exhausted() {\n  let n = 1 / (quota.excess - 1);\n  deny(`${n}`)\n}";

/// A server whose one quota has room for one session of a user, and has `text` under this state.
fn one_each(state: &str, text: &str) -> Running {
    let quota = Quota {
        max_sessions: Limit::at_most(1).unwrap(),
        on_exhausted: "destroy_oldest".to_owned(),
        ..Quota::default_quota()
    };
    let settings = Settings { quotas: vec![Arc::new(quota)], ..Settings::default() };
    let ledger = LedgerConfig { settings, ..LedgerConfig::new("unused") };
    let server = Running::over(Ledger::in_memory(ledger).unwrap(), config());
    let body = json!({"text": text, "quota": "per-user"}).to_string();
    let done = server.ask("PUT", &format!("/v1/policies/mine?state={state}"), Some(&body));
    assert_eq!(done.status, 200, "{done:?}");
    server
}

/// How a policy fares on the quota.
fn used(server: &Running, name: &str) -> Value {
    let page = server.ask("GET", "/v1/policies", None).json();
    let policies = page["policies"].as_array().unwrap();
    let policy = policies.iter().find(|policy| policy["name"] == name).unwrap();
    let one = server.ask("GET", &format!("/v1/policies/{name}"), None).json();
    assert_eq!(one["uses"], policy["uses"]);
    policy["uses"][0].clone()
}

/// `asked allowed denied evicted failures differences`.
fn counts(used: &Value) -> Vec<u64> {
    let names = ["asked", "allowed", "denied", "evicted", "failures", "differences"];
    names.map(|name| used[name].as_u64().unwrap()).to_vec()
}

fn is_measured(used: &Value) -> bool {
    let times = ["p50", "p99", "p999", "max"].map(|name| used["us"][name].as_u64());
    assert!(times.iter().all(Option::is_some) || times.iter().all(Option::is_none), "{used}");
    times[0].is_some_and(|median| median > 0 && times[1] >= times[0])
}

#[test]
fn a_policy_that_denies_is_told_with_its_denials() {
    let server = one_each("active", DENY);
    server.login("ann", "a");
    for _ in 0..3 {
        assert_eq!(server.login("ann", "b").status, 403);
    }
    let used = used(&server, "mine");
    assert_eq!(counts(&used), [3, 0, 3, 0, 0, 0]);
    assert_eq!(used["last_failure"], Value::Null);
}

#[test]
fn a_policy_that_evicts_is_told_with_its_evictions() {
    let server = one_each("active", NEWEST);
    for session in ["a", "b", "c"] {
        assert_eq!(server.login("ann", session).status, 201);
    }
    assert_eq!(counts(&used(&server, "mine")), [2, 0, 0, 2, 0, 0]);
}

#[test]
fn a_policy_that_fails_is_told_with_when_and_why() {
    let server = one_each("active", FAIL);
    server.login("ann", "a");
    assert_eq!(server.login("ann", "b").status, 403);
    let used = used(&server, "mine");
    assert_eq!(counts(&used), [1, 0, 0, 0, 1, 0]);
    let last = &used["last_failure"];
    assert_eq!((&last["code"], &last["line"]), (&json!("POLICY_ERROR"), &json!(2)));
    assert_eq!(last["message"], "it raised an error");
    let head = server.ask("GET", "/v1/ledger", None).json()["head"].clone();
    assert!(last["seq"].as_u64().unwrap() > 1 && last["at"].is_string(), "{last} up to {head}");
}

#[test]
fn a_shadow_is_told_whether_it_differs_or_agrees() {
    for (text, wanted) in [(DENY, [2, 0, 2, 0, 0, 2]), (NEWEST, [2, 0, 0, 2, 0, 0])] {
        let server = one_each("shadow", text);
        for session in ["a", "b", "c"] {
            assert_eq!(server.login("ann", session).status, 201);
        }
        let shadow = used(&server, "mine");
        assert_eq!(counts(&shadow), wanted, "{text}");
        assert!(is_measured(&shadow), "a shadow is timed too: {shadow}");
        assert_eq!(counts(&used(&server, "destroy_oldest")), [2, 0, 0, 2, 0, 0]);
    }
}

#[test]
fn a_policy_is_timed_once_a_login_asked_it() {
    let server = one_each("active", DENY);
    for user in ["ann", "bob", "cid"] {
        assert_eq!(server.login(user, &format!("{user}-1")).status, 201);
    }
    let dry = server.ask("POST", "/v1/sessions?dry_run=true", Some(r#"{"user":"ann","session":"x"}"#));
    assert_eq!(dry.status, 403, "{dry:?}");
    let unasked = used(&server, "mine");
    assert!(!is_measured(&unasked) && counts(&unasked) == [0; 6], "no login asked: {unasked}");
    assert_eq!(server.login("ann", "b").status, 403);
    let asked = used(&server, "mine");
    assert!(is_measured(&asked), "{asked}");
}

#[test]
fn the_same_revision_is_told_apart_by_quota() {
    let quota = |name: &str, max| {
        let max_sessions = Limit::at_most(max).unwrap();
        let on_exhausted = "deny_access".to_owned();
        Arc::new(Quota { name: name.to_owned(), max_sessions, on_exhausted, ..Quota::default_quota() })
    };
    let settings = Settings { quotas: vec![quota("wide", 9), quota("narrow", 1)], ..Settings::default() };
    let ledger = LedgerConfig { settings, ..LedgerConfig::new("unused") };
    let server = Running::over(Ledger::in_memory(ledger).unwrap(), config());
    server.login("ann", "a");
    assert_eq!(server.login("ann", "b").status, 403);
    let policy = server.ask("GET", "/v1/policies/deny_access", None).json();
    let uses = policy["uses"].as_array().unwrap();
    let told: Vec<_> = uses
        .iter()
        .map(|used| (used["quota"].as_str().unwrap(), counts(used)[0], is_measured(used)))
        .collect();
    assert_eq!(told, [("wide", 0, false), ("narrow", 1, true)]);
}
