//! What can be asked of the ledger. Imperative; nothing in here has been believed yet.

mod change;
mod keep;

pub use change::{Change, Changing, Deed, Expect, PolicyChange, Refusal, Reload};
pub use keep::Keep;

use crate::config::{GroupRule, Messages, Quota, SessionSettings, UserSettings, When};
use crate::{Seq, Span};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A command with who sent it and how it can be recognised when it comes again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub actor: Actor,
    /// The caller's own id for the request, for logs only.
    pub request_id: Option<String>,
    /// A repeat of this id within ten minutes gets the first answer.
    pub command_id: Option<String>,
    /// Only ask what would become of it: for logins and adoptions. Nothing of it is recorded or remembered.
    pub dry_run: bool,
    /// What is asked.
    pub command: Command,
}

impl Request {
    /// A command without ids, from `actor`.
    #[must_use]
    pub const fn new(actor: Actor, command: Command) -> Self {
        Self { actor, request_id: None, command_id: None, dry_run: false, command }
    }
}

/// Who caused something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// A caller with a token of this name.
    Token(Arc<str>),
    /// A local user, by uid.
    Uid(u32),
    /// A gate (broker, proxy, shell) of this name.
    Gate(Arc<str>),
    /// The command line.
    Cli,
    /// The configuration file.
    File,
    /// Time itself: a deadline or a schedule.
    Timer,
    /// An import of this file.
    Import(Arc<str>),
    /// A caller without credentials, on this machine.
    Local,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Let a session in.
    Login(Box<Login>),
    /// A session was active just now.
    Touch(Target),
    /// A session ended by its own side.
    Logout(Target),
    /// A session's connection is gone; it is retained for a while if it was asked to be.
    Disconnect(Target),
    /// An operator ends one session.
    End {
        /// Which.
        target: Target,
        /// Why.
        reason: Option<String>,
    },
    /// An import takes it that a session ended: nothing was recorded of it.
    Assume(Target),
    /// An operator, or the user, ends a user's sessions.
    Clear {
        /// Whose; `None` when it was not given.
        user: Option<String>,
        /// The id of the one to keep.
        keep: Option<String>,
    },
    /// A source says which of its sessions are live.
    Reconcile(Reconcile),
    /// Sessions that exist already are recorded.
    Adopt(Adopt),
    /// Nothing but time passing.
    Advance,
    /// Settings change.
    Configure(Box<Configure>),
    /// An operator changes one thing at run time.
    Change(Box<Change>),
    /// The configuration file is read again: all of it comes in force, or nothing.
    Reload(Box<Reload>),
    /// A policy's text is installed under a name.
    Policy {
        /// `[a-z0-9_]+`.
        name: String,
        /// The source.
        text: String,
    },
    /// Something about the ledger's own keeping.
    Keep(Box<Keep>),
    /// What could not be read as a command. It is refused, but deadlines are drained before it.
    Unreadable {
        /// The user it named, for the count in the answer.
        user: Option<String>,
        /// What is wrong.
        rejection: Rejection,
    },
}

/// A login as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// The user; `None` when it was not given at all.
    pub user: Option<String>,
    /// The session's id.
    pub session: Option<String>,
    /// Network address.
    pub ip: Option<String>,
    /// Client.
    pub client: Option<String>,
    /// Source.
    pub source: Option<String>,
    /// Groups.
    pub groups: Vec<String>,
    /// Attributes of the login.
    pub attributes: Vec<(String, String)>,
    /// Attributes of the user.
    pub user_attributes: Vec<(String, String)>,
    /// Its own absolute life.
    pub ttl: Option<Span>,
    /// Its own idle time.
    pub idle: Option<Span>,
    /// Its own retention.
    pub retention: Option<Span>,
    /// Sessions of the same user to end with it.
    pub end: Ending,
    /// The live session whose place it takes.
    pub replaces: Option<String>,
}

/// Which sessions of its user a login ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// None.
    #[default]
    None,
    /// All others.
    Others,
    /// All; on a resume all others.
    All,
    /// These ids.
    Ids(Vec<String>),
}

/// One session, as a caller names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Its id; `None` when it was not given.
    pub session: Option<String>,
    /// Its user, where the caller says so.
    pub user: Option<String>,
    /// The generation the caller knows.
    pub generation: Option<Seq>,
}

/// A source's list of live sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconcile {
    /// The source; `None` when it was not given.
    pub source: Option<String>,
    /// Sessions of a later generation are left alone.
    pub as_of: Option<Seq>,
    /// The ids that are live there.
    pub live: Vec<String>,
}

/// Sessions that exist already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adopt {
    /// Their source, where they do not name one.
    pub source: Option<String>,
    /// The sessions.
    pub sessions: Vec<Adoptee>,
}

/// One session that exists already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adoptee {
    /// What it is; `end` and `replaces` mean nothing here.
    pub login: Login,
    /// When it began.
    pub started: Option<crate::Millis>,
    /// When it was last active.
    pub last_active: Option<crate::Millis>,
}

/// Settings to replace; a section that is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configure {
    /// Lives of sessions.
    pub sessions: Option<SessionSettings>,
    /// Names to keys.
    pub users: Option<UserSettings>,
    /// Groups.
    pub groups: Option<Vec<GroupRule>>,
    /// Logins that are no sessions.
    pub ignore: Option<Vec<When>>,
    /// Messages.
    pub messages: Option<Messages>,
    /// Quotas; an empty list is the default quota.
    pub quotas: Option<Vec<Quota>>,
}

/// Why a command was refused before it was judged: nothing is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The field, as the caller writes it, e.g. `attributes.device`.
    pub field: String,
    /// What is wrong with it and, where it can be guessed, what was meant.
    pub reason: String,
}

impl Rejection {
    /// A rejection of `field`.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }

    /// The same of another field.
    pub(crate) fn of(self, field: String) -> Self {
        Self { field, ..self }
    }
}
