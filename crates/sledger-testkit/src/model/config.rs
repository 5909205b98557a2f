//! Settings as they are written: the sections of `configure`.

use super::facts::{Facts, glob};
use super::policy::Policies;
use super::values::{
    Fields, Limit, NEVER, Read, Refused, duration, life, refuse, text, text_or_texts, texts, time,
};
use serde_json::Value;
use std::collections::BTreeSet;

/// `[sessions]`.
#[derive(Clone, Debug)]
pub(super) struct Sessions {
    pub(super) ttl: u64,
    pub(super) idle: u64,
    pub(super) retention: u64,
    pub(super) activity_resolution: u64,
    pub(super) take_over: bool,
    pub(super) refuse_reuse: bool,
    pub(super) evicted_wait: u64,
    pub(super) tombstones_max: usize,
}

/// `[users]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Users {
    lowercase: bool,
    strip_domain: Vec<String>,
}

/// Conditions; a condition is a fact and the values of which it must have one.
#[derive(Clone, Debug, Default)]
pub(super) struct When {
    pub(super) all_of: Vec<(String, Vec<String>)>,
    pub(super) not: Vec<(String, Vec<String>)>,
}

/// What a quota does with a login it has no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Hard,
    Soft,
    Advisory,
}

/// `[[quota]]`.
#[derive(Clone, Debug)]
pub(super) struct Quota {
    pub(super) name: String,
    pub(super) count_by: Vec<String>,
    pub(super) when: When,
    pub(super) max_sessions: Limit,
    pub(super) level: Level,
    pub(super) on_exhausted: String,
    pub(super) on_error: String,
    pub(super) evict_others: bool,
    pub(super) enabled: bool,
    overrides: Vec<Override>,
}

#[derive(Clone, Debug)]
struct Override {
    user: Option<String>,
    group: Option<String>,
    limit: Limit,
    until: u64,
}

/// All sections that decide.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) sessions: Sessions,
    pub(super) users: Users,
    groups: Vec<(String, Vec<String>)>,
    ignore: Vec<When>,
    pub(super) quotas: Vec<Quota>,
}

impl Config {
    /// What stands in force where nothing is set.
    pub(super) fn unset() -> Read<Self> {
        let nothing = Value::Object(serde_json::Map::new());
        Ok(Self {
            sessions: Sessions::read(&nothing)?,
            users: Users::default(),
            groups: Vec::new(),
            ignore: Vec::new(),
            quotas: vec![default_quota()?],
        })
    }

    /// This one with the sections of `value` replaced.
    pub(super) fn with(&self, value: &Value, policies: &Policies) -> Read<Self> {
        const SECTIONS: [&str; 6] = ["quota", "sessions", "group", "ignore", "messages", "users"];
        let given = Fields::of_value(value, "config", &SECTIONS)?;
        let message_fields =
            |value: &Value, field: &str| Fields::of_value(value, field, &["denied", "evicted"]).map(drop);
        given.read("messages", message_fields)?;
        Ok(Self {
            sessions: given
                .read("sessions", |value, _| Sessions::read(value))?
                .unwrap_or(self.sessions.clone()),
            users: given.read("users", |value, _| Users::read(value))?.unwrap_or(self.users.clone()),
            groups: given
                .read("group", |value, field| list(value, field, group))?
                .unwrap_or(self.groups.clone()),
            ignore: given
                .read("ignore", |value, field| list(value, field, When::read))?
                .unwrap_or(self.ignore.clone()),
            quotas: given.read("quota", |value, _| quotas(value, policies))?.unwrap_or(self.quotas.clone()),
        })
    }

    pub(super) fn ignores(&self, facts: &Facts) -> bool {
        self.ignore.iter().any(|when| when.holds(facts))
    }

    /// `groups` and those that the user is given by name.
    pub(super) fn groups_of(&self, user: &str, groups: &BTreeSet<String>) -> BTreeSet<String> {
        let given = self.groups.iter().filter(|(_, users)| users.iter().any(|pattern| glob(pattern, user)));
        groups.iter().cloned().chain(given.map(|(name, _)| name.clone())).collect()
    }
}

fn list<T>(value: &Value, field: &str, read: impl Fn(&Value, &str) -> Read<T>) -> Read<Vec<T>> {
    let Some(items) = value.as_array() else { return refuse(field) };
    items.iter().map(|item| read(item, field)).collect()
}

