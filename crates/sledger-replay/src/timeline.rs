//! Every event that is about somebody, in order: a user, a session, an address; and who changed what decides.
//!
//! Promise: an event is shown where it names the one asked about, where the login behind it is his, or where he made
//! room or was made room for. Whether everything is folded or only what may matter, the lines are the same.
//!
//! Absent on purpose: judging what is seen.

mod lookup;
mod sieve;
mod sparse;
mod who;
mod words;

pub use lookup::{LastSession, last_session, user_settings};
pub use sparse::{Read, SparseError, of_ledger};
pub use who::{FindError, Finder, InLedger, Resolved, Who, resolve};
pub use words::words;

use crate::one_user::OneUser;
use sledger_core::event::{Decision, Event, Op};
use sledger_core::{Facts, Seq};
use sledger_projector::Told;

/// Whom or what is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A user, by key.
    User(String),
    /// One session, by number.
    Number(Seq),
    /// Logins under an id that never became a session.
    Id(String),
    /// An address, as it is recorded.
    Ip(String),
    /// Nobody in particular.
    Everybody,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// About whom.
    pub subject: Subject,
    /// Whether changes of what decides are shown as well; alone where it is about nobody in particular.
    pub changes: bool,
}

impl Asked {
    /// Whether an event is to be shown.
    #[must_use]
    pub fn wants(&self, told: &Told) -> bool {
        let is_change = self.changes && is_change(told.event());
        match self.subject {
            Subject::Everybody if self.changes => is_change,
            _ => is_change || self.subject.concerns(told),
        }
    }
}

impl Subject {
    /// Whether an event concerns it.
    #[must_use]
    pub fn concerns(&self, told: &Told) -> bool {
        let is_by = |is_it: &dyn Fn(&Facts) -> bool| told.by_session.as_deref().is_some_and(is_it);
        match self {
            Self::User(key) => OneUser(key).concerns(told) || is_by(&|facts| facts.user() == key),
            Self::Number(number) => told.number == Some(*number) || newcomer(told) == Some(*number),
            Self::Id(id) => told.session.as_deref().is_some_and(|facts| facts.session() == id),
            Self::Ip(ip) => {
                let is_it = |facts: &Facts| facts.ip() == Some(ip);
                told.session.as_deref().is_some_and(is_it)
                    || is_by(&is_it)
                    || login(&told.decision).is_some_and(is_it)
            }
            Self::Everybody => true,
        }
    }
}

/// The facts of the login that a decision is about.
fn login(decision: &Decision) -> Option<&Facts> {
    match &decision.op {
        Op::Login(login) => login.facts.plain().map(|facts| &**facts),
        _ => None,
    }
}

/// The session for which an event made room: the one that its decision lets in.
fn newcomer(told: &Told) -> Option<Seq> {
    let events = &told.decision.events;
    match events.last() {
        Some(Event::Admitted { .. }) => Some(told.first.plus((events.len() as u64).saturating_sub(1))),
        Some(Event::Resumed { session, .. }) => Some(*session),
        _ => None,
    }
}

/// Whether an event changes what decides, or who may.
#[must_use]
pub const fn is_change(event: &Event) -> bool {
    matches!(
        event,
        Event::ConfigApplied { .. }
            | Event::QuotaChanged { .. }
            | Event::QuotaDeleted { .. }
            | Event::OverrideChanged { .. }
            | Event::GroupChanged { .. }
            | Event::PolicyInstalled { .. }
            | Event::PolicyActivated { .. }
            | Event::PolicyRolledBack { .. }
            | Event::PolicyStopped { .. }
            | Event::TokenCreated { .. }
            | Event::TokenRevoked { .. }
            | Event::HoldSet { .. }
            | Event::HoldReleased { .. }
            | Event::UserErased { .. }
    )
}
