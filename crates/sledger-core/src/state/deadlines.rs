//! The order in which sessions fall due.
//!
//! A session is noted when it comes and when its deadline moves nearer; where it
//! moves away, ends or is put off, its note stays and is set right once it comes
//! to the front. Most lives are alike, so most notes come in order: they lie in a
//! queue, the others in a heap.
//!
//! INVARIANT(due): a session that falls due has a note at its deadline or before; the first note is exact.

use crate::{Millis, Seq};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Notes that may be out of date beyond as many as there are sessions.
const STALE_MIN: usize = 1024;

/// One session waiting for its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    pub(crate) deadline: Millis,
    pub(crate) number: Seq,
}

/// All sessions that wait for a deadline.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deadlines {
    /// In order.
    queue: VecDeque<Due>,
    heap: BinaryHeap<Reverse<Due>>,
}

/// The deadline of a session now; `None` when it is no longer live.
pub(crate) trait Now: Fn(Seq) -> Option<Millis> {}

impl<F: Fn(Seq) -> Option<Millis>> Now for F {}

impl Deadlines {
    /// The session that falls due first.
    pub(crate) fn first(&self) -> Option<Due> {
        let heap = self.heap.peek().map(|Reverse(due)| *due);
        match (self.queue.front().copied(), heap) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Notes a session that came, or whose deadline moved nearer.
    pub(crate) fn note(&mut self, due: Due) {
        if due.deadline == Millis::NEVER {
            return;
        }
        if self.queue.back().is_none_or(|last| *last <= due) {
            self.queue.push_back(due);
        } else {
            self.heap.push(Reverse(due));
        }
    }

    /// After the session `number` ended or its deadline moved away: makes the first note exact again.
    pub(crate) fn settle(&mut self, number: Seq, now: impl Now) {
        if self.first().is_some_and(|first| first.number == number) {
            self.settle_first(now);
        }
    }

    fn settle_first(&mut self, now: impl Now) {
        while let Some(first) = self.first() {
            let deadline = now(first.number);
            if deadline == Some(first.deadline) {
                return;
            }
            self.pop();
            if let Some(deadline) = deadline {
                self.note(Due { deadline, ..first });
            }
        }
    }

    fn pop(&mut self) {
        let heap = self.heap.peek().map(|Reverse(due)| *due);
        if self.queue.front().is_some_and(|queued| heap.is_none_or(|heaped| *queued <= heaped)) {
            self.queue.pop_front();
        } else {
            self.heap.pop();
        }
    }

    /// Forgets notes that are out of date once they are more than the `live` sessions.
    pub(crate) fn tidy(&mut self, live: usize, now: impl Now) {
        if self.queue.len() + self.heap.len() <= live.saturating_mul(2).saturating_add(STALE_MIN) {
            return;
        }
        let queue = std::mem::take(&mut self.queue).into_iter();
        let heap = std::mem::take(&mut self.heap).into_iter().map(|Reverse(due)| due);
        let mut all: Vec<Due> = queue
            .chain(heap)
            .filter_map(|due| now(due.number).map(|deadline| Due { deadline, ..due }))
            .filter(|due| due.deadline != Millis::NEVER)
            .collect();
        all.sort_unstable();
        all.dedup();
        self.queue = all.into();
    }

    /// Forgets all notes and takes these: for very many deadlines that moved at once.
    pub(crate) fn renew(&mut self, mut all: Vec<Due>) {
        all.retain(|due| due.deadline != Millis::NEVER);
        all.sort_unstable();
        self.heap.clear();
        self.queue = all.into();
    }

    /// Up to `most` sessions that are due at `at`, in the order of deadline and number.
    pub(crate) fn due(&self, at: Millis, most: usize, now: impl Now) -> Vec<Due> {
        let mut found: Vec<Due> = Vec::new();
        let mut open = Open { all: self, queued: 0, heap: BinaryHeap::new(), put_off: BinaryHeap::new() };
        open.visit(0);
        while let Some(due) = open.next().filter(|due| due.deadline <= at && found.len() < most) {
            match now(due.number) {
                Some(deadline) if deadline == due.deadline => {
                    if found.last() != Some(&due) {
                        found.push(due);
                    }
                }
                Some(deadline) if deadline > due.deadline => {
                    open.put_off.push(Reverse(Due { deadline, ..due }));
                }
                // Ended, or moved nearer: then it has another note, which came before.
                Some(_) | None => {}
            }
        }
        found
    }
}

/// A walk over all notes in order, without taking them out.
struct Open<'a> {
    all: &'a Deadlines,
    queued: usize,
    heap: BinaryHeap<Reverse<(Due, usize)>>,
    put_off: BinaryHeap<Reverse<Due>>,
}

impl Open<'_> {
    fn visit(&mut self, place: usize) {
        if let Some(Reverse(due)) = self.all.heap.as_slice().get(place) {
            self.heap.push(Reverse((*due, place)));
        }
    }

    fn next(&mut self) -> Option<Due> {
        let queued = self.all.queue.get(self.queued).copied();
        let heaped = self.heap.peek().map(|Reverse((due, _))| *due);
        let put_off = self.put_off.peek().map(|Reverse(due)| *due);
        let first = [queued, heaped, put_off].into_iter().flatten().min()?;
        if queued == Some(first) {
            self.queued += 1;
        } else if heaped == Some(first) {
            if let Some(Reverse((_, place))) = self.heap.pop() {
                // The children of a node of a binary heap.
                self.visit(place * 2 + 1);
                self.visit(place * 2 + 2);
            }
        } else {
            self.put_off.pop();
        }
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn what_is_due_comes_in_the_order_of_deadline_and_number(
            steps in prop::collection::vec((0u64..24, 0u64..40, 0u8..4), 1..300)
        ) {
            let mut ours = Deadlines::default();
            let mut model: BTreeMap<Seq, Millis> = BTreeMap::new();
            for (number, deadline, step) in steps {
                let (number, deadline) = (Seq(number), Millis(if deadline == 39 { u64::MAX } else { deadline }));
                let before = if step == 0 { model.remove(&number) } else { model.insert(number, deadline) };
                if step > 0 && before.is_none_or(|before| deadline < before) {
                    ours.note(Due { deadline, number });
                }
                let now = |number| model.get(&number).copied();
                ours.settle(number, now);
                ours.tidy(model.len(), now);
                let mut order: Vec<Due> =
                    model.iter().map(|(number, deadline)| Due { deadline: *deadline, number: *number }).collect();
                order.retain(|due| due.deadline != Millis::NEVER);
                order.sort_unstable();
                prop_assert_eq!(ours.first(), order.first().copied());
                order.retain(|due| due.deadline <= Millis(20));
                order.truncate(7);
                prop_assert_eq!(ours.due(Millis(20), 7, now), order);
            }
        }
    }

    #[test]
    fn notes_out_of_date_do_not_pile_up() {
        let mut ours = Deadlines::default();
        let live = |number: Seq| (number.0 == 1).then_some(Millis(1));
        ours.note(Due { deadline: Millis(1), number: Seq(1) });
        for number in 2..10_000 {
            ours.note(Due { deadline: Millis(number), number: Seq(number) });
            ours.settle(Seq(number), live);
            ours.tidy(1, live);
            assert!(ours.queue.len() + ours.heap.len() <= 2 + STALE_MIN);
        }
        assert_eq!(ours.first().map(|due| due.number), Some(Seq(1)));
    }
}
