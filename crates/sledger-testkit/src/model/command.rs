//! One line of a recording, read and bounded.

use super::facts::{Facts, canonical_ip};
use super::values::{Fields, NEVER, Read, Refused, duration, life, refuse, text, texts, time};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What is asked.
#[derive(Clone, Debug)]
pub(super) enum Command {
    Login(Login),
    Touch(Target),
    Logout(Target),
    Disconnect(Target),
    End(Target),
    Clear { user: String, keep: Option<String> },
    Reconcile { source: String, as_of: Option<u64>, live: Vec<String> },
    Adopt(Vec<Adoptee>),
    Advance,
    Configure(Value),
    Policy { name: String, text: String },
}

/// A login; its user is still as it was sent, and its groups are its own only.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) facts: Facts,
    pub(super) ttl: Option<u64>,
    pub(super) idle: Option<u64>,
    pub(super) retention: Option<u64>,
    pub(super) end: Ending,
    pub(super) replaces: Option<String>,
}

/// Which sessions of its user a login ends.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    Others,
    Ids(Vec<String>),
}

/// One session, as it is named.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) session: String,
    pub(super) user: Option<String>,
    pub(super) generation: Option<u64>,
}

/// A session that exists already.
#[derive(Clone, Debug)]
pub(super) struct Adoptee {
    pub(super) login: Login,
    pub(super) started: u64,
    pub(super) last_active: Option<u64>,
}

/// The operations there are.
pub(super) const OPERATIONS: [&str; 11] = [
    "login",
    "touch",
    "logout",
    "disconnect",
    "end",
    "clear",
    "reconcile",
    "adopt",
    "advance",
    "configure",
    "policy",
];

const FACTS: [&str; 11] = [
    "user",
    "session",
    "ip",
    "client",
    "source",
    "groups",
    "attributes",
    "user_attributes",
    "ttl",
    "idle",
    "retention",
];

/// Reads the line; the command id apart.
pub(super) fn read(op: &str, line: &Map<String, Value>) -> Read<(Command, Option<String>)> {
    let fields = |known: &[&str]| Fields::of(line, &[known, &["at", "op", "command"]].concat());
    let command = match op {
        "login" => Command::Login(login(&fields(&[&FACTS, &["end", "replaces"][..]].concat())?)?),
        "touch" => Command::Touch(target(&fields(&["user", "session", "generation"])?)?),
        "logout" => Command::Logout(target(&fields(&["user", "session", "generation"])?)?),
        "disconnect" => Command::Disconnect(target(&fields(&["user", "session", "generation"])?)?),
        "end" => Command::End(end(&fields(&["user", "session", "generation", "reason"])?)?),
        "clear" => clear(&fields(&["user", "keep"])?)?,
        "reconcile" => reconcile(&fields(&["source", "as_of", "live"])?)?,
        "adopt" => adopt(&fields(&["source", "sessions"])?)?,
        "advance" => fields(&[]).map(|_| Command::Advance)?,
        "configure" => configure(&fields(&["config"])?)?,
        "policy" => policy(&fields(&["name", "text"])?)?,
        _ => return refuse("op"),
    };
    let id = line.get("command").map(|id| text(id, "command", 64)).transpose()?;
    Ok((command, id))
}

fn login(given: &Fields<'_>) -> Read<Login> {
    let Some(user) = given.text("user", 256)? else { return refuse("user") };
    let facts = Facts {
        user,
        session: given.needed("session")?,
        ip: known(given.text("ip", 256)?).map(|ip| canonical_ip(&ip)),
        client: known(given.text("client", 256)?),
        source: known(given.text("source", 256)?),
        groups: groups(given)?,
        attributes: given.read("attributes", attributes)?.unwrap_or_default(),
    };
    given.read("user_attributes", attributes)?;
    Ok(Login {
        facts,
        ttl: given.read("ttl", life)?,
        idle: given.read("idle", life)?,
        retention: given.read("retention", duration)?,
        end: given.read("end", ending)?.unwrap_or(Ending::Ids(Vec::new())),
        replaces: given.text("replaces", 256)?,
    })
}

/// An empty text is no text.
fn known(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn groups(given: &Fields<'_>) -> Read<BTreeSet<String>> {
    let groups = given.read("groups", |value, field| texts(value, field, 256))?.unwrap_or_default();
    if groups.len() > 32 { refuse("groups") } else { Ok(groups.into_iter().collect()) }
}

fn attributes(value: &Value, field: &str) -> Read<BTreeMap<String, String>> {
    let Some(map) = value.as_object() else { return refuse(field) };
    let mut attributes = BTreeMap::new();
    for (key, value) in map {
        let key = text(&Value::from(key.as_str()), field, 64)?;
        attributes.insert(key, text(value, field, 256)?);
    }
    let bytes: usize = attributes.iter().map(|(key, value)| key.len() + value.len()).sum();
    if attributes.len() > 16 || bytes > 1024 {
        return refuse(field);
    }
    attributes.retain(|_, value| !value.is_empty());
    Ok(attributes)
}

fn ending(value: &Value, field: &str) -> Read<Ending> {
    match value.as_str() {
        Some("all" | "others") => Ok(Ending::Others),
        Some(_) => refuse(field),
        None => texts(value, field, 256).map(Ending::Ids),
    }
}

fn target(given: &Fields<'_>) -> Read<Target> {
    Ok(Target {
        session: given.needed("session")?,
        user: given.text("user", 256)?,
        generation: given.number("generation")?,
    })
}

fn end(given: &Fields<'_>) -> Read<Target> {
    given.text("reason", 512)?;
    target(given)
}

fn clear(given: &Fields<'_>) -> Read<Command> {
    Ok(Command::Clear { user: given.needed("user")?, keep: given.text("keep", 256)? })
}

fn reconcile(given: &Fields<'_>) -> Read<Command> {
    let Some(live) = given.read("live", |value, field| texts(value, field, 256))? else {
        return refuse("live");
    };
    Ok(Command::Reconcile { source: given.needed("source")?, as_of: given.number("as_of")?, live })
}

fn adopt(given: &Fields<'_>) -> Read<Command> {
    let source = known(given.text("source", 256)?);
    let Some(sessions) = given.get("sessions").and_then(Value::as_array) else { return refuse("sessions") };
    let adopted = sessions.iter().map(|session| adoptee(session, source.as_ref()));
    Ok(Command::Adopt(adopted.collect::<Read<_>>()?))
}

fn adoptee(value: &Value, source: Option<&String>) -> Read<Adoptee> {
    let given = Fields::of_value(value, "sessions", &[&FACTS, &["started", "last_active"][..]].concat())?;
    let at = |value: &Value, field: &str| time(value).map_or_else(|| refuse(field), Ok);
    let mut login = login(&given)?;
    login.facts.source = login.facts.source.or(source.cloned());
    let started = given.read("started", at)?.unwrap_or(NEVER);
    Ok(Adoptee { login, started, last_active: given.read("last_active", at)? })
}

fn configure(given: &Fields<'_>) -> Read<Command> {
    given.get("config").cloned().map(Command::Configure).ok_or_else(|| Refused("config".to_owned()))
}

fn policy(given: &Fields<'_>) -> Read<Command> {
    let name = given.needed("name")?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let text = given.get("text").and_then(Value::as_str);
    match text {
        Some(text) if text.len() <= 32_768 && name.chars().all(fits) => {
            Ok(Command::Policy { name, text: text.to_owned() })
        }
        _ => refuse("text"),
    }
}
