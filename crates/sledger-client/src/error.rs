//! What can go wrong between here and the ledger.

use sledger_wire::answer::Problem;
use sledger_wire::escape;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server said no, and why.
    #[error("{}", refused(.0))]
    Refused(Box<Problem>),
    /// Nobody answers there.
    #[error("cannot connect to {url}: {}; is `sledger serve` running there?", innermost(source))]
    Connect {
        /// Where.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The connection broke off, or took too long.
    #[error("no answer from {url}: {}", innermost(source))]
    Http {
        /// Where.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The connection broke off while the answer came.
    #[error("the answer from {url} broke off: {source}")]
    Broken {
        /// Where.
        url: String,
        /// Why.
        source: std::io::Error,
    },
    /// Something answers there, but not as a ledger does.
    #[error("{url} does not answer as a ledger: {detail}")]
    NotALedger {
        /// Where.
        url: String,
        /// What came instead.
        detail: String,
    },
    /// No address of a server.
    #[error("`{}` is no address of a ledger: {reason}", escape(url))]
    Url {
        /// As given.
        url: String,
        /// Why not.
        reason: String,
    },
    /// An id that no path can hold.
    #[error("`{}` cannot stand in an address; use a batch", escape(.0))]
    Unaddressable(String),
    /// What was to be asked never was a command.
    #[error("this is no command that a ledger could be asked")]
    NoCommand,
    /// The feed goes on without these events: they are not kept.
    #[error("the feed lost the events from seq {from} to {to}")]
    Lost {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
}

impl ClientError {
    /// What the server said, where it said no.
    #[must_use]
    pub const fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    /// The code of a refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.problem().and_then(|problem| problem.code.as_deref())
    }

    /// Whether the command may have been decided all the same: asked again with the same command id within ten
    /// minutes, it gets its first answer.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Http { .. } | Self::Broken { .. }) || self.code() == Some("OUTCOME_UNKNOWN")
    }

    /// Whether the connection failed, rather than the call.
    #[must_use]
    pub const fn is_connection(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Http { .. } | Self::Broken { .. })
    }
}

fn refused(problem: &Problem) -> String {
    let detail = escape(&problem.detail);
    match &problem.code {
        Some(code) => format!("refused ({} {}): {detail}", problem.status, escape(code)),
        None => format!("refused ({}): {detail}", problem.status),
    }
}

/// The cause at the bottom says the most in one line.
fn innermost(error: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
