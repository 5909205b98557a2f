//! Commands about many sessions: clear, reconcile, adopt (RULES 10, 12).

use super::{Decided, Means, Outcomes, bounded, decision, edge, repeated, together};
use crate::answer::{Answer, Outcome};
use crate::command::{Adopt, Adoptee, Reconcile, Rejection, Request};
use crate::config::{DECISION_BYTES_MAX, ENDS_PER_DECISION_MAX, NAME_BYTES_MAX, SEALED_BYTES};
use crate::event::{Cause, Counted, Decision, Event, Op};
use crate::quota::Ready;
use crate::state::Session;
use crate::{Facts, KeyNo, Millis, Personal, Seq, Span, State, UserNo};
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A source's session without news for this long is judged by a reconcile that names no generation.
const QUIET: Span = Span::seconds(60);

pub(super) fn clear(
    state: &State,
    request: &Request,
    (user, keep): (Option<&str>, Option<&str>),
    at: Millis,
) -> Outcomes {
    let name = user.ok_or_else(|| Rejection::new("user", "is missing"))?;
    let user = edge::user_key(name, &state.ready().settings.users)?;
    if user.is_empty() {
        return Err(Rejection::new("user", "is empty"));
    }
    if let Some(keep) = keep {
        edge::session_id("keep", Some(keep))?;
    }
    let mark = match repeated(state, request, at)? {
        Ok(mark) => mark,
        Err(first) => return Ok(first),
    };
    let keep = keep.map(|id| kept(state, &user, id)).transpose()?;
    let all = state.sessions_of(&user);
    let ends: Vec<Seq> =
        all.iter().map(|session| session.number).filter(|number| Some(*number) != keep).collect();
    let mut answer = Answer::new(Outcome::Cleared, at);
    answer.active = Some(state.active(&user));
    let tables = state.tables();
    let no = tables.find_user(&user).and_then(|slot| tables.users.get(slot as usize)).map(|user| user.no);
    let (Some(user), false) = (no, ends.is_empty()) else { return Ok(Decided::Answer(Box::new(answer))) };
    let decisions = clearing(request, (user, keep), &ends, at);
    Ok(Decided::Record(together(state, decisions, mark), Box::new(answer)))
}

/// The decisions that end all sessions of a user; none where none is live.
pub(super) fn ended(state: &State, request: &Request, user: &str, at: Millis) -> Vec<Decision> {
    let ends: Vec<Seq> = state.sessions_of(user).iter().map(|session| session.number).collect();
    let tables = state.tables();
    let user = tables.find_user(user).and_then(|slot| tables.users.get(slot as usize));
    user.map_or_else(Vec::new, |user| clearing(request, (user.no, None), &ends, at))
}

fn clearing(
    request: &Request,
    (user, keep): (UserNo, Option<Seq>),
    ends: &[Seq],
    at: Millis,
) -> Vec<Decision> {
    let decisions = ends.chunks(ENDS_PER_DECISION_MAX).map(|chunk| {
        let mut events: Vec<Event> = chunk.iter().map(|session| cleared(*session, at)).collect();
        events.push(Event::UserCleared { user, keep, ended: count(chunk.len()) });
        decision(request, at, Op::Clear { user, keep }, Vec::new(), events)
    });
    decisions.collect()
}

fn kept(state: &State, user: &str, id: &str) -> Result<Seq, Rejection> {
    match state.session(id) {
        Some(session) if session.facts.user() == user => Ok(session.number),
        _ => Err(Rejection::new("keep", "is not a live session of this user; nothing was ended")),
    }
}

