//! The feed: in order, resumed exactly, from memory and from disk.

use super::support::{Running, Wire, config, denying};
use serde_json::{Value, json};
use sledger::core::command::Login;
use sledger::{Actor, Command, Config as LedgerConfig, Ledger, Request};
use std::path::Path;

/// Begins to follow.
fn follow(server: &Running, query: &str, last: Option<u64>) -> Wire {
    let mut wire = server.connect();
    let last = last.map(|last| format!("last-event-id: {last}\r\n")).unwrap_or_default();
    wire.send(format!("GET /v1/events?{query} HTTP/1.1\r\nhost: localhost\r\n{last}\r\n").as_bytes());
    let head = wire.read_head();
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("content-type: text/event-stream"), "{head}");
    wire
}

/// The text of a feed up to `count` events with ids, or its end.
fn text(wire: &mut Wire, count: usize) -> String {
    let mut text = String::new();
    let mut seen = 0;
    while seen < count || !text.ends_with("\n\n") {
        let Some(chunk) = wire.chunk() else { break };
        let chunk = String::from_utf8(chunk).unwrap();
        // Chunks hold whole events.
        seen += chunk.split("\n\n").filter(|event| event.starts_with("id: ")).count();
        text.push_str(&chunk);
    }
    text
}

fn parsed(text: &str) -> Vec<Value> {
    let events = text.split("\n\n").filter(|event| event.contains("id: "));
    events
        .map(|event| {
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
            let data: Value = serde_json::from_str(field("data:")).unwrap();
            assert_eq!(field("id:"), data["seq"].to_string());
            assert_eq!(field("event:"), data["type"].as_str().unwrap());
            data
        })
        .collect()
}

/// Follows until `count` events have come.
pub(crate) fn read_events(server: &Running, query: &str, last: Option<u64>, count: usize) -> Vec<Value> {
    let mut events = parsed(&text(&mut follow(server, query, last), count));
    events.truncate(count);
    events
}

