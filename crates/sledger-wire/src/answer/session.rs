//! Sessions, live and ended, as other programs read them.

use serde::{Deserialize, Serialize};
use sledger_core::answer::{SessionView, Tombstone};
use sledger_core::evolve::shown;
use sledger_core::{Facts, Millis};
use std::collections::BTreeMap;

/// A live session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionObject {
    /// Its id.
    pub session: String,
    /// Its number.
    pub number: u64,
    /// Its user.
    pub user: String,
    /// The system that reports it.
    pub source: Option<String>,
    /// Its client.
    pub client: Option<String>,
    /// Its address.
    pub ip: Option<String>,
    /// Its user's groups.
    pub groups: Vec<String>,
    /// Attributes of its login.
    pub attributes: BTreeMap<String, String>,
    /// When it began.
    pub started: String,
    /// When it was last active, as recorded.
    pub last_active: String,
    /// When it will be over; `never` for never.
    pub expires: String,
    /// Whether it is disconnected and kept.
    pub retained: bool,
    /// Seq of its last admission or resume.
    pub generation: u64,
    /// Its address at the last resume, where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_ip: Option<String>,
    /// Its client at the last resume, where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_client: Option<String>,
}

impl From<&SessionView> for SessionObject {
    fn from(view: &SessionView) -> Self {
        let facts: &Facts = &view.facts;
        let pairs = facts.attributes().map(|(key, value)| (key.to_owned(), value.to_owned()));
        Self {
            session: shown(facts.session()).to_owned(),
            number: view.number.0,
            user: shown(facts.user()).to_owned(),
            source: facts.source().map(str::to_owned),
            client: facts.client().map(str::to_owned),
            ip: facts.ip().map(str::to_owned),
            groups: facts.groups().map(str::to_owned).collect(),
            attributes: pairs.collect(),
            started: facts.started.rfc3339(),
            last_active: view.last_active.rfc3339(),
            expires: view.expires.rfc3339(),
            retained: view.retained,
            generation: view.generation.0,
            seen_ip: view.seen_ip.as_ref().map(ToString::to_string),
            seen_client: view.seen_client.as_ref().map(ToString::to_string),
        }
    }
}

/// What is remembered of an ended session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TombstoneObject {
    /// Its id.
    pub session: String,
    /// Its number.
    pub number: u64,
    /// Its user.
    pub user: String,
    /// The system that reported it.
    pub source: Option<String>,
    /// Its client.
    pub client: Option<String>,
    /// When it began.
    pub started: String,
    /// When it was over.
    pub ended_at: String,
    /// Why it ended, in one word.
    pub cause: String,
    /// Why, for programs.
    pub code: Option<String>,
    /// Why, for operators.
    pub reason: Option<String>,
    /// For the person affected.
    pub message: Option<String>,
    /// First event of the decision that ended it.
    pub decision: u64,
    /// The id of the newcomer it made room for, where it is known.
    pub by_session: Option<String>,
    /// The quota that was exhausted.
    pub quota: Option<String>,
    /// The policy that chose it, with its revision.
    pub policy: Option<String>,
    /// The newcomer's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_number: Option<u64>,
}

impl TombstoneObject {
    /// With the id of the newcomer it made room for: a tombstone itself knows the number only.
    #[must_use]
    pub fn by(self, session: Option<&str>) -> Self {
        Self { by_session: session.map(str::to_owned), ..self }
    }
}

impl From<&Tombstone> for TombstoneObject {
    fn from(tombstone: &Tombstone) -> Self {
        let facts: &Facts = &tombstone.facts;
        let ended: Millis = tombstone.ended_at;
        Self {
            session: shown(facts.session()).to_owned(),
            number: tombstone.number.0,
            user: shown(facts.user()).to_owned(),
            source: facts.source().map(str::to_owned),
            client: facts.client().map(str::to_owned),
            started: facts.started.rfc3339(),
            ended_at: ended.rfc3339(),
            cause: tombstone.cause.as_str().to_owned(),
            code: tombstone.code.map(|code| code.as_str().to_owned()),
            reason: tombstone.reason.as_ref().map(ToString::to_string),
            message: tombstone.message.as_ref().map(ToString::to_string),
            decision: tombstone.decision.0,
            by_session: None,
            quota: tombstone.quota.as_ref().map(ToString::to_string),
            policy: tombstone.policy.as_ref().map(ToString::to_string),
            by_number: tombstone.by_session.map(|seq| seq.0),
        }
    }
}
