//! Facts about the ledger's own keeping: recorded as they are reported, and refused where a hold stands.

use super::{Decided, bounded, bulk, decision, edge, rejected, repeated, together};
use crate::answer::{Answer, Outcome};
use crate::command::{Keep, Refusal, Rejection, Request};
use crate::config::{NAME_BYTES_MAX, NOTE_BYTES_MAX, REASON_BYTES_MAX};
use crate::event::{Event, Op};
use crate::state::HOLDS_MAX;
use crate::{KeyNo, Millis, Personal, State};
use std::sync::Arc;

/// A fact that is refused: badly written, or not to be.
struct Refused(Rejection, Option<Refusal>);

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self(rejection, None)
    }
}

pub(super) fn keep(state: &State, request: &Request, keep: &Keep, at: Millis) -> Decided {
    try_keep(state, request, keep, at).unwrap_or_else(|Refused(rejection, refusal)| {
        let mut answer = rejected(state, request, rejection, at);
        answer.refusal = refusal;
        Decided::Answer(Box::new(answer))
    })
}

fn try_keep(state: &State, request: &Request, keep: &Keep, at: Millis) -> Result<Decided, Refused> {
    let mark = match repeated(state, request, at)? {
        Ok(mark) => mark,
        Err(first) => return Ok(first),
    };
    if let Keep::Erase { user, key, reason } = keep {
        return erase(state, request, (user, *key, reason), at);
    }
    let event = event(state, keep)?;
    let mut decision = decision(request, at, Op::Ledger, Vec::new(), vec![event]);
    decision.command = mark;
    Ok(Decided::Record(
        smallvec::smallvec![Arc::new(decision)],
        Box::new(Answer::new(Outcome::Configured, at)),
    ))
}

/// Ends what is live and destroys the key, in one go.
fn erase(
    state: &State,
    request: &Request,
    (user, key, reason): (&str, u64, &str),
    at: Millis,
) -> Result<Decided, Refused> {
    if request.command_id.is_some() {
        let reason = "is not for an erasure: nothing of it is remembered";
        return Err(Rejection::new("command", reason).into());
    }
    let user = edge::user_key(user, &state.ready().settings.users)?;
    if user.is_empty() {
        return Err(Rejection::new("user", "is empty").into());
    }
    edge::text("reason", reason, REASON_BYTES_MAX)?;
    free(state, "erased")?;
    let mut decisions = bulk::ended(state, request, &user, at);
    let mut events = decisions.pop().map(|last| last.events).unwrap_or_default();
    events.retain(|event| matches!(event, Event::Ended { .. }));
    events.push(Event::UserErased { key, reason: reason.into() });
    let keys_from = KeyNo(state.tables().key_next);
    let op = Op::Erase { user: Personal::Plain(user.into()), keys_from };
    decisions.push(decision(request, at, op, Vec::new(), events));
    let answer = Box::new(Answer::new(Outcome::Configured, at));
    Ok(Decided::Record(together(state, decisions, None), answer))
}

fn event(state: &State, keep: &Keep) -> Result<Event, Refused> {
    Ok(match keep {
        Keep::Note { about, text } => note(about, text)?,
        Keep::Hold { name, reason } => hold(state, name, reason)?,
        Keep::Release { name } => release(state, name)?,
        Keep::Erase { key, reason, .. } => Event::UserErased { key: *key, reason: reason.as_str().into() },
        Keep::Read { what, about } => {
            let about = Personal::Plain(bounded(&clean(about)).into());
            Event::HistoryRead { what: (*what).into(), about }
        }
        Keep::Checkpoint { seq, head, key } => Event::CheckpointMade { seq: *seq, head: *head, key: *key },
        Keep::Archived { volume, to } => {
            free(state, "archived")?;
            written("to", to, REASON_BYTES_MAX)?;
            Event::VolumeArchived { volume: *volume, to: to.as_str().into() }
        }
        Keep::Dropped { volume, first, last, head } => {
            free(state, "dropped")?;
            Event::VolumeDropped { volume: *volume, first: *first, last: *last, head: *head }
        }
    })
}

fn note(about: &str, text: &str) -> Result<Event, Refused> {
    written("about", about, REASON_BYTES_MAX)?;
    written("text", text, NOTE_BYTES_MAX)?;
    Ok(Event::NoteAdded { about: Personal::Plain(about.into()), text: Personal::Plain(text.into()) })
}

fn hold(state: &State, name: &str, reason: &str) -> Result<Event, Refused> {
    written("name", name, NAME_BYTES_MAX)?;
    written("reason", reason, REASON_BYTES_MAX)?;
    let holds = state.holds();
    if let Some(hold) = holds.get(name) {
        let reason = format!(
            "hold `{name}` stands since {}: release it first, or give this one another name",
            hold.at.rfc3339()
        );
        return Err(Refused(Rejection::new("name", reason), Some(Refusal::Owned)));
    }
    if holds.len() >= HOLDS_MAX {
        let reason = format!("`{HOLDS_MAX}` holds stand already: release one first");
        return Err(Refused(Rejection::new("name", reason), Some(Refusal::Owned)));
    }
    Ok(Event::HoldSet { name: name.into(), reason: reason.into() })
}

fn release(state: &State, name: &str) -> Result<Event, Refused> {
    written("name", name, NAME_BYTES_MAX)?;
    if state.holds().contains_key(name) {
        return Ok(Event::HoldReleased { name: name.into() });
    }
    let known: Vec<String> = state.holds().keys().take(8).map(|name| format!("`{name}`")).collect();
    let known = if known.is_empty() { "none stands".to_owned() } else { known.join(", ") };
    let reason = format!("there is no hold `{name}`; of holds there are: {known}");
    Err(Refused(Rejection::new("name", reason), Some(Refusal::Unknown)))
}

/// Refuses what a hold forbids.
fn free(state: &State, deed: &str) -> Result<(), Refused> {
    let Some((name, hold)) = state.holds().iter().next() else { return Ok(()) };
    let reason = format!("hold `{name}` stands ({}): nothing is {deed} until it is released", hold.reason);
    Err(Refused(Rejection::new("hold", reason), Some(Refusal::Owned)))
}

fn written(field: &str, text: &str, most: usize) -> Result<(), Rejection> {
    if text.is_empty() {
        return Err(Rejection::new(field, "is empty"));
    }
    edge::text(field, text, most)
}

/// What somebody asked about, without what could not be shown.
fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}
