//! Deciding: what becomes of one command, on a state that is not changed by it.
//!
//! Equal arguments give equal answers on every machine. `at` is recorded data,
//! no clock reading. A refusal is a decision too.

mod binding;
mod bulk;
mod change;
pub mod edge;
mod expiry;
mod judge;
mod keep;
mod login;
mod lost;
mod merge;
mod policies;
mod reload;
mod settings;
mod target;
mod view;

pub use binding::{bindings, is_settled, news_of_folder};
pub use change::over;
pub use expiry::due;
pub use lost::lost;
pub use merge::{Merged, merged, told as quotas_told};
pub use settings::{Applying, Install, applied as configuration};

use crate::answer::{Answer, Outcome};
use crate::command::{Actor, Command, Rejection, Request};
use crate::config::Bounds;
use crate::event::{CommandMark, Decision, Event, Judged, Op};
use crate::policy::Policies;
use crate::{Millis, State};
use smallvec::SmallVec;
use std::sync::Arc;

/// What deciding needs beside the state.
pub struct Means<'a> {
    /// Who decides about exhausted quotas.
    pub policies: &'a mut dyn Policies,
    /// Bounds of this process.
    pub bounds: &'a Bounds,
}

/// What is to be done about a command.
#[derive(Debug)]
pub enum Decided {
    /// Record these decisions, in order and with nothing between; the answer follows from them. `skipped` and
    /// `unknown` of the answer so far are kept.
    Record(Decisions, Box<Answer>),
    /// Record nothing.
    Answer(Box<Answer>),
    /// Record nothing, but the session was seen.
    Seen(u32, Box<Answer>),
}

/// The decisions of one command: mostly one.
pub type Decisions = SmallVec<[Arc<Decision>; 1]>;

impl Decided {
    fn one(decision: Decision, answer: Answer) -> Self {
        Self::Record(smallvec::smallvec![Arc::new(decision)], Box::new(answer))
    }
}

/// Decides what becomes of one request.
pub fn decide(state: &State, means: &mut Means<'_>, request: &Request, at: Millis) -> Decided {
    let decided = match &request.command {
        Command::Login(command) => login::login(state, means, request, command, at),
        Command::Touch(target) => target::touch(state, request, target, at),
        Command::Logout(target) => target::logout(state, request, target, at),
        Command::Disconnect(target) => target::disconnect(state, request, target, at),
        Command::End { target, reason } => target::end(state, request, target, reason.as_deref(), at),
        Command::Assume(target) => target::assume(state, request, target, at),
        Command::Clear { user, keep } => bulk::clear(state, request, (user.as_deref(), keep.as_deref()), at),
        Command::Reconcile(command) => bulk::reconcile(state, request, command, at),
        Command::Adopt(command) => bulk::adopt(state, means, request, command, at),
        Command::Advance => Ok(Decided::Answer(Box::new(Answer::new(Outcome::Advanced, at)))),
        Command::Configure(command) => settings::configure(state, means, request, command, at),
        Command::Change(command) => return change::change(state, means, request, command, at),
        Command::Reload(command) => reload::reload(state, means, request, command, at),
        Command::Policy { name, text } => settings::policy(state, means, request, (name, text), at),
        Command::Keep(what) => return keep::keep(state, request, what, at),
        Command::Unreadable { rejection, .. } => Err(rejection.clone()),
    };
    decided.unwrap_or_else(|rejection| Decided::Answer(Box::new(rejected(state, request, rejection, at))))
}

type Outcomes = Result<Decided, Rejection>;

/// The answer to what was refused; the count of its user is shown where it named one.
fn rejected(state: &State, request: &Request, rejection: Rejection, at: Millis) -> Answer {
    let named = match &request.command {
        Command::Login(login) => login.user.as_deref(),
        Command::Touch(target) | Command::Logout(target) | Command::Disconnect(target) => {
            target.user.as_deref()
        }
        Command::End { target, .. } | Command::Assume(target) => target.user.as_deref(),
        Command::Clear { user, .. } | Command::Unreadable { user, .. } => user.as_deref(),
        Command::Reconcile(_)
        | Command::Adopt(_)
        | Command::Advance
        | Command::Configure(_)
        | Command::Change(_)
        | Command::Reload(_)
        | Command::Keep(_)
        | Command::Policy { .. } => None,
    };
    let mut answer = Answer::new(Outcome::Rejected, at);
    answer.active = named.and_then(|name| active_of(state, name));
    answer.field = Some(rejection.field);
    answer.reason = Some(rejection.reason.into());
    answer
}

