//! Looking things up by hash, without ever walking in hash order.
//!
//! An entry keeps its hash beside its slot: growing touches no row, and a probe
//! reads a row only when all 32 bits agree. What a slot means, and what its key
//! is, the caller knows. The hash is keyed, so that names chosen by an attacker
//! do not collide; nothing that is decided depends on the key.

use ahash::RandomState;
use hashbrown::HashTable;
use std::hash::Hash;

/// Slots by the hash of their key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index(HashTable<Entry>);

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u32,
    slot: u32,
}

/// The table wants 64 bits of which the highest and the lowest matter.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Index {
    /// Makes room in an empty index.
    pub(crate) fn reserve(&mut self, slots: usize) {
        if self.0.is_empty() {
            self.0 = HashTable::with_capacity(slots);
        }
    }

    pub(crate) fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.0.find(spread(hash), |entry| entry.hash == hash && is_it(entry.slot)).map(|entry| entry.slot)
    }

    /// Reads where the entries of `hash` lie, so that they are at hand afterwards.
    pub(crate) fn warm(&self, hash: u32) {
        std::hint::black_box(self.0.find(spread(hash), |entry| entry.hash == hash).is_some());
    }

    /// A slot that is noted under `hash`: most likely the one looked for.
    pub(crate) fn likely(&self, hash: u32) -> Option<u32> {
        self.0.find(spread(hash), |entry| entry.hash == hash).map(|entry| entry.slot)
    }

    pub(crate) fn insert(&mut self, hash: u32, slot: u32) {
        self.0.insert_unique(spread(hash), Entry { hash, slot }, |entry| spread(entry.hash));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn remove(&mut self, hash: u32, slot: u32) {
        if let Ok(entry) = self.0.find_entry(spread(hash), |entry| entry.slot == slot) {
            entry.remove();
        }
    }
}

/// The keyed hash function of one state.
#[derive(Clone, Debug)]
pub(crate) struct Hasher(RandomState);

impl Hasher {
    pub(crate) fn new(seed: u64) -> Self {
        const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
        let next = |n: u64| seed.wrapping_add(ODD.wrapping_mul(n)).rotate_left(31) ^ ODD;
        Self(RandomState::with_seeds(next(1), next(2), next(3), next(4)))
    }

    pub(crate) fn of(&self, key: impl Hash) -> u32 {
        u32::try_from(self.0.hash_one(key) >> 32).unwrap_or_default()
    }
}
