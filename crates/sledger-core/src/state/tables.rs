//! The tables behind a [`super::State`], and the few ways they change.
//!
//! INVARIANT(orders): a session stands in the orders of its user and of each of
//! its keys by its values as they are now; so whoever changes a value takes it out first.
//! INVARIANT(own): a key that is a user's name and counts every session of that user has no set of its own.

use super::ahead::Coming;
use super::deadlines::{Deadlines, Due};
use super::holds::Holds;
use super::index::{Hasher, Index};
use super::memory::{Commands, Storms, Trips};
use super::sources::AllSources;
use super::tombs::Tombs;
use super::{KeyOf, Members, QuotaKey, Session, User};
use crate::answer::Answer;
use crate::event::{Binding, Counted};
use crate::evolve::Parts;
use crate::numbers::NumberMap;
use crate::quota::{Ready, ReadyQuota};
use crate::snapshot::{self, Taking};
use crate::{Facts, KeyNo, Limit, Millis, Seq, UserNo};
use slab::Slab;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::hint::black_box;
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
    pub(crate) policies: AllSources,
    /// Some of the logins that last met an exhausted quota, with the quota's name: what a new policy is tried on. Not
    /// folded.
    pub(crate) met: VecDeque<(Arc<str>, Arc<Facts>)>,
    pub(crate) parts: Parts,
    pub(crate) sessions: Slab<Session>,
    by_id: Index,
    numbers: NumberMap,
    pub(crate) users: Slab<User>,
    by_user: Index,
    pub(crate) keys: Slab<QuotaKey>,
    by_key: Index,
    pub(crate) key_next: u64,
    deadlines: Deadlines,
    pub(crate) tombs: Tombs,
    pub(crate) commands: Commands,
    pub(crate) trips: Trips,
    pub(crate) holds: Holds,
    pub(crate) storms: Storms,
    /// The words for the person who was evicted last: many are evicted in one millisecond, and told alike.
    pub(crate) said: Option<(Said, Arc<str>)>,
    /// The answer so far of a command that takes several decisions, by their cause.
    pub(crate) partial: Option<(Seq, Box<Answer>)>,
    /// The snapshot being taken. INVARIANT(snapshot): a session that it has not got yet is saved before it changes.
    pub(crate) taking: Option<Box<Taking>>,
}

/// What the words for an evicted person depend on beside the settings, where no client is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) quota: u16,
    pub(crate) limit: Limit,
    pub(crate) active: u32,
    pub(crate) at: Millis,
}

