//! `GET /v1/replay/why`: the past of a served ledger is asked, and that it was is recorded.

use super::support::{Running, config, settings};
use serde_json::{Value, json};
use sledger::{Config as LedgerConfig, Ledger};
use sledger_client::{Client, ClientError};
use std::path::Path;

fn on_disk(dir: &Path) -> Running {
    let settings = settings("destroy_oldest");
    let ledger = LedgerConfig { reserve_bytes: 0, settings, ..LedgerConfig::new(dir) };
    Running::over(Ledger::open(ledger).unwrap(), config())
}

/// A user comes six times where five are let in: the first has to go.
fn six_times(server: &Running) {
    for n in 1..=6 {
        assert_eq!(server.login("ann", &format!("s{n}")).status, 201);
    }
}

#[test]
fn an_eviction_is_explained_with_the_line_that_decided() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(dir.path());
    six_times(&server);
    let why = Client::new(&server.url()).unwrap().why("s1").unwrap();
    let who = (why.session.as_deref(), why.user.as_deref(), &*why.outcome, why.by_session.as_deref());
    assert_eq!(who, (Some("s1"), Some("ann"), "evicted", Some("s6")));
    let judged = &why.judged[0];
    assert_eq!((judged.answer.as_str(), &judged.sessions[..]), ("evict", &["s1".to_owned()][..]));
    assert!(judged.text.as_ref().is_some_and(|text| text.contains("sessions.oldest")), "{judged:?}");
    assert_eq!(why.decision.line, Some(judged.line));
    let core: Vec<&str> = why.core.iter().map(|core| &*core.policy).collect();
    assert_eq!(core, sledger_replay::why::CORE);
    let denied = why.core.iter().find(|core| core.policy == "deny_access").unwrap();
    assert_eq!((&*denied.outcome, denied.admitted, denied.same), ("deny", false, false));
    assert_eq!(why.as_recorded, Some(true));
}

#[test]
fn each_look_is_recorded_and_none_for_what_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(dir.path());
    six_times(&server);
    let before = server.ledger.durable();
    assert_eq!(server.ask("GET", "/v1/replay/why?about=seq:0", None).status, 422);
    assert_eq!(server.ask("GET", "/v1/replay/why?about=", None).status, 422);
    assert_eq!(server.ledger.durable(), before);
    assert_eq!(server.ask("GET", "/v1/replay/why?about=user:ann", None).status, 200);
    assert_eq!(server.ask("GET", "/v1/replay/why?about=nobody", None).status, 404);
    assert_eq!(server.ledger.durable().0, before.0 + 2);
    let told = Client::new(&server.url()).unwrap().why(&format!("seq:{}", before.0 + 1)).unwrap();
    let told: Value = serde_json::to_value(&told.events).unwrap();
    assert_eq!(told[0]["type"], json!("history.read"));
    assert_eq!(told[0]["details"], json!({"what": "why", "about": "user:ann"}));
}

#[test]
fn a_ledger_in_memory_has_no_past_to_ask() {
    let server = super::support::denying();
    let refused = Client::new(&server.url()).unwrap().why("user:ann").unwrap_err();
    assert!(matches!(refused, ClientError::Refused(problem) if problem.status == 404));
}
