//! What earlier programs wrote, opened, verified and gone on with by this one.
//!
//! `fixtures/1` was written by `the_fixture_is_written_where_asked`: a directory whose first volume was dropped, the
//! events and the blocks of its whole history from before that. Fixtures stay for ever; a change that cannot read one
//! is no upgrade. Files of sled are packed.

use crate::story::{config, copy_dir, keep, live, state};
use sledger::{Ledger, Outcome, Upto};
use sledger_core::command::Keep;
use sledger_core::{Seq, State};
use sledger_log::{BlockStream, Reader, verify};
use sledger_replay::export::{Exporter, ReadBack};
use sledger_replay::history::{Fold, beginning, decisions};
use sledger_wire::events::Begin;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// Where a fixture is to be written.
const WRITE: &str = "SLEDGER_FIXTURE_TO";
/// Longest file of sled, unpacked.
const UNPACKED_MAX: usize = 16 << 20;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("keeping/fixtures/1")
}

/// Copies a folder; with `pack` files of sled are packed, else unpacked.
fn repack(from: &Path, to: &Path, pack: bool) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "blobs" {
            repack(&path, &to.join(name), pack);
        } else if pack && name == "db" {
            let packed = zstd::bulk::compress(&fs::read(&path).unwrap(), 19).unwrap();
            fs::write(to.join("db.zst"), packed).unwrap();
        } else if let Some(name) = name.strip_suffix(".zst") {
            let bytes = zstd::bulk::decompress(&fs::read(&path).unwrap(), UNPACKED_MAX).unwrap();
            fs::write(to.join(name), bytes).unwrap();
            fs::create_dir(to.join("blobs")).unwrap();
        } else if path.is_file() {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn unpacked() -> (TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data");
    repack(&fixture().join("directory"), &dir, false);
    (temp, dir)
}

/// What is written down beside a fixture.
fn told(state: &State) -> String {
    let sessions: Vec<&str> = state.sessions().iter().map(|session| session.facts.session()).collect();
    let holds: Vec<&str> = state.holds().keys().map(|name| &**name).collect();
    format!("seq {}\nat {}\nholds {holds:?}\nsessions {sessions:?}\n", state.seq(), state.at().0)
}

fn expected(name: &str) -> String {
    fs::read_to_string(fixture().join(name)).unwrap()
}

#[test]
fn a_directory_of_format_1_is_opened_verified_and_gone_on_with() {
    let (_temp, dir) = unpacked();
    assert_eq!(verify(&dir).unwrap().problems, []);
    assert_eq!(told(&state(&dir)), expected("directory.txt"));
    let begins = *Reader::open(&dir).unwrap().begins().unwrap();
    assert_eq!(begins.volume, 2);
    let before = state(&dir).seq();
    let config = || sledger::Config { accept_clock: true, ..config(&dir) };
    let ledger = Ledger::open(config()).unwrap();
    assert_eq!(ledger.recovery().unwrap().begins, Some(begins));
    live(&ledger, 7, 10);
    assert!(ledger.drop_volumes(Upto::Volume(2)).is_err(), "its hold stands");
    assert_eq!(keep(&ledger, Keep::Release { name: "case-7".to_owned() }), Outcome::Configured);
    assert_eq!(ledger.drop_volumes(Upto::Volume(2)).unwrap().volumes, [2]);
    ledger.close();
    assert_eq!(verify(&dir).unwrap().problems, []);
    assert!(state(&dir).seq() > before);
    Ledger::open(config()).unwrap().close();
}

#[test]
fn an_export_of_events_of_format_1_is_folded() {
    let text = expected("events.jsonl");
    let mut lines = text.lines().map(str::as_bytes);
    let (mut read, _) = ReadBack::new(lines.clone().next().unwrap()).unwrap();
    lines.try_for_each(|line| read.line(line).map(|_| ())).unwrap();
    assert_eq!(told(&read.finish().unwrap()), expected("whole.txt"));
}

#[test]
fn an_export_of_blocks_of_format_1_is_folded() {
    let bytes = fs::read(fixture().join("blocks")).unwrap();
    let mut fold = Fold::new(beginning().unwrap());
    for block in BlockStream::new(bytes.as_slice()) {
        for decision in decisions(&block.unwrap()) {
            fold.decision(Arc::new(decision.unwrap())).unwrap();
        }
    }
    assert_eq!(told(fold.state()), expected("whole.txt"));
}

/// Does nothing unless somebody asks for a fixture of today.
#[test]
fn the_fixture_is_written_where_asked() {
    let Ok(to) = std::env::var(WRITE).map(PathBuf::from) else { return };
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data");
    let ledger = Ledger::open(config(&dir)).unwrap();
    for round in 0..3 {
        live(&ledger, round, 30);
    }
    let note = Keep::Note { about: "user:user-1".to_owned(), text: "She called.".to_owned() };
    assert_eq!(keep(&ledger, note), Outcome::Configured);
    ledger.close();
    fs::create_dir_all(&to).unwrap();
    let whole = temp.path().join("whole");
    copy_dir(&dir, &whole);
    write_exports(&whole, &to);
    let ledger = Ledger::open(config(&dir)).unwrap();
    assert_eq!(ledger.drop_volumes(Upto::Volume(1)).unwrap().volumes, [1]);
    let hold = Keep::Hold { name: "case-7".to_owned(), reason: "the police asked".to_owned() };
    assert_eq!(keep(&ledger, hold), Outcome::Configured);
    ledger.close();
    fs::write(to.join("directory.txt"), told(&state(&dir))).unwrap();
    repack(&dir, &to.join("directory"), true);
}

fn write_exports(dir: &Path, to: &Path) {
    let begin =
        Begin { ledger: Some(Reader::open(dir).unwrap().meta().ledger.to_string()), ..Begin::default() };
    let mut exporter = Exporter::new(begin);
    let mut fold = Fold::new(beginning().unwrap());
    let (mut events, mut blocks) = (Vec::new(), Vec::new());
    for block in Reader::open(dir).unwrap().blocks(Seq(1)) {
        let block = block.unwrap();
        blocks.extend_from_slice(block.bytes());
        for decision in decisions(&block) {
            let recorded = fold.decision(Arc::new(decision.unwrap())).unwrap();
            events.extend(exporter.decision(&recorded, fold.state()));
        }
    }
    events.extend(exporter.finish(fold.state()));
    fs::write(to.join("events.jsonl"), events.join("\n") + "\n").unwrap();
    fs::write(to.join("blocks"), blocks).unwrap();
    fs::write(to.join("whole.txt"), told(fold.state())).unwrap();
}
