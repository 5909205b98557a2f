//! The shapes of what is read from a tree or shown as one: bodies of requests, quotas, overrides.
//!
//! Promise: each has the keys that its reader knows, and no others; a body that breaks its schema is refused by the
//! reader. The other way round does not hold: a schema cannot say what a reader counts in bytes or looks up.
//! Absent on purpose: reading and writing. The types stand for their schemas alone.

mod values;

pub use values::{Duration, Ending, EndingWord, OneOrMany};

use crate::values::LimitWord;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The body of `POST /v1/sessions`: somebody wants in. Without `session` a `command` is required.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    /// Who.
    #[schema(max_length = 256, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub user: String,
    /// The session's id; where it is left out, the answer tells one of 128 bits that nobody can guess.
    #[schema(min_length = 1, max_length = 256, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub session: Option<String>,
    /// From which address.
    #[schema(max_length = 256, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub ip: Option<String>,
    /// With which client.
    #[schema(max_length = 256, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub client: Option<String>,
    /// Which system reports it.
    #[schema(max_length = 256, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub source: Option<String>,
    /// Groups of the user, beside those that the configuration names.
    pub groups: Option<Vec<String>>,
    /// Attributes of this login.
    pub attributes: Option<BTreeMap<String, Option<String>>>,
    /// Attributes of the user.
    pub user_attributes: Option<BTreeMap<String, Option<String>>>,
    /// How long the session lives at most; above zero.
    pub ttl: Option<Duration>,
    /// How long it lives without activity; above zero.
    pub idle: Option<Duration>,
    /// How long it is kept once it is disconnected.
    pub retention: Option<Duration>,
    /// Sessions of the same user to be ended with it.
    pub end: Option<Ending>,
    /// The session that this one takes the place of.
    #[schema(min_length = 1, max_length = 256, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub replaces: Option<String>,
    /// The command id: a repeat gets the first answer.
    #[schema(min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub command: Option<String>,
}

/// The body of `POST /v1/ledger/erase`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseBody {
    /// Whose.
    #[schema(min_length = 1, max_length = 256, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub user: String,
    /// Why; it stays in the ledger, so name nobody.
    #[schema(max_length = 512, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub reason: Option<String>,
}

/// The body of `POST /v1/sessions/{id}/end`; empty for no reason.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndBody {
    /// Why, for operators.
    pub reason: Option<String>,
    /// The generation the caller knows.
    #[schema(minimum = 0)]
    pub generation: Option<u64>,
    /// The command id: a repeat gets the first answer.
    #[schema(min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub command: Option<String>,
}

/// The body of `POST /v1/introspect` (RFC 7662, section 2.1).
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct TokenForm {
    /// The session's id.
    #[schema(min_length = 1)]
    pub token: String,
    /// Means nothing here, as the standard allows.
    pub token_type_hint: Option<String>,
}

/// The body of `POST /v1/quotas/{name}/enable` and `/disable`; empty for good and without reason.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchBody {
    /// For how long, above zero; left out or `never` for good.
    #[serde(rename = "for")]
    pub lasting: Option<Duration>,
    /// Why, for operators.
    #[schema(min_length = 1, max_length = 512)]
    pub reason: Option<String>,
}

/// The body of `PUT /v1/quotas/{name}/overrides/{selector}`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideBody {
    /// The limit for whom it is for.
    pub max_sessions: LimitWord,
    /// Until when; left out for good.
    #[schema(format = DateTime)]
    pub until: Option<String>,
    /// Why, for operators.
    #[schema(min_length = 1, max_length = 512)]
    pub reason: Option<String>,
}

/// The body of `PUT /v1/policies/{name}`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyBody {
    /// The source, in rhai; at most 32 KiB.
    #[schema(min_length = 1)]
    pub text: String,
    /// For this quota only; left out for all that name the policy.
    #[schema(min_length = 1)]
    pub quota: Option<String>,
    /// Its tests, in TOML: they must pass.
    pub tests: Option<String>,
    /// Its params, on a quota that names another policy; at most 64.
    #[schema(value_type = Option<Object>)]
    pub params: Option<BTreeMap<String, Value>>,
    /// Why, for operators.
    #[schema(min_length = 1, max_length = 512)]
    pub reason: Option<String>,
}

/// The body of `POST /v1/notes`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteBody {
    /// What it is about, e.g. `seq:17`, `user:ann`, `session:a`.
    #[schema(min_length = 1, max_length = 512, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub about: String,
    /// The note.
    #[schema(min_length = 1, max_length = 4096, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub text: String,
}

/// The body of `POST /v1/ledger/hold`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldBody {
    /// Its name.
    #[schema(min_length = 1, max_length = 256, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub name: String,
    /// Why nothing may go.
    #[schema(min_length = 1, max_length = 512, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub reason: String,
}

/// The body of `POST /v1/ledger/release`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseBody {
    /// The hold's name.
    #[schema(min_length = 1, max_length = 256, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub name: String,
}

/// The body of `POST /v1/policies/{name}/promote` and `/stop`; empty for all quotas concerned.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyDeedBody {
    /// On this quota only.
    #[schema(min_length = 1)]
    pub quota: Option<String>,
    /// Why, for operators.
    #[schema(min_length = 1, max_length = 512)]
    pub reason: Option<String>,
}

