//! One told event as server-sent text, where it is asked for.

use sledger::projector::Told;
use sledger_replay::lines::{about, event_line};
use sledger_wire::events::type_of;
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

fn push(text: &mut Vec<u8>, told: &Told) {
    let line = event_line(told);
    // Writing to memory does not fail, and JSON has no line breaks.
    let _always = write!(text, "id: {}\nevent: {}\ndata: {}\n\n", line.seq, line.kind, line.to_json());
}
