//! Deadlines decided again: who was due, in order, and that nobody was passed over.

use super::Verify;
use super::again::{Again, same};
use super::belongs::is_continued;
use super::own::kept;
use sledger_core::command::Actor;
use sledger_core::decide::{due, over};
use sledger_core::event::{Decision, Event, Op};
use sledger_core::{Millis, Seq, State};

impl Verify {
    /// Before a command is decided, everything that is due by then is written.
    pub(super) fn nothing_is_due(&mut self, first: Seq, decision: &Decision) -> Result<(), String> {
        let (is_first, at) = (!is_continued(first, decision), decision.at);
        let is_drain = is_drain(decision);
        if !is_first || !(is_drain || drains(decision)) {
            return Ok(());
        }
        let (state, engine) = self.judge.bench();
        if state.ready().next_end.is_some_and(|end| end <= at) && over(state, engine, at).is_ok() {
            return Err("a setting made for a time was over, and had not ended".to_owned());
        }
        match first_due(state, at) {
            Some((session, deadline)) if !is_drain => {
                let deadline = deadline.rfc3339();
                Err(format!("session {session} was due at {deadline}, and had not ended by {}", at.rfc3339()))
            }
            _ => Ok(()),
        }
    }

    /// Sessions that fell due, in the order of deadline and number.
    pub(super) fn expired(&mut self, decision: &Decision) -> Again {
        let Some(mut again) = due(self.judge.state(), decision.at) else {
            return Again::Differs("sessions end by their deadlines, and none was due".to_owned());
        };
        let count = decision.events.len();
        // Somebody whose activity was not recorded yet stands next: that is recorded instead.
        let next = again.events.get(count).and_then(ended);
        again.events.truncate(count);
        self.group.touched_next = next;
        same(decision, &again, self.judge.state())
    }

    /// Activity that was recorded only when it put a deadline off.
    pub(super) fn touched_late(&self, decision: &Decision, session: Seq) -> Again {
        match late(self.judge.state(), decision, session) {
            Ok(()) => Again::Same,
            Err(why) => Again::Differs(why),
        }
    }
}

fn late(state: &State, decision: &Decision, number: Seq) -> Result<(), String> {
    let [Event::Touched { session, last_active }] = decision.events.as_slice() else {
        return Err("a touch by time itself is one event of activity".to_owned());
    };
    let first = first_due(state, decision.at).map(|(session, _)| session);
    if (*session, first) != (number, Some(number)) {
        return Err(format!(
            "activity of session {session} is recorded late, and it was not first to fall due"
        ));
    }
    let Some(live) = state.session_numbered(number) else {
        return Err(format!("session {number} is not live"));
    };
    let is_possible = !live.is_retained()
        && *last_active > live.last_active
        && *last_active < live.deadline()
        && *last_active < decision.at
        && live.facts.ends_at() > live.deadline();
    if is_possible {
        return Ok(());
    }
    let (recorded, last) = (last_active.rfc3339(), live.last_active.rfc3339());
    Err(format!(
        "activity of session {number} at {recorded} cannot put off its deadline: it was active at {last}"
    ))
}

/// The session that falls due first by `at`, and when.
fn first_due(state: &State, at: Millis) -> Option<(Seq, Millis)> {
    let deadline = state.next_deadline().filter(|deadline| *deadline <= at)?;
    let expiry = due(state, at)?;
    expiry.events.first().and_then(ended).map(|session| (session, deadline))
}

const fn ended(event: &Event) -> Option<Seq> {
    match event {
        Event::Ended { session, .. } => Some(*session),
        _ => None,
    }
}

/// Whether the decision is itself about what was due.
pub(super) fn is_drain(decision: &Decision) -> bool {
    match decision.op {
        Op::Expire => true,
        Op::Touch { .. } => decision.actor == Actor::Timer,
        _ => false,
    }
}

/// Whether what is due is written before such a decision is made.
fn drains(decision: &Decision) -> bool {
    match &decision.op {
        Op::Login(_)
        | Op::Touch { .. }
        | Op::Logout { .. }
        | Op::Disconnect { .. }
        | Op::End { .. }
        | Op::Clear { .. }
        | Op::Reconcile { .. }
        | Op::Adopt { .. }
        | Op::Erase { .. }
        | Op::Denials => true,
        Op::Configure | Op::Policy => decision.actor != Actor::Timer,
        Op::Ledger => is_asked(decision),
        Op::Expire => false,
    }
}

/// Whether somebody asked for what the ledger recorded of its keeping, or closed it.
fn is_asked(decision: &Decision) -> bool {
    matches!(decision.events.as_slice(), [Event::LedgerStopped | Event::HistoryRead { .. }])
        || kept(decision).is_some()
}
