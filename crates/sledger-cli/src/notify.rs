//! Word to the service manager that started us: ready, still well, stopping (the protocol of `sd_notify`).
//!
//! Promise: *still well* is said only after the ledger answered a question that went the way of every login, through
//! the decider and the log. A poisoned ledger, or one that hangs, falls silent, and the manager acts.
//! Grammar: a datagram of `NAME=VALUE` lines to the socket that `NOTIFY_SOCKET` names: a path, or `@` and an abstract
//! name. `WATCHDOG_USEC` is how long the manager bears silence; where `WATCHDOG_PID` is another process, it is not ours.
//! Absent on purpose: any effect on what is served. Word that cannot be sent is logged, and that is all.

use rustix::time::{ClockId, clock_gettime};
use sledger::{Actor, Command, Failure, Ledger, Request};
use sledger_core::command::Target;
use sledger_wire::escape;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// A manager that does not read holds up nobody for longer.
const SEND_MAX: Duration = Duration::from_secs(1);
/// A longer status is cut: it is one line for people.
const STATUS_LETTERS_MAX: usize = 500;

/// What the manager is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Word<'a> {
    /// What is being done.
    Status(&'a str),
    /// Requests are taken, also again after [`Word::Reloading`].
    Ready(&'a str),
    /// The configuration is being read again; ready follows.
    Reloading,
    /// The end is near, and meant.
    Stopping(&'a str),
    /// Still well.
    Alive,
}

impl Word<'_> {
    fn lines(self) -> String {
        match self {
            Self::Status(status) => format!("STATUS={}", line(status)),
            Self::Ready(status) => format!("READY=1\nSTATUS={}", line(status)),
            Self::Reloading => format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic_us()),
            Self::Stopping(status) => format!("STOPPING=1\nSTATUS={}", line(status)),
            Self::Alive => "WATCHDOG=1".to_owned(),
        }
    }
}

/// One line, whatever strangers named.
fn line(status: &str) -> String {
    escape(status).chars().take(STATUS_LETTERS_MAX).collect()
}

/// The clock by which the manager orders a reload and what led to it.
fn monotonic_us() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000)
}

/// The service manager, if there is one.
#[derive(Debug)]
pub(crate) struct Manager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    silence_max: Option<Duration>,
}

impl Manager {
    /// The one that the environment names.
    pub(crate) fn of_environment() -> Self {
        let number = |name| std::env::var(name).ok();
        let silence_max = silence_max(number("WATCHDOG_USEC").as_deref(), number("WATCHDOG_PID").as_deref());
        let name = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let socket = name.and_then(|name| match socket(&name) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!(%error, socket = %escape(&name.to_string_lossy()), "the service manager cannot be told");
                None
            }
        });
        Self { socket, silence_max }
    }

    /// Tells it.
    pub(crate) fn tell(&self, word: Word<'_>) {
        let Some((socket, address)) = &self.socket else { return };
        if let Err(error) = socket.send_to_addr(word.lines().as_bytes(), address) {
            tracing::warn!(%error, ?word, "the service manager was not told");
        }
    }
}

fn socket(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(name)?,
        _ => {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "it is neither a path nor an abstract name",
            ));
        }
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(SEND_MAX))?;
    Ok((socket, address))
}

/// How long the manager bears to hear nothing of this process; `None` when it does not listen for it.
fn silence_max(usec: Option<&str>, pid: Option<&str>) -> Option<Duration> {
    let is_ours = pid.is_none_or(|pid| pid == std::process::id().to_string());
    let usec = usec?.parse().ok().filter(|usec| *usec > 0)?;
    is_ours.then(|| Duration::from_micros(usec))
}

/// Whoever says that all is well; silent once this is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Only its end is heard.
    _stop: Sender<()>,
}

/// Tells `manager` each half of the time it bears silence that `ledger` answers. Does nothing where nobody listens.
///
/// # Errors
/// When there is no thread for it.
pub(crate) fn watch(manager: &Arc<Manager>, ledger: &Ledger, serving: &str) -> io::Result<Option<Watch>> {
    let Some(each) = manager.silence_max.map(|most| most / 2) else { return Ok(None) };
    let (stop, stopped) = channel();
    let (manager, ledger, serving) = (Arc::clone(manager), ledger.clone(), serving.to_owned());
    let run = move || {
        keep_telling(&stopped, each, |word| manager.tell(word), &serving, |patience| ask(&ledger, patience));
    };
    std::thread::Builder::new().name("sledger-notify".to_owned()).spawn(run)?;
    Ok(Some(Watch { _stop: stop }))
}

/// Why the ledger does not answer.
#[derive(Debug, PartialEq, Eq)]
enum Silence {
    /// It may answer again.
    ForNow(String),
    /// It never will.
    ForEver(String),
}

/// Asks what every login asks, up to recording: a touch of no session is rejected by the decider, and the answer
/// leaves when the log has what was decided before it.
fn ask(ledger: &Ledger, patience: Duration) -> Result<(), Silence> {
    let request = Request::new(Actor::Local, Command::Touch(Target::default()));
    match ledger.submit(request).and_then(|ticket| ticket.wait_for(patience)) {
        Ok(_rejected) => Ok(()),
        Err(failure @ (Failure::Busy | Failure::OutcomeUnknown(_))) => Err(match ledger.poisoned() {
            Some(reason) => Silence::ForEver(format!("the ledger is poisoned: {reason}")),
            None => Silence::ForNow(format!("the ledger does not answer: {failure}")),
        }),
        Err(failure @ (Failure::Poisoned(_) | Failure::Closed)) => Err(Silence::ForEver(failure.to_string())),
    }
}

/// Asks and tells until it is stopped, or until there will be no more answers.
fn keep_telling(
    stopped: &Receiver<()>,
    each: Duration,
    mut tell: impl FnMut(Word<'_>),
    serving: &str,
    mut ask: impl FnMut(Duration) -> Result<(), Silence>,
) {
    let mut is_silent = false;
    loop {
        let pause = match ask(each) {
            Ok(()) => {
                if std::mem::take(&mut is_silent) {
                    tell(Word::Status(serving));
                }
                tell(Word::Alive);
                each
            }
            Err(Silence::ForNow(why)) => {
                is_silent = true;
                tell(Word::Status(&why));
                // Time is short now: the manager waits for the other half.
                each / 8
            }
            Err(Silence::ForEver(why)) => return tell(Word::Status(&why)),
        };
        if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

#[cfg(test)]
#[path = "notify/tests.rs"]
mod tests;
