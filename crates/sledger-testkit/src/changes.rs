//! Random changes of settings at run time: most of them can be done, some cannot.

use crate::recordings::Rng;
use sledger_core::command::{Change, Changing, Command, Deed, PolicyChange};
use sledger_core::config::{Dimension, Level, Quota, Selector};
use sledger_core::event::PolicyMode;
use sledger_core::{Limit, Millis, Span};
use std::collections::BTreeMap;

/// Names that quotas are given, the default's among them.
const QUOTAS: [&str; 4] = ["per-user", "q0", "q1", "q2"];
/// Users and globs, those of random recordings among them.
const USERS: [&str; 7] = ["u0", "u1", "u2", "ann", "bob", "u*", "*"];
const GROUPS: [&str; 3] = ["g0", "g1", "vip"];
const POLICIES: [&str; 4] = ["deny_access", "destroy_oldest", "destroy_next_expiring", "destroy_all_others"];

/// A random change, as it may be asked for at `at`.
pub fn change(rng: &mut Rng, at: Millis) -> Command {
    let what = match rng.below(10) {
        0 => Changing::Put(Box::new(quota(rng))),
        1 => Changing::Delete { quota: name(rng) },
        2 => {
            let lasts = rng.chance(60).then(|| Span::millis(rng.below(5_000) as u64));
            Changing::Switch { quota: name(rng), enabled: rng.chance(60), lasts }
        }
        3 | 4 => Changing::Override {
            quota: name(rng),
            selector: selector(rng),
            limit: rng.chance(70).then(|| limit(rng)),
            until: rng.chance(50).then(|| Millis(at.0.saturating_add(rng.below(5_000) as u64))),
        },
        5 => Changing::Reset { quota: name(rng) },
        6..=8 => Changing::Policy(Box::new(policy(rng))),
        _ => Changing::Member { group: one(rng, &GROUPS), user: one(rng, &USERS), member: rng.chance(60) },
    };
    Command::Change(Box::new(Change { what, expect: None, reason: None }))
}

/// Something done about one of three policies, one of which fails and one of which has a limit of its own.
fn policy(rng: &mut Rng) -> PolicyChange {
    const TEXTS: [&str; 5] = [
        "fn on_exhausted() { evict(sessions.newest(quota.excess)) }",
        "fn on_exhausted() { deny(\"not now\") }",
        "fn on_exhausted() { evict(all_sessions.oldest()) }",
        "fn on_exhausted() { throw \"it fails\" }",
        "fn limit() { 2 }\nfn on_exhausted() { if quota.excess > 1 { deny(\"many\") } else { evict(sessions.oldest()) } }",
    ];
    let mode = match rng.below(4) {
        0 | 1 => PolicyMode::Active,
        2 => PolicyMode::Shadow,
        _ => PolicyMode::Share(u8::try_from(1 + rng.below(100)).unwrap_or(1)),
    };
    let deed = match rng.below(8) {
        0..=4 => Deed::Install { text: rng.pick(&TEXTS).into(), mode, params: BTreeMap::new() },
        5 => Deed::Promote,
        6 => Deed::RollBack { to: None },
        _ => Deed::Stop,
    };
    let names = ["destroy_oldest", "deny_access", "own"];
    PolicyChange { name: one(rng, &names), quota: rng.chance(50).then(|| name(rng)), deed }
}

fn one(rng: &mut Rng, of: &[&str]) -> String {
    rng.pick(of).to_owned()
}

fn name(rng: &mut Rng) -> String {
    one(rng, &QUOTAS)
}

fn quota(rng: &mut Rng) -> Quota {
    let dimensions = [Dimension::User, Dimension::Ip, Dimension::Group, Dimension::All, Dimension::Client];
    let count_by = dimensions.get(rng.below(dimensions.len())).cloned().into_iter().collect();
    let level = match rng.below(4) {
        0 => Level::Soft,
        1 => Level::Advisory,
        _ => Level::Hard,
    };
    Quota {
        name: name(rng),
        count_by,
        level,
        max_sessions: limit(rng),
        on_exhausted: one(rng, &POLICIES),
        enabled: rng.chance(90),
        evict_others: rng.chance(30),
        ..Quota::default_quota()
    }
}

fn limit(rng: &mut Rng) -> Limit {
    match rng.below(8) {
        0 => Limit::Unlimited,
        1 => Limit::Banned,
        number => u32::try_from(number).ok().and_then(Limit::at_most).unwrap_or(Limit::Unlimited),
    }
}

fn selector(rng: &mut Rng) -> Selector {
    if rng.chance(20) {
        return Selector::Group(one(rng, &GROUPS));
    }
    let text = one(rng, &USERS);
    if text.contains('*') { Selector::Glob(text) } else { Selector::User(text) }
}
