//! Looking things up by hash, without ever walking in hash order.
//!
//! The table holds slots only; what a slot means, and what its key is, the
//! caller knows. The hash is keyed, so that names chosen by an attacker do not
//! collide; nothing that is decided depends on the key.

use ahash::RandomState;
use hashbrown::HashTable;
use std::hash::Hash;

/// Slots by the hash of their key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index(HashTable<u32>);

impl Index {
    /// Makes room in an empty index.
    pub(crate) fn reserve(&mut self, slots: usize) {
        if self.0.is_empty() {
            self.0 = HashTable::with_capacity(slots);
        }
    }

    pub(crate) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.0.find(hash, |&slot| is_it(slot)).copied()
    }

    pub(crate) fn insert(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) {
        self.0.insert_unique(hash, slot, |&slot| hash_of(slot));
    }

    pub(crate) fn remove(&mut self, hash: u64, slot: u32) {
        if let Ok(entry) = self.0.find_entry(hash, |&found| found == slot) {
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

    pub(crate) fn of(&self, key: impl Hash) -> u64 {
        self.0.hash_one(key)
    }
}
