//! `POST /v1/sessions?dry_run=true`: what would happen, and nothing happens.

use super::support::{Running, config, denying, settings};
use serde_json::{Value, json};
use sledger::{Config as LedgerConfig, Ledger};

const PATH: &str = "/v1/sessions?dry_run=true";

fn ask(server: &Running, body: &str) -> super::support::Raw {
    server.ask("POST", PATH, Some(body))
}

fn seq(server: &Running) -> u64 {
    server.ledger.durable().0
}

#[test]
fn a_login_that_would_be_let_in_is_told_so_and_nobody_is_in() {
    let server = denying();
    let before = seq(&server);
    let answer = ask(&server, r#"{"user":"ann","session":"a","ttl":"1h"}"#);
    assert_eq!(answer.status, 201, "{answer:?}");
    let line = answer.json();
    assert_eq!((&line["dry_run"], &line["outcome"]), (&json!(true), &json!("admitted")));
    assert_eq!((&line["active"], &line["session"]), (&json!(1), &json!("a")));
    assert_eq!(line["quotas"], json!([{"quota":"per-user","key":"ann","active":1,"limit":5}]));
    assert!(line["expires"].is_string() && line["started"].is_string());
    for absent in ["seq", "number"] {
        assert_eq!(line.get(absent), None, "nothing was recorded that had a {absent}");
    }
    assert_eq!(line["generation"], Value::Null);
    assert_eq!(seq(&server), before);
    assert_eq!(server.ask("GET", "/v1/sessions/a", None).status, 404);
    assert_eq!(server.login("ann", "a").json()["active"], 1);
}

#[test]
fn it_names_those_who_would_be_evicted_and_they_stay() {
    let settings = settings("destroy_oldest");
    let ledger = LedgerConfig { settings, ..LedgerConfig::new("unused") };
    let server = Running::over(Ledger::in_memory(ledger).unwrap(), config());
    for n in 0..5 {
        server.login("ann", &format!("s{n}"));
    }
    let line = ask(&server, r#"{"user":"ann","session":"new"}"#).json();
    assert_eq!((&line["evicted"], &line["active"]), (&json!(["s0"]), &json!(5)));
    assert_eq!(line["code"], "SESSION_QUOTA_EXCEEDED");
    assert_eq!(server.ask("GET", "/v1/sessions/s0", None).status, 200);
    assert_eq!(server.login("ann", "new").json()["evicted"], json!(["s0"]), "as it was foreseen");
}

#[test]
fn a_login_that_would_be_refused_is_the_problem_it_would_be() {
    let server = denying();
    for n in 0..5 {
        server.login("ann", &format!("s{n}"));
    }
    let before = seq(&server);
    for _ in 0..20 {
        let problem = ask(&server, r#"{"user":"ann","session":"new"}"#).problem(403);
        assert_eq!((&problem["dry_run"], &problem["code"]), (&json!(true), &json!("SESSION_QUOTA_EXCEEDED")));
    }
    let problem = ask(&server, r#"{"user":"bob","session":"s0"}"#).problem(409);
    assert_eq!((&problem["dry_run"], &problem["outcome"]), (&json!(true), &json!("conflict")));
    assert_eq!(seq(&server), before, "no denial was recorded or counted");
    assert_eq!(ask(&server, r#"{"user":"ann","session":"s0"}"#).json()["outcome"], "resumed");
    assert_eq!(ask(&server, r#"{"user":7}"#).problem(422)["field"], "user");
}

#[test]
fn neither_session_nor_command_is_required_and_a_command_is_not_used_up() {
    let server = denying();
    let line = ask(&server, r#"{"user":"ann"}"#).json();
    assert_eq!((&line["outcome"], &line["session"]), (&json!("admitted"), &Value::Null));
    let body = r#"{"user":"ann","command":"c-1"}"#;
    let foreseen = ask(&server, body).json()["session"].clone();
    let login = server.ask("POST", "/v1/sessions", Some(body)).json();
    assert_eq!(login["session"], foreseen, "the id follows from the command");
    assert_eq!(login.get("repeated"), None, "the dry run was not remembered");
    let again = ask(&server, body).json();
    assert_eq!((&again["repeated"], &again["dry_run"]), (&json!(true), &json!(true)));
}
