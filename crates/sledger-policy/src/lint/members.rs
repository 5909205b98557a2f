//! What is known of types when a policy is read: the members of what it is given, and what they yield.

mod table;

pub(super) use table::{AMBIENT, FUNCTIONS, MEMBERS};

use rhai::Engine;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// What an expression yields, as far as it can be told without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
        AMBIENT.iter().find(|(known, ..)| *known == name).map(|(_, kind, _)| *kind)
    }
}

/// A property, or a method with so many arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    Property,
    Method(usize),
}

/// What an argument must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Text,
    /// Text, or what is missing.
    MaybeText,
    /// A number from 0 up.
    Count,
    /// An hour from 0 to 24.
    Hour,
    /// A duration's text or seconds.
    Duration,
    /// An address or network.
    Network,
    /// The same, or what is missing.
    MaybeNetwork,
    List,
    Session,
    /// Who is ended: a session or a set.
    Victims,
    /// The same, or nobody.
    Offered,
    /// A session, a set, an id, or nobody.
    Others,
    Closure,
}

impl Takes {
    /// As complaints call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Text | Self::MaybeText => "text",
            Self::Count => "a number",
            Self::Hour => "an hour",
            Self::Duration => "a duration",
            Self::Network | Self::MaybeNetwork => "an address or network",
            Self::List => "a list",
            Self::Session => "a session",
            Self::Victims | Self::Offered => "a session or a set of sessions",
            Self::Others => "a session, a set of sessions or an id",
            Self::Closure => "a closure",
        }
    }

    /// Whether a value of this kind can be what is taken.
    pub(super) const fn fits(self, kind: Kind) -> bool {
        match kind {
            Kind::Unknown => true,
            _ if matches!(self, Self::Closure) => true,
            Kind::Text => matches!(
                self,
                Self::Text
                    | Self::MaybeText
                    | Self::Network
                    | Self::MaybeNetwork
                    | Self::Duration
                    | Self::Others
            ),
            Kind::Unit => {
                matches!(self, Self::MaybeText | Self::MaybeNetwork | Self::Offered | Self::Others)
            }
            Kind::Int => matches!(self, Self::Count | Self::Hour | Self::Duration),
            Kind::List => matches!(self, Self::List),
            Kind::Session => matches!(self, Self::Session | Self::Victims | Self::Offered | Self::Others),
            Kind::Sessions => matches!(self, Self::Victims | Self::Offered | Self::Others),
            _ => false,
        }
    }
}

/// A member of a type, or a function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    /// Whose it is; [`Kind::Unknown`] for a function.
    pub(super) of: Kind,
    pub(super) name: &'static str,
    /// The arguments of a method or function; `None` for a property.
    pub(super) takes: Option<&'static [(&'static str, Takes)]>,
    pub(super) yields: Kind,
    /// What it is, in a line.
    pub(super) doc: &'static str,
}

impl Member {
    pub(super) fn shape(&self) -> Shape {
        self.takes.map_or(Shape::Property, |takes| Shape::Method(takes.len()))
    }
}

/// A function of ours.
pub(super) fn function(name: &str) -> Option<&'static Member> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// The names of the functions of ours.
pub(super) fn functions() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name)
}

/// A member; `None` where there is no such member.
pub(super) fn member(of: Kind, name: &str, shape: Shape) -> Option<&'static Member> {
    MEMBERS.iter().find(|member| member.of == of && member.name == name && member.shape() == shape)
}

/// The members of a type that have a name.
pub(super) fn shapes(of: Kind, name: &str) -> impl Iterator<Item = Shape> {
    MEMBERS.iter().filter(move |member| member.of == of && member.name == name).map(Member::shape)
}

/// The names of a type's members; of every type's for an unknown one.
pub(super) fn names(of: Kind) -> impl Iterator<Item = &'static str> {
    MEMBERS.iter().filter(move |member| of == Kind::Unknown || member.of == of).map(|member| member.name)
}

/// The names of everything that rhai's packages and ours register.
pub(super) fn registered() -> &'static BTreeSet<String> {
    &engine_names().all
}

/// Whether texts, numbers, lists or truths have a function of this name; of every type for others.
pub(super) fn is_registered_for(kind: Kind, name: &str) -> bool {
    let names = engine_names();
    names.of.get(&kind).unwrap_or(&names.all).contains(name)
}

/// What the engine has registered.
struct EngineNames {
    all: BTreeSet<String>,
    /// By the type of the first argument.
    of: BTreeMap<Kind, BTreeSet<String>>,
}

fn engine_names() -> &'static EngineNames {
    static NAMES: OnceLock<EngineNames> = OnceLock::new();
    NAMES.get_or_init(|| crate::runtime::with_engine(names_of))
}

fn names_of(engine: &Engine) -> EngineNames {
    // Keywords that are called like functions.
    let mut all: BTreeSet<String> =
        ["type_of", "call", "is_def_fn", "is_def_var"].iter().map(ToString::to_string).collect();
    let plain = [(Kind::Int, "i64"), (Kind::Text, "string"), (Kind::List, "array"), (Kind::Bool, "bool")];
    let mut of: BTreeMap<Kind, BTreeSet<String>> =
        plain.iter().map(|(kind, _)| (*kind, all.clone())).collect();
    for signature in engine.gen_fn_signatures(true) {
        let (name, rest) = signature.split_once('(').unwrap_or_default();
        let name = name.trim_start_matches("get$");
        let first = rest.split([',', ')']).next().unwrap_or_default();
        let first = first.rsplit(": ").next().unwrap_or_default().trim_start_matches("&mut ");
        for (kind, called) in plain {
            if first == called || first.ends_with("Dynamic") {
                of.entry(kind).or_default().insert(name.to_owned());
            }
        }
        all.insert(name.to_owned());
    }
    EngineNames { all, of }
}
