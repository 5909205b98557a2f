//! What the service manager hears, on a socket of the test's own.

use crate::support::{PATIENCE, Running, Served, ask, have};
use rustix::process::Signal;
use std::io::{BufRead as _, BufReader};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Command, Stdio};

/// A service manager's ear.
struct Ear {
    socket: UnixDatagram,
    /// What `NOTIFY_SOCKET` says.
    name: String,
    _dir: tempfile::TempDir,
}

impl Ear {
    fn at_a_path() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Self::of(socket, path.to_str().unwrap().to_owned(), dir)
    }

    fn abstract_one() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // As unique as the folder.
        let name = format!("sledger{}", dir.path().display());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Self::of(socket, format!("@{name}"), dir)
    }

    fn of(socket: UnixDatagram, name: String, dir: tempfile::TempDir) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, name, _dir: dir }
    }

    /// The next word.
    fn hear(&self) -> String {
        let mut word = [0; 4096];
        let read = self.socket.recv(&mut word).unwrap_or_else(|error| panic!("nothing was heard: {error}"));
        String::from_utf8(word[..read].to_vec()).unwrap()
    }

    /// Every word up to the one that begins so, and that one.
    fn hear_until(&self, begin: &str) -> Vec<String> {
        let mut heard = Vec::new();
        while heard.last().is_none_or(|word: &String| !word.starts_with(begin)) {
            heard.push(self.hear());
        }
        heard
    }
}

#[test]
fn ready_is_told_when_requests_are_answered_and_stopping_when_the_end_is_meant() {
    for ear in [Ear::at_a_path(), Ear::abstract_one()] {
        let served = Served::start("", &[("NOTIFY_SOCKET", &ear.name)]);
        assert_eq!(ear.hear(), "STATUS=opening the ledger");
        let ready = ear.hear();
        let address = ready.strip_prefix("READY=1\nSTATUS=serving http://").unwrap();
        assert_eq!(ask(address, "GET", "/readyz", "").unwrap().0, 200);
        served.signal(Signal::TERM);
        assert_eq!(ear.hear(), "STOPPING=1\nSTATUS=stopping", "no watchdog was asked for");
        assert!(served.end().0.success());
    }
}

#[test]
fn a_start_that_fails_is_never_ready() {
    let ear = Ear::at_a_path();
    let dir = tempfile::tempdir().unwrap();
    let beyond = [("NOTIFY_SOCKET", ear.name.as_str()), ("SLEDGER__SERVER__LISTEN", "192.0.2.1:0")];
    let mut child = crate::support::begin(Command::new(crate::support::program()), &dir, "", &beyond);
    assert_eq!(child.0.wait().unwrap().code(), Some(2));
    ear.socket.set_nonblocking(true).unwrap();
    let mut word = [0; 4096];
    while let Ok(read) = ear.socket.recv(&mut word) {
        assert_eq!(&word[..read], b"STATUS=opening the ledger");
    }
}

#[test]
fn a_manager_that_is_gone_keeps_nothing_from_being_served() {
    let served = Served::start("", &[("NOTIFY_SOCKET", "/nonexistent/notify"), ("WATCHDOG_USEC", "100000")]);
    assert_eq!(served.login("ann", "a").0, 201);
    let log = served.stop();
    assert!(log.contains("the service manager was not told"), "{log}");
}

#[test]
fn the_watchdog_is_fed_while_the_ledger_answers_and_never_once_it_is_poisoned() {
    let test = "the_watchdog_is_fed_while_the_ledger_answers_and_never_once_it_is_poisoned";
    if !have(test, &[&["strace"]]) {
        return;
    }
    let ear = Ear::at_a_path();
    let served = Served::start("", &[("NOTIFY_SOCKET", &ear.name), ("WATCHDOG_USEC", "800000")]);
    for _ in 0..3 {
        ear.hear_until("WATCHDOG=1");
    }
    assert_eq!(served.login("ann", "a").0, 201);
    let _breaks = break_disk_of(&served);
    // Whoever is in flight may be told that the outcome is unknown, or not be told.
    let answer = ask(&served.address, "POST", "/v1/sessions", r#"{"user":"ann","session":"b"}"#);
    assert!(answer.as_ref().map_or(true, |(status, _)| *status >= 500), "{answer:?}");
    ear.hear_until("STATUS=the ledger is poisoned");
    // It lingers for a second, in which the watchdog would have been fed twice.
    let last = ear.hear_until("STOPPING=1");
    assert_eq!(last.len(), 1, "{last:?}");
    assert!(last[0].contains("poisoned"), "{last:?}");
    let (status, log) = served.end();
    assert_eq!(status.code(), Some(1), "{log}");
}

/// From now on every sync fails.
fn break_disk_of(served: &Served) -> Running {
    let pid = served.pid().to_string();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO", "-o", "/dev/null"]);
    let mut child = strace.args(["-p", &pid]).stderr(Stdio::piped()).spawn().unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    talk.read_line(&mut line).unwrap();
    assert!(line.contains("attached"), "{line}");
    // Whatever it says later is nobody's concern, but it must find a reader.
    std::thread::spawn(move || std::io::copy(&mut talk, &mut std::io::sink()));
    Running(child)
}

#[test]
fn a_hangup_is_a_reload_that_ends_and_is_ordered_by_its_time() {
    let ear = Ear::at_a_path();
    let served = Served::start("", &[("NOTIFY_SOCKET", &ear.name)]);
    ear.hear_until("READY=1");
    served.signal(Signal::HUP);
    let reloading = ear.hear();
    let time = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
    assert!(time.parse::<u64>().unwrap() > 0, "{reloading}");
    assert!(ear.hear().starts_with("READY=1\nSTATUS=serving http://"));
    assert_eq!(served.login("ann", "a").0, 201, "it serves on");
    served.stop();
}
