//! `POST /v1/sessions`: every status it has.

use super::support::{Fragile, Running, config, denying};
use serde_json::json;
use sledger::{Config as LedgerConfig, Ledger};
use std::sync::atomic::Ordering;

const PATH: &str = "/v1/sessions";

#[test]
fn a_new_session_is_201_with_what_the_contract_names() {
    let server = denying();
    let answer = server.login("ann", "a");
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let line = answer.json();
    let keys: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
    let first = [
        "op",
        "user",
        "session",
        "outcome",
        "evicted",
        "ended",
        "expired",
        "unknown",
        "code",
        "reason",
        "message",
        "active",
        "limit",
        "quota",
        "policy",
        "generation",
    ];
    assert_eq!(keys[..16], first);
    assert_eq!((&line["outcome"], &line["session"]), (&json!("admitted"), &json!("a")));
    assert_eq!(line["seq"], line["generation"]);
    assert!(line["started"].is_string() && line["expires"].is_string());
    assert_eq!(line["quotas"], json!([{"quota":"per-user","key":"ann","active":1,"limit":5}]));
}

#[test]
fn the_same_session_again_is_200_resumed() {
    let server = denying();
    let first = server.login("ann", "a").json();
    let again = server.login("ann", "a");
    assert_eq!((again.status, &again.json()["outcome"]), (200, &json!("resumed")));
    assert!(again.json()["generation"].as_u64() > first["generation"].as_u64());
}

#[test]
fn an_ignored_login_is_200() {
    let answer = denying().login("", "a");
    assert_eq!((answer.status, &answer.json()["outcome"]), (200, &json!("ignored")));
}

#[test]
fn the_sixth_session_is_403_with_every_field_of_a_denial() {
    let server = denying();
    for id in ["a", "b", "c", "d", "e"] {
        assert_eq!(server.login("ann", id).status, 201);
    }
    let problem = server.login("ann", "f").problem(403);
    assert_eq!(problem["type"], "urn:sledger:session_quota_exceeded");
    assert_eq!(problem["title"], "Forbidden");
    assert_eq!(problem["code"], "SESSION_QUOTA_EXCEEDED");
    assert_eq!(problem["outcome"], "denied");
    assert_eq!(
        (&problem["quota"], &problem["active"], &problem["limit"]),
        (&json!("per-user"), &json!(5), &json!(5))
    );
    assert_eq!(problem["key"], "ann");
    assert_eq!(problem["message"], "You are already signed in 5 times; 5 are allowed.");
    assert!(problem["reason"].is_string() && problem["policy"].as_str().unwrap().starts_with("deny_access@"));
}

#[test]
fn an_id_of_somebody_else_is_409() {
    let server = denying();
    server.login("ann", "a");
    let problem = server.login("bob", "a").problem(409);
    assert_eq!((&problem["code"], &problem["outcome"]), (&json!("SESSION_CONFLICT"), &json!("conflict")));
}

#[test]
fn an_id_that_ended_is_410_where_ids_do_not_come_again() {
    let mut settings = super::support::settings("deny_access");
    settings.sessions.reuse = sledger::core::config::Reuse::Refuse;
    let ledger = Ledger::in_memory(LedgerConfig { settings, ..LedgerConfig::new("unused") }).unwrap();
    let server = Running::over(ledger, config());
    server.login("ann", "a");
    assert_eq!(server.ask("DELETE", "/v1/sessions/a", None).status, 204);
    let problem = server.login("ann", "a").problem(410);
    assert_eq!(problem["outcome"], "ended");
    assert_eq!(problem["tombstone"]["cause"], "logout");
}

