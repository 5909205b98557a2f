//! Larger sets of sessions: two sorted lists, then trees.

use super::{Key, Order, Picked, Rows, activity, deadline, entry, key_of, least, life, start};
use crate::state::Session;
use crate::{Millis, Seq};
use std::collections::BTreeSet;

type List = Vec<u32>;
type Tree = BTreeSet<(Millis, Seq, u32)>;

/// Some sessions in two sorted lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    by_start: List,
    by_activity: List,
    /// Whether lives differ within the set, so that the next to expire must be looked for.
    mixed: bool,
}

/// Many sessions in trees.
#[derive(Clone, Debug, Default)]
pub(crate) struct Many {
    by_start: Tree,
    by_activity: Tree,
    by_deadline: Tree,
    mixed: bool,
}

/// Whether start and activity do not tell its deadline: something moved it, or it has none (then its number counts).
fn is_irregular(session: &Session) -> bool {
    !session.is_regular() || session.facts.ends_at() == Millis::NEVER
}

/// Whether `slot` lives by other spans than `first`, so that two sorted orders no longer tell who expires next.
fn differs(rows: &Rows, first: Option<u32>, slot: u32) -> bool {
    let Some(session) = rows.get(slot as usize) else { return false };
    let Some(first) = first.and_then(|first| rows.get(first as usize)) else { return is_irregular(session) };
    let (a, b) = (&first.facts, &session.facts);
    a.ttl != b.ttl || a.idle != b.idle || is_irregular(session)
}

fn place(list: &List, rows: &Rows, slot: u32, key: Key) -> Result<usize, usize> {
    let wanted = key_of(rows, slot, key);
    // Most come in order: look at the end first.
    match list.last() {
        Some(&end) if key_of(rows, end, key) < wanted => Err(list.len()),
        _ => list.binary_search_by_key(&wanted, |&other| key_of(rows, other, key)),
    }
}

fn insert(list: &mut List, rows: &Rows, slot: u32, key: Key) {
    if let Err(index) = place(list, rows, slot, key) {
        list.insert(index, slot);
    }
}

fn take(list: &mut List, rows: &Rows, slot: u32, key: Key) {
    match place(list, rows, slot, key) {
        Ok(index) if list.get(index) == Some(&slot) => {
            list.remove(index);
        }
        _ => list.retain(|other| *other != slot),
    }
}

fn first(from: impl Iterator<Item = u32>, most: usize, keep: &dyn Fn(u32) -> bool) -> Picked {
    from.filter(|slot| keep(*slot)).take(most).collect()
}

impl Lists {
    pub(super) fn of(rows: &Rows, slots: &[u32]) -> Self {
        let mut lists = Self::default();
        for slot in slots {
            lists.add(rows, *slot);
        }
        lists
    }

    pub(super) fn len(&self) -> usize {
        self.by_start.len()
    }

    pub(super) fn any(&self) -> Option<u32> {
        self.by_start.first().copied()
    }

    pub(super) fn by_start(&self) -> &[u32] {
        &self.by_start
    }

    pub(super) fn add(&mut self, rows: &Rows, slot: u32) {
        self.mixed |= differs(rows, self.any(), slot);
        insert(&mut self.by_start, rows, slot, start);
        insert(&mut self.by_activity, rows, slot, activity);
    }

    pub(super) fn remove(&mut self, rows: &Rows, slot: u32) {
        self.leave_orders(rows, slot);
        take(&mut self.by_start, rows, slot, start);
    }

    pub(super) fn leave_orders(&mut self, rows: &Rows, slot: u32) {
        take(&mut self.by_activity, rows, slot, activity);
    }

    pub(super) fn join_orders(&mut self, rows: &Rows, slot: u32) {
        self.mixed |= differs(rows, self.any(), slot);
        insert(&mut self.by_activity, rows, slot, activity);
    }

    pub(super) fn put_off(&mut self, rows: &Rows) {
        self.mixed |= self.by_start.iter().any(|slot| rows.get(*slot as usize).is_some_and(is_irregular));
    }

