//! What all sinks can do.

use super::Surroundings;
use super::file::FileSink;
use super::journald::Journald;
use super::lines::Batch;
use super::position::Mark;
use super::stdout::Stdout;
use super::stream::StreamSink;
use super::syslog::Udp;
use sledger_wire::config::{Audit as SinkConfig, AuditTarget, Transport};
use std::io;

/// Why a sink takes nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// It is to be opened again, which is no failure.
    #[error("it is opened again")]
    Again,
    /// What the system said.
    #[error("{doing}: {source}")]
    Io {
        /// What was tried.
        doing: String,
        source: io::Error,
    },
    /// What it cannot do.
    #[error("{0}")]
    Refused(String),
}

/// Names what was tried when it failed.
pub(super) fn doing(what: impl Into<String>) -> impl FnOnce(io::Error) -> Trouble {
    let doing = what.into();
    |source| Trouble::Io { doing, source }
}

/// One place that events are sent to.
pub(super) trait Sink: Send {
    /// Opens it, again where it was open. `mark` says how far it has come; the answer, from where it goes on.
    /// Nothing up to `durable` can be unknown to the ledger.
    fn open(&mut self, mark: Mark, durable: u64) -> Result<Mark, Trouble>;

    /// Sends a batch. After an error nothing is sent until it was opened again.
    fn send(&mut self, batch: &Batch) -> Result<(), Trouble>;

    /// How far everything that was sent, up to `sent`, is known to have arrived.
    fn confirmed(&mut self, sent: Mark) -> Result<Mark, Trouble> {
        Ok(sent)
    }

    /// Whether a request to open files again is for it.
    fn is_reopened(&self) -> bool {
        false
    }

    /// Ends in good order: how far what was sent is known to have arrived after that.
    fn finish(&mut self, sent: Mark) -> Result<Mark, Trouble> {
        self.confirmed(sent)
    }
}

/// The sink that is configured; nothing is opened yet.
pub(super) fn of(config: &SinkConfig, surroundings: &Surroundings) -> Box<dyn Sink> {
    match &config.to {
        AuditTarget::Stdout => Box::new(Stdout::new(io::stdout())),
        AuditTarget::File(path) => Box::new(FileSink::new(path.clone())),
        AuditTarget::Journald => Box::new(Journald::new(surroundings.journal.clone())),
        AuditTarget::Syslog { transport, host, port } => {
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            match transport {
                Transport::Udp => Box::new(Udp::new((host, *port))),
                Transport::Tcp => Box::new(StreamSink::plain((host, *port))),
                Transport::Tls => Box::new(StreamSink::tls((host, *port), surroundings.authorities.clone())),
            }
        }
    }
}
