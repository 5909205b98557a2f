//! Quotas made ready for use: which sessions they count, under which keys, with which limit.

mod reach;

pub use reach::never_meets;

use crate::command::Rejection;
use crate::config::{
    Assignment, Condition, Dimension, Fact, Level, Quota, Selector, Settings, When, is_in_share,
};
use crate::event::{PolicyMode, PolicyRef};
use crate::{Facts, Limit, Millis};
use ipnet::IpNet;
use smallvec::SmallVec;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use wildmatch::WildMatch;

/// Parts a key of several dimensions. No control character passes the edge, so keys cannot be forged with it.
const KEY_SEPARATOR: char = '\u{1f}';

/// Keys of one login under one quota, sorted.
pub type Keys = SmallVec<[Arc<str>; 1]>;

/// A quota ready to be asked.
#[derive(Clone, Debug)]
pub struct ReadyQuota {
    /// The quota itself.
    pub quota: Arc<Quota>,
    /// Its name, shared by every answer that shows it.
    pub name: Arc<str>,
    when: ReadyWhen,
    users: BTreeMap<String, Vec<usize>>,
    globs: Vec<(WildMatch, usize)>,
    groups: Vec<(String, usize)>,
    is_own: bool,
}

impl ReadyQuota {
    /// Makes `quota` ready.
    ///
    /// # Errors
    /// Names the condition whose network does not parse.
    pub fn new(quota: &Arc<Quota>) -> Result<Self, Rejection> {
        let mut order: Vec<usize> = (0..quota.overrides.len()).collect();
        order.sort_by_key(|&index| (Reverse(quota.overrides.get(index).and_then(|o| o.set_at)), index));
        let mut ready = Self {
            quota: Arc::clone(quota),
            name: Arc::from(quota.name.as_str()),
            when: ReadyWhen::new(&quota.when)?,
            users: BTreeMap::new(),
            globs: Vec::new(),
            groups: Vec::new(),
            is_own: quota.enabled && quota.count_by == [Dimension::User] && quota.when == When::default(),
        };
        for index in order {
            match quota.overrides.get(index).map(|o| &o.selector) {
                Some(Selector::User(user)) => ready.users.entry(user.clone()).or_default().push(index),
                Some(Selector::Glob(glob)) => ready.globs.push((WildMatch::new(glob), index)),
                Some(Selector::Group(group)) => ready.groups.push((group.clone(), index)),
                None => {}
            }
        }
        Ok(ready)
    }

    /// Whether its answers are enforced.
    #[must_use]
    pub fn is_enforced(&self) -> bool {
        self.quota.level != Level::Advisory
    }

    /// Whether it counts every session, under its user's name alone.
    #[must_use]
    pub const fn is_own(&self) -> bool {
        self.is_own
    }

    /// Whether it is enabled and its `when` holds for `facts`.
    #[must_use]
    pub fn counts(&self, facts: &Facts) -> bool {
        self.quota.enabled && self.when.holds(facts) && !self.keys(facts).is_empty()
    }

    /// The keys that count `facts`: none when it is disabled, does not count them, or a dimension is missing.
    #[must_use]
    pub fn keys_counting(&self, facts: &Facts) -> Keys {
        if self.quota.enabled && self.when.holds(facts) { self.keys(facts) } else { Keys::new() }
    }

    /// The keys that count `facts` where one dimension alone makes them: enough to look ahead.
    pub(crate) fn each_single(&self, facts: &Facts, see: impl FnMut(&str)) {
        if let ([one], true) = (self.quota.count_by.as_slice(), self.quota.enabled) {
            values(one, facts).into_iter().for_each(see);
        }
    }

    fn keys(&self, facts: &Facts) -> Keys {
        let mut keys: Keys = match self.quota.count_by.as_slice() {
            [one] => values(one, facts).into_iter().map(Arc::from).collect(),
            several => combined(several, facts).into_iter().map(Arc::from).collect(),
        };
        keys.sort();
        keys.dedup();
        keys
    }

    /// The limit for `facts` by overrides and settings alone, before the policy's own `limit()`.
    /// The flag says that a ban by override is final.
    #[must_use]
    pub fn configured_limit(&self, facts: &Facts, at: Millis) -> (Limit, bool) {
        let found = self
            .first(self.users.get(facts.user()).into_iter().flatten().copied(), at)
            .or_else(|| {
                let user = facts.user();
                self.first(self.globs.iter().filter(|(glob, _)| glob.matches(user)).map(|(_, i)| *i), at)
            })
            .or_else(|| {
                self.first(self.groups.iter().filter(|(g, _)| facts.in_group(g)).map(|(_, i)| *i), at)
            });
        match found {
            Some(limit) => (limit, limit == Limit::Banned),
            None => (self.quota.max_sessions, false),
        }
    }

    fn first(&self, mut candidates: impl Iterator<Item = usize>, at: Millis) -> Option<Limit> {
        candidates.find_map(|index| {
            let found = self.quota.overrides.get(index)?;
            found.until.is_none_or(|until| at < until).then_some(found.limit)
        })
    }
}