fn group(value: &Value, field: &str) -> Read<(String, Vec<String>)> {
    let given = Fields::of_value(value, field, &["name", "users"])?;
    Ok((
        given.needed("name")?,
        given.read("users", |value, field| texts(value, field, 256))?.unwrap_or_default(),
    ))
}

fn one_of(given: &Fields<'_>, name: &str, words: [&str; 2]) -> Read<bool> {
    match given.text(name, 256)?.as_deref() {
        None => Ok(false),
        Some(word) if word == words[0] => Ok(false),
        Some(word) if word == words[1] => Ok(true),
        Some(_) => refuse(name),
    }
}

impl Sessions {
    fn read(value: &Value) -> Read<Self> {
        const KNOWN: [&str; 8] = [
            "ttl",
            "idle",
            "retention",
            "activity_resolution",
            "same_id",
            "reuse",
            "evicted_wait",
            "tombstones_max",
        ];
        let given = Fields::of_value(value, "sessions", &KNOWN)?;
        let tombstones = given.number("tombstones_max")?.unwrap_or(200_000);
        Ok(Self {
            ttl: given.read("ttl", life)?.unwrap_or(12 * 3_600_000),
            idle: given.read("idle", life)?.unwrap_or(30 * 60_000),
            retention: given.read("retention", duration)?.unwrap_or(0),
            activity_resolution: given.read("activity_resolution", duration)?.unwrap_or(0),
            take_over: one_of(&given, "same_id", ["refuse", "take_over"])?,
            refuse_reuse: one_of(&given, "reuse", ["allow", "refuse"])?,
            evicted_wait: given.read("evicted_wait", duration)?.unwrap_or(0),
            tombstones_max: usize::try_from(tombstones).map_err(|_| Refused("tombstones_max".to_owned()))?,
        })
    }
}

impl Users {
    fn read(value: &Value) -> Read<Self> {
        let given = Fields::of_value(value, "users", &["fold", "strip_domain"])?;
        Ok(Self {
            lowercase: one_of(&given, "fold", ["none", "lowercase"])?,
            strip_domain: given
                .read("strip_domain", |value, field| texts(value, field, 256))?
                .unwrap_or_default(),
        })
    }

    /// The key under which the sessions of `name` are counted.
    pub(super) fn key(&self, name: &str) -> String {
        let name = compose(name);
        let stripped = self.strip_domain.iter().find_map(|domain| without_domain(&name, domain));
        let name = stripped.unwrap_or(&name);
        if self.lowercase { name.to_lowercase() } else { name.to_owned() }
    }
}

fn without_domain<'a>(name: &'a str, domain: &str) -> Option<&'a str> {
    let same = |other: &str| other.to_lowercase() == domain.to_lowercase();
    let before = name.split_once('\\').filter(|(other, _)| same(other)).map(|(_, rest)| rest);
    before.or_else(|| name.rsplit_once('@').filter(|(_, other)| same(other)).map(|(rest, _)| rest))
}

/// NFC for the few letters that recordings use: a base letter and an acute accent become one.
fn compose(name: &str) -> String {
    const ACUTE: [(char, char); 6] = [('a', 'á'), ('e', 'é'), ('i', 'í'), ('o', 'ó'), ('u', 'ú'), ('E', 'É')];
    ACUTE.iter().fold(name.to_owned(), |name, (base, composed)| {
        name.replace(&format!("{base}\u{301}"), &composed.to_string())
    })
}

impl When {
    fn read(value: &Value, field: &str) -> Read<Self> {
        let Some(map) = value.as_object() else { return refuse(field) };
        let mut all_of = map.clone();
        let not = all_of.remove("not").unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        Ok(Self { all_of: conditions(&Value::Object(all_of), field)?, not: conditions(&not, field)? })
    }
}

fn conditions(value: &Value, field: &str) -> Read<Vec<(String, Vec<String>)>> {
    const FACTS: [&str; 5] = ["user", "group", "client", "source", "ip"];
    let Some(map) = value.as_object() else { return refuse(field) };
    let known = |fact: &str| FACTS.contains(&fact) || fact.starts_with("attr:");
    let read = |(fact, value): (&String, &Value)| {
        if known(fact) { Ok((fact.clone(), text_or_texts(value, fact)?)) } else { refuse(fact) }
    };
    map.iter().map(read).collect()
}

fn default_quota() -> Read<Quota> {
    let value = serde_json::json!({ "name": "per-user", "count_by": "user", "max_sessions": 5 });
    Quota::read(&value, &Policies::default())
}

