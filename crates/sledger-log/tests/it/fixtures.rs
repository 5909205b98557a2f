//! What earlier programs wrote is read, and taken up, for ever.

use crate::common::{Place, place, read_all, sealed, sealing, write};
use sledger_core::Seq;
use sledger_core::log::Log;
use sledger_log::{LedgerId, Reader, SledLog, verify};
use std::fs;
use std::path::Path;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// Copies a folder; files that end in `.zst` are unpacked, and each folder of sled gets its `blobs`.
fn unpack(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            unpack(&path, &to.join(name));
        } else if let Some(name) = name.strip_suffix(".zst") {
            let bytes = zstd::bulk::decompress(&fs::read(&path).unwrap(), 16 * 1024 * 1024).unwrap();
            fs::write(to.join(name), bytes).unwrap();
            fs::create_dir(to.join("blobs")).unwrap();
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn unpacked(name: &str) -> Place {
    let place = place();
    unpack(&Path::new(FIXTURES).join(name), &place.dir);
    place
}

/// 800 events in three volumes that have ended and one that is too large to be taken up, all sled folders, closed
/// in good order.
#[test]
fn directory_of_format_1_is_read_taken_up_and_sealed() {
    let place = unpacked("directory-1");
    let head = read_all(&place.dir);
    assert_eq!(head.seq, Seq(800));
    assert_eq!(verify(&place.dir).unwrap().problems, []);
    let mut log = SledLog::open(sealing(&place.dir)).unwrap();
    assert!(log.was_clean());
    assert_eq!(log.meta().ledger, LedgerId([0xA7; 16]));
    assert_eq!(sealed(&log).sealed, 4);
    assert_eq!((log.head().seq, log.head().hash), (head.seq, head.hash));
    write(&mut log, 100);
    log.close().unwrap();
    assert!((1..=4).all(|no| place.sealed(no).exists() && !place.volume(no).exists()));
    assert_eq!(read_all(&place.dir).seq, Seq(900));
    assert_eq!(verify(&place.dir).unwrap().problems, []);
}

#[test]
fn sealed_volume_of_format_1_is_read() {
    let place = unpacked("sealed-1");
    let reader = Reader::open(&place.dir).unwrap();
    let info = reader.volumes().next().unwrap().sealed.unwrap();
    assert_eq!((info.blocks, info.decisions, info.events, info.raw_bytes), SEALED_1);
    let mut seq = 0;
    for block in reader.blocks(Seq(1)) {
        for decision in block.unwrap().decisions() {
            seq += 1;
            assert_eq!(decision.unwrap(), *crate::common::decision(seq));
        }
    }
    assert_eq!(seq, info.events);
    assert_eq!(verify(&place.dir).unwrap().problems, []);
    assert!(reader.may_mention(1, &[sledger_log::Mention::Session(Seq(7))]).unwrap());
    assert!(!reader.may_mention(1, &[sledger_log::Mention::Session(Seq(7_000))]).unwrap());
}

/// As that of format 1, with a filter for each frame.
#[test]
fn sealed_volume_of_format_2_is_read() {
    let place = unpacked("sealed-2");
    let reader = Reader::open(&place.dir).unwrap();
    let info = reader.volumes().next().unwrap().sealed.unwrap();
    assert_eq!((info.blocks, info.decisions, info.events, info.raw_bytes), SEALED_1);
    assert_eq!(read_all(&place.dir).seq, Seq(200));
    assert_eq!(verify(&place.dir).unwrap().problems, []);
    let frames = |session| {
        let mut sift = reader.sift();
        while sift.step(Some(&[sledger_log::Mention::Session(Seq(session))])).unwrap().is_some() {}
        (sift.sifted().frames_read, sift.sifted().frames_left)
    };
    assert_eq!((frames(7), frames(7_000)), ((1, 0), (0, 1)));
}

/// Blocks, decisions, events and unpacked bytes of the fixture.
const SEALED_1: (u64, u64, u64, u64) = (2, 200, 200, 24_988);
