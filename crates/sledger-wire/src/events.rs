//! Events as other programs read them: SSE, `events`, `export`, webhooks, audit.
//!
//! Events of the core name users and sessions by number. Who renders them looks
//! the names up and tells them here, in a [`Told`]; [`EventLine::of`] does the rest.

mod actor;
mod details;
mod export;
mod types;

pub(crate) use details::source as source_word;

pub use actor::{actor, actor_text};
pub use export::{Base, Begin, End, ExportLine, ExportRead, PolicyText, is_event_line};
pub use types::{TYPES, type_of};

use crate::answer::AdviceObject;
use crate::values::LimitWord;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sledger_core::command::Actor;
use sledger_core::event::{Cause, Code, Event, Judged};
use sledger_core::{Facts, Millis, Seq};

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventLine {
    /// Its position in the ledger.
    pub seq: u64,
    /// Ledger time of its decision.
    pub at: String,
    /// One of [`TYPES`].
    #[serde(rename = "type")]
    pub kind: String,
    /// Why, for programs.
    pub code: Option<String>,
    /// First event of its decision.
    pub decision: u64,
    /// Who caused it.
    pub actor: String,
    /// The caller's own id for the request.
    pub request_id: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// The newcomer that a session made room for.
    pub by_session: Option<String>,
    /// The system that reports the session.
    pub source: Option<String>,
    /// The session's address.
    pub ip: Option<String>,
    /// The session's client.
    pub client: Option<String>,
    /// The quota concerned.
    pub quota: Option<String>,
    /// Its key.
    pub key: Option<String>,
    /// Its limit.
    pub limit: Option<LimitWord>,
    /// Live sessions under the key.
    pub active: Option<u32>,
    /// The policy that decided, with its revision.
    pub policy: Option<String>,
    /// The line in it that decided.
    pub line: Option<u32>,
    /// Why a session ended, in one word.
    pub cause: Option<String>,
    /// Why, for operators.
    pub reason: Option<String>,
    /// For the person affected.
    pub message: Option<String>,
    /// The session's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// When the session began; on ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// When the session was over; on ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Time of the first; on counted denials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// Time of the last; on counted denials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// How many; on counted denials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// What exhausted advisory quotas would have done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advisory: Vec<AdviceObject>,
    /// How a policy failed on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_code: Option<String>,
    /// What else there is to say of an event that is about no session.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub details: Map<String, Value>,
}

/// An event with everything that it takes to show it.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The event's position.
    pub seq: Seq,
    /// Ledger time of its decision.
    pub at: Millis,
    /// First event of its decision.
    pub decision: Seq,
    /// Who caused it.
    pub actor: &'a Actor,
    /// The caller's own id for the request.
    pub request_id: Option<&'a str>,
    /// The event.
    pub event: &'a Event,
    /// The session's facts, or those that a denied login would have had.
    pub facts: Option<&'a Facts>,
    /// The user, where there is one without a session (a clear, counted denials).
    pub user: Option<&'a str>,
    /// The newcomer that a session made room for.
    pub by_session: Option<&'a str>,
    /// The judgement that decided, where the event has one or its login met an exhausted quota.
    pub judged: Option<&'a Judged>,
    /// The name of the quota that the event or the judgement refers to.
    pub quota: Option<&'a str>,
    /// For the person affected.
    pub message: Option<&'a str>,
}

impl EventLine {
    /// The event as other programs read it.
    #[must_use]
    pub fn of(told: &Told<'_>) -> Self {
        let mut line = Self {
            seq: told.seq.0,
            at: told.at.rfc3339(),
            kind: type_of(told.event).to_owned(),
            decision: told.decision.0,
            actor: actor_text(told.actor),
            request_id: told.request_id.map(str::to_owned),
            user: told.user.map(str::to_owned),
            by_session: told.by_session.map(str::to_owned),
            quota: told.quota.map(str::to_owned),
            message: told.message.map(str::to_owned),
            number: number(told),
            details: details::of(told.event),
            ..Self::default()
        };
        line.facts(told);
        line.judged(told);
        line.event(told.event);
        line
    }

    /// One line of JSON, without its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn facts(&mut self, told: &Told<'_>) {
        let Some(facts) = told.facts else { return };
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        self.user = text(facts.user());
        self.session = text(facts.session());
        self.source = facts.source().map(str::to_owned);
        self.ip = facts.ip().map(str::to_owned);
        self.client = facts.client().map(str::to_owned);
        if matches!(told.event, Event::Ended { .. }) {
            self.started = Some(facts.started.rfc3339());
        }
    }

    fn judged(&mut self, told: &Told<'_>) {
        let Some(judged) = told.judged else { return };
        self.key = judged.key.plain().map(ToString::to_string);
        self.limit = Some(judged.limit.into());
        self.active = Some(judged.active);
        self.policy = judged.policy.as_ref().map(ToString::to_string);
        self.line = Some(judged.line).filter(|line| *line > 0);
        self.reason = judged.reason.as_ref().map(ToString::to_string);
        self.policy_code = judged.failure.as_ref().map(|failure| failure.code.as_str().to_owned());
        let met = matches!(told.event, Event::Admitted { .. } | Event::Ended { cause: Cause::Evicted, .. });
        if met && judged.enforced {
            self.code = Some(Code::SessionQuotaExceeded.as_str().to_owned());
        }
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Denied { code, limit, active, reason, .. } => {
                self.code = Some(code.as_str().to_owned());
                self.limit = limit.map(LimitWord::from);
                self.active = Some(*active);
                self.reason = Some(reason.to_string());
            }
            Event::DenialsCounted { user, policy, code, first, last, count, .. } => {
                self.code = Some(code.as_str().to_owned());
                self.user = user.plain().map(ToString::to_string);
                self.policy = policy.as_ref().map(ToString::to_string);
                self.first = Some(first.rfc3339());
                self.last = Some(last.rfc3339());
                self.count = Some(*count);
            }
            Event::Conflicted { limit, reason, .. } => {
                self.code = Some(Code::SessionConflict.as_str().to_owned());
                self.limit = limit.map(LimitWord::from);
                self.reason = Some(reason.to_string());
            }
            Event::Ended { cause, ended_at, .. } => {
                self.cause = Some(cause.as_str().to_owned());
                self.ended_at = Some(ended_at.rfc3339());
            }
            Event::PolicyFailed { failure, .. } => {
                self.code = Some(failure.code.as_str().to_owned());
                self.policy = Some(failure.policy.to_string());
                self.line = Some(failure.line).filter(|line| *line > 0);
                self.policy_code = None;
            }
            // The rest says what it has to say in `details`.
            _ => {}
        }
    }
}

/// The number of the session that an event is about.
fn number(told: &Told<'_>) -> Option<u64> {
    match told.event {
        Event::Admitted { .. } | Event::Adopted { .. } => Some(told.seq.0),
        Event::Resumed { session, .. }
        | Event::Touched { session, .. }
        | Event::Disconnected { session }
        | Event::Ended { session, .. } => Some(session.0),
        Event::Conflicted { session, .. } => session.map(|seq| seq.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
