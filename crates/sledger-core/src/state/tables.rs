//! The tables behind a [`super::State`], and the few ways they change.
//!
//! INVARIANT(orders): a session stands in the orders of its user and of each of
//! its keys by its values as they are now; so whoever changes a value takes it out first.

use super::deadlines::{Deadlines, Due, NOWHERE};
use super::index::{Hasher, Index};
use super::memory::{Commands, Storms, Trips};
use super::tombs::Tombs;
use super::{Members, QuotaKey, Session, User};
use crate::answer::Answer;
use crate::event::{Binding, Counted};
use crate::evolve::PendingParts;
use crate::quota::Ready;
use crate::snapshot::{self, Taking};
use crate::{KeyNo, Millis, Seq, UserNo};
use slab::Slab;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that is folded.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    pub(crate) hasher: Hasher,
    pub(crate) seq: Seq,
    pub(crate) at: Millis,
    pub(crate) epoch: u64,
    pub(crate) ready: Arc<Ready>,
    pub(crate) bindings: Arc<[Binding]>,
    pub(crate) file: Option<[u8; 32]>,
    pub(crate) engine: Box<str>,
    pub(crate) policies: BTreeMap<Arc<str>, Arc<str>>,
    pub(crate) parts: PendingParts,
    pub(crate) sessions: Slab<Session>,
    by_id: Index,
    by_number: Index,
    pub(crate) users: Slab<User>,
    by_user: Index,
    pub(crate) keys: Slab<QuotaKey>,
    by_key: Index,
    pub(crate) key_next: u64,
    pub(crate) deadlines: Deadlines,
    pub(crate) tombs: Tombs,
    pub(crate) commands: Commands,
    pub(crate) trips: Trips,
    pub(crate) storms: Storms,
    /// The answer so far of a command that takes several decisions, by their cause.
    pub(crate) partial: Option<(Seq, Box<Answer>)>,
    /// The snapshot being taken. INVARIANT(snapshot): a session that it has not got yet is saved before it changes.
    pub(crate) taking: Option<Box<Taking>>,
}

fn slot_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(NOWHERE)
}

impl Tables {
    pub(crate) fn new(ready: Ready, bindings: Vec<Binding>, seed: u64) -> Self {
        Self {
            hasher: Hasher::new(seed),
            seq: Seq(0),
            at: Millis(0),
            epoch: 0,
            ready: Arc::new(ready),
            bindings: Arc::from(bindings),
            file: None,
            engine: Box::from(""),
            policies: BTreeMap::new(),
            parts: PendingParts::default(),
            sessions: Slab::new(),
            by_id: Index::default(),
            by_number: Index::default(),
            users: Slab::new(),
            by_user: Index::default(),
            keys: Slab::new(),
            by_key: Index::default(),
            key_next: 1,
            deadlines: Deadlines::default(),
            tombs: Tombs::default(),
            commands: Commands::default(),
            trips: Trips::default(),
            storms: Storms::default(),
            partial: None,
            taking: None,
        }
    }

    /// Makes room for what is about to be put in.
    pub(crate) fn reserve(&mut self, sessions: usize, users: usize, keys: usize) {
        self.sessions.reserve(sessions);
        self.users.reserve(users);
        self.keys.reserve(keys);
        self.by_id.reserve(sessions);
        self.by_number.reserve(sessions);
        self.by_user.reserve(users);
        self.by_key.reserve(keys);
    }

    pub(crate) fn find_session(&self, id: &str) -> Option<u32> {
        let is_it = |slot: u32| self.sessions.get(slot as usize).is_some_and(|s| s.facts.session() == id);
        self.by_id.find(self.hasher.of(id), is_it)
    }

    pub(crate) fn find_number(&self, number: Seq) -> Option<u32> {
        let is_it = |slot: u32| self.sessions.get(slot as usize).is_some_and(|s| s.number == number);
        self.by_number.find(self.hasher.of(number), is_it)
    }

