//! Datagrams: syslog over UDP, and the journal.

use super::support::{HOSTILE, WANTED, caught_up, fails, ledger, refuse_and_evict, sink, start, syslog};
use sledger_server::audit::{Surroundings, start_among};
use sledger_wire::config::{AuditFormat, AuditTarget, Transport};
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;

#[test]
fn udp_has_one_whole_message_for_each_event() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir.path().join("data"));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(super::support::PATIENCE)).unwrap();
    let audit = start(&ledger, &[syslog(Transport::Udp, socket.local_addr().unwrap(), WANTED)], dir.path());
    refuse_and_evict(&ledger, HOSTILE);
    let mut buffer = vec![0; 65_536];
    let mut messages = (0..2).map(|_| {
        let read = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..read].to_vec()).unwrap()
    });
    let (denied, evicted) = (messages.next().unwrap(), messages.next().unwrap());
    let user = r#"user="deny_access a\]b\"c\\d|e=f\\u{202e}g\\u{2028}h seq=1""#;
    let pid = std::process::id();
    assert!(
        denied.starts_with("<84>1 2") && denied.contains(&format!(" sledger {pid} login.denied [")),
        "{denied}"
    );
    assert!(denied.contains(user) && denied.contains(r#" code="SESSION_QUOTA_EXCEEDED" "#), "{denied}");
    assert!(denied.contains(r"Not again.\nNot <84>1 - today."), "{denied}");
    assert!(evicted.contains(" session.evicted [sledger@32473 seq=\""), "{evicted}");
    caught_up(&audit);
}

#[test]
fn journal_has_one_entry_for_each_event() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir.path().join("data"));
    let journal = dir.path().join("journal");
    let sinks = vec![sink(AuditTarget::Journald, AuditFormat::Text, WANTED)];
    let surroundings = Surroundings { journal: journal.clone(), ..Surroundings::default() };
    let audit = start_among(&ledger, &sinks, dir.path(), surroundings).unwrap();
    fails(&audit);
    refuse_and_evict(&ledger, "ann");
    let socket = UnixDatagram::bind(&journal).unwrap();
    socket.set_read_timeout(Some(super::support::PATIENCE)).unwrap();
    audit.reopen();
    let mut buffer = vec![0; 65_536];
    for kind in WANTED {
        let read = socket.recv(&mut buffer).unwrap();
        let entry = String::from_utf8(buffer[..read].to_vec()).unwrap();
        let fields: Vec<_> = entry.lines().collect();
        assert!(fields[0].starts_with("MESSAGE=2") && fields[0].contains(kind), "{entry}");
        for wanted in [&format!("SLEDGER_TYPE={kind}"), "PRIORITY=4", "SYSLOG_IDENTIFIER=sledger"] {
            assert!(fields.contains(&wanted), "{wanted} in {entry}");
        }
        assert!(entry.contains("\nSLEDGER_USER=de") && entry.contains(" ann\nSLEDGER_SESSION="), "{entry}");
    }
    caught_up(&audit);
}
