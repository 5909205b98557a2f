//! A login against the quotas, in one scratch view: the victims of one quota
//! are gone for the next, and nothing of it is true before the login is admitted.

use super::config::{Level, Quota};
use super::facts::{Facts, Key, Session};
use super::policy::{Policies, Policy, Reply};
use super::trips::Trips;
use super::values::Limit;
use serde_json::{Value, json};

/// What the quotas said.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    /// The quota that denied, its limit, and the code.
    pub(super) denied: Option<(String, Limit, &'static str)>,
    pub(super) evicted: Vec<Session>,
    /// Whether a quota that is enforced was exhausted.
    pub(super) exhausted: bool,
    /// The policy asked last.
    pub(super) policy: Option<String>,
    pub(super) advisory: Vec<Value>,
}

/// What one exhausted key leads to, and the policy that is named for it.
struct Judgement {
    end: End,
    victims: Vec<u64>,
    policy: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Allow,
    Deny,
    Evict,
    Fail,
}

/// The limit in force for a login under a quota.
pub(super) fn limit(quota: &Quota, facts: &Facts, policies: &Policies, now: u64) -> Limit {
    let (configured, by_override) = quota.configured_limit(facts, now);
    if by_override && configured == Limit::Banned {
        return Limit::Banned;
    }
    policies.get(&quota.on_exhausted).and_then(Policy::limit).unwrap_or(configured)
}

/// Everything a pass over the quotas looks at.
pub(super) struct Pass<'a> {
    pub(super) facts: &'a Facts,
    pub(super) quotas: &'a [Quota],
    pub(super) policies: &'a Policies,
    pub(super) trips: &'a mut Trips,
    pub(super) now: u64,
    /// The live sessions, without those that the login ends otherwise.
    pub(super) view: Vec<Session>,
    pub(super) verdict: Verdict,
}

impl Pass<'_> {
    /// One pass, quota by quota and key by key; stops at the first that denies.
    pub(super) fn run(mut self) -> Verdict {
        let quotas = self.quotas;
        for quota in quotas {
            let limit = limit(quota, self.facts, self.policies, self.now);
            for key in quota.keys(self.facts) {
                if !limit.has_room(self.under(quota, &key).len()) {
                    self.exhausted(quota, &key, limit);
                }
                if self.verdict.denied.is_some() {
                    return self.verdict;
                }
            }
        }
        self.verdict
    }

    /// The sessions that a quota counts under a key, in the view as it is.
    fn under(&self, quota: &Quota, key: &Key) -> Vec<Session> {
        self.view.iter().filter(|session| quota.keys(&session.facts).contains(key)).cloned().collect()
    }

    fn exhausted(&mut self, quota: &Quota, key: &Key, limit: Limit) {
        if quota.level == Level::Advisory {
            let advice = self.advice(quota, key, limit);
            return self.verdict.advisory.push(advice);
        }
        self.verdict.exhausted = true;
        if limit == Limit::Banned {
            return self.deny(quota, limit, "USER_BANNED");
        }
        let judgement = self.judge(quota, key, limit);
        self.verdict.policy = Some(judgement.policy);
        match judgement.end {
            End::Allow | End::Evict => self.evict(&judgement.victims),
            End::Deny | End::Fail => self.deny(quota, limit, "SESSION_QUOTA_EXCEEDED"),
        }
    }

    fn deny(&mut self, quota: &Quota, limit: Limit, code: &'static str) {
        self.verdict.denied = Some((quota.name.clone(), limit, code));
    }

    fn evict(&mut self, victims: &[u64]) {
        for victim in victims {
            let gone = self.view.iter().find(|session| session.number == *victim).cloned();
            self.verdict.evicted.extend(gone);
            self.view.retain(|session| session.number != *victim);
        }
    }

    fn advice(&mut self, quota: &Quota, key: &Key, limit: Limit) -> Value {
        if limit == Limit::Banned {
            return json!({ "quota": quota.name, "outcome": "deny", "evict": [] });
        }
        let judgement = self.judge(quota, key, limit);
        let (outcome, victims) = match judgement.end {
            End::Allow => ("allow", Vec::new()),
            End::Deny => ("deny", Vec::new()),
            End::Evict => ("evict", judgement.victims),
            End::Fail => ("error", Vec::new()),
        };
        let id = |number: &u64| self.view.iter().find(|session| session.number == *number);
        let evict: Vec<&str> =
            victims.iter().filter_map(id).map(|session| session.facts.session.as_str()).collect();
        json!({ "quota": quota.name, "outcome": outcome, "evict": evict })
    }

    /// Asks the quota's policy, and what stands in for it where it fails.
    fn judge(&mut self, quota: &Quota, key: &Key, limit: Limit) -> Judgement {
        let name = quota.on_exhausted.clone();
        let tripped = self.trips.is_tripped(&quota.name, &name, self.now);
        let first = if tripped { None } else { self.ask(quota, key, limit, &name) };
        if let Some((end, victims)) = first {
            return Judgement { end, victims, policy: name };
        }
        if !tripped {
            self.trips.failed(&quota.name, &name, self.now);
        }
        self.on_error(quota, key, limit, name)
    }

    fn on_error(&self, quota: &Quota, key: &Key, limit: Limit, failed: String) -> Judgement {
        let (end, victims) = match quota.on_error.as_str() {
            _ if quota.level == Level::Advisory => (End::Fail, Vec::new()),
            "deny" => (End::Deny, Vec::new()),
            "allow" => (End::Allow, Vec::new()),
            name => {
                return match self.ask(quota, key, limit, name) {
                    Some((end, victims)) => Judgement { end, victims, policy: name.to_owned() },
                    None => Judgement { end: End::Deny, victims: Vec::new(), policy: failed },
                };
            }
        };
        Judgement { end, victims, policy: failed }
    }

    /// Asks a policy until there is room; `None` when it fails.
    fn ask(&self, quota: &Quota, key: &Key, limit: Limit, name: &str) -> Option<(End, Vec<u64>)> {
        let Limit::Max(max) = limit else { return None };
        let counted = self.under(quota, key);
        let mut used = counted.len();
        let theirs = |session: &Session| quota.evict_others || session.facts.user == self.facts.user;
        let mut shown: Vec<Session> = counted.into_iter().filter(theirs).collect();
        let too_few = !quota.evict_others && shown.len() < used + 1 - max;
        let failure = too_few.then_some((End::Deny, Vec::new()));
        let policy = self.policies.get(name)?;
        let mut victims = Vec::new();
        while used >= max {
            match policy.answer(&shown, used + 1 - max) {
                Reply::Deny => return Some((End::Deny, Vec::new())),
                Reply::Allow if quota.level == Level::Hard => return failure,
                Reply::Allow => return Some((End::Allow, victims)),
                Reply::Fail => return failure,
                Reply::Evict(more) => {
                    used -= more.len();
                    shown.retain(|session| !more.contains(&session.number));
                    victims.extend(more);
                }
            }
        }
        Some((End::Evict, victims))
    }
}
