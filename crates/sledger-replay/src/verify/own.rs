//! What the ledger records of itself: as far as it follows from what stands before.

use super::Verify;
use super::again::Again;
use super::report::{Kind, Unable};
use sledger_core::command::{Command, Keep};
use sledger_core::event::{Decision, Event, Started};
use sledger_core::{Seq, Span, State};

impl Verify {
    /// An event of the ledger's own: it is counted apart, and a start is held against the state before it.
    pub(super) fn own(&mut self, first: Seq, decision: &Decision) -> Again {
        if let Some(keep) = kept(decision)
            && !self.is_blind
            && !self.is_foreign
        {
            let again = self.ask(Command::Keep(Box::new(keep)), decision);
            return self.compared(decision, &again);
        }
        for event in &decision.events {
            match event {
                Event::LedgerStarted(started) => {
                    if let Err(why) = follows(started, decision, self.judge.state()) {
                        self.problem(Kind::Start, first, why);
                    }
                    // Whatever was lost before, the ledger went on from what was there.
                    let is_reopened = self.report.recovered;
                    self.is_blind &= !is_reopened;
                }
                Event::LedgerRecovered { lost_to, .. } => {
                    let last = self.report.lost.last().map(|(_, to)| *to);
                    self.report.recovered |= lost_to.is_none() || last <= *lost_to;
                    self.is_blind &= !self.report.recovered;
                }
                _ => {}
            }
        }
        Again::Unable(Unable::Ledger)
    }
}

/// What somebody reported of the ledger's keeping.
pub(super) fn kept(decision: &Decision) -> Option<Keep> {
    let [event] = decision.events.as_slice() else { return None };
    Some(match event {
        Event::NoteAdded { about, text } => {
            Keep::Note { about: about.plain()?.to_string(), text: text.plain()?.to_string() }
        }
        Event::HoldSet { name, reason } => Keep::Hold { name: name.to_string(), reason: reason.to_string() },
        Event::HoldReleased { name } => Keep::Release { name: name.to_string() },
        Event::CheckpointMade { seq, head, key } => Keep::Checkpoint { seq: *seq, head: *head, key: *key },
        Event::VolumeArchived { volume, to } => Keep::Archived { volume: *volume, to: to.to_string() },
        Event::VolumeDropped { volume, first, last, head } => {
            Keep::Dropped { volume: *volume, first: *first, last: *last, head: *head }
        }
        _ => return None,
    })
}

fn follows(started: &Started, decision: &Decision, state: &State) -> Result<(), String> {
    let epoch = state.epoch().saturating_add(1);
    if started.epoch != epoch {
        return Err(format!("the ledger starts in epoch {}, after epoch {}", started.epoch, state.epoch()));
    }
    if started.last != state.at() {
        let (said, last) = (started.last.rfc3339(), state.at().rfc3339());
        return Err(format!("the ledger starts and takes {said} for its last time, which was {last}"));
    }
    let is_first = state.seq() == Seq(0);
    let gap = if is_first { Span::ZERO } else { Span::millis(decision.at.since(state.at())) };
    if started.gap != gap {
        let (said, is) = (started.gap.as_millis(), gap.as_millis());
        return Err(format!(
            "the ledger starts and was down for {said} ms by its own word, {is} ms by its times"
        ));
    }
    Ok(())
}
