//! The sessions of one user or one quota key, in the orders that policies pick from.
//!
//! Up to [`FEW_MAX`] stand beside each other, and are put in order when somebody
//! asks; up to [`LISTS_MAX`] they lie in two sorted lists; above that in trees, one
//! by deadline among them. Every order ends in the session's number, so it is total.

mod lists;

use super::session::Session;
use crate::{Millis, Seq};
use lists::{Lists, Many};
use slab::Slab;
use smallvec::SmallVec;

/// Most sessions kept side by side.
const FEW_MAX: usize = 5;
/// Back from lists only below that, lest a set at the border goes back and forth.
const FEW_AGAIN: usize = 4;
/// Most sessions kept in sorted lists.
const LISTS_MAX: usize = 1024;
/// See [`FEW_AGAIN`].
const LISTS_AGAIN: usize = 512;

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

/// Slots of sessions that were picked, in the order of the pick.
pub type Picked = SmallVec<[u32; 4]>;

type Rows = Slab<Session>;
type Key = fn(&Session) -> (Millis, Seq);
type Entry = (Millis, Seq, u32);

/// A set of sessions with its orders.
#[derive(Clone, Debug)]
pub(crate) enum Members {
    /// In the order in which they came.
    Few {
        len: u8,
        /// Whether that is the order of (start, number) too.
        by_start: bool,
        slots: [u32; FEW_MAX],
    },
    Lists(Box<Lists>),
    Many(Box<Many>),
}

/// A set for each user and key, however many there are.
const _: () = assert!(size_of::<Members>() <= 24);

