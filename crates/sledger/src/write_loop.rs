//! The writer's thread: blocks, barrier, answers. A sync is never retried.

use crate::config::BoxedLog;
use crate::meters::{Meters, micros};
use crate::relaxed::Durability;
use crate::shared::{Answered, Shared};
use crossbeam_channel::{Receiver, Sender};
use sledger_core::decider::Recorded;
use sledger_core::event::Decision;
use sledger_core::log::{Appended, Batch, Head};
use sledger_log::Probe;
use sledger_projector::ProjectorInput;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long an append may remain unknown, and a barrier may take.
pub(crate) const BARRIER_MAX: Duration = Duration::from_secs(10);
/// Between two tries of an append whose fate is unknown.
const UNKNOWN_PAUSE: Duration = Duration::from_millis(20);

/// Decisions that go in together, and the answers that wait for them.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) recorded: Vec<Recorded>,
    pub(crate) answers: Vec<Answered>,
    /// The active volume is to end, whether or not anything is recorded.
    pub(crate) rotate: bool,
    /// Nothing comes after it: the log is closed in good order.
    pub(crate) last: bool,
}

impl Work {
    pub(crate) fn is_empty(&self) -> bool {
        self.recorded.is_empty() && self.answers.is_empty() && !self.rotate
    }
}

pub(crate) struct WriteLoop {
    pub(crate) work: Receiver<Work>,
    pub(crate) log: BoxedLog,
    pub(crate) head: Head,
    pub(crate) epoch: u64,
    pub(crate) shared: Arc<Shared>,
    pub(crate) projector: ProjectorInput,
    pub(crate) meters: Arc<Meters>,
    pub(crate) durability: Durability,
    /// Under relaxed durability the decider does not wait for this thread: it is woken when there is room.
    pub(crate) room: Sender<()>,
    pub(crate) probe: Option<Arc<dyn Probe>>,
}

impl WriteLoop {
    /// Runs until the decider is gone or something fails.
    pub(crate) fn run(mut self) {
        while let Ok(work) = self.work.recv() {
            self.tell_room();
            let last = work.last;
            if let Err(reason) = self.write(work) {
                self.shared.poison(&reason);
                self.tell_lost();
                // A poisoned sled is never dropped: its Drop would write.
                std::mem::forget(self.log);
                return;
            }
            if last {
                if let Err(error) = self.log.close() {
                    tracing::warn!(%error, "the log is not marked as closed; the next open scans it");
                }
                return;
            }
        }
    }

    fn write(&mut self, work: Work) -> Result<(), String> {
        let Work { recorded, answers, rotate, .. } = work;
        self.shared.put_in_flight(answers);
        if !recorded.is_empty() || rotate {
            self.shared.barrier_begins();
            // With nothing to record the log only ends its volume.
            let begun = Instant::now();
            let appended = self.append(&recorded);
            self.shared.barrier_ends();
            self.head = appended?;
            self.meters.sync.record([micros(begun.elapsed())]);
            self.meters.recorded(&recorded);
            self.publish(recorded)?;
        }
        if let Some(reason) = self.shared.poisoned() {
            return Err(reason.to_string());
        }
        if let Some(probe) = &self.probe {
            probe.at("answer.before");
        }
        self.answer();
        Ok(())
    }

    fn append(&mut self, recorded: &[Recorded]) -> Result<Head, String> {
        let decisions: Vec<Arc<Decision>> = recorded.iter().map(|one| Arc::clone(&one.decision)).collect();
        let batch = Batch { first: self.head.seq.next(), epoch: self.epoch, decisions: &decisions };
        let begun = Instant::now();
        loop {
            match self.log.append(batch, &self.head) {
                Appended::Committed(head) => return Ok(head),
                Appended::Failed(reason) => return Err(reason),
                Appended::Conflict(head) => {
                    return Err(format!("another decider writes this log: its head is at seq {}", head.seq));
                }
                Appended::Unknown if begun.elapsed() >= BARRIER_MAX => {
                    return Err("the log does not say whether it took the last block".to_owned());
                }
                Appended::Unknown => std::thread::park_timeout(UNKNOWN_PAUSE),
            }
        }
    }

    fn tell_room(&self) {
        if self.durability == Durability::Relaxed {
            // A word that waits there already says the same.
            let _told = self.room.try_send(());
        }
    }

    /// Under relaxed durability the poison does not tell all: some were answered already.
    fn tell_lost(&self) {
        if self.durability == Durability::Relaxed {
            tracing::error!(after = %self.head.seq, "what was answered after this seq may be lost");
        }
    }

    /// What is durable becomes visible, before anybody is told.
    fn publish(&mut self, recorded: Vec<Recorded>) -> Result<(), String> {
        let sent = self.projector.send(recorded, self.head.seq);
        self.shared.set_durable(self.head);
        sent.map_err(|_| "the projector is gone".to_owned())
    }

    fn answer(&mut self) {
        let answers = self.shared.take_in_flight();
        self.meters.answered(&answers);
        Answered::send(answers);
    }
}
