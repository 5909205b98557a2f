//! Looking things up by hash, without ever walking in hash order.
//!
//! An entry keeps its hash beside its slot: growing touches no row, and a probe
//! reads a row only when all 32 bits agree. The hash is keyed per process, so
//! that names chosen by an attacker do not collide.

use ahash::RandomState;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hash};

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
    pub(crate) fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.0.find(spread(hash), |entry| entry.hash == hash && is_it(entry.slot)).map(|entry| entry.slot)
    }

    /// Reads where the entries of `hash` lie, so that they are at hand afterwards.
    pub(crate) fn warm(&self, hash: u32) {
        std::hint::black_box(self.0.find(spread(hash), |entry| entry.hash == hash).is_some());
    }

    pub(crate) fn insert(&mut self, hash: u32, slot: u32) {
        self.0.insert_unique(spread(hash), Entry { hash, slot }, |entry| spread(entry.hash));
    }

    /// Makes room for so many more.
    pub(crate) fn reserve(&mut self, slots: usize) {
        self.0.reserve(slots, |entry| spread(entry.hash));
    }

    pub(crate) fn remove(&mut self, hash: u32, slot: u32) {
        if let Ok(entry) = self.0.find_entry(spread(hash), |entry| entry.slot == slot) {
            entry.remove();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The keyed hash function of one projection.
#[derive(Clone, Debug)]
pub(crate) struct Hasher(RandomState);

impl Hasher {
    /// Keyed from the operating system's randomness: nothing that is shown depends on it.
    pub(crate) fn new() -> Self {
        let random = std::hash::RandomState::new();
        let seed = |n: u64| random.hash_one(n);
        Self(RandomState::with_seeds(seed(1), seed(2), seed(3), seed(4)))
    }

    pub(crate) fn of(&self, key: impl Hash) -> u32 {
        let hash = self.0.hash_one(key);
        u32::try_from(hash >> 32).unwrap_or_default()
    }
}
