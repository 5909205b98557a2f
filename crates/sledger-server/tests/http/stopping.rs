//! The end in good order.

use super::support::{Running, config, denying};
use sledger_server::Config;
use std::time::{Duration, Instant};

#[test]
fn a_server_that_stops_ends_feeds_and_idle_connections_within_ten_seconds() {
    let mut server = denying();
    let mut feed = server.connect();
    feed.send(b"GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n");
    feed.read_head();
    let mut idle = server.connect();
    assert_eq!(idle.ask("GET", "/healthz", None).status, 200);
    let begun = Instant::now();
    server.stop().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    while feed.chunk().is_some() {}
    assert!(std::net::TcpStream::connect(server.address).is_err(), "nobody listens any more");
}

#[test]
fn a_request_under_way_is_finished() {
    let mut server = denying();
    let mut wire = server.connect();
    let body = r#"{"user":"ann","session":"a"}"#;
    let head = "POST /v1/sessions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    wire.send(format!("{head}expect: 100-continue\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes());
    // That it waits for the body shows that the request is under way.
    assert!(wire.read_head().starts_with("HTTP/1.1 100"));
    server.begin_to_stop();
    wire.send(body.as_bytes());
    assert_eq!(wire.read().status, 201);
    server.ended().unwrap();
    assert_eq!(server.ledger.views().read(|views| views.active("ann")).unwrap(), 1);
}

#[test]
fn what_does_not_end_is_cut_off() {
    let ledger = sledger::Ledger::in_memory(sledger::Config::new("unused")).unwrap();
    let stop_max = Duration::from_millis(200);
    let mut server = Running::over(ledger, Config { stop_max, ..config() });
    let mut stuck = server.connect();
    stuck.send(b"POST /v1/sessions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{");
    assert_eq!(server.ask("GET", "/healthz", None).status, 200);
    let begun = Instant::now();
    server.stop().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_head_that_does_not_come_ends_the_connection() {
    let ledger = sledger::Ledger::in_memory(sledger::Config::new("unused")).unwrap();
    let server = Running::over(ledger, Config { read_max: Duration::from_millis(50), ..config() });
    let mut slow = server.connect();
    slow.send(b"GET /healthz HTTP/1.1\r\nhost:");
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut slow.stream, &mut rest).unwrap();
    let mut body = server.connect();
    body.send(b"POST /v1/sessions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{");
    body.read().problem(408);
}
