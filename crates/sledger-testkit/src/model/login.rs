//! A login, tried in the order of the rules.

use super::Model;
use super::answer::Answer;
use super::command::{Ending, Login};
use super::config::Level;
use super::facts::{Facts, Session};
use super::quotas::{Pass, Verdict, limit};
use super::values::Limit;

/// What a login that is not refused does to the sessions there are.
#[derive(Default)]
struct Removal {
    taken_over: Option<Session>,
    cleared: Vec<Session>,
    replaced: Option<Session>,
}

impl Removal {
    fn numbers(&self) -> Vec<u64> {
        let one =
            |session: &Option<Session>| session.iter().map(|session| session.number).collect::<Vec<_>>();
        let cleared = self.cleared.iter().map(|session| session.number).collect();
        [one(&self.taken_over), cleared, one(&self.replaced)].concat()
    }

    /// In order: those cleared, taken over, replaced; each with its cause.
    fn ends(&self) -> Vec<(Session, &'static str)> {
        let cleared = self.cleared.iter().map(|session| (session.clone(), "cleared"));
        let taken = self.taken_over.iter().map(|session| (session.clone(), "taken_over"));
        let replaced = self.replaced.iter().map(|session| (session.clone(), "replaced"));
        cleared.chain(taken).chain(replaced).collect()
    }
}

impl Model {
    /// Steps (d) to (i); the edge, `[[ignore]]` and remembered command ids are behind.
    pub(super) fn login(&mut self, login: &Login) -> Answer {
        let mut removal = Removal::default();
        match self.live_session(&login.facts.session).cloned() {
            Some(live) if live.facts.user == login.facts.user => return self.resume(login, &live),
            Some(_) if !self.config.sessions.take_over => return self.conflict(login),
            Some(live) => removal.taken_over = Some(live),
            None => {
                if let Some(refusal) = self.ended_id(&login.facts) {
                    return refusal;
                }
            }
        }
        let gone = removal.taken_over.as_ref().map(|session| session.number);
        let (Some(cleared), Some(replaced)) = (self.to_end(login, gone), self.to_replace(login, gone)) else {
            return self.conflict(login);
        };
        removal.cleared = cleared;
        removal.replaced = replaced;
        let replaced = removal.replaced.as_ref().map(|session| session.number);
        removal.cleared.retain(|session| Some(session.number) != replaced);
        self.decide(login, &removal)
    }

    fn conflict(&mut self, login: &Login) -> Answer {
        self.recorded = true;
        let shown = self.shown(&login.facts);
        Answer::new("conflict").because("SESSION_CONFLICT").showing(shown)
    }

    /// Refused for what is remembered of its id.
    fn ended_id(&mut self, facts: &Facts) -> Option<Answer> {
        let ended = self.ended_session(&facts.session)?;
        let since = self.now.saturating_sub(ended.at);
        let recently = ended.cause == "evicted" && since < self.config.sessions.evicted_wait;
        let shown = self.shown(facts);
        if recently {
            self.recorded = true;
            return Some(Answer::new("denied").because("EVICTED_RECENTLY").showing(shown));
        }
        self.config.sessions.refuse_reuse.then(|| Answer::new("ended").showing(shown))
    }

    /// Live sessions of the user that the login ends; `None` where it names somebody else's.
    fn to_end(&self, login: &Login, gone: Option<u64>) -> Option<Vec<Session>> {
        let view = || self.live.iter().filter(|session| Some(session.number) != gone);
        let own = |session: &&Session| session.facts.user == login.facts.user;
        let chosen = |session: &&Session| match &login.end {
            Ending::Others => own(session),
            Ending::Ids(ids) => ids.contains(&session.facts.session),
        };
        let mut sessions: Vec<Session> = view().filter(chosen).cloned().collect();
        sessions.sort_by_key(Session::age_order);
        sessions.iter().all(|session| own(&session)).then_some(sessions)
    }

    /// The session whose place it takes, if any; `None` where that cannot be.
    #[expect(clippy::option_option, reason = "a conflict and no replacement are two answers")]
    fn to_replace(&self, login: &Login, gone: Option<u64>) -> Option<Option<Session>> {
        let Some(id) = &login.replaces else { return Some(None) };
        let session = self.live_session(id)?;
        let takes = session.facts.user == login.facts.user && Some(session.number) != gone;
        takes.then(|| Some(session.clone()))
    }

