//! Whom a decision mentions: what a volume's filter is made of.
//!
//! Users are mentioned by name where a name stands in the decision, and by
//! number in events. Most events about a session name only the session, so
//! sessions are mentioned too: whoever follows a user asks for the name, and for
//! the numbers of the user and of the sessions met so far.
//!
//! What changes settings is mentioned as such, whatever it says: whoever tells of the
//! past must know the settings of then.
//!
//! A text about somebody (`user:ann`) counts as the name behind its colon and as
//! the whole text. Absent on purpose: names in settings, which are about nobody's
//! sessions.

use sledger_core::event::{Decision, Event, LoginOp, Op};
use sledger_core::{Facts, Personal, Seq, UserNo};
use std::sync::Arc;

/// One thing that a decision mentions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mention<'a> {
    /// A user by name.
    Name(&'a str),
    /// A user by number.
    User(UserNo),
    /// A session by number.
    Session(Seq),
    /// Somebody whose name is sealed.
    SealedName,
    /// A change of what decides: quotas, overrides, groups, policies, tokens; and the ledger's starts and stops.
    Settings,
}

/// Tells `note` what `decision` mentions, repeatedly where it does so. Its first event has seq `first`.
pub fn mentions(first: Seq, decision: &Decision, note: &mut impl FnMut(Mention<'_>)) {
    in_op(&decision.op, note);
    if decision.events.iter().any(is_setting) {
        note(Mention::Settings);
    }
    for (seq, event) in (first.0..).zip(&decision.events) {
        in_event(Seq(seq), event, note);
    }
}

/// Whether an event changes what decides, or whether anything is decided at all.
const fn is_setting(event: &Event) -> bool {
    matches!(
        event,
        Event::ConfigPart { .. }
            | Event::ConfigApplied { .. }
            | Event::QuotaChanged { .. }
            | Event::QuotaDeleted { .. }
            | Event::OverrideChanged { .. }
            | Event::GroupChanged { .. }
            | Event::PolicyInstalled { .. }
            | Event::PolicyActivated { .. }
            | Event::PolicyRolledBack { .. }
            | Event::PolicyStopped { .. }
            | Event::TokenCreated { .. }
            | Event::TokenRevoked { .. }
            | Event::HoldSet { .. }
            | Event::HoldReleased { .. }
            | Event::UserErased { .. }
            | Event::LedgerStarted(_)
            | Event::LedgerStopped
            | Event::LedgerRecovered { .. }
    )
}

fn in_op(op: &Op, note: &mut impl FnMut(Mention<'_>)) {
    match op {
        Op::Login(login) => in_login(login, note),
        Op::Touch { session }
        | Op::Logout { session }
        | Op::Disconnect { session }
        | Op::End { session, reason: _ } => note(Mention::Session(*session)),
        Op::Clear { user, keep } => cleared(*user, *keep, note),
        Op::Reconcile { .. }
        | Op::Adopt { .. }
        | Op::Expire
        | Op::Configure
        | Op::Policy
        | Op::Ledger
        | Op::Denials => {}
        Op::Erase { user, keys_from: _ } => {
            note(user.plain().map_or(Mention::SealedName, |name| Mention::Name(name)));
        }
    }
}

fn in_login(login: &LoginOp, note: &mut impl FnMut(Mention<'_>)) {
    facts(&login.facts, note);
}

fn facts(facts: &Personal<Arc<Facts>>, note: &mut impl FnMut(Mention<'_>)) {
    note(facts.plain().map_or(Mention::SealedName, |facts| Mention::Name(facts.user())));
}

fn cleared(user: UserNo, keep: Option<Seq>, note: &mut impl FnMut(Mention<'_>)) {
    note(Mention::User(user));
    if let Some(kept) = keep {
        note(Mention::Session(kept));
    }
}

/// A text that may name a user after a colon.
fn about(text: Option<&str>, note: &mut impl FnMut(Mention<'_>)) {
    let Some(text) = text else { return note(Mention::SealedName) };
    note(Mention::Name(text));
    if let Some((_, name)) = text.split_once(':') {
        note(Mention::Name(name));
    }
}

fn in_event(seq: Seq, event: &Event, note: &mut impl FnMut(Mention<'_>)) {
    match event {
        Event::Admitted { user, counted: _ } => came(seq, *user, note),
        Event::Adopted { user, facts: brought, last_active: _, counted: _ } => {
            came(seq, *user, note);
            facts(brought, note);
        }
        Event::Resumed { session, retention: _ }
        | Event::Touched { session, last_active: _ }
        | Event::Disconnected { session }
        | Event::Ended { session, .. } => note(Mention::Session(*session)),
        Event::Conflicted { session, .. } => {
            if let Some(session) = session {
                note(Mention::Session(*session));
            }
        }
        Event::UserCleared { user, keep, ended: _ } => cleared(*user, *keep, note),
        Event::DenialsCounted { user, .. } => about(user.plain().map(|name| &**name), note),
        Event::OverrideChanged { selector, .. } => about(selector.plain().map(|name| &**name), note),
        Event::GroupChanged { user, .. } => about(user.plain().map(|name| &**name), note),
        Event::NoteAdded { about: subject, text: _ } | Event::HistoryRead { what: _, about: subject } => {
            about(subject.plain().map(|name| &**name), note);
        }
        Event::NoticeDelivered { about: seq, .. } | Event::NoticeFailed { about: seq, .. } => {
            note(Mention::Session(*seq));
        }
        Event::Denied { .. }
        | Event::SourceReconciled { .. }
        | Event::SourceAdopted { .. }
        | Event::ConfigPart { .. }
        | Event::ConfigApplied { .. }
        | Event::QuotaChanged { .. }
        | Event::QuotaDeleted { .. }
        | Event::PolicyInstalled { .. }
        | Event::PolicyActivated { .. }
        | Event::PolicyRolledBack { .. }
        | Event::PolicyStopped { .. }
        | Event::PolicyFailed { .. }
        | Event::PolicyTripped { .. }
        | Event::PolicyDiffered { .. }
        | Event::TokenCreated { .. }
        | Event::TokenRevoked { .. }
        | Event::HoldSet { .. }
        | Event::HoldReleased { .. }
        | Event::LedgerStarted(_)
        | Event::LedgerStopped
        | Event::LedgerRecovered { .. }
        | Event::ClockDiffers { .. }
        | Event::CheckpointMade { .. }
        | Event::VolumeSealed { .. }
        | Event::VolumeArchived { .. }
        | Event::VolumeDropped { .. }
        | Event::UserErased { .. } => {}
    }
}

fn came(seq: Seq, user: UserNo, note: &mut impl FnMut(Mention<'_>)) {
    note(Mention::User(user));
    note(Mention::Session(seq));
}

#[cfg(test)]
mod tests {
    use super::*;
    use sledger_core::command::Actor;
    use sledger_core::{Millis, Texts};

    fn decision(op: Op, events: Vec<Event>) -> Decision {
        let at = Millis(1);
        Decision {
            at,
            actor: Actor::Local,
            request_id: None,
            command: None,
            cause: None,
            op,
            judged: Vec::new(),
            events,
        }
    }

    fn facts_of(user: &str) -> Personal<Arc<Facts>> {
        Personal::Plain(Arc::new(Facts::new(Texts { user, session: "s", ..Texts::default() })))
    }

    fn login(facts: Personal<Arc<Facts>>) -> Op {
        Op::Login(Box::new(LoginOp { facts, extras: None, ttl: None, idle: None, retention: None }))
    }

    fn all(decision: &Decision) -> Vec<String> {
        let mut found = Vec::new();
        mentions(Seq(7), decision, &mut |mention| found.push(format!("{mention:?}")));
        found
    }

    #[test]
    fn login_mentions_name_number_and_every_session_that_it_ends() {
        let ended = Event::Ended {
            session: Seq(3),
            cause: sledger_core::event::Cause::Logout,
            ended_at: Millis(1),
            judged: None,
        };
        let admitted = Event::Admitted { user: UserNo(2), counted: std::iter::empty().collect() };
        let found = all(&decision(login(facts_of("ann")), vec![ended, admitted]));
        assert_eq!(found, [r#"Name("ann")"#, "Session(Seq(3))", "User(UserNo(2))", "Session(Seq(8))"]);
    }

    #[test]
    fn sealed_facts_mention_that_there_is_a_name() {
        let sealed = Personal::Sealed { key: 1, nonce: [0; 24], bytes: Box::new([]) };
        assert_eq!(
            all(&decision(login(sealed), vec![Event::VolumeArchived { volume: 1, to: "x".into() }])),
            ["SealedName"]
        );
    }

    #[test]
    fn text_about_somebody_mentions_the_name_in_it() {
        let about = Personal::Plain("user:bob".into());
        let note = Event::NoteAdded { about, text: Personal::Plain("hm".into()) };
        assert_eq!(all(&decision(Op::Ledger, vec![note])), [r#"Name("user:bob")"#, r#"Name("bob")"#]);
        let adopted = Event::Adopted {
            user: UserNo(1),
            facts: facts_of("eve"),
            last_active: Millis(1),
            counted: std::iter::empty().collect(),
        };
        let found = all(&decision(Op::Clear { user: UserNo(5), keep: Some(Seq(6)) }, vec![adopted]));
        let expected =
            ["User(UserNo(5))", "Session(Seq(6))", "User(UserNo(1))", "Session(Seq(7))", r#"Name("eve")"#];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_changes_settings_is_mentioned_as_such() {
        let deleted = Event::QuotaDeleted { quota: "q".into(), reason: None };
        assert_eq!(all(&decision(Op::Configure, vec![deleted])), ["Settings"]);
        assert_eq!(all(&decision(Op::Ledger, vec![Event::LedgerStopped])), ["Settings"]);
    }
}
