//! What is known of types when a policy is read: the members of what it is given, and what they yield.

use rhai::Engine;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// What an expression yields, as far as it can be told without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Unknown,
    Sessions,
    Session,
    Now,
    User,
    Request,
    Quota,
    Params,
    Decision,
    Int,
    Text,
    Bool,
    List,
    Unit,
}

impl Kind {
    /// As complaints call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "this",
            Self::Sessions => "a set of sessions",
            Self::Session => "a session",
            Self::Now => "`now`",
            Self::User => "`user`",
            Self::Request => "`request`",
            Self::Quota => "`quota`",
            Self::Params => "`params`",
            Self::Decision => "a decision",
            Self::Int => "a number",
            Self::Text => "text",
            Self::Bool => "true or false",
            Self::List => "a list",
            Self::Unit => "nothing",
        }
    }

    /// Whether all its members are in the table.
    pub(super) const fn is_ours(self) -> bool {
        matches!(
            self,
            Self::Sessions
                | Self::Session
                | Self::Now
                | Self::User
                | Self::Request
                | Self::Quota
                | Self::Decision
        )
    }

    /// What a name that is always there stands for.
    pub(super) fn of_ambient(name: &str) -> Option<Self> {
        Some(match name {
            "now" => Self::Now,
            "user" => Self::User,
            "request" => Self::Request,
            "quota" => Self::Quota,
            "params" => Self::Params,
            "sessions" | "all_sessions" => Self::Sessions,
            _ => return None,
        })
    }
}

/// A property, or a method with so many arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Property,
    Method(usize),
}

