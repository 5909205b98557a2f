//! Backups of a ledger, and ledgers made of them.

use crate::common::{Place, append, config, cut, everything, flip, read_all, sealing, write};
use sledger_core::Seq;
use sledger_core::log::{Appended, Log};
use sledger_log::backup::{Backup, BackupError, BackupWriter, Restored, Written, note_of_restore, restore};
use sledger_log::{Block, Reader, SledLog, verify};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Segments end after so much, so that there are some.
const SEGMENT: u64 = 100 * 1024;
/// And so do volumes.
const VOLUME: u64 = 150 * 1024;

struct Kept {
    place: Place,
    temp: TempDir,
}

impl Kept {
    fn new() -> Self {
        Self { place: Place::with_sealed(), temp: tempfile::tempdir().unwrap() }
    }

    fn to(&self) -> PathBuf {
        self.temp.path().join("kept")
    }

    fn back_up(&self, since: Option<u64>) -> Result<Written, BackupError> {
        back_up(&self.place.dir, &self.to(), since)
    }

    /// Appends `count` events to the ledger, and closes it again.
    fn go_on(&self, count: u64) {
        let mut log = SledLog::open(sealing(&self.place.dir)).unwrap();
        write(&mut log, count);
        log.close().unwrap();
    }

    fn restored(&self, name: &str) -> Result<(PathBuf, Restored), BackupError> {
        let dir = self.temp.path().join(name);
        let backup = Backup::open(&self.to())?.unwrap();
        restore(&[backup], &dir, (Some(VOLUME), &mut |_| Ok(()))).map(|restored| (dir, restored))
    }

    fn files(&self, word: &str) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = fs::read_dir(self.to())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|found| found == word))
            .collect();
        found.sort();
        found
    }
}

fn back_up(data: &Path, to: &Path, since: Option<u64>) -> Result<Written, BackupError> {
    let reader = Reader::open(data).unwrap();
    let mut writer = BackupWriter::begin(to, reader.meta(), Some(data))?.with_segments_of(SEGMENT);
    let from = writer.reads_from(since.map(Seq))?;
    for block in reader.blocks(from) {
        writer.push(&block.unwrap())?;
    }
    writer.finish().map(|(written, _)| written)
}

fn blocks(dir: &Path) -> Vec<Block> {
    Reader::open(dir).unwrap().blocks(Seq(1)).map(Result::unwrap).collect()
}

#[test]
fn what_is_restored_is_block_for_block_what_was_backed_up_and_goes_on() {
    let kept = Kept::new();
    let before = everything(&kept.place.dir);
    let written = kept.back_up(None).unwrap();
    assert_eq!(written.events, 10_000);
    assert!(written.segments >= 3, "{written:?}");
    assert_eq!(everything(&kept.place.dir), before, "nothing in the ledger changes");
    let (dir, restored) = kept.restored("again").unwrap();
    assert_eq!((restored.head.seq, restored.events), (Seq(10_000), 10_000));
    assert!(restored.volumes >= 3, "{restored:?}");
    assert_eq!(blocks(&dir), blocks(&kept.place.dir));
    assert_eq!(verify(&dir).unwrap().problems, []);
    assert_eq!(Reader::open(&dir).unwrap().meta(), Reader::open(&kept.place.dir).unwrap().meta());
    let noted = note_of_restore(&dir).unwrap().unwrap();
    assert!(noted.starts_with("restored from a backup of seq 1 to 10000, of 1970-"), "{noted}");
    let mut log = SledLog::open(sealing(&dir)).unwrap();
    assert_eq!(write(&mut log, 100).seq, Seq(10_100));
    log.close().unwrap();
    assert_eq!(read_all(&dir).seq, Seq(10_100));
    assert_eq!(verify(&dir).unwrap().problems, []);
}

#[test]
fn a_second_run_adds_what_is_new_and_nothing_else() {
    let kept = Kept::new();
    kept.back_up(None).unwrap();
    let first = everything(&kept.to());
    assert_eq!(kept.back_up(None).unwrap(), Written::default());
    assert_eq!(everything(&kept.to()), first);
    kept.go_on(300);
    let written = kept.back_up(None).unwrap();
    assert_eq!((written.events, written.segments), (300, 1));
    let manifest = kept.to().join("backup.toml");
    let stayed = everything(&kept.to());
    assert!(first.iter().filter(|(path, _)| *path != manifest).all(|file| stayed.contains(file)));
    let (dir, _) = kept.restored("again").unwrap();
    assert_eq!(read_all(&dir).seq, Seq(10_300));
    assert_eq!(blocks(&dir), blocks(&kept.place.dir));
}

