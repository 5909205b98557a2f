//! `ArcSight`'s common event format, version 0.
//!
//! In the head `\` and `|` are escaped, in values `\`, `=` and line breaks. A character that does not show as itself
//! is written as `\u{…}`, its backslash escaped like any other.
//! Source: Micro Focus Security `ArcSight` Common Event Format, version 25, "Header" and "Extension" encoding.

use super::fields::{Field, fields};
use super::severity;
use crate::escape::escape;
use crate::events::EventLine;
use crate::values::time;
use std::fmt::Write as _;
use std::net::IpAddr;

/// How every line begins.
pub(super) const BEGIN: &str = "CEF:0|sledger|sledger|";
/// How every extension begins; the seq follows.
pub(super) const SEQ: &str = "externalId=";

/// Fields that have a key of their own there.
const KEYS: &[(&str, &str)] = &[
    ("user", "suser"),
    ("client", "requestClientApplication"),
    ("count", "cnt"),
    ("reason", "reason"),
    ("message", "msg"),
];

/// Fields that go by a numbered key, which a label explains.
const LABELLED: &[(&str, &str)] = &[
    ("code", "cs1"),
    ("session", "cs2"),
    ("quota", "cs3"),
    ("key", "cs4"),
    ("policy", "cs5"),
    ("by_session", "cs6"),
    ("active", "cn1"),
    ("number", "cn2"),
    ("decision", "cn3"),
    ("limit", "flexString1"),
    ("cause", "flexString2"),
];

/// Times, which are numbers there.
const TIMES: &[(&str, &str)] =
    &[("started", "start"), ("ended_at", "end"), ("first", "start"), ("last", "end")];

/// Fields that have no key there.
const OURS: &[(&str, &str)] = &[
    ("source", "sledgerSource"),
    ("policy_code", "sledgerPolicyCode"),
    ("line", "sledgerLine"),
    ("actor", "sledgerActor"),
    ("request_id", "sledgerRequest"),
    ("advisory", "sledgerAdvisory"),
    ("details", "sledgerDetails"),
];

/// `CEF:0|sledger|sledger|VERSION|TYPE|NAME|SEVERITY|externalId=SEQ rt=MS …`
pub(super) fn line(event: &EventLine) -> String {
    let kind = head(&event.kind);
    let name = head(&event.kind.replace(['.', '_'], " "));
    let (version, severity) = (head(env!("CARGO_PKG_VERSION")), severity(&event.kind).cef());
    let mut line = format!("{BEGIN}{version}|{kind}|{name}|{severity}|{SEQ}{}", event.seq);
    push_time(&mut line, "rt", &event.at);
    for (name, field) in fields(event) {
        match &field {
            Field::Plain(value) | Field::Json(value) => push_field(&mut line, name, value),
            Field::Text(value) => push_field(&mut line, name, value),
        }
    }
    line
}

fn push_field(line: &mut String, name: &str, value: &str) {
    let find =
        |table: &[(&str, &'static str)]| table.iter().find(|(known, _)| *known == name).map(|(_, key)| *key);
    if name == "ip" {
        push_ip(line, value);
    } else if let Some(key) = find(TIMES) {
        push_time(line, key, value);
    } else if let Some(key) = find(LABELLED) {
        push(line, key, value);
        push(line, &format!("{key}Label"), name);
    } else if let Some(key) = find(KEYS).or_else(|| find(OURS)) {
        push(line, key, value);
    }
}

/// Sources may call anything an address; what is one has a key by its version.
fn push_ip(line: &mut String, value: &str) {
    match value.parse() {
        Ok(IpAddr::V4(_)) => push(line, "src", value),
        Ok(IpAddr::V6(_)) => {
            push(line, "c6a2", value);
            push(line, "c6a2Label", "Source IPv6 Address");
        }
        Err(_) => push(line, "sledgerIp", value),
    }
}

fn push_time(line: &mut String, key: &str, value: &str) {
    match time(value) {
        Ok(at) => push(line, key, &at.0.to_string()),
        Err(_) => push(line, key, value),
    }
}

fn push(line: &mut String, key: &str, value: &str) {
    // Writing to memory does not fail.
    let _always = write!(line, " {key}={}", extension(value));
}

fn head(text: &str) -> String {
    escaped(text, &['\\', '|'])
}

fn extension(text: &str) -> String {
    escaped(text, &['\\', '='])
}

fn escaped(text: &str, special: &[char]) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    let mut letter_text = [0; 4];
    for letter in text.chars() {
        match letter {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            _ if special.contains(&letter) => escaped.extend(['\\', letter]),
            _ => {
                let shown = escape(letter.encode_utf8(&mut letter_text));
                if matches!(shown, std::borrow::Cow::Owned(_)) {
                    escaped.push('\\');
                }
                escaped.push_str(&shown);
            }
        }
    }
    escaped
}
