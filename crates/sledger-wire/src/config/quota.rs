//! `[[quota]]`.

use super::settings::switch;
use super::{foreign, message, overrides, when};
use crate::escape::brief;
use crate::fields::{Faults, Fields};
use crate::readers::{limit, list, one_of, text, text_or_texts};
use crate::suggest::nearest;
use crate::tree::{Node, Value};
use crate::values::{self, Reason};
use sledger_core::config::{Dimension, Level, OnError, Origin, Param, Quota, QuotaMessages, When};
use std::collections::{BTreeMap, BTreeSet};

const KEYS: &[&str] = &[
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

/// Params of one quota.
const PARAMS_MAX: usize = 64;

/// Reads all quotas; `None` where there is no `quota` at all.
pub(crate) fn quotas(root: &Fields<'_>, origin: Origin, faults: &mut Faults) -> Option<Vec<Quota>> {
    let mut names = BTreeSet::new();
    root.read_list("quota", faults, |node, path, faults| {
        let quota = quota(node, path, origin, faults);
        if !names.insert(quota.name.clone()) {
            let place = node.get("name").map_or(&node.place, |name| &name.place);
            faults.add(place, format!("{path}.name"), format!("`{}` names another quota too", quota.name));
        }
        Some(quota)
    })
}

/// Reads one quota.
pub(crate) fn quota(node: &Node, path: &str, origin: Origin, faults: &mut Faults) -> Quota {
    let fields = Fields::open(node, path, KEYS, faults);
    let default = Quota::default_quota();
    let level = fields.read("level", faults, level).unwrap_or(default.level);
    Quota {
        name: fields.read("name", faults, name).unwrap_or(default.name),
        count_by: fields.read("count_by", faults, count_by).unwrap_or(default.count_by),
        when: fields
            .get("when")
            .map_or_else(When::default, |node| when::when(node, &fields.path_of("when"), faults)),
        max_sessions: fields.read("max_sessions", faults, limit).unwrap_or(default.max_sessions),
        level,
        on_exhausted: fields.read("on_exhausted", faults, policy).unwrap_or(default.on_exhausted),
        on_error: fields.read("on_error", faults, |node| on_error(node, level)).unwrap_or(default.on_error),
        evict_others: switch(&fields, "evict_others", default.evict_others, faults),
        enabled: switch(&fields, "enabled", default.enabled, faults),
        params: params(&fields, faults),
        messages: messages(&fields, faults),
        overrides: fields.read_list("override", faults, overrides::one).unwrap_or_default(),
        origin,
    }
}

fn name(node: &Node) -> Result<String, Reason> {
    let text = text(node)?;
    values::quota_name(&text).map(str::to_owned)
}

fn level(node: &Node) -> Result<Level, Reason> {
    let words = [("hard", Level::Hard), ("soft", Level::Soft), ("advisory", Level::Advisory)];
    one_of(node, &words, foreign::LEVELS)
}

/// A policy's name; whether there is such a policy is looked up by the caller.
fn policy(node: &Node) -> Result<String, Reason> {
    let text = text(node)?;
    if let Some((ours, note)) = foreign::policy(&text) {
        return Err(format!("`{}` is another product's word: write `{ours}`{note}", brief(&text)).into());
    }
    values::policy_name(&text).map(str::to_owned)
}

fn on_error(node: &Node, level: Level) -> Result<OnError, Reason> {
    match node.as_text() {
        Some("deny") => Ok(OnError::Deny),
        Some("allow") if level == Level::Soft => Ok(OnError::Allow),
        Some("allow") => {
            Err("is `allow`, which only a quota of `level = \"soft\"` can be: write `deny`".into())
        }
        _ => policy(node).map(OnError::Policy),
    }
}

fn count_by(node: &Node) -> Result<Vec<Dimension>, Reason> {
    let texts = text_or_texts(node)?;
    let dimensions = texts.iter().map(|text| dimension(text)).collect::<Result<Vec<_>, _>>()?;
    let repeated =
        dimensions.iter().enumerate().find(|(index, one)| dimensions.iter().take(*index).any(|o| o == *one));
    if let Some((index, _)) = repeated {
        let text = texts.get(index).map(String::as_str).unwrap_or_default();
        return Err(format!("names `{}` twice", brief(text)).into());
    }
    if dimensions.len() > 1 && dimensions.contains(&Dimension::All) {
        return Err("names `all` beside others, which it makes meaningless: leave it out".into());
    }
    Ok(dimensions)
}

fn dimension(text: &str) -> Result<Dimension, Reason> {
    match text {
        "user" => Ok(Dimension::User),
        "ip" => Ok(Dimension::Ip),
        "client" => Ok(Dimension::Client),
        "group" => Ok(Dimension::Group),
        "source" => Ok(Dimension::Source),
        "all" => Ok(Dimension::All),
        _ => attribute(text),
    }
}

fn attribute(text: &str) -> Result<Dimension, Reason> {
    const WORDS: [&str; 6] = ["user", "ip", "client", "group", "source", "all"];
    if let Some(name) = text.strip_prefix("attr:").filter(|name| !name.is_empty()) {
        return Ok(Dimension::Attribute(name.to_owned()));
    }
    let hint = nearest(text, WORDS).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    let known = "`user`, `ip`, `client`, `group`, `source`, `all`, `attr:NAME`";
    Err(format!("`{}` is not one of {known}{hint}", brief(text)).into())
}

/// A dimension as it is written.
pub(crate) fn dimension_text(dimension: &Dimension) -> String {
    match dimension {
        Dimension::User => "user".to_owned(),
        Dimension::Ip => "ip".to_owned(),
        Dimension::Client => "client".to_owned(),
        Dimension::Group => "group".to_owned(),
        Dimension::Source => "source".to_owned(),
        Dimension::All => "all".to_owned(),
        Dimension::Attribute(name) => format!("attr:{name}"),
    }
}

fn messages(quota: &Fields<'_>, faults: &mut Faults) -> QuotaMessages {
    let Some(node) = quota.get("messages") else { return QuotaMessages::default() };
    let fields = Fields::open(node, &quota.path_of("messages"), &["denied", "evicted"], faults);
    QuotaMessages {
        denied: fields.read("denied", faults, message::message),
        evicted: fields.read("evicted", faults, message::message),
    }
}

/// The params of a policy.
pub(crate) fn params(quota: &Fields<'_>, faults: &mut Faults) -> BTreeMap<String, Param> {
    let Some(node) = quota.get("params") else { return BTreeMap::new() };
    let path = quota.path_of("params");
    let entries = match &node.value {
        Value::Table(entries) if entries.len() <= PARAMS_MAX => entries.as_slice(),
        Value::Table(_) => {
            faults.add(&node.place, path, format!("holds more than {PARAMS_MAX} params"));
            return BTreeMap::new();
        }
        _ => {
            faults.add(&node.place, path, format!("is {node}, not a table of keys"));
            return BTreeMap::new();
        }
    };
    let mut params = BTreeMap::new();
    for (key, value) in entries {
        let path = format!("{path}.{}", brief(&key.name));
        let read = faults.check(&value.place, &path, param(value));
        if read.is_some_and(|param| params.insert(key.name.clone(), param).is_some()) {
            faults.add(&key.place, path, "is given twice");
        }
    }
    params
}

fn param(node: &Node) -> Result<Param, Reason> {
    match &node.value {
        Value::Int(number) => {
            i64::try_from(*number).map(Param::Int).map_err(|_| format!("is {node}, too large").into())
        }
        Value::Text(text) | Value::Word(text) => Ok(Param::Text(text.clone())),
        Value::Bool(value) => Ok(Param::Bool(*value)),
        Value::List(_) => list(node)?.iter().map(param).collect::<Result<_, _>>().map(Param::List),
        _ => Err(format!("is {node}: write a whole number, text, `true`, `false` or a list of these").into()),
    }
}
