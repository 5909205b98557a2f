//! Policies at run time: looked at, installed, tried, promoted, rolled back, stopped.

use crate::support::{Running, config, settings};
use serde_json::{Value, json};
use sledger::{Config as LedgerConfig, Ledger};

const NEWEST: &str = "fn on_exhausted() { evict(sessions.newest(quota.excess)).because(\"newest\") }";
const DENY: &str = "fn on_exhausted() { deny(\"no more\") }";

/// A server whose quota `per-user` of two asks `destroy_oldest`, and ann in twice.
fn full() -> Running {
    let ledger = LedgerConfig { settings: settings("destroy_oldest"), ..LedgerConfig::new("unused") };
    let server = Running::over(Ledger::in_memory(ledger).unwrap(), config());
    while server.login("ann", &format!("a{}", server.ask("GET", "/v1/top", None).json()["seq"])).json()["evicted"]
        == json!([])
    {}
    server
}

fn put(server: &Running, path: &str, body: &Value) -> crate::support::Raw {
    server.ask("PUT", &format!("/v1/policies/{path}"), Some(&body.to_string()))
}

fn deed(server: &Running, path: &str, body: &Value) -> crate::support::Raw {
    server.ask("POST", &format!("/v1/policies/{path}"), Some(&body.to_string()))
}

/// `policy:state` of every use.
fn uses(server: &Running) -> Vec<String> {
    let page = server.ask("GET", "/v1/policies", None).json();
    let policies = page["policies"].as_array().unwrap().iter();
    let uses = policies.flat_map(|policy| {
        let name = policy["name"].as_str().unwrap();
        policy["uses"]
            .as_array()
            .unwrap()
            .iter()
            .map(move |used| format!("{name}:{}", used["state"].as_str().unwrap()))
    });
    uses.collect()
}

#[test]
fn a_shadow_is_installed_differs_is_promoted_and_rolled_back() {
    let server = full();
    let body = json!({"text": NEWEST, "quota": "per-user", "reason": "try it"});
    let done = put(&server, "mine?state=shadow", &body);
    assert_eq!(done.status, 200, "{done:?}");
    let policy = &done.json()["policy"];
    assert_eq!(
        (&policy["uses"][0]["state"], &policy["uses"][0]["reason"]),
        (&json!("shadow"), &json!("try it"))
    );
    assert_eq!(server.login("ann", "b").json()["reason"], "oldest");
    assert_eq!(uses(&server), ["destroy_oldest:active", "mine:shadow"]);
    let seen = server.ask("GET", "/v1/policies/mine", None).json();
    assert_eq!((&seen["uses"][0]["differences"], &seen["text"]), (&json!(1), &json!(NEWEST)));
    let figures = server.ask("GET", "/metrics", None).body;
    assert!(figures.contains("sledger_shadow_differences_total{policy=\"mine\"} 1"), "{figures}");

    assert_eq!(deed(&server, "mine/promote", &json!({})).status, 200);
    assert_eq!(server.login("ann", "c").json()["reason"], "newest");
    assert_eq!(deed(&server, "mine/rollback", &json!({"reason": "complaints"})).status, 200);
    assert_eq!(server.login("ann", "d").json()["reason"], "oldest");
    deed(&server, "mine/stop", &json!({})).problem(404);
    assert_eq!(uses(&server), ["destroy_oldest:active"]);
    server.ask("GET", "/v1/policies/mine", None).problem(404);
}

#[test]
fn a_source_with_mistakes_is_refused_with_each_of_them() {
    let server = full();
    let before = server.ask("GET", "/v1/ledger", None).json()["head"].clone();
    let text = "fn on_exhausted() {\n  if sesions.count > 1 { evict(sessions.odlest()) }\n}";
    let problem = put(&server, "destroy_oldest", &json!({"text": text})).problem(422);
    assert_eq!(problem["field"], "text");
    let lints = problem["lints"].as_array().unwrap();
    let places: Vec<_> =
        lints.iter().map(|lint| (lint["line"].as_u64().unwrap(), lint["code"].as_str().unwrap())).collect();
    assert!(places.contains(&(2, "unknown")) && places.contains(&(2, "no_decision")), "{lints:?}");
    let allow = json!({"text": "fn on_exhausted() { allow(\"come in\") }"});
    let problem = put(&server, "destroy_oldest", &allow).problem(422);
    assert_eq!(problem["lints"][0]["code"], "allow_under_hard", "the quota is hard: {problem}");
    assert_eq!(server.ask("GET", "/v1/ledger", None).json()["head"], before, "nothing is recorded");
}

