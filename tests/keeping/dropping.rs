//! Volumes dropped by age.

use crate::story::{Story, config, events, keep, live, state, whole};
use sledger::{KeepingError, Ledger, Outcome, Upto};
use sledger_core::command::Keep;
use sledger_core::event::Event;
use sledger_core::{Millis, Span};
use sledger_log::checkpoint::CheckpointKey;
use sledger_log::{DamageKind, Gone, Reader, verify};
use std::time::Duration;

fn hold() -> Keep {
    Keep::Hold { name: "case-7".to_owned(), reason: "the police asked".to_owned() }
}

#[test]
fn what_stays_folds_to_the_state_of_the_whole_history_and_goes_on() {
    let story = Story::told();
    let before = story.copy("before");
    let ledger = story.open();
    let went = ledger.drop_volumes(Upto::Volume(3)).unwrap();
    assert_eq!(went.volumes, [1, 2, 3]);
    live(&ledger, 9, 60);
    ledger.close();
    let reader = Reader::open(&story.dir).unwrap();
    let begins = *reader.begins().unwrap();
    assert_eq!(Some(begins), went.begins);
    assert_eq!((begins.volume, begins.why), (4, Gone::Dropped));
    assert_eq!(reader.volumes().next().unwrap().no, 4);
    assert!(begins.to_string().starts_with("history begins at seq "), "{begins}");
    assert_eq!(verify(&story.dir).unwrap().problems, []);
    assert_eq!(state(&story.dir).digest(), whole(&before, &story.dir).digest());
    // It opens from the base alone, and from a snapshot as well.
    let recovery = story.open();
    assert_eq!(recovery.recovery().unwrap().begins, Some(begins));
    recovery.close();
    assert_eq!(state(&story.dir).digest(), whole(&before, &story.dir).digest());
}

#[test]
fn each_volume_is_recorded_with_its_head_before_it_goes() {
    let story = Story::told();
    let reader = Reader::open(&story.dir).unwrap();
    let ends: Vec<_> = reader.volumes().take(2).map(|volume| (volume.no, volume.first, volume.end)).collect();
    let ledger = story.open();
    ledger.drop_volumes(Upto::Volume(2)).unwrap();
    ledger.close();
    let found = events(&story.dir, |event| matches!(event, Event::VolumeDropped { .. }));
    let expected = ends.iter().map(|&(volume, first, end)| {
        let end = end.unwrap();
        Event::VolumeDropped { volume, first, last: end.seq, head: end.hash }
    });
    assert_eq!(found, expected.collect::<Vec<_>>());
}

#[test]
fn what_went_is_written_down_and_signed_with_the_key_of_checkpoints() {
    let story = Story::told();
    let file = blake3::hash(&std::fs::read(story.dir.join("volumes/000001.sealed")).unwrap());
    let ledger = Ledger::open(config(&story.dir)).unwrap();
    let begins = ledger.drop_volumes(Upto::Volume(1)).unwrap().begins.unwrap();
    ledger.close();
    let text = std::fs::read_to_string(story.dir.join("gone/000001.txt")).unwrap();
    let base = story.dir.join("base").join(format!("{:012}.base", begins.head.seq.0));
    let base = blake3::hash(&std::fs::read(base).unwrap());
    for line in [
        "sledger volume gone 1\nledger ".to_owned(),
        format!("\nfirst 1\nlast {}\nhead ", begins.head.seq),
        format!("\nfile {file}\nbase {base}\nstate "),
        format!("\ndropped {}\nkey: ", begins.when.rfc3339()),
    ] {
        assert!(text.contains(&line), "{line} is missing in\n{text}");
    }
    let (told, signature) = text.split_at(text.find("key: ").unwrap());
    let key = CheckpointKey::read(&story.dir.join("checkpoint.key")).unwrap();
    assert_eq!(signature, key.sign_text(told));
}

#[test]
fn volumes_of_a_ledger_with_sealed_values_do_not_go() {
    let temp = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(sledger::Config { seal_personal: true, ..config(temp.path()) }).unwrap();
    let error = ledger.drop_volumes(Upto::Before(Millis::NEVER)).unwrap_err();
    assert!(matches!(&error, KeepingError::Refused(why) if why.contains("sealed")), "{error}");
    ledger.close();
}

#[test]
fn a_second_drop_goes_on_from_the_base_of_the_first() {
    let story = Story::told();
    let before = story.copy("before");
    for last in [1, 2, 4] {
        let ledger = story.open();
        ledger.drop_volumes(Upto::Volume(last)).unwrap();
        ledger.close();
        assert_eq!(state(&story.dir).digest(), whole(&before, &story.dir).digest(), "after {last}");
        let bases = std::fs::read_dir(story.dir.join("base")).unwrap().count();
        assert_eq!(bases, 1, "one base is kept");
    }
}

