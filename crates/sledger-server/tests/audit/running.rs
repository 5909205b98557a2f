//! Sinks that come, go and stay, and those that are far behind.

use super::support::{
    WANTED, caught_up, file, ledger, login, recorded, refuse_and_evict, seqs, settings, sink, start, until,
};
use sledger::{Config as LedgerConfig, Ledger};
use sledger_server::audit::{AuditError, SINKS_MAX, Surroundings, start_among};
use sledger_wire::config::AuditFormat::{Json, Text};
use sledger_wire::config::AuditTarget;
use std::fs;

#[test]
fn new_sink_begins_with_events_from_now_on() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let ledger = ledger(&data);
    refuse_and_evict(&ledger, "before");
    let head = ledger.durable().0;
    let path = dir.path().join("audit.jsonl");
    let sinks = vec![file(&path, Json, WANTED)];
    let audit = start(&ledger, &sinks, dir.path());
    refuse_and_evict(&ledger, "after");
    caught_up(&audit);
    let found = seqs(&fs::read_to_string(&path).unwrap());
    assert_eq!(found, recorded(&data, WANTED, head));
    assert_eq!(found.len(), 2);
}

#[test]
fn reload_keeps_what_is_the_same_stops_what_is_gone_and_goes_on_where_types_changed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let ledger = ledger(&data);
    let [kept, gone, changed] = ["kept", "gone", "changed"].map(|name| dir.path().join(name));
    let before =
        vec![file(&kept, Json, WANTED), file(&gone, Json, WANTED), file(&changed, Json, &["login.denied"])];
    let audit = start(&ledger, &before, dir.path());
    refuse_and_evict(&ledger, "ann");
    caught_up(&audit);
    audit.replace(&[file(&kept, Json, WANTED), file(&changed, Json, &["session.evicted"])]).unwrap();
    refuse_and_evict(&ledger, "bob");
    caught_up(&audit);
    audit.stop();
    let all = recorded(&data, WANTED, 0);
    let [kept, gone, changed] = [kept, gone, changed].map(|path| seqs(&fs::read_to_string(path).unwrap()));
    assert_eq!(kept, all);
    assert_eq!(gone, all[..2]);
    assert_eq!(changed, [all[0], all[3]], "goes on where it was, with its new types");
    let positions = fs::read_dir(dir.path().join("audit")).unwrap().count();
    assert_eq!(positions, 2, "what is gone is forgotten");
}

#[test]
fn equal_sinks_too_many_and_damaged_positions_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir.path().join("data"));
    let path = dir.path().join("audit.jsonl");
    let refused = |sinks: &[_]| start_among(&ledger, sinks, dir.path(), Surroundings::default()).unwrap_err();
    let twice = refused(&[file(&path, Json, WANTED), file(&path, Text, &["*"])]);
    assert_eq!(twice.to_string(), format!("two audit sinks go to `file:{}`", path.display()));
    let stdout = || sink(AuditTarget::Stdout, Json, WANTED);
    assert!(matches!(refused(&[stdout(), stdout()]), AuditError::Twice { .. }));
    let many = (0..=SINKS_MAX).map(|n| file(&dir.path().join(n.to_string()), Json, WANTED));
    assert!(
        matches!(refused(&many.collect::<Vec<_>>()), AuditError::TooMany { count } if count == SINKS_MAX + 1)
    );
    start(&ledger, &[file(&path, Json, WANTED)], dir.path()).stop();
    let position = fs::read_dir(dir.path().join("audit")).unwrap().next().unwrap().unwrap().path();
    fs::write(&position, "sledger audit position 1\nseq 1\nlast 0\nto x\ncheck 0\n").unwrap();
    let damaged = refused(&[file(&path, Json, WANTED)]);
    let text = "is no position of an audit sink; without it the sink begins with events from now on";
    assert_eq!(damaged.to_string(), format!("`{}` {text}", position.display()));
}

#[test]
fn sink_that_is_ahead_of_the_ledger_goes_on_with_what_comes() {
    for knows_position in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let sinks = [file(&path, Json, WANTED)];
        let first = ledger(&dir.path().join("long"));
        for n in 0..5 {
            refuse_and_evict(&first, &n.to_string());
        }
        let audit = start(&first, &sinks, dir.path());
        refuse_and_evict(&first, "last");
        caught_up(&audit);
        audit.stop();
        if !knows_position {
            fs::remove_dir_all(dir.path().join("audit")).unwrap();
        }
        let second = ledger(&dir.path().join("short"));
        let audit = start(&second, &sinks, dir.path());
        caught_up(&audit);
        refuse_and_evict(&second, "ann");
        until("four lines", || fs::read_to_string(&path).unwrap().lines().count() == 4);
    }
}

/// More than the feed keeps in memory.
fn fill(ledger: &Ledger, count: u32, prefix: &str) {
    let mut caller = ledger.caller(1_024);
    let (mut sent, mut answered) = (0, 0);
    while answered < count {
        while sent < count && caller.in_flight() < 1_024 {
            let name = Some(format!("{prefix}{sent}"));
            let login = sledger::Login { user: name.clone(), session: name, ..sledger::Login::default() };
            let request =
                sledger::Request::new(sledger::Actor::Local, sledger::Command::Login(Box::new(login)));
            caller.submit(request).unwrap();
            sent += 1;
        }
        let (_, completion) = caller.next_within(super::support::PATIENCE).unwrap();
        completion.unwrap();
        answered += 1;
    }
}

#[test]
fn sink_far_behind_gets_everything_from_disk_then_from_memory_without_gap() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let config = || LedgerConfig {
        settings: settings(),
        reserve_bytes: 0,
        snapshot_events: 20_000,
        volume_bytes_max: 4 << 20,
        ..LedgerConfig::new(&data)
    };
    let ledger = Ledger::open(config()).unwrap();
    let path = dir.path().join("audit.jsonl");
    let sinks = vec![file(&path, Json, &["login.denied", "session.evicted", "login.admitted"])];
    let types = ["login.denied", "session.evicted", "login.admitted"];
    start(&ledger, &sinks, dir.path()).stop();
    fill(&ledger, 70_000, "a");
    refuse_and_evict(&ledger, "ann");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| fill(&ledger, 10_000, "b"));
        let audit = start(&ledger, &sinks, dir.path());
        writer.join().unwrap();
        caught_up(&audit);
        audit.stop();
    });
    until("there is a snapshot", || ledger.newest_snapshot().is_some());
    let snapshot = ledger.newest_snapshot().unwrap();
    ledger.close();
    assert_eq!(seqs(&fs::read_to_string(&path).unwrap()), recorded(&data, &types, 0));
    // From a snapshot that lies before the position, and names what is older than it.
    let ledger = Ledger::open(config()).unwrap();
    assert!(snapshot.0 > 20_000);
    login(&ledger, "deny_access ann", "again", "deny_access");
    let audit = start(&ledger, &sinks, dir.path());
    caught_up(&audit);
    audit.stop();
    ledger.close();
    assert_eq!(seqs(&fs::read_to_string(&path).unwrap()), recorded(&data, &types, 0));
}
