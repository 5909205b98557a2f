//! What a policy is asked in: one quota, sessions that are there, a newcomer, a time.

use super::random::{Random, Words};
use sledger_core::answer::{Answer, Outcome};
use sledger_core::command::{Actor, Adopt, Adoptee, Command, Login, Request, Target};
use sledger_core::config::{Bounds, Dimension, Level, OnError, Param, Quota, SessionSettings, Settings};
use sledger_core::decide::Install;
use sledger_core::decider::{Decider, GenesisError};
use sledger_core::event::PolicySource;
use sledger_core::policy::Policies;
use sledger_core::{Limit, Millis, Span};
use std::collections::BTreeMap;

/// Sessions recorded by one command.
const ADOPTED_AT_ONCE: usize = 1000;
/// Seed of the tables' hashes: nothing that is decided depends on it.
const HASH_SEED: u64 = 7;

/// A session that is there when the newcomer comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Old {
    /// What it is.
    pub login: Login,
    /// Seconds since it began, at least `idle`.
    pub age: u64,
    /// Seconds since it was last active.
    pub idle: u64,
    /// Disconnected and kept.
    pub retained: bool,
}

/// A scenario.
#[derive(Clone, Debug)]
pub struct World {
    /// When the newcomer comes.
    pub now: Millis,
    /// What the quota counts by.
    pub count_by: Vec<Dimension>,
    /// The configured limit.
    pub limit: Limit,
    /// The quota's level.
    pub level: Level,
    /// What happens when the policy fails.
    pub on_error: OnError,
    /// Whether sessions of other users may be ended.
    pub evict_others: bool,
    /// Who comes.
    pub newcomer: Login,
    /// Who is there.
    pub sessions: Vec<Old>,
    /// The quota's params.
    pub params: BTreeMap<String, Param>,
    /// Seed of the tables' hashes: decisions do not depend on it.
    pub hash_seed: u64,
}

/// Why a scenario cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// A setting or the policy cannot be used.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// A session cannot exist.
    #[error("session `{id}` cannot be there: {reason}")]
    Session {
        /// Its id.
        id: String,
        /// Why not.
        reason: String,
    },
}

impl Default for World {
    fn default() -> Self {
        Self {
            // A Monday, 10:00 UTC.
            now: Millis(1_767_607_200_000),
            count_by: vec![Dimension::All],
            limit: Limit::at_most(1).unwrap_or(Limit::Unlimited),
            level: Level::Hard,
            on_error: OnError::Deny,
            evict_others: true,
            newcomer: Login { user: Some("ann".into()), session: Some("new".into()), ..Login::default() },
            sessions: Vec::new(),
            params: BTreeMap::new(),
            hash_seed: HASH_SEED,
        }
    }
}

impl World {
    /// `count` sessions of the newcomer, a minute apart, the limit reached.
    #[must_use]
    pub fn with_sessions(count: u32) -> Self {
        let limit = Limit::at_most(count.max(1)).unwrap_or(Limit::Unlimited);
        let mut world = Self { limit, ..Self::default() };
        for i in 0..count {
            let mut old = world.old(&format!("s{i}"));
            old.age = u64::from(count - i) * 60;
            old.idle = (u64::from(i) * 7919 % u64::from(count)).min(old.age);
            old.login.ttl = Some(Span::seconds(10 * 86_400));
            world.sessions.push(old);
        }
        world
    }

    /// A full key over this world, drawn from a seed as a property of a policy with this `source` draws it: the
    /// same seed and run draw the same on every machine.
    #[must_use]
    pub fn drawn(&self, source: &str, (seed, run): (u64, u32)) -> Self {
        Random::new(seed, run).world(self, &Words::of(source))
    }

    /// A session of the newcomer's user, begun an hour ago and active now.
    #[must_use]
    pub fn old(&self, id: &str) -> Old {
        let login =
            Login { user: self.newcomer.user.clone(), session: Some(id.to_owned()), ..Login::default() };
        Old { login, age: 3600, idle: 0, retained: false }
    }

    /// A decider in this world under the policy `name`, who asks `policies`.
    ///
    /// # Errors
    /// The policy, its params or a session cannot be.
    pub fn court<P: Policies>(
        &self,
        (name, source): (&str, &str),
        policies: P,
    ) -> Result<Decider<P>, WorldError> {
        let install = Install { name: name.into(), text: source.into(), from: PolicySource::Sent };
        let bounds = (Bounds::default(), self.hash_seed);
        let mut court = Decider::genesis(self.settings(name), &[install], policies, bounds)?;
        self.settle(&mut court)?;
        Ok(court)
    }

    fn settings(&self, name: &str) -> Settings {
        let quota = Quota {
            name: "q".into(),
            count_by: self.count_by.clone(),
            max_sessions: self.limit,
            level: self.level,
            on_exhausted: name.to_owned(),
            on_error: self.on_error.clone(),
            evict_others: self.evict_others,
            params: self.params.clone(),
            ..Quota::default_quota()
        };
        let sessions = SessionSettings {
            ttl: Span::NEVER,
            idle: Span::NEVER,
            retention: Span::seconds(86_400),
            ..SessionSettings::default()
        };
        Settings { sessions, quotas: vec![quota.into()], ..Settings::default() }
    }

    fn settle<P: Policies>(&self, court: &mut Decider<P>) -> Result<(), WorldError> {
        let before = |seconds: u64| Some(Millis(self.now.0.saturating_sub(seconds.saturating_mul(1000))));
        let adoptee = |old: &Old| Adoptee {
            login: old.login.clone(),
            started: before(old.age),
            last_active: before(old.idle),
        };
        for some in self.sessions.chunks(ADOPTED_AT_ONCE) {
            let adopt = Adopt { source: None, sessions: some.iter().map(adoptee).collect() };
            settled(&self.tell(court, Command::Adopt(adopt)))?;
        }
        for old in self.sessions.iter().filter(|old| old.retained) {
            let target = Target { session: old.login.session.clone(), ..Target::default() };
            self.tell(court, Command::Disconnect(target));
        }
        let is_live = |id: &str| court.state().session(id).is_some_and(|one| one.deadline() > self.now);
        let mut ids = self.sessions.iter().filter_map(|old| old.login.session.as_deref());
        match ids.find(|id| !is_live(id)) {
            Some(id) => Err(WorldError::Session { id: id.to_owned(), reason: "it is over".to_owned() }),
            None => Ok(()),
        }
    }

    fn tell<P: Policies>(&self, court: &mut Decider<P>, command: Command) -> Answer {
        court.decide(&Request::new(Actor::Cli, command), self.now, &mut Vec::new())
    }

    /// The newcomer comes.
    pub fn login<P: Policies>(&self, court: &mut Decider<P>) -> Answer {
        self.tell(court, Command::Login(Box::new(self.newcomer.clone())))
    }
}

fn settled(answer: &Answer) -> Result<(), WorldError> {
    if let Some(id) = answer.skipped.first() {
        let reason = "it is there already, or cannot be recorded".to_owned();
        return Err(WorldError::Session { id: id.clone(), reason });
    }
    if answer.outcome == Outcome::Adopted {
        return Ok(());
    }
    let field = answer.field.clone().unwrap_or_default();
    let reason = answer.reason.as_deref().unwrap_or("it is refused").to_owned();
    Err(WorldError::Session { id: field, reason })
}
