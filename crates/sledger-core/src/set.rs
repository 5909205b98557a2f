//! A set of live sessions as a policy sees it: a handle over the state's own orders, never a copy of them.

use crate::State;
use crate::state::{Members, Order, Picked, Session};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Live sessions of one user or one quota key, without those already leaving; or some of them.
///
/// A session in it is named by its slot, good as long as the handle is.
#[derive(Clone, Debug)]
pub struct SessionSet {
    state: State,
    base: Base,
    leaving: Gone,
}

/// Slots of sessions that are leaving: mostly none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gone(Option<Arc<BTreeSet<u32>>>);

impl Gone {
    /// Adds one; false when it is in already.
    pub(crate) fn insert(&mut self, slot: u32) -> bool {
        Arc::make_mut(self.0.get_or_insert_default()).insert(slot)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().flat_map(|slots| slots.iter().copied())
    }

    fn contains(&self, slot: u32) -> bool {
        self.0.as_ref().is_some_and(|slots| slots.contains(&slot))
    }
}

#[derive(Clone, Debug)]
enum Base {
    /// All of a user.
    User(u32),
    /// All under a quota key.
    Key(u32),
    /// Those of a user that are under a quota key.
    UserUnderKey(u32, u32),
    /// Just these, in (start, number) order.
    These(Arc<[u32]>),
}

/// Whose sessions under a key are meant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose {
    /// Of every user.
    Everybodys,
    /// Of the user in this slot.
    Of(u32),
    /// Of a user who has none.
    Nobodys,
}

impl SessionSet {
    pub(crate) fn of_user(state: &State, user: Option<u32>, leaving: &Gone) -> Self {
        let base = user.map_or_else(|| Base::These(Arc::from([])), Base::User);
        Self { state: state.clone(), base, leaving: leaving.clone() }
    }

    pub(crate) fn of_key(state: &State, key: Option<u32>, whose: Whose, leaving: &Gone) -> Self {
        let base = match (key, whose) {
            (None, _) | (_, Whose::Nobodys) => Base::These(Arc::from([])),
            (Some(key), Whose::Everybodys) => Base::Key(key),
            (Some(key), Whose::Of(user)) => Base::UserUnderKey(user, key),
        };
        Self { state: state.clone(), base, leaving: leaving.clone() }
    }

    /// Just `slots`, out of this set; they are put in (start, number) order.
    #[must_use]
    pub fn of(&self, mut slots: Vec<u32>) -> Self {
        slots.sort_by_key(|&slot| self.session(slot).map(|s| (s.facts.started, s.number)));
        slots.dedup();
        Self { base: Base::These(Arc::from(slots)), ..self.clone() }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        match &self.base {
            Base::These(slots) => slots.len(),
            Base::User(user) => self
                .without_leaving(self.state.user_members(*user).map_or(0, Members::len), |s| s.user == *user),
            Base::Key(key) => self
                .without_leaving(self.state.key_members(*key).map_or(0, Members::len), |s| s.has_key(*key)),
            Base::UserUnderKey(..) => self.slots().len(),
        }
    }

    fn without_leaving(&self, all: usize, is_in: impl Fn(&Session) -> bool) -> usize {
        let leaving = self.leaving.iter().filter(|slot| self.state.slot(*slot).is_some_and(&is_in)).count();
        all.saturating_sub(leaving)
    }

    /// All of them, in (start, number) order.
    #[must_use]
    pub fn slots(&self) -> Vec<u32> {
        match &self.base {
            Base::These(slots) => slots.to_vec(),
            _ => self.pick(Order::Oldest, usize::MAX).into_vec(),
        }
    }

    /// The first `most` in `order`.
    #[must_use]
    pub fn pick(&self, order: Order, most: usize) -> Picked {
        let rows = self.state.rows();
        let stays = |slot: u32| !self.leaving.contains(slot);
        match &self.base {
            Base::These(slots) => crate::state::pick_from(rows, slots, order, most),
            Base::User(user) => {
                self.state.user_members(*user).map_or_else(Picked::new, |m| m.pick(rows, order, most, &stays))
            }
            Base::Key(key) => {
                self.state.key_members(*key).map_or_else(Picked::new, |m| m.pick(rows, order, most, &stays))
            }
            Base::UserUnderKey(user, key) => {
                let keep = |slot: u32| {
                    stays(slot) && self.state.slot(slot).is_some_and(|session| session.has_key(*key))
                };
                self.state.user_members(*user).map_or_else(Picked::new, |m| m.pick(rows, order, most, &keep))
            }
        }
    }

    /// Those that `keep` keeps, in (start, number) order.
    #[must_use]
    pub fn narrow(&self, keep: impl Fn(&Session) -> bool) -> Self {
        let mut slots = self.slots();
        slots.retain(|&slot| self.session(slot).is_some_and(&keep));
        Self { base: Base::These(Arc::from(slots)), ..self.clone() }
    }

    /// One session; `None` for a slot that is not in the state.
    #[must_use]
    pub fn session(&self, slot: u32) -> Option<&Session> {
        self.state.slot(slot)
    }
}