fn cleared(session: Seq, at: Millis) -> Event {
    Event::Ended { session, cause: Cause::Cleared, ended_at: at, judged: None }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

pub(super) fn reconcile(state: &State, request: &Request, command: &Reconcile, at: Millis) -> Outcomes {
    let source = command.source.as_deref().ok_or_else(|| Rejection::new("source", "is missing"))?;
    if source.is_empty() {
        return Err(Rejection::new("source", "is empty"));
    }
    edge::text("source", source, NAME_BYTES_MAX)?;
    for (index, id) in command.live.iter().enumerate() {
        edge::session_id(&format!("live[{index}]"), Some(id))?;
    }
    let mark = match repeated(state, request, at)? {
        Ok(mark) => mark,
        Err(first) => return Ok(first),
    };
    let listed: BTreeSet<&str> = command.live.iter().map(String::as_str).collect();
    let mut answer = Answer::new(Outcome::Reconciled, at);
    answer.unknown = unknown(state, &command.live);
    let mut gone: Vec<&Session> = state
        .rows()
        .iter()
        .map(|(_, session)| session)
        .filter(|session| session.facts.source() == Some(source) && !listed.contains(session.facts.session()))
        .filter(|session| !session.is_retained() && is_judged(session, command.as_of, at))
        .collect();
    gone.sort_unstable_by_key(|session| (session.facts.started, session.number));
    if gone.is_empty() {
        return Ok(Decided::Answer(Box::new(answer)));
    }
    let op = Op::Reconcile { source: source.into(), as_of: command.as_of };
    let decisions = gone.chunks(ENDS_PER_DECISION_MAX).map(|chunk| {
        let mut events: Vec<Event> = chunk.iter().map(|session| leave(session, at)).collect();
        let retained = chunk.iter().filter(|session| !session.retention().is_zero()).count();
        let ended = count(chunk.len() - retained);
        events.push(Event::SourceReconciled { source: source.into(), ended, retained: count(retained) });
        decision(request, at, op.clone(), Vec::new(), events)
    });
    Ok(Decided::Record(together(state, decisions.collect(), mark), Box::new(answer)))
}

/// Listed ids that are not live, each once, as listed.
fn unknown(state: &State, live: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    live.iter().filter(|id| state.session(id).is_none() && seen.insert(id.as_str())).cloned().collect()
}

/// Whether a list made at its source may speak about this session: not about one that came or moved since.
fn is_judged(session: &Session, as_of: Option<Seq>, at: Millis) -> bool {
    match as_of {
        Some(as_of) => session.generation <= as_of,
        None => at.since(session.last_news()) > QUIET.as_millis(),
    }
}

fn leave(session: &Session, at: Millis) -> Event {
    if session.retention().is_zero() {
        Event::Ended { session: session.number, cause: Cause::Reconciled, ended_at: at, judged: None }
    } else {
        Event::Disconnected { session: session.number }
    }
}

pub(super) fn adopt(
    state: &State,
    means: &mut Means<'_>,
    request: &Request,
    command: &Adopt,
    at: Millis,
) -> Outcomes {
    let source = command.source.as_deref();
    if let Some(source) = source {
        edge::text("source", source, NAME_BYTES_MAX)?;
    }
    let mut adoption = Adoption::new(state, at);
    let ready = state.ready();
    for (index, adoptee) in command.sessions.iter().enumerate() {
        let inside = |rejection: Rejection| Rejection {
            field: format!("sessions[{index}].{}", rejection.field),
            ..rejection
        };
        adoption.take(adoptee, source, (ready, means)).map_err(inside)?;
    }
    let mark = match repeated(state, request, at)? {
        Ok(mark) => mark,
        Err(first) => return Ok(first),
    };
    let full = match () {
        () if means.bounds.disk_full => Some("disk reserve"),
        () if state.session_count() + adoption.taken.len() > means.bounds.sessions_max as usize => {
            Some("limits.sessions")
        }
        () => None,
    };
    if let Some(full) = full {
        let mut answer = Answer::new(Outcome::Denied, at);
        answer.full = Some(full);
        answer.reason = Some(format!("the ledger is full: {full} reached").into());
        return Ok(Decided::Answer(Box::new(answer)));
    }
    let mut answer = Answer::new(Outcome::Adopted, at);
    answer.skipped = std::mem::take(&mut adoption.skipped);
    if adoption.taken.is_empty() {
        return Ok(Decided::Answer(Box::new(answer)));
    }
    let decisions = adoption.record(request, source, at);
    Ok(Decided::Record(together(state, decisions, mark), Box::new(answer)))
}

/// Bytes of sessions that one decision of an adopt may hold, well below the bound of a decision.
const ADOPTED_BYTES_MAX: usize = 32 * 1024;

/// Sessions on their way in, counted as if those before them were in already.
struct Adoption<'a> {
    state: &'a State,
    at: Millis,
    taken: Vec<(Arc<Facts>, Millis)>,
    ids: BTreeSet<String>,
    skipped: Vec<String>,
    counts: BTreeMap<(u16, Arc<str>), (KeyNo, u32)>,
    users: BTreeMap<String, UserNo>,
    key_next: u64,
}

