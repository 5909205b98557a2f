//! `GET /v1/blocks`: raw blocks, durable and chained.

use super::support::{PATIENCE, Raw, Running, config, denying};
use sledger::log::Block;
use sledger::{Config as LedgerConfig, Ledger, Upto};
use std::path::Path;

/// Bytes 108 to 111 of a block say how long its body is; 112 stand before the body and 32 behind.
const AROUND: usize = 144;

/// A ledger of several volumes.
fn on_disk(dir: &Path) -> Running {
    in_volumes(dir, 16 << 10)
}

fn in_volumes(dir: &Path, volume_bytes_max: u64) -> Running {
    let ledger = LedgerConfig { reserve_bytes: 0, volume_bytes_max, ..LedgerConfig::new(dir) };
    Running::over(Ledger::open(ledger).unwrap(), config())
}

/// The head of the response, and its body however many bytes of it came.
fn raw(server: &Running, query: &str) -> (Raw, Vec<u8>) {
    let mut wire = server.connect();
    wire.send(format!("GET /v1/blocks{query} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes());
    let head = wire.read_head();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let bytes: Vec<u8> = std::iter::from_fn(|| wire.chunk()).flatten().collect();
    (Raw { status: 200, head, body: String::new() }, bytes)
}

fn blocks(mut bytes: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    while !bytes.is_empty() {
        let length = u32::from_le_bytes(bytes[108..112].try_into().unwrap()) as usize + AROUND;
        blocks.push(Block::parse(bytes[..length].into()).unwrap());
        bytes = &bytes[length..];
    }
    blocks
}

/// Each block follows from the one before; the first and the last event.
fn check_chain(blocks: &[Block]) -> (u64, u64) {
    for pair in blocks.windows(2) {
        assert_eq!(pair[1].header().first, pair[0].header().last().next());
        assert_eq!(pair[1].header().prev, pair[0].hash());
    }
    (blocks[0].header().first.0, blocks[blocks.len() - 1].header().last().0)
}

#[test]
fn all_blocks_come_chained_up_to_the_head_that_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(dir.path());
    for n in 0..300 {
        assert_eq!(server.login(&format!("u{n}"), &format!("s{n}")).status, 201);
    }
    let durable = server.ledger.durable().0;
    let (head, bytes) = raw(&server, "");
    assert_eq!(head.header("content-type"), Some("application/octet-stream"));
    assert_eq!(head.header("sledger-head"), Some(durable.to_string().as_str()));
    let blocks = blocks(&bytes);
    assert_eq!(check_chain(&blocks), (1, durable));
    let ledger = blocks[0].header().ledger.to_string();
    assert_eq!(head.header("sledger-ledger"), Some(ledger.as_str()));
    assert_eq!(raw(&server, "?from=1").1, bytes);
}

#[test]
fn the_first_block_holds_the_event_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(dir.path());
    let seqs: Vec<u64> = (0..40)
        .map(|n| server.login("ann", &format!("s{n}")).json()["seq"].as_u64().unwrap_or_default())
        .filter(|seq| *seq > 0)
        .collect();
    let durable = server.ledger.durable().0;
    for seq in seqs.into_iter().chain([durable]) {
        let blocks = blocks(&raw(&server, &format!("?from={seq}")).1);
        let (first, last) = check_chain(&blocks);
        assert!(first <= seq && seq <= blocks[0].header().last().0, "{first} to {last} from {seq}");
        assert_eq!(last, durable);
    }
    assert_eq!(raw(&server, &format!("?from={}", durable + 1)).1, b"", "nothing follows the head yet");
}

#[test]
fn what_becomes_durable_later_is_not_sent() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(dir.path());
    let writing = std::thread::scope(|scope| {
        let logins = scope.spawn(|| {
            for n in 0..200 {
                server.login(&format!("u{n}"), &format!("s{n}"));
            }
        });
        let mut whole = 0;
        while !logins.is_finished() {
            let (head, bytes) = raw(&server, "");
            let (first, last) = check_chain(&blocks(&bytes));
            assert_eq!((1, head.header("sledger-head")), (first, Some(last.to_string().as_str())));
            whole += 1;
        }
        whole
    });
    assert!(writing > 0);
}

