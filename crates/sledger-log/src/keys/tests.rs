use super::*;
use sledger_core::command::{Actor, Ending};
use sledger_core::event::{CommandMark, Event, Judged, Judgement, LoginExtras, LoginOp, Op, PolicyRef};
use sledger_core::{Facts, KeyNo, Limit, Millis, Personal, Texts, UserNo};
use std::os::unix::fs::FileExt;
use tempfile::TempDir;

const LEDGER: LedgerId = LedgerId([7; 16]);

fn ring() -> (TempDir, KeyRing) {
    let dir = tempfile::tempdir().unwrap();
    KeyRing::make(dir.path(), LEDGER).unwrap();
    let ring = KeyRing::take(dir.path(), LEDGER).unwrap();
    (dir, ring)
}

fn again(dir: &TempDir) -> KeyRing {
    KeyRing::take(dir.path(), LEDGER).unwrap()
}

fn facts(user: &str) -> Personal<Arc<Facts>> {
    let texts = Texts { user, session: "session-of-ann", ip: "10.11.12.13", ..Texts::default() };
    Personal::Plain(Arc::new(Facts::new(texts)))
}

fn decision(op: Op, events: Vec<Event>) -> Decision {
    Decision {
        at: Millis(5),
        actor: Actor::Local,
        request_id: None,
        command: None,
        cause: None,
        op,
        judged: Vec::new(),
        events,
    }
}

fn judged() -> Judged {
    Judged {
        quota: 0,
        key: Personal::Plain("ann-key".into()),
        limit: Limit::Unlimited,
        active: 1,
        policy: Some(PolicyRef { name: "deny_access".into(), revision: [1; 4] }),
        answer: Judgement::Allow,
        reason: None,
        told: None,
        notes: Vec::new(),
        line: 0,
        column: 0,
        operations: 0,
        failure: None,
        enforced: true,
    }
}

/// Decisions with every personal value there is.
fn all() -> Vec<Decision> {
    let extras = LoginExtras { end: Ending::Ids(vec!["ann-1".into()]), replaces: Some("ann-2".into()) };
    let login = LoginOp {
        facts: facts("ann"),
        extras: Some(Personal::Plain(extras)),
        ttl: None,
        idle: None,
        retention: None,
    };
    let differed = Event::PolicyDiffered { quota: 0, shadow: Box::new(judged()) };
    let mut first = decision(Op::Login(Box::new(login)), vec![differed]);
    first.judged.push(judged());
    first.command = Some(CommandMark { id: "c-1".into(), mark: [1, 2, 3, 4, 5, 6, 7, 8] });
    let about = |text: &str| Personal::Plain(Box::from(text));
    let events = vec![
        Event::Adopted {
            user: UserNo(1),
            facts: facts("ann"),
            last_active: Millis(1),
            counted: std::iter::empty().collect(),
        },
        Event::DenialsCounted {
            user: Personal::Plain("ann".into()),
            quota: None,
            policy: None,
            code: sledger_core::event::Code::UserBanned,
            first: Millis(1),
            last: Millis(2),
            count: 3,
        },
        Event::OverrideChanged {
            quota: "q".into(),
            selector: about("ann"),
            limit: None,
            until: None,
            reason: None,
        },
        Event::GroupChanged { group: "g".into(), user: about("ann"), member: true },
        Event::NoteAdded { about: about("user:ann"), text: about("ann was here") },
        Event::HistoryRead { what: "timeline".into(), about: about("user:ann") },
    ];
    vec![first, decision(Op::Ledger, events)]
}

fn erasure(key: u64) -> Decision {
    let op = Op::Erase { user: Personal::Plain("ann".into()), keys_from: KeyNo(9) };
    decision(op, vec![Event::UserErased { key, reason: "asked".into() }])
}

#[test]
fn every_personal_value_is_sealed_and_opens_to_what_it_was() {
    let (dir, ring) = ring();
    for plain in all() {
        let sealed = ring.seal(Seq(3), &plain).unwrap();
        let text = format!("{sealed:?}");
        assert!(!text.contains("Plain(") && !text.contains("\"ann") && !text.contains("ann-"), "{text}");
        assert!(plain.command.is_none() || plain.command != sealed.command, "the mark is masked");
        ring.sync().unwrap();
        for ring in [again(&dir), KeyRing::read(dir.path(), LEDGER).unwrap()] {
            let mut opened = sealed.clone();
            ring.open_in(&mut opened);
            assert_eq!(opened, plain);
        }
    }
}

#[test]
fn equal_decisions_at_one_place_seal_to_equal_bytes_and_at_another_to_others() {
    let (_dir, ring) = ring();
    let plain = all().remove(0);
    let sealed = |seq| ring.seal(Seq(seq), &plain).unwrap();
    assert_eq!(sealed(3), sealed(3));
    assert_ne!(format!("{:?}", sealed(3).op), format!("{:?}", sealed(4).op));
}

