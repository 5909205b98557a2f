//! Folding up to a moment, and not a decision further.

use super::{At, When};
use sledger_core::command::Actor;
use sledger_core::event::{Decision, Event, Op, RULES_REVISION, Started};
use sledger_core::evolve::{Happened, evolve};
use sledger_core::state::AHEAD_DECISIONS;
use sledger_core::{Millis, Seq, Span, State, refold};

/// A fold on its way to a moment.
#[derive(Debug)]
pub struct Walk {
    state: State,
    when: When,
    /// Where it stood at the moment; `None` as long as that lies ahead.
    stood: Option<(Seq, Millis)>,
    is_stopped: bool,
    is_down: bool,
    is_over: bool,
}

impl Walk {
    /// A walk that begins with `state`, which lies before the moment. `is_stopped`: the last event in it closed the
    /// ledger.
    #[must_use]
    pub const fn new(state: State, when: When, is_stopped: bool) -> Self {
        Self { state, when, stood: None, is_stopped, is_down: false, is_over: false }
    }

    /// Folds the next decisions; false once the moment is reached.
    pub fn take(&mut self, decisions: &[Decision]) -> bool {
        for stretch in decisions.chunks(AHEAD_DECISIONS) {
            if self.is_over {
                return false;
            }
            self.state.look_ahead(stretch);
            if !stretch.iter().all(|decision| self.decision(decision)) {
                return false;
            }
        }
        !self.is_over
    }

    fn decision(&mut self, decision: &Decision) -> bool {
        let first = self.state.seq().next();
        let is_in = self.stood.is_none()
            && match self.when {
                When::At(at) => decision.at <= at,
                When::After(seq) => first <= seq,
            };
        if is_in {
            refold(&mut self.state, first, decision);
            self.is_stopped = closes(decision);
            return true;
        }
        let (seq, recorded) = *self.stood.get_or_insert((self.state.seq(), self.state.at()));
        self.is_over = !self.goes_on(decision, (seq, recorded));
        !self.is_over
    }

    /// What stands behind the moment and tells of it all the same: touches made before it that the timer wrote down
    /// where their deadlines fell due, and the start that ends a pause. Whatever was due is drained before all else.
    fn goes_on(&mut self, decision: &Decision, (seq, recorded): (Seq, Millis)) -> bool {
        let at = self.moment(recorded);
        match (&decision.op, decision.events.first()) {
            (Op::Ledger, Some(Event::LedgerStarted(started))) if at > recorded && started.last <= at => {
                self.pause(decision, seq);
                false
            }
            (Op::Touch { .. }, Some(event @ Event::Touched { last_active, .. })) if is_timers(decision) => {
                if *last_active <= at {
                    evolve(&mut self.state, Happened { seq, first: seq, decision, event });
                }
                true
            }
            (Op::Expire | Op::Configure | Op::Denials, _) => is_timers(decision),
            _ => false,
        }
    }

    /// Moves idle deadlines by a pause, as the start behind it does.
    fn pause(&mut self, start: &Decision, seq: Seq) {
        self.is_down = true;
        for event in start.events.iter().take(1) {
            evolve(&mut self.state, Happened { seq, first: seq, decision: start, event });
        }
    }

    const fn moment(&self, recorded: Millis) -> Millis {
        match self.when {
            When::At(at) => at,
            When::After(_) => recorded,
        }
    }

    /// The ledger at the moment.
    #[must_use]
    pub fn finish(mut self) -> At {
        let is_end = self.stood.is_none();
        let (seq, recorded) = self.stood.unwrap_or((self.state.seq(), self.state.at()));
        let at = self.moment(recorded);
        if is_end && self.is_stopped && at > recorded {
            // Closed, and not opened since: as if it were opened now.
            self.pause(&opening(recorded, at), seq);
        }
        At {
            state: self.state,
            seq,
            recorded,
            moment: at,
            is_down: self.is_down,
            last: is_end.then_some(seq),
        }
    }
}

fn is_timers(decision: &Decision) -> bool {
    decision.actor == Actor::Timer
}

/// Whether a decision closed the ledger.
pub(super) fn closes(decision: &Decision) -> bool {
    matches!(decision.events.last(), Some(Event::LedgerStopped))
}

/// What opening at `at` would record.
fn opening(last: Millis, at: Millis) -> Decision {
    let started = Started {
        version: Box::default(),
        epoch: 0,
        rules: RULES_REVISION,
        engine: Box::default(),
        last,
        gap: Span::millis(at.since(last)),
        clean: true,
        wall: at,
        clock_accepted: false,
    };
    Decision {
        at,
        actor: Actor::Timer,
        request_id: None,
        command: None,
        cause: None,
        op: Op::Ledger,
        judged: Vec::new(),
        events: vec![Event::LedgerStarted(Box::new(started))],
    }
}
