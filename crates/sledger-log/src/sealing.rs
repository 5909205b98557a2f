//! Sealing in the background: one thread, one volume at a time.
//!
//! Begun after a rotation and at opening. What cannot be sealed stays a sled
//! folder, is told of, and is tried again the next time; nothing of this ever
//! poisons the log. The thread shares the directory's lock, so that nobody opens
//! the ledger while a volume is still being sealed.

mod job;

use crate::dir::Meta;
use crate::files;
use crate::lock::DirLock;
use crate::probe::Probes;
use crate::reader::Reader;
use job::{Job, SealError};
use sledger_core::Seq;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Volumes told of that nobody has taken; the oldest are forgotten beyond it.
const TOLD_MAX: usize = 4096;

/// A volume that was sealed just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedVolume {
    /// Its number.
    pub volume: u32,
    /// First seq in it.
    pub first: Seq,
    /// Last seq in it; one less than the first when it is empty.
    pub last: Seq,
    /// Hash of the last block up to its end.
    pub head: [u8; 32],
    /// Length of its file.
    pub bytes: u64,
}

/// How sealing goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealStatus {
    /// Whether a volume is being sealed, or looked for.
    pub running: bool,
    /// Volumes sealed since the log was opened.
    pub sealed: u64,
    /// Why the last try left a volume as it was; `None` once all went well.
    pub last_error: Option<String>,
}

/// Sealing, seen from outside the log: may be held by others than the log's owner.
#[derive(Clone, Debug, Default)]
pub struct Sealing(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    status: SealStatus,
    /// Somebody asked while it was running: look once more.
    again: bool,
    /// The log is closed or poisoned: begin nothing, and leave what was begun.
    stop: bool,
    /// The active volume is to end with the next append.
    asked: bool,
    told: VecDeque<SealedVolume>,
}

/// What the thread works on.
pub(crate) struct Work {
    pub(crate) dir: PathBuf,
    pub(crate) meta: Meta,
    pub(crate) probes: Probes,
    pub(crate) free_bytes_min: u64,
    #[expect(dead_code, reason = "held until the work ends, never looked at")]
    pub(crate) lock: Arc<DirLock>,
}

impl Sealing {
    /// How it goes.
    #[must_use]
    pub fn status(&self) -> SealStatus {
        self.state().status.clone()
    }

    /// The volumes sealed since this was asked last, in order.
    #[must_use]
    pub fn take_sealed(&self) -> Vec<SealedVolume> {
        self.state().told.drain(..).collect()
    }

    /// Has the active volume end before the next append, and be sealed then.
    pub fn ask(&self) {
        let mut state = self.state();
        state.asked = !state.stop;
    }

    /// Whether the active volume is to end before the next append.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.state().asked
    }

    /// As [`Sealing::wait`], and before that until what was asked for has begun.
    #[must_use]
    pub fn wait_asked(&self, at_most: Duration) -> SealStatus {
        let is_waiting = |state: &mut State| state.asked || state.status.running;
        let waited = self.0.changed.wait_timeout_while(self.state(), at_most, is_waiting);
        waited.unwrap_or_else(PoisonError::into_inner).0.status.clone()
    }

    /// Waits until nothing is being sealed, at most so long. How it goes then.
    #[must_use]
    pub fn wait(&self, at_most: Duration) -> SealStatus {
        let state = self.state();
        let waited = self.0.changed.wait_timeout_while(state, at_most, |state| state.status.running);
        waited.unwrap_or_else(PoisonError::into_inner).0.status.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was asked for has begun.
    pub(crate) fn answered(&self) {
        self.state().asked = false;
        self.0.changed.notify_all();
    }

    /// Begins nothing more, and leaves what was begun at the next block.
    pub(crate) fn stop(&self) {
        let mut state = self.state();
        (state.stop, state.asked) = (true, false);
        drop(state);
        self.0.changed.notify_all();
    }

    fn is_stopped(&self) -> bool {
        self.state().stop
    }

    /// Looks for volumes to seal, in a thread of its own unless one is at it.
    pub(crate) fn begin(&self, work: Work) {
        {
            let mut state = self.state();
            state.again = true;
            if state.stop || state.status.running {
                return;
            }
            state.status.running = true;
        }
        let (sealing, panics) = (self.clone(), Panics(self.clone()));
        let spawned = std::thread::Builder::new().name("sledger-seal".to_owned()).spawn(move || {
            files::stand_back();
            let _panics = panics;
            sealing.run(work);
        });
        if let Err(error) = spawned {
            self.ended(Some(format!("cannot begin to seal: {error}")));
        }
    }

    /// Works until nobody has asked once more. The directory's lock is let go before anybody hears of the end.
    fn run(&self, work: Work) {
        let mut work = Some(work);
        self.state().again = false;
        while let Some(now) = &work {
            let worked = self.pass(now);
            let mut state = self.state();
            // A pass that finds nothing to do says nothing about the one before.
            match worked {
                Ok(true) => state.status.last_error = None,
                Ok(false) => {}
                Err(error) => state.status.last_error = Some(error),
            }
            if !std::mem::take(&mut state.again) || state.stop {
                work = None;
                state.status.running = false;
            }
        }
        self.0.changed.notify_all();
    }

    fn ended(&self, error: Option<String>) {
        let mut state = self.state();
        state.status.running = false;
        state.status.last_error = error;
        drop(state);
        self.0.changed.notify_all();
    }

    /// Seals every volume that has ended. Whether there was any; else why one of them was left.
    fn pass(&self, work: &Work) -> Result<bool, String> {
        let reader = match Reader::open(&work.dir) {
            Ok(reader) => reader,
            Err(error) => return Err(error.to_string()),
        };
        let (mut last_error, mut has_work) = (None, false);
        for (index, entry) in reader.entries.iter().enumerate() {
            if entry.sealed.is_some() || entry.end.is_none() {
                continue;
            }
            has_work = true;
            let job = Job { work, stop: &|| self.is_stopped() };
            match job.seal(entry, reader.head_before(index)) {
                Ok(sealed) => self.tell(sealed),
                Err(SealError::Stopped) => break,
                Err(error) => {
                    tracing::warn!(volume = entry.no, %error, "a volume was not sealed and stays as it is");
                    last_error = Some(format!("volume `{}` was not sealed: {error}", entry.no));
                }
            }
        }
        last_error.map_or(Ok(has_work), Err)
    }

    fn tell(&self, sealed: SealedVolume) {
        let mut state = self.state();
        state.status.sealed += 1;
        if state.told.len() >= TOLD_MAX {
            state.told.pop_front();
        }
        state.told.push_back(sealed);
    }
}

/// Says that the thread has ended when it panicked.
struct Panics(Sealing);

impl Drop for Panics {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.ended(Some("sealing panicked".to_owned()));
        }
    }
}
