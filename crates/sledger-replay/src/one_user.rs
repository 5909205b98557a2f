//! What of the past concerns one user, without what it says about others.

use crate::lines::event_line;
use crate::pseudonyms::Pseudonyms;
use sledger_core::command::{Command, Request};
use sledger_core::config::Selector;
use sledger_core::decider::Recorded;
use sledger_core::event::{Event, Op};
use sledger_core::{Facts, State};
use sledger_projector::{Told, tell};
use sledger_wire::events::EventLine;

/// One user, by key.
#[derive(Clone, Copy, Debug)]
pub struct OneUser<'k>(pub &'k str);

impl OneUser<'_> {
    /// Whether an event concerns the user.
    #[must_use]
    pub fn concerns(&self, told: &Told) -> bool {
        let named = match told.event() {
            Event::OverrideChanged { selector: name, .. }
            | Event::GroupChanged { user: name, .. }
            | Event::NoteAdded { about: name, .. }
            | Event::HistoryRead { about: name, .. } => name.plain().map(|name| &**name),
            _ => None,
        };
        told.user() == Some(self.0) || named == Some(self.0)
    }

    /// Whether a decision concerns the user, or everybody: settings and policies.
    #[must_use]
    pub fn concerns_decision(&self, recorded: &Recorded, state: &State) -> bool {
        let is_setting = matches!(recorded.decision.op, Op::Configure | Op::Policy | Op::Ledger);
        is_setting || tell(state, recorded).iter().any(|told| self.concerns(told))
    }

    /// The event, without sessions of others.
    #[must_use]
    pub fn event(&self, told: &Told, state: &State, pseudonyms: Option<&Pseudonyms>) -> EventLine {
        let mut line = line(told, state, pseudonyms);
        let is_theirs = |facts: &Facts| facts.user() == self.0;
        if !told.by_session.as_deref().is_some_and(is_theirs) {
            line.by_session = None;
        }
        for (shown, advice) in line.advisory.iter_mut().zip(&told.advisory) {
            let mut theirs = advice.evict.iter().map(|facts| is_theirs(facts));
            shown.evict.retain(|_| theirs.next().unwrap_or(false));
        }
        line
    }

    /// Takes out of a command what is about others. False where nothing of it concerns the user.
    #[must_use]
    pub fn keeps(&self, user: Option<&str>, request: &mut Request, state: &State) -> bool {
        if user.is_some_and(|user| user != self.0) {
            return false;
        }
        match &mut request.command {
            Command::Adopt(adopt) => {
                let settings = &state.ready().settings.users;
                let key = |name: &str| sledger_core::decide::edge::user_key(name, settings).ok();
                let is_theirs = |name: &str| key(name).as_deref() == Some(self.0);
                adopt.sessions.retain(|one| one.login.user.as_deref().is_some_and(is_theirs));
                !adopt.sessions.is_empty()
            }
            Command::Reconcile(command) => {
                let is_theirs = |id: &str| state.session(id).is_some_and(|one| one.facts.user() == self.0);
                command.live.retain(|id| is_theirs(id));
                true
            }
            Command::Configure(configure) => {
                let is_kept = |text: &str| text == self.0 || text.contains(['*', '?']);
                for group in configure.groups.iter_mut().flatten() {
                    group.users.retain(|user| is_kept(user));
                }
                for quota in configure.quotas.iter_mut().flatten() {
                    let is_theirs = |selector: &Selector| match selector {
                        Selector::User(user) => user == self.0,
                        Selector::Glob(_) | Selector::Group(_) => true,
                    };
                    quota.overrides.retain(|one| is_theirs(&one.selector));
                }
                true
            }
            _ => true,
        }
    }
}

/// The event as other programs read it, or under pseudonyms.
#[must_use]
pub fn line(told: &Told, state: &State, pseudonyms: Option<&Pseudonyms>) -> EventLine {
    pseudonyms.map_or_else(|| event_line(told), |pseudonyms| pseudonyms.event(told, state))
}
