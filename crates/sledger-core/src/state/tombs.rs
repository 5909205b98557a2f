//! What is remembered of ended sessions: the newest few, by id.

use super::index::{Hasher, Index};
use crate::answer::Tombstone;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// The newest tombstones, oldest first, and the latest of each id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tombs {
    all: VecDeque<Arc<Tombstone>>,
    /// Position since the beginning of the front of `all`. The index knows its lower half, and wraps.
    gone: u64,
    by_id: Index,
}

impl Tombs {
    pub(crate) fn get(&self, hasher: &Hasher, id: &str) -> Option<&Arc<Tombstone>> {
        if self.all.is_empty() {
            return None;
        }
        self.indexed(self.find(hasher.of(id), id)?)
    }

    /// Brings what a look at `hash` needs to hand.
    pub(crate) fn warm(&self, hash: u32) {
        if !self.all.is_empty() {
            self.by_id.warm(hash);
        }
    }

    /// Brings what it takes to forget the oldest but `place` to hand.
    pub(crate) fn warm_oldest(&self, hasher: &Hasher, place: usize) {
        if let Some(oldest) = self.all.get(place) {
            self.by_id.warm(hasher.of(oldest.facts.session()));
        }
    }

    pub(crate) fn push(&mut self, hasher: &Hasher, tombstone: Arc<Tombstone>, most: usize) {
        let hash = hasher.of(tombstone.facts.session());
        if let Some(older) = self.find(hash, tombstone.facts.session()) {
            self.by_id.remove(hash, older);
        }
        let position = self.gone.saturating_add(self.all.len() as u64);
        self.by_id.insert(hash, lower(position));
        self.all.push_back(tombstone);
        self.shrink(hasher, most);
    }

    /// Forgets the oldest until at most `most` are left.
    pub(crate) fn shrink(&mut self, hasher: &Hasher, most: usize) {
        while self.all.len() > most {
            if let Some(oldest) = self.all.pop_front() {
                self.by_id.remove(hasher.of(oldest.facts.session()), lower(self.gone));
            }
            self.gone = self.gone.saturating_add(1);
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

    /// Positions since the beginning of those remembered now.
    pub(crate) fn positions(&self) -> Range<u64> {
        self.gone..self.gone.saturating_add(self.all.len() as u64)
    }

    /// All, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Tombstone>> {
        self.all.iter()
    }

    fn find(&self, hash: u32, id: &str) -> Option<u32> {
        self.by_id.find(hash, |position| self.indexed(position).is_some_and(|t| t.facts.session() == id))
    }

    /// The tombstone at a position, unless it is forgotten.
    pub(crate) fn at(&self, position: u64) -> Option<&Arc<Tombstone>> {
        self.all.get(usize::try_from(position.checked_sub(self.gone)?).ok()?)
    }

    fn indexed(&self, position: u32) -> Option<&Arc<Tombstone>> {
        self.all.get(usize::try_from(position.wrapping_sub(lower(self.gone))).ok()?)
    }
}

/// The lower half of a position.
fn lower(position: u64) -> u32 {
    u32::try_from(position & u64::from(u32::MAX)).unwrap_or_default()
}
