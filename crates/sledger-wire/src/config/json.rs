//! Settings as the JSON that reads back to them.

use super::show::{level_word, on_error_word};
use super::{dimension_text, fact_text};
use serde_json::{Map, Value, json};
use sledger_core::command::Configure;
use sledger_core::config::{
    Assignment, Condition, Membership, Messages, Origin, Override, Param, Quota, Reuse, SameId, Selector,
    SessionSettings, Switch, UserSettings, When,
};
use sledger_core::event::{Part, PolicyMode};
use sledger_core::{Limit, Millis};

/// The `config` of a `configure`.
#[must_use]
pub(crate) fn sections(configure: &Configure) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Option<Value>| out.extend(value.map(|value| (key.to_owned(), value)));
    put("sessions", configure.sessions.as_ref().map(sessions));
    put("users", configure.users.as_ref().map(users));
    put(
        "group",
        configure.groups.as_ref().map(|groups| {
            groups.iter().map(|group| json!({"name": group.name, "users": group.users})).collect()
        }),
    );
    put("ignore", configure.ignore.as_ref().map(|all| all.iter().map(when).collect()));
    put("messages", configure.messages.as_ref().map(messages));
    put("quota", configure.quotas.as_ref().map(|quotas| quotas.iter().map(own_keys).collect()));
    Value::Object(out)
}

fn sessions(sessions: &SessionSettings) -> Value {
    json!({
        "ttl": sessions.ttl.to_string(),
        "idle": sessions.idle.to_string(),
        "retention": sessions.retention.to_string(),
        "activity_resolution": sessions.activity_resolution.to_string(),
        "same_id": match sessions.same_id { SameId::Refuse => "refuse", SameId::TakeOver => "take_over" },
        "reuse": match sessions.reuse { Reuse::Allow => "allow", Reuse::Refuse => "refuse" },
        "evicted_wait": sessions.evicted_wait.to_string(),
        "tombstones_max": sessions.tombstones_max,
    })
}

fn users(users: &UserSettings) -> Value {
    json!({"fold": if users.lowercase { "lowercase" } else { "none" }, "strip_domain": users.strip_domain})
}

fn messages(messages: &Messages) -> Value {
    json!({"denied": messages.denied, "evicted": messages.evicted})
}

/// A part of a configuration as it is recorded, by the section that it belongs to.
pub(crate) fn part(part: &Part) -> Value {
    match part {
        Part::Sessions(part) => json!({ "sessions": sessions(part) }),
        Part::Users(part) => json!({ "users": users(part) }),
        Part::Messages(part) => json!({ "messages": messages(part) }),
        Part::Groups(part) => {
            let groups = part.iter().map(|group| json!({"name": group.name, "users": group.users}));
            json!({ "group": groups.collect::<Vec<_>>() })
        }
        Part::Members(part) => json!({ "group_users": part }),
        Part::Ignore(part) => json!({ "ignore": part.iter().map(when).collect::<Vec<_>>() }),
        Part::Quota(part) => json!({ "quota": quota(part) }),
        Part::Overrides(part) => json!({ "override": part.iter().map(override_object).collect::<Vec<_>>() }),
        Part::Switches(part) => json!({ "switches": part.iter().map(switch).collect::<Vec<_>>() }),
        Part::Memberships(part) => json!({ "members": part.iter().map(membership).collect::<Vec<_>>() }),
        Part::Assignment(part) => json!({ "assignment": assignment(part) }),
    }
}

/// A switch with its quota.
pub(crate) fn switch(switch: &Switch) -> Value {
    json!({
        "quota": switch.quota,
        "enabled": switch.enabled,
        "until": switch.until.map(Millis::rfc3339),
        "afterwards": switch.afterwards,
        "reason": switch.reason,
        "set_at": switch.set_at.0,
    })
}