/// What `facts` have to say in one dimension: nothing where it is missing, several groups.
fn values<'a>(dimension: &Dimension, facts: &'a Facts) -> SmallVec<[&'a str; 1]> {
    match dimension {
        Dimension::User => smallvec::smallvec![facts.user()],
        Dimension::All => smallvec::smallvec!["all"],
        Dimension::Ip => facts.ip().into_iter().collect(),
        Dimension::Client => facts.client().into_iter().collect(),
        Dimension::Source => facts.source().into_iter().collect(),
        Dimension::Attribute(name) => facts.attribute(name).into_iter().collect(),
        Dimension::Group => facts.groups().collect(),
    }
}

/// Every combination of the dimensions' values.
fn combined(dimensions: &[Dimension], facts: &Facts) -> Vec<String> {
    let mut keys = vec![String::new()];
    for (index, dimension) in dimensions.iter().enumerate() {
        let values = values(dimension, facts);
        let with = |key: &String, value: &str| match index {
            0 => value.to_owned(),
            _ => format!("{key}{KEY_SEPARATOR}{value}"),
        };
        keys = keys.iter().flat_map(|key| values.iter().map(move |value| with(key, value))).collect();
    }
    keys
}

/// A key as people read it: `ann × mobile`.
#[must_use]
pub fn key_for_people(key: &Arc<str>) -> Arc<str> {
    if key.contains(KEY_SEPARATOR) { Arc::from(key.replace(KEY_SEPARATOR, " × ")) } else { Arc::clone(key) }
}

/// A `when` table made ready.
#[derive(Clone, Debug, Default)]
pub struct ReadyWhen {
    all_of: Vec<ReadyCondition>,
    not: Vec<ReadyCondition>,
}

impl ReadyWhen {
    /// Makes `when` ready.
    ///
    /// # Errors
    /// Names the network that does not parse.
    pub fn new(when: &When) -> Result<Self, Rejection> {
        let ready = |conditions: &[Condition]| -> Result<Vec<_>, Rejection> {
            conditions.iter().map(ReadyCondition::new).collect()
        };
        Ok(Self { all_of: ready(&when.all_of)?, not: ready(&when.not)? })
    }

    /// Whether it holds for `facts`. A missing fact does not match; so under `not` it counts.
    #[must_use]
    pub fn holds(&self, facts: &Facts) -> bool {
        let all = |conditions: &[ReadyCondition]| conditions.iter().all(|condition| condition.holds(facts));
        all(&self.all_of) && (self.not.is_empty() || !all(&self.not))
    }
}

#[derive(Clone, Debug)]
enum ReadyCondition {
    User(Vec<WildMatch>),
    Ip(Vec<Network>),
    Exact(Fact, Vec<String>),
}

#[derive(Clone, Debug)]
enum Network {
    Net(IpNet),
    Text(String),
}

impl ReadyCondition {
    fn new(condition: &Condition) -> Result<Self, Rejection> {
        Ok(match &condition.fact {
            Fact::User => Self::User(condition.any_of.iter().map(|glob| WildMatch::new(glob)).collect()),
            Fact::Ip => {
                Self::Ip(condition.any_of.iter().map(|text| Network::new(text)).collect::<Result<_, _>>()?)
            }
            fact => Self::Exact(fact.clone(), condition.any_of.clone()),
        })
    }

    fn holds(&self, facts: &Facts) -> bool {
        match self {
            Self::User(globs) => globs.iter().any(|glob| glob.matches(facts.user())),
            Self::Ip(networks) => facts.ip().is_some_and(|ip| networks.iter().any(|net| net.contains(ip))),
            Self::Exact(fact, any_of) => any_of.iter().any(|wanted| Self::is(fact, wanted, facts)),
        }
    }

    fn is(fact: &Fact, wanted: &str, facts: &Facts) -> bool {
        match fact {
            Fact::Group => facts.in_group(wanted),
            Fact::Client => facts.client() == Some(wanted),
            Fact::Source => facts.source() == Some(wanted),
            Fact::Attribute(name) => facts.attribute(name) == Some(wanted),
            Fact::User => facts.user() == wanted,
            Fact::Ip => facts.ip() == Some(wanted),
        }
    }
}

impl Network {
    fn new(text: &str) -> Result<Self, Rejection> {
        if let Ok(net) = text.parse::<IpNet>() {
            return Ok(Self::Net(net));
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Self::Net(IpNet::from(ip.to_canonical())));
        }
        if text.contains('/') {
            return Err(Rejection::new("when.ip", format!("`{text}` is not a network such as 10.0.0.0/8")));
        }
        Ok(Self::Text(text.to_owned()))
    }

    fn contains(&self, ip: &str) -> bool {
        match self {
            Self::Net(net) => ip.parse::<IpAddr>().is_ok_and(|ip| net.contains(&ip)),
            Self::Text(text) => text == ip,
        }
    }
}

/// Whether `ip` lies in `network` (an address or CIDR). False for what does not parse.
#[must_use]
pub fn ip_in_network(ip: &str, network: &str) -> bool {
    Network::new(network).is_ok_and(|network| network.contains(ip))
}

