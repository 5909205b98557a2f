//! What a session is, and which quotas and conditions it falls under.

use super::config::{Quota, When};
use super::values::NEVER;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What was known of a session when it was admitted.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) user: String,
    pub(super) session: String,
    pub(super) ip: Option<String>,
    pub(super) client: Option<String>,
    pub(super) source: Option<String>,
    pub(super) groups: BTreeSet<String>,
    pub(super) attributes: BTreeMap<String, String>,
}

/// A live session.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) facts: Facts,
    pub(super) number: u64,
    pub(super) generation: u64,
    pub(super) started: u64,
    pub(super) ttl: u64,
    pub(super) idle: u64,
    pub(super) retention: u64,
    /// Last recorded activity.
    pub(super) last_active: u64,
    /// Last activity, recorded or not.
    pub(super) last_seen: u64,
    /// Last admission, adoption, resume, touch or disconnect.
    pub(super) last_contact: u64,
    /// When it was disconnected, while it is retained.
    pub(super) parked: Option<u64>,
}

impl Session {
    pub(super) fn absolute_deadline(&self) -> u64 {
        self.started.saturating_add(self.ttl)
    }

    fn sliding_deadline(&self) -> u64 {
        match self.parked {
            Some(since) => since.saturating_add(self.retention),
            None => self.last_active.saturating_add(self.idle),
        }
    }

    /// Over when the time is this or later, going by recorded activity.
    pub(super) fn deadline(&self) -> u64 {
        self.absolute_deadline().min(self.sliding_deadline())
    }

    /// Why it ends at its deadline; ttl when two fall together.
    pub(super) fn cause_at_deadline(&self) -> &'static str {
        if self.absolute_deadline() <= self.sliding_deadline() {
            "ttl"
        } else if self.parked.is_some() {
            "retention"
        } else {
            "idle"
        }
    }

    pub(super) fn is_due(&self, now: u64) -> bool {
        let deadline = self.deadline();
        deadline != NEVER && now >= deadline
    }

    pub(super) fn age_order(&self) -> (u64, u64) {
        (self.started, self.number)
    }
}

/// `*` is any text, `?` any one character.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = pattern.get(first.len_utf8()..).unwrap_or_default();
    let mut chars = text.chars();
    match first {
        '*' => glob(rest, text) || (chars.next().is_some() && glob(pattern, chars.as_str())),
        '?' => chars.next().is_some() && glob(rest, chars.as_str()),
        _ => chars.next() == Some(first) && glob(rest, chars.as_str()),
    }
}

/// An address in canonical form; other text as it is.
pub(super) fn canonical_ip(text: &str) -> String {
    text.parse::<IpAddr>().map_or_else(|_| text.to_owned(), |ip| ip.to_string())
}

/// Whether `ip` lies in `network`, which is an address or an address with a prefix length.
fn in_network(network: &str, ip: &str) -> bool {
    let Some((base, length)) = network.split_once('/') else {
        return canonical_ip(network) == ip;
    };
    let (Some(base), Some(ip), Ok(length)) = (bits(base), bits(ip), length.parse::<usize>()) else {
        return false;
    };
    base.len() == ip.len() && base.iter().zip(&ip).take(length).all(|(a, b)| a == b)
}

fn bits(ip: &str) -> Option<Vec<bool>> {
    let octets = match ip.parse().ok()? {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    Some(octets.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1)).collect())
}

impl When {
    pub(super) fn holds(&self, facts: &Facts) -> bool {
        let all = |conditions: &[(String, Vec<String>)]| {
            conditions.iter().all(|(fact, any_of)| any_of.iter().any(|wanted| matches(fact, wanted, facts)))
        };
        all(&self.all_of) && (self.not.is_empty() || !all(&self.not))
    }
}

fn matches(fact: &str, wanted: &str, facts: &Facts) -> bool {
    let is = |value: Option<&String>| value.is_some_and(|value| value == wanted);
    match fact {
        "user" => glob(wanted, &facts.user),
        "group" => facts.groups.contains(wanted),
        "client" => is(facts.client.as_ref()),
        "source" => is(facts.source.as_ref()),
        "ip" => facts.ip.as_deref().is_some_and(|ip| in_network(wanted, ip)),
        attribute => is(attribute.strip_prefix("attr:").and_then(|name| facts.attributes.get(name))),
    }
}

/// A key of a quota: one text per dimension.
pub(super) type Key = Vec<String>;

impl Quota {
    /// The keys under which this quota counts a session with these facts, sorted; none if it does not.
    pub(super) fn keys(&self, facts: &Facts) -> BTreeSet<Key> {
        if !self.enabled || !self.when.holds(facts) {
            return BTreeSet::new();
        }
        let mut keys = vec![Key::new()];
        for dimension in &self.count_by {
            let values = values(dimension, facts);
            keys = keys.iter().flat_map(|key| values.iter().map(|value| with(key, value))).collect();
        }
        keys.into_iter().collect()
    }
}

fn with(key: &Key, value: &str) -> Key {
    let mut key = key.clone();
    key.push(value.to_owned());
    key
}

fn values(dimension: &str, facts: &Facts) -> Vec<String> {
    match dimension {
        "user" => vec![facts.user.clone()],
        "all" => vec![String::new()],
        "group" => facts.groups.iter().cloned().collect(),
        "ip" => facts.ip.iter().cloned().collect(),
        "client" => facts.client.iter().cloned().collect(),
        "source" => facts.source.iter().cloned().collect(),
        other => {
            let name = other.strip_prefix("attr:").unwrap_or_default();
            facts.attributes.get(name).iter().map(|value| (*value).clone()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_know_star_and_question_mark_only() {
        for (pattern, text) in [("*", ""), ("svc-*", "svc-1"), ("a?c", "abc"), ("*b*", "abc"), ("[a]", "[a]")]
        {
            assert!(glob(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("svc-*", "svc"), ("a?c", "ac"), ("[a]", "a")] {
            assert!(!glob(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn networks_hold_addresses_of_their_own_family() {
        assert!(in_network("10.0.0.0/8", "10.9.9.9"));
        assert!(!in_network("10.0.0.0/8", "11.0.0.1"));
        assert!(in_network("2001:db8::/32", "2001:db8::1"));
        assert!(!in_network("0.0.0.0/0", "::1"));
        assert!(in_network("2001:DB8::0:1", "2001:db8::1"));
    }
}
