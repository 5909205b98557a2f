//! Why a ledger does not open.

use sledger_core::decider::GenesisError;
use sledger_core::{Millis, Seq};

/// Why a ledger does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory.
    #[error(transparent)]
    Log(#[from] sledger_log::OpenError),
    /// What is in it.
    #[error(transparent)]
    Read(#[from] sledger_log::ReadError),
    /// A decision that this program cannot read.
    #[error("cannot read the decision at seq {seq}: {source}")]
    Decision {
        /// First seq of its block.
        seq: Seq,
        /// Why.
        source: sledger_log::CodecError,
    },
    /// The state that history begins with.
    #[error(
        "history begins after seq {seq}, and the base that stands for what came before cannot be used: {reason}"
    )]
    Base {
        /// The last event that is gone.
        seq: Seq,
        /// Why.
        reason: String,
    },
    /// Settings or policies that cannot be used.
    #[error(transparent)]
    Settings(#[from] GenesisError),
    /// The settings of a user section that counts are already kept by.
    #[error("users: the ledger already holds sessions under other rules for user names; they cannot change")]
    UsersChanged,
    /// The wall clock is far ahead of what was recorded last.
    #[error(
        "the clock says {}, which is more than {gap_max} after the last recorded time {}; if the clock is right, run `sledger ledger clock accept`",
        wall.rfc3339(), last.rfc3339()
    )]
    ClockAhead {
        /// The wall clock.
        wall: Millis,
        /// The last recorded time.
        last: Millis,
        /// What is allowed.
        gap_max: sledger_core::Span,
    },
    /// What must be recorded at the start could not be.
    #[error("cannot record the start: {0}")]
    Append(String),
    /// Whether personal values are sealed is fixed when a ledger is made.
    #[error(
        "ledger.seal_personal: the ledger was made with `{sealed}`, which stays as it is; write `seal_personal = {sealed}`"
    )]
    SealFixed {
        /// As it was made.
        sealed: bool,
    },
    /// Live sessions are sealed under keys that are not there.
    #[error(
        "keys: `{sessions}` live sessions are sealed under keys that are missing or damaged; put back the folder `keys` of this ledger, or give them up: `sledger ledger erase --lost`"
    )]
    KeysLost {
        /// How many.
        sessions: usize,
    },
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}
