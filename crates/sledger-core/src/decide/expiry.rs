//! Deadlines that fell due (RULES 2, 8).

use super::own_decision;
use crate::command::Actor;
use crate::config::ENDS_PER_DECISION_MAX;
use crate::event::{Decision, Event, Op};
use crate::state::Session;
use crate::{Millis, State};

/// The next decision about what is due at `at`, in (deadline, number) order; `None` when nothing is.
///
/// A session that was seen after its last recorded activity does not end: the activity is recorded instead,
/// which moves its deadline. To be asked again until it says `None`.
#[must_use]
pub fn due(state: &State, at: Millis) -> Option<Decision> {
    let tables = state.tables();
    let (_, first) = tables.first_due().filter(|(deadline, _)| *deadline <= at)?;
    if let Some(session) = state.session_numbered(first).filter(|session| is_to_be_touched(session)) {
        let touched = Event::Touched { session: session.number, last_active: session.last_seen };
        return Some(own_decision(Actor::Timer, at, Op::Touch { session: session.number }, vec![touched]));
    }
    // A session that is only to be touched may come after others by its new deadline: stop before it.
    let due = tables.due(at, ENDS_PER_DECISION_MAX);
    let sessions = due.iter().filter_map(|(deadline, slot)| Some((*deadline, state.slot(*slot)?)));
    let events = sessions
        .take_while(|(_, session)| !is_to_be_touched(session))
        .map(|(deadline, session)| Event::Ended {
            session: session.number,
            cause: session.cause_at_deadline(),
            ended_at: deadline,
            judged: None,
        })
        .collect();
    Some(own_decision(Actor::Timer, at, Op::Expire, events))
}

/// Whether activity that is not yet recorded keeps it from ending at its recorded deadline.
fn is_to_be_touched(session: &Session) -> bool {
    session.last_seen > session.last_active
        && !session.is_retained()
        && session.facts.ends_at() > session.deadline()
}
