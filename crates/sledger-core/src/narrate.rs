//! Telling the caller: an answer follows from the decision and what folding it did, so that the same answer
//! is remembered whether it was decided just now or read back from the ledger.

use crate::answer::{Advice, Answer, Outcome, QuotaUse, Tombstone};
use crate::config::Messages;
use crate::event::{Cause, Code, Counted, Decision, Event, Judged, Judgement, Op};
use crate::evolve::{Effect, Effects};
use crate::policy::message_for;
use crate::quota::{Ready, key_for_people};
use crate::words::{Blanks, fill};
use crate::{Facts, Limit, Seq, State};
use std::sync::Arc;

/// Adds to `answer` what `decision`, folded into `state` just now as `effects`, did. A decision that was not
/// folded (a denial in a storm) has no effects.
pub(crate) fn narrate(
    state: &State,
    first: Seq,
    decision: &Decision,
    effects: &[Effect],
    answer: &mut Answer,
) {
    let Some(last) = decision.events.last() else { return };
    answer.at = decision.at;
    answer.seq = Some(first.plus(decision.events.len().saturating_sub(1) as u64));
    for effect in effects {
        tell_effect(&decision.op, effect, answer);
    }
    judged(state, decision, effects, answer);
    let mut active = None;
    match last {
        Event::Admitted { counted, .. } => active = admitted(state, answer, counted),
        Event::Resumed { .. } => resumed(state, decision, answer),
        Event::Denied { code, quota, limit, judged, reason, .. } => {
            answer.outcome = Outcome::Denied;
            answer.code = Some(*code);
            answer.reason = Some(Arc::clone(reason));
            show(state.ready(), (*quota, *limit), answer);
            answer.message = refusal_message(state.ready(), decision);
            answer.offer = offered(state, decision, *judged);
            answer.quotas = refusing(state, decision, *judged).into_iter().collect();
        }
        Event::Conflicted { quota, limit, reason, .. } => {
            answer.outcome = Outcome::Conflict;
            answer.code = Some(Code::SessionConflict);
            answer.reason = Some(Arc::clone(reason));
            show(state.ready(), (*quota, *limit), answer);
        }
        Event::Ended { .. } => answer.outcome = ended(&decision.op),
        Event::Disconnected { .. } => answer.outcome = Outcome::Retained,
        Event::Touched { session, .. } => {
            answer.outcome = Outcome::Touched;
            live(state, *session, answer);
        }
        Event::UserCleared { .. } => answer.outcome = Outcome::Cleared,
        Event::SourceReconciled { .. } => answer.outcome = Outcome::Reconciled,
        Event::SourceAdopted { .. } => answer.outcome = Outcome::Adopted,
        _ => answer.outcome = Outcome::Configured,
    }
    if let Op::Login(login) = &decision.op {
        let facts = login.facts.plain();
        answer.active = facts.map(|facts| active.unwrap_or_else(|| state.active(facts.user())));
    }
    if let Op::Disconnect { session } = decision.op {
        live(state, session, answer);
    }
}

/// The key that refused a login, as full as it was.
fn refusing(state: &State, decision: &Decision, judged: Option<u16>) -> Option<QuotaUse> {
    let judged = decision.judged.get(usize::from(judged?))?;
    let quota = Arc::clone(&state.ready().quota(judged.quota)?.name);
    let key = key_for_people(judged.key.plain()?);
    Some(QuotaUse { quota, key, active: judged.active, limit: judged.limit })
}

/// After all decisions of a command that names a user: how many sessions it has left.
pub(crate) fn count_again(state: &State, user: Option<&str>, answer: &mut Answer) {
    if let Some(user) = user {
        answer.active = Some(state.active(user));
    }
}

fn tell_effect(op: &Op, effect: &Effect, answer: &mut Answer) {
    match effect {
        Effect::Ended(tombstone) if tombstone.cause == Cause::Evicted => {
            answer.evicted.push(Arc::clone(&tombstone.facts));
        }
        Effect::Ended(tombstone) => answer.ended.push(Arc::clone(&tombstone.facts)),
        Effect::Retained(facts) if matches!(op, Op::Reconcile { .. }) => {
            answer.retained.push(Arc::clone(facts));
        }
        Effect::Retained(_) | Effect::Live(_) | Effect::Nothing => {}
    }
}

