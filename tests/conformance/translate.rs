//! A product's settings and steps in sledger's own words.
//!
//! Two things are mapped throughout. Ids are each user's own, except in a
//! broker, where a client id is unique: everywhere else the user is put before
//! the id. And what a product calls evicted on a clear or a take-over is
//! `ended` here.

use super::scenario::{Scenario, Settings, Step};
use serde_json::{Map, Value, json};

/// The shipped policy for a product's word; `None` for a word nobody knows.
pub(crate) fn policy(system: &str, word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    let has = |part: &str| word.contains(part);
    let evicts = ["destroy", "terminate", "expire", "evict", "delete", "keep"].into_iter().any(has);
    let denies = ["deny", "refuse", "reject", "exception"].into_iter().any(has);
    match system {
        _ if denies => Some("deny_access"),
        _ if !evicts => None,
        _ if has("next_expiring") => Some("destroy_next_expiring"),
        _ if has("most_idle") || has("lru") || has("least_recent") => Some("destroy_most_idle"),
        _ if has("old_sessions") || has("all") => Some("destroy_all_others"),
        "openam" if has("oldest") => Some("destroy_least_time_left"),
        "keycloak" | "spring_security" if has("oldest") => Some("destroy_most_idle"),
        _ if has("oldest") => Some("destroy_oldest"),
        _ => None,
    }
}

/// Whether a login by this kind of client is no session that the product limits.
pub(crate) fn is_untracked(system: &str, client: &str) -> bool {
    let client = client.to_lowercase();
    let words: &[&str] = match system {
        "awx" => &["basic", "oauth", "token"],
        "openam" => &["agent", "app", "stateless", "jwt"],
        _ => &[],
    };
    words.iter().any(|word| client.contains(word))
}

/// Whether user names that differ in case only are one user.
fn folds(system: &str) -> bool {
    system == "openam"
}

/// A product's limit; what it would refuse goes through as it is, to be refused here.
fn limit(system: &str, settings: &Settings, limit: &Value, of_user: bool) -> Value {
    let number = limit.as_i64().or_else(|| limit.as_str().filter(|_| system == "emqx")?.parse().ok());
    let forgerock_denies = settings.text("flavor") == Some("forgerock13")
        && settings.text("policy").and_then(|word| policy(system, word)) == Some("deny_access");
    match (system, number) {
        ("emqx", None) if limit == "nolimit" => json!("unlimited"),
        (_, None) if limit.is_null() => json!("unlimited"),
        (_, None) => limit.clone(),
        ("openam", Some(..1)) if forgerock_denies => json!("banned"),
        ("openam" | "keycloak", Some(..1)) | ("avi", Some(0)) | ("pam_limits", Some(..0)) => {
            json!("unlimited")
        }
        ("awx" | "spring_security", Some(-1)) => json!("unlimited"),
        ("awx" | "pam_limits", Some(0)) => json!("banned"),
        ("emqx", Some(0)) if of_user => json!("banned"),
        (_, Some(number)) => json!(number),
    }
}

/// The sections of a product's settings.
pub(crate) fn config(scenario: &Scenario, settings: &Settings) -> Value {
    let clients = scenario.steps.iter().filter_map(|step| step.client.as_deref());
    let untracked: Vec<&str> = clients.filter(|client| is_untracked(&scenario.system, client)).collect();
    let ignore = if untracked.is_empty() { json!([]) } else { json!([{ "client": untracked }]) };
    json!({
        "sessions": {
            "ttl": "never", "idle": "never", "retention": "0s", "activity_resolution": "0s",
            "same_id": if scenario.system == "emqx" { "take_over" } else { "refuse" },
        },
        "users": { "fold": if folds(&scenario.system) { "lowercase" } else { "none" } },
        "ignore": ignore,
        "quota": quotas(&scenario.system, settings),
    })
}

