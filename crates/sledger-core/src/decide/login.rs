//! A login, tried in the order of RULES 3, all in one scratch view.

use super::judge::{Court, Denial};
use super::view::View;
use super::{Decided, Means, Outcomes, bounded, decision, edge, repeated};
use crate::answer::{Answer, Outcome};
use crate::command::{Ending, Login, Rejection, Request};
use crate::config::{
    DECISION_BYTES_MAX, ENDS_PER_LOGIN_MAX, Reuse, SEALED_BYTES, SEALED_DECISION_BYTES_MAX, SameId,
};
use crate::event::{Cause, Code, CommandMark, Decision, Event, Judged, Judgement, LoginExtras, LoginOp, Op};
use crate::state::Session;
use crate::{Facts, Millis, Personal, Seq, State, UserNo};
use std::sync::Arc;

/// Bytes of the ids that `end` of one login may name: they are recorded with it, whatever becomes of it.
const END_BYTES_MAX: usize = DECISION_BYTES_MAX / 2;

/// One login on its way.
pub(super) struct Attempt<'a> {
    pub(super) state: &'a State,
    pub(super) request: &'a Request,
    pub(super) login: &'a Login,
    pub(super) facts: Arc<Facts>,
    pub(super) at: Millis,
    /// Where its user stands, if it has live sessions.
    pub(super) user: Option<u32>,
    mark: Option<CommandMark>,
}

/// A refusal on the way: what is recorded of it.
enum Refusal {
    Conflict(Option<Seq>, String),
    Denied(Denial),
}

pub(super) fn login(
    state: &State,
    means: &mut Means<'_>,
    request: &Request,
    login: &Login,
    at: Millis,
) -> Outcomes {
    let ready = state.ready();
    let facts = edge::facts(login, ready, means.bounds, at)?;
    check_names(login)?;
    if facts.user().is_empty() {
        return Ok(Decided::Answer(Box::new(Answer::new(Outcome::Ignored, at))));
    }
    if ready.ignore.iter().any(|when| when.holds(&facts)) {
        let mut answer = Answer::new(Outcome::Ignored, at);
        answer.active = Some(state.active(facts.user()));
        return Ok(Decided::Answer(Box::new(answer)));
    }
    let mark = match repeated(state, request, at)? {
        Ok(mark) => mark,
        Err(first) => return Ok(first),
    };
    let user = state.tables().find_user(facts.user());
    let attempt = Attempt { state, request, login, facts: Arc::new(facts), at, user, mark };
    Ok(attempt.decide(means))
}

fn check_names(login: &Login) -> Result<(), Rejection> {
    if let Some(id) = &login.replaces {
        edge::session_id("replaces", Some(id))?;
    }
    if let Ending::Ids(ids) = &login.end {
        if ids.len() > ENDS_PER_LOGIN_MAX {
            let reason = format!("has {} ids; at most {ENDS_PER_LOGIN_MAX} are allowed", ids.len());
            return Err(Rejection::new("end", reason));
        }
        for (index, id) in ids.iter().enumerate() {
            edge::session_id(&format!("end[{index}]"), Some(id))?;
        }
        let bytes: usize = ids.iter().map(String::len).sum();
        if bytes > END_BYTES_MAX {
            let reason =
                format!("has {bytes} bytes of ids; at most {END_BYTES_MAX} are recorded: end them first");
            return Err(Rejection::new("end", reason));
        }
    }
    Ok(())
}

impl<'a> Attempt<'a> {
    /// A login like one that came before, to ask a policy about: nothing of it is recorded.
    pub(super) fn on_trial(
        state: &'a State,
        (request, login): (&'a Request, &'a Login),
        facts: &Arc<Facts>,
        at: Millis,
    ) -> Self {
        let user = state.tables().find_user(facts.user());
        Self { state, request, login, facts: Arc::clone(facts), at, user, mark: None }
    }
}