type Member = (Kind, &'static str, Shape, Kind);

const fn property(of: Kind, name: &'static str, yields: Kind) -> Member {
    (of, name, Shape::Property, yields)
}

const fn method(of: Kind, name: &'static str, arguments: usize, yields: Kind) -> Member {
    (of, name, Shape::Method(arguments), yields)
}

/// Every member of what a policy is given. What may be missing (`request.ip`) counts as known to be there.
const MEMBERS: &[Member] = &[
    property(Kind::Now, "epoch", Kind::Int),
    property(Kind::Now, "hour", Kind::Int),
    property(Kind::Now, "minute", Kind::Int),
    property(Kind::Now, "weekday", Kind::Int),
    property(Kind::Now, "date", Kind::Text),
    method(Kind::Now, "between", 2, Kind::Bool),
    property(Kind::User, "id", Kind::Text),
    property(Kind::User, "groups", Kind::List),
    method(Kind::User, "in_group", 1, Kind::Bool),
    method(Kind::User, "attr", 1, Kind::Text),
    property(Kind::Request, "session", Kind::Text),
    property(Kind::Request, "ip", Kind::Text),
    property(Kind::Request, "client", Kind::Text),
    property(Kind::Request, "source", Kind::Text),
    property(Kind::Request, "evicted_ago", Kind::Int),
    method(Kind::Request, "attr", 1, Kind::Text),
    method(Kind::Request, "from", 1, Kind::Bool),
    method(Kind::Request, "from_any", 1, Kind::Bool),
    property(Kind::Quota, "name", Kind::Text),
    property(Kind::Quota, "key", Kind::Text),
    property(Kind::Quota, "limit", Kind::Unknown),
    property(Kind::Quota, "used", Kind::Int),
    property(Kind::Quota, "excess", Kind::Int),
    property(Kind::Sessions, "count", Kind::Int),
    method(Kind::Sessions, "len", 0, Kind::Int),
    method(Kind::Sessions, "is_empty", 0, Kind::Bool),
    method(Kind::Sessions, "oldest", 0, Kind::Session),
    method(Kind::Sessions, "newest", 0, Kind::Session),
    method(Kind::Sessions, "next_expiring", 0, Kind::Session),
    method(Kind::Sessions, "least_time_left", 0, Kind::Session),
    method(Kind::Sessions, "most_idle", 0, Kind::Session),
    method(Kind::Sessions, "least_idle", 0, Kind::Session),
    method(Kind::Sessions, "oldest", 1, Kind::Sessions),
    method(Kind::Sessions, "newest", 1, Kind::Sessions),
    method(Kind::Sessions, "next_expiring", 1, Kind::Sessions),
    method(Kind::Sessions, "least_time_left", 1, Kind::Sessions),
    method(Kind::Sessions, "most_idle", 1, Kind::Sessions),
    method(Kind::Sessions, "least_idle", 1, Kind::Sessions),
    method(Kind::Sessions, "from_ip", 1, Kind::Sessions),
    method(Kind::Sessions, "of_client", 1, Kind::Sessions),
    method(Kind::Sessions, "of_user", 1, Kind::Sessions),
    method(Kind::Sessions, "with_attr", 2, Kind::Sessions),
    method(Kind::Sessions, "retained", 0, Kind::Sessions),
    method(Kind::Sessions, "connected", 0, Kind::Sessions),
    method(Kind::Sessions, "idle_for", 1, Kind::Sessions),
    method(Kind::Sessions, "older_than", 1, Kind::Sessions),
    method(Kind::Sessions, "except", 1, Kind::Sessions),
    method(Kind::Sessions, "filter", 1, Kind::Sessions),
    method(Kind::Sessions, "distinct", 1, Kind::Int),
    method(Kind::Sessions, "contains", 1, Kind::Bool),
    property(Kind::Session, "id", Kind::Text),
    property(Kind::Session, "user", Kind::Text),
    property(Kind::Session, "ip", Kind::Text),
    property(Kind::Session, "client", Kind::Text),
    property(Kind::Session, "source", Kind::Text),
    property(Kind::Session, "groups", Kind::List),
    property(Kind::Session, "started", Kind::Int),
    property(Kind::Session, "expires", Kind::Int),
    property(Kind::Session, "last_active", Kind::Int),
    property(Kind::Session, "age", Kind::Int),
    property(Kind::Session, "idle", Kind::Int),
    property(Kind::Session, "retained", Kind::Bool),
    method(Kind::Session, "attr", 1, Kind::Text),
    method(Kind::Decision, "because", 1, Kind::Decision),
    method(Kind::Decision, "tell", 1, Kind::Decision),
    method(Kind::Decision, "offer", 1, Kind::Decision),
];

/// What a function of ours yields; `None` for others.
pub(super) fn function(name: &str, arguments: usize) -> Option<Kind> {
    match (name, arguments) {
        ("allow" | "deny" | "evict", 1) => Some(Kind::Decision),
        ("note", 1) => Some(Kind::Unit),
        ("seconds", 1) => Some(Kind::Int),
        _ => None,
    }
}

/// Functions of ours, and those of rhai worth guessing at.
pub(super) const FUNCTIONS: [&str; 5] = ["allow", "deny", "evict", "note", "seconds"];

/// What a member yields, `None` where there is no such member.
pub(super) fn yields(of: Kind, name: &str, shape: Shape) -> Option<Kind> {
    let found = MEMBERS.iter().find(|member| member.0 == of && member.1 == name && member.2 == shape);
    found.map(|member| member.3)
}

/// The members of a type that have a name.
pub(super) fn shapes(of: Kind, name: &str) -> impl Iterator<Item = Shape> {
    MEMBERS.iter().filter(move |member| member.0 == of && member.1 == name).map(|member| member.2)
}

/// The names of a type's members; of every type's for an unknown one.
pub(super) fn names(of: Kind) -> impl Iterator<Item = &'static str> {
    MEMBERS.iter().filter(move |member| of == Kind::Unknown || member.0 == of).map(|member| member.1)
}

/// The names of everything that rhai's packages and ours register.
pub(super) fn registered() -> &'static BTreeSet<String> {
    static NAMES: OnceLock<BTreeSet<String>> = OnceLock::new();
    NAMES.get_or_init(|| crate::runtime::with_engine(names_of))
}

fn names_of(engine: &Engine) -> BTreeSet<String> {
    let name = |signature: &String| {
        let name = signature.split('(').next().unwrap_or_default().trim();
        name.trim_start_matches("get ").trim_start_matches("get$").to_owned()
    };
    let mut names: BTreeSet<String> = engine.gen_fn_signatures(true).iter().map(name).collect();
    // Keywords that are called like functions.
    names.extend(["type_of", "call", "is_def_fn", "is_def_var"].map(str::to_owned));
    names
}
