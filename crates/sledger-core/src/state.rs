//! Who is logged in, and everything else that decides: a fold of events.
//!
//! One owner changes it, in place. A clone is a handle on the same tables (a
//! policy holds one while it is asked); changing the state while another handle
//! is alive copies the tables, so no handle ever sees a change.

mod ahead;
mod deadlines;
mod digest;
mod holds;
mod index;
mod members;
mod memory;
mod session;
mod sources;
mod tables;
mod tombs;

pub use ahead::AHEAD_DECISIONS;
pub use holds::{HOLDS_MAX, Hold, Holds};
pub use members::{Order, Picked};
pub use memory::{STORM_DENIALS, STORM_WINDOW, TRIP_FAILURES, TRIP_FOR, TRIP_WITHIN};
pub use session::Session;
pub use sources::{AllSources, KEPT_MAX, NAMES_MAX, Source, Sources};

pub(crate) use members::{Members, pick_from};
pub(crate) use memory::{Kind, Recent, Trip, Trips};
pub(crate) use session::Rare;
pub(crate) use tables::{Said, Tables};

use crate::answer::{SessionView, Tombstone};
use crate::event::{Binding, PolicyRef};
use crate::evolve::Parts;
use crate::quota::Ready;
use crate::{Facts, KeyNo, Millis, Seq, UserNo};
use slab::Slab;
use smallvec::SmallVec;
use std::sync::Arc;

/// A user with live sessions.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) no: UserNo,
    pub(crate) name: Arc<str>,
    pub(crate) members: Members,
    /// Keys that are this user's name and count all its sessions, by quota.
    own: SmallVec<[(u16, u32); 2]>,
}

impl User {
    fn new(no: UserNo, name: Arc<str>) -> Self {
        Self { no, name, members: Members::default(), own: SmallVec::new() }
    }

    fn own_key(&self, quota: u16) -> Option<u32> {
        self.own.iter().find(|(of, _)| *of == quota).map(|(_, key)| *key)
    }
}

/// A quota key with live sessions.
#[derive(Clone, Debug)]
pub(crate) struct QuotaKey {
    pub(crate) no: KeyNo,
    pub(crate) quota: u16,
    of: KeyOf,
}

/// What a key counts.
#[derive(Clone, Debug)]
enum KeyOf {
    /// Every session of this user, whose name it is.
    User(u32),
    /// These sessions.
    Text { text: Arc<str>, members: Members },
}

impl QuotaKey {
    fn is_text(&self, wanted: &str) -> bool {
        matches!(&self.of, KeyOf::Text { text, .. } if **text == *wanted)
    }
}

/// The folded state.
#[derive(Clone, Debug)]
pub struct State(Arc<Tables>);

impl State {
    /// The state before the first event, under `ready` settings. `seed` keys the hash tables: it changes nothing
    /// that is decided.
    #[must_use]
    pub fn new(ready: Ready, bindings: Vec<Binding>, seed: u64) -> Self {
        Self(Arc::new(Tables::new(ready, bindings, seed)))
    }

    pub(crate) fn of(tables: Tables) -> Self {
        Self(Arc::new(tables))
    }

    pub(crate) fn tables(&self) -> &Tables {
        &self.0
    }

    pub(crate) fn change(&mut self) -> &mut Tables {
        Arc::make_mut(&mut self.0)
    }

    /// Whether this is the only handle, so that changes are made in place.
    #[must_use]
    pub fn is_unshared(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// The last event folded.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.0.seq
    }

    /// Goes on after event `seq`, for readers of a history in which those up to it are missing: the state is then
    /// that of no ledger. Never back.
    pub fn skip_to(&mut self, seq: Seq) {
        let tables = self.change();
        tables.seq = tables.seq.max(seq);
    }

    /// Time of the last decision folded.
    #[must_use]
    pub fn at(&self) -> Millis {
        self.0.at
    }

    /// Epoch of the decider that wrote last.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// The settings in force, made ready.
    #[must_use]
    pub fn ready(&self) -> &Arc<Ready> {
        &self.0.ready
    }

