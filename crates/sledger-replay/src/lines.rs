//! A told event as other programs read it.

use sledger_core::Facts;
use sledger_core::event::Event;
use sledger_projector::Told;
use sledger_wire::answer::AdviceObject;
use sledger_wire::events::{self, EventLine};

/// The session that an event is about: a user's clear names one of its sessions for the user's sake only.
#[must_use]
pub fn about(told: &Told) -> Option<&Facts> {
    let facts = told.session.as_deref();
    facts.filter(|_| !matches!(told.event(), Event::UserCleared { .. }))
}

/// The event as other programs read it.
#[must_use]
pub fn event_line(told: &Told) -> EventLine {
    let mut line = EventLine::of(&events::Told {
        seq: told.seq,
        at: told.at(),
        decision: told.first,
        actor: &told.decision.actor,
        request_id: told.decision.request_id.as_deref(),
        event: told.event(),
        facts: about(told),
        user: told.user(),
        by_session: told.by_session.as_deref().map(Facts::session),
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