    pub(super) fn pick(&self, rows: &Rows, order: Order, most: usize, keep: &dyn Fn(u32) -> bool) -> Picked {
        let (by_start, by_activity) = (self.by_start.iter().copied(), self.by_activity.iter().copied());
        match order {
            Order::Oldest => first(by_start, most, keep),
            Order::Newest => first(by_start.rev(), most, keep),
            Order::MostIdle => first(by_activity, most, keep),
            Order::LeastIdle => first(by_activity.rev(), most, keep),
            Order::LeastTimeLeft if !self.mixed => first(by_start, most, keep),
            Order::LeastTimeLeft => least(rows, by_start.filter(|slot| keep(*slot)), most, life),
            Order::NextExpiring if !self.mixed => self.next_expiring(rows, most, keep),
            Order::NextExpiring => least(rows, by_start.filter(|slot| keep(*slot)), most, deadline),
        }
    }

    /// Where all live by the same spans, who expires next is first by start or first by activity.
    fn next_expiring(&self, rows: &Rows, most: usize, keep: &dyn Fn(u32) -> bool) -> Picked {
        let mut by_start = self.by_start.iter().copied().filter(|slot| keep(*slot)).peekable();
        let mut by_activity = self.by_activity.iter().copied().filter(|slot| keep(*slot)).peekable();
        let mut found = Picked::new();
        while found.len() < most {
            let next = match (by_start.peek(), by_activity.peek()) {
                (Some(&a), Some(&b)) if key_of(rows, a, deadline) <= key_of(rows, b, deadline) => {
                    by_start.next()
                }
                (_, Some(_)) => by_activity.next(),
                (_, None) => by_start.next(),
            };
            match next {
                Some(slot) if !found.contains(&slot) => found.push(slot),
                Some(_) => {}
                None => break,
            }
        }
        found
    }

    pub(super) fn to_many(&self, rows: &Rows) -> Many {
        let tree = |key: Key| self.by_start.iter().map(|&slot| entry(rows, slot, key)).collect();
        Many {
            by_start: tree(start),
            by_activity: tree(activity),
            by_deadline: tree(deadline),
            mixed: self.mixed,
        }
    }
}

impl Many {
    pub(super) fn len(&self) -> usize {
        self.by_start.len()
    }

    pub(super) fn any(&self) -> Option<u32> {
        self.by_start.first().map(|(_, _, slot)| *slot)
    }

    pub(super) fn add(&mut self, rows: &Rows, slot: u32) {
        self.by_start.insert(entry(rows, slot, start));
        self.join_orders(rows, slot);
    }

    pub(super) fn remove(&mut self, rows: &Rows, slot: u32) {
        self.leave_orders(rows, slot);
        self.by_start.remove(&entry(rows, slot, start));
    }

    pub(super) fn leave_orders(&mut self, rows: &Rows, slot: u32) {
        self.by_activity.remove(&entry(rows, slot, activity));
        self.by_deadline.remove(&entry(rows, slot, deadline));
    }

    pub(super) fn join_orders(&mut self, rows: &Rows, slot: u32) {
        self.mixed |= differs(rows, self.any(), slot);
        self.by_activity.insert(entry(rows, slot, activity));
        self.by_deadline.insert(entry(rows, slot, deadline));
    }

    pub(super) fn put_off(&mut self, rows: &Rows) {
        self.mixed |= slots(&self.by_start).any(|slot| rows.get(slot as usize).is_some_and(is_irregular));
        self.by_deadline = slots(&self.by_start).map(|slot| entry(rows, slot, deadline)).collect();
    }

    pub(super) fn pick(&self, rows: &Rows, order: Order, most: usize, keep: &dyn Fn(u32) -> bool) -> Picked {
        let (by_start, by_activity) = (slots(&self.by_start), slots(&self.by_activity));
        match order {
            Order::Oldest => first(by_start, most, keep),
            Order::Newest => first(by_start.rev(), most, keep),
            Order::MostIdle => first(by_activity, most, keep),
            Order::LeastIdle => first(by_activity.rev(), most, keep),
            Order::LeastTimeLeft if !self.mixed => first(by_start, most, keep),
            Order::LeastTimeLeft => least(rows, by_start.filter(|slot| keep(*slot)), most, life),
            Order::NextExpiring => first(slots(&self.by_deadline), most, keep),
        }
    }

    pub(super) fn to_lists(&self) -> Lists {
        Lists {
            by_start: slots(&self.by_start).collect(),
            by_activity: slots(&self.by_activity).collect(),
            mixed: self.mixed,
        }
    }
}

fn slots(tree: &Tree) -> impl DoubleEndedIterator<Item = u32> {
    tree.iter().map(|(_, _, slot)| *slot)
}
