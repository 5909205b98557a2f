use super::*;
use crate::open::{self, Found};
use crate::{Answer, Ledger, Outcome};
use sledger_core::command::{Actor, Command, Login, Request, Target};
use sledger_core::log::Log as _;
use sledger_core::snapshot::SNAPSHOT_REVISION;
use sledger_log::{Meta, Probe, SNAPSHOT_POINTS, SnapshotAbout};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, mpsc};

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tells of each point of a snapshot, and fails at one.
struct Points {
    reached: mpsc::Sender<&'static str>,
    fails_at: &'static str,
}

impl Probe for Points {
    fn at(&self, point: &'static str) {
        if SNAPSHOT_POINTS.contains(&point) {
            // Nobody listens any more at the end of a test.
            let _gone = self.reached.send(point);
        }
    }

    fn fail(&self, point: &'static str) -> Option<String> {
        (point == self.fails_at).then(|| "no room".to_owned())
    }
}

fn config(dir: &Path, snapshot_events: u64) -> Config {
    Config { reserve_bytes: 0, snapshot_events, seed: 7, ..Config::new(dir) }
}

fn watched(dir: &Path, fails_at: &'static str) -> (Config, mpsc::Receiver<&'static str>) {
    let (reached, points) = mpsc::channel();
    let probe: Arc<dyn Probe> = Arc::new(Points { reached, fails_at });
    (Config { probe: Some(probe), ..config(dir, 40) }, points)
}

fn wait_for(points: &mpsc::Receiver<&'static str>, point: &str) {
    while points.recv_timeout(PATIENCE).unwrap() != point {}
}

fn ask(ledger: &Ledger, id: &str, command: Command) -> Box<Answer> {
    let request = Request { command_id: Some(id.to_owned()), ..Request::new(Actor::Local, command) };
    ledger.submit(request).unwrap().wait_for(PATIENCE).unwrap()
}

fn login(user: u32, session: u32) -> Command {
    let login = Login {
        user: Some(format!("user-{user}")),
        session: Some(format!("session-{session}")),
        ip: Some(format!("10.0.0.{}", user % 7)),
        ..Login::default()
    };
    Command::Login(Box::new(login))
}

/// Logins of which some evict others, logouts, resumes: about two events for each number.
fn live(ledger: &Ledger, numbers: std::ops::Range<u32>) {
    for n in numbers {
        ask(ledger, &format!("login-{n}"), login(n % 5, n));
        if n % 3 == 0 {
            let target = Target { session: Some(format!("session-{n}")), user: None, generation: None };
            ask(ledger, &format!("logout-{n}"), Command::Logout(target));
        } else if n % 4 == 1 {
            ask(ledger, &format!("again-{n}"), login(n % 5, n));
        }
    }
}

/// What a kill leaves: the directory as it is while nobody waits for anything. A snapshot may be under way all the same:
/// where a file goes while it is copied, all is copied anew.
fn killed(from: &Path, to: &Path) {
    while let Err(error) = copied(from, to) {
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
        fs::remove_dir_all(to).unwrap();
    }
}

fn copied(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

fn found(dir: &Path, snapshot_events: u64) -> Found {
    open::open(&config(dir, snapshot_events)).unwrap()
}

/// The digest after folding everything.
fn folded(dir: &Path) -> [u8; 32] {
    found(dir, 0).state.digest()
}

/// A ledger that was killed some events after its second snapshot, or later.
fn lived(place: &Path) -> std::path::PathBuf {
    let (config, points) = watched(&place.join("running"), "");
    let ledger = Ledger::open(config).unwrap();
    for round in 0..2 {
        live(&ledger, round * 60..round * 60 + 60);
        wait_for(&points, "snapshot.removed_old");
    }
    live(&ledger, 900..905);
    let dir = place.join("killed");
    killed(&place.join("running"), &dir);
    dir
}

#[test]
fn a_ledger_opened_after_a_kill_is_the_same_with_and_without_snapshots() {
    let place = tempfile::tempdir().unwrap();
    let dir = lived(place.path());
    let found = found(&dir, 40);
    let seq = found.recovery.snapshot.unwrap();
    assert_eq!(found.recovery.ignored, []);
    assert_eq!(seq.0 + found.recovery.folded, found.state.seq().0);
    assert!(found.recovery.folded > 0 && found.recovery.folded < seq.0, "only the tail was folded");
    assert_eq!(found.state.seq(), found.log.head().seq);
    assert!(found.state.tombstones().count() > 20);
    let digest = found.state.digest();
    drop(found);
    assert_eq!(digest, folded(&dir));
}

#[test]
fn command_ids_are_remembered_and_ended_sessions_known_over_a_snapshot() {
    let place = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(&lived(place.path()), 40)).unwrap();
    assert!(ledger.recovery().unwrap().snapshot.is_some());
    assert_eq!(ledger.newest_snapshot(), ledger.recovery().unwrap().snapshot);
    let again = ask(&ledger, "login-7", login(2, 7));
    assert!(again.repeated, "[14]");
    assert_eq!((again.outcome, again.seq), (Outcome::Admitted, again.session.as_ref().map(|s| s.number)));
    assert!(ledger.views().read(|now| now.tombstone("session-3").is_some()).unwrap(), "[16]");
    live(&ledger, 2_000..2_010);
    ledger.close();
}

