//! What a sealed ledger leaves on the disk, before and after somebody is erased.

use sledger::core::command::{Keep, Target};
use sledger::core::config::{Quota, Settings};
use sledger::core::{Limit, Seq};
use sledger::log::{Mention, Reader};
use sledger::projector::Projection;
use sledger::{Actor, Answer, Command, Config, EraseError, Ledger, Login, OpenError, Outcome, Request};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const ANN: &str = "zebra-quagga";
const BOB: &str = "bob-barbirusa";
/// What is personal about one of them.
const PERSONAL: [&str; 4] = [ANN, "okapi-session", "203.0.113.77", "narwhal-phone"];
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn config(dir: &Path) -> Config {
    let quota = Quota {
        on_exhausted: "deny_access".to_owned(),
        max_sessions: Limit::at_most(2).unwrap(),
        ..Quota::default_quota()
    };
    Config {
        reserve_bytes: 0,
        seal_personal: true,
        settings: Settings { quotas: vec![Arc::new(quota)], ..Settings::default() },
        ..Config::new(dir)
    }
}

/// Small volumes, so that some are sealed, and many snapshots.
fn busy(dir: &Path) -> Config {
    Config { volume_bytes_max: 32 * 1024, snapshot_events: 50, ..config(dir) }
}

pub(crate) fn ask(ledger: &Ledger, command: Command) -> Box<Answer> {
    ledger.submit(Request::new(Actor::Local, command)).unwrap().wait_for(PATIENCE).unwrap()
}

pub(crate) fn login(ledger: &Ledger, user: &str, session: &str) -> Box<Answer> {
    let login = Login {
        user: Some(user.into()),
        session: Some(session.into()),
        ip: Some("203.0.113.77".into()),
        attributes: vec![("device".into(), "narwhal-phone".into())],
        ..Login::default()
    };
    ask(ledger, Command::Login(Box::new(login)))
}

/// The files below `dir` that hold one of `words`.
fn holding(dir: &Path, words: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    // What is sealed or published meanwhile may go while it is looked at.
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, words));
            continue;
        }
        let Ok(bytes) = fs::read(&path) else { continue };
        let holds = |word: &&&str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
        found.extend(words.iter().filter(holds).map(|word| (path.clone(), (*word).to_owned())));
    }
    found
}

fn count(dir: &Path, extension: &str) -> usize {
    let entries = fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|found| found == extension)).count()
}

/// A day of logins, denials, ends, notes: all that is written about a person.
fn day(ledger: &Ledger) {
    for n in 0..120 {
        let user = if n % 3 == 0 { ANN.to_owned() } else { format!("{BOB}-{n}") };
        let session = format!("okapi-session-{n}");
        login(ledger, &user, &session);
        if n % 6 == 0 {
            let target = Target { session: Some(session), ..Target::default() };
            ask(ledger, Command::Logout(target));
        }
    }
    let note = Keep::Note { about: format!("user:{ANN}"), text: format!("{ANN} rang") };
    assert_eq!(ask(ledger, Command::Keep(Box::new(note))).outcome, Outcome::Configured);
}

#[test]
fn nothing_personal_ever_stands_on_the_disk_in_the_clear() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let ledger = Ledger::open(busy(dir.path())).unwrap();
        day(&ledger);
        assert_eq!(holding(dir.path(), &PERSONAL), [], "while it runs");
        ledger.close();
    }
    assert!(count(&dir.path().join("volumes"), "sealed") > 0, "a volume is sealed");
    assert!(count(&dir.path().join("snapshots"), "snap") > 0, "a snapshot is there");
    assert_eq!(holding(dir.path(), &PERSONAL), []);
    let reader = Reader::open(dir.path()).unwrap();
    let sealed = reader.volumes().find(|volume| volume.sealed.is_some()).unwrap().no;
    let may = |name| reader.may_mention(sealed, &[Mention::Name(name)]).unwrap();
    assert!(may(ANN) && may("nobody"), "a filter knows no names");
}

#[test]
fn plain_ledger_does_hold_them_and_says_why_nobody_can_be_erased() {
    let dir = tempfile::tempdir().unwrap();
    let plain = || Config { seal_personal: false, ..busy(dir.path()) };
    let ledger = Ledger::open(plain()).unwrap();
    day(&ledger);
    let refused = ledger.erase(ANN, "asked", Actor::Local).unwrap_err();
    assert!(matches!(refused, EraseError::NotSealed), "{refused}");
    ledger.close();
    assert!(!holding(dir.path(), &PERSONAL).is_empty(), "the search finds what is there");
    let other = Ledger::open(busy(dir.path())).unwrap_err();
    assert!(matches!(other, OpenError::SealFixed { sealed: false }), "{other}");
    assert!(!dir.path().join("keys").exists());
    Ledger::open(plain()).unwrap().close();
}

