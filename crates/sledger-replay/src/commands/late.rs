//! Touches that were recorded later than they were made.
//!
//! Activity is recorded once per `activity_resolution`, and just before a deadline would end the session. A touch
//! that is recorded only then belongs before decisions that stand before it, so the past is read twice: first for
//! these.

use sledger_core::command::Actor;
use sledger_core::event::{Decision, Event, Op};
use sledger_core::{Millis, Seq};
use std::collections::VecDeque;

/// Touches that are kept: 16 bytes each.
const TOUCHES_MAX: usize = 1 << 20;

/// Touches by time.
#[derive(Clone, Debug, Default)]
pub struct LateTouches {
    made: VecDeque<(Millis, Seq)>,
    dropped: u64,
}

impl LateTouches {
    /// Looks at a decision, on the first way through.
    pub fn see(&mut self, decision: &Decision) {
        if !is_late(decision) {
            return;
        }
        for event in &decision.events {
            match event {
                Event::Touched { .. } if self.made.len() >= TOUCHES_MAX => self.dropped += 1,
                Event::Touched { session, last_active } => self.made.push_back((*last_active, *session)),
                _ => {}
            }
        }
    }

    /// Puts them in order: after the first way through.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.made.make_contiguous().sort_unstable();
        self
    }

    /// How many there was no room for.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The next one made before `before`.
    pub(super) fn next_before(&mut self, before: Millis) -> Option<(Millis, Seq)> {
        self.made.front().filter(|(at, _)| *at < before)?;
        self.made.pop_front()
    }
}

/// Whether a touch was recorded by time itself.
pub(super) fn is_late(decision: &Decision) -> bool {
    matches!(decision.op, Op::Touch { .. }) && decision.actor == Actor::Timer
}