impl Default for Members {
    fn default() -> Self {
        Self::Few { len: 0, by_start: true, slots: [0; FEW_MAX] }
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

/// What the sessions are ordered by, and whether the greatest come first.
const fn key_of_order(order: Order) -> (Key, bool) {
    match order {
        Order::Oldest => (start, false),
        Order::Newest => (start, true),
        Order::NextExpiring => (deadline, false),
        Order::LeastTimeLeft => (life, false),
        Order::MostIdle => (activity, false),
        Order::LeastIdle => (activity, true),
    }
}

fn key_of(rows: &Rows, slot: u32, key: Key) -> (Millis, Seq) {
    rows.get(slot as usize).map(key).unwrap_or_default()
}

fn entry(rows: &Rows, slot: u32, key: Key) -> Entry {
    let (at, number) = key_of(rows, slot, key);
    (at, number, slot)
}

impl Members {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few { len, .. } => usize::from(*len),
            Self::Lists(lists) => lists.len(),
            Self::Many(many) => many.len(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn few(&self) -> &[u32] {
        match self {
            Self::Few { len, slots, .. } => slots.get(..usize::from(*len)).unwrap_or_default(),
            Self::Lists(_) | Self::Many(_) => &[],
        }
    }

    /// Of a small set that is full: its sessions, which a policy will be asked about.
    pub(crate) fn full_few(&self) -> &[u32] {
        let few = self.few();
        if few.len() == FEW_MAX { few } else { &[] }
    }

    /// Adds a session that stands in `rows`; `at` is the time of the decision that is folded.
    pub(crate) fn add(&mut self, rows: &Rows, slot: u32, at: Millis) {
        match self {
            Self::Few { .. } if self.few().contains(&slot) => {}
            Self::Few { len, by_start, slots } if usize::from(*len) < FEW_MAX => {
                let last = usize::from(*len).checked_sub(1).and_then(|last| slots.get(last));
                *by_start &= comes_last(rows, slot, last.copied(), at);
                if let Some(place) = slots.get_mut(usize::from(*len)) {
                    *place = slot;
                    *len += 1;
                }
            }
            Self::Few { .. } => {
                let mut lists = Lists::of(rows, self.few());
                lists.add(rows, slot);
                *self = Self::Lists(Box::new(lists));
            }
            Self::Lists(lists) => {
                lists.add(rows, slot);
                if lists.len() > LISTS_MAX {
                    *self = Self::Many(Box::new(lists.to_many(rows)));
                }
            }
            Self::Many(many) => many.add(rows, slot),
        }
    }

    /// Takes a session out, while it still stands unchanged in `rows`.
    pub(crate) fn remove(&mut self, rows: &Rows, slot: u32) {
        match self {
            Self::Few { len, by_start, slots } => {
                let before = usize::from(*len);
                if let Some(place) = slots.iter().take(before).position(|other| *other == slot) {
                    slots.copy_within(place + 1..before, place);
                    *len -= 1;
                    *by_start |= *len == 0;
                }
            }
            Self::Lists(lists) => {
                lists.remove(rows, slot);
                if lists.len() <= FEW_AGAIN {
                    *self = Self::of_sorted(lists.by_start());
                }
            }
            Self::Many(many) => {
                many.remove(rows, slot);
                if many.len() < LISTS_AGAIN {
                    *self = Self::Lists(Box::new(many.to_lists()));
                }
            }
        }
    }

    fn of_sorted(sorted: &[u32]) -> Self {
        let (mut slots, mut len) = ([0; FEW_MAX], 0);
        for (place, slot) in slots.iter_mut().zip(sorted) {
            *place = *slot;
            len += 1;
        }
        Self::Few { len, by_start: true, slots }
    }

    /// Before a session's activity or deadline changes in `rows`; [`Members::join_orders`] after it.
    pub(crate) fn leave_orders(&mut self, rows: &Rows, slot: u32) {
        match self {
            Self::Few { .. } => {}
            Self::Lists(lists) => lists.leave_orders(rows, slot),
            Self::Many(many) => many.leave_orders(rows, slot),
        }
    }

    /// After a session's activity or deadline has changed.
    pub(crate) fn join_orders(&mut self, rows: &Rows, slot: u32) {
        match self {
            Self::Few { .. } => {}
            Self::Lists(lists) => lists.join_orders(rows, slot),
            Self::Many(many) => many.join_orders(rows, slot),
        }
    }

    /// After the deadlines of some sessions have changed, and nothing else of them.
    pub(crate) fn put_off(&mut self, rows: &Rows) {
        match self {
            Self::Few { .. } => {}
            Self::Lists(lists) => lists.put_off(rows),
            Self::Many(many) => many.put_off(rows),
        }
    }

    /// The first `most` in `order` that `keep` keeps.
    pub(crate) fn pick(&self, rows: &Rows, order: Order, most: usize, keep: &dyn Fn(u32) -> bool) -> Picked {
        match self {
            Self::Few { by_start, .. } => {
                let kept = self.few().iter().copied().filter(|slot| keep(*slot));
                match order {
                    Order::Oldest if *by_start => kept.take(most).collect(),
                    Order::Newest if *by_start => kept.rev().take(most).collect(),
                    _ => sorted(rows, kept, order, most),
                }
            }
            Self::Lists(lists) => lists.pick(rows, order, most, keep),
            Self::Many(many) => many.pick(rows, order, most, keep),
        }
    }
}

/// Whether a session has a greater (start, number) than those it comes to, of which `last` is the greatest.
fn comes_last(rows: &Rows, slot: u32, last: Option<u32>, at: Millis) -> bool {
    let begun = key_of(rows, slot, start);
    match last {
        // Nobody began later than the decision that let him in, so whoever begins now comes last. Most do, and
        // to look at the others would cost more than all the rest.
        _ if begun.0 == at => true,
        _ if begun.0 > at => false,
        last => last.is_none_or(|last| key_of(rows, last, start) < begun),
    }
}

fn sorted(rows: &Rows, slots: impl Iterator<Item = u32>, order: Order, most: usize) -> Picked {
    let (key, greatest) = key_of_order(order);
    let mut all: SmallVec<[Entry; FEW_MAX]> = slots.map(|slot| entry(rows, slot, key)).collect();
    if greatest {
        all.sort_unstable_by(|a, b| b.cmp(a));
    } else {
        all.sort_unstable();
    }
    all.into_iter().take(most).map(|(_, _, slot)| slot).collect()
}

/// The `most` least by `key`, in order, by looking at all.
fn least(rows: &Rows, slots: impl Iterator<Item = u32>, most: usize, key: Key) -> Picked {
    let mut all: Vec<Entry> = slots.map(|slot| entry(rows, slot, key)).collect();
    if most < all.len() && most > 0 {
        all.select_nth_unstable(most - 1);
    }
    all.truncate(most);
    all.sort_unstable();
    all.into_iter().map(|(_, _, slot)| slot).collect()
}

/// The first `most` of `slots` (which stand in (start, number) order) in `order`: for sets without orders of their own.
pub(crate) fn pick_from(rows: &Rows, slots: &[u32], order: Order, most: usize) -> Picked {
    match order {
        Order::Oldest => slots.iter().copied().take(most).collect(),
        Order::Newest => slots.iter().rev().copied().take(most).collect(),
        Order::LeastIdle => sorted(rows, slots.iter().copied(), order, most),
        Order::NextExpiring | Order::LeastTimeLeft | Order::MostIdle => {
            least(rows, slots.iter().copied(), most, key_of_order(order).0)
        }
    }
}

#[cfg(test)]
mod tests;