#[test]
fn a_place_that_is_none_is_422_and_a_ledger_in_memory_404() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(dir.path());
    let beyond = server.ledger.durable().0 + 2;
    for query in [format!("?from={beyond}"), "?from=0".to_owned()] {
        let problem = server.ask("GET", &format!("/v1/blocks{query}"), None).problem(422);
        assert_eq!(problem["field"], "from", "{query}");
    }
    assert_eq!(server.ask("GET", "/v1/blocks?from=x", None).problem(422)["field"], "query");
    let problem = denying().ask("GET", "/v1/blocks", None).problem(404);
    assert_eq!(problem["detail"], "the ledger is in memory: it keeps no blocks");
}

#[test]
fn a_reader_that_goes_away_leaves_room_for_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(dir.path());
    for n in 0..300 {
        server.login(&format!("u{n}"), &format!("s{n}"));
    }
    for _ in 0..10 {
        let mut wire = server.connect();
        wire.send(b"GET /v1/blocks HTTP/1.1\r\nhost: localhost\r\n\r\n");
        wire.read_head();
    }
    let begun = std::time::Instant::now();
    assert!(!raw(&server, "").1.is_empty());
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
}

#[test]
fn damage_breaks_the_connection_off_and_never_looks_whole() {
    let dir = tempfile::tempdir().unwrap();
    let server = in_volumes(dir.path(), 64 << 20);
    for n in 0..100 {
        server.login(&format!("u{n}"), &format!("s{n}"));
    }
    let db = dir.path().join("volumes/000001/db");
    let mut bytes = std::fs::read(&db).unwrap();
    // Wherever it stands: the file may hold more than one copy of a block.
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"u50")).collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place] ^= 0xff;
    }
    std::fs::write(&db, bytes).unwrap();
    let mut wire = server.connect();
    wire.send(b"GET /v1/blocks HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let head = wire.read_head();
    if head.starts_with("HTTP/1.1 500 ") {
        return;
    }
    let mut all = Vec::new();
    std::io::Read::read_to_end(&mut wire.stream, &mut all).unwrap();
    assert!(!all.ends_with(b"0\r\n\r\n"), "a whole chunked body ends so");
}

#[test]
fn what_went_is_told_and_the_state_it_left_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(dir.path());
    let mut logins = 0..10_000;
    // Sealing goes on in the background: what is not sealed yet does not go.
    let went = logins.find_map(|n| {
        assert_eq!(server.login(&format!("u{n}"), &format!("s{n}")).status, 201);
        server.ledger.drop_volumes(Upto::Volume(1)).ok()
    });
    let begins = went.unwrap().begins.unwrap();
    let first = begins.head.seq.next();
    let told = server.ask("GET", "/v1/ledger", None).json();
    assert_eq!(told["first"], first.0, "{told}");
    assert_eq!((&told["begins"]["why"], &told["keeping"]["gone"]), (&"dropped".into(), &1.into()));
    assert_eq!(told["volume_list"][0]["volume"], 2, "{told}");
    let (head, bytes) = raw(&server, "");
    assert_eq!(head.header("sledger-first"), Some(first.0.to_string().as_str()));
    assert_eq!(check_chain(&blocks(&bytes)).0, first.0);
    let gone = server.ask("GET", "/v1/blocks?from=2", None);
    assert_eq!(gone.status, 410);
    assert!(gone.body.contains("history begins at seq "), "{}", gone.body);
    let mut wire = server.connect();
    wire.send(b"GET /v1/ledger/base HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert!(wire.read_head().starts_with("HTTP/1.1 200 "));
    let base: Vec<u8> = std::iter::from_fn(|| wire.chunk()).flatten().collect();
    let path = dir.path().join("base").join(format!("{:012}.base", begins.head.seq.0));
    assert_eq!(base, std::fs::read(path).unwrap());
}
