//! What salvage keeps, what it sets aside, and what it says.

use crate::common::{Place, cut, flip, place, places, read_all, small, write};
use sledger_core::Seq;
use sledger_core::log::Log;
use sledger_log::block::MAGIC;
use sledger_log::{OpenError, SledLog, salvage, verify};
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
