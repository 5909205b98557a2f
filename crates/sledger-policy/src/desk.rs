//! What lies before a script while it is asked: the question, and the budget it has left.
//!
//! Values of a script name sessions and sets by number and own nothing of the state. So nothing a script does,
//! a cycle of captured variables included, can keep a handle on the state after the desk is cleared.
//!
//! INVARIANT(charges): what is done with a set is paid before it is done, by what it returns or looks through.

use crate::failure::{Stop, stopped};
use crate::header::UtcOffset;
use rhai::EvalAltResult;
use sledger_core::config::Param;
use sledger_core::policy::{LimitQuestion, Question};
use sledger_core::set::SessionSet;
use sledger_core::state::{Order, Picked, Session};
use sledger_core::{Facts, Limit, Millis};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Notes kept of one evaluation; further ones are dropped.
pub(crate) const NOTES_MAX: usize = 16;
/// Picks in one order before the whole order is worked out once and kept.
const DIRECT_PICKS_MAX: u8 = 8;

/// Result of what scripts call.
pub(crate) type Called<T> = Result<T, Box<EvalAltResult>>;

/// The desk of one engine.
#[derive(Default)]
pub(crate) struct Desk {
    /// Operations used of the budget, those of earlier askings included.
    spent: Cell<u32>,
    scene: RefCell<Option<Scene>>,
}

/// One question laid out.
pub(crate) struct Scene {
    pub(crate) at: Millis,
    pub(crate) login: Arc<Facts>,
    pub(crate) evicted_ago: Option<i64>,
    pub(crate) quota: Arc<str>,
    pub(crate) key: Arc<str>,
    pub(crate) count: Count,
    pub(crate) params: Arc<BTreeMap<String, Param>>,
    pub(crate) offset: UtcOffset,
    pub(crate) notes: Vec<Arc<str>>,
    /// The first two are `sessions` and `all_sessions`; the others are made of these.
    shelves: Vec<Shelf>,
}

/// What is known of the quota's count.
#[derive(Clone, Copy)]
pub(crate) enum Count {
    /// A key is exhausted.
    Exhausted { limit: u32, used: u32, excess: u32 },
    /// Only the limit is asked for.
    Limit(Limit),
}

/// A set of sessions, with what has been worked out about it.
struct Shelf {
    /// The set; made only when somebody picks where the set was itself picked.
    set: Option<SessionSet>,
    /// Where it was picked or narrowed: its slots, in the order in which they were.
    chosen: Option<Rc<[u32]>>,
    count: Option<usize>,
    /// Picks so far, by order, and the orders worked out as a whole.
    picks: [u8; ORDERS],
    wholes: Option<Box<Wholes>>,
}

const ORDERS: usize = 6;

/// Whole orders, where they have been worked out.
type Wholes = [Option<Rc<[u32]>>; ORDERS];

/// The shelf of `sessions`.
pub(crate) const SESSIONS: u32 = 0;
/// The shelf of `all_sessions`.
pub(crate) const ALL_SESSIONS: u32 = 1;

impl Shelf {
    fn of_set(set: SessionSet) -> Self {
        Self { set: Some(set), chosen: None, count: None, picks: [0; ORDERS], wholes: None }
    }

    fn of_slots(slots: Rc<[u32]>) -> Self {
        let count = Some(slots.len());
        Self { set: None, count, chosen: Some(slots), picks: [0; ORDERS], wholes: None }
    }

    fn count(&mut self) -> usize {
        let set = self.set.as_ref();
        *self.count.get_or_insert_with(|| set.map_or(0, SessionSet::count))
    }

    fn pick(&mut self, order: Order, most: usize) -> Picked {
        let Some(set) = &self.set else { return Picked::new() };
        let picks = self.picks.get_mut(order as usize);
        let is_direct = picks.is_none_or(|picks| {
            *picks = picks.saturating_add(1);
            *picks <= DIRECT_PICKS_MAX
        });
        if is_direct {
            return set.pick(order, most);
        }
        self.whole(order).iter().copied().take(most).collect()
    }

