//! Counting what happened when, beside whoever looks at the past.
//!
//! Promise: the thread ends when everything is counted, when what is read fails, or soon after nobody can look at the
//! count any more.

use super::Decisions;
use super::index::Index;
use sledger_core::Seq;
use sledger_core::event::Decision;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

/// Decisions counted at once.
const AT_ONCE: usize = 256;

/// A count that somebody else may still go on with.
#[derive(Debug, Default)]
pub(super) struct Counting(Arc<Mutex<Index>>);

impl Counting {
    /// Counts these decisions by a thread of its own.
    pub(super) fn of(index: Index, decisions: Decisions) -> Self {
        let index = Arc::new(Mutex::new(index));
        let to = Arc::downgrade(&index);
        thread::spawn(move || count(decisions, &to));
        Self(index)
    }

    /// As far as it has come.
    pub(super) fn index(&self) -> MutexGuard<'_, Index> {
        locked(&self.0)
    }
}

fn locked(index: &Mutex<Index>) -> MutexGuard<'_, Index> {
    index.lock().unwrap_or_else(PoisonError::into_inner)
}

fn count(mut decisions: Decisions, to: &Weak<Mutex<Index>>) {
    let mut batch: Vec<(Seq, Arc<Decision>)> = Vec::with_capacity(AT_ONCE);
    loop {
        let mut failed = None;
        for one in decisions.by_ref().take(AT_ONCE) {
            match one {
                Ok(one) => batch.push(one),
                Err(why) => {
                    failed = Some(why);
                    break;
                }
            }
        }
        let is_last = batch.len() < AT_ONCE;
        let Some(index) = to.upgrade() else { return };
        let mut index = locked(&index);
        batch.drain(..).for_each(|(first, decision)| index.add(first, &decision));
        index.failed = failed;
        if is_last {
            return;
        }
    }
}