#[test]
fn destroyed_key_is_gone_from_the_disk_and_its_user_gets_another() {
    let (dir, ring) = ring();
    let plain = all().remove(0);
    let sealed = ring.seal(Seq(3), &plain).unwrap();
    ring.sync().unwrap();
    let key = ring.key_of("ann").unwrap();
    let slots = dir.path().join("keys/slots");
    let secret = std::fs::read(&slots).unwrap()[2 * slots::BYTES + 16..][..32].to_vec();
    let last = ring.seal(Seq(4), &erasure(key)).unwrap();
    assert!(matches!(&last.op, Op::Erase { user: Personal::Sealed { key: by, .. }, .. } if *by == key));
    assert_eq!(ring.key_of("ann"), None, "from here on a new key is drawn");
    let back = ring.seal(Seq(5), &plain).unwrap();
    ring.sync().unwrap();
    let second = ring.key_of("ann").unwrap();
    assert_ne!(key, second);
    assert!(again(&dir).holds(key), "nothing goes before the event is durable");
    ring.wipe().unwrap();
    for ring in [ring, again(&dir), KeyRing::read(dir.path(), LEDGER).unwrap()] {
        let (mut one, mut two, mut three) = (sealed.clone(), back.clone(), last.clone());
        ring.open_in(&mut one);
        ring.open_in(&mut two);
        ring.open_in(&mut three);
        assert!(one.op == sealed.op && three.op == last.op, "sealed for ever");
        assert_eq!(two, plain);
        assert!(!ring.holds(key) && ring.holds(second));
    }
    let bytes = std::fs::read(&slots).unwrap();
    assert!(!bytes.windows(32).any(|window| window == secret), "overwritten in place");
}

#[test]
fn what_a_kill_left_of_a_destroyed_key_is_wiped_by_settling_and_twice_is_as_once() {
    let (dir, ring) = ring();
    let plain = all().remove(0);
    ring.seal(Seq(3), &plain).unwrap();
    ring.sync().unwrap();
    let key = ring.key_of("ann").unwrap();
    ring.seal(Seq(4), &erasure(key)).unwrap();
    ring.seal(Seq(5), &plain).unwrap();
    ring.sync().unwrap();
    let second = ring.key_of("ann").unwrap();
    drop(ring);
    let ring = again(&dir);
    assert_eq!(ring.key_of("ann"), Some(second), "of two the later counts");
    assert_eq!(ring.settle(&[key]).unwrap(), 1);
    assert_eq!((ring.holds(key), ring.key_of("ann")), (false, Some(second)));
    assert_eq!(ring.settle(&[key, 12345]).unwrap(), 0);
    assert_eq!(again(&dir).settle(&[key]).unwrap(), 0);
}

#[test]
fn ring_that_is_missing_foreign_or_changed_is_refused_by_its_file() {
    let (dir, _) = ring();
    let other = KeyRing::take(dir.path(), LedgerId([8; 16])).unwrap_err().to_string();
    assert!(other.contains("keys/ring") && other.contains("belongs to ledger"), "{other}");
    let path = dir.path().join("keys/ring");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("tag = \"", "tag = \"1", 1)).unwrap();
    let changed = KeyRing::read(dir.path(), LEDGER).unwrap_err().to_string();
    assert!(changed.contains("changed or cut"), "{changed}");
    std::fs::remove_file(&path).unwrap();
    let missing = KeyRing::take(dir.path(), LEDGER).unwrap_err().to_string();
    assert!(missing.contains("it is missing") && missing.contains("put back"), "{missing}");
}

#[test]
fn damaged_slot_leaves_what_it_sealed_sealed_and_no_other() {
    let (dir, ring) = ring();
    let [one, two] = ["ann", "bob"].map(|user| {
        let login = LoginOp { facts: facts(user), extras: None, ttl: None, idle: None, retention: None };
        decision(Op::Login(Box::new(login)), vec![Event::LedgerStopped])
    });
    let sealed = [ring.seal(Seq(3), &one).unwrap(), ring.seal(Seq(4), &two).unwrap()];
    ring.sync().unwrap();
    let file = std::fs::File::options().write(true).open(dir.path().join("keys/slots")).unwrap();
    file.write_all_at(&[0xAA], 2 * slots::BYTES as u64 + 20).unwrap();
    let ring = again(&dir);
    assert_eq!(ring.key_of("ann"), None);
    let [mut ann, mut bob] = sealed.clone();
    ring.open_in(&mut ann);
    ring.open_in(&mut bob);
    assert_eq!((ann, bob), (sealed[0].clone(), two));
}

#[test]
fn keys_are_for_their_owner_alone() {
    let (dir, _) = ring();
    let mode = |path: &str| std::fs::metadata(dir.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("keys"), mode("keys/slots"), mode("keys/ring")), (0o700, 0o600, 0o600));
}