fn quotas(value: &Value, policies: &Policies) -> Read<Vec<Quota>> {
    let quotas = list(value, "quota", |value, _| Quota::read(value, policies))?;
    let names: BTreeSet<&str> = quotas.iter().map(|quota| quota.name.as_str()).collect();
    if names.len() < quotas.len() {
        return refuse("name");
    }
    if quotas.is_empty() { Ok(vec![default_quota()?]) } else { Ok(quotas) }
}

impl Quota {
    fn read(value: &Value, policies: &Policies) -> Read<Self> {
        const KNOWN: [&str; 12] = [
            "name",
            "count_by",
            "when",
            "max_sessions",
            "level",
            "on_exhausted",
            "on_error",
            "evict_others",
            "enabled",
            "params",
            "messages",
            "override",
        ];
        let given = Fields::of_value(value, "quota", &KNOWN)?;
        let quota = Self {
            name: given.needed("name")?,
            count_by: given.read("count_by", count_by)?.unwrap_or_else(|| vec!["user".to_owned()]),
            when: given.read("when", When::read)?.unwrap_or_default(),
            max_sessions: given
                .read("max_sessions", Limit::read)?
                .map_or_else(|| refuse("max_sessions"), Ok)?,
            level: level(&given)?,
            on_exhausted: given
                .text("on_exhausted", 256)?
                .unwrap_or_else(|| "destroy_next_expiring".to_owned()),
            on_error: given.text("on_error", 256)?.unwrap_or_else(|| "deny".to_owned()),
            evict_others: given.flag("evict_others", false)?,
            enabled: given.flag("enabled", true)?,
            overrides: given
                .read("override", |value, field| list(value, field, Override::read))?
                .unwrap_or_default(),
        };
        quota.checked(policies)
    }

    fn checked(self, policies: &Policies) -> Read<Self> {
        if policies.get(&self.on_exhausted).is_none() {
            return refuse("on_exhausted");
        }
        match self.on_error.as_str() {
            "deny" => Ok(self),
            "allow" if self.level == Level::Soft => Ok(self),
            name if Policies::default().get(name).is_some() => Ok(self),
            _ => refuse("on_error"),
        }
    }

    /// The limit that its overrides, else its own number, give to a login; whether an override gave it.
    pub(super) fn configured_limit(&self, facts: &Facts, now: u64) -> (Limit, bool) {
        let in_force: Vec<&Override> = self.overrides.iter().filter(|one| now < one.until).collect();
        let is_glob = |pattern: &str| pattern.contains(['*', '?']);
        let user = |one: &Override, globs: bool| {
            one.user.as_ref().is_some_and(|user| is_glob(user) == globs && glob(user, &facts.user))
        };
        let group = |one: &Override| one.group.as_ref().is_some_and(|group| facts.groups.contains(group));
        let exact = in_force.iter().find(|one| user(one, false));
        let found = exact.or_else(|| in_force.iter().find(|one| user(one, true)));
        let found = found.or_else(|| in_force.iter().find(|one| group(one)));
        found.map_or((self.max_sessions, false), |one| (one.limit, true))
    }
}

fn level(given: &Fields<'_>) -> Read<Level> {
    match given.text("level", 256)?.as_deref() {
        None | Some("hard") => Ok(Level::Hard),
        Some("soft") => Ok(Level::Soft),
        Some("advisory") => Ok(Level::Advisory),
        Some(_) => refuse("level"),
    }
}

fn count_by(value: &Value, field: &str) -> Read<Vec<String>> {
    const DIMENSIONS: [&str; 6] = ["user", "ip", "client", "group", "source", "all"];
    let dimensions = text_or_texts(value, field)?;
    let known = |name: &String| DIMENSIONS.contains(&name.as_str()) || name.starts_with("attr:");
    if dimensions.is_empty() || !dimensions.iter().all(known) { refuse(field) } else { Ok(dimensions) }
}

impl Override {
    fn read(value: &Value, field: &str) -> Read<Self> {
        let given = Fields::of_value(value, field, &["user", "group", "max_sessions", "until", "reason"])?;
        let until = |value: &Value, field: &str| time(value).map_or_else(|| refuse(field), Ok);
        let one = Self {
            user: given.read("user", |value, field| text(value, field, 256))?,
            group: given.read("group", |value, field| text(value, field, 256))?,
            limit: given.read("max_sessions", Limit::read)?.map_or_else(|| refuse("max_sessions"), Ok)?,
            until: given.read("until", until)?.unwrap_or(NEVER),
        };
        if one.user.is_some() == one.group.is_some() { refuse(field) } else { Ok(one) }
    }
}
