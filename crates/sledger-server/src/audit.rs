//! Audit sinks: events that are durable, sent on to files, the journal, standard output and syslog servers.
//!
//! Promise: each event of the types asked for reaches its sink at least once, in order, over restarts and kills; a
//! file gets each exactly once. Events come from the durable feed, and from disk where the feed has gone on without
//! the sink, so nothing is lost however long a sink is away.
//!
//! What a sink was sent and has not confirmed is sent again after a failure. Confirmed is, for a file, what was synced;
//! for standard output, the journal and UDP, what the system took, which says nothing of the other side; for TCP and
//! TLS, what was sent on a connection that still stood five seconds later, all of it acknowledged by the other
//! machine, or that the other side ended in good order after reading everything.
//!
//! Invariants: neither decider, writer nor callers ever wait for a sink; each sink has one thread, one batch in hand
//! and one stored position, which never lies behind what it stands for by more than that batch and what is not
//! confirmed; a sink that is new begins with events from now on.
//! Absent on purpose: signals, configuration files, queues between a sink and the ledger.

mod file;
mod journald;
mod lines;
mod past;
mod position;
mod rfc5424;
mod runner;
mod sink;
mod source;
mod stdout;
mod stream;
mod syslog;
mod tls;

use position::{Mark, Positions};
use runner::{Running, Shown};
use sledger::Ledger;
use sledger_wire::config::{Audit as SinkConfig, AuditTarget};
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Sinks at once: each may fold the ledger on its own to catch up.
pub const SINKS_MAX: usize = 16;
/// How long sinks may take to finish what they have in hand once they are to stop.
const STOP_MAX: Duration = Duration::from_secs(2);

/// Why audit sinks cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// More than [`SINKS_MAX`].
    #[error("`{count}` audit sinks are configured; at most `{SINKS_MAX}` can be")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// Two that cannot be told apart, or that write one file.
    #[error("two audit sinks go to `{to}`")]
    Twice {
        /// Where to.
        to: String,
    },
    /// The folder of positions, or a position in it.
    #[error("cannot keep the position of an audit sink in `{}`: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A position that was changed: where the sink left off is not known.
    #[error("`{}` is no position of an audit sink; without it the sink begins with events from now on", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// No thread for it.
    #[error("cannot start the audit sink `{to}`: {source}")]
    Thread {
        /// Which.
        to: String,
        /// Why.
        source: std::io::Error,
    },
}

/// Where sinks find what is not configured.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The journal's socket.
    pub journal: PathBuf,
    /// A file of certificates in PEM to trust instead of the system's.
    pub authorities: Option<PathBuf>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self { journal: PathBuf::from("/run/systemd/journal/socket"), authorities: None }
    }
}

/// How one sink is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkStatus {
    /// Where it goes, as it is configured.
    pub to: String,
    /// It was sent everything up to this event.
    pub seq: u64,
    /// Durable events after it.
    pub behind: u64,
    /// Why it takes nothing at the moment.
    pub failing: Option<String>,
}

/// Sinks that run.
pub struct Audit {
    ledger: Ledger,
    positions: Positions,
    surroundings: Surroundings,
    /// Changed by a reload and at the stop.
    sinks: Mutex<Vec<Running>>,
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").field("sinks", &self.status()).finish_non_exhaustive()
    }
}

/// Starts `sinks` on what is durable in `ledger`. Positions are kept in `data`/audit. Does not wait for a sink.
///
/// # Errors
/// [`AuditError`]; a sink that cannot be reached is none: see [`Audit::status`].
pub fn start(ledger: &Ledger, sinks: &[SinkConfig], data: &Path) -> Result<Audit, AuditError> {
    start_among(ledger, sinks, data, Surroundings::default())
}