    pub(crate) fn find_user(&self, name: &str) -> Option<u32> {
        let is_it = |slot: u32| self.users.get(slot as usize).is_some_and(|user| &*user.name == name);
        self.by_user.find(self.hasher.of(name), is_it)
    }

    pub(crate) fn find_key(&self, quota: u16, text: &str) -> Option<u32> {
        let is_it =
            |slot: u32| self.keys.get(slot as usize).is_some_and(|k| k.quota == quota && &*k.text == text);
        self.by_key.find(self.hasher.of((quota, text)), is_it)
    }

    /// The slot of a user, made if it is new.
    pub(crate) fn user_slot(&mut self, name: &str, no: UserNo) -> u32 {
        if let Some(slot) = self.find_user(name) {
            return slot;
        }
        let user = User { no, name: Arc::from(name), members: Members::default() };
        let slot = slot_of(self.users.insert(user));
        let (hasher, users) = (&self.hasher, &self.users);
        self.by_user.insert(hasher.of(name), slot, |slot| {
            hasher.of(users.get(slot as usize).map_or("", |user| &*user.name))
        });
        slot
    }

    fn key_slot(&mut self, quota: u16, text: &Arc<str>, no: KeyNo) -> u32 {
        if let Some(slot) = self.find_key(quota, text) {
            return slot;
        }
        self.key_next = self.key_next.max(no.0.saturating_add(1));
        let key = QuotaKey { no, quota, text: Arc::clone(text), members: Members::default() };
        let slot = slot_of(self.keys.insert(key));
        let (hasher, keys) = (&self.hasher, &self.keys);
        self.by_key.insert(hasher.of((quota, &**text)), slot, |slot| {
            keys.get(slot as usize).map_or(0, |key| hasher.of((key.quota, &*key.text)))
        });
        slot
    }

    /// Puts a session in, under the keys recorded with it.
    pub(crate) fn insert(&mut self, mut session: Session, counted: &[Counted], keys: &[Arc<str>]) -> u32 {
        for (counted, text) in counted.iter().zip(keys) {
            let key = self.key_slot(counted.quota, text, counted.key);
            session.keys.push(key);
        }
        let (number, user) = (session.number, session.user);
        let facts = Arc::clone(&session.facts);
        let deadline = session.deadline();
        let slot = slot_of(self.sessions.insert(session));
        snapshot::is_new(self, slot);
        let (hasher, rows) = (&self.hasher, &self.sessions);
        self.by_id.insert(hasher.of(facts.session()), slot, |slot| {
            hasher.of(rows.get(slot as usize).map_or("", |session| session.facts.session()))
        });
        self.by_number.insert(hasher.of(number), slot, |slot| {
            hasher.of(rows.get(slot as usize).map(|session| session.number).unwrap_or_default())
        });
        if let Some(user) = self.users.get_mut(user as usize) {
            user.members.add(&self.sessions, slot);
        }
        self.each_key(slot, |members, rows| members.add(rows, slot));
        self.await_deadline(slot, deadline);
        slot
    }

