//! What is remembered of ended sessions: the newest few, by id.

use super::index::Hasher;
use crate::answer::Tombstone;
use hashbrown::HashTable;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// The newest tombstones, oldest first, and the latest of each id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tombs {
    all: VecDeque<Arc<Tombstone>>,
    /// Position since the beginning of the front of `all`.
    gone: u64,
    by_id: HashTable<u64>,
}

impl Tombs {
    pub(crate) fn get(&self, hasher: &Hasher, id: &str) -> Option<&Arc<Tombstone>> {
        let position = self.by_id.find(hasher.of(id), |&position| self.has_id(position, id))?;
        self.at(*position)
    }

    pub(crate) fn push(&mut self, hasher: &Hasher, tombstone: Arc<Tombstone>, most: usize) {
        let id = Arc::clone(&tombstone.facts);
        let hash = hasher.of(id.session());
        let position = self.gone.saturating_add(self.all.len() as u64);
        let older = self.by_id.find(hash, |&p| self.has_id(p, id.session())).copied();
        self.all.push_back(tombstone);
        if let Some(older) = older {
            self.drop_position(hash, older);
        }
        let (all, gone) = (&self.all, self.gone);
        self.by_id.insert_unique(hash, position, |&p| hasher.of(id_at(all, gone, p)));
        self.shrink(hasher, most);
    }

    /// Forgets the oldest until at most `most` are left.
    pub(crate) fn shrink(&mut self, hasher: &Hasher, most: usize) {
        while self.all.len() > most {
            if let Some(oldest) = self.all.front() {
                let hash = hasher.of(oldest.facts.session());
                self.drop_position(hash, self.gone);
            }
            self.all.pop_front();
            self.gone = self.gone.saturating_add(1);
        }
    }

    /// Positions since the beginning of those remembered now.
    pub(crate) fn positions(&self) -> Range<u64> {
        self.gone..self.gone.saturating_add(self.all.len() as u64)
    }

    /// All, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Tombstone>> {
        self.all.iter()
    }

    fn drop_position(&mut self, hash: u64, position: u64) {
        if let Ok(entry) = self.by_id.find_entry(hash, |&p| p == position) {
            entry.remove();
        }
    }

    /// The tombstone at a position, unless it is forgotten.
    pub(crate) fn at(&self, position: u64) -> Option<&Arc<Tombstone>> {
        self.all.get(usize::try_from(position.checked_sub(self.gone)?).ok()?)
    }

    fn has_id(&self, position: u64, id: &str) -> bool {
        self.at(position).is_some_and(|tombstone| tombstone.facts.session() == id)
    }
}

fn id_at(all: &VecDeque<Arc<Tombstone>>, gone: u64, position: u64) -> &str {
    let index = usize::try_from(position.saturating_sub(gone)).ok();
    index.and_then(|index| all.get(index)).map_or("", |tombstone| tombstone.facts.session())
}
