//! The answer to one line, as it is printed.

use super::values::Limit;
use serde_json::{Map, Value, json};

/// What came of a command.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) outcome: &'static str,
    pub(super) evicted: Vec<String>,
    pub(super) ended: Vec<String>,
    pub(super) unknown: Vec<String>,
    pub(super) retained: Vec<String>,
    pub(super) skipped: Vec<String>,
    pub(super) code: Option<&'static str>,
    pub(super) active: Option<usize>,
    pub(super) limit: Option<Limit>,
    pub(super) quota: Option<String>,
    pub(super) policy: Option<String>,
    pub(super) generation: Option<u64>,
    pub(super) advisory: Vec<Value>,
    pub(super) repeated: bool,
}

impl Answer {
    /// An answer of which nothing but the outcome is known.
    pub(super) const fn new(outcome: &'static str) -> Self {
        Self {
            outcome,
            evicted: Vec::new(),
            ended: Vec::new(),
            unknown: Vec::new(),
            retained: Vec::new(),
            skipped: Vec::new(),
            code: None,
            active: None,
            limit: None,
            quota: None,
            policy: None,
            generation: None,
            advisory: Vec::new(),
            repeated: false,
        }
    }

    /// With the quota and limit shown.
    pub(super) fn showing(mut self, shown: Option<(String, Limit)>) -> Self {
        (self.quota, self.limit) = shown.unzip();
        self
    }

    /// With a code.
    pub(super) const fn because(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// With the sessions it ended.
    pub(super) fn ending(mut self, ended: Vec<String>) -> Self {
        self.ended = ended;
        self
    }

    /// The object that is printed for line `number`, whose text was `line`.
    pub(super) fn printed(&self, number: u64, line: &Map<String, Value>, expired: &[String]) -> Value {
        let echo = |field: &str| line.get(field).cloned().unwrap_or_default();
        let mut printed = json!({
            "line": number, "at": echo("at"), "op": echo("op"), "user": echo("user"), "session": echo("session"),
            "outcome": self.outcome, "evicted": self.evicted, "ended": self.ended, "expired": expired,
            "unknown": self.unknown, "retained": self.retained, "skipped": self.skipped, "code": self.code,
            "reason": null, "message": null, "active": self.active, "limit": self.limit.map(Limit::shown),
            "quota": self.quota, "policy": self.policy, "generation": self.generation,
        });
        if let Some(object) = printed.as_object_mut() {
            if !self.advisory.is_empty() {
                object.insert("advisory".to_owned(), Value::from(self.advisory.clone()));
            }
            if self.repeated {
                object.insert("repeated".to_owned(), Value::from(true));
            }
        }
        printed
    }
}
