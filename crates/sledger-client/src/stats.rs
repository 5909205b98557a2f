//! Answers about the ledger itself.

use serde::{Deserialize, Serialize};

/// `GET /v1/ledger`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerStats {
    /// What the server is called.
    pub name: String,
    /// The last event that was folded for queries.
    pub seq: u64,
    /// The last event that is durable.
    pub head: u64,
    /// Live sessions.
    pub sessions: u64,
    /// Users with live sessions.
    pub users: u64,
    /// Volumes on disk; 0 in memory.
    pub volumes: u64,
    /// Bytes of the data directory; 0 in memory.
    pub bytes: u64,
    /// `durable` or `relaxed`.
    pub durability: String,
    /// Whether the ledger refuses to write.
    pub poisoned: bool,
    /// Why it does.
    pub poison_reason: Option<String>,
    /// Whether the disk's reserve is reached.
    pub disk_full: bool,
    /// Requests that wait to be decided.
    pub queue_length: u64,
}

/// `/readyz`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Whether somebody new is let in.
    pub ready: bool,
    /// What the server is called.
    pub name: String,
    /// `durable` or `relaxed`.
    pub durability: String,
    /// Everything against it.
    pub reasons: Vec<ReadinessReason>,
}

/// Why nobody new is let in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadinessReason {
    /// For programs.
    pub code: Option<String>,
    /// For operators.
    pub reason: String,
}
