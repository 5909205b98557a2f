//! Answers byte for byte.

use super::*;
use crate::recording::OpName;
use sledger_core::answer::{Outcome, SessionView, Tombstone};
use sledger_core::command::Rejection;
use sledger_core::event::{Cause, Code, PolicyCode, PolicyRef};
use sledger_core::{Limit, Millis, Seq, Span, Texts};

fn echo() -> Echo {
    Echo { op: OpName::Login, user: Some("ann".to_owned()), session: Some("a".to_owned()) }
}

fn facts(session: &str) -> Arc<Facts> {
    let attributes = [("device".to_owned(), "mobile".to_owned())];
    let groups = ["staff".to_owned()];
    let texts = Texts {
        user: "ann",
        session,
        ip: "10.0.0.1",
        groups: &groups,
        attributes: &attributes,
        ..Texts::default()
    };
    let mut facts = Facts::new(texts);
    facts.started = Millis(1000);
    facts.ttl = Span::seconds(60);
    Arc::new(facts)
}

fn admitted() -> Answer {
    Answer {
        active: Some(1),
        limit: Limit::at_most(5),
        quota: Some("per-user".into()),
        generation: Some(Seq(1)),
        ..Answer::new(Outcome::Admitted, Millis(0))
    }
}

fn view() -> SessionView {
    SessionView {
        facts: facts("a"),
        number: Seq(1),
        generation: Seq(1),
        last_active: Millis(2000),
        expires: Millis::NEVER,
        retained: false,
        seen_ip: None,
        seen_client: Some("app".into()),
    }
}

fn tombstone() -> Tombstone {
    Tombstone {
        facts: facts("b"),
        number: Seq(3),
        ended_at: Millis(5000),
        cause: Cause::Evicted,
        decision: Seq(8),
        code: Some(Code::SessionQuotaExceeded),
        reason: Some("oldest".into()),
        message: None,
        by_session: Some(Seq(9)),
        quota: Some("per-user".into()),
        policy: Some(PolicyRef { name: "destroy_oldest".into(), revision: [0x3f, 0x9a, 0x12, 0xc0] }),
    }
}

#[test]
fn the_documented_answer_is_printed_byte_for_byte() {
    let line = AnswerLine::simulated(1, &AtGiven::Millis(0), &echo(), &admitted());
    let documented = r#"{"line":1,"at":0,"op":"login","user":"ann","session":"a","outcome":"admitted","evicted":[],"ended":[],"expired":[],"unknown":[],"code":null,"reason":null,"message":null,"active":1,"limit":5,"quota":"per-user","policy":null,"generation":1}"#;
    assert_eq!(line.to_json(), documented);
    assert_eq!(serde_json::from_str::<AnswerLine>(documented).unwrap(), line);
}

