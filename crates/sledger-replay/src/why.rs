//! `replay why`: from the command through quota, policy and line to what became of a session, and who was told.
//!
//! Promise: the past is folded once, up to the decision; which decision is meant is found before by reading alone
//! ([`Finder`]). A login is decided again with everything that its policies knew, and by each of the core policies.
//!
//! Invariant: nothing of the history is kept but the decision meant.

mod chain;
mod core;
mod end;
mod finder;
mod judged;

pub use finder::{Finder, Found, Nothing};

use crate::explain::{counted, told};
use crate::lines::event_line;
use crate::rejudge::{Rejudge, RejudgeError};
use sledger_core::decider::Recorded;
use sledger_core::event::{Decision, Event, Op};
use sledger_core::{Seq, State};
use sledger_wire::events::{Begin, EventLine};
use sledger_wire::why::{Why, WhyCounted, WhyDecision, WhySession};
use std::sync::Arc;

/// Names of the core policies, in the order in which they are told.
pub const CORE: [&str; 6] = [
    "deny_access",
    "destroy_next_expiring",
    "destroy_oldest",
    "destroy_least_time_left",
    "destroy_most_idle",
    "destroy_all_others",
];

/// Reads a past up to the decision meant.
#[derive(Debug)]
pub struct Asker {
    judge: Rejudge,
    found: Found,
}

impl Asker {
    /// Asks about the event that was found in a past that began so.
    ///
    /// # Errors
    /// Names what cannot be used of the beginning.
    pub fn new(begin: &Begin, found: Found) -> Result<Self, RejudgeError> {
        Ok(Self { judge: Rejudge::as_recorded(begin)?, found })
    }

    /// Takes the next decision; the answer once it is there.
    ///
    /// # Errors
    /// Where settings on the way cannot be used.
    pub fn decision(&mut self, decision: &Arc<Decision>) -> Result<Option<Why>, RejudgeError> {
        let first = self.judge.next_seq();
        if self.found.seq >= first.plus(decision.events.len() as u64) {
            self.judge.fold(decision)?;
            return Ok(None);
        }
        explained(&mut self.judge, (first, decision), &self.found).map(Some)
    }
}

/// Explains an event of the decision that comes next, and folds the decision.
pub(crate) fn explained(
    judge: &mut Rejudge,
    (first, decision): (Seq, &Arc<Decision>),
    found: &Found,
) -> Result<Why, RejudgeError> {
    let subject = subject(first, decision, found.seq);
    let mut why = Why { before: before(judge.state(), subject), ..Why::default() };
    let asked = login(judge, decision, &mut why);
    let ids = judged::ids(decision, judge.state());
    why.judged = judged::judged(decision, judge, &ids);
    let quota = judged::deciding(decision, subject.index);
    core::ask(judge, decision, quota, &mut why)?;
    let settings = Arc::clone(judge.state().ready());
    let before = chain::Before::of(judge.state(), decision, subject.event);
    let effects = judge.fold_told(decision)?;
    let recorded = Recorded { first, decision: Arc::clone(decision), effects };
    let lines: Vec<EventLine> =
        sledger_projector::tell(judge.state(), &recorded).iter().map(event_line).collect();
    if let Some(line) = lines.get(subject.index) {
        describe(&mut why, line);
    }
    why.told.clone_from(&found.told);
    why.chain = chain::chain(&why, decision, &before, &settings);
    why.as_recorded = asked;
    why.events = lines;
    Ok(why)
}

/// What quotas knew of a login; whether it is again what was recorded.
fn login(judge: &mut Rejudge, decision: &Decision, why: &mut Why) -> Option<bool> {
    let Op::Login(op) = &decision.op else { return None };
    let facts = op.facts.plain()?;
    why.counted = counted(judge.state(), facts, decision)
        .into_iter()
        .map(|one| WhyCounted {
            quota: one.quota.to_string(),
            key: one.key.to_string(),
            used: one.used,
            limit: one.limit.into(),
        })
        .collect();
    let again = told(judge, decision);
    let again = again.decision.as_ref().ok()?;
    Some(judge.is_alike(decision, again))
}

/// The event meant, and where it stands in its decision.
#[derive(Clone, Copy, Debug)]
struct Subject<'d> {
    event: Option<&'d Event>,
    index: usize,
}

/// The event meant; for what happened on the way, what it came to.
fn subject(first: Seq, decision: &Decision, seq: Seq) -> Subject<'_> {
    let index = usize::try_from(seq.0.saturating_sub(first.0)).unwrap_or(usize::MAX);
    let is_on_the_way = matches!(
        decision.events.get(index),
        Some(
            Event::PolicyFailed { .. }
                | Event::PolicyTripped { .. }
                | Event::PolicyDiffered { .. }
                | Event::UserCleared { .. }
                | Event::SourceReconciled { .. }
        )
    );
    let last = decision.events.len().saturating_sub(1);
    let index = if is_on_the_way { last } else { index.min(last) };
    Subject { event: decision.events.get(index), index }
}

/// The session of the event as it stood before.
fn before(state: &State, subject: Subject<'_>) -> Option<WhySession> {
    let number = match subject.event? {
        Event::Ended { session, .. }
        | Event::Resumed { session, .. }
        | Event::Touched { session, .. }
        | Event::Disconnected { session } => *session,
        _ => return None,
    };
    let session = state.session_numbered(number)?;
    let expires = session.deadline();
    Some(WhySession {
        started: session.facts.started.rfc3339(),
        last_active: session.last_active.rfc3339(),
        expires: (expires != sledger_core::Millis::NEVER).then(|| expires.rfc3339()),
        ttl: session.facts.ttl.to_string(),
        idle: session.facts.idle.to_string(),
        retention: session.retention().to_string(),
        retained: session.is_retained(),
    })
}

/// What the event's line says of it.
fn describe(why: &mut Why, line: &EventLine) {
    let outcome = line.kind.rsplit_once('.').map_or(&*line.kind, |(_, outcome)| outcome);
    outcome.clone_into(&mut why.outcome);
    why.session.clone_from(&line.session);
    why.user.clone_from(&line.user);
    why.ended_at.clone_from(&line.ended_at);
    why.cause.clone_from(&line.cause);
    why.code.clone_from(&line.code);
    why.by_session.clone_from(&line.by_session);
    why.actor.clone_from(&line.actor);
    why.request_id.clone_from(&line.request_id);
    why.at.clone_from(&line.at);
    (why.seq, why.number) = (line.seq, line.number);
    why.decision = WhyDecision {
        seq: line.decision,
        quota: line.quota.clone(),
        policy: line.policy.clone(),
        line: line.line,
        reason: line.reason.clone(),
        message: line.message.clone(),
    };
}