const fn ended(op: &Op) -> Outcome {
    match op {
        Op::Disconnect { .. } => Outcome::Disconnected,
        Op::End { .. } => Outcome::Cleared,
        _ => Outcome::LoggedOut,
    }
}

/// What exhausted quotas had to say: enforcing ones show in code and policy, advisory ones apart.
fn judged(state: &State, decision: &Decision, effects: &[Effect], answer: &mut Answer) {
    for judged in &decision.judged {
        if !judged.enforced {
            answer.advisory.extend(advice(state, judged, effects));
            continue;
        }
        answer.code = Some(Code::SessionQuotaExceeded);
        answer.reason.clone_from(&judged.reason);
        if let Some(failure) = &judged.failure {
            answer.policy_code = Some(failure.code);
        }
        if judged.policy.is_some() {
            answer.policy.clone_from(&judged.policy);
        }
        if judged.answer == Judgement::Allow {
            answer.message.clone_from(&judged.told);
        }
    }
}

fn advice(state: &State, judged: &Judged, effects: &[Effect]) -> Option<Advice> {
    let quota = Arc::clone(&state.ready().quota(judged.quota)?.name);
    let (outcome, victims) = match &judged.answer {
        // What `on_error` would have made of it is in the record; the advice is that the policy does not work.
        _ if judged.failure.is_some() => ("error", &[][..]),
        Judgement::Allow => ("allow", &[][..]),
        Judgement::Deny { .. } => ("deny", &[][..]),
        Judgement::Evict { victims } => ("evict", victims.as_slice()),
    };
    let evict = victims.iter().filter_map(|number| named(state, *number, effects)).collect();
    Some(Advice { quota, outcome, evict, reason: judged.reason.clone() })
}

/// The facts of a session that is live, or ended in this very decision.
fn named(state: &State, number: Seq, effects: &[Effect]) -> Option<Arc<Facts>> {
    let of = |tombstone: &Arc<Tombstone>| (tombstone.number == number).then(|| Arc::clone(&tombstone.facts));
    let gone = effects.iter().find_map(|effect| match effect {
        Effect::Ended(tombstone) => of(tombstone),
        _ => None,
    });
    gone.or_else(|| state.session_numbered(number).map(|session| Arc::clone(&session.facts)))
}

/// Tells of a new session; says how many its user has now.
fn admitted(state: &State, answer: &mut Answer, counted: &[Counted]) -> Option<u32> {
    answer.outcome = Outcome::Admitted;
    let shown = counted.first();
    show(state.ready(), (shown.map(|counted| counted.quota), shown.map(|counted| counted.limit)), answer);
    let session = state.session_numbered(answer.seq?)?;
    answer.generation = Some(session.generation);
    answer.session = Some(session.view());
    answer.quotas.reserve_exact(counted.len());
    answer.quotas.extend(counted.iter().zip(state.each_key_of(session)).filter_map(
        |(counted, (index, _, text))| {
            let quota = Arc::clone(&state.ready().quota(index)?.name);
            let (active, limit) = (counted.count, counted.limit);
            Some(QuotaUse { quota, key: key_for_people(&text), active, limit })
        },
    ));
    Some(state.active_of(session))
}

/// A resume consults no quota; what it shows comes from the frozen facts and the limits as configured.
fn resumed(state: &State, decision: &Decision, answer: &mut Answer) {
    answer.outcome = Outcome::Resumed;
    if let Some(Event::Resumed { session, .. }) = decision.events.last() {
        live(state, *session, answer);
    }
    let Some(session) = answer.session.as_ref().and_then(|view| state.session_numbered(view.number)) else {
        return;
    };
    let shown = state.ready().shown(&session.facts, decision.at);
    show(state.ready(), (shown.map(|(quota, _)| quota), shown.map(|(_, limit)| limit)), answer);
    answer.quotas = state
        .keys_of(session)
        .into_iter()
        .filter_map(|(index, _, text)| {
            let quota = state.ready().quota(index)?;
            let limit = quota.configured_limit(&session.facts, decision.at).0;
            let active = state.key_count(index, &text);
            Some(QuotaUse { quota: Arc::clone(&quota.name), key: key_for_people(&text), active, limit })
        })
        .collect();
}

