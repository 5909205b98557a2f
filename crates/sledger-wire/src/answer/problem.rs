//! `application/problem+json` (RFC 9457).

use super::{AnswerLine, SessionObject, TombstoneObject};
use crate::recording::OpName;
use crate::values::LimitWord;
use serde::{Deserialize, Serialize};
use sledger_core::answer::{Answer, Outcome};
use sledger_core::command::{Refusal, Rejection};

/// What went wrong, over HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:sledger:` and the code in lower case, or `about:blank`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same words for every problem of this type.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Why, for programs; null where the status says all.
    pub code: Option<String>,
    /// This problem, in one line.
    pub detail: String,
    /// What came of the command, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The field that was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Why, for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// For the person affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The quota that denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<String>,
    /// Its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Live sessions of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<u32>,
    /// The limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<LimitWord>,
    /// The policy asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// How a policy failed on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_code: Option<String>,
    /// Sessions that the caller may offer to end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offer: Vec<SessionObject>,
    /// What is remembered of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tombstone: Option<TombstoneObject>,
    /// The session's generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// The first answer, given again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated: Option<bool>,
    /// What is wrong with a policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lints: Vec<crate::policies::LintObject>,
    /// What would happen: nothing was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
}

impl Problem {
    /// A problem without a command: no right, no such address, a full queue.
    #[must_use]
    pub fn new(status: u16, code: Option<&str>, detail: impl Into<String>) -> Self {
        let kind = code.map_or_else(
            || "about:blank".to_owned(),
            |code| format!("urn:sledger:{}", code.to_ascii_lowercase()),
        );
        let title = title(status).to_owned();
        Self { kind, title, status, code: code.map(str::to_owned), detail: detail.into(), ..Self::default() }
    }

    /// A body or query that cannot be read: 422.
    #[must_use]
    pub fn rejected(rejection: &Rejection) -> Self {
        Self {
            outcome: Some(Outcome::Rejected.as_str().to_owned()),
            field: Some(rejection.field.clone()),
            reason: Some(rejection.reason.clone()),
            ..Self::new(422, None, format!("`{}`: {}", rejection.field, rejection.reason))
        }
    }

    /// The problem that the answer to a change of settings is; `None` where all went well.
    #[must_use]
    pub fn of_change(answer: &Answer) -> Option<Self> {
        if answer.outcome != Outcome::Rejected {
            return None;
        }
        let reason = answer.reason.as_deref().unwrap_or_default();
        let rejection = Rejection::new(answer.field.clone().unwrap_or_default(), reason);
        let status = match answer.refusal {
            None => return Some(Self::rejected(&rejection)),
            Some(Refusal::Unknown) => 404,
            Some(Refusal::Owned) => 409,
            Some(Refusal::Raced) => 412,
        };
        Some(Self {
            field: Some(rejection.field),
            reason: Some(rejection.reason.clone()),
            ..Self::new(status, None, rejection.reason)
        })
    }

    /// The problem that an answer is over HTTP; `None` where all went well.
    #[must_use]
    pub fn of(op: OpName, answer: &Answer, line: &AnswerLine) -> Option<Self> {
        let status = status(op, answer);
        if status < 400 {
            return None;
        }
        let detail = line.reason.clone().unwrap_or_else(|| title(status).to_owned());
        let key = line.quotas.iter().find(|used| Some(&used.quota) == line.quota.as_ref());
        Some(Self {
            outcome: Some(line.outcome.clone()),
            field: line.field.clone(),
            reason: line.reason.clone(),
            message: line.message.clone(),
            quota: line.quota.clone(),
            key: key.map(|used| used.key.clone()),
            active: line.active,
            limit: line.limit.clone(),
            policy: line.policy.clone(),
            policy_code: line.policy_code.clone(),
            offer: line.offer.clone(),
            tombstone: line.tombstone.clone(),
            generation: line.generation,
            repeated: line.repeated.then_some(true),
            dry_run: line.dry_run.then_some(true),
            ..Self::new(status, line.code.as_deref(), detail)
        })
    }
}

/// The HTTP status of an answer.
#[must_use]
pub fn status(op: OpName, answer: &Answer) -> u16 {
    if answer.full.is_some() {
        return 503;
    }
    match answer.outcome {
        Outcome::Admitted => 201,
        Outcome::Denied => 403,
        Outcome::Conflict | Outcome::Stale => 409,
        Outcome::Rejected => 422,
        Outcome::Ended => 410,
        Outcome::Unknown => 404,
        Outcome::Touched | Outcome::LoggedOut | Outcome::Retained | Outcome::Disconnected => 204,
        Outcome::Cleared if op == OpName::End => 204,
        Outcome::Resumed
        | Outcome::Ignored
        | Outcome::Cleared
        | Outcome::Reconciled
        | Outcome::Adopted
        | Outcome::Advanced
        | Outcome::Configured => 200,
    }
}

const fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not found",
        405 => "Method not allowed",
        408 => "Request timeout",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition failed",
        413 => "Content too large",
        415 => "Unsupported media type",
        421 => "Misdirected request",
        422 => "Unprocessable content",
        429 => "Too many requests",
        500 => "Internal server error",
        503 => "Service unavailable",
        504 => "Gateway timeout",
        _ => "Error",
    }
}
