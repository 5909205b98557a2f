//! `POST /v1/introspect`, as RFC 7662 has it.

use super::support::{Raw, Running, denying};
use serde_json::json;

fn introspect(server: &Running, kind: &str, more: &str, body: &str) -> Raw {
    let mut wire = server.connect();
    let head = format!("POST /v1/introspect HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\n{more}");
    wire.send(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes());
    wire.read()
}

fn form(server: &Running, body: &str) -> Raw {
    introspect(server, "application/x-www-form-urlencoded", "", body)
}

#[test]
fn a_live_session_is_active_with_what_the_standard_names() {
    let server = denying();
    let body = r#"{"user":"ann","session":"a b/c","client":"web","ttl":"1h"}"#;
    let login = server.ask("POST", "/v1/sessions", Some(body)).json();
    let answer = form(&server, "token=a+b%2Fc&token_type_hint=access_token");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let told = answer.json();
    let (iat, exp) = (told["iat"].as_i64().unwrap(), told["exp"].as_i64().unwrap());
    assert!(iat > 1_700_000_000 && (exp - iat == 1_800 || exp - iat == 3_600), "seconds: {told}");
    let number = login["number"].as_u64().unwrap();
    assert_eq!(
        told,
        json!({
            "active": true, "username": "ann", "sub": "ann", "client_id": "web", "sid": "a b/c",
            "jti": format!("a b/c@{number}"), "iat": iat, "exp": exp,
        })
    );
}

#[test]
fn an_id_that_ended_or_never_was_is_inactive_and_nothing_else() {
    let server = denying();
    server.login("ann", "a");
    server.ask("DELETE", "/v1/sessions/a", None);
    for token in ["a", "never", "%00%ff", "a@3"] {
        let answer = form(&server, &format!("token={token}"));
        assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"active":false}"#), "{token}");
    }
}

#[test]
fn a_session_without_an_end_has_no_exp() {
    let server = denying();
    server.ask("POST", "/v1/sessions", Some(r#"{"user":"ann","session":"a","ttl":"never","idle":"never"}"#));
    let told = form(&server, "token=a").json();
    assert_eq!((&told["active"], told.get("exp"), told.get("client_id")), (&json!(true), None, None));
}

#[test]
fn only_this_call_takes_a_form_and_it_takes_nothing_else() {
    let server = denying();
    server.login("ann", "a");
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x", ""] {
        assert_eq!(introspect(&server, kind, "", "token=a").problem(415)["field"], "Content-Type", "{kind}");
    }
    let charset = "application/x-www-form-urlencoded;charset=UTF-8";
    assert_eq!(introspect(&server, charset, "", "token=a").status, 200);
    for path in ["/v1/sessions", "/v1/introspect/", "/v1/batch"] {
        let mut wire = server.connect();
        let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n");
        wire.send(format!("{head}content-type: application/x-www-form-urlencoded\r\n\r\n").as_bytes());
        assert_eq!(wire.read().problem(415)["field"], "Content-Type", "{path}");
    }
}

#[test]
fn a_page_elsewhere_is_refused_here_too() {
    let server = denying();
    let kind = "application/x-www-form-urlencoded";
    let foreign = introspect(&server, kind, "origin: http://evil.example\r\n", "token=a");
    assert_eq!(foreign.problem(403)["field"], "Origin");
}

#[test]
fn a_form_without_one_token_is_422_and_a_long_one_413() {
    let server = denying();
    for body in ["", "token=", "token=a&token=b", "tokn=a"] {
        assert_eq!(form(&server, body).problem(422)["field"], "token", "{body}");
    }
    assert_eq!(form(&server, &format!("token={}", "x".repeat(1 << 20))).status, 413);
}
