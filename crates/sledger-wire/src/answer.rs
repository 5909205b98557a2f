//! Answers as other programs read them: simulate's lines, HTTP bodies, problems.
//!
//! One object for all: [`AnswerLine`]. Its first keys stand in every answer, in
//! this order; what follows `generation` only where there is something to say.

mod problem;
mod session;

pub use problem::{Problem, status};
pub use session::{SessionObject, TombstoneObject};

use crate::recording::{AtGiven, Echo, OpName};
use crate::values::LimitWord;
use serde::{Deserialize, Serialize};
use sledger_core::Facts;
use sledger_core::answer::{Advice, Answer, QuotaUse};
use std::sync::Arc;

/// The code of an answer that a limit of the ledger or the disk reserve refused.
pub const LEDGER_FULL: &str = "LEDGER_FULL";

/// The answer to one command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnswerLine {
    /// Line of the recording, from 1; in simulate only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The line's time as given; in simulate only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<AtGiven>,
    /// What was asked.
    pub op: String,
    /// The user, as given.
    pub user: Option<String>,
    /// The session, as given.
    pub session: Option<String>,
    /// What came of it.
    pub outcome: String,
    /// Ids ended to make room, in order.
    pub evicted: Vec<String>,
    /// Ids ended otherwise, in order.
    pub ended: Vec<String>,
    /// Ids of any user that fell due before the command.
    pub expired: Vec<String>,
    /// Ids listed by a reconcile that are not live.
    pub unknown: Vec<String>,
    /// Why, for programs.
    pub code: Option<String>,
    /// Why, for operators.
    pub reason: Option<String>,
    /// For the person affected.
    pub message: Option<String>,
    /// Live sessions of the user after it.
    pub active: Option<u32>,
    /// The limit shown.
    pub limit: Option<LimitWord>,
    /// The quota shown.
    pub quota: Option<String>,
    /// The policy asked last, with its revision.
    pub policy: Option<String>,
    /// The session's generation after it.
    pub generation: Option<u64>,
    /// Ids that a reconcile parked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retained: Vec<String>,
    /// Ids passed over by an adopt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// Quota keys that would hold more than their limit after an adopt; in its dry run only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub over: Vec<QuotaUseObject>,
    /// The field that was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// How a policy failed on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_code: Option<String>,
    /// What exhausted advisory quotas would have done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advisory: Vec<AdviceObject>,
    /// Sessions that the caller may offer to end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offer: Vec<SessionObject>,
    /// What is remembered of the session, where it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tombstone: Option<TombstoneObject>,
    /// The first answer, given again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub repeated: bool,
    /// What would happen: nothing was decided.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    /// The session's number; over HTTP only, as all that follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// When the session began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// When it will be over; `never` for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The last event of the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Every quota key that counts the session.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<QuotaUseObject>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde calls")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// How full one quota key is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuotaUseObject {
    /// The quota.
    pub quota: String,
    /// The key.
    pub key: String,
    /// Live sessions under it.
    pub active: u32,
    /// The limit in force.
    pub limit: LimitWord,
}

/// What an exhausted advisory quota would have done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdviceObject {
    /// The quota.
    pub quota: String,
    /// `allow`, `deny`, `evict` or `error`.
    pub outcome: String,
    /// Ids it would have evicted.
    pub evict: Vec<String>,
    /// Why.
    pub reason: Option<String>,
}

impl AnswerLine {
    /// The answer as `simulate` prints it for `line`.
    #[must_use]
    pub fn simulated(line: u64, at: &AtGiven, echo: &Echo, answer: &Answer) -> Self {
        Self { line: Some(line), at: Some(at.clone()), ..Self::batched(echo, answer) }
    }

    /// The answer as `/v1/batch` gives it: simulate's without line and time.
    #[must_use]
    pub fn batched(echo: &Echo, answer: &Answer) -> Self {
        let text = |text: &Arc<str>| text.to_string();
        let code = answer.code.map(|code| code.as_str().to_owned());
        Self {
            line: None,
            at: None,
            op: echo.op.as_str().to_owned(),
            user: echo.user.clone(),
            session: echo.session.clone(),
            outcome: answer.outcome.as_str().to_owned(),
            evicted: ids(&answer.evicted),
            ended: ids(&answer.ended),
            expired: ids(&answer.expired),
            unknown: answer.unknown.clone(),
            code: answer.full.map(|_| LEDGER_FULL.to_owned()).or(code),
            reason: answer.reason.as_ref().map(text).or_else(|| answer.full.map(full_reason)),
            message: answer.message.as_ref().map(text),
            active: answer.active,
            limit: answer.limit.map(LimitWord::from),
            quota: answer.quota.as_ref().map(text),
            policy: answer.policy.as_ref().map(ToString::to_string),
            generation: answer.generation.map(|seq| seq.0),
            retained: ids(&answer.retained),
            skipped: answer.skipped.clone(),
            field: answer.field.clone(),
            policy_code: answer.policy_code.map(|code| code.as_str().to_owned()),
            advisory: answer.advisory.iter().map(AdviceObject::from).collect(),
            offer: answer.offer.iter().map(SessionObject::from).collect(),
            tombstone: answer.tombstone.as_deref().map(TombstoneObject::from),
            repeated: answer.repeated,
            ..Self::default()
        }
    }

    /// The answer as HTTP gives it: with the session's times and the quotas that count it.
    #[must_use]
    pub fn over_http(echo: &Echo, answer: &Answer) -> Self {
        let session = answer.session.as_ref();
        Self {
            number: session.map(|session| session.number.0),
            started: session.map(|session| session.facts.started.rfc3339()),
            expires: session.map(|session| session.expires.rfc3339()),
            seq: answer.seq.map(|seq| seq.0),
            quotas: answer.quotas.iter().map(QuotaUseObject::from).collect(),
            ..Self::batched(echo, answer)
        }
    }

    /// The answer to a dry run: as over HTTP, without the numbers that only what is recorded has. The keys told of an
    /// adopt are those above their limit.
    #[must_use]
    pub fn foreseen(echo: &Echo, answer: &Answer) -> Self {
        let line = Self::over_http(echo, answer);
        let mut line = Self { dry_run: true, number: None, generation: None, seq: None, ..line };
        if echo.op == OpName::Adopt {
            line.over = std::mem::take(&mut line.quotas);
        }
        line
    }

    /// One line of JSON, without its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn full_reason(limit: &'static str) -> String {
    format!("the limit `{limit}` is reached")
}

fn ids(sessions: &[Arc<Facts>]) -> Vec<String> {
    sessions.iter().map(|facts| facts.session().to_owned()).collect()
}

impl From<&QuotaUse> for QuotaUseObject {
    fn from(used: &QuotaUse) -> Self {
        Self {
            quota: used.quota.to_string(),
            key: used.key.to_string(),
            active: used.active,
            limit: used.limit.into(),
        }
    }
}

impl From<&Advice> for AdviceObject {
    fn from(advice: &Advice) -> Self {
        Self {
            quota: advice.quota.to_string(),
            outcome: advice.outcome.to_owned(),
            evict: ids(&advice.evict),
            reason: advice.reason.as_ref().map(ToString::to_string),
        }
    }
}

#[cfg(test)]
mod tests;