/// A policy on trial on a quota.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Which.
    pub policy: PolicyRef,
    /// Whether it resolves the limit itself.
    pub has_limit: bool,
    /// As a shadow, or for a share of users.
    pub mode: PolicyMode,
}

impl Trial {
    fn of(assignment: &Assignment) -> Self {
        let Assignment { has_limit, mode, .. } = *assignment;
        Self { policy: assignment.policy_ref(), has_limit, mode }
    }

    /// Whether it decides for `user`.
    #[must_use]
    pub fn decides_for(&self, user: &str) -> bool {
        matches!(self.mode, PolicyMode::Share(share) if is_in_share(&self.policy.name, user, share))
    }

    /// Whether it is asked beside the one that decides.
    #[must_use]
    pub fn is_shadow(&self) -> bool {
        self.mode == PolicyMode::Shadow
    }
}

/// Everything of [`Settings`] that is looked at by each login, made ready.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The settings themselves.
    pub settings: Settings,
    /// The quotas, in order.
    pub quotas: Vec<ReadyQuota>,
    /// Logins that are no sessions.
    pub ignore: Vec<ReadyWhen>,
    /// By quota: the policy on trial.
    trials: Vec<Option<Trial>>,
    group_rules: Vec<(String, Vec<WildMatch>)>,
    /// By user: groups that it was put into or taken out of at run time.
    members: BTreeMap<String, Vec<(String, bool)>>,
    /// When something set at run time is over by itself.
    pub next_end: Option<Millis>,
}

impl Ready {
    /// Makes `settings` ready.
    ///
    /// # Errors
    /// Names what cannot be used: a network that does not parse, two quotas of one name, too many quotas.
    pub fn new(settings: Settings) -> Result<Self, Rejection> {
        let in_force = settings.quotas.iter().map(|quota| settings.in_force(quota));
        let quotas = in_force.map(|quota| ReadyQuota::new(&quota)).collect::<Result<Vec<_>, _>>()?;
        if u16::try_from(quotas.len()).is_err() {
            return Err(Rejection::new("quota", "more than 65535 quotas"));
        }
        let ignore = settings.ignore.iter().map(ReadyWhen::new).collect::<Result<Vec<_>, _>>()?;
        let group_rules = settings
            .groups
            .iter()
            .map(|rule| (rule.name.clone(), rule.users.iter().map(|glob| WildMatch::new(glob)).collect()))
            .collect();
        let mut members: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for one in &settings.members {
            members.entry(one.user.clone()).or_default().push((one.group.clone(), one.member));
        }
        let next_end = settings.next_end();
        let trials = settings.quotas.iter().map(|quota| settings.trial(&quota.name).map(Trial::of)).collect();
        Ok(Self { settings, quotas, ignore, trials, group_rules, members, next_end })
    }

    /// Groups that `user` is in by what was set at run time, else by `[[group]]`.
    pub fn groups_of<'a>(&'a self, user: &'a str) -> impl Iterator<Item = &'a str> {
        let set = self.members.get(user).map(Vec::as_slice).unwrap_or_default();
        let ruled = self
            .group_rules
            .iter()
            .filter(move |(_, globs)| globs.iter().any(|glob| glob.matches(user)))
            .map(|(name, _)| name.as_str())
            .filter(|group| set.iter().all(|(of, member)| of != group || *member));
        set.iter().filter(|(_, member)| *member).map(|(of, _)| of.as_str()).chain(ruled)
    }

    /// Whether `[[group]]` puts `user` into `group`, whatever was set at run time.
    #[must_use]
    pub fn is_ruled_into(&self, group: &str, user: &str) -> bool {
        let mut rules = self.group_rules.iter().filter(|(name, _)| name == group);
        rules.any(|(_, globs)| globs.iter().any(|glob| glob.matches(user)))
    }

    /// Whether the quotas of `other` count every session under the same keys.
    #[must_use]
    pub fn counts_alike(&self, other: &Self) -> bool {
        let alike = |(one, other): (&ReadyQuota, &ReadyQuota)| {
            let (one, other) = (&one.quota, &other.quota);
            (one.enabled, &one.count_by, &one.when) == (other.enabled, &other.count_by, &other.when)
        };
        self.quotas.len() == other.quotas.len() && self.quotas.iter().zip(&other.quotas).all(alike)
    }

    /// The first enabled quota that counts `facts`, with its configured limit: what an answer shows.
    #[must_use]
    pub fn shown(&self, facts: &Facts, at: Millis) -> Option<(u16, Limit)> {
        self.quotas
            .iter()
            .zip(0u16..)
            .find(|(quota, _)| quota.counts(facts))
            .map(|(quota, index)| (index, quota.configured_limit(facts, at).0))
    }

    /// The policy on trial on the quota at `index`.
    #[must_use]
    pub fn trial(&self, index: u16) -> Option<&Trial> {
        self.trials.get(usize::from(index))?.as_ref()
    }

    /// The quota at `index` of the configuration in force.
    #[must_use]
    pub fn quota(&self, index: u16) -> Option<&ReadyQuota> {
        self.quotas.get(usize::from(index))
    }
}
