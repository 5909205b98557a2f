//! The projection: a fold of durable decisions, made for looking things up.
//!
//! Promise: after each decision its sessions, users, counts and tombstones are
//! those of the core's own state at the same seq.
//! A live session takes one row of 64 bytes and its places in the indexes; its
//! facts are the very ones that the decider holds.
//! Absent on purpose: deciding, clocks, IO.

mod counts;
mod fared;
mod fold;
mod limits;
mod list;
mod policies;
mod relimit;
mod rows;
mod users;

pub use fared::{Fared, Fares, LastFailure};
pub use limits::{QuotaTotals, Totals};
pub use list::{PAGE_MAX, SessionMatch, SessionQuery, SessionsPage, UserDetail};
pub use policies::Policies;
pub use users::{Sort, SortBy, UserQuery, UserRow, UsersPage};

use crate::fullness::Classes;
use crate::index::{Hasher, Index};
use crate::rates::{RateRing, Rates};
use crate::tombs::Tombs;
use rows::{Key, Row, User};
use slab::Slab;
use sledger_core::answer::{SessionView, Tombstone};
use sledger_core::decider::Recorded;
use sledger_core::event::Op;
use sledger_core::evolve::Parts;
use sledger_core::numbers::NumberMap;
use sledger_core::quota::Ready;
use sledger_core::state::Holds;
use sledger_core::{Facts, Millis, Seq, State};
use std::sync::Arc;

/// Why a query cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A cursor that no page gave.
    #[error("cursor `{0}` is not one of this list")]
    Cursor(String),
    /// A sort order that there is not.
    #[error("sort `{0}` is none of `user`, `active`, `used`, each also with `-` before it")]
    Sort(String),
    /// A quota that is not in force.
    #[error("quota `{0}` is not in force")]
    Quota(String),
}

/// Everything that is folded.
#[derive(Clone, Debug)]
pub struct Projection {
    hasher: Hasher,
    seq: Seq,
    at: Millis,
    ready: Arc<Ready>,
    policies: Policies,
    kinds: Vec<limits::Kind>,
    parts: Parts,
    rows: Slab<Row>,
    by_id: Index,
    numbers: NumberMap,
    users: Slab<User>,
    by_user: Index,
    keys: Slab<Key>,
    by_key: Index,
    classes: Classes,
    /// Users that the decision being folded concerns; empty between decisions.
    touched: Vec<u32>,
    tombs: Tombs,
    rates: RateRing,
    holds: Holds,
}

impl Projection {
    /// The projection before the first event, under `ready` settings.
    #[must_use]
    pub fn new(ready: Arc<Ready>) -> Self {
        Self {
            hasher: Hasher::new(),
            seq: Seq(0),
            at: Millis(0),
            kinds: limits::kinds(&ready),
            ready,
            policies: Policies::default(),
            parts: Parts::default(),
            rows: Slab::new(),
            by_id: Index::default(),
            numbers: NumberMap::default(),
            users: Slab::new(),
            by_user: Index::default(),
            keys: Slab::new(),
            by_key: Index::default(),
            classes: Classes::default(),
            touched: Vec::new(),
            tombs: Tombs::default(),
            rates: RateRing::default(),
            holds: Holds::new(),
        }
    }

    /// The projection of what `state` has folded. Its rates begin at nothing.
    #[must_use]
    pub fn of_state(state: &State) -> Self {
        let mut projection = Self::new(Arc::clone(state.ready()));
        (projection.seq, projection.at) = (state.seq(), state.at());
        projection.reserve(state.session_count(), state.user_count());
        for session in state.sessions() {
            projection.take_over(session);
        }
        projection.parts = state.parts().clone();
        projection.holds = state.holds().clone();
        projection.policies = Policies::new(state.sources().clone(), state.bindings());
        let most = projection.tombstones_max();
        for tombstone in state.tombstones() {
            projection.tombs.push(&projection.hasher, Arc::clone(tombstone), most);
        }
        projection.settle();
        projection
    }

    /// The holds that stand.
    #[must_use]
    pub const fn holds(&self) -> &Holds {
        &self.holds
    }

    /// Makes room for what is about to be put in.
    fn reserve(&mut self, sessions: usize, users: usize) {
        self.rows.reserve(sessions);
        self.by_id.reserve(sessions);
        self.users.reserve(users);
        self.by_user.reserve(users);
    }