    /// The whole of an order, worked out once.
    fn whole(&mut self, order: Order) -> Rc<[u32]> {
        let known = self.wholes.as_ref().and_then(|wholes| wholes.get(order as usize)?.clone());
        known.unwrap_or_else(|| {
            let set = self.set.as_ref();
            let whole: Rc<[u32]> =
                set.map(|set| set.pick(order, usize::MAX)).unwrap_or_default().as_slice().into();
            if let Some(place) = self.wholes.get_or_insert_default().get_mut(order as usize) {
                *place = Some(Rc::clone(&whole));
            }
            whole
        })
    }

    fn slots(&mut self) -> Rc<[u32]> {
        self.chosen.clone().unwrap_or_else(|| self.whole(Order::Oldest))
    }
}

impl Scene {
    /// Lays out a question about an exhausted key.
    pub(crate) fn of(question: Question, params: &Arc<BTreeMap<String, Param>>, offset: UtcOffset) -> Self {
        let count =
            Count::Exhausted { limit: question.limit, used: question.used, excess: question.excess() };
        Self {
            at: question.at,
            login: question.login,
            evicted_ago: question.evicted_ago,
            quota: question.quota,
            key: question.key,
            count,
            params: Arc::clone(params),
            offset,
            notes: Vec::new(),
            shelves: vec![Shelf::of_set(question.sessions), Shelf::of_set(question.all_sessions)],
        }
    }

    /// Lays out a question about the limit.
    pub(crate) fn of_limit(
        question: LimitQuestion,
        params: &Arc<BTreeMap<String, Param>>,
        offset: UtcOffset,
    ) -> Self {
        Self {
            at: question.at,
            login: question.login,
            evicted_ago: question.evicted_ago,
            quota: question.quota,
            key: question.key,
            count: Count::Limit(question.limit),
            params: Arc::clone(params),
            offset,
            notes: Vec::new(),
            shelves: Vec::new(),
        }
    }
}

impl Scene {
    /// A set over the state that all sets are of.
    fn all(&self) -> Option<&SessionSet> {
        self.shelves.first()?.set.as_ref()
    }

    /// Makes the set of a shelf, so that it can be picked from.
    fn make(&mut self, shelf: u32) {
        let Some((first, others)) = self.shelves.split_first_mut() else { return };
        let Some(made) = (shelf as usize).checked_sub(1).and_then(|index| others.get_mut(index)) else {
            return;
        };
        if let (None, Some(all), Some(chosen)) = (&made.set, &first.set, &made.chosen) {
            made.set = Some(all.of(chosen.to_vec()));
        }
    }
}

impl Desk {
    /// Lays out `scene` with `spent` operations used up already.
    pub(crate) fn lay(&self, scene: Scene, spent: u32) {
        self.spent.set(spent);
        self.scene.replace(Some(scene));
    }

    /// Clears the desk; gives what was on it.
    pub(crate) fn clear(&self) -> Option<Scene> {
        self.scene.take()
    }

    /// Operations used, those of earlier askings included.
    pub(crate) fn spent(&self) -> u32 {
        self.spent.get()
    }

    /// Takes one step; false when the budget is used up.
    pub(crate) fn step(&self) -> bool {
        let spent = self.spent.get().saturating_add(1);
        self.spent.set(spent);
        spent <= crate::OPERATIONS_MAX
    }

    /// Charges `operations`.
    pub(crate) fn charge(&self, operations: usize) -> Called<()> {
        let operations = u32::try_from(operations).unwrap_or(u32::MAX);
        let spent = self.spent.get().saturating_add(operations);
        self.spent.set(spent);
        if spent <= crate::OPERATIONS_MAX { Ok(()) } else { stopped(Stop::OverBudget) }
    }