#[test]
fn what_cannot_be_read_is_422_by_field() {
    let server = denying();
    let cases = [
        (r#"{"session":"a"}"#, "user", "is missing"),
        (r#"{"user":"ann"}"#, "command", "is missing: it is required where `session` is left out"),
        (r#"{"user":"ann","sesion":"a"}"#, "sesion", "is unknown; did you mean `session`?"),
        (r#"{"user":7,"session":"a"}"#, "user", "is the number `7`, not text"),
        (r#"{"user":"a\u0007b","session":"a"}"#, "user", ""),
        ("[]", "body", "is a list, not an object"),
        ("{", "body", ""),
        ("", "body", ""),
    ];
    for (body, field, reason) in cases {
        let problem = server.ask("POST", PATH, Some(body)).problem(422);
        assert_eq!(problem["outcome"], "rejected", "{body}");
        assert_eq!(problem["field"], field, "{body}");
        let said = problem["reason"].as_str().unwrap();
        assert!(reason.is_empty() || said == reason, "{body}: {said}");
    }
    let long = format!(r#"{{"user":"{}","session":"a"}}"#, "x".repeat(257));
    assert_eq!(server.ask("POST", PATH, Some(&long)).problem(422)["field"], "user");
    let problem = server.ask("POST", "/v1/sessions?dryrun=true", Some("{}")).problem(422);
    assert_eq!(problem["field"], "query");
}

#[test]
fn a_body_that_is_too_long_is_413() {
    let server = denying();
    let body = format!(r#"{{"user":"ann","session":"a","client":"{}"}}"#, "x".repeat(1 << 20));
    let problem = server.ask("POST", PATH, Some(&body)).problem(413);
    assert_eq!(problem["detail"], "the body is longer than 1048576 bytes");
}

#[test]
fn a_login_without_an_id_gets_one_and_its_repeat_the_same() {
    let server = denying();
    let body = r#"{"user":"ann","command":"c-1"}"#;
    let first = server.ask("POST", PATH, Some(body));
    assert_eq!(first.status, 201, "{first:?}");
    let id = first.json()["session"].as_str().unwrap().to_owned();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let again = server.ask("POST", PATH, Some(body));
    assert_eq!((again.status, &again.json()["session"]), (201, &json!(id)));
    assert_eq!(again.json()["repeated"], true);
    let other = server.ask("POST", PATH, Some(r#"{"user":"ann","command":"c-2"}"#));
    assert_ne!(other.json()["session"], json!(id));
    assert_eq!(server.ledger.views().read(|views| views.active("ann")).unwrap(), 2);
}

#[test]
fn a_command_id_of_another_login_is_422() {
    let server = denying();
    server.ask("POST", PATH, Some(r#"{"user":"ann","session":"a","command":"c"}"#));
    let other = server.ask("POST", PATH, Some(r#"{"user":"bob","session":"b","command":"c"}"#));
    assert_eq!(other.problem(422)["field"], "command");
}

#[test]
fn a_full_ledger_is_503_with_a_time_to_come_back() {
    let mut ledger = LedgerConfig::new("unused");
    ledger.bounds.sessions_max = 1;
    let server = Running::over(Ledger::in_memory(ledger).unwrap(), config());
    server.login("ann", "a");
    let answer = server.login("bob", "b");
    let problem = answer.problem(503);
    assert_eq!(problem["code"], "LEDGER_FULL");
    assert_eq!(answer.header("retry-after"), Some("30"));
}

#[test]
fn a_poisoned_ledger_is_503_and_says_so_everywhere_before_the_server_ends() {
    let (log, broken) = Fragile::new();
    let ledger = Ledger::on_log(LedgerConfig::new("unused"), Box::new(log)).unwrap();
    let mut server = Running::over(ledger, config());
    let mut wire = server.connect();
    assert_eq!(wire.ask("GET", "/readyz", None).json()["ready"], true);
    broken.store(true, Ordering::SeqCst);
    let unknown = wire.ask("POST", PATH, Some(r#"{"user":"ann","session":"a"}"#));
    assert_eq!(unknown.problem(503)["code"], "OUTCOME_UNKNOWN");
    assert_eq!(unknown.header("retry-after"), Some("5"));
    let poisoned = wire.ask("POST", PATH, Some(r#"{"user":"ann","session":"b"}"#));
    assert_eq!(poisoned.problem(503)["code"], "LEDGER_POISONED");
    let ready = wire.ask("GET", "/readyz", None);
    assert_eq!((ready.status, &ready.json()["ready"]), (503, &json!(false)));
    assert_eq!(ready.json()["reasons"][0]["code"], "LEDGER_POISONED");
    assert_eq!(wire.ask("GET", "/v1/top", None).json()["poisoned"], true);
    let error = server.ended().unwrap_err().to_string();
    assert_eq!(error, "the ledger is poisoned: the disk is on fire");
}

#[test]
fn a_closed_ledger_is_503_without_a_code() {
    let server = denying();
    server.ledger.close();
    let problem = server.login("ann", "a").problem(503);
    assert_eq!((&problem["code"], &problem["detail"]), (&json!(null), &json!("the ledger is closed")));
}

#[test]
fn the_request_id_stands_in_the_event() {
    let server = denying();
    let mut wire = server.connect();
    let body = r#"{"user":"ann","session":"a"}"#;
    let head = format!("POST {PATH} HTTP/1.1\r\nhost: localhost\r\nx-request-id: r-1\r\n");
    let rest = format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    wire.send(format!("{head}{rest}").as_bytes());
    let seq = wire.read().json()["seq"].as_u64().unwrap();
    let told = super::events::read_events(&server, &format!("from={seq}"), None, 1);
    assert_eq!((&told[0]["request_id"], &told[0]["actor"]), (&json!("r-1"), &json!("local")));
}
