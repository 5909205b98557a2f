//! A log in good days: append, read, rotate, close, open.

use crate::common::{EPOCH, Place, decisions};
use crate::common::{append_after, config, place, read_all, small, write};
use sledger_core::Seq;
use sledger_core::log::{Appended, Batch, Head, Log};
use sledger_log::{LedgerId, LogConfig, Reader, SledLog, verify};

#[test]
fn what_was_appended_is_read_back_in_order() {
    let place = place();
    let mut log = place.open();
    assert!(log.was_clean());
    for count in [1, 10, 1_000, 5_000] {
        write(&mut log, count);
    }
    assert_eq!(read_all(&place.dir), log.head());
    assert_eq!(log.replay(Seq(1)).unwrap().count() as u64, verify(&place.dir).unwrap().blocks);
}

#[test]
fn clean_close_is_taken_up_again_in_the_same_volume() {
    let place = Place::closed_with(300);
    assert!(place.dir.join("clean").exists());
    let mut log = place.open();
    assert!(log.was_clean());
    assert!(!place.dir.join("clean").exists(), "the mark is gone before the first block");
    assert_eq!((log.head().seq, log.epoch()), (Seq(300), EPOCH));
    write(&mut log, 300);
    log.close().unwrap();
    assert_eq!(read_all(&place.dir).seq, Seq(600));
    assert!(!place.volume(2).exists());
}

#[test]
fn same_batch_after_the_same_head_is_appended_once() {
    let place = place();
    let mut log = place.open();
    let before = write(&mut log, 10);
    let head = write(&mut log, 3_000);
    assert_eq!(append_after(&mut log, &before, 3_000), Appended::Committed(head));
    assert_eq!(append_after(&mut log, &before, 2_999), Appended::Conflict(head));
    assert_eq!(append_after(&mut log, &Head::default(), 10), Appended::Conflict(head));
    log.close().unwrap();
    let mut log = place.open();
    assert_eq!(append_after(&mut log, &before, 3_000), Appended::Committed(head), "also after opening again");
    assert_eq!(read_all(&place.dir).seq, Seq(3_010));
}

#[test]
fn older_epoch_is_a_conflict() {
    let place = place();
    let mut log = place.open();
    let head = write(&mut log, 1);
    let batch = Batch { first: Seq(2), epoch: EPOCH - 1, decisions: &decisions(Seq(1), 1) };
    assert_eq!(log.append(batch, &head), Appended::Conflict(head));
}

#[test]
fn rotation_keeps_order_and_full_volumes_are_read_without_sled() {
    let place = place();
    let mut log = SledLog::open(small(&place.dir)).unwrap();
    for _ in 0..40 {
        write(&mut log, 250);
    }
    assert!(place.volume(5).exists());
    let head = read_all(&place.dir);
    assert_eq!(head, log.head());
    log.close().unwrap();
    let report = verify(&place.dir).unwrap();
    assert_eq!((report.problems.as_slice(), report.events, report.head), ([].as_slice(), 10_000, head));
    let mut log = SledLog::open(small(&place.dir)).unwrap();
    assert_eq!((log.head().seq, log.head().hash), (head.seq, head.hash));
    write(&mut log, 250);
    assert_eq!(read_all(&place.dir).seq, Seq(10_250));
}

#[test]
fn volume_ends_also_by_number_of_blocks() {
    let place = place();
    let mut log = SledLog::open(LogConfig { volume_blocks_max: 10, ..config(&place.dir) }).unwrap();
    for _ in 0..25 {
        write(&mut log, 1);
    }
    assert!(place.volume(3).exists() && !place.volume(4).exists());
    assert_eq!(read_all(&place.dir).seq, Seq(25));
}

#[test]
fn reading_begins_with_the_block_that_holds_the_seq_asked_for() {
    let place = place();
    let mut log = SledLog::open(small(&place.dir)).unwrap();
    for _ in 0..30 {
        write(&mut log, 250);
    }
    for from in [1, 2, 250, 251, 3_333, 7_500, 7_501] {
        let first = log.replay(Seq(from)).unwrap().next().map(|block| *block.unwrap().header());
        match first {
            Some(header) => assert!(header.first.0 <= from && from <= header.last().0, "{from}: {header:?}"),
            None => assert_eq!(from, 7_501),
        }
    }
}

#[test]
fn one_append_of_many_mebibytes_is_whole() {
    let place = place();
    let mut log = place.open();
    write(&mut log, 60_000);
    assert_eq!(read_all(&place.dir).seq, Seq(60_000));
    log.close().unwrap();
    assert_eq!(place.open().head().seq, Seq(60_000));
}

#[test]
fn new_ledger_says_what_it_is_and_keeps_its_id() {
    let place = place();
    let id = LedgerId([5; 16]);
    let config = LogConfig { ledger: Some(id), partition: 4, seal_personal: true, ..config(&place.dir) };
    let mut log = SledLog::open(config).unwrap();
    write(&mut log, 1);
    log.close().unwrap();
    let meta = Reader::open(&place.dir).unwrap().meta().clone();
    assert_eq!((meta.ledger, meta.partition, meta.seal_personal), (id, 4, true));
    let block = Reader::open(&place.dir).unwrap().blocks(Seq(1)).next().unwrap().unwrap();
    assert_eq!((block.header().ledger, block.header().partition), (id, 4));
}

#[test]
fn two_ledgers_have_different_ids() {
    let (one, other) = (place(), place());
    assert_ne!(one.open().meta().ledger, other.open().meta().ledger);
}

#[test]
fn reader_works_beside_the_writer_and_writes_nothing() {
    let place = place();
    let mut log = place.open();
    let head = write(&mut log, 2_000);
    let before = crate::common::everything(&place.dir);
    let reader = Reader::open(&place.dir).unwrap();
    assert_eq!(reader.acknowledged(), Some(head));
    assert_eq!(reader.blocks(Seq(1)).map(|block| block.unwrap().header().events).sum::<u32>(), 2_000);
    verify(&place.dir).unwrap();
    assert!(crate::common::everything(&place.dir) == before);
}

#[test]
fn nothing_is_taken_after_close() {
    let place = place();
    let mut log = place.open();
    write(&mut log, 1);
    log.close().unwrap();
    assert!(matches!(crate::common::append(&mut log, 1), Appended::Failed(_)));
    assert!(log.close().is_err());
}

#[test]
fn free_bytes_are_told() {
    let place = place();
    assert!(place.open().free_bytes().unwrap() > 0);
}

#[test]
fn readers_beside_a_busy_writer_see_a_whole_chain_every_time() {
    let place = place();
    let mut log = SledLog::open(LogConfig { volume_bytes_max: 512 * 1024, ..config(&place.dir) }).unwrap();
    write(&mut log, 1);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut last = Seq(0);
            while last < Seq(20_001) {
                let head = read_all(&place.dir);
                assert!(head.seq >= last);
                last = head.seq;
            }
        });
        for _ in 0..200 {
            write(&mut log, 100);
        }
        reading.join().unwrap();
    });
}
