//! The log as the core sees it: a port that appends whole decisions after a known head.

use crate::event::Decision;
use crate::{Millis, Seq};

/// Where a log stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Head {
    /// The last event; 0 for an empty log.
    pub seq: Seq,
    /// Hash of the last block; zeros for an empty log.
    pub hash: [u8; 32],
    /// Time of the last decision.
    pub at: Millis,
    /// Opaque to everybody but the log itself (a remote log's own position).
    pub token: u64,
}

/// Whole decisions that go in together: durable all or, after a power loss, none or a prefix of whole blocks
/// that nobody was answered for.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Seq of the first event of the first decision: one more than the head's.
    pub first: Seq,
    /// The decider's epoch.
    pub epoch: u64,
    /// The decisions, in order.
    pub decisions: &'a [std::sync::Arc<Decision>],
}

/// What came of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// Durable; the log stands here now.
    Committed(Head),
    /// Somebody else wrote: this decider has been replaced. Final.
    Conflict(Head),
    /// It may be durable or not; only repeating the same bytes can tell. Never said by a local log.
    Unknown,
    /// Not durable and never will be: the ledger is poisoned.
    Failed(String),
}

/// A log of decisions. Appending the same batch after the same head twice appends it once.
pub trait Log: Send {
    /// Appends `batch` after `head` and makes it durable before it returns.
    fn append(&mut self, batch: Batch<'_>, head: &Head) -> Appended;

    /// Where the log stands.
    fn head(&self) -> Head;

    /// Marks the log as closed in good order; nothing is appended after it.
    ///
    /// # Errors
    /// Says what could not be written; the next open then scans as after a crash.
    fn close(&mut self) -> Result<(), String>;
}