/// As [`start`], in other surroundings.
///
/// # Errors
/// As [`start`].
pub fn start_among(
    ledger: &Ledger,
    sinks: &[SinkConfig],
    data: &Path,
    surroundings: Surroundings,
) -> Result<Audit, AuditError> {
    let positions = Positions::new(data);
    let audit = Audit { ledger: ledger.clone(), positions, surroundings, sinks: Mutex::default() };
    audit.replace(sinks)?;
    Ok(audit)
}

impl Audit {
    /// Has files opened again, e.g. after they were renamed, and sinks that fail tried again at once. Does not wait.
    pub fn reopen(&self) {
        self.lock().iter().for_each(Running::reopen);
    }

    /// Runs `sinks` instead. Those that were there before go on undisturbed; one that only changed its form or its
    /// types goes on where it was; the positions of others are forgotten.
    ///
    /// # Errors
    /// [`AuditError`]. Where it is about too many sinks or equal ones nothing was changed.
    pub fn replace(&self, sinks: &[SinkConfig]) -> Result<(), AuditError> {
        check(sinks)?;
        let mut running = self.lock();
        let (kept, gone) = running.drain(..).partition(|one| sinks.contains(one.config()));
        *running = kept;
        stop(gone);
        let fresh: Vec<_> =
            sinks.iter().filter(|sink| running.iter().all(|one| one.config() != *sink)).cloned().collect();
        for config in fresh {
            let mark = self.begin(&config, sinks)?;
            running.push(self.run(config, mark)?);
        }
        self.positions.forget_all_but(sinks)
    }

    /// How each sink is doing.
    #[must_use]
    pub fn status(&self) -> Vec<SinkStatus> {
        let durable = self.ledger.durable().0;
        self.lock().iter().map(|one| one.status(durable)).collect()
    }

    /// Stops: each sink finishes the batch in hand, for at most two seconds. What it has not got it gets after the
    /// next start.
    pub fn stop(&self) {
        let sinks = std::mem::take(&mut *self.lock());
        stop(sinks);
    }

    /// Where a sink begins that did not run before.
    fn begin(&self, config: &SinkConfig, all: &[SinkConfig]) -> Result<Mark, AuditError> {
        if let Some(mark) = self.positions.find(config, all)? {
            return Ok(mark);
        }
        let head = self.ledger.durable().0;
        let in_file = match &config.to {
            AuditTarget::File(path) => file::last_seq(path).filter(|last| *last <= head),
            _ => None,
        };
        let mark = in_file.map_or(Mark { seq: head, last: 0 }, |last| Mark { seq: last, last });
        self.positions.store(config, mark)?;
        Ok(mark)
    }

    fn run(&self, config: SinkConfig, mark: Mark) -> Result<Running, AuditError> {
        let to = config.to.to_string();
        let sink = sink::of(&config, &self.surroundings);
        let shown = Arc::new(Shown::new(mark.seq));
        let running =
            Running::start((config, sink), (self.ledger.clone(), self.positions.clone()), (mark, shown));
        running.map_err(|source| AuditError::Thread { to, source })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Running>> {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells all to stop, then waits for each.
fn stop(sinks: Vec<Running>) {
    let until = Instant::now() + STOP_MAX;
    let ending: Vec<_> = sinks.into_iter().map(Running::end).collect();
    for one in ending {
        one.wait(until);
    }
}

/// Whether these sinks can run beside each other.
///
/// # Errors
/// [`AuditError::TooMany`], [`AuditError::Twice`].
pub fn check(sinks: &[SinkConfig]) -> Result<(), AuditError> {
    if sinks.len() > SINKS_MAX {
        return Err(AuditError::TooMany { count: sinks.len() });
    }
    let mut files = BTreeSet::new();
    for (index, sink) in sinks.iter().enumerate() {
        let is_again = sinks.iter().take(index).any(|other| other == sink);
        let is_shared = matches!(&sink.to, AuditTarget::File(path) if !files.insert(path));
        if is_again || is_shared {
            return Err(AuditError::Twice { to: sink.to.to_string() });
        }
    }
    Ok(())
}
