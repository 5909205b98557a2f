//! What salvage keeps, what it sets aside, and what it says.

use crate::common::{Place, cut, decision, flip, place, places, read_all, sealed, sealing, small, write};
use sledger_core::Seq;
use sledger_core::log::Log;
use sledger_log::block::MAGIC;
use sledger_log::checkpoint::{Checkpoint, CheckpointKey, Shelf, Stand};
use sledger_log::{Block, LogConfig, OpenError, Salvaged, SledLog, salvage, verify};
use std::fs;

fn flip_block(place: &Place, no: u32, seq: u64) {
    let bytes = fs::read(place.db(no)).unwrap();
    for at in places(&place.db(no), &MAGIC) {
        if bytes[at + 44..at + 52] == seq.to_le_bytes() {
            flip(&place.db(no), at + 200);
        }
    }
}

#[test]
fn whole_ledger_is_left_as_it_is() {
    let place = Place::closed_with(500);
    let report = salvage(&place.dir).unwrap();
    assert_eq!((report.head.seq, report.lost_from, report.rebuilt), (Seq(500), None, None));
    assert!(report.aside.is_empty());
    assert_eq!(place.open().head().seq, Seq(500));
}

#[test]
fn gap_is_told_and_what_is_whole_before_it_is_kept() {
    let place = Place::left_with(3_000);
    let damaged = fs::read(place.db(1)).unwrap().len();
    flip_block(&place, 1, 1_101);
    let report = salvage(&place.dir).unwrap();
    assert_eq!((report.head.seq, report.rebuilt), (Seq(1_100), Some(1)));
    assert_eq!((report.lost_from, report.lost_to), (Some(Seq(1_101)), Some(Seq(3_000))));
    assert_eq!(report.aside, [place.dir.join("volumes/000001.damaged")]);
    assert_eq!(fs::read(report.aside[0].join("db")).unwrap().len(), damaged, "the damaged one is kept");
    let mut log = place.open();
    assert_eq!(log.head().seq, Seq(1_100));
    write(&mut log, 100);
    drop(log);
    assert_eq!(read_all(&place.dir).seq, Seq(1_200));
    assert_eq!(verify(&place.dir).unwrap().problems, []);
}

#[test]
fn volumes_behind_a_gap_are_set_aside() {
    let place = place();
    let mut log = SledLog::open(small(&place.dir)).unwrap();
    for _ in 0..30 {
        write(&mut log, 250);
    }
    let volumes = (1..1_000).take_while(|no| place.volume(*no).exists()).count();
    log.close().unwrap();
    flip_block(&place, 1, 251);
    let report = salvage(&place.dir).unwrap();
    assert_eq!((report.head.seq, report.lost_to), (Seq(250), Some(Seq(7_500))));
    assert_eq!(report.aside.len(), volumes);
    assert_eq!(read_all(&place.dir).seq, Seq(250));
    assert_eq!(place.open().head().seq, Seq(250));
}

#[test]
fn cut_tail_is_salvaged_up_to_the_cut() {
    let place = Place::left_with(1_000);
    let bytes = fs::read(place.db(1)).unwrap();
    let last =
        places(&place.db(1), &MAGIC).into_iter().find(|at| bytes[at + 44..at + 52] == 901_u64.to_le_bytes());
    cut(&place.db(1), last.unwrap() as u64);
    assert!(SledLog::open(crate::common::config(&place.dir)).is_err());
    let report = salvage(&place.dir).unwrap();
    assert_eq!(
        (report.head.seq, report.lost_from, report.lost_to),
        (Seq(900), Some(Seq(901)), Some(Seq(1_000)))
    );
    assert_eq!(place.open().head().seq, Seq(900));
}

#[test]
fn ledger_damaged_from_its_first_block_is_emptied_and_set_aside() {
    let place = Place::left_with(300);
    flip_block(&place, 1, 1);
    let report = salvage(&place.dir).unwrap();
    assert_eq!((report.head.seq, report.lost_from, report.lost_to), (Seq(0), Some(Seq(1)), Some(Seq(300))));
    assert_eq!(place.open().head().seq, Seq(0));
}

#[test]
fn served_ledger_is_not_salvaged() {
    let place = place();
    let _log = place.open();
    assert!(matches!(salvage(&place.dir), Err(OpenError::Locked { .. })));
}

#[test]
fn salvage_cut_short_between_its_renames_is_finished_by_the_next() {
    let place = Place::left_with(1_000);
    flip_block(&place, 1, 501);
    let head = salvage(&place.dir).unwrap().head;
    fs::rename(place.volume(1), place.dir.join("volumes/000001.salvage")).unwrap();
    let report = salvage(&place.dir).unwrap();
    assert_eq!((report.head, head.seq), (head, Seq(500)));
    assert_eq!(place.open().head().seq, Seq(500));
}

/// Every block in a file of blocks is whole and follows; its first and last event, and that each is what was written.
fn island(path: &std::path::Path) -> (u64, u64) {
    let bytes = fs::read(path).unwrap();
    let (mut at, mut seqs) = (0, Vec::new());
    let mut prev = None;
    while at < bytes.len() {
        let length = 112 + 32 + u32::from_le_bytes(bytes[at + 108..at + 112].try_into().unwrap()) as usize;
        let block = Block::parse(bytes[at..at + length].into()).unwrap();
        assert!(prev.is_none_or(|prev| prev == block.header().prev), "chained");
        for (seq, found) in (block.header().first.0..).zip(block.decisions()) {
            assert_eq!(found.unwrap(), *decision(seq));
            seqs.push(seq);
        }
        prev = Some(block.hash());
        at += length;
    }
    (seqs[0], *seqs.last().unwrap())
}