#[test]
fn erased_person_is_gone_from_views_and_comes_back_as_somebody_new() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(busy(dir.path())).unwrap();
    day(&ledger);
    let before = ledger.views().read(Projection::session_count).unwrap();
    let known = |ledger: &Ledger| {
        ledger.views().read(|views| {
            let theirs = views.tombstones().filter(|tombstone| tombstone.facts.user() == ANN).count();
            (views.active(ANN), theirs)
        })
    };
    let (active, tombstones) = known(&ledger).unwrap();
    assert!(active == 2 && tombstones > 0);
    let erased = ledger.erase(ANN, "as asked", Actor::Local).unwrap();
    assert_eq!((erased.ended, erased.snapshots_removed), (2, true));
    assert_eq!(known(&ledger).unwrap(), (0, 0));
    assert_eq!(ledger.views().read(Projection::session_count).unwrap(), before - 2);
    assert!(matches!(ledger.erase(ANN, "again", Actor::Local), Err(EraseError::Unknown)));
    assert!(matches!(ledger.erase("never-there", "", Actor::Local), Err(EraseError::Unknown)));
    assert_eq!(login(&ledger, ANN, "okapi-session-new").outcome, Outcome::Admitted);
    ledger.close();
    let ledger = Ledger::open(busy(dir.path())).unwrap();
    assert_eq!(known(&ledger).unwrap(), (1, 0));
    assert_eq!(ledger.erase(ANN, "once more", Actor::Local).unwrap().ended, 1);
    ledger.close();
    assert_eq!(holding(dir.path(), &PERSONAL), []);
    assert!(sledger_log::verify(dir.path()).unwrap().problems.is_empty());
}

#[test]
fn hold_stands_in_the_way_of_an_erasure_until_it_is_released() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(dir.path())).unwrap();
    login(&ledger, ANN, "okapi-session");
    let (name, reason) = ("case-7".to_owned(), "court".to_owned());
    ask(&ledger, Command::Keep(Box::new(Keep::Hold { name: name.clone(), reason })));
    let refused = ledger.erase(ANN, "asked", Actor::Local).unwrap_err().to_string();
    assert!(refused.contains("case-7") && refused.contains("nothing is erased"), "{refused}");
    assert_eq!(ledger.views().read(|views| views.active(ANN)).unwrap(), 1);
    ask(&ledger, Command::Keep(Box::new(Keep::Release { name })));
    ledger.erase(ANN, "asked", Actor::Local).unwrap();
    ledger.close();
}

#[test]
fn without_its_keys_a_ledger_is_read_sealed_and_not_served() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(dir.path())).unwrap();
    login(&ledger, ANN, "okapi-session");
    ledger.close();
    let (keys, aside) = (dir.path().join("keys"), dir.path().join("keys-elsewhere"));
    fs::rename(&keys, &aside).unwrap();
    let refused = Ledger::open(config(dir.path())).unwrap_err().to_string();
    assert!(refused.contains("keys/ring") && refused.contains("put back"), "{refused}");
    let reader = Reader::open(dir.path()).unwrap();
    assert!(reader.keys_missing().is_some_and(|reason| reason.contains("missing")));
    let text = format!(
        "{:?}",
        reader
            .blocks(Seq(1))
            .flat_map(|block| { block.unwrap().decisions().map(Result::unwrap).collect::<Vec<_>>() })
            .collect::<Vec<_>>()
    );
    assert!(text.contains("Sealed {") && !text.contains(ANN), "{text}");
    fs::rename(&aside, &keys).unwrap();
    // One slot lost: whose sessions are live is not served as if nothing were.
    let slots = keys.join("slots");
    let mut bytes = fs::read(&slots).unwrap();
    let last = bytes.len() - 20;
    bytes[last] ^= 1;
    fs::write(&slots, bytes).unwrap();
    let refused = Ledger::open(config(dir.path())).unwrap_err();
    assert!(matches!(refused, OpenError::KeysLost { sessions: 1 }), "{refused}");
    // Given up, they end, and the ledger goes on.
    let ledger = Ledger::open(Config { give_up_sealed: true, ..config(dir.path()) }).unwrap();
    assert_eq!(ledger.views().read(Projection::session_count).unwrap(), 0);
    assert_eq!(login(&ledger, ANN, "okapi-session").outcome, Outcome::Admitted);
    ledger.close();
    let ledger = Ledger::open(config(dir.path())).unwrap();
    assert_eq!(ledger.views().read(|views| views.active(ANN)).unwrap(), 1);
    ledger.close();
}
