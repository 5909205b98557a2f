//! A scenario as it is written: what some other product does, step by step.

use serde::Deserialize;
use serde_json::{Map, Value};

/// One scenario.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Scenario {
    pub(crate) id: String,
    pub(crate) system: String,
    #[serde(default)]
    pub(crate) limit: Value,
    #[serde(default)]
    pub(crate) config: Map<String, Value>,
    #[serde(default)]
    pub(crate) policy: Option<String>,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    pub(crate) steps: Vec<Step>,
    #[serde(default)]
    pub(crate) alt_expect: Option<Alternative>,
}

/// One step.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Step {
    pub(crate) t_ms: u64,
    pub(crate) op: String,
    #[serde(default)]
    pub(crate) user: Option<String>,
    #[serde(default)]
    pub(crate) session: Option<String>,
    #[serde(default)]
    pub(crate) ttl_ms: Option<u64>,
    #[serde(default)]
    pub(crate) idle_ms: Option<u64>,
    #[serde(default)]
    pub(crate) ip: Option<String>,
    #[serde(default)]
    pub(crate) client: Option<String>,
    #[serde(default)]
    pub(crate) node: Option<String>,
    #[serde(default)]
    pub(crate) upgrade_of: Option<String>,
    #[serde(default)]
    pub(crate) set: Map<String, Value>,
    #[serde(default)]
    pub(crate) expect: Expect,
}

/// What the product answers.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Expect {
    #[serde(default)]
    pub(crate) outcome: Option<String>,
    #[serde(default)]
    pub(crate) evicted: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) expired: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) active_count_after: Option<u64>,
    #[serde(default)]
    pub(crate) alive: Option<bool>,
}

/// Another answer to one step, where code and documents differ.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Alternative {
    pub(crate) step: usize,
    #[serde(flatten)]
    pub(crate) expect: Expect,
}

impl Scenario {
    /// The product's settings before the first step.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings(self.config.clone());
        settings.0.entry("limit").or_insert_with(|| self.limit.clone());
        if let Some(policy) = &self.policy {
            settings.0.entry("policy").or_insert_with(|| Value::from(policy.as_str()));
        }
        settings
    }

    /// The product's settings after each step, going by what it says of them.
    pub(crate) fn settings_after(&self) -> Vec<Settings> {
        let mut settings = self.settings();
        let after = self.steps.iter().map(|step| {
            if step.op == "config" && step.expect.outcome.as_deref() != Some("rejected") {
                settings = settings.with(&step.set);
            }
            settings.clone()
        });
        after.collect()
    }

    /// The sessions live before step `index`, going by what the product says.
    pub(crate) fn live_before(&self, index: usize) -> Vec<(&str, &str)> {
        let mut live: Vec<(&str, &str)> = Vec::new();
        for step in self.steps.iter().take(index) {
            let who = (step.user.as_deref().unwrap_or_default(), step.session.as_deref().unwrap_or_default());
            let gone = step.expect.evicted.iter().chain(&step.expect.expired).flatten();
            let gone: Vec<&str> = gone.map(String::as_str).collect();
            live.retain(|(_, session)| !gone.contains(session));
            let ends = step.op == "logout"
                || (step.op == "login" && step.expect.outcome.as_deref() == Some("admitted"));
            live.retain(|one| !ends || *one != who);
            if ends && step.op == "login" && !gone.contains(&who.1) {
                live.push(who);
            }
        }
        live
    }
}

/// A product's settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings(pub Map<String, Value>);

impl Settings {
    /// These with `set` laid over them (the default profile is everybody's limit); tables are merged, null takes away, an empty table empties.
    pub(crate) fn with(&self, set: &Map<String, Value>) -> Self {
        let mut settings = self.0.clone();
        for (key, value) in set {
            match (settings.get_mut(key).and_then(Value::as_object_mut), value) {
                (Some(table), Value::Object(more)) if !more.is_empty() => {
                    table.extend(more.clone());
                    table.retain(|_, value| !value.is_null());
                }
                _ => drop(settings.insert(key.clone(), value.clone())),
            }
        }
        let default = |table: &Map<String, Value>| {
            let named = table.iter().find(|(profile, _)| profile.to_lowercase().contains("default"));
            named.map(|(_, limit)| limit.clone())
        };
        if let Some(limit) = set.get("profiles").and_then(Value::as_object).and_then(default) {
            settings.insert("limit".to_owned(), limit);
        }
        Self(settings)
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str)
    }

    pub(crate) fn number(&self, key: &str) -> Option<i64> {
        self.0.get(key).and_then(Value::as_i64)
    }

    /// Users and values of a table, or the users of a list with `value`.
    pub(crate) fn users(&self, key: &str, value: &Value) -> Vec<(String, Value)> {
        match self.0.get(key) {
            Some(Value::Object(table)) => {
                table.iter().map(|(user, value)| (user.clone(), value.clone())).collect()
            }
            Some(Value::Array(list)) => {
                list.iter().filter_map(Value::as_str).map(|user| (user.to_owned(), value.clone())).collect()
            }
            _ => Vec::new(),
        }
    }
}
