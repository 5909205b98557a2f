//! What the threads of a ledger share: whether it is poisoned, where it stands, what is in flight.

use crate::ticket::Ticket;
use crate::write_loop::Work;
use crossbeam_channel::Receiver;
use sledger_core::Seq;
use sledger_core::answer::Answer;
use sledger_core::command::Request;
use sledger_core::log::Head;
use sledger_ingest::{Failure, Ingest, Refused, Reply, Wakes};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// An answer on its way out, and when its request came in.
pub(crate) struct Answered {
    pub(crate) reply: Reply,
    pub(crate) answer: Box<Answer>,
    pub(crate) received: Instant,
    pub(crate) decide_ns: u64,
    pub(crate) is_login: bool,
}

impl Answered {
    /// Sends answers out, and wakes each caller once.
    pub(crate) fn send(answers: Vec<Self>) {
        let mut wakes = Wakes::default();
        for Self { reply, answer, .. } in answers {
            reply.fill(Ok(answer), &mut wakes);
        }
        wakes.wake_all();
    }
}

type OnPoison = Box<dyn FnOnce(&str) + Send>;

/// Shared by the handle, the decider, the writer and the watchdog.
pub(crate) struct Shared {
    pub(crate) ingest: Ingest,
    poison: OnceLock<Arc<str>>,
    on_poison: Mutex<Vec<OnPoison>>,
    /// Answers that wait for the barrier now running. Only the writer and, when that hangs, the watchdog look here.
    in_flight: Mutex<Vec<Answered>>,
    /// The writer's queue, emptied here once a writer hangs and does not empty it.
    waiting: Receiver<Work>,
    /// Milliseconds since `born` at which the barrier now running began, plus one; 0 while none runs.
    barrier_since: AtomicU64,
    born: Instant,
    /// Written by the writer before answers leave, read by queries.
    durable: AtomicU64,
    /// The durable head with its hash. Written by the writer after each batch, read when a checkpoint is made.
    durable_head: Mutex<Head>,
    pub(crate) disk_full: AtomicBool,
    /// Free bytes on the disk as the watchdog saw them last; all ones where nobody looks.
    pub(crate) disk_free: AtomicU64,
}

impl Shared {
    pub(crate) fn new(ingest: Ingest, head: Head, waiting: Receiver<Work>) -> Self {
        Self {
            ingest,
            poison: OnceLock::new(),
            on_poison: Mutex::new(Vec::new()),
            in_flight: Mutex::new(Vec::new()),
            waiting,
            barrier_since: AtomicU64::new(0),
            born: Instant::now(),
            durable: AtomicU64::new(head.seq.0),
            durable_head: Mutex::new(head),
            disk_full: AtomicBool::new(false),
            disk_free: AtomicU64::new(u64::MAX),
        }
    }

    /// Why the ledger is poisoned, if it is.
    pub(crate) fn poisoned(&self) -> Option<&Arc<str>> {
        self.poison.get()
    }

    /// Nothing is admitted any more; all that wait for the barrier are told that their outcome is unknown.
    pub(crate) fn poison(&self, reason: &str) {
        let reason: Arc<str> = Arc::from(reason);
        if self.poison.set(Arc::clone(&reason)).is_err() {
            return;
        }
        tracing::error!(%reason, "the ledger is poisoned");
        self.ingest.stop(Failure::Poisoned(Arc::clone(&reason)));
        self.fail_in_flight(&reason);
        self.fail_waiting(&reason);
        let told: Vec<OnPoison> = lock(&self.on_poison).drain(..).collect();
        for tell in told {
            tell(&reason);
        }
    }

    /// Whether nothing new is taken any more.
    pub(crate) fn is_closing(&self) -> bool {
        self.ingest.stopped().is_some()
    }

    /// Asks the ledger, for the ledger's own keeping, and waits for the durable answer.
    pub(crate) fn ask(&self, request: Request, patience: Duration) -> Result<Box<Answer>, Failure> {
        let mut caller = self.ingest.caller(1);
        match caller.submit(request) {
            Ok(_) => Ticket::new(caller).wait_for(patience),
            Err(Refused::Ledger(failure)) => Err(failure),
            // A fresh caller has nothing in flight.
            Err(Refused::RingFull { .. }) => Err(Failure::Busy),
        }
    }

    /// Calls `tell` when the ledger is poisoned; at once if it is already.
    pub(crate) fn on_poison(&self, tell: OnPoison) {
        lock(&self.on_poison).push(tell);
        if let Some(reason) = self.poison.get() {
            let told: Vec<OnPoison> = lock(&self.on_poison).drain(..).collect();
            for tell in told {
                tell(reason);
            }
        }
    }

    pub(crate) fn fail_in_flight(&self, reason: &Arc<str>) {
        fail(self.take_in_flight(), reason);
    }

    /// Tells those behind the batch that is written. Whoever hands work over looks for poison afterwards and calls
    /// this too: work is either seen by the poisoner or by him.
    pub(crate) fn fail_waiting(&self, reason: &Arc<str>) {
        while let Ok(work) = self.waiting.try_recv() {
            fail(work.answers, reason);
        }
    }

    pub(crate) fn put_in_flight(&self, answers: Vec<Answered>) {
        *lock(&self.in_flight) = answers;
    }

    pub(crate) fn take_in_flight(&self) -> Vec<Answered> {
        std::mem::take(&mut *lock(&self.in_flight))
    }

    pub(crate) fn barrier_begins(&self) {
        let since = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1;
        // Relaxed: the watchdog only needs a time that is about right.
        self.barrier_since.store(since, Ordering::Relaxed);
    }

    pub(crate) fn barrier_ends(&self) {
        self.barrier_since.store(0, Ordering::Relaxed);
    }

    /// How long the barrier now running has run, in milliseconds.
    pub(crate) fn barrier_ms(&self) -> u64 {
        match self.barrier_since.load(Ordering::Relaxed) {
            0 => 0,
            since => u64::try_from(self.born.elapsed().as_millis()).unwrap_or(0).saturating_sub(since - 1),
        }
    }

    pub(crate) fn set_durable(&self, head: Head) {
        *lock(&self.durable_head) = head;
        // Release: whoever reads this head finds everything up to it handed to the projector.
        self.durable.store(head.seq.0, Ordering::Release);
    }

    /// Where the last durable block ends.
    pub(crate) fn durable_head(&self) -> Head {
        *lock(&self.durable_head)
    }

    pub(crate) fn durable(&self) -> Seq {
        Seq(self.durable.load(Ordering::Acquire))
    }
}

fn fail(answers: Vec<Answered>, reason: &Arc<str>) {
    let mut wakes = Wakes::default();
    for answered in answers {
        answered.reply.fill(Err(Failure::OutcomeUnknown(Arc::clone(reason))), &mut wakes);
    }
    wakes.wake_all();
}

/// A lock whose holder panicked guards plain data all the same.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
