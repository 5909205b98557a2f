//! Pages of lists and the answers of reading commands.

use crate::answer::SessionObject;
use crate::events::EventLine;
use crate::values::LimitWord;
use serde::{Deserialize, Serialize};
use sledger_core::Millis;
use sledger_core::answer::SessionView;
use std::collections::BTreeMap;

/// `GET /v1/users`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsersPage {
    /// Up to this event.
    pub seq: u64,
    /// The users.
    pub users: Vec<UserRow>,
    /// The cursor of the next page; null at the end.
    pub next: Option<String>,
}

/// A user, with the enabled hard quota that has the least room left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserRow {
    /// The user.
    pub user: String,
    /// Live sessions.
    pub active: u32,
    /// The quota's limit.
    pub limit: Option<LimitWord>,
    /// The quota; null where none counts the user.
    pub quota: Option<String>,
}

/// `GET /v1/users/{user}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserDetail {
    /// The user.
    pub user: String,
    /// Live sessions.
    pub active: u32,
    /// The limit of the quota with the least room left.
    pub limit: Option<LimitWord>,
    /// The sessions.
    pub sessions: Vec<SessionObject>,
}

/// `GET /v1/sessions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionsPage {
    /// Up to this event.
    pub seq: u64,
    /// The sessions.
    pub sessions: Vec<SessionObject>,
    /// The cursor of the next page; null at the end.
    pub next: Option<String>,
}

/// `DELETE /v1/users/{user}/sessions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ended {
    /// The ids that were ended.
    pub ended: Vec<String>,
}

/// `POST /v1/ledger/erase`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Erasure {
    /// The event that says so.
    pub seq: u64,
    /// Live sessions that it ended.
    pub ended: u64,
    /// Whether every snapshot is removed; one that is not cannot be read any more.
    pub snapshots_removed: bool,
}

/// `GET /v1/top` and `top --once`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Top {
    /// Up to this event.
    pub seq: u64,
    /// Live sessions.
    pub sessions: u64,
    /// Users with live sessions.
    pub users: u64,
    /// Users with an enabled hard quota at its limit.
    pub at_limit: u64,
    /// Users with one at or above `near`.
    pub near_limit: u64,
    /// `durable` or `relaxed`.
    pub durability: String,
    /// Whether the ledger refuses to write.
    pub poisoned: bool,
    /// What is wrong though everybody is served, e.g. a configuration that was not taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The users nearest to their limits.
    pub top: Vec<TopRow>,
    /// Per second, over 60 s; null at rest.
    pub rates: Rates,
    /// From receipt to durable answer, in microseconds.
    pub latency_us: Quantiles,
    /// The deciding alone, in microseconds.
    pub decide_us: Quantiles,
    /// From handing a batch to the disk until it is durable, in microseconds; absent at rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_us: Option<Quantiles>,
    /// How many answers took how long since the server started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latency_shape: Vec<LatencyClass>,
    /// How many decisions took how long since the server started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decide_shape: Vec<LatencyClass>,
    /// Logins with a code since the server started, the most frequent kinds first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logins: Vec<LoginCount>,
    /// Sessions ended since the server started, by cause.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ends: BTreeMap<String, u64>,
}

/// How many took no longer than this, and longer than the class before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LatencyClass {
    /// In microseconds; null for whatever took longer than the class before.
    pub at_most_us: Option<u64>,
    /// How many.
    pub count: u64,
}

/// How many logins came to the same end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoginCount {
    /// What came of them.
    pub outcome: String,
    /// The quota.
    pub quota: Option<String>,
    /// Why, for programs.
    pub code: Option<String>,
    /// How many.
    pub count: u64,
}

/// A user in [`Top`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TopRow {
    /// The user.
    pub user: String,
    /// Live sessions.
    pub active: u32,
    /// The limit.
    pub limit: Option<LimitWord>,
    /// The quota that sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<String>,
}

/// Events per second; null at rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rates {
    /// Logins admitted.
    pub admitted: Option<f64>,
    /// Logins denied.
    pub denied: Option<f64>,
    /// Logins resumed.
    pub resumed: Option<f64>,
    /// Sessions evicted.
    pub evicted: Option<f64>,
    /// Sessions expired.
    pub expired: Option<f64>,
    /// Sessions ended otherwise.
    pub ended: Option<f64>,
}

/// Quantiles in microseconds; null at rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quantiles {
    /// Half are faster.
    pub p50: Option<u64>,
    /// 99 of 100 are faster.
    pub p99: Option<u64>,
    /// 999 of 1,000 are faster.
    pub p999: Option<u64>,
    /// The slowest.
    pub max: Option<u64>,
}

/// `GET /v1/replay/timeline`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelinePage {
    /// The last event that was durable when this was asked.
    pub seq: u64,
    /// What the name was taken for, where it could be something else.
    pub note: Option<String>,
    /// The events, in order.
    pub events: Vec<EventLine>,
    /// The last event of the page, where more may follow; null at the end.
    pub next: Option<u64>,
}

impl TimelinePage {
    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// `replay at WHEN`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayAt {
    /// After this event.
    pub seq: u64,
    /// The moment.
    pub at: String,
    /// Who was in.
    pub users: Vec<UserDetail>,
}

