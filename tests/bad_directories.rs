//! Data directories that must not be opened: each is refused by name, and left as it was.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails right there"
)]

use sledger::core::event::Event;
use sledger::projector::Next;
use sledger::{Actor, Command, Config, Ledger, Login, OpenError, Outcome, Request};
use sledger_log::{DamageKind, OpenError as LogError, Probe};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);
/// In the environment of a child: the directory it is to hold open.
const HOLD: &str = "SLEDGER_TEST_HOLD";

fn config(dir: &Path) -> Config {
    let mut config = Config::new(dir);
    config.volume_bytes_max = 4 * 1024;
    config.reserve_bytes = 0;
    // What is looked at here is the folders of sled; see below for sealed files.
    config.seal_volumes = false;
    config
}

fn login(n: usize) -> Request {
    let login = Login { user: Some(format!("user-{n}")), session: Some(format!("s{n}")), ..Login::default() };
    Request::new(Actor::Local, Command::Login(Box::new(login)))
}

fn log_in(ledger: &Ledger, count: usize) {
    for n in 0..count {
        let answer = ledger.submit(login(n)).unwrap().wait_for(PATIENCE).unwrap();
        assert_eq!(answer.outcome, Outcome::Admitted);
    }
}

/// A ledger of several volumes, some logins in the last, closed in good order.
fn closed() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(dir.path())).unwrap();
    let last_holds_logins = || {
        let volumes = volumes(dir.path());
        volumes.len() >= 3 && volumes.last().is_some_and(|last| holds(&last.join("db"), "user-") >= 4)
    };
    let enough = (0..1_000).any(|n| {
        let answer = ledger.submit(login(n)).unwrap().wait_for(PATIENCE).unwrap();
        assert_eq!(answer.outcome, Outcome::Admitted);
        last_holds_logins()
    });
    assert!(enough, "{:?}", volumes(dir.path()));
    ledger.close();
    dir
}

/// How often a text stands in a file.
fn holds(path: &Path, text: &str) -> usize {
    let bytes = fs::read(path).unwrap();
    bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
}

fn volumes(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("volumes")).unwrap().map(|entry| entry.unwrap().path());
    let mut volumes: Vec<PathBuf> = entries.filter(|path| path.extension().is_none()).collect();
    volumes.sort();
    volumes
}

/// BLAKE3 of every file that holds something recorded: all but the lock, which says who looked last.
fn hashes(dir: &Path) -> BTreeMap<PathBuf, blake3::Hash> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if entry.file_name() != "lock" {
                found.insert(path.clone(), blake3::hash(&fs::read(&path).unwrap()));
            }
        }
    }
    found
}

/// Opens `dir`, which must refuse with a text that holds all of `words`, and must be as it was.
fn refused(dir: &Path, words: &[&str]) -> LogError {
    let before = hashes(dir);
    let error = Ledger::open(config(dir)).expect_err("it must not be opened");
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "`{word}` is missing in: {text}");
    }
    assert!(!text.contains('\n'), "one line: {text}");
    assert_eq!(hashes(dir), before, "a refusal changes nothing");
    match error {
        OpenError::Log(error) => error,
        error => panic!("{error:?}"),
    }
}

/// Where a text first stands in a file.
fn find(path: &Path, text: &str) -> Option<usize> {
    let bytes = fs::read(path).unwrap();
    bytes.windows(text.len()).position(|window| window == text.as_bytes())
}

#[test]
fn a_directory_of_a_later_format_is_refused_by_its_format() {
    let dir = closed();
    let path = dir.path().join("ledger.toml");
    let text = fs::read_to_string(&path).unwrap().replacen("format = \"1\"", "format = \"99\"", 1);
    let (lines, _) = text.rsplit_once("check = ").unwrap();
    let check = blake3::hash(lines.as_bytes());
    fs::write(&path, format!("{lines}check = \"{check}\"\n")).unwrap();
    let error = refused(dir.path(), &["format `99`", "reads up to `1`"]);
    assert!(matches!(error, LogError::Format { found: 99, known: 1, .. }), "{error}");
}

#[test]
fn a_changed_ledger_toml_is_refused_by_its_path() {
    let dir = closed();
    let path = dir.path().join("ledger.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("seal_personal = \"false\"", "seal_personal = \"true\"", 1)).unwrap();
    let error = refused(dir.path(), &["ledger.toml", "changed or cut"]);
    assert!(matches!(error, LogError::BadMark { .. }), "{error}");
}