fn quotas(system: &str, settings: &Settings) -> Vec<Value> {
    let word = settings.text("policy").unwrap_or("deny_access");
    let quota = |name: &str, count_by: Value, limit: Value| {
        json!({
            "name": name, "count_by": count_by, "max_sessions": limit,
            "on_exhausted": policy(system, word).unwrap_or(word),
            "evict_others": settings.text("scope") == Some("ip"),
            "enabled": settings.0.get("enabled") != Some(&json!(false)),
            "override": overrides(system, settings),
        })
    };
    let number = |key: &str| settings.0.get(key).map(|value| limit(system, settings, value, false));
    let widest = number("realm_limit").or_else(|| number("limit")).unwrap_or_else(|| json!("unlimited"));
    let narrow = number("client_limit").map(|limit| quota("per-client", json!(["user", "client"]), limit));
    narrow.into_iter().chain([quota("per-user", count_by(settings), widest)]).collect()
}

fn count_by(settings: &Settings) -> Value {
    match (settings.text("scope"), settings.text("multi_server")) {
        (Some("ip"), _) => json!("ip"),
        (Some(scope), _) if scope.contains("ip") => json!(["user", "ip"]),
        (_, Some("local")) => json!(["user", "source"]),
        _ => json!("user"),
    }
}

fn overrides(system: &str, settings: &Settings) -> Vec<Value> {
    let one = |(user, value): (String, Value)| {
        let user = if folds(system) { user.to_lowercase() } else { user };
        json!({ "user": user, "max_sessions": limit(system, settings, &value, true) })
    };
    let nothing = Value::Null;
    let exempt = json!("unlimited");
    let listed = [settings.users("whitelist", &exempt), settings.users("super_users", &exempt)].concat();
    let tables = [settings.users("user_limits", &nothing), settings.users("overrides", &nothing)].concat();
    let profiles = settings.users("profiles", &nothing);
    let profile_of =
        |name: &Value| profiles.iter().find(|(profile, _)| name == profile).map(|(_, limit)| limit.clone());
    let attached = settings.users("user_profile", &nothing);
    let attached = attached.into_iter().filter_map(|(user, name)| Some((user, profile_of(&name)?)));
    listed.into_iter().chain(tables).chain(attached).map(one).collect()
}

/// The id of a session as sledger knows it.
pub(crate) fn id(system: &str, user: Option<&str>, session: &str) -> String {
    let user = user.unwrap_or_default();
    match system {
        "emqx" => session.to_owned(),
        _ if folds(system) => format!("{}:{session}", user.to_lowercase()),
        _ => format!("{user}:{session}"),
    }
}

/// Settings that say nothing of what is decided here.
const OUTSIDE: [&str; 4] = ["store_down", "nas_says_gone", "nas_unreachable", "verify_failure"];

/// The line of one step; `settings` are those in force after it, where it changes them.
pub(crate) fn line(scenario: &Scenario, step: &Step, settings: &Settings) -> Value {
    let mut line = Map::new();
    line.insert("at".to_owned(), json!(step.t_ms));
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            line.insert(key.to_owned(), value);
        }
    };
    let system = scenario.system.as_str();
    let named = |session: &Option<String>| {
        session.as_ref().map(|id_there| json!(id(system, step.user.as_deref(), id_there)))
    };
    let outside = step.set.keys().all(|key| OUTSIDE.contains(&key.as_str()));
    match step.op.as_str() {
        "config" if !outside => {
            put("op", Some(json!("configure")));
            put("config", Some(config(scenario, settings)));
        }
        "login" | "touch" | "logout" | "disconnect" => {
            put("op", Some(json!(step.op)));
            put("user", step.user.as_ref().map(|user| json!(user)));
            put("session", named(&step.session));
        }
        "clear" => {
            put("op", Some(json!("clear")));
            put("user", step.user.as_ref().map(|user| json!(user)));
        }
        _ => put("op", Some(json!("advance"))),
    }
    if step.op == "login" {
        let span = |ms: u64| json!(format!("{ms}ms"));
        put(if system == "emqx" { "retention" } else { "ttl" }, step.ttl_ms.map(span));
        put("idle", step.idle_ms.map(span));
        put("ip", step.ip.as_ref().map(|ip| json!(ip)));
        put("client", step.client.as_ref().map(|client| json!(client)));
        put("source", step.node.as_ref().map(|node| json!(node)));
        put("replaces", named(&step.upgrade_of));
    }
    Value::Object(line)
}

/// A line that changes nothing and is answered with the user's count.
pub(crate) fn probe(step: &Step) -> Value {
    json!({ "at": step.t_ms, "op": "touch", "user": step.user, "session": "there is no such session" })
}