/// `replay why`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// The session.
    pub session: Option<String>,
    /// Its user.
    pub user: Option<String>,
    /// What came of the login.
    pub outcome: Option<String>,
    /// When the session was over.
    pub ended_at: Option<String>,
    /// Why it ended, in one word.
    pub cause: Option<String>,
    /// Why, for programs.
    pub code: Option<String>,
    /// The decision.
    pub decision: WhyDecision,
    /// The newcomer it made room for.
    pub by_session: Option<String>,
    /// Who caused it.
    pub actor: Option<String>,
}

/// The decision in [`Why`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyDecision {
    /// Its first event.
    pub seq: Option<u64>,
    /// The quota that was exhausted.
    pub quota: Option<String>,
    /// The policy, with its revision.
    pub policy: Option<String>,
    /// The line in it that decided.
    pub line: Option<u32>,
    /// Why, for operators.
    pub reason: Option<String>,
    /// For the person affected.
    pub message: Option<String>,
}

/// `replay verify`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Events read.
    pub events: u64,
    /// Blocks read.
    pub blocks: u64,
    /// Decisions read.
    pub decisions: u64,
    /// Decisions taken again and compared.
    pub rederived: u64,
    /// Decisions that cannot be taken again, by reason.
    pub not_rederivable: BTreeMap<String, u64>,
    /// The checkpoint that the chain was held against.
    pub anchored_to: Option<String>,
    /// What this check cannot tell, a sentence each.
    #[serde(default)]
    pub cannot_tell: Vec<String>,
    /// Whether nothing is wrong.
    pub ok: bool,
    /// What is wrong.
    pub problems: Vec<VerifyProblem>,
    /// The last event up to which nothing is wrong.
    #[serde(default)]
    pub whole_to: Option<u64>,
}

/// One thing wrong in [`Verified`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyProblem {
    /// What kind.
    pub kind: String,
    /// The volume.
    pub volume: Option<u32>,
    /// The event.
    pub seq: Option<u64>,
    /// What was found.
    pub detail: String,
}

/// `policy backtest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backtest {
    /// Logins decided again.
    pub decisions: u64,
    /// Those that met an exhausted quota.
    pub exhausted: u64,
    /// Those decided otherwise.
    pub changed: u64,
    /// From what to what; `allow deny evict error`.
    pub changes: Vec<BacktestChange>,
}

/// One kind of change in [`Backtest`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BacktestChange {
    /// As recorded.
    pub from: String,
    /// As decided again.
    pub to: String,
    /// How often.
    pub count: u64,
}

/// `POST /v1/introspect` (RFC 7662).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Introspection {
    /// Whether the session is live.
    pub active: bool,
    /// Its user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Its user, again under the standard's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// Its client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Its id: the token asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Its id and number, `id@SEQ`: no other session ever has the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// When it began, in Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// When it will be over, in Unix seconds; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
}

impl From<&SessionView> for Introspection {
    fn from(session: &SessionView) -> Self {
        let facts = &*session.facts;
        let seconds = |at: Millis| i64::try_from(at.0 / 1000).ok();
        Self {
            active: true,
            username: Some(facts.user().to_owned()),
            sub: Some(facts.user().to_owned()),
            client_id: facts.client().map(str::to_owned),
            sid: Some(facts.session().to_owned()),
            jti: Some(format!("{}@{}", facts.session(), session.number)),
            iat: seconds(facts.started),
            exp: (session.expires != Millis::NEVER).then(|| seconds(session.expires)).flatten(),
        }
    }
}

/// `GET /v1/ledger`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// The ledger's id; null in memory, as is all that is of a data directory.
    pub ledger: Option<String>,
    /// Its partition.
    pub partition: Option<u32>,
    /// When it was made.
    pub created: Option<String>,
    /// Version of the program that made it.
    pub program: Option<String>,
    /// Whether what is personal is sealed.
    pub seal_personal: Option<bool>,
    /// The first event that is there.
    pub first: u64,
    /// Where history begins, if not with the first event.
    pub begins: Option<crate::keeping::BeginsObject>,
    /// Age at which volumes are dropped.
    pub keep: String,
    /// Holds that stand: nothing is archived, dropped or erased while there is one.
    pub holds: Vec<crate::keeping::HoldObject>,
    /// Volumes, the newest 1,000 of them in order.
    pub volume_list: Vec<crate::keeping::VolumeObject>,
    /// The seq of the newest snapshot.
    pub snapshot: Option<u64>,
    /// Free bytes on the disk.
    pub disk_free: Option<u64>,
    /// Volumes dropped since the start, and why the last try failed.
    pub keeping: Option<crate::keeping::KeepingObject>,
    /// Seconds since the newest snapshot was written; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_age_s: Option<u64>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_keys_of_top_stand_in_their_order() {
        let json =
            serde_json::to_string(&Top { durability: "durable".to_owned(), ..Top::default() }).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"seq":0,"sessions":0,"users":0,"at_limit":0,"near_limit":0,"durability":"durable","#,
                r#""poisoned":false,"top":[],"rates":{"admitted":null,"denied":null,"resumed":null,"#,
                r#""evicted":null,"expired":null,"ended":null},"#,
                r#""latency_us":{"p50":null,"p99":null,"p999":null,"max":null},"#,
                r#""decide_us":{"p50":null,"p99":null,"p999":null,"max":null}}"#
            )
        );
    }

    #[test]
    fn a_user_row_reads_back() {
        let json =
            r#"{"seq":3,"users":[{"user":"ann","active":2,"limit":"unlimited","quota":null}],"next":null}"#;
        let page: UsersPage = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&page).unwrap(), json);
    }
}
