//! Who was in at a moment of the past, with counts and limits as they were.
//!
//! Promise: a session is in at `t` where it began at or before `t`, its deadline lies after `t`, and no decision up to
//! `t` ended it; whether its expiry, or a last touch before, was written down by then does not matter. While the ledger
//! was down idle time did not run, so what became of a deadline is taken from the start that followed. Limits are those of overrides,
//! switches and quotas in force at `t`, with what had lapsed by then out of force.
//!
//! Invariants: what is listed is borrowed from the state, never copied; equal histories give equal answers, from a
//! snapshot on or from the first event.
//!
//! Absent on purpose: limits that a script sets by itself (they are recorded with admissions only), writing.

mod nearest;
mod standing;
mod walk;

pub use nearest::{Begin, Found, Passed, nearest, of_ledger, reach, stopped_never};
pub(crate) use standing::without_lapsed;
pub use standing::{Standing, Users};
pub use walk::Walk;

use sledger_core::state::Session;
use sledger_core::{Millis, Seq, State};

/// A moment of a ledger's past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A point in ledger time: what was decided then or before is in it.
    At(Millis),
    /// Right after this event and the whole decision it belongs to.
    After(Seq),
}

/// A ledger as it was at a moment.
#[derive(Debug)]
pub struct At {
    state: State,
    seq: Seq,
    recorded: Millis,
    moment: Millis,
    is_down: bool,
    last: Option<Seq>,
}

impl At {
    /// The last event that is in it; 0 before the first.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        self.seq
    }

    /// The moment itself.
    #[must_use]
    pub const fn at(&self) -> Millis {
        self.moment
    }

    /// Time of the last decision that is in it; 0 where there is none.
    #[must_use]
    pub const fn recorded(&self) -> Millis {
        self.recorded
    }

    /// Whether the ledger was down at the moment, as far as its history says.
    #[must_use]
    pub const fn is_down(&self) -> bool {
        self.is_down
    }

    /// The last event of the whole history, where the moment lies at or behind it.
    #[must_use]
    pub const fn end(&self) -> Option<Seq> {
        self.last
    }

    /// The state that was folded: sessions whose expiry was not written yet are still in it.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Whether a session of the state was in.
    #[must_use]
    pub fn is_in(&self, session: &Session) -> bool {
        session.facts.started <= self.moment && self.moment < session.deadline()
    }

    /// Everybody who was in, by name.
    #[must_use]
    pub fn users(&self) -> Users<'_> {
        Users::new(self, None)
    }

    /// Everybody who was in, by name, as full as the quota of this name: it alone is looked at.
    #[must_use]
    pub fn users_under<'a>(&'a self, quota: &'a str) -> Users<'a> {
        Users::new(self, Some(quota))
    }

    /// How one user stood; with no session where nobody of that key was in.
    #[must_use]
    pub fn user(&self, key: &str) -> Standing<'_> {
        let views = self.state.sessions_of(key);
        let sessions = views.iter().filter_map(|view| self.state.session_numbered(view.number));
        Standing::new(self, sessions.filter(|session| self.is_in(session)).collect())
    }

    /// How many sessions were in.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.state.sessions().into_iter().filter(|session| self.is_in(session)).count()
    }
}