    /// Reads what these decisions will need: the fold waits for memory most of all, and so the waits overlap.
    pub(crate) fn look_ahead(&self, recorded: &[Recorded]) {
        for recorded in recorded {
            let Op::Login(login) = &recorded.decision.op else { continue };
            let Some(facts) = login.facts.plain() else { continue };
            self.by_id.warm(self.hasher.of(facts.session()));
            if let Some(user) = self.find_user(facts.user()).and_then(|slot| self.users.get(slot as usize)) {
                std::hint::black_box(user.place);
            }
        }
    }

    /// The last event folded.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        self.seq
    }

    /// Time of the last decision folded.
    #[must_use]
    pub const fn at(&self) -> Millis {
        self.at
    }

    /// The settings in force.
    #[must_use]
    pub const fn ready(&self) -> &Arc<Ready> {
        &self.ready
    }

    /// How many sessions are live.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.rows.len()
    }

    /// How many users have live sessions.
    #[must_use]
    pub fn user_count(&self) -> usize {
        self.users.len()
    }

    /// The live session with this id.
    #[must_use]
    pub fn session(&self, id: &str) -> Option<SessionView> {
        self.find_session(id).and_then(|slot| self.rows.get(slot as usize)).map(Row::view)
    }

    /// The live session with this number.
    #[must_use]
    pub fn session_numbered(&self, number: Seq) -> Option<SessionView> {
        self.row_numbered(number).map(Row::view)
    }

    /// What is remembered of the latest ended session with this id.
    #[must_use]
    pub fn tombstone(&self, id: &str) -> Option<Arc<Tombstone>> {
        self.tombs.get(&self.hasher, id).map(Arc::clone)
    }

    /// The tombstones remembered, oldest first.
    pub fn tombstones(&self) -> impl Iterator<Item = &Arc<Tombstone>> {
        self.tombs.iter()
    }

    /// How many live sessions `user` has.
    #[must_use]
    pub fn active(&self, user: &str) -> u32 {
        self.find_user(user)
            .and_then(|slot| self.users.get(slot as usize))
            .map_or(0, |user| user.members.count())
    }

    /// What happened within the minute that ends at `at`; `None` when nothing did.
    #[must_use]
    pub fn rates(&self, at: Millis) -> Option<Rates> {
        self.rates.rates(at)
    }

    pub(crate) fn facts_numbered(&self, number: Seq) -> Option<Arc<Facts>> {
        self.row_numbered(number).map(|row| Arc::clone(&row.facts))
    }

    fn row_numbered(&self, number: Seq) -> Option<&Row> {
        self.find_number(number).and_then(|slot| self.rows.get(slot as usize))
    }

    fn tombstones_max(&self) -> usize {
        self.ready.settings.sessions.tombstones_max as usize
    }

    fn find_session(&self, id: &str) -> Option<u32> {
        let is_it = |slot: u32| self.rows.get(slot as usize).is_some_and(|row| row.facts.session() == id);
        self.by_id.find(self.hasher.of(id), is_it)
    }

    fn find_number(&self, number: Seq) -> Option<u32> {
        self.numbers.get(number)
    }

    fn find_user(&self, name: &str) -> Option<u32> {
        let is_it = |slot: u32| self.users.get(slot as usize).is_some_and(|user| &*user.name == name);
        self.by_user.find(self.hasher.of(name), is_it)
    }

    /// The slot of a user, made if it is new.
    fn user_slot(&mut self, name: &str) -> u32 {
        if let Some(slot) = self.find_user(name) {
            return slot;
        }
        let slot = rows::slot_of(self.users.insert(User::new(Arc::from(name))));
        self.by_user.insert(self.hasher.of(name), slot);
        slot
    }

    /// Puts a row in everywhere but under its quota keys.
    fn insert(&mut self, row: Row) -> u32 {
        let (facts, number, user) = (Arc::clone(&row.facts), row.number, row.user);
        let slot = rows::slot_of(self.rows.insert(row));
        self.by_id.insert(self.hasher.of(facts.session()), slot);
        self.numbers.insert(number, slot);
        if let Some(user) = self.users.get_mut(user as usize) {
            user.members.insert(slot, number, &self.rows);
        }
        self.touched.push(user);
        slot
    }

    /// Takes a row out everywhere.
    fn remove(&mut self, slot: u32) {
        let Some(row) = self.rows.get(slot as usize) else { return };
        let (facts, number, user) = (Arc::clone(&row.facts), row.number, row.user);
        self.uncount(slot);
        self.by_id.remove(self.hasher.of(facts.session()), slot);
        self.numbers.remove(number);
        if let Some(user) = self.users.get_mut(user as usize) {
            user.members.remove(slot, number);
        }
        self.touched.push(user);
        self.rows.try_remove(slot as usize);
    }
}
