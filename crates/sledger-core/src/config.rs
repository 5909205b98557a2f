//! What an operator sets, validated: quotas, sessions, users, groups, messages, limits.
//!
//! These are the ready types. How they are written in `sledger.toml` or JSON,
//! and every complaint about what is written wrongly, lives in `sledger-wire`.

mod assignment;
mod run_time;

pub use assignment::{Assignment, is_in_share};
pub use run_time::{Membership, Switch, Tag};

use crate::{Limit, Millis, Seq, Span};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that decides and can be changed while the ledger runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Lives of sessions, and what happens when an id comes again.
    pub sessions: SessionSettings,
    /// How user names become user keys.
    pub users: UserSettings,
    /// Groups given to users by name, on top of those a login brings.
    pub groups: Vec<GroupRule>,
    /// Logins that are not sessions at all.
    pub ignore: Vec<When>,
    /// Words for the person affected.
    pub messages: Messages,
    /// The quotas, in the order they are judged: the file's, then those set at run time.
    pub quotas: Vec<Arc<Quota>>,
    /// Quotas switched on or off at run time, one switch for each at most.
    pub switches: Vec<Switch>,
    /// Users put into groups or taken out at run time, one for each user of a group at most.
    pub members: Vec<Membership>,
    /// Policies given to quotas at run time.
    pub assignments: Vec<Assignment>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sessions: SessionSettings::default(),
            users: UserSettings::default(),
            groups: Vec::new(),
            ignore: Vec::new(),
            messages: Messages::default(),
            quotas: vec![Arc::new(Quota::default_quota())],
            switches: Vec::new(),
            members: Vec::new(),
            assignments: Vec::new(),
        }
    }
}

/// `[sessions]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSettings {
    /// Absolute life. Not zero.
    pub ttl: Span,
    /// Life without activity. Not zero.
    pub idle: Span,
    /// Life after a disconnect; zero ends a session at its disconnect.
    pub retention: Span,
    /// How old the recorded activity may grow before a touch is recorded.
    pub activity_resolution: Span,
    /// What a live id means when another user brings it.
    pub same_id: SameId,
    /// Whether an ended id may come again.
    pub reuse: Reuse,
    /// How long an evicted id is refused.
    pub evicted_wait: Span,
    /// How many ended sessions are remembered.
    pub tombstones_max: u32,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            ttl: Span::seconds(12 * 3600),
            idle: Span::seconds(30 * 60),
            retention: Span::ZERO,
            activity_resolution: Span::seconds(60),
            same_id: SameId::Refuse,
            reuse: Reuse::Allow,
            evicted_wait: Span::ZERO,
            tombstones_max: 200_000,
        }
    }
}

/// What happens when another user brings a live id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SameId {
    /// The login is a conflict.
    Refuse,
    /// The old owner's session ends.
    TakeOver,
}

/// Whether an ended id may come again as a new session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reuse {
    /// It may.
    Allow,
    /// It is answered with its tombstone.
    Refuse,
}

/// `[users]`: how names become user keys. Fixed once anything is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSettings {
    /// Fold to lower case.
    pub lowercase: bool,
    /// Domains taken off, both as `DOMAIN\name` and `name@domain`; compared without case.
    pub strip_domain: Vec<String>,
}

/// `[[group]]`: users, by exact name or glob, who are in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRule {
    /// The group.
    pub name: String,
    /// User keys or globs of `*` and `?`.
    pub users: Vec<String>,
}

/// Words for the person; `{limit} {active} {quota} {at} {by_client}` are filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Messages {
    /// For the newcomer who is denied.
    pub denied: String,
    /// For the one whose session is evicted.
    pub evicted: String,
}

impl Default for Messages {
    fn default() -> Self {
        Self {
            denied: "You are already signed in {active} times; {limit} are allowed.".to_owned(),
            evicted: "You were signed out because your account signed in elsewhere at {at}.".to_owned(),
        }
    }
}

/// A named limit: which sessions it counts, grouped how, how many, what then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Its name, unique.
    pub name: String,
    /// What sessions are grouped by; several dimensions make one key together.
    pub count_by: Vec<Dimension>,
    /// Which sessions it counts.
    pub when: When,
    /// How many per key, where no override says otherwise.
    pub max_sessions: Limit,
    /// What it can do.
    pub level: Level,
    /// The policy asked when a key is exhausted.
    pub on_exhausted: String,
    /// What decides when that policy fails.
    pub on_error: OnError,
    /// Whether sessions of other users than the newcomer may be evicted.
    pub evict_others: bool,
    /// A disabled quota keeps its settings and counts nothing.
    pub enabled: bool,
    /// Values for the params that the policy's header declares.
    pub params: BTreeMap<String, Param>,
    /// Words for the person, instead of the general ones.
    pub messages: QuotaMessages,
    /// Other limits for some users or groups, in the order they are looked at within a class.
    pub overrides: Vec<Override>,
    /// Who owns it.
    pub origin: Origin,
}

impl Quota {
    /// The quota of a ledger that was given none: five sessions a user, the next to expire makes room.
    #[must_use]
    pub fn default_quota() -> Self {
        Self {
            name: "per-user".to_owned(),
            count_by: vec![Dimension::User],
            when: When::default(),
            max_sessions: Limit::at_most(5).unwrap_or(Limit::Unlimited),
            level: Level::Hard,
            on_exhausted: "destroy_next_expiring".to_owned(),
            on_error: OnError::Deny,
            evict_others: false,
            enabled: true,
            params: BTreeMap::new(),
            messages: QuotaMessages::default(),
            overrides: Vec::new(),
            origin: Origin::Default,
        }
    }
}