fn slot_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
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
            policies: AllSources::new(),
            met: VecDeque::new(),
            parts: Parts::default(),
            sessions: Slab::new(),
            by_id: Index::default(),
            numbers: NumberMap::default(),
            users: Slab::new(),
            by_user: Index::default(),
            keys: Slab::new(),
            by_key: Index::default(),
            key_next: 1,
            deadlines: Deadlines::default(),
            tombs: Tombs::default(),
            commands: Commands::default(),
            trips: Trips::default(),
            holds: Holds::new(),
            storms: Storms::default(),
            said: None,
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
        self.by_user.reserve(users);
        self.by_key.reserve(keys);
    }

    pub(crate) fn find_session(&self, id: &str) -> Option<u32> {
        let is_it = |slot: u32| self.sessions.get(slot as usize).is_some_and(|s| s.facts.session() == id);
        self.by_id.find(self.hasher.of(id), is_it)
    }

    pub(crate) fn find_number(&self, number: Seq) -> Option<u32> {
        self.numbers.get(number)
    }

    pub(crate) fn find_user(&self, name: &str) -> Option<u32> {
        self.find_user_hashed(self.hasher.of(name), name)
    }

    fn find_user_hashed(&self, hash: u32, name: &str) -> Option<u32> {
        let is_it = |slot: u32| self.users.get(slot as usize).is_some_and(|user| &*user.name == name);
        self.by_user.find(hash, is_it)
    }

    pub(crate) fn find_key(&self, quota: u16, text: &str) -> Option<u32> {
        let user = if self.is_own(quota) { self.find_user(text) } else { None };
        self.find_key_of(user, quota, text)
    }

    /// As [`Tables::find_key`]; `user` is the slot of the user whose name `text` may be.
    pub(crate) fn find_key_of(&self, user: Option<u32>, quota: u16, text: &str) -> Option<u32> {
        let own = || self.users.get(user? as usize).filter(|user| &*user.name == text)?.own_key(quota);
        own().or_else(|| {
            if self.by_key.is_empty() {
                return None;
            }
            let is_it = |slot: u32| {
                self.keys.get(slot as usize).is_some_and(|key| key.quota == quota && key.is_text(text))
            };
            self.by_key.find(self.hasher.of((quota, text)), is_it)
        })
    }

    fn is_own(&self, quota: u16) -> bool {
        self.ready.quota(quota).is_some_and(ReadyQuota::is_own)
    }

    /// Reads what a login of `user` with the id `session` will need. Logins wait for memory most of all; to look at
    /// many of them one after the other, before any is decided, lets these waits overlap.
    ///
    /// `ends` counts the logins before it that will end another session.
    pub(crate) fn warm(&self, user: &str, session: &str, ends: &mut usize) {
        let id = self.hasher.of(session);
        self.by_id.warm(id);
        self.tombs.warm(id);
        let Some(user) = self.find_user(user).and_then(|slot| self.users.get(slot as usize)) else { return };
        for (_, key) in &user.own {
            std::hint::black_box(self.keys.get(*key as usize).map(|key| key.no));
        }
        let full = user.members.full_few().iter().filter_map(|slot| self.sessions.get(*slot as usize));
        for (place, session) in full.enumerate() {
            std::hint::black_box(session.facts.started);
            // Most policies choose the one that came first.
            if place == 0 {
                self.by_id.warm(self.hasher.of(session.facts.session()));
                self.tombs.warm_oldest(&self.hasher, *ends);
                *ends += 1;
            }
        }
    }

    /// Reads what a stretch of decisions leads to, step by step.
    pub(super) fn warm_all(&self, coming: &mut Coming) {
        let (sessions, users, keys) = (&self.sessions, &self.users, &self.keys);
        let at = |slot: &u32| *slot as usize;
        coming.ids.iter().for_each(|hash| self.by_id.warm(*hash));
        coming.users.extend(coming.user_names.iter().filter_map(|hash| self.by_user.likely(*hash)));
        coming.keys.extend(coming.key_texts.iter().filter_map(|hash| self.by_key.likely(*hash)));
        for session in coming.sessions.iter().filter_map(|slot| sessions.get(at(slot))) {
            coming.users.push(session.user);
            coming.keys.extend(session.keys());
        }
        for user in coming.users.iter().filter_map(|slot| users.get(at(slot))) {
            coming.keys.extend(user.own.iter().map(|(_, key)| *key));
        }
        for session in coming.sessions.iter().filter_map(|slot| sessions.get(at(slot))) {
            black_box(session.facts.started);
        }
        for key in coming.keys.iter().filter_map(|slot| keys.get(at(slot))) {
            black_box(key.no);
        }
        for user in coming.users.iter().filter_map(|slot| users.get(at(slot))) {
            black_box(user.name.as_bytes().first());
        }
        for key in coming.keys.iter().filter_map(|slot| keys.get(at(slot))) {
            if let KeyOf::Text { text, .. } = &key.of {
                black_box(text.as_bytes().first());
            }
        }
        let ending = coming.ending.iter().filter_map(|slot| sessions.get(at(slot)));
        for (place, session) in ending.enumerate() {
            let id = self.hasher.of(session.facts.session());
            self.by_id.warm(id);
            self.tombs.warm(id);
            self.tombs.warm_oldest(&self.hasher, place);
        }
    }

    /// The slot of a user, made if it is new.
    pub(crate) fn user_slot(&mut self, name: &str, no: UserNo) -> u32 {
        let hash = self.hasher.of(name);
        if let Some(slot) = self.find_user_hashed(hash, name) {
            return slot;
        }
        let slot = slot_of(self.users.insert(User::new(no, Arc::from(name))));
        self.by_user.insert(hash, slot);
        slot
    }

    fn key_slot(&mut self, user: u32, counted: &Counted, text: &Arc<str>, whole: bool) -> u32 {
        let quota = counted.quota;
        if let Some(slot) = self.find_key_of(Some(user), quota, text) {
            return slot;
        }
        self.key_next = self.key_next.max(counted.key.0.saturating_add(1));
        let is_own = self.is_own(quota);
        let sharing = self.users.get_mut(user as usize);
        let sharing =
            sharing.filter(|user| is_own && (whole || user.members.is_empty()) && user.name == *text);
        let of = match sharing {
            Some(_) => KeyOf::User(user),
            None => KeyOf::Text { text: Arc::clone(text), members: Members::default() },
        };
        let slot = slot_of(self.keys.insert(QuotaKey { no: counted.key, quota, of }));
        match sharing {
            Some(user) => user.own.push((quota, slot)),
            None => self.by_key.insert(self.hasher.of((quota, &**text)), slot),
        }
        slot
    }

    /// Gives those of a user's own keys that do not count a newcomer sets of their own.
    fn part(&mut self, slot: u32, newcomer: &[u32]) {
        let Some(user) = self.users.get_mut(slot as usize) else { return };
        if user.own.iter().all(|(_, key)| newcomer.contains(key)) {
            return;
        }
        for (quota, slot) in user.own.iter().filter(|(_, key)| !newcomer.contains(key)) {
            if let Some(key) = self.keys.get_mut(*slot as usize) {
                key.of = KeyOf::Text { text: Arc::clone(&user.name), members: user.members.clone() };
                self.by_key.insert(self.hasher.of((*quota, &*user.name)), *slot);
            }
        }
        user.own.retain(|(_, key)| newcomer.contains(key));
    }

    /// The text of a key.
    pub(crate) fn key_text(&self, key: &QuotaKey) -> Option<Arc<str>> {
        match &key.of {
            KeyOf::User(user) => self.users.get(*user as usize).map(|user| Arc::clone(&user.name)),
            KeyOf::Text { text, .. } => Some(Arc::clone(text)),
        }
    }

    /// The sessions under a key.
    pub(crate) fn key_members<'a>(&'a self, key: &'a QuotaKey) -> Option<&'a Members> {
        match &key.of {
            KeyOf::User(user) => self.users.get(*user as usize).map(|user| &user.members),
            KeyOf::Text { members, .. } => Some(members),
        }
    }

    /// Puts a session in, under the keys recorded with it.
    pub(crate) fn insert(&mut self, mut session: Session, counted: &[Counted], keys: &[Arc<str>]) -> u32 {
        let mut slots: SmallVec<[u32; 4]> = SmallVec::new();
        for (counted, text) in counted.iter().zip(keys) {
            let key = self.key_slot(session.user, counted, text, false);
            slots.push(key);
        }
        self.part(session.user, &slots);
        session.set_keys(&slots);
        let (number, user, at) = (session.number, session.user, self.at);
        let deadline = session.deadline();
        let id = self.hasher.of(session.facts.session());
        let slot = slot_of(self.sessions.insert(session));
        snapshot::is_new(self, slot);
        self.by_id.insert(id, slot);
        self.numbers.insert(number, slot);
        if let Some(user) = self.users.get_mut(user as usize) {
            user.members.add(&self.sessions, slot, at);
        }
        self.each_key(slot, |members, rows| members.add(rows, slot, at));
        self.deadlines.note(Due { deadline, number });
        slot
    }

    /// Takes a session out. Its keys and its user go with their last session.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<Session> {
        snapshot::before_change(self, slot);
        let session = self.sessions.get(slot as usize)?;
        let (number, user) = (session.number, session.user);
        let id = self.hasher.of(session.facts.session());
        self.each_key(slot, |members, rows| members.remove(rows, slot));
        if let Some(found) = self.users.get_mut(user as usize) {
            found.members.remove(&self.sessions, slot);
        }
        self.by_id.remove(id, slot);
        self.numbers.remove(number);
        let session = self.sessions.try_remove(slot as usize)?;
        session.keys().for_each(|key| self.drop_key_if_empty(key));
        self.drop_user_if_empty(user);
        self.settle(number);
        Some(session)
    }

    /// Changes a session's activity or deadline, and puts it where it then belongs.
    pub(crate) fn update(&mut self, slot: u32, change: impl FnOnce(&mut Session)) {
        snapshot::before_change(self, slot);
        let Some(session) = self.sessions.get(slot as usize) else { return };
        let (user, number, before) = (session.user, session.number, session.deadline());
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
        let deadline = self.sessions.get(slot as usize).map_or(Millis::NEVER, Session::deadline);
        if deadline < before {
            self.deadlines.note(Due { deadline, number });
        }
        self.settle(number);
    }

    /// Changes the deadlines of many sessions at once, and nothing else of them.
    pub(crate) fn put_off(&mut self, slots: &[u32], change: impl Fn(&mut Session)) {
        for &slot in slots {
            snapshot::before_change(self, slot);
            if let Some(session) = self.sessions.get_mut(slot as usize) {
                change(session);
            }
        }
        let rows = &self.sessions;
        for (_, user) in &mut self.users {
            user.members.put_off(rows);
        }
        for (_, key) in &mut self.keys {
            if let KeyOf::Text { members, .. } = &mut key.of {
                members.put_off(rows);
            }
        }
        let due = |session: &Session| Due { deadline: session.deadline(), number: session.number };
        self.deadlines.renew(rows.iter().map(|(_, session)| due(session)).collect());
    }

    /// Puts the notes of deadlines right after a session ended or its deadline moved.
    fn settle(&mut self, number: Seq) {
        let (numbers, rows) = (&self.numbers, &self.sessions);
        let now = |number| deadline_now(numbers, rows, number);
        self.deadlines.settle(number, now);
        self.deadlines.tidy(rows.len(), now);
    }

    /// Up to `most` sessions that are due at `at`, in the order of deadline and number, with their slots.
    pub(crate) fn due(&self, at: Millis, most: usize) -> Vec<(Millis, u32)> {
        let now = |number| deadline_now(&self.numbers, &self.sessions, number);
        let due = self.deadlines.due(at, most, now).into_iter();
        due.filter_map(|due| Some((due.deadline, self.find_number(due.number)?))).collect()
    }

    /// The session that falls due first, with its deadline.
    pub(crate) fn first_due(&self) -> Option<(Millis, Seq)> {
        self.deadlines.first().map(|due| (due.deadline, due.number))
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
        self.users.iter_mut().for_each(|(_, user)| user.own.clear());
        let (ready, at) = (Arc::clone(&self.ready), self.at);
        let order: Vec<u32> = self.numbers.after(Seq(0)).map(|(_, slot)| slot).collect();
        for slot in order {
            let Some(session) = self.sessions.get(slot as usize) else { continue };
            let (facts, user) = (Arc::clone(&session.facts), session.user);
            let mut slots: SmallVec<[u32; 4]> = SmallVec::new();
            for (quota, index) in ready.quotas.iter().zip(0u16..) {
                for text in quota.keys_counting(&facts) {
                    let key = KeyNo(self.key_next);
                    let counted = Counted { quota: index, key, limit: Limit::Unlimited, count: 0 };
                    slots.push(self.key_slot(user, &counted, &text, true));
                }
            }
            if let Some(session) = self.sessions.get_mut(slot as usize) {
                session.set_keys(&slots);
            }
            self.each_key(slot, |members, rows| members.add(rows, slot, at));
        }
    }

    /// Changes the sets of a session's keys that have sets of their own.
    fn each_key(&mut self, slot: u32, mut change: impl FnMut(&mut Members, &Slab<Session>)) {
        let Some(session) = self.sessions.get(slot as usize) else { return };
        for key in session.keys() {
            if let Some(KeyOf::Text { members, .. }) = self.keys.get_mut(key as usize).map(|key| &mut key.of)
            {
                change(members, &self.sessions);
            }
        }
    }

    fn drop_key_if_empty(&mut self, slot: u32) {
        let Some(KeyOf::Text { text, members }) = self.keys.get(slot as usize).map(|key| &key.of) else {
            return;
        };
        if members.is_empty() {
            let quota = self.keys.get(slot as usize).map_or(0, |key| key.quota);
            self.by_key.remove(self.hasher.of((quota, &**text)), slot);
            self.keys.try_remove(slot as usize);
        }
    }

    fn drop_user_if_empty(&mut self, slot: u32) {
        if self.users.get(slot as usize).is_some_and(|user| user.members.is_empty())
            && let Some(user) = self.users.try_remove(slot as usize)
        {
            self.by_user.remove(self.hasher.of(&*user.name), slot);
            for (_, key) in user.own {
                self.keys.try_remove(key as usize);
            }
        }
    }
}

fn deadline_now(numbers: &NumberMap, rows: &Slab<Session>, number: Seq) -> Option<Millis> {
    numbers.get(number).and_then(|slot| rows.get(slot as usize)).map(Session::deadline)
}
