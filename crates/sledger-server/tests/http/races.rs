//! Many at once.

use super::support::{Running, config, denying};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[test]
fn what_was_acknowledged_is_seen_on_another_connection_ten_thousand_times() {
    let server = denying();
    let (mut writer, mut reader) = (server.connect(), server.connect());
    for n in 0..10_000 {
        let body = format!(r#"{{"user":"u{n}","session":"s{n}"}}"#);
        assert_eq!(writer.ask("POST", "/v1/sessions", Some(&body)).status, 201);
        let seen = reader.ask("GET", &format!("/v1/sessions/s{n}"), None);
        assert_eq!(seen.status, 200, "login {n} was acknowledged but not seen: {seen:?}");
    }
}

#[test]
fn sixty_four_callers_never_get_more_than_five_sessions_in() {
    let dir = tempfile::tempdir().unwrap();
    let settings = super::support::settings("deny_access");
    let ledger = sledger::Config { settings, reserve_bytes: 0, ..sledger::Config::new(dir.path()) };
    let server = Running::over(sledger::Ledger::open(ledger).unwrap(), config());
    let (admitted, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut wire = server.connect();
            let mut most = 0;
            while !done.load(Ordering::SeqCst) {
                let active = wire.ask("GET", "/v1/users/ann", None).json()["active"].as_u64().unwrap();
                most = most.max(active);
            }
            most
        });
        let callers: Vec<_> = (0..64)
            .map(|caller| {
                let (server, admitted) = (&server, &admitted);
                scope.spawn(move || {
                    let mut wire = server.connect();
                    for n in 0..10 {
                        let body = format!(r#"{{"user":"ann","session":"s{caller}-{n}"}}"#);
                        match wire.ask("POST", "/v1/sessions", Some(&body)).status {
                            201 => drop(admitted.fetch_add(1, Ordering::SeqCst)),
                            status => assert_eq!(status, 403),
                        }
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.join().unwrap();
        }
        done.store(true, Ordering::SeqCst);
        assert!(watch.join().unwrap() <= 5);
    });
    assert_eq!(admitted.load(Ordering::SeqCst), 5);
    assert_eq!(server.ask("GET", "/v1/users/ann", None).json()["active"], 5);
}

#[test]
fn requests_that_are_given_up_leave_nothing_behind() {
    let server = denying();
    for n in 0..200 {
        let mut wire = server.connect();
        let body = format!(r#"{{"user":"u{n}","session":"s{n}"}}"#);
        let head = "POST /v1/sessions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
        wire.send(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }
    let mut wire = server.connect();
    for n in 0..200 {
        let body = format!(r#"{{"user":"v{n}","session":"t{n}"}}"#);
        let answer = wire.ask("POST", "/v1/sessions", Some(&body));
        assert_eq!(answer.json()["session"], format!("t{n}"), "each gets its own answer");
    }
}
