//! What bodies read as, and what is said about bad ones.

use super::*;
use proptest::prelude::*;
use sledger_core::config::{Dimension, SessionSettings};

fn said<T: std::fmt::Debug>(read: Result<T, Rejection>) -> String {
    let rejection = read.unwrap_err();
    format!("{}: {}", rejection.field, rejection.reason)
}

fn login(body: &str) -> Result<(Echo, Request), Rejection> {
    login_from_json(body.as_bytes(), &Actor::Local)
}

#[test]
fn a_login_needs_a_user_and_a_session_or_a_command() {
    let (echo, request) = login(r#"{"user":"ann","session":"a"}"#).unwrap();
    assert_eq!((echo.user.as_deref(), echo.session.as_deref()), (Some("ann"), Some("a")));
    assert_eq!((request.actor, request.command_id), (Actor::Local, None));
    assert_eq!(login(r#"{"user":"ann","command":"c"}"#).unwrap().1.command_id.as_deref(), Some("c"));
    let cases = [
        ("", "body: is not JSON: EOF while parsing a value at line 1 column 0"),
        ("[]", "body: is a list, not an object"),
        (r#"{"session":"a"}"#, "user: is missing"),
        (r#"{"user":"ann"}"#, "command: is missing: it is required where `session` is left out"),
        (r#"{"user":"ann","session":"a","ttll":1}"#, "ttll: is unknown; did you mean `ttl`?"),
    ];
    for (body, reason) in cases {
        assert_eq!(said(login(body)), reason, "{body}");
    }
}

#[test]
fn an_end_may_have_no_body_at_all() {
    assert_eq!(end_from_json(b" "), Ok(EndBody::default()));
    let body = end_from_json(br#"{"reason":"asked","generation":3}"#).unwrap();
    let request = body.into_request("a", None, Actor::Cli);
    assert!(matches!(&request.command, Command::End { target, reason }
        if target.session.as_deref() == Some("a") && reason.as_deref() == Some("asked")));
    assert_eq!(said(end_from_json(br#"{"reson":"x"}"#)), "reson: is unknown; did you mean `reason`?");
}

#[test]
fn other_commands_read_as_in_a_batch() {
    let reading = Reading { actor: Actor::Cli, sessions: SessionSettings::default() };
    let request = command_from_json(OpName::Reconcile, br#"{"source":"p","live":["a"]}"#, &reading).unwrap();
    assert!(matches!(request.command, Command::Reconcile(_)));
    let timed = command_from_json(OpName::Touch, br#"{"at":3}"#, &reading);
    assert_eq!(said(timed), "at: is for recordings only: the ledger gives the time");
    let early = command_from_json(OpName::Adopt, br#"{"sessions":[{"started":5}]}"#, &reading);
    let reason = "sessions[0].started: is the number `5`: write a time, e.g. `2026-11-20T12:04:31Z`";
    assert_eq!(said(early), reason);
}

#[test]
fn a_quota_is_put_and_patched() {
    let quota = quota_from_json("q", br#"{"count_by":"ip","max_sessions":3}"#).unwrap();
    assert_eq!((quota.name.as_str(), quota.origin), ("q", Origin::Api));
    assert_eq!(quota.count_by, [Dimension::Ip]);
    let patched = quota_patched(&quota, br#"{"max_sessions":"banned"}"#).unwrap();
    assert_eq!(patched, Quota { max_sessions: Limit::Banned, ..quota.clone() });
    assert_eq!(said(quota_from_json("q", br#"{"name":"r"}"#)), "name: is not `q`, the name it is sent to");
    assert_eq!(said(quota_patched(&quota, br#"{"levl":"soft"}"#)), "levl: is unknown; did you mean `level`?");
}

#[test]
fn overrides_switches_and_policies_are_read() {
    let body =
        override_from_json(br#"{"max_sessions":2,"until":"1970-01-01T00:00:01Z","reason":"r"}"#).unwrap();
    let expected = OverrideBody {
        limit: Limit::at_most(2).unwrap(),
        until: Some(Millis(1000)),
        reason: Some("r".to_owned()),
    };
    assert_eq!(body, expected);
    let missing = "max_sessions: is missing: write a number from 1 on, `unlimited` or `banned`";
    assert_eq!(said(override_from_json(b"{}")), missing);
    let switch = switch_from_json(br#"{"for":"30m"}"#).unwrap();
    assert_eq!((switch.lasting, switch.reason), (Some(Span::seconds(1800)), None));
    assert_eq!(switch_from_json(b""), Ok(SwitchBody::default()));
    assert_eq!(policy_from_json(br#"{"text":"x","quota":"q"}"#).unwrap().quota.as_deref(), Some("q"));
    assert_eq!(said(policy_from_json(b"{}")), "text: is missing");
}

proptest! {
    #[test]
    fn reading_any_body_never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = login_from_json(&body, &Actor::Local);
        let _ = end_from_json(&body);
        let _ = quota_from_json("q", &body);
        let _ = override_from_json(&body);
        let _ = policy_from_json(&body);
        let _ = switch_from_json(&body);
    }
}
