//! The sessions of one user or one quota key, in the orders that policies pick from.
//!
//! Up to [`FEW_MAX`] they lie in two sorted lists; above that in trees, one by
//! deadline among them. Every order ends in the session's number, so it is total.

use super::session::Session;
use crate::{Millis, Seq};
use slab::Slab;
use smallvec::SmallVec;
use std::collections::BTreeSet;

/// Most sessions kept in sorted lists.
const FEW_MAX: usize = 1024;
/// From trees back to lists only well below that, lest a set at the border goes back and forth.
const FEW_AGAIN: usize = 512;

/// An order to pick sessions in; ties go to the lower number, from whichever end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// (start, number), least first.
    Oldest,
    /// (start, number), greatest first.
    Newest,
    /// (deadline, number), least first.
    NextExpiring,
    /// (start + ttl, number), least first.
    LeastTimeLeft,
    /// (last activity, number), least first.
    MostIdle,
    /// (last activity, number), greatest first.
    LeastIdle,
}

type Rows = Slab<Session>;
type List = SmallVec<[u32; 4]>;
type Tree = BTreeSet<(Millis, Seq, u32)>;

/// A set of sessions with its orders.
#[derive(Clone, Debug)]
pub(crate) enum Members {
    Few(Few),
    Many(Box<Many>),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Few {
    by_start: List,
    by_activity: List,
    /// Whether lives differ within the set, so that the next to expire must be looked for.
    mixed: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Many {
    by_start: Tree,
    by_activity: Tree,
    by_deadline: Tree,
    mixed: bool,
}

impl Default for Members {
    fn default() -> Self {
        Self::Few(Few::default())
    }
}

fn start(session: &Session) -> (Millis, Seq) {
    (session.facts.started, session.number)
}

fn activity(session: &Session) -> (Millis, Seq) {
    (session.last_active, session.number)
}

fn deadline(session: &Session) -> (Millis, Seq) {
    (session.deadline(), session.number)
}

fn life(session: &Session) -> (Millis, Seq) {
    (session.facts.ends_at(), session.number)
}

/// Whether start and activity do not tell its deadline: something moved it, or it has none (then its number counts).
fn is_irregular(session: &Session) -> bool {
    !session.is_regular() || session.facts.ends_at() == Millis::NEVER
}

type Key = fn(&Session) -> (Millis, Seq);

fn key_of(rows: &Rows, slot: u32, key: Key) -> (Millis, Seq) {
    rows.get(slot as usize).map(key).unwrap_or_default()
}

fn entry(rows: &Rows, slot: u32, key: Key) -> (Millis, Seq, u32) {
    let (at, number) = key_of(rows, slot, key);
    (at, number, slot)
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

impl Members {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few(few) => few.by_start.len(),
            Self::Many(many) => many.by_start.len(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a session that stands in `rows`.
    pub(crate) fn add(&mut self, rows: &Rows, slot: u32) {
        let mixed = self.differs(rows, slot);
        match self {
            Self::Few(few) => {
                few.mixed |= mixed;
                insert(&mut few.by_start, rows, slot, start);
                insert(&mut few.by_activity, rows, slot, activity);
                if few.by_start.len() > FEW_MAX {
                    *self = Self::Many(Box::new(few.to_many(rows)));
                }
            }
            Self::Many(many) => {
                many.mixed |= mixed;
                many.by_start.insert(entry(rows, slot, start));
                many.by_activity.insert(entry(rows, slot, activity));
                many.by_deadline.insert(entry(rows, slot, deadline));
            }
        }
    }

    /// Takes a session out, while it still stands unchanged in `rows`.
    pub(crate) fn remove(&mut self, rows: &Rows, slot: u32) {
        self.leave_orders(rows, slot);
        match self {
            Self::Few(few) => take(&mut few.by_start, rows, slot, start),
            Self::Many(many) => {
                many.by_start.remove(&entry(rows, slot, start));
                if many.by_start.len() < FEW_AGAIN {
                    *self = Self::Few(many.to_few());
                }
            }
        }
    }

    /// Before a session's activity or deadline changes in `rows`; [`Members::join_orders`] after it.
    pub(crate) fn leave_orders(&mut self, rows: &Rows, slot: u32) {
        match self {
            Self::Few(few) => take(&mut few.by_activity, rows, slot, activity),
            Self::Many(many) => {
                many.by_activity.remove(&entry(rows, slot, activity));
                many.by_deadline.remove(&entry(rows, slot, deadline));
            }
        }
    }

    /// After a session's activity or deadline has changed.
    pub(crate) fn join_orders(&mut self, rows: &Rows, slot: u32) {
        let mixed = self.differs(rows, slot);
        match self {
            Self::Few(few) => {
                few.mixed |= mixed;
                insert(&mut few.by_activity, rows, slot, activity);
            }
            Self::Many(many) => {
                many.mixed |= mixed;
                many.by_activity.insert(entry(rows, slot, activity));
                many.by_deadline.insert(entry(rows, slot, deadline));
            }
        }
    }

    /// Whether `slot` lives by other spans than the rest, so that two sorted orders no longer tell who expires next.
    fn differs(&self, rows: &Rows, slot: u32) -> bool {
        let first = match self {
            Self::Few(few) => few.by_start.first().copied(),
            Self::Many(many) => many.by_start.first().map(|(_, _, slot)| *slot),
        };
        let (Some(first), Some(session)) =
            (first.and_then(|slot| rows.get(slot as usize)), rows.get(slot as usize))
        else {
            return rows.get(slot as usize).is_some_and(is_irregular);
        };
        let (a, b) = (&first.facts, &session.facts);
        a.ttl != b.ttl || a.idle != b.idle || is_irregular(session)
    }

    /// All, in (start, number) order.
    pub(crate) fn iter(&self) -> Box<dyn DoubleEndedIterator<Item = u32> + '_> {
        match self {
            Self::Few(few) => Box::new(few.by_start.iter().copied()),
            Self::Many(many) => Box::new(many.by_start.iter().map(|(_, _, slot)| *slot)),
        }
    }

    fn by_activity(&self) -> Box<dyn DoubleEndedIterator<Item = u32> + '_> {
        match self {
            Self::Few(few) => Box::new(few.by_activity.iter().copied()),
            Self::Many(many) => Box::new(many.by_activity.iter().map(|(_, _, slot)| *slot)),
        }
    }

    /// The first `most` in `order` that `keep` keeps.
    pub(crate) fn pick(
        &self,
        rows: &Rows,
        order: Order,
        most: usize,
        keep: &dyn Fn(u32) -> bool,
    ) -> Vec<u32> {
        let first =
            |from: &mut dyn Iterator<Item = u32>| from.filter(|slot| keep(*slot)).take(most).collect();
        match (order, self) {
            (Order::Oldest, _) => first(&mut self.iter()),
            (Order::Newest, _) => first(&mut self.iter().rev()),
            (Order::MostIdle, _) => first(&mut self.by_activity()),
            (Order::LeastIdle, _) => first(&mut self.by_activity().rev()),
            (Order::LeastTimeLeft, _) if !self.mixed() => first(&mut self.iter()),
            (Order::LeastTimeLeft, _) => least(rows, self.iter().filter(|slot| keep(*slot)), most, life),
            (Order::NextExpiring, Self::Many(many)) => {
                first(&mut many.by_deadline.iter().map(|(_, _, slot)| *slot))
            }
            (Order::NextExpiring, Self::Few(few)) if !few.mixed => few.next_expiring(rows, most, keep),
            (Order::NextExpiring, _) => least(rows, self.iter().filter(|slot| keep(*slot)), most, deadline),
        }
    }

    fn mixed(&self) -> bool {
        match self {
            Self::Few(few) => few.mixed,
            Self::Many(many) => many.mixed,
        }
    }
}

impl Few {
    fn to_many(&self, rows: &Rows) -> Many {
        let tree = |key: Key| self.by_start.iter().map(|&slot| entry(rows, slot, key)).collect();
        Many {
            by_start: tree(start),
            by_activity: tree(activity),
            by_deadline: tree(deadline),
            mixed: self.mixed,
        }
    }

    /// Where all live by the same spans, who expires next is first by start or first by activity.
    fn next_expiring(&self, rows: &Rows, most: usize, keep: &dyn Fn(u32) -> bool) -> Vec<u32> {
        let mut by_start = self.by_start.iter().copied().filter(|slot| keep(*slot)).peekable();
        let mut by_activity = self.by_activity.iter().copied().filter(|slot| keep(*slot)).peekable();
        let mut found: Vec<u32> = Vec::new();
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
}

impl Many {
    fn to_few(&self) -> Few {
        let list = |tree: &Tree| tree.iter().map(|(_, _, slot)| *slot).collect();
        Few { by_start: list(&self.by_start), by_activity: list(&self.by_activity), mixed: self.mixed }
    }
}

/// The `most` least by `key`, in order, by looking at all.
fn least(rows: &Rows, slots: impl Iterator<Item = u32>, most: usize, key: Key) -> Vec<u32> {
    let mut all: Vec<_> = slots.map(|slot| entry(rows, slot, key)).collect();
    if most < all.len() && most > 0 {
        all.select_nth_unstable(most - 1);
    }
    all.truncate(most);
    all.sort_unstable();
    all.into_iter().map(|(_, _, slot)| slot).collect()
}

/// The first `most` of `slots` (which stand in (start, number) order) in `order`: for sets without orders of their own.
pub(crate) fn pick_from(rows: &Rows, slots: &[u32], order: Order, most: usize) -> Vec<u32> {
    let greatest = |key: Key| {
        let mut all: Vec<_> = slots.iter().map(|&slot| entry(rows, slot, key)).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.into_iter().take(most).map(|(_, _, slot)| slot).collect()
    };
    match order {
        Order::Oldest => slots.iter().copied().take(most).collect(),
        Order::Newest => slots.iter().rev().copied().take(most).collect(),
        Order::NextExpiring => least(rows, slots.iter().copied(), most, deadline),
        Order::LeastTimeLeft => least(rows, slots.iter().copied(), most, life),
        Order::MostIdle => least(rows, slots.iter().copied(), most, activity),
        Order::LeastIdle => greatest(activity),
    }
}