fn seqs(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

fn on_disk(dir: &Path, config_of: impl FnOnce(&mut LedgerConfig)) -> Ledger {
    let mut config = LedgerConfig { reserve_bytes: 0, ..LedgerConfig::new(dir) };
    config_of(&mut config);
    Ledger::open(config).unwrap()
}

#[test]
fn events_come_as_they_happen() {
    let server = denying();
    let mut wire = follow(&server, "", None);
    assert_eq!(text(&mut wire, 0), "retry: 1000\n\n");
    let seq = server.login("ann", "a").json()["seq"].as_u64().unwrap();
    let events = parsed(&text(&mut wire, 1));
    assert_eq!(seqs(&events), [seq]);
    assert_eq!((&events[0]["type"], &events[0]["session"]), (&json!("login.admitted"), &json!("a")));
    assert_eq!((&events[0]["user"], &events[0]["number"]), (&json!("ann"), &json!(seq)));
}

#[test]
fn a_reader_that_comes_back_misses_nothing_and_gets_nothing_twice() {
    let server = denying();
    let first = server.login("ann", "a").json()["seq"].as_u64().unwrap();
    for n in 0..9 {
        server.login(&format!("u{n}"), &format!("s{n}"));
    }
    for cut in 0..9 {
        let events = read_events(&server, "", Some(first + cut), 9 - usize::try_from(cut).unwrap());
        assert_eq!(seqs(&events), (first + cut + 1..=first + 9).collect::<Vec<_>>());
    }
    let events = read_events(&server, &format!("from={first}"), None, 10);
    assert_eq!(seqs(&events), (first..first + 10).collect::<Vec<_>>());
}

#[test]
fn events_are_filtered_by_user_session_and_type() {
    let server = denying();
    let first = server.login("ann", "a").json()["seq"].as_u64().unwrap();
    server.login("bob", "b");
    server.ask("DELETE", "/v1/sessions/a", None);
    server.login("ann", "c");
    let kinds = |query: &str, count| -> Vec<String> {
        let events = read_events(&server, &format!("from={first}&{query}"), None, count);
        events
            .iter()
            .map(|event| format!("{} {}", event["type"], event["session"]).replace('"', ""))
            .collect()
    };
    assert_eq!(kinds("user=ann", 3), ["login.admitted a", "session.ended a", "login.admitted c"]);
    assert_eq!(kinds("session=a", 2), ["login.admitted a", "session.ended a"]);
    assert_eq!(kinds(&format!("session=a@{first}&type=session.*"), 1), ["session.ended a"]);
    assert_eq!(kinds("type=session.*,login.denied", 1), ["session.ended a"]);
}

#[test]
fn a_position_that_is_none_is_422() {
    let server = denying();
    let head = server.login("ann", "a").json()["seq"].as_u64().unwrap();
    let ask = |last: &str| {
        let mut wire = server.connect();
        wire.send(
            format!("GET /v1/events HTTP/1.1\r\nhost: localhost\r\nlast-event-id: {last}\r\n\r\n").as_bytes(),
        );
        wire.read()
    };
    assert_eq!(ask("x").problem(422)["field"], "Last-Event-ID");
    let beyond = ask(&(head + 1).to_string()).problem(422);
    assert_eq!(beyond["reason"], format!("lies beyond the last event, which is seq {head}"));
    let query = format!("/v1/events?from={}", head + 2);
    assert_eq!(server.ask("GET", &query, None).problem(422)["field"], "from");
}

#[test]
fn history_is_read_from_disk_and_joins_the_feed_without_gap() {
    let dir = tempfile::tempdir().unwrap();
    {
        let server = Running::over(on_disk(dir.path(), |_| {}), config());
        for n in 0..300 {
            server.login(&format!("u{}", n % 50), &format!("s{n}"));
        }
    }
    let server = Running::over(on_disk(dir.path(), |_| {}), config());
    let mut wire = follow(&server, "", Some(0));
    let head = server.ledger.durable().0;
    let old = parsed(&text(&mut wire, usize::try_from(head).unwrap()));
    assert_eq!(seqs(&old), (1..=head).collect::<Vec<_>>());
    assert_eq!(old.iter().filter(|event| event["type"] == "login.admitted").count(), 300);
    assert!(old.iter().any(|event| event["type"] == "session.evicted" && event["user"] == "u7"));
    for n in 0..20 {
        server.login("late", &format!("late{n}"));
    }
    let mut new = parsed(&text(&mut wire, 20));
    while new.len() < usize::try_from(server.ledger.durable().0 - head).unwrap() {
        new.extend(parsed(&text(&mut wire, 1)));
    }
    assert_eq!(seqs(&new), (head + 1..=server.ledger.durable().0).collect::<Vec<_>>());
}

#[test]
fn disk_and_memory_tell_the_same_events_alike() {
    let dir = tempfile::tempdir().unwrap();
    let live = {
        let server = Running::over(on_disk(dir.path(), |_| {}), config());
        let mut wire = follow(&server, "", None);
        let before = server.ledger.durable().0;
        for n in 0..7 {
            server.login("ann", &format!("s{n}"));
        }
        server.ask("DELETE", "/v1/users/ann/sessions?keep=s6", None);
        let count = usize::try_from(server.ledger.durable().0 - before).unwrap();
        let mut events = Vec::new();
        while events.len() < count {
            events.extend(parsed(&text(&mut wire, 1)));
        }
        events
    };
    let server = Running::over(on_disk(dir.path(), |_| {}), config());
    let first = live[0]["seq"].as_u64().unwrap();
    let told = read_events(&server, &format!("from={first}"), None, live.len());
    assert_eq!(told, live);
}

#[test]
fn a_ledger_in_memory_says_what_it_did_not_keep() {
    let server = denying();
    let mut wire = follow(&server, "", Some(0));
    let text = text(&mut wire, 1);
    let head = server.ledger.durable().0;
    assert!(text.ends_with(&format!("event: lost\ndata: {{\"from\":1,\"to\":{head}}}\n\n")), "{text}");
}

#[test]
fn more_readers_than_may_are_refused() {
    let ledger = LedgerConfig { feed_readers_max: 1, ..LedgerConfig::new("unused") };
    let server = Running::over(Ledger::in_memory(ledger).unwrap(), config());
    let _one = follow(&server, "", None);
    let refused = server.ask("GET", "/v1/events", None);
    assert_eq!(refused.problem(503)["detail"], "1 readers follow the feed already");
}

#[test]
fn a_feed_with_nothing_to_say_gives_signs_of_life() {
    let ledger = Ledger::in_memory(LedgerConfig::new("unused")).unwrap();
    let keep_alive = std::time::Duration::from_millis(20);
    let server = Running::over(ledger, sledger_server::Config { keep_alive, ..config() });
    let mut wire = follow(&server, "", None);
    let mut seen = String::new();
    while !seen.contains(": still here\n\n") {
        seen.push_str(std::str::from_utf8(&wire.chunk().unwrap()).unwrap());
    }
}

/// More events than the ring holds: one login each.
fn fill_the_ring(ledger: &Ledger, prefix: &str, count: u32) {
    let mut caller = ledger.caller(1_024);
    let mut sent = 0;
    let mut answered = 0;
    while answered < count {
        while sent < count && caller.in_flight() < 1_024 {
            let (user, session) = (Some(format!("{prefix}u{sent}")), Some(format!("{prefix}s{sent}")));
            let login = Box::new(Login { user, session, ..Login::default() });
            caller.submit(Request::new(Actor::Local, Command::Login(login))).unwrap();
            sent += 1;
        }
        let (_, completion) = caller.next_within(super::support::PATIENCE).unwrap();
        completion.unwrap();
        answered += 1;
    }
}

#[test]
fn a_reader_that_falls_behind_is_told_what_it_lost_and_is_done() {
    let server = denying();
    let mut wire = follow(&server, "", None);
    fill_the_ring(&server.ledger, "", 100_000);
    let text = text(&mut wire, usize::MAX);
    let (told, lost) = text.split_once("event: lost\ndata: ").unwrap();
    let seqs = seqs(&parsed(told));
    assert!(seqs.windows(2).all(|pair| pair[0] + 1 == pair[1]), "no gap before the loss");
    let lost: Value = serde_json::from_str(lost.trim()).unwrap();
    assert_eq!(lost["from"].as_u64(), seqs.last().map(|last| last + 1));
    assert!(lost["to"].as_u64() > lost["from"].as_u64());
    assert_eq!(server.ledger.views().readers(), 0);
}

#[test]
fn a_reader_far_behind_is_served_from_disk_while_others_write() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::over(on_disk(dir.path(), |config| config.volume_bytes_max = 8 << 20), config());
    fill_the_ring(&server.ledger, "a", 70_000);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| fill_the_ring(&server.ledger, "b", 20_000));
        let mut wire = follow(&server, "type=login.*", Some(0));
        let mut admitted = 0;
        let mut last = 0;
        let mut rest = String::new();
        while admitted < 90_000 {
            rest.push_str(std::str::from_utf8(&wire.chunk().unwrap()).unwrap());
            let whole = rest.rfind("\n\n").map_or(0, |end| end + 2);
            for event in parsed(&rest[..whole]) {
                let seq = event["seq"].as_u64().unwrap();
                assert!(seq == last + 1 || last == 0, "{seq} after {last}");
                last = seq;
                admitted += 1;
            }
            rest.drain(..whole);
        }
        writer.join().unwrap();
        assert_eq!(last, server.ledger.durable().0);
    });
}