    /// The quotas, and what follows.
    fn decide(&mut self, login: &Login, removal: &Removal) -> Answer {
        self.recorded = true;
        let removed = removal.numbers();
        let pass = Pass {
            facts: &login.facts,
            quotas: &self.config.quotas,
            policies: &self.policies,
            trips: &mut self.trips,
            now: self.now,
            view: self.live.iter().filter(|session| !removed.contains(&session.number)).cloned().collect(),
            verdict: Verdict::default(),
        };
        let verdict = pass.run();
        let too_many = removed.len() + verdict.evicted.len() > 4096;
        let answer = match &verdict.denied {
            Some((quota, limit, code)) => {
                Answer::new("denied").because(code).showing(Some((quota.clone(), *limit)))
            }
            None if too_many => {
                Answer::new("denied").because("EXCESS_TOO_LARGE").showing(self.shown(&login.facts))
            }
            None => self.admit(login, removal, &verdict),
        };
        Answer { policy: verdict.policy, advisory: verdict.advisory, ..answer }
    }

    fn admit(&mut self, login: &Login, removal: &Removal, verdict: &Verdict) -> Answer {
        let ends = removal.ends();
        for (session, cause) in &ends {
            self.end(session, cause);
        }
        for session in &verdict.evicted {
            self.end(session, "evicted");
        }
        let session = self.newcomer(login, removal.replaced.as_ref());
        let generation = session.generation;
        self.live.push(session);
        debug_assert!(self.holds(&login.facts), "a hard quota is passed by {login:?}");
        let id = |session: &Session| session.facts.session.clone();
        Answer {
            evicted: verdict.evicted.iter().map(id).collect(),
            ended: ends.iter().map(|(session, _)| id(session)).collect(),
            code: verdict.exhausted.then_some("SESSION_QUOTA_EXCEEDED"),
            generation: Some(generation),
            ..Answer::new("admitted").showing(self.shown(&login.facts))
        }
    }

    /// Whether no hard quota is passed under any key of these facts.
    fn holds(&self, facts: &Facts) -> bool {
        let hard = self.config.quotas.iter().filter(|quota| quota.level == Level::Hard);
        hard.flat_map(|quota| quota.keys(facts).into_iter().map(move |key| (quota, key))).all(
            |(quota, key)| {
                let counted =
                    self.live.iter().filter(|session| quota.keys(&session.facts).contains(&key)).count();
                match limit(quota, facts, &self.policies, self.now) {
                    Limit::Max(max) => counted <= max,
                    other => other == Limit::Unlimited,
                }
            },
        )
    }

    /// The session of a login; one that replaces another keeps its start and absolute deadline.
    pub(super) fn newcomer(&mut self, login: &Login, replaced: Option<&Session>) -> Session {
        let number = self.next_number();
        let settings = &self.config.sessions;
        Session {
            facts: login.facts.clone(),
            number,
            generation: number,
            started: replaced.map_or(self.now, |session| session.started),
            ttl: replaced.map_or(login.ttl.unwrap_or(settings.ttl), |session| session.ttl),
            idle: login.idle.unwrap_or(settings.idle),
            retention: login.retention.unwrap_or(settings.retention),
            last_active: self.now,
            last_seen: self.now,
            last_contact: self.now,
            parked: None,
        }
    }

    fn resume(&mut self, login: &Login, live: &Session) -> Answer {
        let Some(mut others) = self.to_end(login, None) else { return self.conflict(login) };
        others.retain(|session| session.number != live.number);
        self.recorded = true;
        for session in &others {
            self.end(session, "cleared");
        }
        let (now, generation) = (self.now, self.next_number());
        if let Some(session) = self.live.iter_mut().find(|session| session.number == live.number) {
            session.generation = generation;
            session.retention = login.retention.unwrap_or(session.retention);
            (session.last_active, session.last_seen, session.last_contact) = (now, now, now);
            session.parked = None;
        }
        let ended = others.into_iter().map(|session| session.facts.session).collect();
        let answer = Answer::new("resumed").showing(self.shown(&live.facts)).ending(ended);
        Answer { generation: Some(generation), ..answer }
    }

    /// The first enabled quota that counts these facts, and its limit for them.
    fn shown(&self, facts: &Facts) -> Option<(String, Limit)> {
        let counts = self.config.quotas.iter().find(|quota| !quota.keys(facts).is_empty())?;
        Some((counts.name.clone(), limit(counts, facts, &self.policies, self.now)))
    }
}
