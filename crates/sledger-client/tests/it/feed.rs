//! The feed over connections that break: every event once, in order.

use crate::proxy::{Fate, Proxy};
use crate::served::{Served, client};
use sledger_client::{Client, ClientError};
use sledger_core::command::Login;
use sledger_testkit::recordings::Rng;
use sledger_wire::events::EventLine;
use sledger_wire::queries::EventsQuery;

fn enter(client: &Client, n: u32) {
    let login =
        Login { user: Some(format!("user-{}", n % 7)), session: Some(format!("s{n}")), ..Login::default() };
    client.login(&login, None).unwrap();
}

/// Reads the feed from `from` to `head`; the seqs as they came.
fn read(proxy: &Proxy, filter: &EventsQuery, (from, head): (u64, u64)) -> Vec<u64> {
    let mut seqs = Vec::new();
    for event in client(proxy.address).events(Some(from), filter).unwrap() {
        seqs.push(event.unwrap().seq);
        if seqs.last() == Some(&head) {
            return seqs;
        }
    }
    seqs
}

/// Connections that are cut within the head, within an event or between two, every other one late enough to give
/// at least one event.
fn cuts(seed: u64) -> impl Iterator<Item = Fate> {
    let mut rng = Rng::new(seed);
    (0..60).map(move |n| Fate::Cut(if n % 2 == 0 { rng.below(700) } else { 1500 + rng.below(3000) }))
}

#[test]
fn every_event_comes_once_however_the_connection_breaks() {
    let served = Served::in_memory();
    let direct = client(served.address);
    // What was recorded while it was opened is not in its memory.
    let from = direct.ledger().unwrap().head + 1;
    (0..150).for_each(|n| enter(&direct, n));
    let head = direct.ledger().unwrap().head;
    for seed in [3, 4, 5] {
        let proxy = Proxy::new(served.address, cuts(seed), Fate::Pass);
        let seqs = read(&proxy, &EventsQuery::default(), (from, head));
        assert_eq!(seqs, (from..=head).collect::<Vec<_>>(), "seed {seed}");
        assert!(proxy.connections() > 20, "seed {seed}: it was cut often: {}", proxy.connections());
    }
}

#[test]
fn a_filtered_feed_from_disk_leaves_nothing_out_and_repeats_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::on_disk(dir.path());
    (0..120).for_each(|n| enter(&client(served.address), n));
    drop(served);
    // Whatever was recorded before it was opened is read from disk.
    let served = Served::on_disk(dir.path());
    let direct = client(served.address);
    (120..150).for_each(|n| enter(&direct, n));
    let filter = EventsQuery { kind: Some("login.*".to_owned()), ..EventsQuery::default() };
    let head = direct.ledger().unwrap().head;
    let whole = read(&Proxy::new(served.address, [], Fate::Pass), &filter, (1, head));
    assert_eq!(whole.len(), 150);
    for seed in [6, 7] {
        let proxy = Proxy::new(served.address, cuts(seed), Fate::Pass);
        assert_eq!(read(&proxy, &filter, (1, head)), whole, "seed {seed}");
    }
}

fn lost(from: u64, to: u64) -> Fate {
    Fate::Say(format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\nretry: 1000\n\nevent: lost\n\
         data: {{\"from\":{from},\"to\":{to}}}\n\n"
    ))
}

#[test]
fn a_reader_that_was_too_slow_gets_what_it_lost_from_disk() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::on_disk(dir.path());
    (0..20).for_each(|n| enter(&client(served.address), n));
    drop(served);
    let served = Served::on_disk(dir.path());
    let head = client(served.address).ledger().unwrap().head;
    // Lost before the first event, and again once some were given out.
    let proxy = Proxy::new(served.address, [lost(1, 9), Fate::Cut(2000)], Fate::Pass);
    let seqs = read(&proxy, &EventsQuery::default(), (1, head));
    assert_eq!(seqs, (1..=head).collect::<Vec<_>>());
    assert_eq!(proxy.connections(), 3);
}

#[test]
fn what_is_lost_for_good_is_told_and_ends_the_feed() {
    let served = Served::in_memory();
    let proxy = Proxy::new(served.address, [], lost(1, 9));
    let mut events = client(proxy.address).events(Some(1), &EventsQuery::default()).unwrap();
    assert!(matches!(events.next(), Some(Err(ClientError::Lost { from: 1, to: 9 }))));
    assert!(events.next().is_none());
    assert_eq!(proxy.connections(), 2, "it asked anew before it said so");
}

#[test]
fn an_event_that_is_sent_twice_is_given_out_once() {
    let event = |seq: u64| {
        let event = EventLine { seq, kind: "note.added".to_owned(), ..EventLine::default() };
        format!("id: {seq}\nevent: note.added\ndata: {}\n\n", serde_json::to_string(&event).unwrap())
    };
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let feed = [3, 3, 4, 3, 5].map(event).concat();
    let served = Served::in_memory();
    let proxy = Proxy::new(served.address, [Fate::Say(format!("{head}{feed}"))], lost(6, 9));
    let events = client(proxy.address).events(Some(3), &EventsQuery::default()).unwrap();
    let seqs: Vec<u64> = events.map_while(Result::ok).map(|event| event.seq).collect();
    assert_eq!(seqs, [3, 4, 5]);
}
