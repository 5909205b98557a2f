//! The limits of RULES 20 and the disk's reserve as a client meets them, and denials in a storm.

use super::events::read_events;
use super::support::{PATIENCE, Raw, Running, Wire, config, denying};
use serde_json::json;
use sledger::core::config::Bounds;
use sledger::{Actor, Command, Config as LedgerConfig, Ledger, Login, Request};
use sledger_testkit::faulty_log::{Fault, FaultyLog};
use std::sync::mpsc;
use std::time::Duration;

fn bounded(bounds: impl FnOnce(&mut Bounds)) -> Running {
    let mut ledger = LedgerConfig::new("unused");
    bounds(&mut ledger.bounds);
    Running::over(Ledger::in_memory(ledger).unwrap(), config())
}

/// Refused by the name of the limit, with a time to come back, and nothing of it recorded.
fn is_full(server: &Running, answer: &Raw, limit: &str) {
    let problem = answer.problem(503);
    assert_eq!((&problem["code"], &problem["outcome"]), (&json!("LEDGER_FULL"), &json!("denied")));
    assert_eq!(problem["detail"], format!("the ledger is full: {limit} reached"));
    assert_eq!(answer.header("retry-after"), Some("30"));
    let metrics = server.ask("GET", "/metrics", None).body;
    assert!(metrics.contains(r#"outcome="denied",quota="per-user",code="LEDGER_FULL"} "#), "{metrics}");
}

/// Whoever is in may come again, be active and leave.
fn those_who_are_in_go_on(server: &Running, user: &str, session: &str) {
    assert_eq!(server.login(user, session).json()["outcome"], "resumed");
    assert_eq!(server.ask("POST", &format!("/v1/sessions/{session}/touch"), Some("")).status, 204);
    assert_eq!(server.ask("DELETE", &format!("/v1/sessions/{session}"), None).status, 204);
}

#[test]
fn no_more_sessions_than_may_be() {
    let server = bounded(|bounds| bounds.sessions_max = 2);
    server.login("ann", "a");
    server.login("bob", "b");
    is_full(&server, &server.login("ann", "c"), "limits.sessions");
    those_who_are_in_go_on(&server, "ann", "a");
    assert_eq!(server.login("ann", "c").status, 201, "there is room again");
}

#[test]
fn no_more_users_than_may_be() {
    let server = bounded(|bounds| bounds.users_max = 1);
    server.login("ann", "a");
    is_full(&server, &server.login("bob", "b"), "limits.users");
    assert_eq!(server.login("ann", "a2").status, 201, "a user who is in may have more");
    those_who_are_in_go_on(&server, "ann", "a");
}

#[test]
fn nobody_new_on_a_disk_below_its_reserve() {
    let dir = tempfile::tempdir().unwrap();
    let reserved = |reserve_bytes| {
        let ledger = LedgerConfig { reserve_bytes, ..LedgerConfig::new(dir.path()) };
        Running::over(Ledger::open(ledger).unwrap(), config())
    };
    let mut server = reserved(0);
    assert_eq!(server.login("ann", "a").status, 201);
    server.stop().unwrap();
    server.ledger.close();
    drop(server);
    let server = reserved(u64::MAX);
    is_full(&server, &server.login("ann", "b"), "disk reserve");
    let ready = server.ask("GET", "/readyz", None);
    assert_eq!((ready.status, &ready.json()["reasons"][0]["code"]), (503, &json!("LEDGER_FULL")));
    those_who_are_in_go_on(&server, "ann", "a");
}

#[test]
fn what_is_too_long_or_too_many_is_refused_by_the_name_of_its_field() {
    let server = denying();
    let long = "x".repeat(257);
    let groups: Vec<String> = (0..33).map(|n| format!("g{n}")).collect();
    let attributes: serde_json::Map<String, serde_json::Value> =
        (0..17).map(|n| (format!("a{n}"), json!("v"))).collect();
    let cases = [
        ("user", json!({"user": long, "session": "a"})),
        ("session", json!({"user": "ann", "session": long})),
        ("ip", json!({"user": "ann", "session": "a", "ip": long})),
        ("client", json!({"user": "ann", "session": "a", "client": long})),
        ("source", json!({"user": "ann", "session": "a", "source": long})),
        ("groups", json!({"user": "ann", "session": "a", "groups": groups})),
        ("attributes", json!({"user": "ann", "session": "a", "attributes": attributes})),
        ("attributes.k", json!({"user": "ann", "session": "a", "attributes": {"k": long}})),
        ("command", json!({"user": "ann", "session": "a", "command": "x".repeat(65)})),
    ];
    let before = server.ledger.durable();
    for (field, body) in cases {
        let problem = server.ask("POST", "/v1/sessions", Some(&body.to_string())).problem(422);
        assert_eq!(problem["field"], field, "{problem}");
    }
    assert_eq!(server.ledger.durable(), before);
}

#[test]
fn a_full_queue_is_busy_with_a_time_to_come_back() {
    let (log, held) = FaultyLog::new([(1, Fault::Waits(None))]);
    let ledger = LedgerConfig { queue_max: 2, ..LedgerConfig::new("unused") };
    let server = Running::over(Ledger::on_log(ledger, Box::new(log)).unwrap(), config());
    let login = |n: u32| {
        let login = Login { user: Some(format!("u{n}")), session: Some(format!("s{n}")), ..Login::default() };
        server.ledger.submit(Request::new(Actor::Local, Command::Login(Box::new(login))))
    };
    let mut waiting = vec![login(0).unwrap()];
    held.until_it_waits();
    let mut fill = || {
        let taken = (1..).map_while(|n| login(n).ok());
        waiting.extend(taken);
    };
    let (url, (tell, told)) = (server.address, mpsc::channel());
    let refused = loop {
        // The decider takes what it can before it waits for the writer; then the queue stays full behind it.
        fill();
        let tell = tell.clone();
        std::thread::spawn(move || {
            let body = r#"{"user":"ann","session":"a"}"#;
            // The test is over where nobody listens.
            let _over = tell.send(Wire::to(url).ask("POST", "/v1/sessions", Some(body)));
        });
        if let Ok(answer) = told.recv_timeout(Duration::from_secs(1)) {
            break answer;
        }
    };
    assert_eq!(refused.problem(503)["code"], "LEDGER_BUSY");
    assert_eq!(refused.header("retry-after"), Some("1"));
    held.let_go();
    for ticket in waiting {
        assert!(ticket.wait_for(PATIENCE).is_ok());
    }
}

#[test]
fn a_storm_of_denials_is_answered_one_by_one_and_told_as_one_event() {
    let server = denying();
    let mut wire = server.connect();
    for n in 0..5 {
        server.login("ann", &format!("s{n}"));
    }
    let before = server.ledger.durable().0;
    let storm = 60;
    for n in 0..storm {
        let body = format!(r#"{{"user":"ann","session":"x{n}"}}"#);
        let problem = wire.ask("POST", "/v1/sessions", Some(&body)).problem(403);
        assert_eq!(problem["code"], "SESSION_QUOTA_EXCEEDED", "each caller is answered");
    }
    // Ten are recorded as they are, the others once a second.
    let mut told = 10;
    let mut events = 11;
    while told < storm {
        let last = read_events(&server, "type=login.denied", Some(before), events).pop().unwrap();
        assert_eq!(
            (&last["type"], &last["user"], &last["quota"]),
            (&json!("login.denied"), &json!("ann"), &json!("per-user"))
        );
        assert_eq!(last["code"], "SESSION_QUOTA_EXCEEDED");
        assert!(last["first"].as_str().unwrap() <= last["last"].as_str().unwrap(), "{last}");
        told += last["count"].as_u64().unwrap();
        events += 1;
    }
    assert_eq!(told, storm, "none is lost, none counted twice");
    assert!(events - 11 <= 10, "{} events for {storm} denials", events - 1);
    let metrics = server.ask("GET", "/metrics", None).body;
    let counted =
        r#"sledger_logins_total{outcome="denied",quota="per-user",code="SESSION_QUOTA_EXCEEDED"} 60"#;
    assert!(metrics.contains(counted), "{metrics}");
}
