//! What is folded for each question, and written piece by piece.

use super::failed;
use super::look::{Looking, Window};
use crate::reply::Refusal;
use sledger::core::answer::SessionView;
use sledger::core::command::Rejection;
use sledger::core::decide::edge::user_key;
use sledger::core::decider::Recorded;
use sledger::core::{Millis, Seq};
use sledger::projector::{Told, tell};
use sledger_replay::at::{At, Begin, Standing, When, of_ledger};
use sledger_replay::diff::{Picture, diff as compared};
use sledger_replay::history::{Fold, HistoryError, decisions, first_state};
use sledger_replay::lines::event_line;
use sledger_replay::timeline::{Asked, FindError, InLedger, SparseError, Who, of_ledger as sparse, resolve};
use sledger_wire::answer::SessionObject;
use sledger_wire::config::matches;
use sledger_wire::escape;
use sledger_wire::events::EventLine;
use sledger_wire::pages::{TimelinePage, UserDetail};
use sledger_wire::past::{AT_END, DIFF_END, at_begin, at_user, diff_begin, diff_gone, diff_session};
use sledger_wire::queries::{AtQuery, TimelineQuery, page_size};
use std::sync::Arc;

/// The ledger at a moment, within what was durable.
fn folded(look: &Looking, field: &'static str, when: When, snapshots: bool) -> Result<At, Refusal> {
    if let When::After(seq) = when
        && seq > look.head
    {
        let reason = format!("there is no seq {seq} yet: the last event is seq {}", look.head);
        return Err(Rejection::new(field, reason).into());
    }
    let (reader, stop) = (look.open()?, look.stop());
    let found = of_ledger(&reader, look.data(), when, look.begin(snapshots, &stop));
    Ok(found.map_err(|error| failed(&error.to_string()))?.at)
}

/// Who was in.
pub(super) fn at(look: &mut Looking, when: When, query: &AtQuery) -> Result<(), Refusal> {
    let at = folded(look, "when", when, !query.no_snapshots)?;
    let user = query.user.as_deref();
    let key = user.map(|user| user_key(user, &at.state().ready().settings.users)).transpose();
    let key = key.map_err(|why| Rejection::new("user", why.reason))?;
    look.write(&at_begin(at.seq().0, &at.at().rfc3339()))?;
    match key {
        Some(key) => look.write(&at_user(&detail(&at.user(&key), &key), true))?,
        None => {
            for (index, one) in at.users().enumerate() {
                let name = one.user().unwrap_or_default();
                look.write(&at_user(&detail(&one, name), index == 0))?;
            }
        }
    }
    look.write(AT_END)
}

fn detail(one: &Standing<'_>, user: &str) -> UserDetail {
    UserDetail {
        user: user.to_owned(),
        active: u32::try_from(one.sessions.len()).unwrap_or(u32::MAX),
        limit: one.limit.map(Into::into),
        sessions: one.sessions.iter().map(|session| SessionObject::from(&session.view())).collect(),
    }
}

/// What differs.
pub(super) fn diff(look: &mut Looking, (from, to): (When, When), whole: bool) -> Result<(), Refusal> {
    let from = Picture::of(&folded(look, "from", from, !whole)?);
    let to = Picture::of(&folded(look, "to", to, !whole)?);
    let found = compared(&from, &to);
    look.write(&diff_begin(&found.head))?;
    sessions(look, &found.came)?;
    look.write(diff_gone())?;
    sessions(look, &found.gone)?;
    look.write(DIFF_END)
}

fn sessions(look: &mut Looking, sessions: &[&SessionView]) -> Result<(), Refusal> {
    let mut all = sessions.iter().map(|view| SessionObject::from(*view)).enumerate();
    all.try_for_each(|(index, one)| look.write(&diff_session(&one, index == 0)))
}

/// A page of events about somebody.
pub(super) fn timeline(look: &mut Looking, window: &Window, query: &TimelineQuery) -> Result<(), Refusal> {
    if query.who.is_none() && !query.changes && query.actor.is_none() {
        return Err(
            Rejection::new("who", "is missing: name somebody, or ask for `changes` or an `actor`").into()
        );
    }
    let (reader, stop) = (look.open()?, look.stop());
    let begin = look.begin(false, &stop);
    let who = query.who.as_deref().map(Who::parse);
    let found = resolve(who.as_ref(), &mut InLedger { reader: &reader, begin });
    let found = found.map_err(|error| match error {
        FindError::Name(why) => Rejection::new("who", escape(&why)).into(),
        other => failed(&other.to_string()),
    })?;
    let asked = Asked { subject: found.subject, changes: query.changes };
    let mut page = Page { asked, window, query, events: Vec::new(), last: Seq(0), is_full: false };
    match sparse(&reader, &page.asked.clone(), begin, |told, _| Ok::<_, SparseError>(page.told(told))) {
        Ok(_) => {}
        Err(SparseError::TooForeign) => everything(&mut page, &reader, begin)?,
        Err(error) => return Err(failed(&error.to_string())),
    }
    let next = page.is_full.then_some(page.last.0);
    let page = TimelinePage { seq: look.head.0, note: found.said, events: page.events, next };
    look.write(&page.to_json())
}

/// The same by folding everything.
fn everything(page: &mut Page<'_>, reader: &sledger::log::Reader, begin: Begin<'_>) -> Result<(), Refusal> {
    let told = |error: HistoryError| failed(&error.to_string());
    let mut fold = Fold::new(first_state(reader.dir(), reader).map_err(told)?);
    for block in reader.blocks(Seq(1)) {
        let block = block.map_err(|error| failed(&error.to_string()))?;
        let is_behind = begin.upto.is_some_and(|upto| block.header().last() > upto);
        if is_behind || (begin.is_stopped)() {
            break;
        }
        for decision in decisions(&block) {
            let decision = decision.map_err(told)?;
            let recorded: Recorded = fold.decision(Arc::new(decision)).map_err(told)?;
            if !page.told(&tell(fold.state(), &recorded)) {
                return Ok(());
            }
        }
    }
    Ok(())
}

struct Page<'q> {
    asked: Asked,
    window: &'q Window,
    query: &'q TimelineQuery,
    events: Vec<EventLine>,
    last: Seq,
    is_full: bool,
}

impl Page<'_> {
    /// False when nothing more fits, or comes.
    fn told(&mut self, told: &[Told]) -> bool {
        for one in told {
            let at: Millis = one.at();
            if self.window.is_over(one.seq, at) {
                return false;
            }
            if one.seq <= self.last || !self.window.covers(one.seq, at) || !self.asked.wants(one) {
                continue;
            }
            let line = event_line(one);
            if !self.query.actor.as_deref().is_none_or(|actor| matches(actor, &line.actor)) {
                continue;
            }
            if self.events.len() >= page_size(self.query.page_size.or(Some(u32::MAX))) {
                self.is_full = true;
                return false;
            }
            self.last = one.seq;
            self.events.push(line);
        }
        true
    }
}
