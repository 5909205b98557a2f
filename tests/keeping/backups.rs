//! Backups of ledgers that live, and what becomes of them restored.

use crate::story::{Story, blocks, config, events, live, state};
use sledger::{Ledger, Upto};
use sledger_core::Seq;
use sledger_core::event::Event;
use sledger_log::backup::{Backup, BackupWriter, restore};
use sledger_log::{Reader, verify};
use std::path::{Path, PathBuf};

fn back_up(data: &Path, to: &Path) {
    let reader = Reader::open(data).unwrap();
    let mut writer = BackupWriter::begin(to, reader.meta(), Some(data)).unwrap();
    let from = writer.reads_from(None).unwrap();
    if let Some(begins) = reader.begins().filter(|_| !writer.is_continued()) {
        writer.with_base_of(begins, data).unwrap();
    }
    for block in reader.blocks(from) {
        writer.push(&block.unwrap()).unwrap();
    }
    writer.finish().unwrap();
}

fn restored(story: &Story, from: &Path) -> PathBuf {
    let dir = story.temp.path().join("again");
    let backup = Backup::open(from).unwrap().unwrap();
    restore(&[backup], &dir, (Some(16 * 1024), &mut |_| Ok(()))).unwrap();
    dir
}

fn recovered(dir: &Path) -> Vec<String> {
    let all = events(dir, |event| matches!(event, Event::LedgerRecovered { .. }));
    let detail = |event| match event {
        Event::LedgerRecovered { detail, .. } => detail.to_string(),
        other => panic!("{other:?}"),
    };
    all.into_iter().map(detail).collect()
}

#[test]
fn what_is_restored_has_the_digest_of_the_original_and_its_first_start_says_so() {
    let story = Story::told();
    let to = story.temp.path().join("kept");
    back_up(&story.dir, &to);
    let dir = restored(&story, &to);
    assert_eq!(state(&dir).digest(), state(&story.dir).digest());
    assert_eq!(blocks(&dir), blocks(&story.dir));
    let last = state(&dir).seq();
    for _ in 0..2 {
        let ledger = Ledger::open(config(&dir)).unwrap();
        live(&ledger, 9, 5);
        ledger.close();
    }
    let told = recovered(&dir);
    assert_eq!(told.len(), 1, "{told:?}");
    let first = told.first().unwrap();
    assert!(first.starts_with(&format!("restored from a backup of seq 1 to {last}, of ")), "{first}");
    assert!(recovered(&story.dir).is_empty());
    assert_eq!(verify(&dir).unwrap().problems, []);
}

#[test]
fn a_history_that_begins_later_is_backed_up_with_its_base() {
    let story = Story::told();
    let ledger = story.open();
    ledger.drop_volumes(Upto::Volume(3)).unwrap();
    ledger.close();
    let to = story.temp.path().join("kept");
    back_up(&story.dir, &to);
    let ledger = story.open();
    live(&ledger, 9, 30);
    ledger.close();
    back_up(&story.dir, &to);
    let dir = restored(&story, &to);
    let (original, again) = (Reader::open(&story.dir).unwrap(), Reader::open(&dir).unwrap());
    assert_eq!(again.begins().unwrap().head, original.begins().unwrap().head);
    assert_eq!(state(&dir).digest(), state(&story.dir).digest());
    assert_eq!(verify(&dir).unwrap().problems, []);
    let ledger = Ledger::open(config(&dir)).unwrap();
    assert_eq!(ledger.recovery().unwrap().begins, again.begins().copied());
    ledger.close();
}

#[test]
fn a_backup_taken_before_volumes_were_dropped_goes_on_after_it() {
    let story = Story::told();
    let to = story.temp.path().join("kept");
    back_up(&story.dir, &to);
    let ledger = story.open();
    ledger.drop_volumes(Upto::Volume(3)).unwrap();
    live(&ledger, 9, 30);
    ledger.close();
    back_up(&story.dir, &to);
    let dir = restored(&story, &to);
    assert_eq!(Reader::open(&dir).unwrap().begins(), None, "the backup has the whole history");
    assert_eq!(blocks(&dir).first().unwrap().header().first, Seq(1));
    assert_eq!(state(&dir).digest(), state(&story.dir).digest());
}
