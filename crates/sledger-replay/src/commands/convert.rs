//! One decision as commands.

use super::late::is_late;
use super::{Losses, settings};
use sledger_core::command::{Adopt, Adoptee, Command, Ending, Login, Reconcile, Request, Target};
use sledger_core::config::UserSettings;
use sledger_core::decide::edge::user_key;
use sledger_core::decider::Recorded;
use sledger_core::event::{Cause, Event, LoginOp, Op};
use sledger_core::evolve::Effect;
use sledger_core::quota::Ready;
use sledger_core::{Facts, Millis, Seq, State};
use std::sync::Arc;

/// Bytes of ids that one line of a reconcile may list, well below what a line may have.
const LIVE_BYTES_MAX: usize = 512 * 1024;

/// A decision on its way.
pub(super) struct Conversion<'a> {
    pub(super) recorded: &'a Recorded,
    pub(super) state: &'a State,
    /// Whether a decision of the same command stands before.
    pub(super) is_again: bool,
    pub(super) losses: &'a mut Losses,
}

/// A command, and its user.
type Commanded = (Option<String>, Request);

impl Conversion<'_> {
    pub(super) fn commands(&mut self) -> Vec<Commanded> {
        let decision = &self.recorded.decision;
        match &decision.op {
            Op::Login(op) => self.login(op).into_iter().collect(),
            Op::Touch { .. } if is_late(decision) => Vec::new(),
            Op::Touch { session } => self.about(*session, Command::Touch),
            Op::Logout { session } => self.about(*session, Command::Logout),
            Op::Disconnect { session } => self.about(*session, Command::Disconnect),
            Op::End { session, reason } => self.end(*session, reason.as_deref()),
            Op::Clear { keep, .. } => self.clear(*keep).into_iter().collect(),
            Op::Reconcile { source, .. } => self.reconcile(source),
            Op::Adopt { source } => self.adopt(source.as_deref()).into_iter().collect(),
            Op::Configure | Op::Policy | Op::Ledger => {
                let commands = settings::commands(self.recorded, self.state);
                commands.into_iter().map(|command| (None, self.request(command))).collect()
            }
            // Whom an erasure ended is not there to be named.
            Op::Expire | Op::Denials | Op::Erase { .. } => Vec::new(),
        }
    }

    /// The command as its caller sent it. An id is kept with the decision that bears it.
    fn request(&self, command: Command) -> Request {
        let decision = &self.recorded.decision;
        let id = decision.command.as_ref().filter(|_| decision.cause.is_none());
        Request {
            command_id: id.map(|mark| mark.id.to_string()),
            ..Request::new(decision.actor.clone(), command)
        }
    }

    fn login(&mut self, op: &LoginOp) -> Option<Commanded> {
        let login = login_of(op, self.state.ready());
        let Some(login) = login else {
            self.losses.sealed += 1;
            return None;
        };
        let user = op.facts.plain().map(|facts| facts.user().to_owned());
        let request = self.request(Command::Login(Box::new(login)));
        Some((user, request))
    }

    /// A command about one session.
    fn about(&mut self, session: Seq, command: impl FnOnce(Target) -> Command) -> Vec<Commanded> {
        let Some(facts) = self.facts(session) else {
            self.losses.sealed += 1;
            return Vec::new();
        };
        let user = facts.user().to_owned();
        let sent = as_sent(&user, &self.state.ready().settings.users);
        let id = facts.session().to_owned();
        let target = Target { session: Some(id), user: Some(sent), generation: None };
        vec![(Some(user), self.request(command(target)))]
    }

    fn end(&mut self, session: Seq, reason: Option<&str>) -> Vec<Commanded> {
        let is_assumed = |event: &Event| matches!(event, Event::Ended { cause: Cause::Assumed, .. });
        let mut reason = reason.map(str::to_owned);
        if self.recorded.decision.events.iter().any(is_assumed) {
            self.losses.assumed += 1;
            reason = Some("assumed".to_owned());
        }
        self.about(session, |target| Command::End { target, reason })
    }

    fn clear(&mut self, keep: Option<Seq>) -> Option<Commanded> {
        if self.is_again {
            return None;
        }
        let ended = self.recorded.effects.iter().find_map(Effect::ended)?;
        if ended.is_sealed() {
            self.losses.sealed += 1;
            return None;
        }
        let user = ended.user().to_owned();
        let sent = as_sent(&user, &self.state.ready().settings.users);
        let keep = keep.and_then(|keep| self.facts(keep)).map(|facts| facts.session().to_owned());
        Some((Some(user), self.request(Command::Clear { user: Some(sent), keep })))
    }

    /// All that are live at the source once the decision is folded; a generation above all others judges the rest.
    fn reconcile(&mut self, source: &str) -> Vec<Commanded> {
        let sessions = self.state.sessions();
        // Of sealed ones the source is not known, so none of them is listed.
        let live = sessions.iter().filter(|one| one.facts.source() == Some(source) && !one.is_retained());
        let live: Vec<String> = live.map(|one| one.facts.session().to_owned()).collect();
        if live.iter().map(|id| id.len() + 8).sum::<usize>() > LIVE_BYTES_MAX {
            self.losses.reconciles += 1;
            return self.disconnects();
        }
        let command = Reconcile { source: Some(source.to_owned()), as_of: Some(Seq(u64::MAX)), live };
        vec![(None, self.request(Command::Reconcile(command)))]
    }

    fn disconnects(&mut self) -> Vec<Commanded> {
        let gone = |event: &Event| match event {
            Event::Ended { session, .. } | Event::Disconnected { session } => Some(*session),
            _ => None,
        };
        let gone: Vec<Seq> = self.recorded.decision.events.iter().filter_map(gone).collect();
        gone.into_iter().flat_map(|session| self.about(session, Command::Disconnect)).collect()
    }

    fn adopt(&mut self, source: Option<&str>) -> Option<Commanded> {
        let mut sessions = Vec::new();
        for event in &self.recorded.decision.events {
            let Event::Adopted { facts, last_active, .. } = event else { continue };
            let Some(facts) = facts.plain() else {
                self.losses.sealed += 1;
                continue;
            };
            sessions.push(adoptee_of(facts, *last_active, self.state.ready()));
        }
        let command = Adopt { source: source.map(str::to_owned), sessions };
        (!command.sessions.is_empty()).then(|| (None, self.request(Command::Adopt(command))))
    }

    /// The facts of a session that is live, or ended with this decision.
    fn facts(&self, number: Seq) -> Option<Arc<Facts>> {
        let ended = self.recorded.effects.iter().find_map(|effect| match effect {
            Effect::Ended(tombstone) if tombstone.number == number => Some(Arc::clone(&tombstone.facts)),
            _ => None,
        });
        let found =
            ended.or_else(|| self.state.session_numbered(number).map(|session| Arc::clone(&session.facts)));
        found.filter(|facts| !facts.is_sealed())
    }
}

