//! What is chosen, told elsewhere: asked why it is so, copied, written to a file.

use super::{App, Effect, Pane, Popup, View};
use crate::source::{Kind, Side};
use crate::{chain, twin};
use sledger_wire::events::EventLine;

/// Characters of a file's name at most.
const NAME_MAX: usize = 100;

impl App {
    pub(super) fn why(&mut self) {
        let Some(about) = self.asked_about() else {
            self.say("choose a session or an event first");
            return;
        };
        // Asked anew each time it is opened: a session may have ended since.
        self.why = None;
        self.forget(self.side, Kind::Why);
        self.popup = Some(Popup::Why(about, 0));
    }

    /// What is chosen, as history is asked about it: an event, the end of a session, or a live one.
    pub(super) fn asked_about(&self) -> Option<String> {
        let seq = |event: &EventLine| format!("seq:{}", event.seq);
        let session = match self.view() {
            View::Session(_) => self.why_wanted(),
            _ => None,
        };
        let event = || self.chosen_event().map(seq);
        let row = || {
            let row = self.chosen_session()?;
            let is_in = || match self.side {
                Side::Live => row.unique(),
                Side::Past => format!("seq:{}", row.number),
            };
            Some(self.ending(row.number).map_or_else(is_in, seq))
        };
        if self.pane == Pane::Events { event().or(session) } else { session.or_else(row).or_else(event) }
    }

    pub(super) fn copy(&mut self, effects: &mut Vec<Effect>) {
        let event = || {
            let event = self.chosen_event()?;
            event.session.clone().zip(event.number).map(|(id, number)| format!("{id}@{number}"))
        };
        let text = match (self.view(), self.pane) {
            (View::Session(unique), _) => Some(unique.clone()),
            (_, Pane::Users) => self.users.chosen.clone(),
            (_, Pane::Sessions) => self.chosen_session().map(|row| row.unique()),
            (_, Pane::Events) => event(),
            (_, Pane::Policies) => self.policies.chosen.as_ref().map(|(name, _)| name.clone()),
            (_, Pane::Alerts | Pane::Source) => None,
        };
        match text {
            Some(text) => {
                self.say(format!("copied {}", sledger_wire::escape::brief(&text)));
                effects.push(Effect::Copy(text));
            }
            None => self.say("choose a row first, with j and k"),
        }
    }

    /// What is shown, as JSON, into a file named after it.
    pub(super) fn export(&mut self, effects: &mut Vec<Effect>) {
        let what = match self.view() {
            View::Overview => "overview".to_owned(),
            View::User(name) => format!("user-{name}"),
            View::Session(unique) => format!("session-{unique}"),
            View::Replay => "replay".to_owned(),
            View::Policies => "policies".to_owned(),
        };
        let time = self.moment().rfc3339();
        let name: String = format!("sledger-{what}-{time}").chars().map(in_a_name).take(NAME_MAX).collect();
        let text = format!("{:#}\n", twin::json(self));
        effects.push(Effect::Export { name: format!("{name}.json"), text });
    }

    /// The whole reason, for a ticket.
    pub(super) fn copy_why(&mut self, effects: &mut Vec<Effect>) {
        if let Some((_, Ok(why))) = &self.why {
            let lines = chain::lines(why, self.setup.zone_minutes);
            effects.push(Effect::Copy(lines.join("\n")));
            self.say("copied");
        }
    }
}

/// Names are strangers': of theirs only what no shell and no file system reads anything into.
const fn in_a_name(letter: char) -> char {
    if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' }
}
