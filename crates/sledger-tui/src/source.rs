//! What a monitor asks, and what it is told: the same of the present and of the past.

use sledger_core::{Millis, Seq};
use sledger_wire::answer::{SessionObject, TombstoneObject};
use sledger_wire::events::EventLine;
use sledger_wire::pages::{LedgerStats, Top, UserDetail, UsersPage};
use sledger_wire::policies::{PoliciesPage, PolicyObject};
use sledger_wire::queries::{SessionsQuery, UsersQuery};
use sledger_wire::values::Moment;
use sledger_wire::why::Why;

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The served ledger, now.
    Live,
    /// The past.
    Past,
}

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// The figures.
    Top,
    /// The ledger in numbers.
    Ledger,
    /// A page of users.
    Users(UsersQuery),
    /// Live sessions, as far as they can be had at a reasonable price.
    Sessions(SessionsQuery),
    /// One user.
    User(String),
    /// One session, by id or `id@SEQ`.
    Session(String),
    /// The policies.
    Policies,
    /// One policy with its source.
    Policy(String),
    /// The quotas that are switched off, and until when.
    Quotas,
    /// Everything that happened to a user.
    Timeline(String),
    /// Why something is as it is: `SESSION@SEQ` or `seq:N`.
    Why(String),
    /// What differs between right after this event and the moment; of the past only.
    Diff(Seq),
    /// Another moment; of the past only.
    Move(Move),
    /// A change; of the present only.
    Do(Deed),
}

/// What kind of question: of each kind one is under way at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are called as the questions are")]
pub enum Kind {
    Top,
    Ledger,
    Users,
    Sessions,
    User,
    Session,
    Policies,
    Policy,
    Quotas,
    Timeline,
    Why,
    Diff,
    Move,
    Do,
}

impl Ask {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Top => Kind::Top,
            Self::Ledger => Kind::Ledger,
            Self::Users(_) => Kind::Users,
            Self::Sessions(_) => Kind::Sessions,
            Self::User(_) => Kind::User,
            Self::Session(_) => Kind::Session,
            Self::Policies => Kind::Policies,
            Self::Policy(_) => Kind::Policy,
            Self::Quotas => Kind::Quotas,
            Self::Timeline(_) => Kind::Timeline,
            Self::Why(_) => Kind::Why,
            Self::Diff(_) => Kind::Diff,
            Self::Move(_) => Kind::Move,
            Self::Do(_) => Kind::Do,
        }
    }
}

/// Where to in the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// A moment.
    To(Moment),
    /// So many decisions on.
    On(u64),
    /// So many decisions back.
    Back(u64),
    /// The next eviction or refusal.
    NextEnd,
    /// The one before.
    PreviousEnd,
    /// So much ledger time on.
    Millis(u64),
}

/// A change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Ends a session, by `id@SEQ` where its number is known.
    End(String),
    /// Ends all sessions of a user.
    Clear(String),
    /// Sets another limit for a user.
    Limit {
        /// The user.
        user: String,
        /// A number, `unlimited` or `banned`.
        limit: String,
    },
    /// Switches a quota off for a while.
    Disable {
        /// The quota.
        quota: String,
        /// For how long.
        lasting: String,
    },
    /// Lets a policy on trial decide.
    Promote(String),
    /// Takes the policy that decided before.
    Rollback(String),
}