/// A policy given to a quota at run time; its source only by its size.
fn assignment(one: &Assignment) -> Value {
    let (state, share) = mode(one.mode);
    json!({
        "quota": one.quota,
        "policy": one.policy_ref().to_string(),
        "state": state,
        "share": share,
        "params": one.params.iter().map(|(key, value)| (key.clone(), param(value))).collect::<Map<_, _>>(),
        "bytes": one.text.len(),
        "reason": one.reason,
        "set_at": one.set_at.0,
    })
}

/// How a policy is in force: a word, and a share of a hundred users.
pub(crate) const fn mode(mode: PolicyMode) -> (&'static str, Option<u8>) {
    match mode {
        PolicyMode::Active => ("active", None),
        PolicyMode::Shadow => ("shadow", None),
        PolicyMode::Share(share) => ("share", Some(share)),
    }
}

fn membership(one: &Membership) -> Value {
    json!({"group": one.group, "user": one.user, "member": one.member, "set_at": one.set_at.0})
}

/// A quota as HTTP shows it: its own keys and `origin`.
#[must_use]
pub fn quota(quota: &Quota) -> Value {
    let mut value = own_keys(quota);
    if let Value::Object(keys) = &mut value {
        let origin = match quota.origin {
            Origin::Default => "default",
            Origin::File => "file",
            Origin::Api => "api",
        };
        keys.insert("origin".to_owned(), origin.into());
    }
    value
}

/// A quota's own keys, as in the file.
pub(crate) fn own_keys(quota: &Quota) -> Value {
    let messages = [("denied", &quota.messages.denied), ("evicted", &quota.messages.evicted)];
    let messages: Map<_, _> = messages
        .into_iter()
        .filter_map(|(key, text)| Some((key.to_owned(), Value::from(text.as_deref()?))))
        .collect();
    let params: Map<_, _> = quota.params.iter().map(|(key, value)| (key.clone(), param(value))).collect();
    json!({
        "name": quota.name,
        "count_by": quota.count_by.iter().map(dimension_text).collect::<Vec<_>>(),
        "when": when(&quota.when),
        "max_sessions": limit(quota.max_sessions),
        "level": level_word(quota.level),
        "on_exhausted": quota.on_exhausted,
        "on_error": on_error_word(&quota.on_error),
        "evict_others": quota.evict_others,
        "enabled": quota.enabled,
        "params": params,
        "messages": messages,
        "override": quota.overrides.iter().map(own_override).collect::<Vec<_>>(),
    })
}

/// An override as HTTP shows it.
#[must_use]
pub fn override_object(one: &Override) -> Value {
    let mut value = own_override(one);
    if let (Value::Object(keys), Some(set_at)) = (&mut value, one.set_at) {
        keys.insert("set_at".to_owned(), set_at.0.into());
    }
    value
}

fn own_override(one: &Override) -> Value {
    let (key, whom) = match &one.selector {
        Selector::User(text) | Selector::Glob(text) => ("user", text),
        Selector::Group(text) => ("group", text),
    };
    let mut value = Map::new();
    value.insert(key.to_owned(), whom.as_str().into());
    value.insert("max_sessions".to_owned(), limit(one.limit));
    value.extend(one.until.map(|until| ("until".to_owned(), until.rfc3339().into())));
    value.extend(one.reason.as_deref().map(|reason| ("reason".to_owned(), reason.into())));
    Value::Object(value)
}

fn limit(limit: Limit) -> Value {
    limit.number().map_or_else(|| limit.to_string().into(), Value::from)
}

fn when(when: &When) -> Value {
    let mut keys = conditions(&when.all_of);
    if !when.not.is_empty() {
        keys.insert("not".to_owned(), Value::Object(conditions(&when.not)));
    }
    Value::Object(keys)
}

fn conditions(conditions: &[Condition]) -> Map<String, Value> {
    conditions.iter().map(|one| (fact_text(&one.fact), Value::from(one.any_of.clone()))).collect()
}

fn param(param: &Param) -> Value {
    match param {
        Param::Int(number) => (*number).into(),
        Param::Text(text) => text.as_str().into(),
        Param::Bool(value) => (*value).into(),
        Param::List(items) => items.iter().map(self::param).collect(),
    }
}