    /// Takes a session out. Its keys and its user go with their last session.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<Session> {
        snapshot::before_change(self, slot);
        let session = self.sessions.get(slot as usize)?;
        let (number, user, place) = (session.number, session.user, session.place);
        let facts = Arc::clone(&session.facts);
        self.each_key(slot, |members, rows| members.remove(rows, slot));
        if let Some(found) = self.users.get_mut(user as usize) {
            found.members.remove(&self.sessions, slot);
        }
        self.by_id.remove(self.hasher.of(facts.session()), slot);
        self.by_number.remove(self.hasher.of(number), slot);
        let rows = &mut self.sessions;
        self.deadlines.remove(place, &mut |slot, place| moved(rows, slot, place));
        let session = self.sessions.try_remove(slot as usize)?;
        session.keys.iter().for_each(|key| self.drop_key_if_empty(*key));
        self.drop_user_if_empty(user);
        Some(session)
    }

    /// Changes a session's activity or deadline, and puts it where it then belongs.
    pub(crate) fn update(&mut self, slot: u32, change: impl FnOnce(&mut Session)) {
        let Some(user) = self.sessions.get(slot as usize).map(|session| session.user) else { return };
        snapshot::before_change(self, slot);
        self.each_key(slot, |members, rows| members.leave_orders(rows, slot));
        if let Some(user) = self.users.get_mut(user as usize) {
            user.members.leave_orders(&self.sessions, slot);
        }
        if let Some(session) = self.sessions.get_mut(slot as usize) {
            change(session);
        }
        if let Some(user) = self.users.get_mut(user as usize) {
            user.members.join_orders(&self.sessions, slot);
        }
        self.each_key(slot, |members, rows| members.join_orders(rows, slot));
        if let Some(deadline) = self.sessions.get(slot as usize).map(Session::deadline) {
            self.await_deadline(slot, deadline);
        }
    }

    /// Notes that a session was seen, without recording it.
    pub(crate) fn see(&mut self, slot: u32, at: Millis) {
        if let Some(session) = self.sessions.get_mut(slot as usize) {
            session.last_seen = at;
        }
    }

    /// Counts every live session anew under the settings now in force.
    pub(crate) fn recount(&mut self) {
        self.keys = Slab::new();
        self.by_key = Index::default();
        let mut order: Vec<(Seq, u32)> = self.sessions.iter().map(|(i, s)| (s.number, slot_of(i))).collect();
        order.sort_unstable();
        let ready = Arc::clone(&self.ready);
        for (_, slot) in order {
            let Some(facts) = self.sessions.get(slot as usize).map(|session| Arc::clone(&session.facts))
            else {
                continue;
            };
            let mut slots = smallvec::SmallVec::new();
            for (quota, index) in ready.quotas.iter().zip(0u16..) {
                for text in quota.keys_counting(&facts) {
                    let key = self.key_slot(index, &text, KeyNo(self.key_next));
                    slots.push(key);
                }
            }
            if let Some(session) = self.sessions.get_mut(slot as usize) {
                session.keys = slots;
            }
            self.each_key(slot, |members, rows| members.add(rows, slot));
        }
    }

    fn each_key(&mut self, slot: u32, mut change: impl FnMut(&mut Members, &Slab<Session>)) {
        let Some(session) = self.sessions.get(slot as usize) else { return };
        for key in &session.keys {
            if let Some(key) = self.keys.get_mut(*key as usize) {
                change(&mut key.members, &self.sessions);
            }
        }
    }

    fn drop_key_if_empty(&mut self, slot: u32) {
        if self.keys.get(slot as usize).is_some_and(|key| key.members.is_empty())
            && let Some(key) = self.keys.try_remove(slot as usize)
        {
            self.by_key.remove(self.hasher.of((key.quota, &*key.text)), slot);
        }
    }

    fn drop_user_if_empty(&mut self, slot: u32) {
        if self.users.get(slot as usize).is_some_and(|user| user.members.is_empty())
            && let Some(user) = self.users.try_remove(slot as usize)
        {
            self.by_user.remove(self.hasher.of(&*user.name), slot);
        }
    }

    fn await_deadline(&mut self, slot: u32, deadline: Millis) {
        let Some(session) = self.sessions.get(slot as usize) else { return };
        let (place, number) = (session.place, session.number);
        let rows = &mut self.sessions;
        let mut moved = |slot, place| moved(rows, slot, place);
        match (place, deadline) {
            (NOWHERE, Millis::NEVER) => {}
            (NOWHERE, deadline) => self.deadlines.push(Due { deadline, number, slot }, &mut moved),
            (place, Millis::NEVER) => self.deadlines.remove(place, &mut moved),
            (place, deadline) => self.deadlines.change(place, deadline, &mut moved),
        }
    }
}

fn moved(rows: &mut Slab<Session>, slot: u32, place: u32) {
    if let Some(session) = rows.get_mut(slot as usize) {
        session.place = place;
    }
}