#[test]
fn a_folder_of_another_program_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("photo.jpg"), b"not a ledger").unwrap();
    let error = refused(dir.path(), &["holds no ledger"]);
    assert!(matches!(error, LogError::NotALedger { .. }), "{error}");
    assert!(!dir.path().join("lock").exists(), "not even a lock is left in it");
}

#[test]
fn a_path_that_is_a_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, b"a file").unwrap();
    let error = Ledger::open(config(&path)).unwrap_err().to_string();
    assert!(error.contains("file"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"a file");
}

#[test]
fn a_missing_volume_is_named() {
    let dir = closed();
    fs::remove_dir_all(&volumes(dir.path())[1]).unwrap();
    let error = refused(dir.path(), &["volume `2`", "missing"]);
    assert!(matches!(error, LogError::VolumeMissing { volume: 2, .. }), "{error}");
}

#[test]
fn the_last_volume_gone_is_loss_and_is_named() {
    let dir = closed();
    let all = volumes(dir.path());
    fs::remove_dir_all(all.last().unwrap()).unwrap();
    let error = refused(dir.path(), &["volume", "seq"]);
    assert!(matches!(error, LogError::Damaged { .. }), "{error}");
}

#[test]
fn all_volumes_gone_is_no_new_ledger() {
    let dir = closed();
    fs::remove_dir_all(dir.path().join("volumes")).unwrap();
    let error = refused(dir.path(), &["volume `1`", "missing"]);
    assert!(matches!(error, LogError::VolumeMissing { volume: 1, .. }), "{error}");
}

#[test]
fn a_changed_byte_in_the_last_volume_is_named_by_volume_and_seq() {
    let dir = closed();
    let last = volumes(dir.path()).pop().unwrap();
    let no: u32 = last.file_name().unwrap().to_str().unwrap().parse().unwrap();
    flip_recorded_byte(&last.join("db"));
    let error = refused(dir.path(), &[&format!("volume `{no}`"), "seq"]);
    assert!(matches!(error, LogError::Damaged { volume, .. } if volume == no), "{error}");
}

#[test]
fn a_changed_byte_after_a_kill_is_named_too() {
    let dir = closed();
    fs::remove_file(dir.path().join("clean")).unwrap();
    let last = volumes(dir.path()).pop().unwrap();
    flip_recorded_byte(&last.join("db"));
    let error = refused(dir.path(), &["is damaged at seq"]);
    assert!(matches!(error, LogError::Damaged { .. }), "{error}");
}

#[test]
fn a_changed_byte_in_an_old_volume_is_named_before_anybody_is_admitted() {
    let dir = closed();
    flip_recorded_byte(&volumes(dir.path())[0].join("db"));
    let recorded = |dir: &Path| -> BTreeMap<PathBuf, blake3::Hash> {
        let old = volumes(dir).into_iter().map(|volume| volume.join("db"));
        old.map(|path| (path.clone(), blake3::hash(&fs::read(&path).unwrap()))).take(2).collect()
    };
    let before = recorded(dir.path());
    let text = Ledger::open(config(dir.path())).unwrap_err().to_string();
    assert!(text.contains("volume `1` is damaged at seq"), "{text}");
    assert_eq!(recorded(dir.path()), before, "nothing recorded is touched");
    let report = sledger_log::verify(dir.path()).unwrap();
    assert_eq!(report.problems.first().map(|problem| problem.volume), Some(1), "{report:?}");
}

/// Changes one byte of a login, wherever it lies: sled may hold a block twice, and one whole copy is enough.
fn flip_recorded_byte(db: &Path) {
    let mut bytes = fs::read(db).unwrap();
    let at = find(db, "user-").expect("a login lies in the volume");
    let name = bytes[at..at + "user-0".len()].to_vec();
    let places = bytes.windows(name.len()).enumerate().filter(|(_, window)| *window == name);
    let places: Vec<usize> = places.map(|(at, _)| at + 2).collect();
    for at in places {
        bytes[at] ^= 1;
    }
    fs::write(db, bytes).unwrap();
}

