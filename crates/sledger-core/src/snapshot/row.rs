//! The rows of a snapshot.

use crate::answer::{Advice, Answer};
use crate::event::Binding;
use crate::state::{Kind as Denial, Rare, Recent, Session, Tables};
use crate::{Facts, KeyNo, Millis, Seq, UserNo};
use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::sync::Arc;

/// Everything small, and how much of the rest there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeadRow {
    pub(crate) seq: Seq,
    pub(crate) at: Millis,
    pub(crate) epoch: u64,
    pub(crate) sessions: u64,
    pub(crate) users: u64,
    pub(crate) keys: u64,
    pub(crate) key_next: u64,
    pub(crate) engine: Box<str>,
    pub(crate) file: Option<[u8; 32]>,
    pub(crate) bindings: Vec<Binding>,
}

/// A live session; its user and keys by their numbers, their names follow from the facts.
#[derive(Clone, Debug)]
pub(crate) struct SessionRow {
    pub(crate) facts: Arc<Facts>,
    pub(crate) user: UserNo,
    pub(crate) number: Seq,
    pub(crate) generation: Seq,
    pub(crate) last_active: Millis,
    pub(crate) disconnected: Option<Millis>,
    pub(crate) idle_shift: u64,
    pub(crate) rare: Option<Box<Rare>>,
    pub(crate) keys: SmallVec<[(u16, KeyNo); 2]>,
}

/// A session as it is written: generation and activity by their distance, which is short for most.
type Written = (Arc<Facts>, UserNo, Seq, u64, u64, Option<Millis>, u64, Option<Box<Rare>>, Vec<(u16, KeyNo)>);

impl SessionRow {
    /// The session in `slot` as it is now.
    pub(crate) fn of(tables: &Tables, slot: u32) -> Option<Self> {
        let session = tables.sessions.get(slot as usize)?;
        let keys = session.keys().filter_map(|key| tables.keys.get(key as usize));
        Some(Self {
            facts: Arc::clone(&session.facts),
            user: tables.users.get(session.user as usize).map(|user| user.no)?,
            number: session.number,
            generation: session.generation,
            last_active: session.last_active,
            disconnected: session.disconnected(),
            idle_shift: session.idle_shift(),
            rare: session.rare().cloned().map(Box::new),
            keys: keys.map(|key| (key.quota, key.no)).collect(),
        })
    }

    /// The session again, in the slot of its user. What is not folded is as if nothing had been seen.
    pub(crate) fn session(self, user: u32) -> Session {
        let mut session = Session::new(self.facts, self.number, self.last_active, user);
        session.generation = self.generation;
        session.set_disconnected(self.disconnected);
        session.set_idle_shift(self.idle_shift);
        if let Some(rare) = self.rare {
            session.change_rare(|into, _| *into = *rare);
        }
        session
    }
}

impl Serialize for SessionRow {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let generation = self.generation.0.wrapping_sub(self.number.0);
        let active = self.last_active.0.wrapping_sub(self.facts.started.0);
        let (facts, user, number) = (&*self.facts, self.user, self.number);
        let changed = (self.disconnected, self.idle_shift, &self.rare);
        (facts, user, number, generation, active, changed, self.keys.as_slice()).serialize(to)
    }
}

impl<'de> Deserialize<'de> for SessionRow {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(from)?;
        let (facts, user, number, generation, active, disconnected, idle_shift, rare, keys) = written;
        Ok(Self {
            user,
            number,
            generation: Seq(number.0.wrapping_add(generation)),
            last_active: Millis(facts.started.0.wrapping_add(active)),
            facts,
            disconnected,
            idle_shift,
            rare,
            keys: keys.into_iter().collect(),
        })
    }
}

/// A command id with the answer it got.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CommandRow {
    pub(crate) id: Box<str>,
    pub(crate) mark: [u8; 8],
    pub(crate) at: Millis,
    pub(crate) answer: Arc<Answer>,
}

/// A kind of denial and how often it was recorded lately.
pub(crate) type StormRow = (Denial, Recent);

/// What an advisory quota can have said, as [`Advice`] names it. Append-only: written by its number here.
const ADVISED: [&str; 4] = ["allow", "deny", "evict", "error"];

impl Serialize for Advice {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let word = ADVISED.iter().position(|word| *word == self.outcome).unwrap_or(ADVISED.len());
        (&self.quota, u8::try_from(word).unwrap_or(u8::MAX), &self.evict, &self.reason).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Advice {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (quota, word, evict, reason) = <(_, u8, _, _)>::deserialize(from)?;
        let outcome = ADVISED.get(usize::from(word)).copied();
        let outcome = outcome.ok_or_else(|| D::Error::custom("no word of an advisory quota"))?;
        Ok(Self { quota, outcome, evict, reason })
    }
}
