//! A place in the past: the state after a decision, and the little that is told of what led to it.

use super::minute::Minute;
use sledger_core::decider::Recorded;
use sledger_core::event::Decision;
use sledger_core::{Millis, Seq, State, refold};
use sledger_projector::{Told as ToldEvent, tell};
use sledger_replay::at::When;
use std::collections::VecDeque;
use std::sync::Arc;

/// Events told before a moment, and decisions of which it is known where they began.
pub(super) const EVENTS_MAX: usize = 200;
/// Rates look back on this long.
pub(super) const MINUTE_MS: u64 = 60_000;

/// A place. A clone shares the state until either goes on.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) state: State,
    /// The first events of the last decisions, oldest first.
    pub(super) firsts: VecDeque<Seq>,
    pub(super) minute: Minute,
    /// What happened last, oldest first.
    pub(super) recent: VecDeque<ToldEvent>,
    /// Where folding began: nothing from before is known beside the state. None where that is the beginning.
    from: Option<(Seq, Millis)>,
}

impl Place {
    /// Before the first decision.
    pub(super) fn beginning(state: State) -> Self {
        Self {
            state,
            firsts: VecDeque::new(),
            minute: Minute::default(),
            recent: VecDeque::new(),
            from: None,
        }
    }

    /// Somewhere in between, where a state was kept.
    pub(super) fn between(state: State) -> Self {
        let from = Some((state.seq(), state.at()));
        Self { from, ..Self::beginning(state) }
    }

    /// Whether folding on from here comes by the moment.
    pub(super) fn is_before(&self, when: When) -> bool {
        match when {
            When::After(seq) => self.state.seq() <= seq,
            When::At(at) => self.state.at() <= at,
        }
    }

    /// Whether everything that is told of a moment is known there, folded on from here.
    pub(super) fn is_whole(&self, seq: Seq, at: Millis) -> bool {
        self.from.is_none_or(|(from, since)| {
            from.plus(EVENTS_MAX as u64) <= seq && since.0.saturating_add(MINUTE_MS) <= at.0
        })
    }

    /// Goes on by a decision.
    pub(super) fn fold(&mut self, decision: &Arc<Decision>) {
        let first = self.state.seq().next();
        let effects = refold(&mut self.state, first, decision);
        let recorded = Recorded { first, decision: Arc::clone(decision), effects };
        self.recent.extend(tell(&self.state, &recorded));
        let over = self.recent.len().saturating_sub(EVENTS_MAX);
        self.recent.drain(..over);
        if self.firsts.len() == EVENTS_MAX {
            self.firsts.pop_front();
        }
        self.firsts.push_back(first);
        self.minute.add(self.state.at(), decision);
    }
}
