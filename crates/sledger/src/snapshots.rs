//! Snapshots while the ledger runs: the decider gives a slice of its state between batches, a thread writes it.
//!
//! INVARIANT(consistent): a snapshot begins when all that was decided is handed to the log, so the log has a block
//! that ends there; it is published once the log holds that block and everything decided while it was taken.
//!
//! The decider never waits for the disk: while the thread is behind there is no slice. Absent on purpose: any effect
//! of a snapshot that fails, but a warning.

#[cfg(test)]
mod tests;
mod thread;

use crate::config::{BoxedLog, Config};
use crate::heads::{Heads, Told};
use crate::timed::Timed;
use crossbeam_channel::{Sender, TrySendError};
use sledger_core::Seq;
use sledger_core::decider::Decider;
use sledger_core::log::Head;
use sledger_core::snapshot::Slice;
use sledger_log::{SnapshotEnd, Snapshots as Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use thread::Job;

/// Events after which a snapshot is written: what is left to fold after a kill then takes about a second.
pub(crate) const EVENTS: u64 = 1_000_000;
/// The last snapshot of a ledger that is closed is written after this part of the events.
const CLOSE_PART: u64 = 10;
/// No snapshot is written at the close of a ledger of more sessions: it would take some seconds.
const CLOSE_SESSIONS_MAX: usize = 2_000_000;
/// How long a close waits for what it decided last.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);
/// Rows of a slice: about 50 µs of the decider's time, little beside a batch.
const SLICE_ROWS: usize = 128;
/// Rows of a slice when nobody waits for anything any more.
const CLOSE_ROWS: usize = 8_192;
/// How soon the decider looks again when it waits for the thread or the log.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What writes snapshots, or does not.
pub(crate) struct Begun {
    pub(crate) log: BoxedLog,
    pub(crate) snapshots: Option<Snapshots>,
    pub(crate) thread: Option<JoinHandle<()>>,
    pub(crate) newest: Arc<AtomicU64>,
}

/// Begins to write snapshots of what `log` gets from `head` on to `store`, if there is one.
pub(crate) fn begin(
    store: Option<Store>,
    (log, head): (BoxedLog, Head),
    recovered: Option<Seq>,
    config: &Config,
) -> std::io::Result<Begun> {
    let newest = Arc::new(AtomicU64::new(recovered.unwrap_or_default().0));
    let Some(store) = store else { return Ok(Begun { log, snapshots: None, thread: None, newest }) };
    let heads = Arc::new(Heads::new(head));
    let (jobs, thread) = thread::start(store, config.reserve_bytes, Arc::clone(&newest))?;
    let log: BoxedLog = Box::new(Told::new(log, &heads));
    let snapshots = Snapshots::new(jobs, heads, Arc::clone(&newest), config.snapshot_events);
    Ok(Begun { log, snapshots: Some(snapshots), thread: Some(thread), newest })
}

/// The decider's side.
pub(crate) struct Snapshots {
    jobs: Sender<Job>,
    heads: Arc<Heads>,
    /// Seq of the newest snapshot there is; 0 without one. Written by the thread.
    newest: Arc<AtomicU64>,
    events: u64,
    /// Seq of the last one begun.
    begun: Seq,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Slicing,
    /// All is given; the log must reach this seq.
    Waiting(Seq),
    /// The thread must be told that nothing comes of it.
    GivingUp,
    /// The thread is gone.
    Off,
}

impl Snapshots {
    fn new(jobs: Sender<Job>, heads: Arc<Heads>, newest: Arc<AtomicU64>, events: u64) -> Self {
        let begun = Seq(newest.load(Ordering::Relaxed));
        Self { jobs, heads, newest, events, begun, phase: Phase::Idle }
    }

    /// One step of work. `all_handed_over`: whether the log was given everything decided so far.
    pub(crate) fn step(&mut self, decider: &mut Decider<Timed>, all_handed_over: bool) {
        // Nobody else sends: where there is room, no send waits.
        if self.jobs.is_full() {
            return;
        }
        match self.phase {
            Phase::Idle if all_handed_over && self.is_due(decider) => self.begin(decider),
            Phase::Slicing => self.slice(decider, SLICE_ROWS),
            Phase::Waiting(through) if self.heads.durable() >= through => self.end(through),
            Phase::GivingUp => self.send(Job::GiveUp, Phase::Idle),
            Phase::Idle | Phase::Waiting(_) | Phase::Off => {}
        }
    }

    /// When there is something to do even if nobody asks for anything.
    pub(crate) fn next_step(&self) -> Option<Instant> {
        match self.phase {
            Phase::Idle | Phase::Off => None,
            Phase::Slicing if !self.jobs.is_full() => Some(Instant::now()),
            Phase::Slicing | Phase::Waiting(_) | Phase::GivingUp => Some(Instant::now() + LOOK_AGAIN),
        }
    }

    /// Whether a ledger that is about to close leaves a snapshot behind.
    pub(crate) fn is_due_at_close(&self, decider: &Decider<Timed>) -> bool {
        let newest = self.newest.load(Ordering::Relaxed);
        let new = decider.state().seq().0.saturating_sub(newest);
        self.phase != Phase::Off
            && new >= (self.events / CLOSE_PART).max(1)
            && decider.state().session_count() <= CLOSE_SESSIONS_MAX
    }

    /// Writes the last snapshot; everything decided was handed over. Waits until it is given to the thread.
    pub(crate) fn close(&mut self, decider: &mut Decider<Timed>) {
        decider.snapshot().give_up();
        self.begin(decider);
        while self.phase == Phase::Slicing {
            self.slice(decider, CLOSE_ROWS);
        }
        if let Phase::Waiting(through) = self.phase
            && self.heads.wait(CLOSE_PATIENCE).is_some()
        {
            self.end(through);
        }
    }

    fn is_due(&self, decider: &Decider<Timed>) -> bool {
        let state = decider.state();
        // No more sessions than events: so writing them takes a small part of the work.
        let cadence = self.events.max(state.session_count() as u64);
        state.seq().0.saturating_sub(self.begun.0) >= cadence
    }

    fn begin(&mut self, decider: &mut Decider<Timed>) {
        let beginning = decider.snapshot().begin();
        self.begun = beginning.seq();
        self.heads.want(self.begun);
        self.send(Job::Begin(Box::new(beginning)), Phase::Slicing);
    }

    fn slice(&mut self, decider: &mut Decider<Timed>, rows_max: usize) {
        let Some(slice) = decider.snapshot().slice(rows_max) else {
            tracing::info!(seq = %self.begun, "a snapshot was given up: the settings or too much else changed");
            return self.send(Job::GiveUp, Phase::Idle);
        };
        let next = if slice.last { Phase::Waiting(decider.state().seq()) } else { Phase::Slicing };
        self.send(Job::Slice(Box::<Slice>::new(slice)), next);
    }

    fn end(&mut self, through: Seq) {
        match self.heads.found() {
            Some(head) => self.send(Job::End(SnapshotEnd { head, through }), Phase::Idle),
            // The log took more at once than was handed over: no block ends where the snapshot was taken.
            None => self.send(Job::GiveUp, Phase::Idle),
        }
    }

    /// Waits only where the caller has not looked for room.
    fn send(&mut self, job: Job, next: Phase) {
        self.phase = match (job, next) {
            (Job::GiveUp, next) => match self.jobs.try_send(Job::GiveUp) {
                Ok(()) => next,
                Err(TrySendError::Full(_)) => Phase::GivingUp,
                Err(TrySendError::Disconnected(_)) => Phase::Off,
            },
            (job, next) => match self.jobs.send(job) {
                Ok(()) => next,
                Err(_) => Phase::Off,
            },
        };
    }
}
