//! What events do to sessions.

use super::erased::kept_of;
use super::{Effect, Happened, login_facts, shift};
use crate::answer::Tombstone;
use crate::event::{Cause, Code, Counted, Event, Judged, Op};
use crate::policy::message_for;
use crate::quota::{Keys, Ready};
use crate::state::{Said, Session, Tables};
use crate::words::{Blanks, fill};
use crate::{Facts, Millis, Seq, Span, UserNo};
use std::sync::Arc;

pub(super) fn admitted(
    tables: &mut Tables,
    happened: Happened<'_>,
    user: UserNo,
    counted: &[Counted],
) -> Effect {
    let facts = login_facts(happened.decision, happened.seq);
    let user = tables.user_slot(facts.user(), user);
    put(tables, Session::new(facts, happened.seq, happened.decision.at, user), counted)
}

pub(super) fn adopted(
    tables: &mut Tables,
    happened: Happened<'_>,
    (user, facts, last_active): (UserNo, Arc<Facts>, Millis),
    counted: &[Counted],
) -> Effect {
    let user = tables.user_slot(facts.user(), user);
    let mut session = Session::new(facts, happened.seq, last_active, user);
    session.change_rare(|rare, _| rare.adopted = Some(happened.decision.at));
    put(tables, session, counted)
}

fn put(tables: &mut Tables, session: Session, counted: &[Counted]) -> Effect {
    let number = session.number;
    let name = tables.users.get(session.user as usize).map(|user| &user.name);
    let keys = key_texts(&tables.ready, name, &session.facts, counted);
    tables.insert(session, counted, &keys);
    Effect::Live(number)
}

/// The texts of the keys that count a session; `name` is that of its user, shared where a key is just that.
pub(crate) fn key_texts(ready: &Ready, name: Option<&Arc<str>>, facts: &Facts, counted: &[Counted]) -> Keys {
    let mut keys = Keys::new();
    for quota in ready.quotas.iter().filter(|_| !facts.is_sealed()) {
        match name {
            Some(name) if quota.is_own() => keys.push(Arc::clone(name)),
            _ => keys.extend(quota.keys_counting(facts)),
        }
    }
    if keys.len() == counted.len() && !facts.is_sealed() {
        return keys;
    }
    // Keys whose text is sealed away are still told apart by their number.
    counted.iter().map(|counted| Arc::from(format!("\u{1f}key:{}", counted.key.0))).collect()
}

pub(super) fn resumed(
    tables: &mut Tables,
    happened: Happened<'_>,
    number: Seq,
    retention: Option<Span>,
) -> Effect {
    let Some(slot) = tables.find_number(number) else { return Effect::Nothing };
    let seen = login_facts(happened.decision, happened.seq);
    let at = happened.decision.at;
    tables.update(slot, |session| {
        session.generation = happened.seq;
        session.last_active = at;
        session.last_seen = at;
        session.set_disconnected(None);
        session.set_idle_shift(0);
        see_again(session, &seen, retention);
    });
    Effect::Live(number)
}

/// Keeps what a resume shows that the frozen facts do not.
fn see_again(session: &mut Session, seen: &Facts, retention: Option<Span>) {
    let differs = |seen: Option<&str>, frozen: Option<&str>| seen.filter(|_| seen != frozen).map(Arc::from);
    session.change_rare(|rare, facts| {
        if seen.ip().is_some() {
            rare.seen_ip = differs(seen.ip(), facts.ip());
        }
        if seen.client().is_some() {
            rare.seen_client = differs(seen.client(), facts.client());
        }
        if retention.is_some() {
            rare.retention = retention.filter(|span| *span != facts.retention);
        }
    });
}

pub(super) fn touched(tables: &mut Tables, number: Seq, at: Millis) -> Effect {
    if let Some(slot) = tables.find_number(number) {
        tables.update(slot, |session| {
            session.last_active = session.last_active.max(at);
            session.last_seen = session.last_seen.max(at);
            session.set_idle_shift(0);
        });
    }
    Effect::Nothing
}

