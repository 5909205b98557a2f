//! Disks that are full, or fill up: each a small file system of its own.

use crate::common::{
    PATIENCE, Place, append, is_half_written, place, probed, read_all, sealed, sealing, write,
};
use sledger_core::Seq;
use sledger_core::log::{Appended, Log};
use sledger_log::backup::{Backup, BackupError, BackupWriter};
use sledger_log::{LogConfig, Probe, Reader, SledLog};
use std::fs;

/// A file system of its own, where the test may make one.
struct Disk(Place);

impl Disk {
    #[expect(clippy::print_stderr, reason = "what could not be looked at is said by name")]
    fn mount(test: &str, size: &str) -> Option<Self> {
        let place = place();
        fs::create_dir_all(&place.dir).unwrap();
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"]).arg(&place.dir);
        if mount.output().is_ok_and(|output| output.status.success()) {
            return Some(Self(place));
        }
        eprintln!("skipped: {test}: no file system could be mounted");
        None
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0.dir).output();
    }
}

/// Writes a file until so many bytes are free.
fn fill_up(dir: &std::path::Path, leave: u64) {
    let free = rustix::fs::statvfs(dir).unwrap();
    let bytes = (free.f_bavail * free.f_frsize).saturating_sub(leave);
    let written = fs::write(dir.join("filler"), vec![1; usize::try_from(bytes).unwrap()]);
    assert!(written.is_ok() || leave == 0);
}

struct FillAt(std::path::PathBuf);

impl Probe for FillAt {
    fn at(&self, point: &'static str) {
        if point == "seal.begin" {
            fill_up(&self.0, 0);
        }
    }
}

const MEBIBYTE: u64 = 1024 * 1024;

#[test]
fn disk_that_fills_up_while_a_volume_is_sealed_costs_nothing() {
    let Some(disk) = Disk::mount("disk_that_fills_up_while_a_volume_is_sealed_costs_nothing", "64m") else {
        return;
    };
    let place = &disk.0;
    let dir = place.dir.clone();
    let mut log = SledLog::open(probed(&dir, FillAt(dir.clone()))).unwrap();
    for _ in 0..2 {
        write(&mut log, 250);
    }
    log.seal_now().unwrap();
    let error = log.sealing().wait(PATIENCE).last_error.unwrap();
    assert!(error.contains("volume `1` was not sealed: No space left"), "{error}");
    assert!(place.volume(1).exists() && !place.sealed(1).exists());
    assert!(!is_half_written(place));
    fs::remove_file(dir.join("filler")).unwrap();
    assert!(matches!(append(&mut log, 10), Appended::Committed(_)), "not poisoned");
    log.close().unwrap();
    drop(log);
    let mut log = SledLog::open(sealing(&dir)).unwrap();
    sealed(&log);
    assert!(place.sealed(1).exists());
    log.close().unwrap();
    assert_eq!(read_all(&dir).seq, Seq(510));
}

#[test]
fn sealing_does_not_begin_when_too_little_is_free() {
    let Some(disk) = Disk::mount("sealing_does_not_begin_when_too_little_is_free", "96m") else { return };
    let place = &disk.0;
    let free_bytes_min = 10 * MEBIBYTE;
    let mut log = SledLog::open(LogConfig { free_bytes_min, ..sealing(&place.dir) }).unwrap();
    write(&mut log, 100);
    fill_up(&place.dir, 24 * MEBIBYTE);
    log.seal_now().unwrap();
    let error = log.sealing().wait(PATIENCE).last_error.unwrap();
    assert!(error.contains("bytes are free, and") && error.contains("are needed"), "{error}");
    fs::remove_file(place.dir.join("filler")).unwrap();
    log.seal_now().unwrap();
    assert_eq!(sealed(&log).sealed, 1, "tried again, and all is well");
    log.close().unwrap();
}

#[test]
fn disk_that_fills_up_while_a_backup_is_written_leaves_whole_segments() {
    let Some(disk) =
        Disk::mount("disk_that_fills_up_while_a_backup_is_written_leaves_whole_segments", "800k")
    else {
        return;
    };
    let (to, kept) = (disk.0.dir.join("kept"), Place::with_sealed());
    let run = || {
        let reader = Reader::open(&kept.dir).unwrap();
        let writer = BackupWriter::begin(&to, reader.meta(), None)?;
        let mut writer = writer.with_segments_of(200 * 1024);
        for block in reader.blocks(writer.reads_from(None)?) {
            writer.push(&block.unwrap())?;
        }
        writer.finish()
    };
    let full = run().unwrap_err();
    assert!(matches!(full, BackupError::Full { .. }), "{full}");
    let left = Backup::open(&to).unwrap().unwrap().head().seq;
    assert!(left > Seq(0) && left < Seq(10_000), "{left}");
    let names = fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.rsplit('.').next() == Some("tmp")).count(), 0);
    let mut larger = std::process::Command::new("mount");
    larger.args(["-o", "remount,size=8m"]).arg(&disk.0.dir);
    assert!(larger.output().unwrap().status.success());
    let (written, backup) = run().unwrap();
    assert_eq!((written.events, backup.head().seq), (10_000 - left.0, Seq(10_000)));
}
