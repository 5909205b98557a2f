//! Ends in which no policy had a say: which deadline or whose word it was.

use super::chain::Before;
use sledger_core::event::{Cause, Decision, Event, Op};
use sledger_core::quota::Ready;
use sledger_core::state::Session;
use sledger_core::{Millis, Span};
use sledger_wire::escape::brief;
use sledger_wire::why::Why;

/// In words, what led to the end; nothing where the event is none.
pub(super) fn why_it_ended(why: &Why, decision: &Decision, before: &Before, ready: &Ready) -> Vec<String> {
    let Some(session) = &before.session else { return Vec::new() };
    let index = usize::try_from(why.seq.saturating_sub(why.decision.seq)).unwrap_or(usize::MAX);
    let Some(Event::Ended { cause, ended_at, .. }) = decision.events.get(index) else {
        return vec![stood(session)];
    };
    let mut says = vec![stood(session), ended(*cause, *ended_at, session, decision, ready)];
    if *ended_at < decision.at {
        let late = Span::millis(decision.at.since(*ended_at));
        says.push(format!("it was over at {}, and written {late} later", ended_at.rfc3339()));
    }
    says
}

/// The session as it stood.
fn stood(session: &Session) -> String {
    let (started, active) = (session.facts.started.rfc3339(), session.last_active.rfc3339());
    let state = if session.is_retained() { "disconnected and kept" } else { "connected" };
    format!("the session began at {started}, was last active at {active} as far as recorded, and was {state}")
}

fn ended(cause: Cause, at: Millis, session: &Session, decision: &Decision, ready: &Ready) -> String {
    let facts = &session.facts;
    let settings = &ready.settings.sessions;
    let beside = |own: Span, usual: Span| {
        if own == usual { "as [sessions] says".to_owned() } else { format!("[sessions] says {usual}") }
    };
    match cause {
        Cause::Ttl => {
            format!("its absolute life of {} ({}) was over", facts.ttl, beside(facts.ttl, settings.ttl))
        }
        Cause::Idle => {
            let plain = session.last_active.plus(facts.idle);
            let moved = (plain < at).then(|| Span::millis(at.since(plain)));
            let moved = moved.map(|moved| format!("; {moved} do not count, since the ledger was down"));
            let (idle, beside) = (facts.idle, beside(facts.idle, settings.idle));
            format!("it was idle for {idle} ({beside}){}", moved.unwrap_or_default())
        }
        Cause::Retention => {
            let since = session.disconnected().unwrap_or_default().rfc3339();
            format!(
                "it was disconnected at {since} and kept for {}, and did not come back",
                session.retention()
            )
        }
        Cause::Logout => "its own side ended it".to_owned(),
        Cause::Disconnected => "its connection was gone, and it was not to be kept".to_owned(),
        Cause::Cleared => cleared(decision),
        Cause::Replaced => "the newcomer was to take its place".to_owned(),
        Cause::TakenOver => {
            "another user brought its id, and [sessions] same_id = \"take_over\" lets him have it".to_owned()
        }
        Cause::Reconciled => {
            let source = facts.source().map(brief).unwrap_or_default();
            format!("source {source} no longer named it; {}", generation(session, decision))
        }
        Cause::Assumed => "an import took it that it ended: nothing was recorded of it".to_owned(),
        Cause::Evicted => "it made room".to_owned(),
    }
}

fn cleared(decision: &Decision) -> String {
    match &decision.op {
        Op::Login(_) => "the newcomer asked that it end".to_owned(),
        Op::Clear { .. } => "all sessions of its user were to end".to_owned(),
        _ => "an operator ended it".to_owned(),
    }
}

fn generation(session: &Session, decision: &Decision) -> String {
    let own = session.generation;
    match &decision.op {
        Op::Reconcile { as_of: Some(as_of), .. } => {
            format!("the list was made as of seq {as_of}, the session is of seq {own}")
        }
        _ => "the list named no generation, and there was no news of the session for a minute".to_owned(),
    }
}