fn live(state: &State, number: Seq, answer: &mut Answer) {
    if let Some(session) = state.session_numbered(number) {
        answer.generation = Some(session.generation);
        answer.session = Some(session.view());
    }
}

fn show(ready: &Ready, (quota, limit): (Option<u16>, Option<Limit>), answer: &mut Answer) {
    answer.quota = quota.and_then(|index| ready.quota(index)).map(|quota| Arc::clone(&quota.name));
    answer.limit = limit;
}

/// For a banned person, where nobody wrote another message: the default speaks of numbers, and a ban has none.
const BANNED: &str = "You may not sign in here.";

/// What the denied person reads: the policy's own words, else the quota's message, else the general one. `ready` are
/// the settings in force; `None` for a decision that denied nobody.
#[must_use]
pub fn refusal_message(ready: &Ready, decision: &Decision) -> Option<Arc<str>> {
    let Some(Event::Denied { code, quota, limit, active, judged, .. }) = decision.events.last() else {
        return None;
    };
    let judged = judged.and_then(|index| decision.judged.get(usize::from(index)));
    if let Some(told) = judged.and_then(|judged| judged.told.clone()) {
        return Some(told);
    }
    let quota = quota.and_then(|index| ready.quota(index));
    let general = &ready.settings.messages;
    let template = quota.map_or(general.denied.as_str(), |quota| message_for(quota, general, true));
    if *code == Code::UserBanned && template == Messages::default().denied {
        return Some(Arc::from(BANNED));
    }
    let name = quota.map_or("", |quota| &*quota.name);
    let by_client = match &decision.op {
        Op::Login(login) => login.facts.plain().and_then(|facts| facts.client()),
        _ => None,
    };
    let blanks = Blanks { limit: *limit, active: *active, quota: name, at: decision.at, by_client };
    Some(fill(template, blanks))
}

fn offered(state: &State, decision: &Decision, judged: Option<u16>) -> Vec<crate::answer::SessionView> {
    let judged = judged.and_then(|index| decision.judged.get(usize::from(index)));
    match judged.map(|judged| &judged.answer) {
        Some(Judgement::Deny { offer }) => offer
            .iter()
            .filter_map(|number| state.session_numbered(*number))
            .map(crate::state::Session::view)
            .collect(),
        _ => Vec::new(),
    }
}

/// Folds a decision read back from the ledger, and remembers the answer of its command id.
pub fn refold(state: &mut State, first: Seq, decision: &Decision) -> Effects {
    let effects = crate::evolve::evolve_decision(state, first, decision);
    if decision.command.is_none() && decision.cause.is_none() {
        return effects;
    }
    let so_far = state.change().partial.take().filter(|(cause, _)| Some(*cause) == decision.cause);
    let mut answer =
        so_far.map_or_else(|| Answer::new(Outcome::Configured, decision.at), |(_, answer)| *answer);
    narrate(state, first, decision, &effects, &mut answer);
    if let Some(user) = effects.iter().find_map(user_of) {
        count_again(state, Some(&user), &mut answer);
    }
    // An erasure is remembered by nobody: its answer names whom it ended.
    if matches!(decision.op, Op::Erase { .. }) {
        return effects;
    }
    match (&decision.command, decision.cause) {
        (Some(mark), _) => state.change().commands.put(mark, decision.at, Arc::new(answer), true),
        (None, Some(cause)) => state.change().partial = Some((cause, Box::new(answer))),
        (None, None) => {}
    }
    effects
}

fn user_of(effect: &Effect) -> Option<String> {
    match effect {
        Effect::Ended(tombstone) => Some(tombstone.facts.user().to_owned()),
        Effect::Retained(facts) => Some(facts.user().to_owned()),
        Effect::Live(_) | Effect::Nothing => None,
    }
}