#[test]
fn a_batch_has_neither_line_nor_time() {
    let json = AnswerLine::batched(&echo(), &admitted()).to_json();
    assert!(json.starts_with(r#"{"op":"login","user":"ann""#), "{json}");
}

#[test]
fn what_there_is_to_say_follows_in_order() {
    let answer = Answer {
        evicted: vec![facts("x")],
        code: Some(Code::SessionQuotaExceeded),
        limit: Some(Limit::Unlimited),
        retained: vec![facts("r")],
        skipped: vec!["s".to_owned()],
        field: Some("ttl".to_owned()),
        policy_code: Some(PolicyCode::Error),
        advisory: vec![Advice {
            quota: "dry".into(),
            outcome: "evict",
            evict: vec![facts("v")],
            reason: Some("oldest".into()),
        }],
        tombstone: Some(Arc::new(tombstone())),
        repeated: true,
        ..Answer::new(Outcome::Denied, Millis(0))
    };
    let at = AtGiven::Text("2026-11-20T12:04:31Z".to_owned());
    let line = AnswerLine::simulated(7, &at, &echo(), &answer);
    assert_eq!(
        line.to_json(),
        concat!(
            r#"{"line":7,"at":"2026-11-20T12:04:31Z","op":"login","user":"ann","session":"a","outcome":"denied","#,
            r#""evicted":["x"],"ended":[],"expired":[],"unknown":[],"code":"SESSION_QUOTA_EXCEEDED","reason":null,"#,
            r#""message":null,"active":null,"limit":"unlimited","quota":null,"policy":null,"generation":null,"#,
            r#""retained":["r"],"skipped":["s"],"field":"ttl","policy_code":"POLICY_ERROR","#,
            r#""advisory":[{"quota":"dry","outcome":"evict","evict":["v"],"reason":"oldest"}],"#,
            r#""tombstone":{"session":"b","number":3,"user":"ann","source":null,"client":null,"#,
            r#""started":"1970-01-01T00:00:01.000Z","ended_at":"1970-01-01T00:00:05.000Z","cause":"evicted","#,
            r#""code":"SESSION_QUOTA_EXCEEDED","reason":"oldest","message":null,"decision":8,"by_session":null,"#,
            r#""quota":"per-user","policy":"destroy_oldest@3f9a12c0","by_number":9},"repeated":true}"#
        )
    );
    assert_eq!(serde_json::from_str::<AnswerLine>(&line.to_json()).unwrap(), line);
}

#[test]
fn over_http_the_session_and_its_quotas_are_told() {
    let used = QuotaUse {
        quota: "per-user".into(),
        key: "ann".into(),
        active: 1,
        limit: Limit::at_most(5).unwrap(),
    };
    let answer = Answer { session: Some(view()), seq: Some(Seq(4)), quotas: vec![used], ..admitted() };
    let json = AnswerLine::over_http(&echo(), &answer).to_json();
    assert!(
        json.ends_with(concat!(
            r#""generation":1,"number":1,"started":"1970-01-01T00:00:01.000Z","expires":"never","seq":4,"#,
            r#""quotas":[{"quota":"per-user","key":"ann","active":1,"limit":5}]}"#
        )),
        "{json}"
    );
}

#[test]
fn a_session_is_shown_with_its_documented_keys() {
    let json = serde_json::to_string(&SessionObject::from(&view())).unwrap();
    assert_eq!(
        json,
        concat!(
            r#"{"session":"a","number":1,"user":"ann","source":null,"client":null,"ip":"10.0.0.1","#,
            r#""groups":["staff"],"attributes":{"device":"mobile"},"started":"1970-01-01T00:00:01.000Z","#,
            r#""last_active":"1970-01-01T00:00:02.000Z","expires":"never","retained":false,"generation":1,"#,
            r#""seen_client":"app"}"#
        )
    );
}

#[test]
fn a_tombstone_may_be_given_the_newcomers_id() {
    let object = TombstoneObject::from(&tombstone()).by(Some("c"));
    assert_eq!((object.by_session.as_deref(), object.by_number), (Some("c"), Some(9)));
}

#[test]
fn a_denial_over_http_is_a_problem_with_its_key() {
    let used = QuotaUse { quota: "per-user".into(), key: "ann".into(), active: 5, limit: Limit::Banned };
    let answer = Answer {
        code: Some(Code::SessionQuotaExceeded),
        reason: Some("all in use".into()),
        quota: Some("per-user".into()),
        active: Some(5),
        limit: Limit::at_most(5),
        quotas: vec![used],
        ..Answer::new(Outcome::Denied, Millis(0))
    };
    let line = AnswerLine::over_http(&echo(), &answer);
    let problem = Problem::of(OpName::Login, &answer, &line).unwrap();
    assert_eq!(
        serde_json::to_string(&problem).unwrap(),
        concat!(
            r#"{"type":"urn:sledger:session_quota_exceeded","title":"Forbidden","status":403,"#,
            r#""code":"SESSION_QUOTA_EXCEEDED","detail":"all in use","outcome":"denied","reason":"all in use","#,
            r#""quota":"per-user","key":"ann","active":5,"limit":5}"#
        )
    );
    assert_eq!(Problem::of(OpName::Login, &admitted(), &line), None);
}

#[test]
fn every_outcome_has_its_status() {
    let cases = [
        (OpName::Login, Outcome::Admitted, 201),
        (OpName::Login, Outcome::Resumed, 200),
        (OpName::Login, Outcome::Ended, 410),
        (OpName::Login, Outcome::Conflict, 409),
        (OpName::Touch, Outcome::Touched, 204),
        (OpName::Touch, Outcome::Stale, 409),
        (OpName::Logout, Outcome::Unknown, 404),
        (OpName::End, Outcome::Cleared, 204),
        (OpName::Clear, Outcome::Cleared, 200),
        (OpName::Clear, Outcome::Rejected, 422),
    ];
    for (op, outcome, expected) in cases {
        assert_eq!(status(op, &Answer::new(outcome, Millis(0))), expected, "{op} {outcome:?}");
    }
}

#[test]
fn a_full_ledger_is_said_by_code_and_limit() {
    let answer = Answer { full: Some("sessions"), ..Answer::new(Outcome::Denied, Millis(0)) };
    let line = AnswerLine::batched(&echo(), &answer);
    assert_eq!(line.code.as_deref(), Some("LEDGER_FULL"));
    assert_eq!(line.reason.as_deref(), Some("the limit `sessions` is reached"));
    assert_eq!(status(OpName::Login, &answer), 503);
}

#[test]
fn a_rejected_body_names_its_field() {
    let problem = Problem::rejected(&Rejection::new("ttl", "is 0"));
    assert_eq!(
        (problem.status, problem.field.as_deref(), problem.detail.as_str()),
        (422, Some("ttl"), "`ttl`: is 0")
    );
}
