//! Whether two answers to the same line say the same.

use serde_json::{Value, json};

/// What is compared. Texts for people are not, and of generations only the order is.
pub const FIELDS: [&str; 14] = [
    "outcome", "evicted", "ended", "expired", "unknown", "retained", "skipped", "code", "active", "limit",
    "quota", "policy", "repeated", "advisory",
];

/// Compares the answers to a recording, line by line.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    generations: Vec<(u64, u64)>,
    scripted_limits: bool,
}

impl Comparison {
    /// A comparison; where a script sets limits, those shown by logins that no quota judged are left apart.
    #[must_use]
    pub const fn new(scripted_limits: bool) -> Self {
        Self { generations: Vec::new(), scripted_limits }
    }

    /// The names of the fields that differ.
    pub fn differences(&mut self, one: &Value, other: &Value) -> Vec<String> {
        let differs = |field: &&&str| self.counts(field, one) && seen(field, one) != seen(field, other);
        let mut differences: Vec<String> =
            FIELDS.iter().filter(differs).map(|field| (*field).to_owned()).collect();
        if !self.same_order(one, other) {
            differences.push("generation".to_owned());
        }
        differences
    }

    fn counts(&self, field: &str, one: &Value) -> bool {
        let outcome = one.get("outcome").and_then(Value::as_str).unwrap_or_default();
        let judged = one.get("code").and_then(Value::as_str) != Some("EVICTED_RECENTLY");
        match field {
            "limit" if self.scripted_limits => judged && ["admitted", "denied"].contains(&outcome),
            "code" => outcome != "ended",
            _ => true,
        }
    }

    /// Generations given by the two must stand in the same order.
    fn same_order(&mut self, one: &Value, other: &Value) -> bool {
        let generation = |answer: &Value| answer.get("generation").and_then(Value::as_u64);
        let (Some(new), Some(new_other)) = (generation(one), generation(other)) else {
            let gives =
                |answer: &Value| ["admitted", "resumed"].map(Value::from).contains(&answer["outcome"]);
            return !gives(one) && !gives(other);
        };
        let same = self.generations.iter().all(|(old, old_other)| old.cmp(&new) == old_other.cmp(&new_other));
        self.generations.push((new, new_other));
        same
    }
}

/// The field as it is compared: absent is empty, a policy goes without its revision, advice without its reason.
fn seen(field: &str, answer: &Value) -> Value {
    let value = answer.get(field).cloned().unwrap_or_default();
    match field {
        "evicted" | "ended" | "expired" | "unknown" | "retained" | "skipped" if value.is_null() => json!([]),
        "repeated" => json!(value == json!(true)),
        "active" if answer.get("outcome") == Some(&json!("rejected")) && value.is_null() => json!(0),
        "policy" => value.as_str().and_then(|name| name.split('@').next()).map_or(Value::Null, Value::from),
        "advisory" => value.as_array().map_or_else(|| json!([]), |list| list.iter().map(advice).collect()),
        _ => value,
    }
}

fn advice(value: &Value) -> Value {
    json!({ "quota": value.get("quota"), "outcome": value.get("outcome"), "evict": value.get("evict") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_reasons_and_absent_lists_make_no_difference() {
        let one = json!({ "outcome": "admitted", "policy": "deny_access", "generation": 1 });
        let other = json!({
            "outcome": "admitted", "policy": "deny_access@0011aabb", "generation": 9, "evicted": [], "reason": "x",
        });
        assert_eq!(Comparison::new(false).differences(&one, &other), Vec::<String>::new());
    }

    #[test]
    fn generations_must_rise_together() {
        let answer = |generation: u64| json!({ "outcome": "admitted", "generation": generation });
        let mut comparison = Comparison::new(false);
        assert!(comparison.differences(&answer(1), &answer(5)).is_empty());
        assert_eq!(comparison.differences(&answer(2), &answer(5)), ["generation"]);
    }
}