impl Attempt<'_> {
    fn decide(mut self, means: &mut Means<'_>) -> Decided {
        let mut view = View::new(self.state);
        if let Some(session) = self.state.session(self.facts.session()) {
            if session.facts.user() == self.facts.user() {
                return self.resume(session, view);
            }
            match self.state.ready().settings.sessions.same_id {
                SameId::Refuse => {
                    let reason = "the id belongs to a live session of another user".to_owned();
                    return self.refuse(Refusal::Conflict(Some(session.number), reason));
                }
                SameId::TakeOver => {
                    view.remove(session.number, Cause::TakenOver, None);
                }
            }
        }
        // A live id that is taken over is no ended one.
        if view.leaving.is_empty()
            && let Some(decided) = self.ended_before()
        {
            return decided;
        }
        if let Err(refusal) = self.make_way(&mut view) {
            return self.refuse(refusal);
        }
        if let Some(full) = self.full(means, &view) {
            return self.answer_full(full);
        }
        self.judge(means, view)
    }

    /// An ended id: not again so soon, or not again at all.
    fn ended_before(&self) -> Option<Decided> {
        let tombstone = self.state.tombstone(self.facts.session())?;
        let settings = &self.state.ready().settings.sessions;
        let ago = self.at.since(tombstone.ended_at);
        if tombstone.cause == Cause::Evicted && ago < settings.evicted_wait.as_millis() {
            let reason = format!("the id was evicted {ago} ms ago");
            return Some(self.refuse(Refusal::Denied(self.shown_denial(Code::EvictedRecently, reason))));
        }
        if settings.reuse == Reuse::Refuse {
            let mut answer = Answer::new(Outcome::Ended, self.at);
            answer.active = Some(self.state.active(self.facts.user()));
            self.show(&mut answer);
            answer.tombstone = Some(Arc::clone(tombstone));
            answer.reason = Some("the id has ended and may not come again".into());
            return Some(Decided::Answer(Box::new(answer)));
        }
        None
    }

    /// Takes what `end` and `replaces` name out of the view.
    fn make_way(&mut self, view: &mut View<'_>) -> Result<(), Refusal> {
        let replaced = match &self.login.replaces {
            Some(id) => Some(self.own_session(view, id, "replaces")?.ok_or_else(|| {
                Refusal::Conflict(None, "`replaces` names a session that is not live".to_owned())
            })?),
            None => None,
        };
        if let Some((number, started, ttl)) =
            replaced.map(|old| (old.number, old.facts.started, old.facts.ttl))
        {
            view.remove(number, Cause::Replaced, None);
            let facts = Arc::make_mut(&mut self.facts);
            (facts.started, facts.ttl) = (started, ttl);
        }
        for number in self.named_by_end(view, None)? {
            view.remove(number, Cause::Cleared, None);
        }
        Ok(())
    }

    /// The live sessions that `end` names, in (start, number) order, without `myself`.
    fn named_by_end(&self, view: &View<'_>, myself: Option<Seq>) -> Result<Vec<Seq>, Refusal> {
        let mut found: Vec<(Millis, Seq)> = Vec::new();
        match &self.login.end {
            Ending::None => {}
            Ending::All | Ending::Others => {
                let own = self.state.sessions_of(self.facts.user());
                found.extend(own.iter().map(|session| (session.facts.started, session.number)));
            }
            Ending::Ids(ids) => {
                for id in ids {
                    let session = self.own_session(view, id, "end")?;
                    found.extend(session.map(|session| (session.facts.started, session.number)));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found.into_iter().map(|(_, number)| number).filter(|number| Some(*number) != myself).collect())
    }

    /// A live session of this login's user; somebody else's is a conflict.
    fn own_session(&self, view: &View<'_>, id: &str, field: &str) -> Result<Option<&Session>, Refusal> {
        match self.state.session(id) {
            // Taken over, or replaced: no longer live in the view.
            Some(session) if view.has_left(session.number) => Ok(None),
            Some(session) if session.facts.user() == self.facts.user() => Ok(Some(session)),
            Some(session) => {
                let reason = format!("`{field}` names a live session of another user");
                Err(Refusal::Conflict(Some(session.number), reason))
            }
            None => Ok(None),
        }
    }

    /// The limit of this process that one more session would pass.
    fn full(&self, means: &Means<'_>, view: &View<'_>) -> Option<&'static str> {
        if means.bounds.disk_full {
            return Some("disk reserve");
        }
        let sessions = self.state.session_count().saturating_sub(view.leaving.len());
        if sessions >= means.bounds.sessions_max as usize {
            return Some("limits.sessions");
        }
        (self.user.is_none() && self.state.user_count() >= means.bounds.users_max as usize)
            .then_some("limits.users")
    }

    fn answer_full(&self, full: &'static str) -> Decided {
        let mut answer = Answer::new(Outcome::Denied, self.at);
        answer.active = Some(self.state.active(self.facts.user()));
        self.show(&mut answer);
        answer.full = Some(full);
        answer.reason = Some(format!("the ledger is full: {full} reached").into());
        Decided::Answer(Box::new(answer))
    }

    fn show(&self, answer: &mut Answer) {
        let ready = self.state.ready();
        if let Some((index, limit)) = ready.shown(&self.facts, self.at) {
            answer.quota = ready.quota(index).map(|quota| Arc::clone(&quota.name));
            answer.limit = Some(limit);
        }
    }

    fn shown_denial(&self, code: Code, reason: String) -> Denial {
        let shown = self.state.ready().shown(&self.facts, self.at);
        Denial {
            code,
            quota: shown.map(|(quota, _)| quota),
            limit: shown.map(|(_, limit)| limit),
            active: self.state.active(self.facts.user()),
            judged: None,
            reason: reason.into(),
        }
    }

    /// The same id again, from its own user: no quota is asked, not even about a ban.
    fn resume(&self, session: &Session, mut view: View<'_>) -> Decided {
        let ends = match self.named_by_end(&view, Some(session.number)) {
            Ok(ends) => ends,
            Err(refusal) => return self.refuse(refusal),
        };
        for number in ends {
            view.remove(number, Cause::Cleared, None);
        }
        if view.leaving.len() > ENDS_PER_LOGIN_MAX {
            return self.refuse(Refusal::Denied(self.too_large()));
        }
        let mut events = Vec::with_capacity(view.leaving.len() + 1);
        view.events(self.at, &mut events);
        events.push(Event::Resumed { session: session.number, retention: self.login.retention });
        self.recorded_if_it_fits(self.decision(Vec::new(), events))
    }

    fn judge(&self, means: &mut Means<'_>, view: View<'_>) -> Decided {
        let mut court = Court::new(self, means, view);
        let verdict = court.hear();
        let (judged, view, incidents) = (court.judged, court.view, court.incidents);
        // Room for all: a vector that grows begins with room for four.
        let mut events = Vec::with_capacity(incidents.len() + view.leaving.len() + 1);
        events.extend(incidents);
        let counted = match verdict {
            Ok(counted) => counted,
            Err(denial) => {
                events.push(denial.event());
                return self.recorded_if_it_fits(self.decision(judged, events));
            }
        };
        let recordable = view.leaving.len() <= ENDS_PER_LOGIN_MAX;
        view.events(self.at, &mut events);
        events.push(Event::Admitted { user: self.user_no(events.len()), counted });
        if recordable {
            return self.recorded_if_it_fits(self.decision(judged, events));
        }
        self.refuse(Refusal::Denied(self.too_large()))
    }

    fn recorded_if_it_fits(&self, decision: Decision) -> Decided {
        if fits(&decision) { self.recorded(decision) } else { self.recorded_without_shadows(decision) }
    }

    /// What a shadow said is left out before a login is refused for the length of its record.
    fn recorded_without_shadows(&self, mut decision: Decision) -> Decided {
        decision.events.retain(|event| !matches!(event, Event::PolicyDiffered { .. }));
        let before = decision.events.len().saturating_sub(1);
        let number = self.user_no(before);
        if let Some(Event::Admitted { user, .. }) = decision.events.last_mut() {
            *user = number;
        }
        if fits(&decision) { self.recorded(decision) } else { self.refuse(Refusal::Denied(self.too_large())) }
    }

    fn too_large(&self) -> Denial {
        let reason = format!(
            "more than {ENDS_PER_LOGIN_MAX} sessions would have to end, or the decision is too large"
        );
        self.shown_denial(Code::ExcessTooLarge, reason)
    }

    /// The user's number: that of the session that brings it, if it is new.
    fn user_no(&self, events_before: usize) -> UserNo {
        let known = self.user.and_then(|slot| self.state.tables().users.get(slot as usize));
        let own = self.state.seq().next().plus(events_before as u64);
        known.map_or(UserNo(own.0), |user| user.no)
    }

    fn refuse(&self, refusal: Refusal) -> Decided {
        let event = match refusal {
            Refusal::Denied(denial) => denial.event(),
            Refusal::Conflict(session, reason) => {
                let shown = self.state.ready().shown(&self.facts, self.at);
                Event::Conflicted {
                    session,
                    quota: shown.map(|(quota, _)| quota),
                    limit: shown.map(|(_, limit)| limit),
                    reason: reason.into(),
                }
            }
        };
        self.record(Vec::new(), vec![event])
    }

    fn record(&self, judged: Vec<Judged>, events: Vec<Event>) -> Decided {
        self.recorded(self.decision(judged, events))
    }

    fn recorded(&self, decision: Decision) -> Decided {
        Decided::one(decision, Answer::new(Outcome::Admitted, self.at))
    }

    fn decision(&self, judged: Vec<Judged>, events: Vec<Event>) -> Decision {
        let login = self.login;
        let extras = (login.end != Ending::None || login.replaces.is_some()).then(|| {
            let replaces = login.replaces.as_deref().map(|id| bounded(id).into());
            Personal::Plain(LoginExtras { end: login.end.clone(), replaces })
        });
        let op = Op::Login(Box::new(LoginOp {
            facts: Personal::Plain(Arc::clone(&self.facts)),
            extras,
            ttl: login.ttl,
            idle: login.idle,
            retention: login.retention,
        }));
        let mut decision = decision(self.request, self.at, op, judged, events);
        decision.command.clone_from(&self.mark);
        decision
    }
}

