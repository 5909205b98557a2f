//! Everything that is not a login.

use super::Model;
use super::answer::Answer;
use super::command::{Adoptee, Target};
use super::facts::Session;
use super::policy;
use super::values::{Read, Refused, refuse};
use serde_json::Value;

/// What a command names: a live session, or the outcome where there is none to work on.
type Found = Result<Session, &'static str>;

fn answer_of(result: Result<Answer, &'static str>) -> Answer {
    result.unwrap_or_else(Answer::new)
}

impl Model {
    /// The live session of that id, else what is remembered of it.
    fn find(&self, target: &Target) -> Found {
        let wrong = |user: &str| target.user.as_deref().is_some_and(|wanted| wanted != user);
        if let Some(session) = self.live_session(&target.session) {
            return match target.generation {
                _ if wrong(&session.facts.user) => Err("unknown"),
                Some(generation) if generation < session.generation => Err("stale"),
                _ => Ok(session.clone()),
            };
        }
        match self.ended_session(&target.session) {
            Some(ended) if !wrong(&ended.user) => Err("ended"),
            _ => Err("unknown"),
        }
    }

    pub(super) fn touch(&mut self, target: &Target) -> Answer {
        answer_of(self.find(target).and_then(|session| {
            if session.parked.is_some() {
                return Err("retained");
            }
            let now = self.now;
            let recorded = now - session.last_active >= self.config.sessions.activity_resolution;
            self.change(session.number, |session| {
                (session.last_seen, session.last_contact) = (now, now);
                if recorded {
                    session.last_active = now;
                }
            });
            self.recorded |= recorded;
            Ok(Answer::new("touched"))
        }))
    }

    pub(super) fn logout(&mut self, target: &Target) -> Answer {
        match self.find(target) {
            Ok(session) => self.end_one(&session, "logout", "logged_out"),
            Err("ended") if self.was_logged_out(&target.session) => Answer::new("logged_out"),
            Err(outcome) => Answer::new(outcome),
        }
    }

    fn was_logged_out(&self, id: &str) -> bool {
        self.ended_session(id).is_some_and(|ended| ended.cause == "logout")
    }

    pub(super) fn disconnect(&mut self, target: &Target) -> Answer {
        answer_of(self.find(target).and_then(|session| {
            if session.parked.is_some() {
                return Err("retained");
            }
            if session.retention == 0 {
                return Ok(self.end_one(&session, "disconnected", "disconnected"));
            }
            self.park(session.number);
            let now = self.now;
            self.change(session.number, |session| session.last_contact = now);
            Ok(Answer::new("retained"))
        }))
    }

    pub(super) fn end_on_request(&mut self, target: &Target) -> Answer {
        answer_of(self.find(target).map(|session| self.end_one(&session, "cleared", "cleared")))
    }

    fn end_one(&mut self, session: &Session, cause: &'static str, outcome: &'static str) -> Answer {
        self.end(session, cause);
        Answer::new(outcome).ending(vec![session.facts.session.clone()])
    }

    fn park(&mut self, number: u64) {
        let now = self.now;
        self.recorded = true;
        self.change(number, |session| session.parked = Some(now));
    }

    fn change(&mut self, number: u64, change: impl Fn(&mut Session)) {
        self.live.iter_mut().filter(|session| session.number == number).for_each(change);
    }

    pub(super) fn clear(&mut self, user: &str, keep: Option<&str>) -> Read<Answer> {
        let mut sessions: Vec<Session> =
            self.live.iter().filter(|session| session.facts.user == user).cloned().collect();
        sessions.sort_by_key(Session::age_order);
        let named = |session: &Session| Some(session.facts.session.as_str()) == keep;
        if keep.is_some() && !sessions.iter().any(named) {
            return refuse("keep");
        }
        sessions.retain(|session| !named(session));
        for session in &sessions {
            self.end(session, "cleared");
        }
        Ok(Answer::new("cleared").ending(sessions.into_iter().map(|session| session.facts.session).collect()))
    }

    pub(super) fn reconcile(&mut self, source: &str, as_of: Option<u64>, listed: &[String]) -> Answer {
        let judged = |session: &Session| match as_of {
            Some(generation) => session.generation <= generation,
            None => self.now - session.last_contact > 60_000,
        };
        let theirs = |session: &&Session| session.facts.source.as_deref() == Some(source);
        let gone = |session: &&Session| !listed.contains(&session.facts.session) && session.parked.is_none();
        let mut sessions: Vec<Session> =
            self.live.iter().filter(theirs).filter(|session| judged(session)).filter(gone).cloned().collect();
        sessions.sort_by_key(Session::age_order);
        let unknown = listed.iter().filter(|id| self.live_session(id).is_none()).cloned().collect();
        let mut answer = Answer { unknown, ..Answer::new("reconciled") };
        for session in sessions {
            if session.retention == 0 {
                self.end(&session, "reconciled");
                answer.ended.push(session.facts.session);
            } else {
                self.park(session.number);
                answer.retained.push(session.facts.session);
            }
        }
        answer
    }

    pub(super) fn adopt(&mut self, adoptees: &[Adoptee]) -> Answer {
        let mut answer = Answer::new("adopted");
        for adoptee in adoptees {
            let facts = &adoptee.login.facts;
            let ignored = facts.user.is_empty() || self.config.ignores(facts);
            if ignored || self.live_session(&facts.session).is_some() {
                answer.skipped.push(facts.session.clone());
                continue;
            }
            let mut session = self.newcomer(&adoptee.login, None);
            session.started = adoptee.started.min(self.now);
            session.last_active = adoptee.last_active.unwrap_or(session.started).min(self.now);
            session.last_seen = session.last_active;
            self.recorded = true;
            self.live.push(session);
        }
        answer
    }

    pub(super) fn configure(&mut self, value: &Value) -> Read<Answer> {
        let config = self.config.with(value, &self.policies)?;
        if self.recorded && config.users != self.config.users {
            return refuse("users");
        }
        self.config = config;
        self.recorded = true;
        Ok(Answer::new("configured"))
    }

    /// A text that does not parse is refused by field.
    pub(super) fn install(&mut self, name: &str, text: &str) -> Result<Read<Answer>, String> {
        let Some(policy) = policy::of_text(text)? else { return Ok(Err(Refused("text".to_owned()))) };
        self.policies.install(name, policy);
        self.recorded = true;
        Ok(Ok(Answer::new("configured")))
    }
}