#[test]
fn while_a_hold_stands_nothing_goes() {
    let story = Story::told();
    let ledger = story.open();
    assert_eq!(keep(&ledger, hold()), Outcome::Configured);
    let sealed = story.sealed();
    let refused = ledger.drop_volumes(Upto::Volume(2)).unwrap_err();
    let KeepingError::Refused(reason) = &refused else { panic!("{refused}") };
    assert!(reason.contains("hold `case-7` stands (the police asked): nothing is dropped"), "{reason}");
    assert_eq!(ledger.keeping().unwrap().last_error.as_deref(), Some(reason.as_str()));
    let archive = story.temp.path().join("archive");
    assert!(ledger.archive_volumes(&archive, Upto::Volume(2)).is_err());
    assert!(story.sealed().starts_with(&sealed));
    assert_eq!(Reader::open(&story.dir).unwrap().begins(), None);
    // It outlives a restart, and ends with its release.
    ledger.close();
    let ledger = story.open();
    assert!(ledger.drop_volumes(Upto::Volume(2)).is_err());
    assert_eq!(keep(&ledger, Keep::Release { name: "case-7".to_owned() }), Outcome::Configured);
    assert_eq!(ledger.drop_volumes(Upto::Volume(2)).unwrap().volumes, [1, 2]);
    assert_eq!(ledger.keeping().unwrap().last_error, None);
    ledger.close();
}

#[test]
fn only_what_is_older_goes_and_never_the_last_volume() {
    let story = Story::told();
    let ledger = story.open();
    let none = ledger.drop_volumes(Upto::Before(Millis(1))).unwrap();
    assert_eq!(none.volumes, Vec::<u32>::new());
    let volumes: Vec<_> = Reader::open(&story.dir).unwrap().volumes().collect();
    let second = volumes[1].sealed.unwrap().last_at;
    let older = volumes.iter().take_while(|volume| volume.sealed.is_some_and(|file| file.last_at < second));
    let expected: Vec<u32> = older.map(|volume| volume.no).collect();
    assert_eq!(ledger.drop_volumes(Upto::Before(second)).unwrap().volumes, expected);
    let refused = ledger.drop_volumes(Upto::Volume(99)).unwrap_err().to_string();
    assert!(refused.starts_with("volume `99` cannot go with all before it"), "{refused}");
    let all = ledger.drop_volumes(Upto::Before(Millis::NEVER)).unwrap();
    assert!(!all.volumes.is_empty());
    let left = Reader::open(&story.dir).unwrap().volumes().count();
    assert!(left >= 1);
    ledger.close();
    assert_eq!(verify(&story.dir).unwrap().problems, []);
    story.open().close();
}

#[test]
fn with_an_age_configured_old_volumes_go_by_themselves() {
    let story = Story::told();
    let before = story.copy("before");
    let config = sledger::Config { keep: Span::ZERO, ..config(&story.dir) };
    let ledger = Ledger::open(config).unwrap();
    let mut feed = ledger.views().subscribe(None).unwrap();
    // The thread looks as soon as it has started.
    let went = (0..300).any(|_| {
        let _told = feed.next_blocking(Duration::from_millis(100));
        ledger.keeping().unwrap().gone > 0
    });
    assert!(went);
    ledger.close();
    assert!(Reader::open(&story.dir).unwrap().begins().is_some());
    assert_eq!(state(&story.dir).digest(), whole(&before, &story.dir).digest());
}

#[test]
fn a_base_that_was_changed_or_lost_is_named() {
    let story = Story::told();
    let ledger = story.open();
    let went = ledger.drop_volumes(Upto::Volume(2)).unwrap();
    ledger.close();
    let begins = went.begins.unwrap();
    let path = story.dir.join("base").join(format!("{:012}.base", begins.head.seq.0));
    let good = std::fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    std::fs::write(&path, bad).unwrap();
    let refused = Ledger::open(config(&story.dir)).unwrap_err().to_string();
    assert!(refused.contains("the base that stands for what came before cannot be used"), "{refused}");
    let problems = verify(&story.dir).unwrap().problems;
    assert_eq!(problems.first().map(|problem| problem.kind), Some(DamageKind::Base), "{problems:?}");
    std::fs::remove_file(&path).unwrap();
    assert!(Ledger::open(config(&story.dir)).is_err());
    std::fs::write(&path, good).unwrap();
    story.open().close();
}

#[test]
fn a_volume_lost_from_what_stays_is_still_missed() {
    let story = Story::told();
    let ledger = story.open();
    ledger.drop_volumes(Upto::Volume(2)).unwrap();
    ledger.close();
    std::fs::remove_file(story.dir.join("volumes/000003.sealed")).unwrap();
    let refused = Reader::open(&story.dir).unwrap_err().to_string();
    assert!(refused.starts_with("volume `3` of ledger "), "{refused}");
}
