//! Volumes moved to an archive, and back.

use crate::story::{Story, blocks, events, live, state, whole};
use sledger::{Ledger, Upto};
use sledger_core::event::Event;
use sledger_log::{Archive, ArchiveError, Gone, Reader, verify};
use std::path::PathBuf;

fn archive(story: &Story) -> PathBuf {
    story.temp.path().join("archive")
}

#[test]
fn what_is_archived_is_read_there_and_joined_again_is_the_whole() {
    let story = Story::told();
    let before = story.copy("before");
    let ledger = story.open();
    let went = ledger.archive_volumes(&archive(&story), Upto::Volume(2)).unwrap();
    assert_eq!(went.volumes, [1, 2]);
    live(&ledger, 9, 40);
    ledger.close();
    let begins = *Reader::open(&story.dir).unwrap().begins().unwrap();
    assert_eq!(begins.why, Gone::Archived);
    // The archive is a past of its own, up to where it ends.
    assert_eq!(verify(&archive(&story)).unwrap().problems, []);
    assert_eq!(state(&archive(&story)).seq(), begins.head.seq);
    assert_eq!(state(&story.dir).digest(), whole(&before, &story.dir).digest());
    // Twice into the same archive.
    let ledger = story.open();
    assert_eq!(ledger.archive_volumes(&archive(&story), Upto::Volume(4)).unwrap().volumes, [3, 4]);
    ledger.close();
    assert_eq!(events(&story.dir, |event| matches!(event, Event::VolumeArchived { .. })).len(), 4);
    // And back.
    Archive::new(&archive(&story)).give_back(&story.dir).unwrap();
    assert_eq!(Reader::open(&story.dir).unwrap().begins(), None);
    assert_eq!(verify(&story.dir).unwrap().problems, []);
    assert_eq!(state(&story.dir).digest(), whole(&before, &story.dir).digest());
    let (again, first) = (blocks(&story.dir), blocks(&before));
    assert_eq!(again.get(..first.len() - 3), first.get(..first.len() - 3));
    story.open().close();
}

#[test]
fn an_archive_is_joined_again_with_cp_and_rm() {
    let story = Story::told();
    let before = story.copy("before");
    let ledger = story.open();
    ledger.archive_volumes(&archive(&story), Upto::Volume(2)).unwrap();
    ledger.close();
    for no in [1, 2] {
        let name = format!("volumes/{no:06}.sealed");
        std::fs::copy(archive(&story).join(&name), story.dir.join(&name)).unwrap();
    }
    std::fs::remove_file(story.dir.join("begin")).unwrap();
    assert_eq!(verify(&story.dir).unwrap().problems, []);
    assert_eq!(state(&story.dir).digest(), whole(&before, &story.dir).digest());
}

#[test]
fn what_was_dropped_before_is_known_to_the_archive() {
    let story = Story::told();
    let before = story.copy("before");
    let ledger = story.open();
    ledger.drop_volumes(Upto::Volume(2)).unwrap();
    ledger.archive_volumes(&archive(&story), Upto::Volume(4)).unwrap();
    ledger.close();
    let begins = *Reader::open(&archive(&story)).unwrap().begins().unwrap();
    assert_eq!((begins.volume, begins.why), (3, Gone::Dropped));
    assert_eq!(verify(&archive(&story)).unwrap().problems, []);
    state(&archive(&story));
    Archive::new(&archive(&story)).give_back(&story.dir).unwrap();
    assert_eq!(Reader::open(&story.dir).unwrap().begins(), Some(&begins));
    assert_eq!(state(&story.dir).digest(), whole(&before, &story.dir).digest());
}

#[test]
fn nobody_writes_after_an_archive() {
    let story = Story::told();
    let ledger = story.open();
    ledger.archive_volumes(&archive(&story), Upto::Volume(2)).unwrap();
    ledger.close();
    let refused = Ledger::open(crate::story::config(&archive(&story))).unwrap_err().to_string();
    assert!(refused.contains("it is read, never served or written to"), "{refused}");
}

#[test]
fn an_archive_lies_neither_in_a_ledger_nor_among_strangers_and_has_no_hole() {
    let story = Story::told();
    let ledger = story.open();
    let within = ledger.archive_volumes(&story.dir.join("old"), Upto::Volume(1)).unwrap_err();
    assert!(within.to_string().contains("lies in a data directory"), "{within}");
    let strange = story.temp.path().join("strange");
    std::fs::create_dir(&strange).unwrap();
    std::fs::write(strange.join("mine"), "").unwrap();
    let refused = ledger.archive_volumes(&strange, Upto::Volume(1)).unwrap_err().to_string();
    assert!(refused.contains("is not empty and is no archive of ledger"), "{refused}");
    ledger.archive_volumes(&archive(&story), Upto::Volume(1)).unwrap();
    ledger.drop_volumes(Upto::Volume(2)).unwrap();
    let hole = ledger.archive_volumes(&archive(&story), Upto::Volume(3)).unwrap_err().to_string();
    assert!(hole.contains("the volumes to come begin with seq"), "{hole}");
    ledger.close();
    let gap = Archive::new(&archive(&story)).give_back(&story.dir).unwrap_err();
    assert!(matches!(gap, ArchiveError::Gap { .. }), "{gap}");
    assert_eq!(verify(&story.dir).unwrap().problems, []);
}

#[test]
fn a_copy_that_lies_in_the_archive_already_counts_only_when_it_is_whole() {
    let story = Story::told();
    let ledger = story.open();
    let path = archive(&story).join("volumes/000001.sealed");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "half").unwrap();
    let refused = ledger.archive_volumes(&archive(&story), Upto::Volume(1)).unwrap_err().to_string();
    assert!(refused.contains("the copy of volume `1`"), "{refused}");
    assert_eq!(Reader::open(&story.dir).unwrap().begins(), None);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(ledger.archive_volumes(&archive(&story), Upto::Volume(1)).unwrap().volumes, [1]);
    ledger.close();
}
