//! Which slot is whose, and the ciphers at hand.

use super::CIPHERS_MAX;
use super::cipher::Cipher;
use super::slots::Owner;
use std::collections::HashMap;
use std::sync::Arc;

/// The slots of users, by the keyed hash of the user. About 40 bytes a user.
#[derive(Default)]
pub(super) struct Index(HashMap<Owner, u32>);

impl Index {
    pub(super) fn get(&self, owner: &Owner) -> Option<u32> {
        self.0.get(owner).copied()
    }

    pub(super) fn put(&mut self, owner: Owner, slot: u32) {
        self.0.insert(owner, slot);
    }

    /// Forgets a slot, unless its owner has another by now.
    pub(super) fn remove(&mut self, owner: &Owner, slot: u32) {
        if self.get(owner) == Some(slot) {
            self.0.remove(owner);
        }
    }
}

/// Ciphers made of keys, by slot; all go when there are too many.
#[derive(Default)]
pub(super) struct Ciphers(HashMap<u32, Arc<Cipher>>);

impl Ciphers {
    pub(super) fn get(&self, slot: u32) -> Option<Arc<Cipher>> {
        self.0.get(&slot).map(Arc::clone)
    }

    pub(super) fn put(&mut self, slot: u32, cipher: &Arc<Cipher>) {
        if self.0.len() >= CIPHERS_MAX {
            self.0.clear();
        }
        self.0.insert(slot, Arc::clone(cipher));
    }

    pub(super) fn forget(&mut self, slot: u32) {
        self.0.remove(&slot);
    }
}
