//! Commands about one session: touch, logout, disconnect, end (RULES 6, 8, 10).

use super::{Decided, Outcomes, bounded, decision, edge, repeated};
use crate::answer::{Answer, Outcome, Tombstone};
use crate::command::{Request, Target};
use crate::event::{Cause, CommandMark, Event, Op};
use crate::state::Session;
use crate::{Millis, State};
use std::sync::Arc;

/// What a command that names one session found.
enum Found<'a> {
    Live(&'a Session),
    Ended(Arc<Tombstone>),
    Stale(&'a Session),
    Unknown,
}

/// A command about one session, past the edge.
struct Asked<'a> {
    request: &'a Request,
    at: Millis,
    active: Option<u32>,
    mark: Option<CommandMark>,
    found: Found<'a>,
}

/// Past the edge and the remembered commands, or answered already.
fn asked<'a>(
    state: &'a State,
    request: &'a Request,
    target: &Target,
    at: Millis,
) -> Result<Result<Asked<'a>, Decided>, crate::command::Rejection> {
    let settings = &state.ready().settings.users;
    let user = target.user.as_deref().map(|user| edge::key_of(user, settings)).transpose()?;
    let id = edge::session_id("session", target.session.as_deref())?;
    let mark = match repeated(state, request, at)? {
        Ok(mark) => mark,
        Err(first) => return Ok(Err(first)),
    };
    let active = user.as_deref().filter(|user| !user.is_empty()).map(|user| state.active(user));
    let is_owner = |owner: &str| user.as_deref().is_none_or(|user| user == owner);
    let found = match (state.session(id), state.tombstone(id)) {
        (Some(session), _) if is_owner(session.facts.user()) => {
            let old = target.generation.is_some_and(|generation| generation < session.generation);
            if old { Found::Stale(session) } else { Found::Live(session) }
        }
        (None, Some(tombstone)) if is_owner(tombstone.facts.user()) => Found::Ended(Arc::clone(tombstone)),
        _ => Found::Unknown,
    };
    Ok(Ok(Asked { request, at, active, mark, found }))
}

impl<'a> Asked<'a> {
    fn answer(&self, outcome: Outcome) -> Answer {
        let mut answer = Answer::new(outcome, self.at);
        answer.active = self.active;
        answer
    }

    fn of_live(&self, outcome: Outcome, session: &Session) -> Answer {
        let mut answer = self.answer(outcome);
        answer.generation = Some(session.generation);
        answer.session = Some(session.view());
        answer
    }

    /// What is answered where there is no such live session, or an older one was meant.
    fn otherwise(&self) -> Decided {
        match &self.found {
            Found::Live(session) | Found::Stale(session) => say(self.of_live(Outcome::Stale, session)),
            Found::Ended(tombstone) => {
                let mut answer = self.answer(Outcome::Ended);
                answer.tombstone = Some(Arc::clone(tombstone));
                say(answer)
            }
            Found::Unknown => say(self.answer(Outcome::Unknown)),
        }
    }

    fn record(&self, op: Op, event: Event) -> Decided {
        let mut decision = decision(self.request, self.at, op, Vec::new(), vec![event]);
        decision.command.clone_from(&self.mark);
        Decided::one(decision, self.answer(Outcome::Touched))
    }

    fn finish(&self, session: &Session, op: Op, cause: Cause) -> Decided {
        let event = Event::Ended { session: session.number, cause, ended_at: self.at, judged: None };
        self.record(op, event)
    }

    fn live(&self) -> Option<&'a Session> {
        match self.found {
            Found::Live(session) => Some(session),
            _ => None,
        }
    }
}

fn say(answer: Answer) -> Decided {
    Decided::Answer(Box::new(answer))
}

macro_rules! past_the_edge {
    ($asked:expr) => {
        match $asked? {
            Ok(asked) => asked,
            Err(first) => return Ok(first),
        }
    };
}

pub(super) fn touch(state: &State, request: &Request, target: &Target, at: Millis) -> Outcomes {
    let asked = past_the_edge!(asked(state, request, target, at));
    let Some(session) = asked.live() else { return Ok(asked.otherwise()) };
    if session.is_retained() {
        return Ok(say(asked.of_live(Outcome::Retained, session)));
    }
    let resolution = state.ready().settings.sessions.activity_resolution;
    if at.since(session.last_active) >= resolution.as_millis() {
        let event = Event::Touched { session: session.number, last_active: at };
        return Ok(asked.record(Op::Touch { session: session.number }, event));
    }
    let slot = state.tables().find_number(session.number).unwrap_or(u32::MAX);
    Ok(Decided::Seen(slot, Box::new(asked.of_live(Outcome::Touched, session))))
}

pub(super) fn logout(state: &State, request: &Request, target: &Target, at: Millis) -> Outcomes {
    let asked = past_the_edge!(asked(state, request, target, at));
    if let Some(session) = asked.live() {
        return Ok(asked.finish(session, Op::Logout { session: session.number }, Cause::Logout));
    }
    if let Found::Ended(tombstone) = &asked.found
        && tombstone.cause == Cause::Logout
    {
        return Ok(say(asked.answer(Outcome::LoggedOut)));
    }
    Ok(asked.otherwise())
}

pub(super) fn disconnect(state: &State, request: &Request, target: &Target, at: Millis) -> Outcomes {
    let asked = past_the_edge!(asked(state, request, target, at));
    let Some(session) = asked.live() else { return Ok(asked.otherwise()) };
    if session.is_retained() {
        return Ok(say(asked.of_live(Outcome::Retained, session)));
    }
    let op = Op::Disconnect { session: session.number };
    if session.retention().is_zero() {
        return Ok(asked.finish(session, op, Cause::Disconnected));
    }
    Ok(asked.record(op, Event::Disconnected { session: session.number }))
}

pub(super) fn end(
    state: &State,
    request: &Request,
    target: &Target,
    reason: Option<&str>,
    at: Millis,
) -> Outcomes {
    if let Some(reason) = reason {
        edge::text("reason", reason, crate::config::REASON_BYTES_MAX)?;
    }
    let asked = past_the_edge!(asked(state, request, target, at));
    let Some(session) = asked.live() else { return Ok(asked.otherwise()) };
    let reason = reason.map(|reason| bounded(reason).into());
    Ok(asked.finish(session, Op::End { session: session.number, reason }, Cause::Cleared))
}

pub(super) fn assume(state: &State, request: &Request, target: &Target, at: Millis) -> Outcomes {
    let asked = past_the_edge!(asked(state, request, target, at));
    let Some(session) = asked.live() else { return Ok(asked.otherwise()) };
    let op = Op::End { session: session.number, reason: None };
    Ok(asked.finish(session, op, Cause::Assumed))
}