/// Messages of one quota; `None` falls back to the general ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaMessages {
    /// For the newcomer who is denied.
    pub denied: Option<String>,
    /// For the one whose session is evicted.
    pub evicted: Option<String>,
}

/// What a quota groups sessions by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dimension {
    /// The user key.
    User,
    /// The network address.
    Ip,
    /// The client.
    Client,
    /// Each group the user is in, one key per group.
    Group,
    /// The source.
    Source,
    /// All sessions together.
    All,
    /// One attribute of the login.
    Attribute(String),
}

/// What a quota can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// Can never be passed.
    Hard,
    /// Can be passed by a policy that says so.
    Soft,
    /// Evaluated and recorded, never enforced.
    Advisory,
}

/// What decides when a policy fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnError {
    /// The login is denied.
    Deny,
    /// The login is admitted; soft quotas only.
    Allow,
    /// This built-in policy is asked.
    Policy(String),
}

/// Who owns a quota: only its owner changes or deletes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// Nobody gave any quota.
    Default,
    /// The configuration file.
    File,
    /// The ledger, set at run time.
    Api,
}

/// A typed param of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Param {
    /// An integer; durations arrive as seconds.
    Int(i64),
    /// Text.
    Text(String),
    /// True or false.
    Bool(bool),
    /// A list.
    List(Vec<Param>),
}

/// Another limit for some users or groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Whom it is for.
    pub selector: Selector,
    /// The limit instead of the quota's.
    pub limit: Limit,
    /// From then on it is over (equality included); `None` for ever.
    pub until: Option<Millis>,
    /// When it was set at run time; `None` when it stands in the file. Those set at run time, newest first,
    /// come before the file's.
    pub set_at: Option<Seq>,
    /// Why, for operators.
    pub reason: Option<String>,
}

/// Whom an override is for, in the order of precedence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Selector {
    /// One user key.
    User(String),
    /// User keys that match `*` and `?`.
    Glob(String),
    /// Members of a group.
    Group(String),
}

/// Which sessions are meant: all conditions given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// Conditions that must all hold.
    pub all_of: Vec<Condition>,
    /// A table that must not hold as a whole; empty when absent.
    pub not: Vec<Condition>,
}

/// One condition: the named fact is one of `any_of`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The fact looked at.
    pub fact: Fact,
    /// Globs for users, networks for ip, exact texts otherwise.
    pub any_of: Vec<String>,
}

/// What a condition looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// The user key, by glob.
    User,
    /// Any of the user's groups, exact.
    Group,
    /// The client, exact.
    Client,
    /// The source, exact.
    Source,
    /// The address, by network (`10.0.0.0/8`) or exact.
    Ip,
    /// An attribute of the login, exact.
    Attribute(String),
}

/// Bounds of RULES 20 that an operator can set. Not recorded: they bound the process, not the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Live sessions.
    pub sessions_max: u32,
    /// Users with live sessions.
    pub users_max: u32,
    /// Groups a login may bring.
    pub groups_per_login_max: u32,
    /// Bytes of a policy's source.
    pub policy_bytes_max: u32,
    /// The disk's reserve is reached: nobody new is let in.
    pub disk_full: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            sessions_max: 10_000_000,
            users_max: 16_000_000,
            groups_per_login_max: 32,
            policy_bytes_max: 32 * 1024,
            disk_full: false,
        }
    }
}

/// Bytes of a user, session id, ip, client or source.
pub const NAME_BYTES_MAX: usize = 256;
/// Attributes of a login, and again of its user.
pub const ATTRIBUTES_MAX: usize = 16;
/// Bytes of an attribute's key.
pub const ATTRIBUTE_KEY_BYTES_MAX: usize = 64;
/// Bytes of an attribute's value.
pub const ATTRIBUTE_VALUE_BYTES_MAX: usize = 256;
/// Bytes of all keys and values of a login's attributes together.
pub const ATTRIBUTES_BYTES_MAX: usize = 1024;
/// Bytes of a command id.
pub const COMMAND_ID_BYTES_MAX: usize = 64;
/// Bytes of an encoded decision.
pub const DECISION_BYTES_MAX: usize = 48 * 1024;
/// What a personal value takes more where it is sealed, in bytes: the key's id, a nonce, a tag, lengths.
pub const SEALED_BYTES: usize = 56;
/// A decision is no longer than this when what is personal in it is sealed, in bytes: below a block.
pub const SEALED_DECISION_BYTES_MAX: usize = 60 * 1024;
/// Sessions that one login may end.
pub const ENDS_PER_LOGIN_MAX: usize = 4096;
/// Sessions that one decision of a clear, reconcile, adopt or expiry ends or records.
pub const ENDS_PER_DECISION_MAX: usize = 1024;
/// Bytes of a reason or message that comes from outside or from a script.
pub const REASON_BYTES_MAX: usize = 512;
/// Longest note, in bytes.
pub const NOTE_BYTES_MAX: usize = 4096;
/// Command ids remembered.
pub const COMMANDS_REMEMBERED_MAX: usize = 100_000;
/// How long a command id is remembered.
pub const COMMAND_MEMORY: Span = Span::seconds(600);