pub(super) fn disconnected(tables: &mut Tables, number: Seq, at: Millis) -> Effect {
    let Some(slot) = tables.find_number(number) else { return Effect::Nothing };
    tables.update(slot, |session| session.set_disconnected(Some(at)));
    match tables.sessions.get(slot as usize) {
        Some(session) => Effect::Retained(Arc::clone(&session.facts)),
        None => Effect::Nothing,
    }
}

/// Idle time does not run while the ledger is down.
pub(super) fn gap(tables: &mut Tables, open: Millis, gap: Span) {
    let resolution = tables.ready.settings.sessions.activity_resolution;
    let idling: Vec<u32> = tables
        .sessions
        .iter()
        .filter(|(_, session)| !session.is_retained() && !session.facts.idle.is_never())
        .map(|(slot, _)| u32::try_from(slot).unwrap_or(u32::MAX))
        .collect();
    tables.put_off(&idling, |session| {
        let moved = session.idle_shift();
        let deadline = session.last_active.plus(session.facts.idle).plus(Span::millis(moved));
        session.set_idle_shift(moved.saturating_add(shift(deadline, gap, open, resolution)));
    });
}

pub(super) fn ended(
    tables: &mut Tables,
    happened: Happened<'_>,
    (number, cause, ended_at): (Seq, Cause, Millis),
    judged: Option<u16>,
) -> Effect {
    let Some(session) = tables.find_number(number).and_then(|slot| tables.remove(slot)) else {
        return Effect::Nothing;
    };
    let judged = judged.and_then(|index| happened.decision.judged.get(usize::from(index)));
    let by_session = newcomer(happened);
    let message = judged.and_then(|judged| message(tables, happened, judged));
    let tombstone = Arc::new(Tombstone {
        facts: kept_of(session.facts),
        number,
        ended_at,
        cause,
        decision: happened.first,
        code: (cause == Cause::Evicted).then_some(Code::SessionQuotaExceeded),
        reason: reason(happened, judged),
        message,
        by_session,
        quota: judged
            .and_then(|judged| tables.ready.quota(judged.quota))
            .map(|quota| Arc::clone(&quota.name)),
        policy: judged.and_then(|judged| judged.policy.clone()),
    });
    let most = tables.ready.settings.sessions.tombstones_max as usize;
    tables.tombs.push(&tables.hasher, Arc::clone(&tombstone), most);
    Effect::Ended(tombstone)
}

/// The session that this decision admits or resumes.
fn newcomer(happened: Happened<'_>) -> Option<Seq> {
    match happened.decision.events.last() {
        Some(Event::Admitted { .. }) => {
            let after = u64::try_from(happened.decision.events.len()).unwrap_or(0).saturating_sub(1);
            Some(happened.first.plus(after))
        }
        Some(Event::Resumed { session, .. }) => Some(*session),
        _ => None,
    }
}

fn reason(happened: Happened<'_>, judged: Option<&Judged>) -> Option<Arc<str>> {
    match (judged, &happened.decision.op) {
        (Some(judged), _) => judged.reason.clone(),
        (None, Op::End { reason, .. }) => reason.as_deref().map(Arc::from),
        _ => None,
    }
}

fn message(tables: &mut Tables, happened: Happened<'_>, judged: &Judged) -> Option<Arc<str>> {
    // An erasure leaves no words that may name the newcomer's client.
    if let Op::Login(login) = &happened.decision.op
        && login.facts.plain().is_none()
    {
        return None;
    }
    if judged.told.is_some() {
        return judged.told.clone();
    }
    let by_client = match &happened.decision.op {
        Op::Login(login) => login.facts.plain().and_then(|facts| facts.client()),
        _ => None,
    };
    let (limit, active, at) = (Some(judged.limit), judged.active, happened.decision.at);
    let said = Said { quota: judged.quota, limit: judged.limit, active, at };
    if let (None, Some((before, words))) = (by_client, &tables.said)
        && *before == said
    {
        return Some(Arc::clone(words));
    }
    let quota = tables.ready.quota(judged.quota)?;
    let template = message_for(quota, &tables.ready.settings.messages, false);
    let words = fill(template, Blanks { limit, active, quota: &quota.name, at, by_client });
    if by_client.is_none() {
        tables.said = Some((said, Arc::clone(&words)));
    }
    Some(words)
}