    /// Parts of the settings in force, and those that wait.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.0.parts
    }

    /// The policies in force, one binding per quota.
    #[must_use]
    pub fn bindings(&self) -> &[Binding] {
        &self.0.bindings
    }

    /// Hash of the configuration file applied last.
    #[must_use]
    pub fn applied_file(&self) -> Option<[u8; 32]> {
        self.0.file
    }

    /// Revision of the policy engine recorded last; empty before the first configuration.
    #[must_use]
    pub fn engine(&self) -> &str {
        &self.0.engine
    }

    /// The source installed under a policy's name.
    #[must_use]
    pub fn policy_source(&self, name: &str) -> Option<&Arc<str>> {
        self.policy(name).map(|source| &source.text)
    }

    /// The policy installed under this name last: its source is in force where a quota names it.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&Source> {
        self.0.policies.get(name)?.current()
    }

    /// The sources of all policies that were installed, by name.
    #[must_use]
    pub fn sources(&self) -> &AllSources {
        &self.0.policies
    }

    /// The names of the policies that were installed, in order.
    pub fn policy_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.policies.keys()
    }

    /// The sources kept of a policy, the one in force last.
    #[must_use]
    pub fn policy_sources(&self, name: &str) -> &[Source] {
        self.0.policies.get(name).map_or(&[], |sources| &sources.kept)
    }

    /// Whether `text` is what the policies folder held under this name when it was last taken from there.
    #[must_use]
    pub fn is_taken(&self, name: &str, text: &str) -> bool {
        self.0.policies.get(name).is_some_and(|sources| sources.is_taken(text))
    }

    /// The holds that stand: while there is one, nothing is archived, dropped or erased.
    #[must_use]
    pub fn holds(&self) -> &Holds {
        &self.0.holds
    }

    /// The policies that decide, that decide when another fails, and that are on trial.
    #[must_use]
    pub fn policies_in_force(&self) -> Vec<PolicyRef> {
        let bound = self.bindings().iter();
        let bound = bound.flat_map(|one| std::iter::once(&one.policy).chain(&one.on_error)).cloned();
        let given = self.ready().settings.assignments.iter().map(crate::config::Assignment::policy_ref);
        bound.chain(given).collect()
    }

    /// Logins that met an exhausted quota lately, each with the quota's name: some of them, newest last.
    pub(crate) fn met(&self) -> impl DoubleEndedIterator<Item = &(Arc<str>, Arc<Facts>)> {
        self.0.met.iter()
    }

    /// How many sessions are live by what is folded.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.0.sessions.len()
    }

    /// How many live sessions cannot be read, since their keys are not at hand.
    #[must_use]
    pub fn sealed_session_count(&self) -> usize {
        self.0.sessions.iter().filter(|(_, session)| session.facts.is_sealed()).count()
    }

    /// How many users have live sessions.
    #[must_use]
    pub fn user_count(&self) -> usize {
        self.0.users.len()
    }

    /// The earliest deadline; `None` when nothing ever falls due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        self.0.first_due().map(|(deadline, _)| deadline)
    }

    /// Live sessions of `user`, in (start, number) order.
    #[must_use]
    pub fn sessions_of(&self, user: &str) -> Vec<SessionView> {
        let members = self.0.find_user(user).and_then(|user| self.user_members(user));
        let slots = members.map(|members| members.pick(self.rows(), Order::Oldest, usize::MAX, &|_| true));
        slots.into_iter().flatten().filter_map(|slot| self.slot(slot)).map(Session::view).collect()
    }

    /// How many live sessions `user` has.
    #[must_use]
    pub fn active(&self, user: &str) -> u32 {
        let count = self.0.find_user(user).and_then(|user| self.user_members(user)).map_or(0, Members::len);
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// The live session with this id.
    #[must_use]
    pub fn session(&self, id: &str) -> Option<&Session> {
        self.0.find_session(id).and_then(|slot| self.slot(slot))
    }

    /// The live session with this number.
    #[must_use]
    pub fn session_numbered(&self, number: Seq) -> Option<&Session> {
        self.0.find_number(number).and_then(|slot| self.slot(slot))
    }

    /// All live sessions, in the order of their numbers.
    #[must_use]
    pub fn sessions(&self) -> Vec<&Session> {
        let mut all: Vec<&Session> = self.0.sessions.iter().map(|(_, session)| session).collect();
        all.sort_unstable_by_key(|session| session.number);
        all
    }

    /// What is remembered of the latest ended session with this id.
    #[must_use]
    pub fn tombstone(&self, id: &str) -> Option<&Arc<Tombstone>> {
        self.0.tombs.get(&self.0.hasher, id)
    }

    /// The tombstones remembered, oldest first.
    pub fn tombstones(&self) -> impl Iterator<Item = &Arc<Tombstone>> {
        self.0.tombs.iter()
    }

    /// How many live sessions one key of a quota holds.
    #[must_use]
    pub fn key_count(&self, quota: u16, key: &str) -> u32 {
        let count = self.0.find_key(quota, key).and_then(|key| self.key_members(key)).map_or(0, Members::len);
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Every key of every enabled quota with its number and count, in the order of key numbers.
    #[must_use]
    pub fn key_counts(&self) -> Vec<(KeyNo, u16, u32)> {
        let count = |key| self.0.key_members(key).map_or(0, Members::len);
        let count = |key| u32::try_from(count(key)).unwrap_or(u32::MAX);
        let mut all: Vec<_> = self.0.keys.iter().map(|(_, key)| (key.no, key.quota, count(key))).collect();
        all.sort_unstable_by_key(|(no, _, _)| *no);
        all
    }

    /// The keys that count a session, in the order of quotas.
    #[must_use]
    pub fn keys_of(&self, session: &Session) -> Vec<(u16, KeyNo, Arc<str>)> {
        self.each_key_of(session).collect()
    }

    pub(crate) fn each_key_of(&self, session: &Session) -> impl Iterator<Item = (u16, KeyNo, Arc<str>)> {
        let keys = session.keys().filter_map(|key| self.0.keys.get(key as usize));
        keys.filter_map(|key| Some((key.quota, key.no, self.0.key_text(key)?)))
    }

    /// How many live sessions the user of `session` has.
    pub(crate) fn active_of(&self, session: &Session) -> u32 {
        let count = self.user_members(session.user).map_or(0, Members::len);
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// BLAKE3 over everything that is folded, in a fixed order: equal for equal histories.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        digest::digest(&self.0)
    }

    pub(crate) fn rows(&self) -> &Slab<Session> {
        &self.0.sessions
    }

    /// The session in `slot`.
    #[must_use]
    pub fn slot(&self, slot: u32) -> Option<&Session> {
        self.0.sessions.get(slot as usize)
    }

    pub(crate) fn user_members(&self, user: u32) -> Option<&Members> {
        self.0.users.get(user as usize).map(|user| &user.members)
    }

    pub(crate) fn key_members(&self, key: u32) -> Option<&Members> {
        self.0.keys.get(key as usize).and_then(|key| self.0.key_members(key))
    }
}

#[cfg(test)]
mod tests;
