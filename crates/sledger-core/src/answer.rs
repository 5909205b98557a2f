//! What the caller is told.

use crate::command::Refusal;
use crate::event::{Cause, Code, PolicyCode, PolicyRef};
use crate::{Facts, Limit, Millis, Seq};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What came of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// A new session.
    Admitted,
    /// Refused.
    Denied,
    /// The same session again.
    Resumed,
    /// Somebody else's id.
    Conflict,
    /// Not a session.
    Ignored,
    /// Not understood; nothing was recorded.
    Rejected,
    /// Noted as active.
    Touched,
    /// The caller's generation is old; nothing changed.
    Stale,
    /// The session has ended.
    Ended,
    /// No such session, or not this user's.
    Unknown,
    /// Ended by its own side.
    LoggedOut,
    /// Disconnected, and kept for a while.
    Retained,
    /// Disconnected, and ended.
    Disconnected,
    /// Ended on request.
    Cleared,
    /// A source's list was compared.
    Reconciled,
    /// Existing sessions were recorded.
    Adopted,
    /// Time passed.
    Advanced,
    /// Settings or a policy changed.
    Configured,
}

impl Outcome {
    /// The word as other programs read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Denied => "denied",
            Self::Resumed => "resumed",
            Self::Conflict => "conflict",
            Self::Ignored => "ignored",
            Self::Rejected => "rejected",
            Self::Touched => "touched",
            Self::Stale => "stale",
            Self::Ended => "ended",
            Self::Unknown => "unknown",
            Self::LoggedOut => "logged_out",
            Self::Retained => "retained",
            Self::Disconnected => "disconnected",
            Self::Cleared => "cleared",
            Self::Reconciled => "reconciled",
            Self::Adopted => "adopted",
            Self::Advanced => "advanced",
            Self::Configured => "configured",
        }
    }
}

/// The answer to one command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What came of it.
    pub outcome: Outcome,
    /// Ledger time of the decision.
    pub at: Millis,
    /// Sessions ended to make room, in order.
    pub evicted: Vec<Arc<Facts>>,
    /// Sessions ended otherwise, in order.
    pub ended: Vec<Arc<Facts>>,
    /// Sessions of any user that fell due and were drained before the command.
    pub expired: Vec<Arc<Facts>>,
    /// Sessions that a reconcile parked.
    pub retained: Vec<Arc<Facts>>,
    /// Ids listed by a reconcile that are not live.
    pub unknown: Vec<String>,
    /// Ids passed over by an adopt.
    pub skipped: Vec<String>,
    /// Why, for programs.
    pub code: Option<Code>,
    /// A limit of RULES 20 or the disk reserve was reached: `LEDGER_FULL`, with the limit's name. Such an answer
    /// is never remembered, so it is in no snapshot.
    #[serde(skip)]
    pub full: Option<&'static str>,
    /// Why, for operators.
    pub reason: Option<Arc<str>>,
    /// For the person affected.
    pub message: Option<Arc<str>>,
    /// The field that was refused.
    pub field: Option<String>,
    /// Why a change of settings was refused, where what was asked is well written. Never remembered.
    #[serde(skip)]
    pub refusal: Option<Refusal>,
    /// Live sessions of the command's user after it; `None` without a user.
    pub active: Option<u32>,
    /// The limit shown.
    pub limit: Option<Limit>,
    /// The quota shown: the one that denied, else the first enabled one that counts the login.
    pub quota: Option<Arc<str>>,
    /// The policy asked last.
    pub policy: Option<PolicyRef>,
    /// How a policy failed on the way.
    pub policy_code: Option<PolicyCode>,
    /// The session's generation after it.
    pub generation: Option<Seq>,
    /// The session concerned, where it is live after the command.
    pub session: Option<SessionView>,
    /// Every quota key that counts the session, with its count and limit. Of a denial: the key that refused it. Of an
    /// adoption that is only asked about: the keys that would hold more than their limit.
    pub quotas: Vec<QuotaUse>,
    /// What exhausted advisory quotas would have done.
    pub advisory: Vec<Advice>,
    /// Sessions that the caller may offer to end.
    pub offer: Vec<SessionView>,
    /// What is remembered of the session, where it has ended.
    pub tombstone: Option<Arc<Tombstone>>,
    /// The last event of the decision; `None` when nothing was recorded.
    pub seq: Option<Seq>,
    /// The first answer, given again.
    pub repeated: bool,
}

impl Answer {
    /// An answer of which nothing but the outcome is known.
    #[must_use]
    pub const fn new(outcome: Outcome, at: Millis) -> Self {
        Self {
            outcome,
            at,
            evicted: Vec::new(),
            ended: Vec::new(),
            expired: Vec::new(),
            retained: Vec::new(),
            unknown: Vec::new(),
            skipped: Vec::new(),
            code: None,
            full: None,
            reason: None,
            message: None,
            field: None,
            refusal: None,
            active: None,
            limit: None,
            quota: None,
            policy: None,
            policy_code: None,
            generation: None,
            session: None,
            quotas: Vec::new(),
            advisory: Vec::new(),
            offer: Vec::new(),
            tombstone: None,
            seq: None,
            repeated: false,
        }
    }
}

/// A live session as it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// What it is.
    pub facts: Arc<Facts>,
    /// Its number.
    pub number: Seq,
    /// Its generation.
    pub generation: Seq,
    /// Its last recorded activity.
    pub last_active: Millis,
    /// When it will be over; [`Millis::NEVER`] for never.
    pub expires: Millis,
    /// Whether it is disconnected and kept.
    pub retained: bool,
    /// Address seen at the last resume, where it differs from the frozen one.
    pub seen_ip: Option<Arc<str>>,
    /// Client seen at the last resume, where it differs.
    pub seen_client: Option<Arc<str>>,
}

/// How full one quota key is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaUse {
    /// The quota's name.
    pub quota: Arc<str>,
    /// The key, for people.
    pub key: Arc<str>,
    /// Live sessions under it.
    pub active: u32,
    /// The limit in force.
    pub limit: Limit,
}

/// What an exhausted advisory quota would have done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The quota's name.
    pub quota: Arc<str>,
    /// `allow`, `deny`, `evict` or `error`.
    pub outcome: &'static str,
    /// Whom it would have evicted.
    pub evict: Vec<Arc<Facts>>,
    /// Why.
    pub reason: Option<Arc<str>>,
}

/// What is remembered of an ended session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// What it was.
    pub facts: Arc<Facts>,
    /// Its number.
    pub number: Seq,
    /// When it was over.
    pub ended_at: Millis,
    /// Why.
    pub cause: Cause,
    /// First event of the decision that ended it.
    pub decision: Seq,
    /// Why, for programs.
    pub code: Option<Code>,
    /// Why, for operators.
    pub reason: Option<Arc<str>>,
    /// For the person affected.
    pub message: Option<Arc<str>>,
    /// The newcomer it made room for.
    pub by_session: Option<Seq>,
    /// The quota that was exhausted.
    pub quota: Option<Arc<str>>,
    /// The policy that chose it.
    pub policy: Option<PolicyRef>,
}
