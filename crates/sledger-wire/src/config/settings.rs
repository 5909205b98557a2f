//! The sections that decide: sessions, users, groups, ignore, messages, quotas.
//!
//! The same readers serve the file and the `config` of a recording's `configure`.

use super::{foreign, message, quota, when};
use crate::fields::{Faults, Fields};
use crate::readers::{boolean, count_or_zero, life, name, names, one_of, span};
use crate::tree::Node;
use sledger_core::config::{
    GroupRule, Messages, Origin, Reuse, SameId, SessionSettings, Settings, UserSettings, When,
};

/// All of them; what is absent is the default.
pub(super) fn settings(root: &Fields<'_>, origin: Origin, faults: &mut Faults) -> Settings {
    let default = Settings::default();
    let quotas = quota::quotas(root, origin, faults).filter(|quotas| !quotas.is_empty());
    Settings {
        sessions: sessions(root, &default.sessions, faults).unwrap_or(default.sessions),
        users: users(root, faults).unwrap_or(default.users),
        groups: groups(root, faults).unwrap_or(default.groups),
        ignore: ignores(root, faults).unwrap_or(default.ignore),
        messages: messages(root, faults).unwrap_or(default.messages),
        quotas: quotas.map_or(default.quotas, |quotas| quotas.into_iter().map(Into::into).collect()),
        ..default
    }
}

const SESSION_KEYS: &[&str] = &[
    "ttl",
    "idle",
    "retention",
    "activity_resolution",
    "same_id",
    "reuse",
    "evicted_wait",
    "tombstones_max",
];

/// `[sessions]`; keys that are absent are as in `base`.
pub(crate) fn sessions(
    root: &Fields<'_>,
    base: &SessionSettings,
    faults: &mut Faults,
) -> Option<SessionSettings> {
    let node = root.get("sessions")?;
    let section = Fields::open(node, &root.path_of("sessions"), SESSION_KEYS, faults);
    let same_id = |node: &Node| {
        one_of(node, &[("refuse", SameId::Refuse), ("take_over", SameId::TakeOver)], foreign::SAME_ID)
    };
    let reuse = |node: &Node| {
        one_of(node, &[("allow", Reuse::Allow), ("refuse", Reuse::Refuse)], &[("deny", "refuse")])
    };
    Some(SessionSettings {
        ttl: section.read("ttl", faults, life).unwrap_or(base.ttl),
        idle: section.read("idle", faults, life).unwrap_or(base.idle),
        retention: section.read("retention", faults, span).unwrap_or(base.retention),
        activity_resolution: section
            .read("activity_resolution", faults, span)
            .unwrap_or(base.activity_resolution),
        same_id: section.read("same_id", faults, same_id).unwrap_or(base.same_id),
        reuse: section.read("reuse", faults, reuse).unwrap_or(base.reuse),
        evicted_wait: section.read("evicted_wait", faults, span).unwrap_or(base.evicted_wait),
        tombstones_max: section.read("tombstones_max", faults, count_or_zero).unwrap_or(base.tombstones_max),
    })
}

/// `[users]`.
pub(crate) fn users(root: &Fields<'_>, faults: &mut Faults) -> Option<UserSettings> {
    let node = root.get("users")?;
    let section = Fields::open(node, &root.path_of("users"), &["fold", "strip_domain"], faults);
    let fold = |node: &Node| {
        one_of(
            node,
            &[("none", false), ("lowercase", true)],
            &[("lower", "lowercase"), ("lower_case", "lowercase")],
        )
    };
    Some(UserSettings {
        lowercase: section.read("fold", faults, fold).unwrap_or_default(),
        strip_domain: section.read("strip_domain", faults, names).unwrap_or_default(),
    })
}

/// `[[group]]`.
pub(crate) fn groups(root: &Fields<'_>, faults: &mut Faults) -> Option<Vec<GroupRule>> {
    let groups = root.read_list("group", faults, group)?;
    for (index, group) in groups.iter().enumerate() {
        if groups.iter().take(index).any(|before| before.name == group.name) {
            root.fault(
                "group",
                faults,
                format!("has the name `{}` twice: give its users in one list", group.name),
            );
        }
    }
    Some(groups)
}

fn group(node: &Node, path: &str, faults: &mut Faults) -> Option<GroupRule> {
    let fields = Fields::open(node, path, &["name", "users"], faults);
    if fields.get("name").is_none() {
        fields.fault("name", faults, "is missing");
    }
    let users = fields.read("users", faults, names).unwrap_or_default();
    Some(GroupRule { name: fields.read("name", faults, name)?, users })
}

/// `[[ignore]]`.
pub(crate) fn ignores(root: &Fields<'_>, faults: &mut Faults) -> Option<Vec<When>> {
    root.read_list("ignore", faults, |node, path, faults| {
        let found = faults.0.len();
        let when = when::when(node, path, faults);
        if when == When::default() && faults.0.len() == found {
            faults.add(&node.place, path, "has no condition, so every login would be ignored");
        }
        Some(when)
    })
}

/// `[messages]`.
pub(crate) fn messages(root: &Fields<'_>, faults: &mut Faults) -> Option<Messages> {
    let node = root.get("messages")?;
    let section = Fields::open(node, &root.path_of("messages"), &["denied", "evicted"], faults);
    let default = Messages::default();
    Some(Messages {
        denied: section.read("denied", faults, message::message).unwrap_or(default.denied),
        evicted: section.read("evicted", faults, message::message).unwrap_or(default.evicted),
    })
}

/// `enabled`, `evict_others`: true or false, with a default.
pub(super) fn switch(fields: &Fields<'_>, key: &str, default: bool, faults: &mut Faults) -> bool {
    fields.read(key, faults, boolean).unwrap_or(default)
}
