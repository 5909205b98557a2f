//! Every member and function that a policy is given: one table, for what lint knows and for what editors show.
//!
//! A test holds it against what the engine registers.

use super::{Kind, Member, Takes};

const fn property(of: Kind, name: &'static str, yields: Kind, doc: &'static str) -> Member {
    Member { of, name, takes: None, yields, doc }
}

const fn method(
    of: Kind,
    name: &'static str,
    takes: &'static [(&'static str, Takes)],
    yields: Kind,
    doc: &'static str,
) -> Member {
    Member { of, name, takes: Some(takes), yields, doc }
}

const NONE: &[(&str, Takes)] = &[];
const KEY: &[(&str, Takes)] = &[("key", Takes::Text)];
const COUNT: &[(&str, Takes)] = &[("count", Takes::Count)];
const DURATION: &[(&str, Takes)] = &[("duration", Takes::Duration)];
const TEXT: &[(&str, Takes)] = &[("text", Takes::Text)];
const REASON: &[(&str, Takes)] = &[("reason", Takes::Text)];

/// The members of what a policy is given. What may be missing (`request.ip`) counts as known to be there.
pub(in crate::lint) const MEMBERS: &[Member] = &[
    property(Kind::Now, "epoch", Kind::Int, "Seconds since the start of 1970, UTC."),
    property(Kind::Now, "hour", Kind::Int, "Hour of the day, 0 to 23."),
    property(Kind::Now, "minute", Kind::Int, "Minute of the hour, 0 to 59."),
    property(Kind::Now, "weekday", Kind::Int, "Day of the week: 1 is Monday, 7 is Sunday."),
    property(Kind::Now, "date", Kind::Text, "The day, such as `\"2026-01-05\"`."),
    method(
        Kind::Now,
        "between",
        &[("from", Takes::Hour), ("until", Takes::Hour)],
        Kind::Bool,
        "Whether the hour is at least `from` and less than `until`; `between(22, 6)` spans midnight.",
    ),
    property(Kind::User, "id", Kind::Text, "The user's id."),
    property(Kind::User, "groups", Kind::List, "The names of the user's groups."),
    method(
        Kind::User,
        "in_group",
        &[("group", Takes::Text)],
        Kind::Bool,
        "Whether the user is in this group.",
    ),
    method(Kind::User, "attr", KEY, Kind::Text, "An attribute of the user, `()` if there is none."),
    property(Kind::Request, "session", Kind::Text, "The newcomer's session id."),
    property(Kind::Request, "ip", Kind::Text, "The newcomer's address, `()` if it is not known."),
    property(Kind::Request, "client", Kind::Text, "The newcomer's client, `()` if it is not known."),
    property(Kind::Request, "source", Kind::Text, "Where the login comes from, `()` if it is not known."),
    property(
        Kind::Request,
        "evicted_ago",
        Kind::Int,
        "Seconds since this session id was evicted, `()` if it was not.",
    ),
    method(Kind::Request, "attr", KEY, Kind::Text, "An attribute of the newcomer, `()` if there is none."),
    method(
        Kind::Request,
        "from",
        &[("network", Takes::Network)],
        Kind::Bool,
        "Whether the newcomer's address is this one, or in this network.",
    ),
    method(
        Kind::Request,
        "from_any",
        &[("networks", Takes::List)],
        Kind::Bool,
        "Whether the newcomer's address is in one of these networks.",
    ),
    property(Kind::Quota, "name", Kind::Text, "The quota's name."),
    property(Kind::Quota, "key", Kind::Text, "The key that is full."),
    property(
        Kind::Quota,
        "limit",
        Kind::Unknown,
        "The limit in force; in `limit()` the configured one, which may be `\"unlimited\"` or `\"banned\"`.",
    ),
    property(Kind::Quota, "used", Kind::Int, "Live sessions under the key, without the newcomer."),
    property(Kind::Quota, "excess", Kind::Int, "How many must go for the newcomer to come in, at least 1."),
    property(Kind::Sessions, "count", Kind::Int, "How many sessions are in the set."),
    method(Kind::Sessions, "len", NONE, Kind::Int, "How many sessions are in the set."),
    method(Kind::Sessions, "is_empty", NONE, Kind::Bool, "Whether there are none."),
    method(Kind::Sessions, "oldest", NONE, Kind::Session, "The one that began first, `()` if there is none."),
    method(Kind::Sessions, "newest", NONE, Kind::Session, "The one that began last, `()` if there is none."),
    method(
        Kind::Sessions,
        "next_expiring",
        NONE,
        Kind::Session,
        "The one with the nearest deadline, `()` if there is none.",
    ),
    method(
        Kind::Sessions,
        "least_time_left",
        NONE,
        Kind::Session,
        "The one with the least time to its absolute end, `()` if there is none.",
    ),
    method(Kind::Sessions, "most_idle", NONE, Kind::Session, "The one idle longest, `()` if there is none."),
    method(
        Kind::Sessions,
        "least_idle",
        NONE,
        Kind::Session,
        "The one used most recently, `()` if there is none.",
    ),
    method(Kind::Sessions, "oldest", COUNT, Kind::Sessions, "Those that began first, so many of them."),
    method(Kind::Sessions, "newest", COUNT, Kind::Sessions, "Those that began last, so many of them."),
    method(
        Kind::Sessions,
        "next_expiring",
        COUNT,
        Kind::Sessions,
        "Those with the nearest deadlines, so many of them.",
    ),
    method(
        Kind::Sessions,
        "least_time_left",
        COUNT,
        Kind::Sessions,
        "Those with the least time to their absolute end, so many of them.",
    ),
    method(Kind::Sessions, "most_idle", COUNT, Kind::Sessions, "Those idle longest, so many of them."),
    method(Kind::Sessions, "least_idle", COUNT, Kind::Sessions, "Those used most recently, so many of them."),
    method(
        Kind::Sessions,
        "from_ip",
        &[("network", Takes::MaybeNetwork)],
        Kind::Sessions,
        "Those from this address or network; none for `()`.",
    ),
    method(
        Kind::Sessions,
        "of_client",
        &[("client", Takes::MaybeText)],
        Kind::Sessions,
        "Those of this client; none for `()`.",
    ),
    method(
        Kind::Sessions,
        "of_user",
        &[("user", Takes::MaybeText)],
        Kind::Sessions,
        "Those of this user; none for `()`.",
    ),
    method(
        Kind::Sessions,
        "with_attr",
        &[("key", Takes::Text), ("value", Takes::MaybeText)],
        Kind::Sessions,
        "Those whose attribute has this value; none for `()`.",
    ),
    method(Kind::Sessions, "retained", NONE, Kind::Sessions, "Those parked after a disconnect."),
    method(Kind::Sessions, "connected", NONE, Kind::Sessions, "Those that are not parked."),
    method(Kind::Sessions, "idle_for", DURATION, Kind::Sessions, "Those idle for at least so long."),
    method(Kind::Sessions, "older_than", DURATION, Kind::Sessions, "Those that began more than so long ago."),
    method(
        Kind::Sessions,
        "except",
        &[("others", Takes::Others)],
        Kind::Sessions,
        "Those that are not this session, in this set, or of this id.",
    ),
    method(
        Kind::Sessions,
        "filter",
        &[("keeps", Takes::Closure)],
        Kind::Sessions,
        "Those for which the closure says true: `filter(|s| s.age > 60)`.",
    ),
    method(
        Kind::Sessions,
        "distinct",
        &[("field", Takes::Text)],
        Kind::Int,
        "How many different values: of `ip`, `client`, `user`, `source` or `attr:KEY`.",
    ),
    method(
        Kind::Sessions,
        "contains",
        &[("session", Takes::Session)],
        Kind::Bool,
        "Whether this session is in the set.",
    ),
    property(Kind::Session, "id", Kind::Text, "Its id."),
    property(Kind::Session, "user", Kind::Text, "Whose it is."),
    property(Kind::Session, "ip", Kind::Text, "Its address, `()` if it is not known."),
    property(Kind::Session, "client", Kind::Text, "Its client, `()` if it is not known."),
    property(Kind::Session, "source", Kind::Text, "Where it came from, `()` if it is not known."),
    property(Kind::Session, "groups", Kind::List, "The user's groups when it began."),
    property(Kind::Session, "started", Kind::Int, "When it began, in Unix seconds."),
    property(Kind::Session, "expires", Kind::Int, "When it would end by itself, in Unix seconds."),
    property(Kind::Session, "last_active", Kind::Int, "When it was last used, in Unix seconds."),
    property(Kind::Session, "age", Kind::Int, "Seconds since it began."),
    property(Kind::Session, "idle", Kind::Int, "Seconds since it was last used."),
    property(Kind::Session, "retained", Kind::Bool, "Whether it is parked after a disconnect."),
    method(Kind::Session, "attr", KEY, Kind::Text, "An attribute of it, `()` if there is none."),
    method(Kind::Decision, "because", REASON, Kind::Decision, "Says why, to operators."),
    method(Kind::Decision, "tell", TEXT, Kind::Decision, "Sets the words for the person concerned."),
    method(
        Kind::Decision,
        "offer",
        &[("sessions", Takes::Offered)],
        Kind::Decision,
        "Names sessions that may be ended instead; for a denial.",
    ),
];

