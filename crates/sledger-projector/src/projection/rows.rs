//! What the tables hold: sessions, users and quota keys.

use crate::fullness::Fullness;
use slab::Slab;
use sledger_core::answer::SessionView;
use sledger_core::numbers::NumberMap;
use sledger_core::{Facts, Limit, Millis, Seq, Span};
use smallvec::SmallVec;
use std::sync::Arc;

/// No slot.
pub(super) const NOWHERE: u32 = u32::MAX;
/// Marks a key that stands in its user's row; the quota's index is in the low bits.
const OWN: u32 = 1 << 31;
/// Up to this many sessions a user's lie in a list.
const FEW_MAX: usize = 64;

pub(super) fn slot_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(NOWHERE)
}

/// A live session: 64 bytes.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) facts: Arc<Facts>,
    pub(super) number: Seq,
    pub(super) generation: Seq,
    pub(super) last_active: Millis,
    /// When idleness ends it, or retention while it is retained.
    pub(super) patience: Millis,
    /// What few sessions have.
    pub(super) rare: Option<Box<Rare>>,
    pub(super) user: u32,
    /// The keys that count it; more of them stand in `rare`.
    pub(super) keys: [KeyRef; 2],
    pub(super) retained: bool,
}

/// A session's own bytes are what a million sessions cost.
const _: () = assert!(size_of::<Row>() <= 64);

/// What few sessions have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rare {
    pub(super) seen_ip: Option<Arc<str>>,
    pub(super) seen_client: Option<Arc<str>>,
    pub(super) retention: Option<Span>,
    pub(super) keys: Vec<KeyRef>,
}

/// A key that counts a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyRef(u32);

impl KeyRef {
    pub(super) const NONE: Self = Self(NOWHERE);

    /// The user's own key of a quota.
    pub(super) const fn own(quota: u16) -> Self {
        Self(OWN | quota as u32)
    }

    /// A key with a row of its own.
    pub(super) const fn row(slot: u32) -> Self {
        Self(slot)
    }

    /// The quota of a user's own key, or the slot of another one.
    pub(super) fn place(self) -> Result<u16, u32> {
        match self.0 & OWN {
            0 => Err(self.0),
            _ => Ok(u16::try_from(self.0 & !OWN).unwrap_or(u16::MAX)),
        }
    }
}

impl Row {
    pub(super) fn new(facts: Arc<Facts>, number: Seq, last_active: Millis, user: u32) -> Self {
        let patience = last_active.plus(facts.idle);
        let keys = [KeyRef::NONE; 2];
        Self {
            facts,
            number,
            generation: number,
            last_active,
            patience,
            rare: None,
            user,
            keys,
            retained: false,
        }
    }

    pub(super) fn expires(&self) -> Millis {
        self.facts.ends_at().min(self.patience)
    }

    pub(super) fn retention(&self) -> Span {
        self.rare.as_ref().and_then(|rare| rare.retention).unwrap_or(self.facts.retention)
    }

    /// Its keys, in the order in which they were added.
    pub(super) fn keys(&self) -> impl Iterator<Item = KeyRef> {
        let more = self.rare.iter().flat_map(|rare| rare.keys.iter());
        self.keys.iter().chain(more).copied().filter(|key| *key != KeyRef::NONE)
    }

    pub(super) fn set_keys(&mut self, keys: &[KeyRef]) {
        let at = |index: usize| keys.get(index).copied().unwrap_or(KeyRef::NONE);
        self.keys = [at(0), at(1)];
        let more = keys.get(2..).unwrap_or_default();
        self.change_rare(|rare| rare.keys = more.to_vec());
    }

    /// Changes what few sessions have; what is then nothing takes no room.
    pub(super) fn change_rare(&mut self, change: impl FnOnce(&mut Rare)) {
        let mut rare = self.rare.take().map_or_else(Rare::default, |rare| *rare);
        change(&mut rare);
        self.rare = (rare != Rare::default()).then(|| Box::new(rare));
    }

    pub(super) fn view(&self) -> SessionView {
        SessionView {
            facts: Arc::clone(&self.facts),
            number: self.number,
            generation: self.generation,
            last_active: self.last_active,
            expires: self.expires(),
            retained: self.retained,
            seen_ip: self.rare.as_ref().and_then(|rare| rare.seen_ip.clone()),
            seen_client: self.rare.as_ref().and_then(|rare| rare.seen_client.clone()),
        }
    }
}

/// A user with live sessions.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) name: Arc<str>,
    pub(super) members: Members,
    /// Keys that are this user's alone.
    pub(super) keys: SmallVec<[UserKey; 1]>,
    /// How full the fullest of its keys is; the class it stands in.
    pub(super) class: Fullness,
    pub(super) place: u32,
}

/// A key of a quota counted by user, and perhaps by more.
#[derive(Clone, Copy, Debug)]
pub(super) struct UserKey {
    pub(super) quota: u16,
    /// The key's row where it has one; its count and limit stand there then.
    pub(super) row: u32,
    pub(super) used: Fullness,
}

/// A key that is not just a user's name.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) quota: u16,
    pub(super) text: Arc<str>,
    /// The one user it can count, where the quota counts by user.
    pub(super) user: u32,
    pub(super) used: Fullness,
}

impl User {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            members: Members::Few(SmallVec::new()),
            keys: SmallVec::new(),
            class: Fullness { active: 0, limit: Limit::Unlimited },
            place: NOWHERE,
        }
    }
}

/// The sessions of a user.
#[derive(Clone, Debug)]
pub(super) enum Members {
    /// Their slots, in no order.
    Few(SmallVec<[u32; 4]>),
    /// Their slots by number.
    Many(Box<NumberMap>),
}

impl Members {
    pub(super) fn count(&self) -> u32 {
        let count = match self {
            Self::Few(slots) => slots.len(),
            Self::Many(numbers) => numbers.len(),
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Their slots, in no order.
    pub(super) fn slots(&self) -> Vec<u32> {
        match self {
            Self::Few(slots) => slots.to_vec(),
            Self::Many(numbers) => numbers.after(Seq(0)).map(|(_, slot)| slot).collect(),
        }
    }

    pub(super) fn insert(&mut self, slot: u32, number: Seq, rows: &Slab<Row>) {
        match self {
            Self::Few(slots) if slots.len() < FEW_MAX => slots.push(slot),
            Self::Few(slots) => {
                let mut numbers = NumberMap::default();
                let known = slots.iter().filter_map(|slot| Some((rows.get(*slot as usize)?, *slot)));
                known.for_each(|(row, slot)| numbers.insert(row.number, slot));
                numbers.insert(number, slot);
                *self = Self::Many(Box::new(numbers));
            }
            Self::Many(numbers) => numbers.insert(number, slot),
        }
    }

    pub(super) fn remove(&mut self, slot: u32, number: Seq) {
        match self {
            Self::Few(slots) => {
                if let Some(index) = slots.iter().position(|other| *other == slot) {
                    slots.swap_remove(index);
                }
            }
            // Users of so many sessions are few, and a map of numbers stays right when it shrinks.
            Self::Many(numbers) => numbers.remove(number),
        }
    }
}
