//! Lines of an export of events: the event as everybody reads it, and what it takes to fold it again.
//!
//! The first line of an export says how the history began (`begin`), the first of every decision carries the
//! decision as it is recorded (`record`) and a hash over it and all before it (`chain`), the last line says where
//! the fold ends (`end`). An export of one user, or under pseudonyms, has none of these.

use super::EventLine;
use crate::csv::COLUMNS;
use crate::escape::brief;
use crate::values::Reason;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sledger_core::State;
use sledger_core::config::Settings;
use sledger_core::event::Decision;
use std::sync::Arc;

/// How a history began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// The ledger; `None` for what was decided in memory.
    pub ledger: Option<String>,
    /// The settings in force before the first event, where they are not the defaults of a new ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// Policies in force before the first event, beside those that come with the program.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyText>,
    /// The state that stood before the first event that is there, where the first events are gone. Never written.
    #[serde(skip)]
    pub base: Option<Base>,
}

/// The state that a history begins with. Equal where the states are.
#[derive(Clone, Debug)]
pub struct Base(pub State);

impl PartialEq for Base {
    fn eq(&self, other: &Self) -> bool {
        self.0.seq() == other.0.seq() && self.0.digest() == other.0.digest()
    }
}

impl Eq for Base {}

/// A policy's source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyText {
    /// Its name.
    pub name: Arc<str>,
    /// The source.
    pub text: Arc<str>,
}

/// Where a history ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// The last event.
    pub seq: u64,
    /// Digest of the state after it, in hex.
    pub digest: String,
}

/// One line of an export.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ExportLine {
    /// The event.
    #[serde(flatten)]
    pub event: EventLine,
    /// On the first line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begin: Option<Begin>,
    /// On the first line of a decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<Arc<Decision>>,
    /// Beside a record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// On the last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

impl ExportLine {
    /// One line of JSON, without its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A line of an export, read back.
#[derive(Clone, Debug)]
pub struct ExportRead {
    shown: Map<String, Value>,
    /// On the first line.
    pub begin: Option<Begin>,
    /// On the first line of a decision.
    pub record: Option<Decision>,
    /// Beside a record.
    pub chain: Option<String>,
    /// On the last line.
    pub end: Option<End>,
}

impl ExportRead {
    /// Reads one line.
    ///
    /// # Errors
    /// Says what is no JSON, or none of an export's.
    pub fn parse(line: &[u8]) -> Result<Self, Reason> {
        let value: Value =
            serde_json::from_slice(line).map_err(|error| Reason::new(format!("is not JSON: {error}")))?;
        let Value::Object(mut shown) = value else { return Err("is no object".into()) };
        Ok(Self {
            begin: taken(&mut shown, "begin")?,
            record: taken(&mut shown, "record")?,
            chain: taken(&mut shown, "chain")?,
            end: taken(&mut shown, "end")?,
            shown,
        })
    }

    /// The number under `key`: `seq`, `decision`.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<u64> {
        self.shown.get(key).and_then(Value::as_u64)
    }

    /// The first key of `event` that this line shows otherwise, and how the line shows it. Keys that `event` has not,
    /// as a later program may write them, are passed over.
    #[must_use]
    pub fn differs(&self, event: &EventLine) -> Option<(String, String)> {
        let Ok(Value::Object(keys)) = serde_json::to_value(event) else { return None };
        let known =
            COLUMNS.iter().copied().filter(|key| keys.contains_key(*key) || self.shown.contains_key(*key));
        let other = known.into_iter().find(|key| self.shown.get(*key) != keys.get(*key));
        other.map(|key| {
            let given =
                self.shown.get(key).map_or_else(|| "nothing".to_owned(), |value| brief(&value.to_string()));
            (key.to_owned(), given)
        })
    }
}

fn taken<T: DeserializeOwned>(shown: &mut Map<String, Value>, key: &str) -> Result<Option<T>, Reason> {
    let Some(value) = shown.shift_remove(key) else { return Ok(None) };
    serde_json::from_value(value)
        .map(Some)
        .map_err(|error| Reason::new(format!("`{key}` cannot be read: {error}")))
}

/// Whether a line is an event of an export rather than a command of a recording.
#[must_use]
pub fn is_event_line(line: &[u8]) -> bool {
    match serde_json::from_slice::<Value>(line) {
        Ok(Value::Object(keys)) => {
            !keys.contains_key("op") && ["seq", "type"].iter().all(|key| keys.contains_key(*key))
        }
        // A cut or damaged line is told by what it began with: an event's first key is its seq.
        _ => line.starts_with(b"{\"seq\":"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> EventLine {
        EventLine {
            seq: 3,
            kind: "login.admitted".to_owned(),
            decision: 3,
            user: Some("ann".to_owned()),
            ..EventLine::default()
        }
    }

    #[test]
    fn an_event_has_none_of_the_keys_that_only_an_export_has() {
        for key in ["begin", "record", "chain", "end"] {
            assert!(!COLUMNS.contains(&key), "{key}");
        }
    }

    #[test]
    fn a_line_that_says_something_else_than_its_record_is_found_by_its_key() {
        let line =
            ExportLine { event: event(), chain: Some("00".to_owned()), ..ExportLine::default() }.to_json();
        let read = ExportRead::parse(line.as_bytes()).unwrap();
        assert_eq!((read.number("seq"), read.chain.as_deref()), (Some(3), Some("00")));
        assert_eq!(read.differs(&event()), None);
        let changed = ExportRead::parse(line.replace("ann", "eve").as_bytes()).unwrap();
        assert_eq!(changed.differs(&event()), Some(("user".to_owned(), "\"eve\"".to_owned())));
        let later = ExportRead::parse(line.replace("{\"seq\"", "{\"colour\":1,\"seq\"").as_bytes()).unwrap();
        assert_eq!(later.differs(&event()), None, "a key of a later program");
    }

    #[test]
    fn events_and_commands_are_told_apart() {
        assert!(is_event_line(br#"{"seq":1,"at":"x","type":"login.admitted"}"#));
        assert!(is_event_line(br#"{"seq":1,"at":"x","ty"#), "a cut one");
        assert!(!is_event_line(br#"{"at":1,"op":"advance"}"#));
        assert!(!is_event_line(b"[1]"));
    }

    #[test]
    fn what_cannot_be_read_is_said_by_its_key() {
        let refused = |line: &str| ExportRead::parse(line.as_bytes()).unwrap_err().0;
        assert_eq!(refused("[]"), "is no object");
        assert!(refused("{\"seq\":1").starts_with("is not JSON: "));
        assert!(
            refused(r#"{"seq":1,"record":{"at":1}}"#).starts_with("`record` cannot be read: missing field")
        );
    }
}
