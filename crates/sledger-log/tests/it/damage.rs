//! Changed bytes and cut tails: named by place, never opened over.

use crate::common::{Place, config, cut, everything, flip, place, places, read_all, small, write};
use sledger_core::Seq;
use sledger_core::log::Log;
use sledger_log::block::MAGIC;
use sledger_log::{DamageKind, OpenError, ReadError, Reader, SledLog, verify};
use std::fs;

/// Opening is refused and leaves every file as it was.
fn refused(place: &Place) -> OpenError {
    let before = everything(&place.dir);
    let error = SledLog::open(config(&place.dir)).unwrap_err();
    assert!(everything(&place.dir) == before, "something was written: {error}");
    error
}

/// Where the copies of the block that begins with `seq` stand.
fn copies(place: &Place, no: u32, seq: u64) -> Vec<usize> {
    let bytes = fs::read(place.db(no)).unwrap();
    let is_first = |at: &usize| bytes[at + 44..at + 52] == seq.to_le_bytes();
    places(&place.db(no), &MAGIC).into_iter().filter(is_first).collect()
}

#[test]
fn sled_keeps_more_than_one_copy_and_one_whole_copy_is_enough() {
    let place = Place::left_with(3_000);
    let copies = copies(&place, 1, 101);
    assert!(copies.len() > 1, "{copies:?}");
    flip(&place.db(1), copies[0] + 200);
    assert_eq!(place.open().head().seq, Seq(3_000));
    assert_eq!(read_all(&place.dir).seq, Seq(3_000));
}

#[test]
fn changed_block_is_refused_by_seq_and_never_opened_over() {
    let place = Place::left_with(3_000);
    for copy in copies(&place, 1, 1_101) {
        flip(&place.db(1), copy + 200);
    }
    let error = refused(&place);
    let OpenError::Damaged { volume: 1, seq: Seq(1_101), kind: DamageKind::Lost { to: Seq(1_200) }, .. } =
        error
    else {
        panic!("{error}")
    };
    let error = Reader::open(&place.dir).unwrap().blocks(Seq(1)).find_map(Result::err).unwrap();
    assert_eq!(error.to_string(), "volume `1` is damaged at seq `1101`: events `1101` to `1200` are lost");
    let report = verify(&place.dir).unwrap();
    assert_eq!(report.events, 2_900, "verify goes on behind the gap");
    let [problem] = report.problems.as_slice() else { panic!("{:?}", report.problems) };
    assert_eq!((problem.seq, problem.kind), (Seq(1_101), DamageKind::Lost { to: Seq(1_200) }));
}

#[test]
fn changed_last_block_is_refused_though_nothing_stands_behind_it() {
    let place = Place::left_with(1_000);
    for copy in copies(&place, 1, 901) {
        flip(&place.db(1), copy + 300);
    }
    let error = refused(&place);
    assert!(matches!(
        error,
        OpenError::Damaged { seq: Seq(901), kind: DamageKind::Lost { to: Seq(1_000) }, .. }
    ));
}

#[test]
fn any_changed_byte_is_refused_after_a_clean_close() {
    let place = Place::closed_with(500);
    let whole = fs::read(place.db(1)).unwrap();
    let seed = 0x9E37_79B9_u64;
    for round in 0..40_u64 {
        let at = usize::try_from(round.wrapping_mul(seed) % whole.len() as u64).unwrap();
        flip(&place.db(1), at);
        let error = refused(&place);
        assert!(matches!(error, OpenError::Damaged { volume: 1, .. }), "seed {seed} byte {at}: {error}");
        fs::write(place.db(1), &whole).unwrap();
    }
    assert_eq!(place.open().head().seq, Seq(500));
}

#[test]
fn cut_tail_is_refused_by_name() {
    for is_clean in [true, false] {
        let place = if is_clean { Place::closed_with(1_000) } else { Place::left_with(1_000) };
        let last = copies(&place, 1, if is_clean { 1 } else { 901 });
        cut(&place.db(1), last[0] as u64 + 500);
        let error = refused(&place);
        assert!(matches!(error, OpenError::Damaged { volume: 1, .. }), "{error}");
        assert!(matches!(
            Reader::open(&place.dir).unwrap().blocks(Seq(1)).find_map(Result::err),
            Some(ReadError::Damaged { kind: DamageKind::Lost { .. }, .. })
        ));
    }
}

#[test]
fn missing_db_is_a_loss() {
    let place = Place::left_with(300);
    fs::remove_file(place.db(1)).unwrap();
    let error = refused(&place);
    assert!(matches!(error, OpenError::Damaged { kind: DamageKind::Lost { to: Seq(300) }, seq: Seq(1), .. }));
}

#[test]
fn damage_in_an_ended_volume_is_found_by_reading() {
    let place = place();
    let mut log = SledLog::open(small(&place.dir)).unwrap();
    for _ in 0..30 {
        write(&mut log, 250);
    }
    log.close().unwrap();
    for copy in copies(&place, 2, first_of(&place, 2) + 250) {
        flip(&place.db(2), copy + 300);
    }
    let error = Reader::open(&place.dir).unwrap().blocks(Seq(1)).find_map(Result::err).unwrap();
    assert!(matches!(error, ReadError::Damaged { volume: 2, kind: DamageKind::Lost { .. }, .. }), "{error}");
    assert_eq!(verify(&place.dir).unwrap().problems.len(), 1);
}

fn first_of(place: &Place, no: u32) -> u64 {
    let text = fs::read_to_string(place.volume(no).join("end")).unwrap();
    let line = text.lines().find(|line| line.starts_with("first")).unwrap();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
}

#[test]
fn changed_end_mark_is_refused() {
    let place = Place::left_with(300);
    drop(place.open());
    let path = place.volume(1).join("end");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("last = \"300\"", "last = \"200\"")).unwrap();
    let error = refused(&place);
    assert!(matches!(error, OpenError::Damaged { kind: DamageKind::EndMark, volume: 1, .. }));
    assert_eq!(verify(&place.dir).unwrap().problems[0].kind, DamageKind::EndMark);
}

#[test]
fn blocks_of_an_append_that_was_never_acknowledged_are_no_loss() {
    let place = place();
    let mut log = place.open();
    write(&mut log, 100);
    let head = fs::read(place.dir.join("head")).unwrap();
    write(&mut log, 3_000);
    drop(log);
    fs::write(place.dir.join("head"), head).unwrap();
    for copy in copies(&place, 1, 101) {
        flip(&place.db(1), copy + 300);
    }
    let log = place.open();
    assert_eq!(log.head().seq, Seq(100), "the rest of the torn group is dropped");
}