#[test]
fn a_cut_tail_is_refused_by_name() {
    let dir = closed();
    fs::remove_file(dir.path().join("clean")).unwrap();
    let last = volumes(dir.path()).pop().unwrap().join("db");
    let first = find(&last, "user-").unwrap();
    fs::File::options().write(true).open(&last).unwrap().set_len(first as u64).unwrap();
    let error = refused(dir.path(), &["are lost"]);
    assert!(matches!(error, LogError::Damaged { kind: DamageKind::Lost { .. }, .. }), "{error}");
}

/// A ledger of several volumes, the older of them sealed, closed in good order.
fn sealed() -> (TempDir, Vec<PathBuf>) {
    let dir = tempfile::tempdir().unwrap();
    let sealing = || Config { seal_volumes: true, ..config(dir.path()) };
    let ledger = Ledger::open(sealing()).unwrap();
    let mut feed = ledger.views().subscribe(None).unwrap();
    log_in(&ledger, 150);
    // The ledger says so itself: an event for each volume.
    let mut told = 0;
    while told < 2 {
        let Next::Told(delivery) = feed.next_blocking(PATIENCE) else { panic!("no volume was sealed") };
        told += delivery
            .events()
            .iter()
            .filter(|told| matches!(told.event(), Event::VolumeSealed { .. }))
            .count();
    }
    drop(feed);
    ledger.close();
    let files = fs::read_dir(dir.path().join("volumes")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|word| word == "sealed")).collect();
    files.sort();
    assert!(files.len() >= 2, "{files:?}");
    Ledger::open(sealing()).unwrap().close();
    (dir, files)
}

#[test]
fn a_missing_sealed_file_is_named() {
    let (dir, files) = sealed();
    fs::remove_file(&files[1]).unwrap();
    let error = refused(dir.path(), &["volume `2`", "missing"]);
    assert!(matches!(error, LogError::VolumeMissing { volume: 2, .. }), "{error}");
}

#[test]
fn a_cut_sealed_file_is_named() {
    let (dir, files) = sealed();
    let length = fs::metadata(&files[0]).unwrap().len();
    fs::File::options().write(true).open(&files[0]).unwrap().set_len(length - 1).unwrap();
    let error = refused(dir.path(), &["volume `1`"]);
    assert!(matches!(error, LogError::Damaged { volume: 1, .. }), "{error}");
}

#[test]
fn a_sealed_file_in_the_place_of_another_is_named() {
    let (dir, files) = sealed();
    fs::copy(&files[1], &files[0]).unwrap();
    let error = refused(dir.path(), &["volume `1`"]);
    assert!(matches!(error, LogError::Damaged { volume: 1, .. }), "{error}");
}

/// Not a test of its own: holds a directory open until its standard input ends.
#[test]
fn holder() {
    let Ok(dir) = std::env::var(HOLD) else { return };
    let ledger = Ledger::open(config(Path::new(&dir))).unwrap();
    println!("held");
    std::io::stdout().flush().unwrap();
    std::io::stdin().lines().for_each(drop);
    ledger.close();
}

