//! `NAME.test.toml`: reading and running one.

use crate::world::{Old, World};
use serde::Deserialize;
use sledger_core::answer::{Answer, Outcome};
use sledger_core::command::Login;
use sledger_core::config::Level;
use sledger_core::policy::{Choice, Reply, Verdict};
use sledger_core::{Millis, Span};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(default)]
    base: Setting,
    #[serde(default)]
    case: Vec<Case>,
    property: Option<Property>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Setting {
    now: Option<String>,
    limit: Option<u32>,
    level: Option<String>,
    user: Option<User>,
    request: Option<Asked>,
    sessions: Option<Vec<String>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    id: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    attr: BTreeMap<String, String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    session: Option<String>,
    ip: Option<String>,
    client: Option<String>,
    source: Option<String>,
    #[serde(default)]
    attr: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    expect: Expect,
    #[serde(flatten)]
    setting: BTreeMap<String, toml::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    evict: Option<Vec<String>>,
    deny: Option<String>,
    allow: Option<String>,
    because: Option<String>,
    offer: Option<Vec<String>>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Property {
    runs: u32,
    never: Vec<String>,
}

impl Setting {
    fn or(self, base: &Self) -> Self {
        let base = base.clone();
        Self {
            now: self.now.or(base.now),
            limit: self.limit.or(base.limit),
            level: self.level.or(base.level),
            user: self.user.or(base.user),
            request: self.request.or(base.request),
            sessions: self.sessions.or(base.sessions),
        }
    }

    fn world(&self) -> World {
        let mut world = World::default();
        if let Some(now) = &self.now {
            world.now = millis(now);
        }
        world.limit = self.limit.unwrap_or(1);
        world.level = match self.level.as_deref() {
            Some("soft") => Level::Soft,
            Some("advisory") => Level::Advisory,
            _ => Level::Hard,
        };
        let user = self.user.clone().unwrap_or(User { id: "ann".into(), ..User::default() });
        let asked = self.request.clone().unwrap_or_default();
        world.newcomer = Login {
            user: Some(user.id),
            groups: user.groups,
            user_attributes: user.attr.into_iter().collect(),
            session: Some(asked.session.unwrap_or_else(|| "new".into())),
            ip: asked.ip,
            client: asked.client,
            source: asked.source,
            attributes: asked.attr.into_iter().collect(),
            ..Login::default()
        };
        world.sessions = self.sessions.iter().flatten().map(|line| session(&world, line)).collect();
        world
    }
}

/// `id key=value … retained`.
fn session(world: &World, line: &str) -> Old {
    let mut words = line.split_whitespace();
    let mut old = world.old(words.next().expect("a session line begins with an id"));
    let mut age = None;
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let text = || Some(value.to_owned());
        match key {
            "ip" => old.login.ip = text(),
            "client" => old.login.client = text(),
            "source" => old.login.source = text(),
            "user" => old.login.user = text(),
            "age" => age = Some(seconds(value)),
            "idle" => old.idle = seconds(value),
            "ttl" => old.login.ttl = Some(Span::seconds(seconds(value))),
            "retained" => old.retained = true,
            other => match other.strip_prefix("attr.") {
                Some(key) => old.login.attributes.push((key.to_owned(), value.to_owned())),
                None => panic!("`{other}` in session line `{line}`"),
            },
        }
    }
    old.age = age.unwrap_or(3600).max(old.idle);
    old
}

fn seconds(text: &str) -> u64 {
    let (number, unit) = text.split_at(text.len() - 1);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        other => panic!("unit `{other}`"),
    };
    number.parse::<u64>().unwrap() * unit
}

fn millis(text: &str) -> Millis {
    let when: toml::value::Datetime = text.parse().unwrap();
    let (date, time) = (when.date.unwrap(), when.time.unwrap());
    let (year, month) = (i64::from(date.year), i64::from(date.month));
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + i64::from(date.day) - 719_469;
    let seconds =
        days * 86_400 + i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second);
    Millis(u64::try_from(seconds).unwrap() * 1000)
}

impl File {
    pub(crate) fn read(text: &str) -> Self {
        toml::from_str(text).unwrap()
    }

