//! What a ledger in use gets: logins, then of five requests one login, three touches, one logout.
//!
//! Each request records one event. Users, addresses and the sessions touched and ended come in random order; a
//! session's id is 16 random characters. Two quotas count each session, by user and by address; nobody
//! reaches a limit. Equal seeds give equal requests.

use crate::asking::Asking;
use anyhow::ensure;
use sledger::core::Limit;
use sledger::core::Span;
use sledger::core::command::Target;
use sledger::core::config::{Dimension, Origin, Quota, SessionSettings, Settings};
use sledger::{Actor, Command, Config, Ledger, Login, Request};
use std::path::Path;

/// Unanswered requests while a ledger is filled.
pub(crate) const FILL_IN_FLIGHT: usize = 8192;
/// Requests of one round: a login, touches, a logout.
const ROUND: u64 = 5;
/// Sessions that a user or an address may have: more than chance gives any of them.
const LIMIT: u32 = 1000;

/// What ids are made of.
const KINDS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// How a ledger is filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filling {
    /// Events, at least as many as sessions.
    pub(crate) events: u64,
    /// Sessions live at the end, give or take one; there are as many users.
    pub(crate) live: u64,
    /// Where chance begins.
    pub(crate) seed: u64,
}

/// Requests without end.
pub(crate) struct Mix {
    chance: Chance,
    users: u64,
    live_min: usize,
    /// Ids of the live sessions.
    live: Vec<u64>,
    asked: u64,
}

impl Mix {
    /// From an empty ledger on: first so many logins that `live` are in, then rounds.
    pub(crate) fn new(live: u64, seed: u64) -> anyhow::Result<Self> {
        let live_min = usize::try_from(live.max(1))?;
        Ok(Self {
            chance: Chance(seed),
            users: live.max(1),
            live_min,
            live: Vec::with_capacity(live_min + 1),
            asked: 0,
        })
    }

    fn login(&mut self) -> Request {
        let (user, session) = (self.chance.below(self.users), self.chance.number());
        self.live.push(session);
        login(user, session)
    }

    fn about_one(&mut self, ends: bool) -> Request {
        let at = usize::try_from(self.chance.below(self.live.len() as u64)).unwrap_or_default();
        let session =
            if ends { self.live.swap_remove(at) } else { self.live.get(at).copied().unwrap_or_default() };
        let target = Target { session: Some(id(session)), ..Target::default() };
        Request::new(Actor::Local, if ends { Command::Logout(target) } else { Command::Touch(target) })
    }
}

impl Iterator for Mix {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        if self.asked == 0 && self.live.len() < self.live_min {
            return Some(self.login());
        }
        self.asked += 1;
        Some(match self.asked % ROUND {
            1 => self.login(),
            0 => self.about_one(true),
            _ => self.about_one(false),
        })
    }
}

/// A login of the user `user` from an address of its own.
pub(crate) fn login(user: u64, session: u64) -> Request {
    let [.., high, middle, low] = user.to_be_bytes();
    let login = Login {
        user: Some(format!("user-{user:07}")),
        session: Some(id(session)),
        ip: Some(format!("10.{high}.{middle}.{low}")),
        ..Login::default()
    };
    Request::new(Actor::Local, Command::Login(Box::new(login)))
}

/// 16 characters of 64 kinds: as much chance in each byte as an id of this length usually has.
fn id(session: u64) -> String {
    let mut chance = Chance(session);
    let characters = [chance.number(), chance.number()].into_iter().flat_map(u64::to_be_bytes);
    characters.filter_map(|byte| KINDS.get(usize::from(byte & 63)).copied().map(char::from)).collect()
}

/// A ledger in `data` that counts by user and by address, and records each touch.
pub(crate) fn config(data: &Path) -> Config {
    let quota = |name: &str, by| Quota {
        name: name.to_owned(),
        count_by: vec![by],
        max_sessions: Limit::at_most(LIMIT).unwrap_or(Limit::Unlimited),
        origin: Origin::File,
        ..Quota::default_quota()
    };
    let quotas = [quota("per-user", Dimension::User), quota("per-ip", Dimension::Ip)];
    // The longest fill is over long before a session ends by itself.
    let long = Span::seconds(12 * 3600);
    let sessions = SessionSettings {
        activity_resolution: Span::ZERO,
        ttl: long,
        idle: long,
        ..SessionSettings::default()
    };
    let settings = Settings { sessions, quotas: quotas.map(Into::into).into(), ..Settings::default() };
    Config { settings, ..Config::new(data) }
}

/// A new ledger in `data`, filled and closed. The seq of its last event but that of the close.
pub(crate) fn filled(config: Config, filling: Filling) -> anyhow::Result<u64> {
    let ledger = Ledger::open(config)?;
    fill(&ledger, filling, FILL_IN_FLIGHT)?;
    let durable = ledger.durable().0;
    ledger.close();
    Ok(durable)
}

/// Fills a new ledger, at most `in_flight` requests at a time; every answer is in. What comes next follows on from it.
pub(crate) fn fill(ledger: &Ledger, filling: Filling, in_flight: usize) -> anyhow::Result<Mix> {
    ensure!(filling.live <= filling.events, "more sessions are to live than events are to be recorded");
    let mut mix = Mix::new(filling.live, filling.seed)?;
    let mut asking = Asking::new(ledger, in_flight)?;
    for request in mix.by_ref().take(usize::try_from(filling.events)?) {
        asking.ask(request)?;
    }
    asking.finish()?;
    Ok(mix)
}

/// Numbers that look random: `SplitMix64`. Source: <https://prng.di.unimi.it/splitmix64.c>
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    /// Any number.
    pub(crate) const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 when there is none. Less even than it could be by less than `bound` in 2^64.
    pub(crate) const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.number() % bound }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sledger::projector::Projection;
    use std::collections::HashSet;

    #[test]
    fn five_requests_are_a_login_three_touches_and_a_logout_of_live_sessions() {
        let mut live = HashSet::new();
        let mut counts = [0; 3];
        for (n, request) in Mix::new(100, 7).unwrap().take(100 + 5 * 40).enumerate() {
            let kind = match request.command {
                Command::Login(login) => {
                    assert!(live.insert(login.session.unwrap()));
                    0
                }
                Command::Touch(target) => {
                    assert!(live.contains(&target.session.unwrap()));
                    1
                }
                Command::Logout(target) => {
                    assert!(live.remove(&target.session.unwrap()));
                    2
                }
                other => panic!("{other:?}"),
            };
            if n >= 100 {
                counts[kind] += 1;
            }
        }
        assert_eq!(counts, [40, 120, 40]);
        assert_eq!(live.len(), 100);
    }

    #[test]
    fn ids_have_16_characters_and_differ() {
        let ids: HashSet<String> = (0..10_000).map(id).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| id.len() == 16));
    }

    #[test]
    fn every_request_records_one_event() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(config(folder.path())).unwrap();
        let before = ledger.durable().0;
        fill(&ledger, Filling { events: 1000, live: 50, seed: 7 }, 64).unwrap();
        assert_eq!(ledger.durable().0 - before, 1000);
        assert_eq!(ledger.views().read(Projection::session_count).unwrap(), 50);
    }
}
