//! What an event says beside when, what and which, as names and values in the order of the contract.

use crate::events::EventLine;
use serde_json::Value;

/// One value.
pub(super) enum Field<'a> {
    /// Digits, or a word of ours.
    Plain(String),
    /// Text that may hold anything.
    Text(&'a str),
    /// JSON of our making, with texts in it that may hold anything.
    Json(String),
}

/// Every field of the event that says something, without `seq`, `at` and `type`.
pub(super) fn fields(event: &EventLine) -> Vec<(&'static str, Field<'_>)> {
    let mut fields: Vec<(&'static str, Field<'_>)> = Vec::with_capacity(24);
    let texts = [
        ("user", &event.user),
        ("session", &event.session),
        ("code", &event.code),
        ("by_session", &event.by_session),
        ("source", &event.source),
        ("ip", &event.ip),
        ("client", &event.client),
        ("quota", &event.quota),
        ("key", &event.key),
        ("policy", &event.policy),
        ("policy_code", &event.policy_code),
        ("cause", &event.cause),
    ];
    fields.extend(texts.into_iter().filter_map(|(name, value)| Some((name, Field::Text(value.as_deref()?)))));
    fields.extend(numbers(event));
    let rest: [(&'static str, Option<&str>); 8] = [
        ("actor", Some(&event.actor)),
        ("request_id", event.request_id.as_deref()),
        ("reason", event.reason.as_deref()),
        ("message", event.message.as_deref()),
        ("started", event.started.as_deref()),
        ("ended_at", event.ended_at.as_deref()),
        ("first", event.first.as_deref()),
        ("last", event.last.as_deref()),
    ];
    fields.extend(rest.into_iter().filter_map(|(name, value)| Some((name, Field::Text(value?)))));
    fields.extend(nested(event));
    fields
}

fn numbers(event: &EventLine) -> impl Iterator<Item = (&'static str, Field<'_>)> {
    let plain = |value: Option<u64>| value.map(|value| value.to_string());
    let numbers = [
        ("limit", event.limit.as_ref().map(ToString::to_string)),
        ("active", plain(event.active.map(u64::from))),
        ("line", plain(event.line.map(u64::from))),
        ("count", plain(event.count)),
        ("number", plain(event.number)),
        ("decision", Some(event.decision.to_string())),
    ];
    numbers.into_iter().filter_map(|(name, value)| Some((name, Field::Plain(value?))))
}

fn nested(event: &EventLine) -> impl Iterator<Item = (&'static str, Field<'_>)> {
    let advisory = (!event.advisory.is_empty()).then(|| serde_json::to_string(&event.advisory));
    let details = (!event.details.is_empty()).then(|| Ok(Value::Object(event.details.clone()).to_string()));
    let nested = [("advisory", advisory), ("details", details)];
    nested.into_iter().filter_map(|(name, json)| Some((name, Field::Json(json?.ok()?))))
}
