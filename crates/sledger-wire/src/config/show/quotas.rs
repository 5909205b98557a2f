//! Quotas as TOML.

use super::text::{key, list, one_or_list, quote, table};
use crate::config::{dimension_text, fact_text};
use sledger_core::Limit;
use sledger_core::config::{
    Condition, Level, OnError, Override, Param, Quota, QuotaMessages, Selector, When,
};

/// The keys of a quota: name, value, meaning.
pub(super) fn keys(quota: &Quota) -> Vec<(&'static str, String, &'static str)> {
    vec![
        ("name", quote(&quota.name), "unique"),
        (
            "count_by",
            one_or_list(&dimensions(quota)),
            "user, ip, client, group, source, all, attr:NAME, or a list",
        ),
        ("when", table_of(&quota.when), "which sessions it counts: all conditions must hold"),
        ("max_sessions", limit(quota.max_sessions), "a number from 1 on, \"unlimited\" or \"banned\""),
        ("level", quote(level(quota.level)), "or \"soft\", \"advisory\""),
        ("on_exhausted", quote(&quota.on_exhausted), "the policy asked when a key is exhausted"),
        (
            "on_error",
            quote(on_error(&quota.on_error)),
            "if it fails: deny, a built-in policy, allow (soft only)",
        ),
        ("evict_others", quota.evict_others.to_string(), "whether sessions of other users may be ended"),
        ("enabled", quota.enabled.to_string(), "a disabled quota counts nothing"),
        ("params", params(quota), "what the policy's header declares"),
        ("messages", messages(&quota.messages), "denied, evicted: instead of the general ones"),
        ("override", overrides(&quota.overrides), "other limits for a user, a glob or a group"),
    ]
}

fn dimensions(quota: &Quota) -> Vec<String> {
    quota.count_by.iter().map(dimension_text).collect()
}

fn limit(limit: Limit) -> String {
    limit.number().map_or_else(|| quote(&limit.to_string()), |number| number.to_string())
}

pub(crate) const fn level(level: Level) -> &'static str {
    match level {
        Level::Hard => "hard",
        Level::Soft => "soft",
        Level::Advisory => "advisory",
    }
}

pub(crate) fn on_error(on_error: &OnError) -> &str {
    match on_error {
        OnError::Deny => "deny",
        OnError::Allow => "allow",
        OnError::Policy(name) => name,
    }
}

fn params(quota: &Quota) -> String {
    let entries = quota.params.iter().map(|(name, value)| format!("{} = {}", key(name), param(value)));
    table(&entries.collect::<Vec<_>>())
}

fn param(value: &Param) -> String {
    match value {
        Param::Int(number) => number.to_string(),
        Param::Text(text) => quote(text),
        Param::Bool(value) => value.to_string(),
        Param::List(items) => format!("[{}]", items.iter().map(param).collect::<Vec<_>>().join(", ")),
    }
}

fn messages(messages: &QuotaMessages) -> String {
    let pairs = [("denied", &messages.denied), ("evicted", &messages.evicted)];
    let entry = |(name, text): (&str, &Option<String>)| Some(format!("{name} = {}", quote(text.as_deref()?)));
    table(&pairs.into_iter().filter_map(entry).collect::<Vec<_>>())
}

fn overrides(overrides: &[Override]) -> String {
    let shown: Vec<String> = overrides.iter().map(one).collect();
    match shown.as_slice() {
        [] => "[]".to_owned(),
        [one] => format!("[{one}]"),
        several => format!("[\n  {},\n]", several.join(",\n  ")),
    }
}

fn one(one: &Override) -> String {
    let (name, whom) = match &one.selector {
        Selector::User(text) | Selector::Glob(text) => ("user", text),
        Selector::Group(text) => ("group", text),
    };
    let mut entries =
        vec![format!("{name} = {}", quote(whom)), format!("max_sessions = {}", limit(one.limit))];
    entries.extend(one.until.map(|until| format!("until = {}", quote(&until.rfc3339()))));
    entries.extend(one.reason.as_ref().map(|reason| format!("reason = {}", quote(reason))));
    table(&entries)
}

/// Conditions as keys with values, `not` last.
pub(super) fn conditions(when: &When) -> Vec<(String, String)> {
    let mut keys: Vec<_> = when.all_of.iter().map(condition).collect();
    if !when.not.is_empty() {
        let entries: Vec<_> =
            when.not.iter().map(condition).map(|(name, value)| format!("{name} = {value}")).collect();
        keys.push(("not".to_owned(), table(&entries)));
    }
    keys
}

/// Conditions as an inline table.
fn table_of(when: &When) -> String {
    let entries: Vec<_> =
        conditions(when).into_iter().map(|(name, value)| format!("{name} = {value}")).collect();
    table(&entries)
}

fn condition(condition: &Condition) -> (String, String) {
    (key(&fact_text(&condition.fact)), list(&condition.any_of))
}
