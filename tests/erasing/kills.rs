//! Kills in the middle of an erasure: the directory is copied at each point on the way, and opened as after a kill.

use super::disk::{ask, config, login};
use sledger::core::Seq;
use sledger::core::command::Target;
use sledger::core::event::Event;
use sledger::log::{KEY_POINTS, POINTS, Probe, Reader};
use sledger::{Actor, Command, Config, EraseError, Ledger};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Copies the ledger at each point that is reached while it is armed.
struct Copier {
    from: PathBuf,
    to: PathBuf,
    armed: AtomicBool,
    taken: Mutex<Vec<(&'static str, PathBuf)>>,
}

impl Probe for Copier {
    fn at(&self, point: &'static str) {
        if !self.armed.load(Ordering::SeqCst) {
            return;
        }
        let mut taken = self.taken.lock().unwrap();
        let to = self.to.join(format!("{:03}-{point}", taken.len()));
        copy(&self.from, &to);
        taken.push((point, to));
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// What the log says: events, and whether somebody was erased.
fn told(dir: &Path) -> (Vec<String>, bool) {
    let mut events = Vec::new();
    let mut erased = false;
    for block in Reader::open(dir).unwrap().blocks(Seq(1)) {
        for decision in block.unwrap().decisions() {
            for event in decision.unwrap().events {
                erased |= matches!(event, Event::UserErased { .. });
                events.push(format!("{event:?}"));
            }
        }
    }
    (events, erased)
}

/// The secrets of all slots that a ring of keys holds.
fn slots(dir: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(dir.join("keys/slots")).unwrap();
    bytes.chunks(64).map(|slot| slot.get(16..48).unwrap().to_vec()).collect()
}

/// Runs `act` on a ledger where ann and bob are in; the copies of it taken meanwhile.
fn copies(folder: &Path, act: impl FnOnce(&Ledger)) -> Vec<(&'static str, PathBuf)> {
    let from = folder.join("ledger");
    let copier = Arc::new(Copier {
        from: from.clone(),
        to: folder.join("copies"),
        armed: AtomicBool::new(false),
        taken: Mutex::default(),
    });
    let probe: Arc<dyn Probe> = copier.clone();
    let ledger = Ledger::open(Config { probe: Some(probe), ..config(&from) }).unwrap();
    login(&ledger, "ann", "a1");
    login(&ledger, "ann", "a2");
    login(&ledger, "bob", "b1");
    copier.armed.store(true, Ordering::SeqCst);
    act(&ledger);
    copier.armed.store(false, Ordering::SeqCst);
    ledger.close();
    let taken = std::mem::take(&mut *copier.taken.lock().unwrap());
    for point in KEY_POINTS.iter().chain(POINTS.iter().filter(|point| point.starts_with("append"))) {
        assert!(taken.iter().any(|(at, _)| at == point), "{point} was reached");
    }
    taken
}

fn active(ledger: &Ledger, user: &str) -> u32 {
    ledger.views().read(|views| views.active(user)).unwrap()
}

#[test]
fn kill_at_any_point_of_an_erasure_leaves_it_undone_or_makes_it_good() {
    let folder = tempfile::tempdir().unwrap();
    let taken = copies(folder.path(), |ledger| {
        ledger.erase("ann", "asked", Actor::Local).unwrap();
    });
    let (mut undone, mut made_good) = (0, 0);
    for (point, dir) in taken {
        let (_, erased) = told(&dir);
        let secret = slots(&dir)[2].clone();
        let had_key = secret != [0; 32];
        let ledger = Ledger::open(config(&dir)).unwrap();
        let has_key = slots(&dir)[2] != [0; 32];
        assert_eq!(has_key, !erased, "{point}: the event and the key go together");
        assert_eq!(active(&ledger, "ann"), if erased { 0 } else { 2 }, "{point}");
        assert_eq!(active(&ledger, "bob"), 1, "{point}");
        undone += u32::from(!erased);
        made_good += u32::from(erased && had_key);
        // Asking again, as whoever got no answer does, ends the same.
        match ledger.erase("ann", "asked", Actor::Local) {
            Ok(done) => assert!(!erased && done.ended == 2, "{point}"),
            Err(error) => assert!(erased && matches!(error, EraseError::Unknown), "{point}: {error}"),
        }
        ledger.close();
        let bytes = fs::read(dir.join("keys/slots")).unwrap();
        assert!(!bytes.windows(32).any(|window| had_key && window == secret), "{point}: the key is gone");
        assert!(told(&dir).1, "{point}");
    }
    assert!(undone > 0 && made_good > 0, "{undone} were undone, {made_good} made good");
}

#[test]
fn kill_between_a_key_and_its_first_block_leaves_a_key_that_is_used_later() {
    let folder = tempfile::tempdir().unwrap();
    let taken = copies(folder.path(), |ledger| {
        login(ledger, "eve", "e1");
    });
    let mut early = 0;
    for (point, dir) in taken {
        let before = slots(&dir).len();
        let ledger = Ledger::open(config(&dir)).unwrap();
        let is_in = active(&ledger, "eve") == 1;
        early += u32::from(before == 5 && !is_in);
        login(&ledger, "eve", "e2");
        assert_eq!(active(&ledger, "eve"), if is_in { 2 } else { 1 }, "{point}");
        ask(&ledger, Command::Logout(Target { session: Some("e2".into()), ..Target::default() }));
        ledger.close();
        assert_eq!(slots(&dir).len(), 5, "{point}: one key a user");
        assert!(told(&dir).0.len() > 5, "{point}");
    }
    assert!(early > 0, "a key was there before its block");
}

#[test]
fn snapshot_taken_before_an_erasure_is_not_read_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("ledger");
    let often = |dir: &Path| Config { snapshot_events: 5, ..config(dir) };
    let ledger = Ledger::open(often(&dir)).unwrap();
    for n in 0..20 {
        login(&ledger, &format!("user-{n}"), &format!("s{n}"));
    }
    ledger.close();
    let old = folder.path().join("old");
    copy(&dir.join("snapshots"), &old);
    assert!(fs::read_dir(&old).unwrap().count() > 0);
    let ledger = Ledger::open(often(&dir)).unwrap();
    assert!(ledger.recovery().unwrap().snapshot.is_some());
    ledger.erase("user-3", "asked", Actor::Local).unwrap();
    ledger.close();
    fs::remove_dir_all(dir.join("snapshots")).unwrap();
    copy(&old, &dir.join("snapshots"));
    let ledger = Ledger::open(often(&dir)).unwrap();
    let recovery = ledger.recovery().unwrap();
    assert_eq!(recovery.snapshot, None);
    let why = &recovery.ignored.first().unwrap().reason;
    assert!(why.contains("sealed under a key that is gone"), "{why}");
    assert_eq!((active(&ledger, "user-3"), active(&ledger, "user-4")), (0, 1));
    ledger.close();
}
