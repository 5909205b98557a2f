//! Reading ahead of a fold: what decisions are about to need is looked at before the first of them is folded.
//!
//! A fold waits for memory most of all, and each thing that it needs leads to the next: a number to a slot, the slot
//! to a session, that to its facts, its user and its keys. So a stretch of decisions is looked at in steps, each of
//! them a short loop over the whole stretch: what one turn of it reads does not hang on the turn before, and the
//! waits overlap.
//!
//! Invariant: nothing changes. What is looked at may be gone, or somebody else's, when its decision is folded; then
//! the fold waits, and that is all.

use super::State;
use super::tables::Tables;
use crate::Seq;
use crate::event::{Decision, Event, Op};
use smallvec::SmallVec;
use std::hint::black_box;

/// Decisions best looked at together: enough that waits overlap, and few enough that all of it is still at hand
/// when the last is folded.
pub const AHEAD_DECISIONS: usize = 64;
/// Fewer have no waits that could overlap.
const AHEAD_MIN: usize = 4;
/// Things of one kind looked at: a decision can end thousands of sessions.
const AHEAD_MAX: usize = 256;

type Hashes = SmallVec<[u32; AHEAD_DECISIONS]>;
type Slots = SmallVec<[u32; AHEAD_DECISIONS * 2]>;

/// What a stretch of decisions leads to.
#[derive(Default)]
pub(super) struct Coming {
    /// Hashes of session ids that come or go.
    pub(super) ids: Hashes,
    /// Hashes of users that come.
    pub(super) user_names: Hashes,
    /// Hashes of keys that have texts of their own.
    pub(super) key_texts: Hashes,
    /// Slots of sessions that change or end.
    pub(super) sessions: Slots,
    /// Those of them that end.
    pub(super) ending: Slots,
    pub(super) users: Slots,
    pub(super) keys: Slots,
}

impl State {
    /// Brings what these decisions will need to hand before they are folded one by one, at best
    /// [`AHEAD_DECISIONS`]. Changes nothing.
    pub fn look_ahead(&self, decisions: &[Decision]) {
        if decisions.len() < AHEAD_MIN {
            return;
        }
        decisions.iter().for_each(touch);
        let (tables, mut coming) = (self.tables(), Coming::default());
        for decision in decisions {
            coming.note(tables, decision);
        }
        tables.warm_all(&mut coming);
    }
}

/// The decision itself was made by another thread.
fn touch(decision: &Decision) {
    black_box(decision.events.first().map(std::mem::discriminant));
    if let Op::Login(login) = &decision.op {
        black_box(login.facts.plain().map(|facts| facts.started));
    }
}

impl Coming {
    fn note(&mut self, tables: &Tables, decision: &Decision) {
        for event in decision.events.iter().take(AHEAD_MAX) {
            match event {
                Event::Admitted { .. } => self.login(tables, decision),
                Event::Touched { session, .. }
                | Event::Resumed { session, .. }
                | Event::Disconnected { session } => self.session(tables, *session, false),
                Event::Ended { session, .. } => self.session(tables, *session, true),
                _ => {}
            }
        }
    }

    fn login(&mut self, tables: &Tables, decision: &Decision) {
        let Op::Login(login) = &decision.op else { return };
        let Some(facts) = login.facts.plain() else { return };
        self.ids.push(tables.hasher.of(facts.session()));
        self.user_names.push(tables.hasher.of(facts.user()));
        for (quota, index) in tables.ready.quotas.iter().zip(0u16..) {
            if !quota.is_own() {
                quota.each_single(facts, |text| self.key_texts.push(tables.hasher.of((index, text))));
            }
        }
    }

    fn session(&mut self, tables: &Tables, number: Seq, ends: bool) {
        if self.sessions.len() < AHEAD_MAX
            && let Some(slot) = tables.find_number(number)
        {
            self.sessions.push(slot);
            if ends {
                self.ending.push(slot);
            }
        }
    }
}
