//! The order in which sessions fall due: a heap of four children a node, in which every session knows its place.
//!
//! Exact at all times, by (deadline, number). A session that never falls due is not in it.

use crate::{Millis, Seq};
use std::collections::BinaryHeap;

const CHILDREN: usize = 4;

/// A session's place that is no place.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// One session waiting for its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    pub(crate) deadline: Millis,
    pub(crate) number: Seq,
    pub(crate) slot: u32,
}

/// All sessions that wait for a deadline. `moved(slot, place)` is called for each that changes its place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deadlines(Vec<Due>);

impl Deadlines {
    pub(crate) fn first(&self) -> Option<Due> {
        self.0.first().copied()
    }

    pub(crate) fn push(&mut self, due: Due, moved: &mut impl FnMut(u32, u32)) {
        self.0.push(due);
        self.rise(self.0.len().saturating_sub(1), moved);
    }

    /// Takes the entry at `place` out.
    pub(crate) fn remove(&mut self, place: u32, moved: &mut impl FnMut(u32, u32)) {
        let place = place as usize;
        if place >= self.0.len() {
            return;
        }
        let gone = self.0.swap_remove(place);
        moved(gone.slot, NOWHERE);
        if place < self.0.len() {
            let place = self.rise(place, moved);
            self.sink(place, moved);
        }
    }

    /// Gives the entry at `place` a new deadline.
    pub(crate) fn change(&mut self, place: u32, deadline: Millis, moved: &mut impl FnMut(u32, u32)) {
        let place = place as usize;
        if let Some(due) = self.0.get_mut(place) {
            due.deadline = deadline;
            let place = self.rise(place, moved);
            self.sink(place, moved);
        }
    }

    /// Up to `most` entries that are due at `at`, in order, without taking them out.
    pub(crate) fn due(&self, at: Millis, most: usize) -> Vec<Due> {
        let mut found = Vec::new();
        let mut open = BinaryHeap::new();
        let visit = |place: usize, open: &mut BinaryHeap<_>| {
            if let Some(&due) = self.0.get(place).filter(|due| due.deadline <= at) {
                open.push(std::cmp::Reverse((due, place)));
            }
        };
        visit(0, &mut open);
        while let Some(std::cmp::Reverse((due, place))) = open.pop() {
            found.push(due);
            if found.len() >= most {
                break;
            }
            (1..=CHILDREN).for_each(|child| visit(place * CHILDREN + child, &mut open));
        }
        found
    }

    /// Moves the entry towards the root as far as it belongs; says where it came to be.
    fn rise(&mut self, mut place: usize, moved: &mut impl FnMut(u32, u32)) -> usize {
        while place > 0 {
            let parent = (place - 1) / CHILDREN;
            if self.0.get(place) >= self.0.get(parent) {
                break;
            }
            self.swap(place, parent, moved);
            place = parent;
        }
        self.tell(place, moved);
        place
    }

    fn sink(&mut self, mut place: usize, moved: &mut impl FnMut(u32, u32)) {
        loop {
            let children = place * CHILDREN + 1..=place * CHILDREN + CHILDREN;
            let least = children.filter(|&child| child < self.0.len()).min_by_key(|&child| self.0.get(child));
            match least {
                Some(child) if self.0.get(child) < self.0.get(place) => {
                    self.swap(place, child, moved);
                    place = child;
                }
                _ => break,
            }
        }
        self.tell(place, moved);
    }

    fn swap(&mut self, place: usize, other: usize, moved: &mut impl FnMut(u32, u32)) {
        self.0.swap(place, other);
        self.tell(place, moved);
    }

    fn tell(&self, place: usize, moved: &mut impl FnMut(u32, u32)) {
        if let Some(due) = self.0.get(place) {
            moved(due.slot, u32::try_from(place).unwrap_or(NOWHERE));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn what_is_due_comes_in_the_order_of_deadline_and_number(
            steps in prop::collection::vec((0u32..24, 0u64..40, 0u8..3), 1..200)
        ) {
            let mut heap = Deadlines::default();
            let mut places = BTreeMap::new();
            let mut model = BTreeMap::new();
            for (slot, deadline, step) in steps {
                let deadline = Millis(deadline);
                let place = places.get(&slot).copied().unwrap_or(NOWHERE);
                let mut moved = |slot, place| { places.insert(slot, place); };
                match (step, model.contains_key(&slot)) {
                    (0, true) => { heap.remove(place, &mut moved); model.remove(&slot); }
                    (_, true) => { heap.change(place, deadline, &mut moved); model.insert(slot, deadline); }
                    (_, false) => {
                        heap.push(Due { deadline, number: Seq(u64::from(slot)), slot }, &mut moved);
                        model.insert(slot, deadline);
                    }
                }
                let order: BTreeSet<_> = model.iter().map(|(slot, deadline)| (*deadline, *slot)).collect();
                let due: Vec<_> = heap.due(Millis(20), 7).iter().map(|due| (due.deadline, due.slot)).collect();
                let expected: Vec<_> = order.iter().filter(|(d, _)| d.0 <= 20).take(7).copied().collect();
                prop_assert_eq!(due, expected);
                prop_assert_eq!(heap.first().map(|due| due.slot), order.first().map(|(_, slot)| *slot));
            }
        }
    }
}
