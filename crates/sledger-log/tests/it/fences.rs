//! One test for each measured weakness of sled that is fenced off.

use crate::child::{self, ARGS};
use crate::common::{Place, append, config, place, probed, read_all, small, write};
use sledger_core::event::{Event, Op};
use sledger_core::log::{Appended, Batch, Log};
use sledger_core::{Personal, Seq};
use sledger_log::{DamageKind, OpenError, Probe, Reader, SledLog};
use std::fs;
use std::process::Command;
use std::sync::Arc;

/// The system calls of a child in `role`, as `strace` shows them; `None` where there is no `strace`.
#[expect(clippy::print_stderr, reason = "what could not be looked at is said by name")]
fn trace(role: &str, place: &Place, calls: &str) -> Option<Vec<String>> {
    fs::create_dir_all(&place.dir).unwrap();
    let trace = place.dir.with_extension("trace");
    let (exe, env) = child::command(role, &place.dir);
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-e", &format!("trace={calls}"), "-o"]).arg(&trace);
    let Ok(output) = strace.arg(exe).args(ARGS).envs(env).output() else {
        eprintln!("strace is not installed: the system calls of `{role}` were not looked at");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(fs::read_to_string(trace).unwrap().lines().map(str::to_owned).collect())
}

const CALLS: &str = "fdatasync,fsync,sync_file_range,pwrite64,openat,rename";

fn position(lines: &[String], parts: &[&str]) -> usize {
    let found = lines.iter().position(|line| parts.iter().all(|part| line.contains(part)));
    found.unwrap_or_else(|| panic!("no line with {parts:?}"))
}

#[test]
fn db_is_fdatasynced_between_the_last_write_and_the_answer() {
    let Some(lines) = trace("append", &place(), CALLS) else { return };
    let (opened, returned) = (position(&lines, &["/opened\""]), position(&lines, &["/returned\""]));
    let append = &lines[opened..returned];
    let is_db = |line: &&String| line.contains("/volumes/000001/db>");
    let last = |call: &str| append.iter().rposition(|line| line.contains(call) && is_db(&line)).unwrap();
    assert!(last("fdatasync(") > last("pwrite64("), "{append:#?}");
    assert!(last("fdatasync(") > last("sync_file_range("), "{append:#?}");
}

#[test]
fn volume_is_synced_whole_before_it_gets_its_number() {
    let Some(lines) = trace("append", &place(), CALLS) else { return };
    let renamed = position(&lines, &["rename(", "000001.new", "/volumes/000001\""]);
    for file in ["/conf>", "/db>", "/blobs>", "/volumes/000001.new>"] {
        assert!(position(&lines, &["fsync(", file]) < renamed, "{file}");
    }
    let ready = position(&lines, &["rename(", "000001.new/ready\""]);
    assert!(position(&lines, &["fsync(", "000001.new/conf>"]) < ready && ready < renamed);
    let parent =
        lines[renamed..].iter().position(|line| line.contains("fsync(") && line.contains("/volumes>"));
    assert!(parent.is_some(), "the new name is synced");
    assert!(renamed < position(&lines, &["/opened\""]));
}

#[test]
fn files_are_read_from_the_disk_and_synced_and_the_clean_mark_is_gone_before_sled_opens() {
    let place = Place::closed_with(10);
    let Some(lines) = trace("append", &place, "fsync,unlink,unlinkat,openat,flock,fadvise64,pread64") else {
        return;
    };
    let dropped = position(&lines, &["fadvise64(", "/volumes/000001/db>", "POSIX_FADV_DONTNEED"]);
    let read = position(&lines, &["pread64(", "/volumes/000001/db>"]);
    let synced = position(&lines, &["fsync(", "/volumes/000001/db>"]);
    let removed = position(&lines, &["unlink", "/clean\""]);
    let removal_synced = removed + position(&lines[removed..], &["fsync(", "/ledger>"]);
    let sled = position(&lines, &["flock(", "/volumes/000001/db>"]);
    let order = [dropped, read, synced, removed, removal_synced, sled];
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn largest_blocks_make_no_blob() {
    let place = place();
    let mut log = place.open();
    let noted = |seq: u64| {
        let text = Personal::Plain("x".repeat(48 * 1024).into());
        let event = Event::NoteAdded { about: Personal::Plain("seq:1".into()), text };
        let mut decision = (*crate::common::decision(seq)).clone();
        (decision.op, decision.events) = (Op::Ledger, vec![event]);
        Arc::new(decision)
    };
    for round in 0..20 {
        let head = log.head();
        let decisions: Vec<_> = (1..=20).map(|n| noted(head.seq.0 + n)).collect();
        let batch = Batch { first: head.seq.next(), epoch: 1, decisions: &decisions };
        assert!(matches!(log.append(batch, &head), Appended::Committed(_)), "round {round}");
    }
    assert_eq!(fs::read_dir(place.volume(1).join("blobs")).unwrap().count(), 0);
    assert_eq!(log.replay(Seq(1)).unwrap().map(|block| block.unwrap().header().events).sum::<u32>(), 400);
}

#[test]
fn blob_while_running_poisons() {
    let place = place();
    let mut log = place.open();
    write(&mut log, 1);
    fs::write(place.volume(1).join("blobs/17"), "").unwrap();
    assert!(matches!(append(&mut log, 1), Appended::Failed(reason) if reason.contains("blobs/17")));
    fs::remove_file(place.volume(1).join("blobs/17")).unwrap();
    assert!(matches!(append(&mut log, 1), Appended::Failed(_)), "for good");
}

#[test]
fn blob_at_open_is_refused() {
    let place = Place::closed_with(10);
    fs::write(place.volume(1).join("blobs/17"), "").unwrap();
    let error = SledLog::open(config(&place.dir)).unwrap_err();
    assert!(error.to_string().contains("spilled a value"), "{error}");
}

#[test]
fn half_written_snapshot_does_not_break_the_next_open() {
    let place = Place::closed_with(10);
    let half = place.volume(1).join("snap.00000000000000FF.generating");
    fs::write(&half, "half").unwrap();
    // The file changes the folder: taken for changed after a clean close, and for a kill without its mark.
    assert!(matches!(SledLog::open(config(&place.dir)).unwrap_err(), OpenError::Damaged { .. }));
    fs::remove_file(place.dir.join("clean")).unwrap();
    assert_eq!(place.open().head().seq, Seq(10));
}

#[test]
fn torn_conf_of_a_volume_left_by_a_kill_hinders_nobody() {
    let place = Place::left_with(300);
    fs::write(place.volume(1).join("conf"), "torn").unwrap();
    write(&mut place.open(), 10);
    assert_eq!(read_all(&place.dir).seq, Seq(310));
}

#[test]
fn volume_made_ahead_only_in_part_is_made_again() {
    let place = Place::left_with(300);
    let ahead = place.dir.join("volumes/000002.new");
    fs::create_dir_all(&ahead).unwrap();
    fs::write(ahead.join("conf"), "torn").unwrap();
    write(&mut place.open(), 10);
    assert_eq!(read_all(&place.dir).seq, Seq(310));
    assert!(!ahead.exists());
}

#[test]
fn sled_that_fails_at_open_is_named_and_nothing_is_lost() {
    let place = Place::closed_with(1_000);
    fs::write(place.volume(1).join("conf"), "torn and longer than eight bytes").unwrap();
    forge_clean_mark(&place);
    let error = SledLog::open(config(&place.dir)).unwrap_err();
    let OpenError::Damaged { volume: 1, kind: DamageKind::SledFailed, .. } = error else { panic!("{error}") };
    assert_eq!(read_all(&place.dir).seq, Seq(1_000), "all is still there for the scan");
    assert_eq!(place.open().head().seq, Seq(1_000), "and is read by scan from then on");
}

#[test]
fn sled_that_shows_less_than_the_scan_is_refused() {
    let place = Place::closed_with(1_000);
    // Without its snapshots sled reads the segments themselves, and takes none that begin with zeros.
    for entry in fs::read_dir(place.volume(1)).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("snap") {
            fs::remove_file(path).unwrap();
        }
    }
    let mut bytes = fs::read(place.db(1)).unwrap();
    bytes[..20].fill(0);
    fs::write(place.db(1), bytes).unwrap();
    forge_clean_mark(&place);
    let error = SledLog::open(config(&place.dir)).unwrap_err();
    let OpenError::Damaged { volume: 1, kind: DamageKind::SledDiffers, .. } = error else {
        panic!("{error}")
    };
}

/// Puts the digest of the folder as it is now into the clean mark.
fn forge_clean_mark(place: &Place) {
    let mut hasher = blake3::Hasher::new();
    let mut paths: Vec<_> =
        fs::read_dir(place.volume(1)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name == "conf" || name == "db" || name.starts_with("snap.") {
            let bytes = fs::read(path).unwrap();
            hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
            hasher.update(&(bytes.len() as u64).to_le_bytes()).update(&bytes);
        }
    }
    let digest = hasher.finalize().to_hex();
    let path = place.dir.join("clean");
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: String = text
        .lines()
        .filter(|line| !line.starts_with("files") && !line.starts_with("check"))
        .fold(String::new(), |all, line| all + line + "\n");
    lines.extend(["files = \"", digest.as_str(), "\"\n"]);
    let check = blake3::hash(lines.as_bytes()).to_hex();
    fs::write(path, format!("{lines}check = \"{check}\"\n")).unwrap();
}

struct FailAt(&'static str);

impl Probe for FailAt {
    fn at(&self, _: &'static str) {}
    fn fail(&self, point: &'static str) -> Option<String> {
        (point == self.0).then(|| "no space left on device".to_owned())
    }
}

#[test]
fn failure_at_any_point_of_an_append_poisons_for_good_and_loses_nothing_acknowledged() {
    for point in
        ["append.before_insert", "append.after_insert", "append.after_flush", "append.after_fdatasync"]
    {
        let place = place();
        let mut log = SledLog::open(small(&place.dir)).unwrap();
        let head = write(&mut log, 100);
        log.close().unwrap();
        let mut log = SledLog::open(probed(&place.dir, FailAt(point))).unwrap();
        assert!(matches!(append(&mut log, 100), Appended::Failed(reason) if reason.contains("no space")));
        assert!(matches!(append(&mut log, 100), Appended::Failed(_)), "{point}");
        assert!(log.poisoned().is_some());
        assert!(log.close().is_err(), "{point}");
        drop(log);
        assert!(!place.dir.join("clean").exists());
        let log = SledLog::open(small(&place.dir)).unwrap();
        assert!(log.head().seq >= head.seq && log.head().seq.0.is_multiple_of(100), "{point}");
    }
}

#[test]
fn failure_at_any_point_of_a_rotation_poisons_and_loses_nothing() {
    for point in ["rotate.begin", "rotate.made_ahead", "rotate.closed", "rotate.renamed", "rotate.done"] {
        let place = place();
        let mut log = SledLog::open(probed(&place.dir, FailAt(point))).unwrap();
        let acknowledged = loop {
            let head = log.head();
            if !matches!(append(&mut log, 250), Appended::Committed(_)) {
                break head;
            }
        };
        drop(log);
        let log = SledLog::open(small(&place.dir)).unwrap();
        assert_eq!((log.head().seq, log.head().hash), (acknowledged.seq, acknowledged.hash), "{point}");
    }
}

#[test]
fn failure_of_the_close_leaves_no_clean_mark() {
    let place = place();
    let mut log = SledLog::open(probed(&place.dir, FailAt("close.before_mark"))).unwrap();
    write(&mut log, 10);
    assert!(log.close().is_err());
    drop(log);
    assert!(!place.dir.join("clean").exists());
    assert_eq!(place.open().head().seq, Seq(10));
}

#[test]
fn file_that_cannot_grow_poisons_and_loses_nothing_acknowledged() {
    let place = place();
    fs::create_dir_all(&place.dir).unwrap();
    let (exe, env) = child::command("fill", &place.dir);
    let limit = "trap '' XFSZ; ulimit -f 20000; exec \"$0\" \"$@\"";
    let output = Command::new("sh").args(["-c", limit]).arg(exe).args(ARGS).envs(env).output().unwrap();
    assert_eq!(output.status.code(), Some(child::FULL), "{}", String::from_utf8_lossy(&output.stderr));
    let acknowledged = fs::read_to_string(place.dir.with_extension("acknowledged")).unwrap();
    let log = place.open();
    assert!(log.head().seq.0 >= acknowledged.parse().unwrap());
    assert_eq!(read_all(&place.dir).seq, log.head().seq);
}

/// A segment is reused only after 8 MiB were written behind what made it free; a barrier comes
/// after each mebibyte of blocks: holds as long as sled writes each byte less than eight times.
#[test]
fn sled_writes_each_byte_less_than_four_times_so_that_no_segment_is_reused_before_a_barrier() {
    let place = place();
    let Some(lines) = trace("grow", &place, "pwrite64") else { return };
    let written = lines.iter().filter(|line| line.contains("/volumes/000001/db>"));
    let written: usize = written.filter_map(|line| line.rsplit("= ").next()?.parse::<usize>().ok()).sum();
    let blocks = Reader::open(&place.dir).unwrap().blocks(Seq(1));
    let blocks: usize = blocks.map(|block| block.unwrap().bytes().len()).sum();
    assert!(written > blocks && written < 4 * blocks, "{written} bytes written for {blocks} bytes of blocks");
}
