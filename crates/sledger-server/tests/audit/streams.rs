//! Syslog over TCP: framed, at least once, and nobody waits for it.

use super::support::{
    PATIENCE, WANTED, caught_up, fails, ledger, login, recorded, refuse_and_evict, start, syslog, until,
};
use sledger::Outcome;
use sledger_wire::config::Transport;
use std::io::{Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

/// Reads one frame: its count, then so many bytes. `None` at the end.
pub(crate) fn frame(stream: &mut impl Read) -> Option<String> {
    let mut count = 0;
    loop {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap() == 0 {
            return None;
        }
        match byte[0] {
            b' ' => break,
            digit => count = count * 10 + usize::from(digit - b'0'),
        }
    }
    let mut message = vec![0; count];
    stream.read_exact(&mut message).unwrap();
    Some(String::from_utf8(message).unwrap())
}

pub(crate) fn seq(message: &str) -> u64 {
    assert!(message.starts_with("<84>1 "), "{message}");
    let (_, rest) = message.split_once("[sledger@32473 seq=\"").unwrap();
    rest.split('"').next().unwrap().parse().unwrap()
}

fn accepted(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

#[test]
fn tcp_counts_octets_and_a_restart_goes_on_from_the_stored_position() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let sinks = vec![syslog(Transport::Tcp, listener.local_addr().unwrap(), WANTED)];
    let mut found = Vec::new();
    for round in 0..3 {
        let ledger = ledger(&data);
        let audit = start(&ledger, &sinks, &data);
        let mut stream = accepted(&listener);
        refuse_and_evict(&ledger, &format!("during {round}"));
        let reads = std::thread::spawn(move || {
            let mut found = Vec::new();
            while let Some(message) = frame(&mut stream) {
                found.push(seq(&message));
            }
            found
        });
        caught_up(&audit);
        audit.stop();
        found.extend(reads.join().unwrap());
        refuse_and_evict(&ledger, &format!("after {round}"));
        ledger.close();
    }
    let all = recorded(&data, WANTED, 0);
    assert_eq!(found, all[..all.len() - 2], "all but what came after the last stop");
}

#[test]
fn dead_server_delays_no_login_shows_and_misses_nothing_once_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let ledger = ledger(&data);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let audit = start(&ledger, &[syslog(Transport::Tcp, address, WANTED)], dir.path());
    fails(&audit);
    let begun = Instant::now();
    for n in 0..50 {
        refuse_and_evict(&ledger, &n.to_string());
    }
    let took = begun.elapsed();
    assert!(took < PATIENCE / 4, "{took:?}");
    let status = &audit.status()[0];
    assert_eq!(
        (status.to.clone(), status.behind >= 200),
        (format!("syslog+tcp://{address}"), true),
        "{status:?}"
    );
    assert!(
        status.failing.as_ref().is_some_and(|why| why.starts_with("cannot reach `127.0.0.1`")),
        "{status:?}"
    );
    let listener = TcpListener::bind(address).unwrap();
    audit.reopen();
    let mut stream = accepted(&listener);
    let found: Vec<u64> = (0..100).map(|_| seq(&frame(&mut stream).unwrap())).collect();
    caught_up(&audit);
    assert_eq!(found, recorded(&data, WANTED, 0));
}

#[test]
fn server_that_reads_nothing_delays_no_login_and_no_stop() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir.path().join("data"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let audit = start(&ledger, &[syslog(Transport::Tcp, listener.local_addr().unwrap(), &["*"])], dir.path());
    let _silent = accepted(&listener);
    let mut caller = ledger.caller(1_024);
    // More than the sockets hold.
    for n in 0..20_000 {
        let name = Some(format!("{n}"));
        let login = sledger::Login { user: name.clone(), session: name, ..sledger::Login::default() };
        let request = sledger::Request::new(sledger::Actor::Local, sledger::Command::Login(Box::new(login)));
        caller.submit(request).unwrap();
        let (_, completion) = caller.next_within(PATIENCE).unwrap();
        completion.unwrap();
    }
    let behind = audit.status()[0].behind;
    assert!(behind > 0, "the sink hangs");
    let begun = Instant::now();
    assert_eq!(login(&ledger, "ann", "a", "web"), Outcome::Admitted);
    audit.stop();
    assert!(begun.elapsed() < PATIENCE / 4);
}

#[test]
fn broken_connection_has_what_was_not_confirmed_sent_again_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let ledger = ledger(&data);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _audit =
        start(&ledger, &[syslog(Transport::Tcp, listener.local_addr().unwrap(), WANTED)], dir.path());
    let mut first = accepted(&listener);
    refuse_and_evict(&ledger, "ann");
    let confirmed = [frame(&mut first), frame(&mut first)].map(|message| seq(&message.unwrap()));
    // Confirmed once the connection has stood for five seconds more.
    let position = std::fs::read_dir(dir.path().join("audit")).unwrap().next().unwrap().unwrap().path();
    until("the position has moved", || {
        let text = std::fs::read_to_string(&position).unwrap_or_default();
        text.contains(&format!("last {}\n", confirmed[1]))
    });
    refuse_and_evict(&ledger, "bob");
    let lost = [frame(&mut first), frame(&mut first)].map(|message| seq(&message.unwrap()));
    first.write_all(b"what a server says is not looked at").unwrap();
    drop(first);
    let mut second = accepted(&listener);
    refuse_and_evict(&ledger, "eve");
    let again: Vec<u64> = (0..4).map(|_| seq(&frame(&mut second).unwrap())).collect();
    assert_eq!([confirmed, lost].concat(), recorded(&data, WANTED, 0)[..4]);
    assert_eq!(again, recorded(&data, WANTED, 0)[2..]);
}