/// Live sessions of the user a command names; `None` for an empty or impossible name.
fn active_of(state: &State, name: &str) -> Option<u32> {
    let key = edge::key_of(name, &state.ready().settings.users).ok()?;
    (!key.is_empty()).then(|| state.active(&key))
}

/// The first answer to a command id, if it comes again; else the id as it is to be recorded.
///
/// # Errors
/// Refuses an id that is too long, or that came before with another operation, user or session.
fn repeated(
    state: &State,
    request: &Request,
    at: Millis,
) -> Result<Result<Option<CommandMark>, Decided>, Rejection> {
    let Some(id) = &request.command_id else { return Ok(Ok(None)) };
    if id.is_empty() {
        return Err(Rejection::new("command", "is empty"));
    }
    edge::text("command", id, crate::config::COMMAND_ID_BYTES_MAX)?;
    let mark = mark(state, request);
    let Some(found) = state.tables().commands.get(id, at) else { return Ok(Ok(mark)) };
    if mark.is_some_and(|mark| found.mark != mark.mark) {
        return Err(Rejection::new("command", "was used before for another operation, user or session"));
    }
    let mut answer = Answer::clone(&found.answer);
    answer.repeated = true;
    answer.at = at;
    Ok(Err(Decided::Answer(Box::new(answer))))
}

/// The command id of a request with what it is about; `None` without one.
pub(crate) fn mark(state: &State, request: &Request) -> Option<CommandMark> {
    let id = request.command_id.as_deref()?;
    let (op, user, about) = match &request.command {
        Command::Login(login) => ("login", login.user.as_deref(), login.session.as_deref()),
        Command::Touch(target) => ("touch", target.user.as_deref(), target.session.as_deref()),
        Command::Logout(target) => ("logout", target.user.as_deref(), target.session.as_deref()),
        Command::Disconnect(target) => ("disconnect", target.user.as_deref(), target.session.as_deref()),
        Command::End { target, .. } => ("end", target.user.as_deref(), target.session.as_deref()),
        Command::Assume(target) => ("assume", target.user.as_deref(), target.session.as_deref()),
        Command::Clear { user, .. } => ("clear", user.as_deref(), None),
        Command::Reconcile(command) => ("reconcile", None, command.source.as_deref()),
        Command::Adopt(command) => ("adopt", None, command.source.as_deref()),
        Command::Configure(_) => ("configure", None, None),
        Command::Reload(_) => ("reload", None, None),
        Command::Change(change) => change::about(change),
        Command::Policy { name, .. } => ("policy", None, Some(name.as_str())),
        Command::Keep(keep) => {
            let (op, about) = keep.about();
            (op, None, about)
        }
        Command::Advance | Command::Unreadable { .. } => return None,
    };
    let user = user.and_then(|user| edge::key_of(user, &state.ready().settings.users).ok());
    let mut packed = crate::packed::Packed::default();
    let parts = [op, user.as_deref().unwrap_or_default(), about.unwrap_or_default()];
    for part in parts {
        crate::packed::push(&mut packed, part);
    }
    let hash = blake3::hash(packed.as_str().as_bytes());
    let mut mark = [0; 8];
    mark.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
    Some(CommandMark { id: id.into(), mark })
}

/// A decision as `request` causes it.
fn decision(request: &Request, at: Millis, op: Op, judged: Vec<Judged>, events: Vec<Event>) -> Decision {
    Decision {
        at,
        actor: request.actor.clone(),
        request_id: request.request_id.as_deref().map(|id| bounded(id).into()),
        command: None,
        cause: None,
        op,
        judged,
        events,
    }
}

/// A decision of the ledger's own.
#[must_use]
pub fn own_decision(actor: Actor, at: Millis, op: Op, events: Vec<Event>) -> Decision {
    Decision { at, actor, request_id: None, command: None, cause: None, op, judged: Vec::new(), events }
}

/// Words from outside, cut to their bound at a character's border.
fn bounded(text: &str) -> &str {
    let mut end = text.len().min(crate::config::REASON_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

/// Gives several decisions of one command their cause, and the last one the command id.
fn together(state: &State, mut decisions: Vec<Decision>, mark: Option<CommandMark>) -> Decisions {
    let cause = (decisions.len() > 1).then(|| state.seq().next());
    for decision in &mut decisions {
        decision.cause = cause;
    }
    if let Some(last) = decisions.last_mut() {
        last.command = mark;
    }
    decisions.into_iter().map(Arc::new).collect()
}
