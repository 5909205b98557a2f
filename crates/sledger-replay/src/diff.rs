//! Two moments beside each other: who came and went, and what was changed of what decides.
//!
//! Promise: what is equal at both is not named; a session that came and went between them is not seen at all.

use crate::at::{At, without_lapsed};
use sledger_core::answer::SessionView;
use sledger_core::config::{Quota, Settings};
use sledger_core::event::Binding;
use sledger_core::{Limit, Millis, Seq};
use sledger_wire::past::{
    CountsObject, DiffHead, GroupDiff, MomentObject, OverrideDiff, PolicyDiff, QuotaDiff, UserDiff,
    fields_that_differ, override_shown, quota_shown, selector_shown,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What of a moment can be compared.
#[derive(Debug)]
pub struct Picture {
    seq: Seq,
    at: Millis,
    settings: Settings,
    bindings: Vec<Binding>,
    sessions: BTreeMap<Seq, SessionView>,
    users: BTreeMap<String, (u32, Option<Limit>)>,
}

impl Picture {
    /// Of a ledger as it was.
    #[must_use]
    pub fn of(at: &At) -> Self {
        let (mut sessions, mut users) = (BTreeMap::new(), BTreeMap::new());
        for one in at.users() {
            let active = u32::try_from(one.sessions.len()).unwrap_or(u32::MAX);
            users.insert(one.user().unwrap_or_default().to_owned(), (active, one.limit));
            sessions.extend(one.sessions.iter().map(|session| (session.number, session.view())));
        }
        let settings = without_lapsed(&at.state().ready().settings, at.at());
        let bindings = at.state().bindings().to_vec();
        Self { seq: at.seq(), at: at.at(), settings, bindings, sessions, users }
    }

    fn moment(&self) -> MomentObject {
        MomentObject { seq: self.seq.0, at: self.at.rfc3339() }
    }

    fn quotas(&self) -> BTreeMap<&str, Arc<Quota>> {
        let quotas = self.settings.quotas.iter();
        quotas.map(|quota| (quota.name.as_str(), self.settings.in_force(quota))).collect()
    }

    /// Limits set for some, by quota and whom, those that were over then left out.
    fn overrides(&self) -> BTreeMap<(String, String), serde_json::Value> {
        let of = |quota: &Arc<Quota>| {
            let in_force = quota.overrides.iter().filter(|one| one.until.is_none_or(|until| self.at < until));
            // Of two for the same, the one looked at first counts: it is put in last.
            let mut all: Vec<_> = in_force.collect();
            all.sort_by_key(|one| one.set_at);
            let shown = all
                .into_iter()
                .map(|one| ((quota.name.clone(), selector_shown(&one.selector)), override_shown(one)));
            shown.collect::<Vec<_>>()
        };
        self.settings.quotas.iter().flat_map(of).collect()
    }

    fn groups(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for rule in &self.settings.groups {
            groups.entry(rule.name.clone()).or_default().extend(rule.users.iter().cloned());
        }
        for one in &self.settings.members {
            let group = groups.entry(one.group.clone()).or_default();
            if one.member {
                group.insert(one.user.clone())
            } else {
                group.remove(&one.user)
            };
        }
        groups
    }

    /// The policies in force, by quota and part.
    fn policies(&self) -> BTreeMap<(String, &'static str), String> {
        let bound = self.settings.quotas.iter().zip(&self.bindings).flat_map(|(quota, bound)| {
            let on_error = bound.on_error.as_ref().map(|policy| ("on_error", policy));
            let both = std::iter::once(("on_exhausted", &bound.policy)).chain(on_error);
            both.map(|(part, policy)| ((quota.name.clone(), part), policy.to_string())).collect::<Vec<_>>()
        });
        let given = self.settings.assignments.iter();
        bound
            .chain(
                given.map(|one| {
                    ((one.quota.clone(), "given"), format!("{} {:?}", one.policy_ref(), one.mode))
                }),
            )
            .collect()
    }
}

/// What differs.
#[derive(Debug)]
pub struct Diff<'p> {
    /// All but sessions.
    pub head: DiffHead,
    /// Sessions that are in at the second moment only, in the order of their numbers.
    pub came: Vec<&'p SessionView>,
    /// Sessions that are in at the first moment only.
    pub gone: Vec<&'p SessionView>,
}

/// Compares two moments.
#[must_use]
pub fn diff<'p>(from: &'p Picture, to: &'p Picture) -> Diff<'p> {
    let only = |here: &'p Picture, there: &Picture| {
        let here = here.sessions.iter().filter(|(number, _)| !there.sessions.contains_key(number));
        here.map(|(_, view)| view).collect()
    };
    let head = DiffHead {
        from: from.moment(),
        to: to.moment(),
        users: users(from, to),
        quotas: quotas(from, to),
        overrides: changed(&from.overrides(), &to.overrides())
            .map(|((quota, selector), from, to)| OverrideDiff { quota, selector, from, to })
            .collect(),
        groups: changed(&from.groups(), &to.groups())
            .map(|(group, from, to)| GroupDiff {
                group,
                from: from.map(Vec::from_iter),
                to: to.map(Vec::from_iter),
            })
            .collect(),
        policies: changed(&from.policies(), &to.policies())
            .map(|((quota, part), from, to)| PolicyDiff { quota, part: part.to_owned(), from, to })
            .collect(),
    };
    Diff { head, came: only(to, from), gone: only(from, to) }
}

/// Entries that are not the same in both, by key.
fn changed<K: Ord + Clone, V: PartialEq + Clone>(
    from: &BTreeMap<K, V>,
    to: &BTreeMap<K, V>,
) -> impl Iterator<Item = (K, Option<V>, Option<V>)> {
    let keys: BTreeSet<&K> = from.keys().chain(to.keys()).collect();
    let differs = keys.into_iter().filter(|key| from.get(*key) != to.get(*key));
    differs
        .map(|key| (key.clone(), from.get(key).cloned(), to.get(key).cloned()))
        .collect::<Vec<_>>()
        .into_iter()
}

fn users(from: &Picture, to: &Picture) -> Vec<UserDiff> {
    let counts = |of: Option<(u32, Option<Limit>)>| {
        let (active, limit) = of.unwrap_or_default();
        CountsObject { active, limit: limit.map(Into::into) }
    };
    let differ = changed(&from.users, &to.users);
    differ.map(|(user, from, to)| UserDiff { user, from: counts(from), to: counts(to) }).collect()
}

fn quotas(from: &Picture, to: &Picture) -> Vec<QuotaDiff> {
    let mut all = Vec::new();
    for (quota, was, is) in changed(&from.quotas(), &to.quotas()) {
        let (was, is) = (was.as_ref().map(quota_shown), is.as_ref().map(quota_shown));
        let quota = quota.to_owned();
        match (was, is) {
            (Some(was), Some(is)) => {
                let fields = fields_that_differ(&was, &is).into_iter();
                let named =
                    |(field, from, to)| QuotaDiff { quota: quota.clone(), field: Some(field), from, to };
                all.extend(fields.map(named));
            }
            (was, is) => all.push(QuotaDiff {
                quota,
                field: None,
                from: was.unwrap_or_default(),
                to: is.unwrap_or_default(),
            }),
        }
    }
    all
}