impl<'a> Adoption<'a> {
    fn new(state: &'a State, at: Millis) -> Self {
        Self {
            state,
            at,
            taken: Vec::new(),
            ids: BTreeSet::new(),
            skipped: Vec::new(),
            counts: BTreeMap::new(),
            users: BTreeMap::new(),
            key_next: state.tables().key_next,
        }
    }

    fn take(
        &mut self,
        adoptee: &Adoptee,
        source: Option<&str>,
        (ready, means): (&Ready, &Means<'_>),
    ) -> Result<(), Rejection> {
        let mut login = adoptee.login.clone();
        login.source = login.source.or_else(|| source.map(str::to_owned));
        let name = login.user.as_deref().ok_or_else(|| Rejection::new("user", "is missing"))?;
        let nobody = edge::user_key(name, &ready.settings.users)?.is_empty();
        let mut facts = edge::facts(&login, ready, means.bounds, self.at)?;
        let id = facts.session().to_owned();
        let ignored = nobody || ready.ignore.iter().any(|when| when.holds(&facts));
        if ignored || self.state.session(&id).is_some() || !self.ids.insert(id.clone()) {
            self.skipped.push(id);
            return Ok(());
        }
        facts.started = adoptee.started.unwrap_or(self.at).min(self.at);
        let last_active = adoptee.last_active.unwrap_or(facts.started).clamp(facts.started, self.at);
        self.taken.push((Arc::new(facts), last_active));
        Ok(())
    }

    fn record(mut self, request: &Request, source: Option<&str>, at: Millis) -> Vec<Decision> {
        let mut decisions = Vec::new();
        let mut seq = self.state.seq().next();
        let source: Option<Box<str>> = source.map(|source| bounded(source).into());
        let mut rest = std::mem::take(&mut self.taken).into_iter().peekable();
        while rest.peek().is_some() {
            let (mut events, mut bytes) = (Vec::new(), 0usize);
            let sealed = |events: &Vec<Event>| events.len().saturating_mul(SEALED_BYTES);
            while events.len() < ENDS_PER_DECISION_MAX
                && bytes < ADOPTED_BYTES_MAX
                && bytes.saturating_add(sealed(&events)) < DECISION_BYTES_MAX
            {
                let Some((facts, last_active)) = rest.next() else { break };
                let event = self.adopted(facts, last_active, seq);
                bytes += crate::codec::encode(&event).len();
                events.push(event);
                seq = seq.next();
            }
            events.push(Event::SourceAdopted { source: source.clone(), adopted: count(events.len()) });
            seq = seq.next();
            decisions.push(decision(request, at, Op::Adopt { source: source.clone() }, Vec::new(), events));
        }
        decisions
    }

    fn adopted(&mut self, facts: Arc<Facts>, last_active: Millis, seq: Seq) -> Event {
        let user = self.user_no(facts.user(), seq);
        let counted = self.counted(&facts);
        Event::Adopted { user, facts: Personal::Plain(facts), last_active, counted }
    }

    fn user_no(&mut self, name: &str, seq: Seq) -> UserNo {
        let tables = self.state.tables();
        let known =
            tables.find_user(name).and_then(|slot| tables.users.get(slot as usize)).map(|user| user.no);
        known.unwrap_or_else(|| *self.users.entry(name.to_owned()).or_insert(UserNo(seq.0)))
    }

    fn counted(&mut self, facts: &Facts) -> SmallVec<[Counted; 2]> {
        let ready = Arc::clone(self.state.ready());
        let mut all = SmallVec::new();
        for (quota, index) in ready.quotas.iter().zip(0u16..) {
            let limit = quota.configured_limit(facts, self.at).0;
            for text in quota.keys_counting(facts) {
                let (key, count) = self.count_one(index, text);
                all.push(Counted { quota: index, key, limit, count });
            }
        }
        all
    }

    fn count_one(&mut self, quota: u16, text: Arc<str>) -> (KeyNo, u32) {
        let tables = self.state.tables();
        let slot = tables.find_key(quota, &text);
        let known = slot.and_then(|slot| tables.keys.get(slot as usize)).map(|key| key.no);
        let before = self.state.key_count(quota, &text);
        let next = &mut self.key_next;
        let entry = self.counts.entry((quota, text)).or_insert_with(|| {
            let fresh = known.unwrap_or_else(|| {
                *next = next.saturating_add(1);
                KeyNo(next.saturating_sub(1))
            });
            (fresh, before)
        });
        entry.1 = entry.1.saturating_add(1);
        *entry
    }
}