#[test]
fn what_came_since_some_event_is_restored_behind_what_came_before() {
    let kept = Kept::new();
    kept.back_up(None).unwrap();
    kept.go_on(500);
    let later = kept.temp.path().join("later");
    back_up(&kept.place.dir, &later, Some(10_001)).unwrap();
    let [whole, since] = [kept.to(), later].map(|dir| Backup::open(&dir).unwrap().unwrap());
    assert_eq!(since.before.seq, Seq(10_000));
    let dir = kept.temp.path().join("again");
    let restored = |backups: &[Backup]| restore(backups, &dir, (Some(VOLUME), &mut |_| Ok(()))).map(|_| ());
    let alone = restored(std::slice::from_ref(&since)).unwrap_err();
    assert!(matches!(alone, BackupError::NotFromTheFirst { seq: Seq(10_000), .. }), "{alone}");
    let twice = restored(&[whole.clone(), whole.clone()]).unwrap_err();
    assert!(matches!(twice, BackupError::NotFollowing { seq: Seq(10_000), .. }), "{twice}");
    assert!(!dir.exists());
    restored(&[whole, since]).unwrap();
    assert_eq!(blocks(&dir), blocks(&kept.place.dir));
}

#[test]
fn since_behind_the_end_of_a_backup_would_leave_a_hole_and_is_refused() {
    let kept = Kept::new();
    kept.back_up(None).unwrap();
    kept.go_on(500);
    let refused = kept.back_up(Some(10_002)).unwrap_err();
    assert!(matches!(refused, BackupError::Hole { end: Seq(10_000), since: Seq(10_002), .. }), "{refused}");
    assert_eq!(kept.back_up(Some(10_001)).unwrap().events, 500);
    assert_eq!(kept.back_up(Some(1)).unwrap(), Written::default());
}

#[test]
fn a_ledger_that_goes_on_otherwise_is_told_from_the_one_backed_up() {
    let kept = Kept::new();
    kept.back_up(None).unwrap();
    let (twin, _) = kept.restored("twin").unwrap();
    kept.go_on(100);
    kept.back_up(None).unwrap();
    // The twin is behind first, then elsewhere.
    let behind = back_up(&twin, &kept.to(), None).unwrap_err();
    assert!(matches!(behind, BackupError::Ahead { seq: Seq(10_100), .. }), "{behind}");
    let mut log = SledLog::open(sealing(&twin)).unwrap();
    let Appended::Committed(_) = append(&mut log, 60) else { panic!("not committed") };
    let Appended::Committed(_) = append(&mut log, 40) else { panic!("not committed") };
    log.close().unwrap();
    let refused = back_up(&twin, &kept.to(), None).unwrap_err();
    assert!(matches!(refused, BackupError::OtherHistory { seq: Seq(10_100), .. }), "{refused}");
    let stranger = Place::closed_with(100);
    let refused = back_up(&stranger.dir, &kept.to(), None).unwrap_err();
    assert!(matches!(refused, BackupError::OtherLedger { .. }), "{refused}");
}

/// What stands in the way of a restore, after `harm`.
fn refused(harm: impl Fn(&Kept)) -> String {
    let kept = Kept::new();
    kept.back_up(None).unwrap();
    harm(&kept);
    let refused = kept.restored("again").unwrap_err().to_string();
    assert!(!kept.temp.path().join("again").exists(), "nothing is left of it");
    refused.replace(&kept.temp.path().display().to_string(), "")
}

#[test]
fn harmed_backups_are_refused_by_name_and_nothing_is_restored() {
    let gone = refused(|kept| fs::remove_file(&kept.files("blocks")[1]).unwrap());
    assert!(gone.starts_with("in the backup `/kept` events `"), "{gone}");
    let both_gone = refused(|kept| {
        let (blocks, manifests) = (kept.files("blocks"), kept.files("toml"));
        fs::remove_file(&blocks[1]).unwrap();
        fs::remove_file(&manifests[1]).unwrap();
    });
    assert!(both_gone.ends_with("are missing: a segment is gone"), "{both_gone}");
    let last_gone = refused(|kept| {
        fs::remove_file(kept.files("blocks").pop().unwrap()).unwrap();
        let manifests = kept.files("toml");
        fs::remove_file(&manifests[manifests.len() - 2]).unwrap();
    });
    assert!(last_gone.ends_with("to `10000` are missing: a segment is gone"), "{last_gone}");
    let shorter = refused(|kept| {
        let path = &kept.files("blocks")[0];
        cut(path, fs::metadata(path).unwrap().len() - 1);
    });
    assert!(shorter.contains("was changed or cut: it is `"), "{shorter}");
    let changed = refused(|kept| flip(&kept.files("blocks")[1], 5_000));
    assert!(changed.contains("its bytes do not have the hash of its manifest"), "{changed}");
    let edited = refused(|kept| {
        let path = kept.to().join("backup.toml");
        let text = fs::read_to_string(&path).unwrap().replace("last = \"10000\"", "last = \"9000\"");
        fs::write(path, text).unwrap();
    });
    assert!(edited.contains("its check does not match: it was changed or cut"), "{edited}");
}

