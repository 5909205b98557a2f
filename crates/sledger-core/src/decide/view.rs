//! The scratch view of a login: the state without those who are leaving for it.

use crate::event::{Cause, Event};
use crate::set::{Gone, SessionSet, Whose};
use crate::{Millis, Seq, State};

/// A session that leaves if the login is admitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving {
    pub(super) number: Seq,
    pub(super) cause: Cause,
    /// Index into `judged`, for the victims of a policy.
    pub(super) judged: Option<u16>,
}

/// The state as the rest of the login sees it.
#[derive(Clone, Debug)]
pub(super) struct View<'a> {
    pub(super) state: &'a State,
    pub(super) leaving: Vec<Leaving>,
    slots: Gone,
}

impl<'a> View<'a> {
    pub(super) fn new(state: &'a State) -> Self {
        Self { state, leaving: Vec::new(), slots: Gone::default() }
    }

    /// Takes a live session out of the view; false when it is not in it.
    pub(super) fn remove(&mut self, number: Seq, cause: Cause, judged: Option<u16>) -> bool {
        let Some(slot) = self.state.tables().find_number(number) else { return false };
        let fresh = self.slots.insert(slot);
        if fresh {
            self.leaving.push(Leaving { number, cause, judged });
        }
        fresh
    }

    pub(super) fn has_left(&self, number: Seq) -> bool {
        self.leaving.iter().any(|leaving| leaving.number == number)
    }

    /// Live sessions under a key.
    pub(super) fn used(&self, key: Option<u32>) -> u32 {
        let Some(key) = key else { return 0 };
        let all = self.state.key_members(key).map_or(0, crate::state::Members::len);
        let leaving = self.slots.iter().filter(|slot| self.is_under(*slot, key)).count();
        u32::try_from(all.saturating_sub(leaving)).unwrap_or(u32::MAX)
    }

    fn is_under(&self, slot: u32, key: u32) -> bool {
        self.state.slot(slot).is_some_and(|session| session.has_key(key))
    }

    /// The sessions under a key.
    pub(super) fn under(&self, key: Option<u32>, whose: Whose) -> SessionSet {
        SessionSet::of_key(self.state, key, whose, &self.slots)
    }

    /// All sessions of a user.
    pub(super) fn of_user(&self, user: Option<u32>) -> SessionSet {
        SessionSet::of_user(self.state, user, &self.slots)
    }

    /// The ends, in the order in which they are recorded: cleared, taken over, replaced, then victims.
    pub(super) fn events(&self, at: Millis, events: &mut Vec<Event>) {
        if self.leaving.is_empty() {
            return;
        }
        let rank = |cause: Cause| match cause {
            Cause::TakenOver => 1,
            Cause::Replaced => 2,
            Cause::Evicted => 3,
            _ => 0,
        };
        let mut order = self.leaving.clone();
        // Stable: those of one rank stay as they came, the cleared in (start, number), victims as they were chosen.
        order.sort_by_key(|leaving| rank(leaving.cause));
        events.extend(order.into_iter().map(|Leaving { number, cause, judged }| Event::Ended {
            session: number,
            cause,
            ended_at: at,
            judged,
        }));
    }
}