    /// Runs every case; what went wrong, in words. The count of cases run.
    pub(crate) fn run(&self, name: &str, source: &str) -> (usize, Vec<String>) {
        let failed = self.case.iter().filter_map(|case| case.run(&self.base, name, source).err());
        (self.case.len(), failed.collect())
    }

    /// Runs generated scenarios from a fixed seed.
    pub(crate) fn run_property(&self, name: &str, source: &str) -> Vec<String> {
        let Some(property) = &self.property else { return Vec::new() };
        let mut random = Random(0x5eed);
        let mut broken = Vec::new();
        for run in 0..property.runs {
            let world = random.world(&self.base.world());
            let mut court = world.court(name, source);
            let answer = world.login(&mut court);
            let code = answer.policy_code.map(sledger_core::event::PolicyCode::as_str);
            if code.is_some_and(|code| property.never.iter().any(|never| never == code)) {
                broken
                    .push(format!("seed 0x5eed run {run}: {code:?} with {} sessions", world.sessions.len()));
            }
        }
        broken
    }
}

impl Case {
    fn run(&self, base: &Setting, name: &str, source: &str) -> Result<(), String> {
        let own: toml::Table = self.setting.clone().into_iter().collect();
        let setting: Setting = own.try_into().map_err(|error| format!("{}: {error}", self.name))?;
        let world = setting.or(base).world();
        let mut court = world.court(name, source);
        let answer = world.login(&mut court);
        let reply = court.policies().replies.last().cloned();
        let id = |number| {
            let session = court.state().session_numbered(number);
            session.map_or_else(|| format!("#{number}"), |session| session.facts.session().to_owned())
        };
        self.expect.met_by(&answer, reply, id).map_err(|wrong| format!("{}: {wrong}", self.name))
    }
}

impl Expect {
    fn met_by(
        &self,
        answer: &Answer,
        reply: Option<Reply<Verdict>>,
        id: impl Fn(sledger_core::Seq) -> String,
    ) -> Result<(), String> {
        let verdict = reply.and_then(|reply| reply.answer.ok());
        let said = verdict.as_ref().and_then(|verdict| verdict.reason.as_deref()).unwrap_or_default();
        let evicted: Vec<&str> = answer.evicted.iter().map(|facts| facts.session()).collect();
        let offered: Vec<String> = match verdict.as_ref().map(|verdict| &verdict.choice) {
            Some(Choice::Deny { offer }) => offer.iter().map(|number| id(*number)).collect(),
            _ => Vec::new(),
        };
        let code = answer.policy_code.map(sledger_core::event::PolicyCode::as_str);
        let is_met = self.evict.as_ref().is_none_or(|ids| *ids == evicted)
            && self.deny.as_ref().is_none_or(|text| answer.outcome == Outcome::Denied && said.contains(text))
            && self
                .allow
                .as_ref()
                .is_none_or(|text| answer.outcome == Outcome::Admitted && said.contains(text))
            && self.because.as_ref().is_none_or(|text| said.contains(text))
            && self.offer.as_ref().is_none_or(|ids| *ids == offered)
            && self.error.as_deref() == code;
        let found =
            || format!("expected {self:?}, got evicted {evicted:?} reason `{said}` {code:?} {answer:?}");
        if is_met { Ok(()) } else { Err(found()) }
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound.max(1)
    }

    /// At least as many sessions as the limit, of random ages, addresses and clients.
    fn world(&mut self, base: &World) -> World {
        let mut world = World { limit: 1 + u32::try_from(self.below(6)).unwrap(), ..base.clone() };
        world.sessions.clear();
        for i in 0..u64::from(world.limit) + self.below(4) {
            let mut old = world.old(&format!("s{i}"));
            old.age = self.below(86_400);
            old.idle = self.below(old.age + 1);
            old.login.ttl = (self.below(2) == 0).then(|| Span::seconds(86_400 + self.below(1000)));
            old.login.ip = (self.below(3) > 0).then(|| format!("10.0.0.{}", self.below(5)));
            old.login.client = (self.below(3) > 0).then(|| "web".to_owned());
            old.retained = self.below(4) == 0;
            world.sessions.push(old);
        }
        world
    }
}