/// Somebody who can write a check line gets no further than the chain.
#[test]
fn a_segment_and_its_manifest_changed_together_do_not_pass_the_chain() {
    let forged = refused(|kept| {
        let path = &kept.files("blocks")[1];
        let was = blake3::hash(&fs::read(path).unwrap()).to_string();
        flip(path, 5_000);
        let now = blake3::hash(&fs::read(path).unwrap()).to_string();
        let manifest = path.with_extension("toml");
        let text = fs::read_to_string(&manifest).unwrap().replace(&was, &now);
        let lines = &text[..text.find("check = ").unwrap()];
        let check = blake3::hash(lines.as_bytes());
        fs::write(&manifest, format!("{lines}check = \"{check}\"\n")).unwrap();
    });
    assert!(forged.contains("cannot be read: byte "), "{forged}");
}

#[test]
fn a_folder_with_something_in_it_is_never_restored_into() {
    let kept = Kept::new();
    kept.back_up(None).unwrap();
    let dir = kept.temp.path().join("again");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("mine"), "").unwrap();
    let refused = kept.restored("again").unwrap_err();
    assert!(matches!(refused, BackupError::NotEmpty { .. }), "{refused}");
    assert_eq!(everything(&dir).len(), 1);
    fs::remove_file(dir.join("mine")).unwrap();
    kept.restored("again").unwrap();
    let refused = kept.restored("again").unwrap_err();
    assert!(matches!(refused, BackupError::NotEmpty { .. }), "a ledger is something: {refused}");
}

#[test]
fn what_a_killed_restore_left_is_taken_away_by_the_next() {
    let kept = Kept::new();
    kept.back_up(None).unwrap();
    let (dir, _) = kept.restored("again").unwrap();
    fs::write(dir.join("restoring"), fs::read(dir.join("ledger.toml")).unwrap()).unwrap();
    fs::remove_file(dir.join("ledger.toml")).unwrap();
    fs::remove_file(dir.join("volumes/000002.sealed")).unwrap();
    assert!(SledLog::open(config(&dir)).is_err(), "half a ledger is none");
    let (dir, _) = kept.restored("again").unwrap();
    assert_eq!(read_all(&dir).seq, Seq(10_000));
    assert!(!dir.join("restoring").exists());
}

#[test]
fn a_run_that_is_cut_short_leaves_whole_segments_and_is_gone_on_with() {
    let kept = Kept::new();
    let reader = Reader::open(&kept.place.dir).unwrap();
    let mut writer = BackupWriter::begin(&kept.to(), reader.meta(), None).unwrap().with_segments_of(SEGMENT);
    for block in reader.blocks(Seq(1)).take(7) {
        writer.push(&block.unwrap()).unwrap();
    }
    let busy = kept.back_up(None).unwrap_err();
    assert!(matches!(busy, BackupError::Busy { .. }), "{busy}");
    drop(writer);
    let backup = Backup::open(&kept.to()).unwrap().unwrap();
    assert!(backup.head().seq > Seq(0) && backup.head().seq < Seq(10_000));
    assert!(kept.files("tmp").is_empty());
    // And by a kill, which leaves files without their manifest.
    fs::write(kept.to().join("000000009999.tmp"), "half").unwrap();
    fs::write(kept.to().join("000000009999-000000019999.blocks"), "half").unwrap();
    let written = kept.back_up(None).unwrap();
    assert_eq!(written.events, 10_000 - backup.head().seq.0);
    assert!(kept.files("tmp").is_empty());
    let (dir, _) = kept.restored("again").unwrap();
    assert_eq!(read_all(&dir).seq, Seq(10_000));
}

#[test]
fn a_backup_lies_neither_in_a_ledger_nor_among_other_files() {
    let kept = Kept::new();
    let meta = Reader::open(&kept.place.dir).unwrap().meta().clone();
    let within = |dir: &Path| BackupWriter::begin(dir, &meta, None).unwrap_err();
    for dir in ["", "volumes", "kept/deep"] {
        let refused = within(&kept.place.dir.join(dir));
        assert!(matches!(refused, BackupError::Within { .. }), "{dir}: {refused}");
    }
    assert!(!kept.place.dir.join("kept").exists());
    fs::create_dir(kept.to()).unwrap();
    fs::write(kept.to().join("mine"), "").unwrap();
    let refused = within(&kept.to());
    assert!(matches!(refused, BackupError::NotABackup { .. }), "{refused}");
}
