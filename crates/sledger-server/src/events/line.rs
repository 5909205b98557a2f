//! One told event as server-sent text, where it is asked for.

use sledger::core::event::Event;
use sledger::projector::Told;
use sledger_wire::answer::AdviceObject;
use sledger_wire::events::{self, EventLine, type_of};
use sledger_wire::queries::EventsQuery;
use std::io::Write as _;

/// Which events are asked for.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    /// The key of the user asked for.
    pub(super) user: Option<String>,
    pub(super) query: EventsQuery,
}

impl Filter {
    fn wants(&self, told: &Told) -> bool {
        self.user.as_deref().is_none_or(|user| told.user() == Some(user))
            && self.query.session.as_deref().is_none_or(|session| is_session(told, session))
            && self.query.wants(type_of(told.event()))
    }

    /// Those of `told` that are asked for, as text.
    pub(super) fn text(&self, told: &[Told]) -> Vec<u8> {
        let mut text = Vec::new();
        for told in told.iter().filter(|told| self.wants(told)) {
            push(&mut text, told);
        }
        text
    }
}

/// Whether an event is about the session `asked`, an id or `id@SEQ`.
fn is_session(told: &Told, asked: &str) -> bool {
    let Some(facts) = about(told) else { return false };
    let numbered = |number| asked.strip_prefix(facts.session()) == Some(&format!("@{number}"));
    facts.session() == asked || told.number.is_some_and(numbered)
}

/// The session that an event is about: a user's clear names one of its sessions for the user's sake only.
fn about(told: &Told) -> Option<&sledger::core::Facts> {
    let facts = told.session.as_deref();
    facts.filter(|_| !matches!(told.event(), Event::UserCleared { .. }))
}

fn push(text: &mut Vec<u8>, told: &Told) {
    let line = line(told);
    // Writing to memory does not fail, and JSON has no line breaks.
    let _always = write!(text, "id: {}\nevent: {}\ndata: {}\n\n", line.seq, line.kind, line.to_json());
}

/// The event as other programs read it.
pub(super) fn line(told: &Told) -> EventLine {
    let mut line = EventLine::of(&events::Told {
        seq: told.seq,
        at: told.at(),
        decision: told.first,
        actor: &told.decision.actor,
        request_id: told.decision.request_id.as_deref(),
        event: told.event(),
        facts: about(told),
        user: told.user(),
        by_session: told.by_session.as_deref().map(sledger::core::Facts::session),
        judged: told.judged(),
        quota: told.quota.as_deref(),
        message: told.message().map(|message| &**message),
    });
    let text = |text: &dyn ToString| text.to_string();
    line.key = told.key().map(|key| text(&key));
    line.code = line.code.or_else(|| told.code().map(|code| code.as_str().to_owned()));
    line.limit = line.limit.or_else(|| told.limit().map(Into::into));
    line.active = line.active.or_else(|| told.active());
    line.policy = line.policy.or_else(|| told.policy().map(|policy| text(policy)));
    line.reason = line.reason.or_else(|| told.reason().map(|reason| text(&reason)));
    line.advisory = told.advisory.iter().map(AdviceObject::from).collect();
    line
}
