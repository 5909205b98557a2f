//! What is remembered of ended sessions: the newest few, by id.

use crate::index::{Hasher, Index};
use sledger_core::answer::Tombstone;
use std::collections::VecDeque;
use std::sync::Arc;

/// The newest tombstones, oldest first, and the latest of each id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tombs {
    all: VecDeque<Arc<Tombstone>>,
    /// Position since the beginning of the front of `all`; wraps, as the index does.
    gone: u32,
    by_id: Index,
}

impl Tombs {
    pub(crate) fn get(&self, hasher: &Hasher, id: &str) -> Option<&Arc<Tombstone>> {
        self.at(self.find(hasher.of(id), id)?)
    }

    pub(crate) fn push(&mut self, hasher: &Hasher, tombstone: Arc<Tombstone>, most: usize) {
        let hash = hasher.of(tombstone.facts.session());
        if let Some(older) = self.find(hash, tombstone.facts.session()) {
            self.by_id.remove(hash, older);
        }
        let position = self.gone.wrapping_add(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.by_id.insert(hash, position);
        self.all.push_back(tombstone);
        self.shrink(hasher, most);
    }

    /// Forgets the oldest until at most `most` are left.
    pub(crate) fn shrink(&mut self, hasher: &Hasher, most: usize) {
        while self.all.len() > most {
            if let Some(oldest) = self.all.pop_front() {
                self.by_id.remove(hasher.of(oldest.facts.session()), self.gone);
            }
            self.gone = self.gone.wrapping_add(1);
        }
    }

    /// Changes what is remembered; ids may change with it.
    pub(crate) fn change(&mut self, hasher: &Hasher, mut change: impl FnMut(&mut Arc<Tombstone>)) {
        let all = std::mem::take(&mut self.all);
        let most = all.len();
        (self.gone, self.by_id) = (0, Index::default());
        for mut tombstone in all {
            change(&mut tombstone);
            self.push(hasher, tombstone, most);
        }
    }

    /// All, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Tombstone>> {
        self.all.iter()
    }

    fn find(&self, hash: u32, id: &str) -> Option<u32> {
        self.by_id.find(hash, |position| self.at(position).is_some_and(|t| t.facts.session() == id))
    }

    fn at(&self, position: u32) -> Option<&Arc<Tombstone>> {
        self.all.get(usize::try_from(position.wrapping_sub(self.gone)).ok()?)
    }
}