/// Whether a decision is within its bound. Only one that might not be is encoded to know.
fn fits(decision: &Decision) -> bool {
    let shadows = decision.events.iter().filter_map(|event| match event {
        Event::PolicyDiffered { shadow, .. } => Some(&**shadow),
        _ => None,
    });
    let judged: usize = decision.judged.iter().chain(shadows.clone()).map(rough).sum();
    // The rest is what the edge lets in: facts of some 12 KiB.
    let rough =
        judged + decision.events.iter().map(event_bytes).sum::<usize>() + extras(decision) + 16 * 1024;
    rough < DECISION_BYTES_MAX || {
        let (bytes, asked) = (crate::codec::encode(decision).len(), decision.judged.len() + shadows.count());
        bytes <= DECISION_BYTES_MAX && bytes + asked * SEALED_BYTES <= SEALED_DECISION_BYTES_MAX
    }
}

/// At least as many bytes as an event of a login takes, but for what a shadow said.
fn event_bytes(event: &Event) -> usize {
    match event {
        Event::Ended { .. } => 64,
        Event::Admitted { counted, .. } => 64 + counted.len() * 40,
        // Denials have a reason, failures the name of a policy.
        _ => 1024,
    }
}

/// At least as many bytes as it takes.
fn rough(judged: &Judged) -> usize {
    const NUMBER: usize = 10;
    let sessions = match &judged.answer {
        Judgement::Evict { victims: named } | Judgement::Deny { offer: named } => named.len(),
        Judgement::Allow => 0,
    };
    let texts = judged.reason.iter().chain(&judged.told).chain(&judged.notes);
    let key = judged.key.plain().map_or(0, |key| key.len());
    256 + key + sessions * NUMBER + texts.map(|text| text.len() + NUMBER).sum::<usize>()
}

/// Bytes of what a login names beside itself.
fn extras(decision: &Decision) -> usize {
    let Op::Login(login) = &decision.op else { return 0 };
    let Some(extras) = login.extras.as_ref().and_then(Personal::plain) else { return 0 };
    match &extras.end {
        Ending::Ids(ids) => ids.iter().map(|id| id.len() + 8).sum(),
        Ending::None | Ending::All | Ending::Others => 0,
    }
}

impl Denial {
    fn event(self) -> Event {
        Event::Denied {
            code: self.code,
            quota: self.quota,
            limit: self.limit,
            active: self.active,
            judged: self.judged,
            reason: self.reason,
        }
    }
}