#[test]
fn tests_that_come_along_must_pass() {
    let server = full();
    let tests = |expected: &str| {
        format!(
            "[[case]]\nname = \"refuses\"\nlimit = 1\nsessions = [\"a\"]\nexpect = {{ deny = \"{expected}\" }}\n"
        )
    };
    let body = |tests: &str| json!({"text": DENY, "tests": tests});
    let problem = put(&server, "destroy_oldest", &body(&tests("something else"))).problem(422);
    assert_eq!(problem["field"], "tests");
    assert!(problem["detail"].as_str().unwrap().contains("test `refuses` (line 2) fails"), "{problem}");
    let problem = put(&server, "destroy_oldest", &body("[[cas]]")).problem(422);
    assert_eq!(problem["field"], "tests");
    let endless = "[property]\nruns = 4000000000\nnever = [\"POLICY_ERROR\"]\n";
    assert_eq!(put(&server, "destroy_oldest", &body(endless)).problem(422)["field"], "tests");
    assert_eq!(server.login("ann", "b").json()["reason"], "oldest");
    assert_eq!(put(&server, "destroy_oldest", &body(&tests("no more"))).status, 200);
    assert_eq!(server.login("ann", "c").status, 403);
}

#[test]
fn a_policy_that_fails_on_recent_logins_is_refused_with_the_place() {
    let server = full();
    let text = "fn on_exhausted() {\n  let n = 1 / (quota.excess - 1);\n  deny(`${n}`)\n}";
    let problem = put(&server, "destroy_oldest", &json!({"text": text})).problem(422);
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("POLICY_ERROR at line 2")
            && detail.contains("under quota `per-user`")
            && !detail.contains("ann"),
        "{detail}"
    );
    assert_eq!(server.login("ann", "b").json()["reason"], "oldest");
}

#[test]
fn bad_words_about_policies_are_refused_by_name() {
    let server = full();
    let good = json!({"text": DENY});
    for (path, body, field) in [
        ("mine?state=maybe", &good, "state"),
        ("mine?share=0", &good, "share"),
        ("mine?share=101", &good, "share"),
        ("mine?state=shadow&share=5", &good, "share"),
        ("mine?what=1", &good, "query"),
        ("Mine", &good, "name"),
        ("mine?state=shadow", &good, "quota"),
        ("mine", &json!({}), "text"),
        ("mine", &json!({"text": ""}), "text"),
        ("mine", &json!({"text": DENY, "params": 3}), "params"),
        ("mine", &json!({"text": DENY, "params": {"n": 1}}), "params"),
        ("mine", &json!({"text": DENY, "colour": "red"}), "colour"),
    ] {
        let problem = put(&server, path, body).problem(422);
        assert_eq!(problem["field"], field, "{path} {body}: {problem}");
    }
    put(&server, "mine", &json!({"text": DENY, "quota": "nowhere"})).problem(404);
    let problem = deed(&server, "destroy_oldest/rollback", &json!({"to": "latest"})).problem(422);
    assert_eq!(problem["field"], "to");
    deed(&server, "destroy_oldest/rollback", &json!({"to": "destroy_oldest@00000000"})).problem(404);
    assert_eq!(
        deed(&server, "destroy_oldest/promote", &json!({"to": "00000000"})).problem(422)["field"],
        "to"
    );
}

#[test]
fn the_same_command_id_installs_once() {
    let server = full();
    let body = json!({"text": DENY});
    let first = put(&server, "destroy_oldest?command=one", &body).json();
    assert_eq!(first["changed"], true);
    let head = server.ask("GET", "/v1/ledger", None).json()["head"].clone();
    assert_eq!(put(&server, "destroy_oldest?command=one", &body).status, 200);
    assert_eq!(server.ask("GET", "/v1/ledger", None).json()["head"], head);
}
