//! What a login or an adoption would come to: told from its decision, without folding it.
//!
//! Promise: outcome, code, ids, counts and times are those that the same login gets if it is decided next at the
//! same time; only seq and generation, which nothing has yet, are left out. Of an adoption: which quota keys would
//! hold more sessions than their limit, by overrides and settings; a script's own `limit()` is not asked, as an
//! adoption asks none.
//! Absent on purpose: any change of the state, anything remembered.

use crate::answer::{Answer, Outcome, QuotaUse, SessionView, Tombstone};
use crate::event::{Counted, Decision, Event, Op};
use crate::evolve::Effect;
use crate::narrate::narrate;
use crate::quota::key_for_people;
use crate::state::Session;
use crate::{Facts, Limit, Millis, Seq, State};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Adds to `answer` what `decision` would do if it were folded into `state`.
pub(crate) fn foresee(state: &State, decision: &Decision, answer: &mut Answer) {
    let first = state.seq().next();
    let effects: Vec<Effect> =
        decision.events.iter().map(|event| effect(state, first, decision, event)).collect();
    narrate(state, first, decision, &effects, answer);
    let leaving: Vec<&Session> = leaving(state, decision).collect();
    if let Op::Login(login) = &decision.op
        && let Some(facts) = login.facts.plain()
    {
        let fresh = u32::from(answer.outcome == Outcome::Admitted);
        let own = leaving.iter().filter(|session| session.facts.user() == facts.user()).count();
        answer.active = Some(less(state.active(facts.user()), own).saturating_add(fresh));
        match decision.events.last() {
            Some(Event::Admitted { counted, .. }) => admitted(state, decision, (facts, counted), answer),
            Some(Event::Resumed { session, .. }) => resumed(state, decision, (*session, &leaving), answer),
            _ => {}
        }
    }
    (answer.seq, answer.generation) = (None, None);
}

/// What folding one event would be told of.
fn effect(state: &State, first: Seq, decision: &Decision, event: &Event) -> Effect {
    let Event::Ended { session, cause, ended_at, .. } = event else { return Effect::Nothing };
    let Some(ended) = state.session_numbered(*session) else { return Effect::Nothing };
    Effect::Ended(Arc::new(Tombstone {
        facts: Arc::clone(&ended.facts),
        number: *session,
        ended_at: *ended_at,
        cause: *cause,
        decision: first,
        code: None,
        reason: None,
        message: None,
        by_session: Some(first.plus(decision.events.len().saturating_sub(1) as u64)),
        quota: None,
        policy: None,
    }))
}

fn leaving<'a>(state: &'a State, decision: &'a Decision) -> impl Iterator<Item = &'a Session> {
    let ended = decision.events.iter().filter_map(|event| match event {
        Event::Ended { session, .. } => Some(*session),
        _ => None,
    });
    ended.filter_map(|number| state.session_numbered(number))
}

/// The session as it would be, and its keys: those of the quotas that count it, in their order, as it was counted.
fn admitted(
    state: &State,
    decision: &Decision,
    (facts, counted): (&Arc<Facts>, &[Counted]),
    answer: &mut Answer,
) {
    let number = state.seq().plus(decision.events.len() as u64);
    answer.session = Some(Session::new(Arc::clone(facts), number, decision.at, 0).view());
    let quotas = &state.ready().quotas;
    let texts = quotas.iter().flat_map(|quota| quota.keys_counting(facts));
    let told = counted.iter().zip(texts).filter_map(|(counted, text)| {
        let quota = Arc::clone(&state.ready().quota(counted.quota)?.name);
        let (active, limit) = (counted.count, counted.limit);
        Some(QuotaUse { quota, key: key_for_people(&text), active, limit })
    });
    answer.quotas = told.collect();
}

/// The session as it would be after the resume, and its keys without the sessions that would end.
fn resumed(state: &State, decision: &Decision, (number, leaving): (Seq, &[&Session]), answer: &mut Answer) {
    let Some(session) = state.session_numbered(number) else { return };
    let expires = session.facts.ends_at().min(decision.at.plus(session.facts.idle));
    answer.session =
        Some(SessionView { last_active: decision.at, retained: false, expires, ..session.view() });
    let keys = session.keys();
    for (used, key) in answer.quotas.iter_mut().zip(keys) {
        let gone = leaving.iter().filter(|session| session.has_key(key)).count();
        used.active = less(used.active, gone);
    }
}

/// The keys that would hold more than their limit once `decisions` have adopted their sessions and those of them that
/// are over already are gone: quota by quota, key by key. Where adopted sessions have several limits under one key,
/// the lowest is told.
pub(crate) fn overfull(state: &State, decisions: &[Arc<Decision>], at: Millis) -> Vec<QuotaUse> {
    let mut keys: BTreeMap<(u16, Arc<str>), (u32, Limit)> = BTreeMap::new();
    for facts in decisions.iter().flat_map(|decision| live_adopted(decision, at)) {
        for (quota, index) in state.ready().quotas.iter().zip(0u16..) {
            let limit = quota.configured_limit(facts, at).0;
            for key in quota.keys_counting(facts) {
                let before = state.key_count(index, &key);
                let (count, lowest) = keys.entry((index, key)).or_insert((before, limit));
                *count = count.saturating_add(1);
                *lowest = lower(*lowest, limit);
            }
        }
    }
    let over = keys.into_iter().filter(|(_, (count, limit))| !limit.holds(*count));
    let told = over.filter_map(|((index, key), (active, limit))| {
        let quota = Arc::clone(&state.ready().quota(index)?.name);
        Some(QuotaUse { quota, key: key_for_people(&key), active, limit })
    });
    told.collect()
}

/// Adopted sessions that are not over at `at`: what is over is drained before anybody is judged.
fn live_adopted(decision: &Decision, at: Millis) -> impl Iterator<Item = &Arc<Facts>> {
    decision.events.iter().filter_map(move |event| {
        let Event::Adopted { facts, last_active, .. } = event else { return None };
        let facts = facts.plain()?;
        let deadline = facts.ends_at().min(last_active.plus(facts.idle));
        (at < deadline).then_some(facts)
    })
}

fn lower(one: Limit, other: Limit) -> Limit {
    let rank = |limit: Limit| match limit {
        Limit::Banned => 0,
        Limit::Max(max) => u64::from(max.get()),
        Limit::Unlimited => u64::MAX,
    };
    if rank(other) < rank(one) { other } else { one }
}

fn less(count: u32, gone: usize) -> u32 {
    count.saturating_sub(u32::try_from(gone).unwrap_or(u32::MAX))
}
