//! Decisions that come next: read ahead, and looked at before they are folded.
//!
//! Invariant: at most `LOOKED_MAX` decisions wait to be folded. Whoever looks further reads them again later.

use super::{Decisions, History};
use sledger_core::Seq;
use sledger_core::event::Decision;
use std::collections::VecDeque;
use std::sync::Arc;

/// Decisions that were looked at and wait.
const LOOKED_MAX: usize = 8_192;

/// What comes next.
#[derive(Default)]
pub(super) struct Reading {
    waiting: VecDeque<(Seq, Arc<Decision>)>,
    ahead: Option<Decisions>,
}

impl Reading {
    /// The next decision of a history that was folded up to before `from`.
    pub(super) fn next(
        &mut self,
        history: &mut impl History,
        from: Seq,
    ) -> Result<Option<Arc<Decision>>, String> {
        self.fill(1, history, from)?;
        Ok(self.waiting.front().map(|(_, decision)| Arc::clone(decision)))
    }

    /// The next decision was folded.
    pub(super) fn pass(&mut self) {
        self.waiting.pop_front();
    }

    /// Shows what comes, until `see` has seen enough.
    pub(super) fn look(
        &mut self,
        history: &mut impl History,
        from: Seq,
        see: &mut dyn FnMut(&Decision) -> bool,
    ) -> Result<(), String> {
        for index in 0..LOOKED_MAX {
            self.fill(index + 1, history, from)?;
            let Some((_, decision)) = self.waiting.get(index) else { return Ok(()) };
            if !see(decision) {
                return Ok(());
            }
        }
        // What is seen now is not kept: it is read again from behind what waits.
        for one in self.ahead.take().into_iter().flatten() {
            if !see(&one?.1) {
                break;
            }
        }
        Ok(())
    }

    fn fill(&mut self, count: usize, history: &mut impl History, from: Seq) -> Result<(), String> {
        while self.waiting.len() < count {
            if self.ahead.is_none() {
                let behind = |(first, one): &(Seq, Arc<Decision>)| first.plus(one.events.len() as u64);
                self.ahead = Some(history.read(self.waiting.back().map_or(from, behind))?);
            }
            let Some(next) = self.ahead.as_mut().and_then(Iterator::next).transpose()? else { return Ok(()) };
            self.waiting.push_back(next);
        }
        Ok(())
    }
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}
