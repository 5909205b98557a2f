//! Between a feed and the screen: the newest events, and how many were dropped before them.
//!
//! Invariant: at most `EVENTS_KEPT` events and `SAID_MAX` other things wait; the oldest go, and are counted.

use crate::source::Fed;
use sledger_wire::events::EventLine;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Events that wait at most.
const EVENTS_KEPT: usize = 256;
/// Other things that wait at most.
const SAID_MAX: usize = 8;

/// A bounded queue of which the oldest go.
#[derive(Debug)]
pub struct Ring {
    waiting: Mutex<Waiting>,
    /// Cleared when the ring goes, so that whoever fills it stops.
    wanted: Arc<AtomicBool>,
}

impl Default for Ring {
    fn default() -> Self {
        Self { waiting: Mutex::default(), wanted: Arc::new(AtomicBool::new(true)) }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.wanted.store(false, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<EventLine>,
    skipped: u64,
    said: VecDeque<Fed>,
}

impl Ring {
    /// Whether anybody still takes from it.
    pub(super) fn wanted(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.wanted)
    }

    /// Adds an event.
    pub fn push(&self, event: EventLine) {
        let mut waiting = self.lock();
        if waiting.events.len() == EVENTS_KEPT {
            waiting.events.pop_front();
            waiting.skipped += 1;
        }
        waiting.events.push_back(event);
    }

    /// Counts events that were passed over.
    pub fn skip(&self, count: u64) {
        let mut waiting = self.lock();
        waiting.skipped = waiting.skipped.saturating_add(count);
    }

    /// Says how the feed fares.
    pub fn say(&self, said: Fed) {
        let mut waiting = self.lock();
        if waiting.said.len() == SAID_MAX {
            waiting.said.pop_front();
        }
        waiting.said.push_back(said);
    }

    /// Takes everything that waits.
    pub fn take(&self) -> Vec<Fed> {
        let mut waiting = self.lock();
        let mut taken = Vec::new();
        if !waiting.events.is_empty() || waiting.skipped > 0 {
            let events = waiting.events.drain(..).collect();
            taken.push(Fed::Events { events, skipped: std::mem::take(&mut waiting.skipped) });
        }
        taken.extend(waiting.said.drain(..));
        taken
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_and_are_counted() {
        let ring = Ring::default();
        assert_eq!(ring.take(), []);
        for seq in 1..=EVENTS_KEPT as u64 + 10 {
            ring.push(EventLine { seq, ..EventLine::default() });
        }
        ring.skip(5);
        let taken = ring.take();
        let Some(Fed::Events { events, skipped }) = taken.first() else { panic!("{taken:?}") };
        assert_eq!((events.len(), events[0].seq, *skipped), (EVENTS_KEPT, 11, 15));
        assert_eq!(ring.take(), []);
    }
}
