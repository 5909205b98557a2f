//! The decider's thread: drains what waits, decides each on the state, hands whole decisions to the writer.
//!
//! While the writer syncs one batch this fills the next: group commit without a timer.

use crate::config::Config;
use crate::meters::Meters;
use crate::relaxed::{Behind, Durability};
use crate::sealed::Sealed;
use crate::shared::{Answered, Shared};
use crate::snapshots::Snapshots;
use crate::timed::Timed;
use crate::write_loop::Work;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use sledger_core::Millis;
use sledger_core::clock::{Clock, LedgerClock};
use sledger_core::command::{Actor, Command};
use sledger_core::decide::own_decision;
use sledger_core::decider::Decider;
use sledger_core::event::{Event, Op};
use sledger_ingest::{Failure, Intake, Submission, Wakes};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Commands decided before the writer is looked after again.
const DRAIN_MAX: usize = 256;
/// Of so many commands taken together, what they need is looked up before the first is decided.
const LOOK_AHEAD_MIN: usize = 8;
/// Answers that may wait for one barrier.
const BATCH_MAX: usize = 8_192;
/// Longest sleep: the wall clock is compared each second.
const SLEEP_MAX: Duration = Duration::from_secs(1);

pub(crate) struct DecideLoop {
    pub(crate) decider: Decider<Timed>,
    pub(crate) intake: Intake,
    pub(crate) control: Receiver<()>,
    pub(crate) writer: Sender<Work>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) ledger_clock: LedgerClock,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pending: Work,
    pub(crate) meters: Arc<Meters>,
    /// What the disk is behind by; `None` where every answer waits for it.
    pub(crate) behind: Option<Behind>,
    /// `None` where no snapshots are written.
    pub(crate) snapshots: Option<Snapshots>,
    /// `None` where there are no volumes.
    pub(crate) sealed: Option<Sealed>,
    /// Taken and not yet decided; empty between rounds.
    taken: Vec<Submission>,
}

impl DecideLoop {
    pub(crate) fn new(
        (decider, ledger_clock): (Decider<Timed>, LedgerClock),
        (intake, control): (Intake, Receiver<()>),
        writer: Sender<Work>,
        (shared, meters): (Arc<Shared>, Arc<Meters>),
        config: &Config,
    ) -> Self {
        let clock = Arc::clone(&config.clock);
        let behind = (config.durability == Durability::Relaxed).then(Behind::default);
        Self {
            decider,
            intake,
            control,
            writer,
            shared,
            ledger_clock,
            clock,
            pending: Work::default(),
            taken: Vec::new(),
            meters,
            behind,
            snapshots: None,
            sealed: None,
        }
    }

    /// Runs until the ledger is closed or poisoned.
    pub(crate) fn run(mut self) {
        loop {
            let next = self.intake.wait(&self.control, self.sleep_until());
            if self.shared.poisoned().is_some() {
                return self.refuse_all();
            }
            let at = self.now();
            self.note_sealed(at);
            self.decider.set_disk_full(self.shared.disk_full.load(Ordering::Relaxed));
            match next {
                Some(first) => self.decide_some(first, at),
                None if self.intake.stopped().is_some() => return self.close(),
                None => self.drain(at),
            }
            if !self.hand_over() {
                return self.refuse_all();
            }
            self.step_snapshot();
        }
    }

    fn sleep_until(&self) -> Instant {
        let due = self
            .decider
            .next_due()
            .map_or(SLEEP_MAX, |due| Duration::from_millis(self.ledger_clock.wait_for(due)).min(SLEEP_MAX));
        let due = Instant::now() + due;
        self.snapshots.as_ref().and_then(Snapshots::next_step).map_or(due, |step| step.min(due))
    }

    /// Goes on with the snapshot that is being taken, or begins one if it is time.
    fn step_snapshot(&mut self) {
        if let Some(snapshots) = &mut self.snapshots {
            snapshots.step(&mut self.decider, self.pending.is_empty());
        }
    }

    /// Records the volumes that were sealed.
    fn note_sealed(&mut self, at: Millis) {
        let Some(sealed) = &mut self.sealed else { return };
        self.pending.rotate |= sealed.is_asked();
        let decision = |event| own_decision(Actor::Timer, at, Op::Ledger, vec![event]);
        let decisions = sealed.events(Instant::now()).into_iter().map(decision).collect();
        self.decider.record_own(decisions, &mut self.pending.recorded);
    }

    /// Ledger time; a difference to the wall clock is recorded.
    fn now(&mut self) -> Millis {
        let difference = self.ledger_clock.compare(&*self.clock);
        let at = self.ledger_clock.now(&*self.clock);
        if let Some(difference) = difference {
            let (wall, ledger, followed) = (difference.wall, difference.ledger, difference.followed);
            tracing::warn!(wall = %wall.rfc3339(), ledger = %ledger.rfc3339(), followed, "the clocks differ");
            let event = Event::ClockDiffers { wall, ledger, followed };
            self.decider.record_own(
                vec![own_decision(Actor::Timer, at, Op::Ledger, vec![event])],
                &mut self.pending.recorded,
            );
        }
        at
    }

    fn decide_some(&mut self, first: Submission, at: Millis) {
        let mut taken = std::mem::take(&mut self.taken);
        taken.push(first);
        taken.extend(std::iter::from_fn(|| self.intake.take()).take(DRAIN_MAX - 1));
        if taken.len() >= LOOK_AHEAD_MIN {
            self.decider.look_ahead(taken.iter().map(|submission| &submission.request));
        }
        let mut begun = Instant::now();
        for submission in taken.drain(..) {
            begun = self.decide(submission, at, begun);
        }
        self.taken = taken;
        self.answer_early();
        self.step_snapshot();
    }

