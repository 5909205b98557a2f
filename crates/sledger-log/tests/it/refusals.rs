//! Every way in which opening is refused, by name.

use crate::common::{Place, config, place, small, write};
use sledger_core::log::Log;
use sledger_log::{DamageKind, LedgerId, LogConfig, OpenError, Reader, SledLog, served};
use std::fs;

fn refused(place: &Place) -> OpenError {
    SledLog::open(config(&place.dir)).unwrap_err()
}

#[test]
fn folder_of_another_program_is_not_touched() {
    let place = place();
    fs::create_dir_all(&place.dir).unwrap();
    fs::write(place.dir.join("thesis.txt"), "years of work").unwrap();
    assert!(matches!(refused(&place), OpenError::NotALedger { .. }));
    assert_eq!(fs::read_dir(&place.dir).unwrap().count(), 1, "not even a lock was left there");
    assert!(matches!(Reader::open(&place.dir).unwrap_err(), OpenError::Missing { .. }));
}

#[test]
fn ledger_whose_making_was_cut_short_is_made_again() {
    let place = place();
    fs::create_dir_all(&place.dir).unwrap();
    fs::write(place.dir.join("ledger.tmp"), "form").unwrap();
    write(&mut place.open(), 1);
}

#[test]
fn other_directory_format_is_named() {
    let place = Place::closed_with(1);
    let path = place.dir.join("ledger.toml");
    let text = fs::read_to_string(&path).unwrap().replace("format = \"1\"", "format = \"9\"");
    let lines = text.split("check = ").next().unwrap().to_owned();
    let check = blake3::hash(lines.as_bytes()).to_hex();
    fs::write(&path, format!("{lines}check = \"{check}\"\n")).unwrap();
    assert!(matches!(refused(&place), OpenError::Format { found: 9, known: 1, .. }));
}

#[test]
fn changed_ledger_file_is_refused() {
    let place = Place::closed_with(1);
    let path = place.dir.join("ledger.toml");
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("partition = \"0\"", "partition = \"1\""))
        .unwrap();
    let error = refused(&place);
    assert!(matches!(&error, OpenError::BadMark { .. }), "{error}");
}

#[test]
fn other_ledger_than_expected_is_refused() {
    let place = Place::closed_with(1);
    let config = LogConfig { ledger: Some(LedgerId([1; 16])), ..config(&place.dir) };
    assert!(matches!(SledLog::open(config).unwrap_err(), OpenError::OtherLedger { .. }));
}

#[test]
fn blocks_of_another_ledger_are_refused() {
    let (one, other) = (Place::left_with(300), Place::left_with(300));
    fs::copy(other.db(1), one.db(1)).unwrap();
    let error = refused(&one);
    assert!(matches!(&error, OpenError::Damaged { kind: DamageKind::Foreign, volume: 1, .. }), "{error}");
}

#[test]
fn missing_volume_is_named() {
    let place = place();
    let mut log = SledLog::open(small(&place.dir)).unwrap();
    for _ in 0..20 {
        write(&mut log, 250);
    }
    log.close().unwrap();
    fs::rename(place.volume(2), place.dir.join("elsewhere")).unwrap();
    assert!(matches!(refused(&place), OpenError::VolumeMissing { volume: 2, .. }));
    fs::rename(place.dir.join("elsewhere"), place.volume(2)).unwrap();
    assert_eq!(place.open().head().seq.0, 5_000);
}

#[test]
fn missing_last_volume_is_a_loss() {
    let place = place();
    let mut log = SledLog::open(small(&place.dir)).unwrap();
    for _ in 0..20 {
        write(&mut log, 250);
    }
    let last = (1..1_000).take_while(|no| place.volume(*no).exists()).last().unwrap();
    drop(log);
    fs::remove_dir_all(place.volume(last)).unwrap();
    let error = refused(&place);
    assert!(matches!(&error, OpenError::Damaged { kind: DamageKind::Lost { .. }, .. }), "{error}");
}

#[test]
fn all_volumes_gone_is_no_new_ledger() {
    let place = Place::closed_with(10);
    fs::remove_dir_all(place.dir.join("volumes")).unwrap();
    assert!(matches!(refused(&place), OpenError::VolumeMissing { volume: 1, .. }));
}

#[test]
fn second_opener_is_told_who_serves_the_ledger_and_where() {
    let place = place();
    let mut log = place.open();
    assert!(matches!(refused(&place), OpenError::Locked { pid, url: None, .. } if pid == std::process::id()));
    log.note_url("http://127.0.0.1:7000\n").unwrap();
    let expected = format!(
        "`{}` is served by pid `{}` at http://127.0.0.1:7000; use --connect http://127.0.0.1:7000",
        place.dir.display(),
        std::process::id()
    );
    assert_eq!(refused(&place).to_string(), expected);
    assert_eq!(served(&place.dir).unwrap().unwrap().url.as_deref(), Some("http://127.0.0.1:7000"));
    write(&mut log, 5);
    drop(log);
    assert_eq!(served(&place.dir).unwrap(), None);
    assert_eq!(place.open().head().seq.0, 5);
}

#[test]
fn too_little_space_is_refused_before_anything_is_written() {
    let place = place();
    let config = LogConfig { free_bytes_min: u64::MAX, ..config(&place.dir) };
    let error = SledLog::open(config).unwrap_err();
    assert!(matches!(error, OpenError::NoSpace { needed: u64::MAX, .. }));
    assert!(!place.dir.join("ledger.toml").exists());
}

#[test]
fn folder_that_cannot_be_written_is_named() {
    let error = SledLog::open(LogConfig::new("/sys/sledger-test/ledger")).unwrap_err();
    assert!(matches!(&error, OpenError::ReadOnly { .. }), "{error}");
}