#[test]
fn a_damaged_snapshot_is_passed_over_for_the_one_before_and_then_for_the_log() {
    let place = tempfile::tempdir().unwrap();
    let dir = lived(place.path());
    let digest = folded(&dir);
    let log = found(&dir, 40);
    let store = Store::new(&dir, log.log.meta(), None);
    drop(log);
    let [newest, before] = store.list().unwrap()[..] else { panic!("two are kept") };
    let mut bytes = fs::read(store.path(newest)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(store.path(newest), &bytes).unwrap();
    let one = found(&dir, 40);
    assert_eq!(one.recovery.snapshot, Some(before));
    assert_eq!(one.recovery.ignored[0].path, store.path(newest));
    assert_eq!(one.recovery.ignored[0].reason, "it was changed: the check of its frames does not match");
    assert_eq!(one.state.digest(), digest);
    drop(one);
    fs::write(store.path(before), &bytes[..100]).unwrap();
    let none = found(&dir, 40);
    assert_eq!((none.recovery.snapshot, none.recovery.ignored.len()), (None, 2));
    assert_eq!(none.recovery.folded, none.state.seq().0);
    assert_eq!(none.state.digest(), digest);
}

/// Opens `dir` with one more snapshot, and gives the reason for which it is passed over.
fn reason(dir: &Path, of: &Meta, about: SnapshotAbout, end: SnapshotEnd) -> String {
    let store = Store::new(dir, of, None);
    let writer = store.begin(about).unwrap();
    let path = store.publish(writer, &end).unwrap();
    let digest = folded(dir);
    let found = found(dir, 40);
    fs::remove_file(&path).unwrap();
    assert_eq!(found.state.digest(), digest);
    assert_eq!(found.recovery.ignored[0].path, path);
    found.recovery.ignored[0].reason.clone()
}

#[test]
fn a_snapshot_that_does_not_belong_here_is_passed_over_and_said_so() {
    let place = tempfile::tempdir().unwrap();
    let dir = lived(place.path());
    let found = found(&dir, 40);
    let (meta, head) = (found.log.meta().clone(), found.log.head());
    drop(found);
    let (seq, at) = (head.seq, head.at);
    let about = SnapshotAbout {
        revision: SNAPSHOT_REVISION,
        rules: sledger_core::event::RULES_REVISION,
        ledger: meta.ledger,
        partition: meta.partition,
        seq,
        at,
    };
    let end = SnapshotEnd { head, through: seq };
    let foreign = Meta { ledger: sledger_log::LedgerId([9; 16]), ..meta.clone() };
    let abroad = SnapshotAbout { ledger: foreign.ledger, ..about };
    assert_eq!(reason(&dir, &foreign, abroad, end), format!("it belongs to ledger `{}`", foreign.ledger));
    let newer = SnapshotAbout { revision: 99, ..about };
    let said = "its rows have revision `99`; this program reads `2`";
    assert_eq!(reason(&dir, &meta, newer, end), said);
    let ruled = SnapshotAbout { rules: 99, ..about };
    let said = "it was folded by rules of revision `99`; those of this program are `1`";
    assert_eq!(reason(&dir, &meta, ruled, end), said);
    let early = SnapshotEnd { through: seq.next(), ..end };
    let said = format!("it needs the log up to seq `{}`, which ends at `{seq}`", seq.next());
    assert_eq!(reason(&dir, &meta, about, early), said);
    let (future, beyond) = (seq.plus(500), Head { seq: seq.plus(500), ..head });
    let said = format!("it needs the log up to seq `{future}`, which ends at `{seq}`");
    let about_future = SnapshotAbout { seq: future, ..about };
    assert_eq!(reason(&dir, &meta, about_future, SnapshotEnd { head: beyond, through: future }), said);
    let otherwise = SnapshotEnd { head: Head { hash: [1; 32], ..head }, ..end };
    let said = format!("no block of the log ends at seq `{seq}` with the hash that it names");
    assert_eq!(reason(&dir, &meta, about, otherwise), said);
    // Whole, and with nothing in it.
    assert_eq!(reason(&dir, &meta, about, end), "its frames are not in order");
}

#[test]
fn whatever_step_of_a_snapshot_fails_the_ledger_goes_on_and_opens_again() {
    for point in SNAPSHOT_POINTS {
        let place = tempfile::tempdir().unwrap();
        let (config, points) = watched(place.path(), point);
        let ledger = Ledger::open(config).unwrap();
        live(&ledger, 0..60);
        wait_for(&points, point);
        live(&ledger, 60..70);
        assert_eq!(ledger.poisoned(), None, "{point}");
        ledger.close();
        let found = found(place.path(), 40);
        let digest = found.state.digest();
        drop(found);
        assert_eq!(digest, folded(place.path()), "{point}");
    }
}

#[test]
fn a_ledger_killed_at_any_step_of_a_snapshot_opens_as_it_was() {
    for (point, kept) in SNAPSHOT_POINTS.into_iter().zip([0, 0, 1, 1]) {
        let place = tempfile::tempdir().unwrap();
        let (running, dir) = (place.path().join("running"), place.path().join("killed"));
        let (reached, copied) = (mpsc::channel(), mpsc::channel::<()>());
        let probe = Holds { point, reached: Mutex::new(reached.0), copied: Mutex::new(copied.1) };
        let config = Config { probe: Some(Arc::new(probe)), ..config(&running, 40) };
        let ledger = Ledger::open(config).unwrap();
        // Dropped before the ledger: a test that fails lets the thread go.
        let held = copied.0;
        live(&ledger, 0..60);
        reached.1.recv_timeout(PATIENCE).unwrap();
        // The thread is held there; the ledger is not, however many snapshots are due meanwhile.
        live(&ledger, 60..400);
        killed(&running, &dir);
        drop(held);
        let found = found(&dir, 40);
        assert_eq!(usize::from(found.recovery.snapshot.is_some()), kept, "{point}");
        assert_eq!(found.recovery.ignored, [], "{point}");
        let digest = found.state.digest();
        drop(found);
        assert_eq!(digest, folded(&dir), "{point}");
        ledger.close();
    }
}

/// Holds the thread that writes snapshots at one point until `copied` is dropped.
struct Holds {
    point: &'static str,
    reached: Mutex<mpsc::Sender<()>>,
    copied: Mutex<mpsc::Receiver<()>>,
}

impl Probe for Holds {
    fn at(&self, point: &'static str) {
        if point == self.point {
            let _gone = self.reached.lock().unwrap().send(());
            let _let_go = self.copied.lock().unwrap().recv();
        }
    }
}

#[test]
fn a_close_leaves_a_snapshot_where_there_is_enough_in_it() {
    let place = tempfile::tempdir().unwrap();
    let long = place.path().join("long");
    let ledger = Ledger::open(config(&long, 1_000)).unwrap();
    live(&ledger, 0..80);
    ledger.close();
    let digest = folded(&long);
    let closed = found(&long, 1_000);
    assert_eq!((closed.recovery.folded, closed.recovery.ignored.len()), (0, 0), "it holds the very end");
    assert_eq!(closed.state.digest(), digest);
    let short = place.path().join("short");
    let ledger = Ledger::open(config(&short, 1_000)).unwrap();
    live(&ledger, 0..3);
    ledger.close();
    assert!(!short.join("snapshots").exists());
}

#[test]
fn without_snapshots_none_are_written_or_read() {
    let place = tempfile::tempdir().unwrap();
    let dir = lived(place.path());
    let found = found(&dir, 0);
    assert_eq!((found.recovery.snapshot, found.recovery.ignored.len()), (None, 0));
    drop(found);
    let plain = place.path().join("plain");
    let ledger = Ledger::open(config(&plain, 0)).unwrap();
    live(&ledger, 0..60);
    ledger.close();
    assert!(!plain.join("snapshots").exists());
}

#[test]
fn too_little_room_on_the_disk_writes_no_snapshot_and_stops_nobody() {
    let place = tempfile::tempdir().unwrap();
    let config = Config { reserve_bytes: 1, ..config(place.path(), 40) };
    let (jobs, thread) = {
        let log = open::open(&config).unwrap().log;
        let store = Store::new(place.path(), log.meta(), None);
        thread::start(store, u64::MAX, Arc::default()).unwrap()
    };
    let mut decider =
        Decider::new(open::empty(7).unwrap(), Timed::default(), sledger_core::config::Bounds::default());
    let beginning = decider.snapshot().begin();
    jobs.send(Job::Begin(Box::new(beginning))).unwrap();
    let slice = decider.snapshot().slice(9).unwrap();
    jobs.send(Job::Slice(Box::new(slice))).unwrap();
    jobs.send(Job::End(SnapshotEnd { head: Head::default(), through: Seq(0) })).unwrap();
    drop(jobs);
    thread.join().unwrap();
    assert!(!place.path().join("snapshots").exists());
}