    /// Looks at the question.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Scene) -> T) -> Called<T> {
        match self.scene.borrow_mut().as_mut() {
            Some(scene) => Ok(look(scene)),
            None => Err("nothing is asked".into()),
        }
    }

    fn with_shelf<T>(&self, shelf: u32, look: impl FnOnce(&mut Shelf) -> T) -> Called<T> {
        let found = self.with(|scene| scene.shelves.get_mut(shelf as usize).map(look))?;
        found.ok_or_else(|| "the sessions are not known while a limit is asked for".into())
    }

    /// Looks at one session.
    pub(crate) fn with_session<T>(&self, slot: u32, look: impl FnOnce(&Session, Millis) -> T) -> Called<T> {
        let found = self.with(|scene| {
            let session = scene.all()?.session(slot)?;
            Some(look(session, scene.at))
        })?;
        found.ok_or_else(|| "this session is not live".into())
    }

    /// Something of each of `slots`.
    pub(crate) fn with_sessions<T>(&self, slots: &[u32], look: impl Fn(&Session) -> T) -> Called<Vec<T>> {
        self.with(|scene| {
            let all = scene.all();
            slots.iter().filter_map(|slot| all?.session(*slot).map(&look)).collect()
        })
    }

    /// How many are in a set. Free: the step that asks is charged.
    pub(crate) fn count(&self, shelf: u32) -> Called<usize> {
        self.with_shelf(shelf, Shelf::count)
    }

    /// Ids of the first `most` of a set, and how many it holds: for watching, so nothing is charged or kept.
    pub(crate) fn peek(&self, shelf: u32, most: usize) -> Option<(Vec<String>, usize)> {
        let scene = self.scene.borrow();
        let (scene, all) = scene.as_ref().and_then(|scene| Some((scene, scene.all()?)))?;
        let shelf = scene.shelves.get(shelf as usize)?;
        let id = |slot: &u32| all.session(*slot).map(|session| session.facts.session().to_owned());
        match (&shelf.chosen, &shelf.set) {
            (Some(chosen), _) => Some((chosen.iter().take(most).filter_map(id).collect(), chosen.len())),
            (None, Some(set)) => {
                let first = set.pick(Order::Oldest, most);
                Some((first.iter().filter_map(id).collect(), set.count()))
            }
            (None, None) => None,
        }
    }

    /// The first `most` of a set in `order`: charged 1 and what is returned.
    pub(crate) fn pick(&self, shelf: u32, order: Order, most: usize) -> Called<Picked> {
        self.charge(most.min(self.count(shelf)?).saturating_add(1))?;
        self.with(|scene| {
            scene.make(shelf);
            scene.shelves.get_mut(shelf as usize).map(|shelf| shelf.pick(order, most)).unwrap_or_default()
        })
    }

    /// All of a set, picked ones in the order of the pick: charged by element.
    pub(crate) fn slots(&self, shelf: u32) -> Called<Rc<[u32]>> {
        self.charge(self.count(shelf)?.saturating_add(1))?;
        self.with_shelf(shelf, Shelf::slots)
    }

    /// Those of a set that `keep` keeps, as a set in the same order: charged by element.
    pub(crate) fn narrow(&self, shelf: u32, keep: impl Fn(&Session, Millis) -> bool) -> Called<u32> {
        let slots = self.slots(shelf)?;
        let kept = self.with(|scene| {
            let (all, at) = (scene.all(), scene.at);
            let keeps = |slot: &u32| all?.session(*slot).map(|session| keep(session, at));
            slots.iter().copied().filter(|slot| keeps(slot).unwrap_or_default()).collect()
        })?;
        self.put(kept)
    }

    /// `slots` as a set that stays in their order. Charged by the caller.
    pub(crate) fn put(&self, slots: Rc<[u32]>) -> Called<u32> {
        self.with(|scene| {
            let shelf = u32::try_from(scene.shelves.len()).unwrap_or(u32::MAX);
            scene.shelves.push(Shelf::of_slots(slots));
            shelf
        })
    }
}
