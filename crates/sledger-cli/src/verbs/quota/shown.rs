//! Quotas as lines for people.

use serde_json::Value;
use sledger_wire::escape;
use sledger_wire::quotas::QuotaChange;
use std::fmt::Write as _;

/// Keys that are told by others, or only programs need.
const LEFT_OUT: [&str; 3] = ["name", "etag", "override"];

/// All of them, a line each under a heading.
pub(super) fn table(quotas: &[Value]) -> Vec<String> {
    let heading = ["QUOTA", "COUNTS BY", "LIMIT", "LEVEL", "POLICY", "STATE", "ORIGIN", "OVERRIDES"];
    let mut rows = vec![heading.map(str::to_owned)];
    rows.extend(quotas.iter().map(row));
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..heading.len()).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &[String; 8]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn row(quota: &Value) -> [String; 8] {
    let overrides = quota["override"].as_array().map_or(0, Vec::len);
    [
        value(&quota["name"]),
        value(&quota["count_by"]),
        value(&quota["max_sessions"]),
        value(&quota["level"]),
        value(&quota["on_exhausted"]),
        state(quota),
        value(&quota["origin"]),
        overrides.to_string(),
    ]
}

/// `on`, `off`, and until when where it is switched for a while.
fn state(quota: &Value) -> String {
    let word = if quota["enabled"] == Value::Bool(true) { "on" } else { "off" };
    match quota["switched"].get("until").and_then(Value::as_str) {
        Some(until) => format!("{word} until {}", escape(until)),
        None => word.to_owned(),
    }
}

/// One with every key that says something.
pub(super) fn quota(quota: &Value) -> Vec<String> {
    let mut lines = vec![format!("quota {}", value(&quota["name"]))];
    let keys = quota.as_object().into_iter().flatten();
    let keys = keys.filter(|(key, value)| !LEFT_OUT.contains(&key.as_str()) && !is_nothing(value));
    lines.extend(keys.map(|(key, given)| format!("  {key:<12}  {}", value(given))));
    for one in quota["override"].as_array().into_iter().flatten() {
        lines.push(format!("  override      {}", over(one)));
    }
    lines
}

fn over(one: &Value) -> String {
    let whom = match (&one["user"], &one["group"]) {
        (Value::Null, group) => format!("group:{}", value(group)),
        (user, _) => value(user),
    };
    let mut text = format!("{whom} {}", value(&one["max_sessions"]));
    if let Some(until) = one["until"].as_str() {
        push(&mut text, format_args!(" until {}", escape(until)));
    }
    if let Some(reason) = one["reason"].as_str() {
        push(&mut text, format_args!(" ({})", escape(reason)));
    }
    if !one["set_at"].is_null() {
        push(&mut text, format_args!(" [set at run time, seq {}]", value(&one["set_at"])));
    }
    text
}

/// Before and after, key by key.
pub(super) fn change(name: &str, done: &QuotaChange) -> Vec<String> {
    let name = escape(name);
    match (&done.before, &done.quota) {
        (None, Some(now)) => {
            let mut lines = quota(now);
            lines.insert(0, format!("quota {name} is new"));
            lines
        }
        (Some(before), None) => {
            let mut lines = quota(before);
            lines.insert(0, format!("quota {name} is deleted; it was"));
            lines
        }
        (Some(before), Some(now)) => differences(&name, before, now),
        (None, None) => vec![format!("there is no quota {name}")],
    }
}

fn differences(name: &str, before: &Value, now: &Value) -> Vec<String> {
    let keys = now.as_object().into_iter().flatten().filter(|(key, _)| *key != "etag");
    let changed = keys.filter(|(key, value)| before[key.as_str()] != **value);
    let mut lines: Vec<String> = Vec::new();
    for (key, given) in changed {
        if key == "override" {
            let (was, is) = (&before["override"], given);
            lines.extend(missing_in(was, is).map(|one| format!("  override  - {}", over(one))));
            lines.extend(missing_in(is, was).map(|one| format!("  override  + {}", over(one))));
        } else {
            lines.push(format!("  {key}: {} -> {}", value(&before[key.as_str()]), value(given)));
        }
    }
    let heading = if lines.is_empty() { "is as it was" } else { "changed" };
    lines.insert(0, format!("quota {name} {heading}"));
    lines
}

fn missing_in<'v>(these: &'v Value, those: &'v Value) -> impl Iterator<Item = &'v Value> {
    let there = move |one: &Value| those.as_array().is_some_and(|all| all.contains(one));
    these.as_array().into_iter().flatten().filter(move |one| !there(one))
}

fn is_nothing(value: &Value) -> bool {
    value.is_null()
        || value.as_object().is_some_and(serde_json::Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
}

/// `off until T, then on: why`.
fn switched(switch: &Value) -> String {
    let word = |on: bool| if on { "on" } else { "off" };
    let mut text = word(switch["enabled"] == Value::Bool(true)).to_owned();
    if let Some(until) = switch["until"].as_str() {
        let then = switch["afterwards"].as_bool().map_or("as configured", word);
        push(&mut text, format_args!(" until {}, then {then}", escape(until)));
    }
    if let Some(reason) = switch["reason"].as_str() {
        push(&mut text, format_args!(" ({})", escape(reason)));
    }
    text
}

/// A value as people write it: texts bare, lists with commas.
fn value(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => escape(text).into_owned(),
        Value::Object(keys) if keys.contains_key("afterwards") => switched(value),
        Value::Array(items) => items.iter().map(self::value).collect::<Vec<_>>().join(", "),
        other => escape(&other.to_string()).into_owned(),
    }
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _always = text.write_fmt(more);
}