/// A session as it was adopted.
pub(crate) fn adoptee_of(facts: &Facts, last_active: Millis, ready: &Ready) -> Adoptee {
    let login = Login {
        ttl: Some(facts.ttl),
        idle: Some(facts.idle),
        retention: Some(facts.retention),
        ..sent(facts, ready)
    };
    Adoptee { login, started: Some(facts.started), last_active: Some(last_active) }
}

/// A login as it was sent; `None` where its facts are sealed away.
pub(crate) fn login_of(op: &LoginOp, ready: &Ready) -> Option<Login> {
    let extras = op.extras.as_ref().map(sledger_core::Personal::plain);
    let (Some(facts), None | Some(Some(_))) = (op.facts.plain(), extras) else { return None };
    let extras = extras.flatten();
    Some(Login {
        ttl: op.ttl,
        idle: op.idle,
        retention: op.retention,
        end: extras.map_or(Ending::None, |extras| extras.end.clone()),
        replaces: extras.and_then(|extras| extras.replaces.as_deref()).map(str::to_owned),
        ..sent(facts, ready)
    })
}

/// Facts as a login brings them. Groups that the settings give are not sent along: they would count twice
/// towards what a login may bring.
fn sent(facts: &Facts, ready: &Ready) -> Login {
    let given: Vec<&str> = ready.groups_of(facts.user()).collect();
    let owned = |pairs: &mut dyn Iterator<Item = (&str, &str)>| {
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    };
    Login {
        user: Some(as_sent(facts.user(), &ready.settings.users)),
        session: Some(facts.session().to_owned()),
        ip: facts.ip().map(str::to_owned),
        client: facts.client().map(str::to_owned),
        source: facts.source().map(str::to_owned),
        groups: facts.groups().filter(|group| !given.contains(group)).map(str::to_owned).collect(),
        attributes: owned(&mut facts.attributes()),
        user_attributes: owned(&mut facts.user_attributes()),
        ..Login::default()
    }
}

/// A user key as a name that becomes this key again: a domain is taken off once, so one is put on where the key
/// itself ends in one.
pub(crate) fn as_sent(key: &str, settings: &UserSettings) -> String {
    let is_kept = user_key(key, settings).is_ok_and(|again| again == key);
    match settings.strip_domain.first() {
        Some(domain) if !is_kept => format!("{key}@{domain}"),
        _ => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_ends_in_a_domain_is_sent_with_one_more() {
        let settings = UserSettings { lowercase: true, strip_domain: vec!["corp".to_owned()] };
        for name in ["ann", "Ann@CORP", "ann@corp@corp", "corp\\ann", "corp\\corp\\ann"] {
            let key = user_key(name, &settings).unwrap();
            assert_eq!(user_key(&as_sent(&key, &settings), &settings).unwrap(), key, "{name}");
        }
    }
}
