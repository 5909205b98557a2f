//! What policies were asked and answered.

use crate::{Limit, Personal, Seq};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One quota that a login met exhausted, and what its policy said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Index of the quota in the configuration in force.
    pub quota: u16,
    /// The key.
    pub key: Personal<Arc<str>>,
    /// The limit that was in force for this login.
    pub limit: Limit,
    /// Live sessions under the key, without the newcomer, when first asked.
    pub active: u32,
    /// The policy asked; `None` under a ban, where none is.
    pub policy: Option<PolicyRef>,
    /// What came of it.
    pub answer: Judgement,
    /// Why, in the script's own words, for operators.
    pub reason: Option<Arc<str>>,
    /// What the script tells the person, instead of the configured message.
    pub told: Option<Arc<str>>,
    /// What the script noted for the explanation.
    pub notes: Vec<Arc<str>>,
    /// Where in the source it decided: line, 0 when nowhere.
    pub line: u32,
    /// And column.
    pub column: u32,
    /// Operations charged, over all answers.
    pub operations: u32,
    /// How the policy failed, where it did; the rest then tells what `on_error` made of it.
    pub failure: Option<PolicyFailure>,
    /// False for an advisory quota: recorded, never enforced.
    pub enforced: bool,
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Judgement {
    /// Let in over a soft limit.
    Allow,
    /// Refused; the sessions offered to be ended instead.
    Deny {
        /// Numbers of live sessions.
        offer: Vec<Seq>,
    },
    /// Room was made.
    Evict {
        /// The victims, in the order the policy gave.
        victims: Vec<Seq>,
    },
}

/// How a policy failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFailure {
    /// The documented code.
    pub code: PolicyCode,
    /// The policy that failed.
    pub policy: PolicyRef,
    /// Where: line, 0 when unknown.
    pub line: u32,
    /// And column.
    pub column: u32,
}

/// A policy with its revision: shown as `name@` and eight hex digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PolicyRef {
    /// The name.
    pub name: Arc<str>,
    /// First four bytes of BLAKE3 over source, resolved params and API version.
    pub revision: [u8; 4],
}

impl std::fmt::Display for PolicyRef {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}@{:08x}", self.name, u32::from_be_bytes(self.revision))
    }
}

/// How a policy can fail: closed and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PolicyCode {
    /// It raised an error.
    Error,
    /// It took more operations than it may, or recursed, or grew too much.
    OverBudget,
    /// It ended without a decision.
    NoDecision,
    /// It gave something that is no decision.
    WrongType,
    /// It evicted nobody.
    NoVictim,
    /// It evicted a session that is not under the quota key.
    VictimNotInSet,
    /// What it decided leaves the quota exhausted.
    NotEnoughRoom,
    /// It was not asked, since it kept failing.
    Tripped,
}

impl PolicyCode {
    /// The code as other programs read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "POLICY_ERROR",
            Self::OverBudget => "POLICY_OVER_BUDGET",
            Self::NoDecision => "POLICY_NO_DECISION",
            Self::WrongType => "POLICY_WRONG_TYPE",
            Self::NoVictim => "POLICY_NO_VICTIM",
            Self::VictimNotInSet => "POLICY_VICTIM_NOT_IN_SET",
            Self::NotEnoughRoom => "POLICY_NOT_ENOUGH_ROOM",
            Self::Tripped => "POLICY_TRIPPED",
        }
    }
}