/// The functions of ours.
pub(in crate::lint) const FUNCTIONS: &[Member] = &[
    method(Kind::Unknown, "allow", REASON, Kind::Decision, "Lets the newcomer in over a soft limit."),
    method(Kind::Unknown, "deny", REASON, Kind::Decision, "Refuses the newcomer."),
    method(
        Kind::Unknown,
        "evict",
        &[("sessions", Takes::Victims)],
        Kind::Decision,
        "Ends a session or a set of them, in this order, and lets the newcomer in.",
    ),
    method(Kind::Unknown, "note", TEXT, Kind::Unit, "Adds a line to the explanation; 16 are kept."),
    method(Kind::Unknown, "seconds", DURATION, Kind::Int, "The seconds of a duration: `seconds(\"5m\")`."),
];

/// The names that are always there.
pub(in crate::lint) const AMBIENT: &[(&str, Kind, &str)] = &[
    ("now", Kind::Now, "The time of the login."),
    ("user", Kind::User, "Who logs in."),
    ("request", Kind::Request, "The newcomer."),
    ("quota", Kind::Quota, "The quota that is exhausted."),
    ("params", Kind::Params, "The params of the header, as the quota sets them; a duration is seconds."),
    (
        "sessions",
        Kind::Sessions,
        "The live sessions under the quota's key, in the order in which they began.",
    ),
    ("all_sessions", Kind::Sessions, "Every live session of the newcomer's user."),
];