impl Deed {
    /// Whom or what it is about.
    #[must_use]
    pub fn target(&self) -> &str {
        match self {
            Self::End(name) | Self::Clear(name) | Self::Promote(name) | Self::Rollback(name) => name,
            Self::Limit { user, .. } => user,
            Self::Disable { quota, .. } => quota,
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// The figures.
    Top(Box<Top>),
    /// The ledger in numbers.
    Ledger(Box<LedgerStats>),
    /// A page of users.
    Users(UsersPage),
    /// Live sessions.
    Sessions {
        /// The sessions.
        sessions: Vec<SessionObject>,
        /// Whether these are all of them.
        is_whole: bool,
    },
    /// One user.
    User(Box<UserDetail>),
    /// One session.
    Session(Box<Found>),
    /// The policies.
    Policies(PoliciesPage),
    /// One policy with its source.
    Policy(Box<PolicyObject>),
    /// The quotas that are switched off.
    Quotas(Vec<SwitchedOff>),
    /// What happened to a user, oldest first.
    Timeline {
        /// The user.
        user: String,
        /// The events.
        events: Vec<EventLine>,
        /// Whether these are all of them, and not only the newest.
        is_whole: bool,
    },
    /// Why something is as it is.
    Why {
        /// What was asked about.
        about: String,
        /// The answer.
        why: Box<Why>,
    },
    /// How far reading the past has come.
    Reading {
        /// The last event read.
        seq: u64,
    },
    /// What differs between two moments.
    Diff(Box<Differences>),
    /// Where the past is looked at now.
    At(Box<Position>),
    /// A change was made; what came of it.
    Done(String),
}

impl Told {
    /// The kind of question it answers; none for what is said meanwhile.
    #[must_use]
    pub const fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Top(_) => Kind::Top,
            Self::Ledger(_) => Kind::Ledger,
            Self::Users(_) => Kind::Users,
            Self::Sessions { .. } => Kind::Sessions,
            Self::User(_) => Kind::User,
            Self::Session(_) => Kind::Session,
            Self::Policies(_) => Kind::Policies,
            Self::Policy(_) => Kind::Policy,
            Self::Quotas(_) => Kind::Quotas,
            Self::Timeline { .. } => Kind::Timeline,
            Self::Why { .. } => Kind::Why,
            Self::Diff(_) => Kind::Diff,
            Self::At(_) => Kind::Move,
            Self::Done(_) => Kind::Do,
            Self::Reading { .. } => return None,
        })
    }
}

/// A session, live or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is live.
    Live(SessionObject),
    /// It has ended.
    Ended(TombstoneObject),
    /// Nobody knows it.
    Unknown(String),
}

impl Found {
    /// Its number, where it is known.
    #[must_use]
    pub const fn number(&self) -> Option<u64> {
        match self {
            Self::Live(session) => Some(session.number),
            Self::Ended(ended) => Some(ended.number),
            Self::Unknown(_) => None,
        }
    }
}

/// A quota that is switched off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchedOff {
    /// The quota.
    pub quota: String,
    /// Until when; none for good.
    pub until: Option<Millis>,
}

/// What differs between two moments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Differences {
    /// The first moment: right after this event.
    pub from: Seq,
    /// The second: after this event, and when.
    pub to: (Seq, Millis),
    /// Sessions that are in at the second moment only; of very many the first.
    pub came: Vec<SessionObject>,
    /// Sessions that are in at the first moment only; of very many the first.
    pub gone: Vec<SessionObject>,
    /// How many there are of both.
    pub counts: (usize, usize),
    /// What was changed of what decides, in words.
    pub changes: Vec<String>,
}

/// A moment of the past, and the whole around it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Position {
    /// After this event.
    pub seq: Seq,
    /// The moment.
    pub at: Millis,
    /// The last event there is.
    pub last: Seq,
    /// The time of the first and of the last decision.
    pub span: (Millis, Millis),
    /// What happened until then, newest first.
    pub events: Vec<EventLine>,
    /// Whether the ledger was down at the moment.
    pub is_down: bool,
    /// The last event that is counted in `density` and `ends`: the rest is being read.
    pub counted: Seq,
    /// How much happened, in equal parts of the time between first and last.
    pub density: Vec<u64>,
    /// How many evictions and refusals, in the same parts.
    pub ends: Vec<u64>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// What was asked.
    pub kind: Kind,
    /// Whether nobody answered, rather than that the answer was no.
    pub is_connection: bool,
    /// Why.
    pub why: String,
}

/// Something that answers questions, one after the other, and may take its time.
pub trait Source: Send {
    /// Answers; says through `meanwhile` how far it has come where that takes long.
    ///
    /// # Errors
    /// Says why there is no answer.
    fn answer(&mut self, ask: Ask, meanwhile: &mut dyn FnMut(Told)) -> Result<Told, Failed>;
}

/// Events as they come, where the source has a feed.
#[derive(Clone, Debug, PartialEq)]
pub enum Fed {
    /// New events, oldest first, and how many were passed over before them.
    Events {
        /// The events.
        events: Vec<EventLine>,
        /// How many were passed over.
        skipped: u64,
    },
    /// The feed flows.
    Flows,
    /// The feed broke off; it is tried again.
    Broken(String),
}
