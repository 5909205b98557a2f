//! One session, as it was at the moment: live, ended by then, or not begun.

use super::{History, Past};
use crate::source::{Found, Told};
use sledger_core::event::{Decision, Event, Op};
use sledger_core::state::Session;
use sledger_core::{Facts, Seq};
use sledger_wire::answer::{SessionObject, TombstoneObject};
use sledger_wire::events::EventLine;

impl<H: History> Past<H> {
    /// A session by `id@number`, or the last one of an id.
    pub(super) fn session(&mut self, unique: &str, meanwhile: &mut dyn FnMut(Told)) -> Result<Found, String> {
        let at = &self.show()?.at;
        let (id, number) = named(unique);
        let session = match number {
            Some(number) => at.state().session_numbered(number),
            None => at.state().session(id),
        };
        if let Some(session) = session.filter(|session| at.is_in(session)) {
            return Ok(Found::Live(SessionObject::from(&session.view())));
        }
        // Over by itself, which may never be written down.
        let over = session.filter(|session| session.facts.started <= at.at()).map(lapsed);
        let tombstone = at.state().tombstone(id).filter(|one| number.is_none_or(|n| one.number == n));
        let number = number.or_else(|| session.map(|one| one.number).or(tombstone.map(|one| one.number)));
        let remembered = over.or_else(|| tombstone.map(|one| TombstoneObject::from(&**one)));
        let Some(number) = number.filter(|number| *number <= at.seq()) else {
            return Ok(Found::Unknown(unique.to_owned()));
        };
        let ended = self.ended(number, meanwhile)?.or(remembered);
        Ok(ended.map_or_else(|| Found::Unknown(unique.to_owned()), Found::Ended))
    }

    /// What the event says that ended a session.
    fn ended(
        &mut self,
        number: Seq,
        meanwhile: &mut dyn FnMut(Told),
    ) -> Result<Option<TombstoneObject>, String> {
        if let Some(line) = self.life.as_ref().and_then(|life| life.end_of(number)) {
            return Ok(Some(ended(line)));
        }
        let Some((first, decision)) = self.history.read(number)?.next().transpose()? else { return Ok(None) };
        let Some(user) = admitted(first, &decision, number).map(|facts| facts.user().to_owned()) else {
            return Ok(None);
        };
        Ok(self.life(&user, meanwhile)?.end_of(number).map(ended))
    }
}

fn named(unique: &str) -> (&str, Option<Seq>) {
    let number = |(id, number): (_, &str)| Some((id, Some(Seq(number.parse().ok()?))));
    unique.rsplit_once('@').and_then(number).unwrap_or((unique, None))
}

/// The facts of the session that began with an event of this decision.
fn admitted(first: Seq, decision: &Decision, number: Seq) -> Option<&Facts> {
    let index = usize::try_from(number.0.checked_sub(first.0)?).ok()?;
    match (decision.events.get(index)?, &decision.op) {
        (Event::Admitted { .. }, Op::Login(login)) => login.facts.plain().map(|facts| &**facts),
        (Event::Adopted { facts, .. }, _) => facts.plain().map(|facts| &**facts),
        _ => None,
    }
}

fn ended(line: &EventLine) -> TombstoneObject {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    TombstoneObject {
        session: text(&line.session),
        number: line.number.unwrap_or_default(),
        user: text(&line.user),
        source: line.source.clone(),
        client: line.client.clone(),
        started: text(&line.started),
        ended_at: text(&line.ended_at),
        cause: text(&line.cause),
        code: line.code.clone(),
        reason: line.reason.clone(),
        message: line.message.clone(),
        decision: line.decision,
        by_session: line.by_session.clone(),
        quota: line.quota.clone(),
        policy: line.policy.clone(),
        by_number: None,
    }
}

/// A session that was over when its time was up.
fn lapsed(session: &Session) -> TombstoneObject {
    let view = SessionObject::from(&session.view());
    TombstoneObject {
        session: view.session,
        number: session.number.0,
        user: view.user,
        source: view.source,
        client: view.client,
        started: view.started,
        ended_at: session.deadline().rfc3339(),
        cause: session.cause_at_deadline().as_str().to_owned(),
        ..TombstoneObject::default()
    }
}