/// The body of `POST /v1/policies/{name}/rollback`; empty for the revision before, on all quotas concerned.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackBody {
    /// On this quota only.
    #[schema(min_length = 1)]
    pub quota: Option<String>,
    /// To this revision: eight hex digits.
    #[schema(pattern = "^([a-z0-9_]+@)?[0-9a-fA-F]{8}$")]
    pub to: Option<String>,
    /// Why, for operators.
    #[schema(min_length = 1, max_length = 512)]
    pub reason: Option<String>,
}

/// A quota's keys as in the configuration file. What is left out has its default, in a `PATCH` what it was.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuotaBody {
    /// Its name; where given, the one that it is sent to.
    #[schema(max_length = 64)]
    pub name: Option<String>,
    /// What is counted by: `user`, `ip`, `client`, `group`, `source`, `all`, `attr:NAME`, or a list of these.
    pub count_by: Option<OneOrMany>,
    /// Which sessions it counts: `user`, `group`, `client`, `source`, `ip`, `attr:NAME`, each one value or a list,
    /// and `not` with the same keys.
    #[schema(value_type = Option<Object>)]
    pub when: Option<BTreeMap<String, Value>>,
    /// Sessions under one key.
    pub max_sessions: Option<LimitWord>,
    /// What it does about one more.
    pub level: Option<Level>,
    /// The policy that is asked where a key is exhausted.
    pub on_exhausted: Option<String>,
    /// What becomes of the login where the policy fails: `deny`, a policy, or for a soft quota `allow`.
    pub on_error: Option<String>,
    /// Whether the policy may end sessions of other users.
    pub evict_others: Option<bool>,
    /// Whether it is judged.
    pub enabled: Option<bool>,
    /// What the policy's header declares; at most 64.
    #[schema(value_type = Option<Object>)]
    pub params: Option<BTreeMap<String, Value>>,
    /// Words for the person, instead of those of the configuration.
    pub messages: Option<QuotaMessages>,
    /// Other limits for some users or groups.
    #[serde(rename = "override")]
    pub overrides: Option<Vec<OverrideEntry>>,
}

/// How strict a quota is.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Holds against everybody.
    Hard,
    /// Its policy may let a login through.
    Soft,
    /// Tells what it would have done.
    Advisory,
}

/// Words for the person.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuotaMessages {
    /// To whom is denied.
    #[schema(min_length = 1, max_length = 512)]
    pub denied: Option<String>,
    /// To whom is evicted.
    #[schema(min_length = 1, max_length = 512)]
    pub evicted: Option<String>,
}

/// Another limit for some users or one group, as a quota's own key. Exactly one of `user` and `group` is given.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideEntry {
    /// A user or a glob.
    #[schema(max_length = 256, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub user: Option<String>,
    /// A group.
    #[schema(max_length = 256, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub group: Option<String>,
    /// The limit.
    pub max_sessions: LimitWord,
    /// Until when.
    #[schema(format = DateTime)]
    pub until: Option<String>,
    /// Why, for operators.
    #[schema(min_length = 1, max_length = 512)]
    pub reason: Option<String>,
}

/// A quota as it is in force.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct QuotaObject {
    /// Its name.
    pub name: String,
    /// What is counted by.
    pub count_by: Vec<String>,
    /// Which sessions it counts.
    #[schema(value_type = Object)]
    pub when: BTreeMap<String, Value>,
    /// Sessions under one key.
    pub max_sessions: LimitWord,
    /// What it does about one more.
    pub level: Level,
    /// The policy that is asked where a key is exhausted.
    pub on_exhausted: String,
    /// What becomes of the login where the policy fails.
    pub on_error: String,
    /// Whether the policy may end sessions of other users.
    pub evict_others: bool,
    /// Whether it is judged.
    pub enabled: bool,
    /// What the policy is given.
    #[schema(value_type = Object)]
    pub params: BTreeMap<String, Value>,
    /// Words for the person.
    pub messages: QuotaMessagesObject,
    /// Other limits, in the order they are looked at.
    #[serde(rename = "override")]
    pub overrides: Vec<OverrideObject>,
    /// Whose it is.
    pub origin: Origin,
    /// How it was switched at run time; null where it was not.
    pub switched: Option<SwitchObject>,
    /// Its tag, as `If-Match` wants it.
    pub etag: Option<String>,
}

/// Whose a quota is.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// In force where there is no other.
    Default,
    /// The configuration file's: changed there.
    File,
    /// The ledger's, set over HTTP.
    Api,
}

/// Words of a quota for the person, those that it has.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct QuotaMessagesObject {
    /// To whom is denied.
    #[serde(default)]
    pub denied: String,
    /// To whom is evicted.
    #[serde(default)]
    pub evicted: String,
}

/// An override: of the file, or with `set_at` of the ledger.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct OverrideObject {
    /// A user or a glob.
    #[serde(default)]
    pub user: String,
    /// A group.
    #[serde(default)]
    pub group: String,
    /// The limit.
    pub max_sessions: LimitWord,
    /// Until when.
    #[serde(default)]
    pub until: String,
    /// Why, for operators.
    #[serde(default)]
    pub reason: String,
    /// The event that set it.
    #[serde(default)]
    pub set_at: u64,
}

/// How a quota was switched.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct SwitchObject {
    /// The quota.
    pub quota: String,
    /// On or off.
    pub enabled: bool,
    /// Until when; null for good.
    pub until: Option<String>,
    /// What it is afterwards.
    pub afterwards: Option<bool>,
    /// Why, for operators.
    pub reason: Option<String>,
    /// The event that switched it.
    pub set_at: u64,
}