#[test]
fn whole_blocks_behind_gaps_of_an_active_volume_are_kept_beside_and_the_gaps_are_named() {
    let place = Place::left_with(3_000);
    flip_block(&place, 1, 1_101);
    flip_block(&place, 1, 2_001);
    let report = salvage(&place.dir).unwrap();
    let found: Vec<(u64, u64)> = report.islands.iter().map(|found| island(&found.path)).collect();
    assert_eq!(found, [(1_201, 2_000), (2_101, 3_000)]);
    assert_eq!(report.missing, [(Seq(1_101), Seq(1_200)), (Seq(2_001), Seq(2_100))]);
    let names: Vec<String> = fs::read_dir(place.dir.join("recovered"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let told = Salvaged::read(&place.dir, place.open().meta().ledger).unwrap().unwrap();
    assert_eq!((told.lost_from, told.lost_to), (Some(Seq(1_101)), Some(Seq(3_000))));
    assert!(told.detail.contains("2 runs of blocks kept beside, 200 events missing"), "{}", told.detail);
}

#[test]
fn whole_frames_around_damaged_ones_of_sealed_volumes_are_kept_beside() {
    let place = place();
    let config = LogConfig { volume_bytes_max: 6 << 20, ..sealing(&place.dir) };
    let mut log = SledLog::open(config).unwrap();
    while !place.sealed(1).exists() {
        write(&mut log, 4_000);
        sealed(&log);
    }
    log.close().unwrap();
    let last = read_all(&place.dir).seq;
    let whole = fs::read(place.sealed(1)).unwrap();
    let frames = places(&place.sealed(1), b"\xF5SLF");
    assert!(frames.len() >= 5, "{frames:?}");
    // One whose packed bytes are changed, and one whose header cannot be believed.
    let first_of = |at: usize| u64::from_le_bytes(whole[at + 16..at + 24].try_into().unwrap());
    for (changed, at) in [("packed", 200), ("length", 5), ("magic", 1)] {
        let mut bytes = whole.clone();
        bytes[frames[1] + at] ^= 0x40;
        bytes[frames[3] + 300] ^= 0x40;
        fs::write(place.sealed(1), bytes).unwrap();
        let copy = crate::common::place();
        copy_dir(&place.dir, &copy.dir);
        let report = salvage(&copy.dir).unwrap();
        let found: Vec<(u64, u64)> = report.islands.iter().map(|found| island(&found.path)).collect();
        let (gap, next) = (first_of(frames[1]), first_of(frames[2]));
        let (later, after) = (first_of(frames[3]), first_of(frames[4]));
        assert_eq!(found, [(next, later - 1), (after, last.0)], "{changed}");
        assert_eq!(report.missing, [(Seq(gap), Seq(next - 1)), (Seq(later), Seq(after - 1))], "{changed}");
        assert_eq!(read_all(&copy.dir).seq, Seq(gap - 1), "{changed}");
        let mut log = copy.open();
        write(&mut log, 10);
        log.close().unwrap();
        assert_eq!(verify(&copy.dir).unwrap().problems, [], "{changed}");
        assert!(copy.dir.join("volumes/000001.sealed.damaged").exists(), "the original is kept");
    }
}

#[test]
fn end_that_nothing_tells_is_said_not_to_be_known() {
    let place = place();
    let mut log = SledLog::open(sealing(&place.dir)).unwrap();
    write(&mut log, 300);
    log.seal_now().unwrap();
    sealed(&log);
    log.close().unwrap();
    for gone in ["head", "clean"] {
        fs::remove_file(place.dir.join(gone)).unwrap();
    }
    let length = fs::metadata(place.sealed(1)).unwrap().len();
    cut(&place.sealed(1), length - 300);
    let report = salvage(&place.dir).unwrap();
    assert_eq!((report.head.seq, report.open_end, report.lost_from), (Seq(300), Some(1), None));
    assert!(report.told().ends_with("where volume 1 ended is not known"), "{}", report.told());
}

#[test]
fn checkpoints_of_what_is_gone_are_set_aside_and_those_before_stay() {
    let place = Place::left_with(1_000);
    let (meta, head) = {
        let report = verify(&place.dir).unwrap();
        (report.meta, report.head)
    };
    let key = CheckpointKey::from_seed([3; 32]);
    let shelf = Shelf::of(&place.dir);
    for (seq, hash) in [(Seq(100), [1; 32]), (head.seq, head.hash)] {
        let stand =
            Stand { ledger: meta.ledger, partition: 0, seq, head: hash, time: sledger_core::Millis(0) };
        shelf.keep(&Checkpoint::sign(stand, &key)).unwrap();
    }
    flip_block(&place, 1, 501);
    salvage(&place.dir).unwrap();
    assert_eq!(shelf.newest().unwrap().unwrap().stand().seq, Seq(100));
    assert!(place.dir.join("checkpoints/000000001000.checkpoint.damaged").exists());
}

fn copy_dir(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let there = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_dir(&path, &there);
        } else {
            fs::copy(&path, &there).unwrap();
        }
    }
}