#[test]
fn a_directory_held_by_another_process_names_it() {
    let dir = closed();
    let mut holder = Process::new(std::env::current_exe().unwrap())
        .args(["--exact", "holder", "--nocapture"])
        .env(HOLD, dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Kept to the end: the holder talks on.
    let mut talk = BufReader::new(holder.stdout.take().unwrap());
    let mut line = String::new();
    while !line.trim_end().ends_with("held") {
        line.clear();
        assert!(talk.read_line(&mut line).unwrap() > 0, "the holder opened it");
    }
    let error = refused(dir.path(), &["served by pid"]);
    assert!(matches!(error, LogError::Locked { pid, .. } if pid == holder.id()), "{error}");
    drop(holder.stdin.take());
    std::io::copy(&mut talk, &mut std::io::sink()).unwrap();
    assert!(holder.wait().unwrap().success(), "the holder was not disturbed");
    Ledger::open(config(dir.path())).expect("free again").close();
}

#[test]
fn a_read_only_place_is_refused_as_read_only() {
    // Root writes everywhere but on a file system that nobody can write to.
    let path = Path::new("/sys/sledger-test");
    if !Path::new("/sys/kernel").exists() {
        println!("skipped: a_read_only_place_is_refused_as_read_only: no /sys on this machine");
        return;
    }
    let error = Ledger::open(config(path)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("/sys/sledger-test"), "{text}");
    assert!(matches!(error, OpenError::Log(LogError::ReadOnly { .. })), "{text}");
}

#[test]
fn a_read_only_directory_is_refused_and_nothing_recorded_is_touched() {
    let dir = closed();
    let Some(_mount) = Mount::bind_read_only(dir.path()) else {
        println!(
            "skipped: a_read_only_directory_is_refused_and_nothing_recorded_is_touched: no right to mount"
        );
        return;
    };
    let error = refused(dir.path(), &["read-only"]);
    assert!(matches!(error, LogError::ReadOnly { .. }), "{error}");
    assert!(sledger_log::verify(dir.path()).unwrap().problems.is_empty(), "reading needs no right to write");
}

/// A mount of our own, in a folder of our own; gone with this value.
struct Mount(PathBuf);

impl Mount {
    fn bind_read_only(dir: &Path) -> Option<Self> {
        run("mount", &["--bind", dir.to_str()?, dir.to_str()?])?;
        let mount = Self(dir.to_owned());
        run("mount", &["-o", "remount,bind,ro", dir.to_str()?])?;
        Some(mount)
    }

    fn tmpfs(dir: &Path, bytes: u64) -> Option<Self> {
        run("mount", &["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs", dir.to_str()?])?;
        Some(Self(dir.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // What cannot be unmounted goes with the machine: the path is in a temporary folder.
        let _left = run("umount", &["-l", self.0.to_str().unwrap_or_default()]);
    }
}

fn run(program: &str, args: &[&str]) -> Option<()> {
    let output = Process::new(program).args(args).output().ok()?;
    output.status.success().then_some(())
}

#[test]
fn a_full_disk_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_mount) = Mount::tmpfs(dir.path(), 4 << 20) else {
        println!("skipped: a_full_disk_is_refused_before_anything_is_written: no right to mount");
        return;
    };
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    let error = refused(&data, &["bytes free", "needs"]);
    assert!(matches!(error, LogError::NoSpace { .. }), "{error}");
}

#[test]
fn a_disk_that_fills_up_poisons_and_keeps_what_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_mount) = Mount::tmpfs(dir.path(), 160 << 20) else {
        println!("skipped: a_disk_that_fills_up_poisons_and_keeps_what_was_answered: no right to mount");
        return;
    };
    let data = dir.path().join("data");
    let mut config = config(&data);
    config.volume_bytes_max = 256 << 10;
    let ledger = Ledger::open(config.clone()).unwrap();
    log_in(&ledger, 5);
    // Somebody else takes all that is left.
    fill(&dir.path().join("other"));
    let mut yes = 5;
    let refusal = loop {
        match ledger.submit(login(yes)).and_then(|ticket| ticket.wait_for(PATIENCE)) {
            Ok(answer) => assert_eq!(answer.outcome, Outcome::Admitted),
            Err(failure) => break failure,
        }
        yes += 1;
        assert!(yes < 1_000_000, "the disk never fills up");
    };
    assert!(refusal.to_string().contains("unknown"), "{refusal}");
    assert!(ledger.poisoned().is_some());
    drop(ledger);
    fs::remove_file(dir.path().join("other")).unwrap();
    let state = sledger_replay::history::fold(&data, |_| {}).unwrap();
    let left = state.session_count();
    assert!(left == yes || left == yes + 1, "{yes} were told yes, {left} are there");
}

fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    let chunk = vec![1; 64 << 10];
    while file.write_all(&chunk).is_ok() {}
    while file.write_all(&[1]).is_ok() {}
}

/// Every write behind it fails as on a full disk.
struct Full;

impl Probe for Full {
    fn at(&self, _point: &'static str) {}

    fn fail(&self, point: &'static str) -> Option<String> {
        (point == "append.before_insert").then(|| "no space left on device".to_owned())
    }
}

#[test]
fn a_start_that_cannot_be_recorded_is_refused_and_nothing_recorded_is_lost() {
    let dir = closed();
    let before = sledger_log::verify(dir.path()).unwrap();
    let mut config = config(dir.path());
    config.probe = Some(Arc::new(Full));
    let error = Ledger::open(config).unwrap_err();
    assert!(matches!(error, OpenError::Append(_)), "{error}");
    assert!(error.to_string().contains("no space left on device"), "{error}");
    let after = sledger_log::verify(dir.path()).unwrap();
    assert_eq!((after.head, after.problems), (before.head, Vec::new()));
}