    /// Decides what was begun at `begun`; says when it was done.
    fn decide(&mut self, submission: Submission, at: Millis, begun: Instant) -> Instant {
        let Submission { request, received, reply } = submission;
        let is_login = matches!(request.command, Command::Login(_)) && !request.dry_run;
        let answer = self.decider.decide_boxed(&request, at, &mut self.pending.recorded);
        let done = Instant::now();
        self.note_runs(is_login);
        let decide_ns = u64::try_from(done.saturating_duration_since(begun).as_nanos()).unwrap_or(u64::MAX);
        self.pending.answers.push(Answered { reply, answer, received, decide_ns, is_login });
        done
    }

    /// Hands over how long policies ran for a login; what ran for anything else is let go of.
    fn note_runs(&mut self, is_login: bool) {
        let runs = self.decider.policies().runs();
        if is_login && runs.len() > 0 {
            self.meters.policies.record(runs);
        }
    }

    /// Relaxed durability: lets answers go before the disk has them, unless it is too far behind.
    fn answer_early(&mut self) {
        let Some(behind) = &mut self.behind else { return };
        let now = Instant::now();
        behind.decided(self.decider.state().seq(), now);
        if !self.is_within_bound(now) || self.shared.poisoned().is_some() {
            return;
        }
        let answers = std::mem::take(&mut self.pending.answers);
        self.meters.answered(&answers);
        Answered::send(answers);
    }

    /// Whether answers need not wait for the disk.
    fn is_within_bound(&mut self, now: Instant) -> bool {
        let durable = self.shared.durable();
        self.behind.as_mut().is_some_and(|behind| behind.is_within_bound(durable, now))
    }

    fn drain(&mut self, at: Millis) {
        self.decider.drain(at, &mut self.pending.recorded);
    }

    /// Hands the batch to the writer, at once if it is idle; waits for it when there is nothing else to do, or
    /// enough is gathered. False when the writer is gone.
    fn hand_over(&mut self) -> bool {
        while !self.pending.is_empty() {
            match self.writer.try_send(std::mem::take(&mut self.pending)) {
                Ok(()) => return self.is_handed_over(),
                Err(TrySendError::Disconnected(work)) => {
                    self.pending = work;
                    return false;
                }
                Err(TrySendError::Full(work)) => self.pending = work,
            }
            let Some(first) = self.more() else {
                if self.has_room() && self.is_within_bound(Instant::now()) {
                    // The writer tells when it takes the next batch.
                    return true;
                }
                let sent = self.writer.send(std::mem::take(&mut self.pending));
                return sent.is_ok() && self.is_handed_over();
            };
            let at = self.now();
            self.decide_some(first, at);
        }
        true
    }

    /// Whether somebody is still there to write what was just sent; if not, those who wait for it are told.
    fn is_handed_over(&self) -> bool {
        let Some(reason) = self.shared.poisoned() else { return true };
        self.shared.fail_waiting(reason);
        false
    }

    /// Another submission, while the batch has room.
    fn more(&self) -> Option<Submission> {
        if self.has_room() { self.intake.take() } else { None }
    }

    fn has_room(&self) -> bool {
        self.pending.answers.len() < BATCH_MAX && self.pending.recorded.len() < BATCH_MAX
    }

    /// The last of a ledger that is closed: what waits is still decided, then the end is recorded.
    fn close(mut self) {
        loop {
            while let Some(submission) = self.more() {
                let at = self.now();
                self.decide(submission, at, Instant::now());
            }
            if self.pending.is_empty() {
                break;
            }
            if self.writer.send(std::mem::take(&mut self.pending)).is_err() || !self.is_handed_over() {
                return self.refuse_all();
            }
        }
        let at = self.now();
        self.decider.drain(at, &mut self.pending.recorded);
        self.decider.record_storms(at, true, &mut self.pending.recorded);
        let stopped = own_decision(Actor::Local, at, Op::Ledger, vec![Event::LedgerStopped]);
        self.decider.record_own(vec![stopped], &mut self.pending.recorded);
        self.last_snapshot();
        self.pending.last = true;
        if self.writer.send(std::mem::take(&mut self.pending)).is_err() || !self.is_handed_over() {
            self.refuse_all();
        }
    }

    /// Leaves a snapshot behind where that is due, before the log is closed.
    fn last_snapshot(&mut self) {
        let Some(mut snapshots) = self.snapshots.take() else { return };
        if !snapshots.is_due_at_close(&self.decider) {
            return;
        }
        match self.writer.send(std::mem::take(&mut self.pending)) {
            Ok(()) if self.is_handed_over() => snapshots.close(&mut self.decider),
            Ok(()) => {}
            Err(error) => self.pending = error.0,
        }
    }

    /// Tells everybody who still waits.
    fn refuse_all(self) {
        let reason = self.shared.poisoned().map_or_else(|| Arc::from("the writer is gone"), Arc::clone);
        let mut wakes = Wakes::default();
        for answered in self.pending.answers {
            answered.reply.fill(Err(Failure::OutcomeUnknown(Arc::clone(&reason))), &mut wakes);
        }
        while let Some(submission) = self.intake.take() {
            submission.reply.fill(Err(Failure::Poisoned(Arc::clone(&reason))), &mut wakes);
        }
        wakes.wake_all();
    }
}
