//! Commands out of JSON objects: the same reader for recordings, batches and bodies.

use super::{OpName, Reading};
use crate::config;
use crate::escape::brief;
use crate::fields::{Faults, Fields};
use crate::readers::{boolean, life, seq, span, text, texts, time, time_or_millis};
use crate::tree::{Node, Value};
use crate::values::{self, Reason};
use sledger_core::Millis;
use sledger_core::command::{Adopt, Adoptee, Command, Configure, Ending, Login, Reconcile, Request, Target};
use sledger_core::config::Origin;

/// Where a command was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// In a recording, with its own time.
    Recording,
    /// In a batch, at the ledger's time.
    Batch,
}

/// Fields of a login.
pub(crate) const LOGIN_KEYS: &[&str] = &[
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
    "end",
    "replaces",
    "command",
];
const ADOPTEE_KEYS: &[&str] = &[
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
    "started",
    "last_active",
];
const CONFIG_KEYS: &[&str] = &["quota", "sessions", "group", "ignore", "messages", "users"];

const fn keys(op: OpName) -> &'static [&'static str] {
    match op {
        OpName::Login => LOGIN_KEYS,
        OpName::Touch | OpName::Logout | OpName::Disconnect => &["user", "session", "generation", "command"],
        OpName::End => &["user", "session", "reason", "generation", "command"],
        OpName::Clear => &["user", "keep", "command"],
        OpName::Reconcile => &["source", "as_of", "live", "command"],
        OpName::Adopt => &["source", "sessions", "command"],
        OpName::Advance => &["command"],
        OpName::Configure => &["config", "command"],
        OpName::Policy => &["name", "text", "command"],
    }
}

/// What only a served ledger may be asked about, without its being done.
const fn keys_served(op: OpName, dialect: Dialect) -> &'static [&'static str] {
    match (op, dialect) {
        (OpName::Login | OpName::Adopt, Dialect::Batch) => &["dry_run"],
        _ => &[],
    }
}

/// The command of an object with `op`, with its command id. What is wrong is among `faults`.
pub(crate) fn command(
    op: OpName,
    tree: &Node,
    reading: &Reading,
    dialect: Dialect,
    faults: &mut Faults,
) -> Request {
    if dialect == Dialect::Batch {
        refuse_recorded(op, tree, faults);
    }
    let keys = keys(op).iter().chain(keys_served(op, dialect));
    let known: Vec<&str> = ["at", "op"].into_iter().chain(keys.copied()).collect();
    let fields = Fields::open(tree, "", &known, faults);
    let command = match op {
        OpName::Login => Command::Login(Box::new(login(&fields, faults))),
        OpName::Touch => Command::Touch(target(&fields, faults)),
        OpName::Logout => Command::Logout(target(&fields, faults)),
        OpName::Disconnect => Command::Disconnect(target(&fields, faults)),
        OpName::End => {
            Command::End { target: target(&fields, faults), reason: fields.read("reason", faults, text) }
        }
        OpName::Clear => Command::Clear {
            user: fields.read("user", faults, text),
            keep: fields.read("keep", faults, text),
        },
        OpName::Reconcile => Command::Reconcile(reconcile(&fields, faults)),
        OpName::Adopt => Command::Adopt(adopt(&fields, dialect, faults)),
        OpName::Advance => Command::Advance,
        OpName::Configure => Command::Configure(Box::new(configure(&fields, reading, faults))),
        OpName::Policy => policy(&fields, faults),
    };
    let command_id = command_id(&fields, faults);
    let dry_run = fields.read("dry_run", faults, boolean).unwrap_or_default();
    Request { command_id, dry_run, ..Request::new(reading.actor.clone(), command) }
}

/// What only recordings may say.
fn refuse_recorded(op: OpName, tree: &Node, faults: &mut Faults) {
    if op.is_for_recordings_only() {
        faults.add(&tree.place, "op", format!("`{op}` is for recordings only"));
    }
    if let Some(at) = tree.get("at") {
        faults.add(&at.place, "at", "is for recordings only: the ledger gives the time");
    }
}

pub(crate) fn command_id(fields: &Fields<'_>, faults: &mut Faults) -> Option<String> {
    fields.read("command", faults, text)
}

/// A login's own fields; also of an adopted session, which has no `end` and no `replaces`.
pub(crate) fn login(fields: &Fields<'_>, faults: &mut Faults) -> Login {
    Login {
        user: fields.read("user", faults, text),
        session: fields.read("session", faults, text),
        ip: fields.read("ip", faults, text),
        client: fields.read("client", faults, text),
        source: fields.read("source", faults, text),
        groups: fields.read("groups", faults, texts).unwrap_or_default(),
        attributes: attributes(fields, "attributes", faults),
        user_attributes: attributes(fields, "user_attributes", faults),
        ttl: fields.read("ttl", faults, life),
        idle: fields.read("idle", faults, life),
        retention: fields.read("retention", faults, span),
        end: fields.read("end", faults, ending).unwrap_or_default(),
        replaces: fields.read("replaces", faults, text),
    }
}

fn ending(node: &Node) -> Result<Ending, Reason> {
    match &node.value {
        Value::Text(word) if word == "all" => Ok(Ending::All),
        Value::Text(word) if word == "others" => Ok(Ending::Others),
        Value::List(items) if items.is_empty() => Ok(Ending::None),
        Value::List(_) => texts(node).map(Ending::Ids),
        _ => Err(format!("is {node}: write a list of ids, `\"all\"` or `\"others\"`").into()),
    }
}

fn attributes(fields: &Fields<'_>, key: &str, faults: &mut Faults) -> Vec<(String, String)> {
    let Some(node) = fields.get(key) else { return Vec::new() };
    let path = fields.path_of(key);
    let Value::Table(entries) = &node.value else {
        faults.add(&node.place, path, format!("is {node}, not a table of keys"));
        return Vec::new();
    };
    let mut names = std::collections::BTreeSet::new();
    let mut pairs = Vec::with_capacity(entries.len());
    for (name, value) in entries {
        let path = || format!("{path}.{}", brief(&name.name));
        if !names.insert(name.name.as_str()) {
            faults.add(&name.place, path(), "is given twice");
        }
        match (&value.value, value.as_text()) {
            (Value::Null, _) => {}
            (_, Some(text)) => pairs.push((name.name.clone(), text.to_owned())),
            (_, None) => faults.add(&value.place, path(), format!("is {value}, not text")),
        }
    }
    pairs
}

fn target(fields: &Fields<'_>, faults: &mut Faults) -> Target {
    Target {
        session: fields.read("session", faults, text),
        user: fields.read("user", faults, text),
        generation: fields.read("generation", faults, seq),
    }
}

fn reconcile(fields: &Fields<'_>, faults: &mut Faults) -> Reconcile {
    if fields.get("live").is_none() {
        fields.fault("live", faults, "is missing: write the ids that are live, `[]` for none");
    }
    Reconcile {
        source: fields.read("source", faults, text),
        as_of: fields.read("as_of", faults, seq),
        live: fields.read("live", faults, texts).unwrap_or_default(),
    }
}

fn adopt(fields: &Fields<'_>, dialect: Dialect, faults: &mut Faults) -> Adopt {
    if fields.get("sessions").is_none() {
        fields.fault("sessions", faults, "is missing: write a list of sessions");
    }
    let moment: fn(&Node) -> Result<Millis, Reason> = match dialect {
        Dialect::Recording => time_or_millis,
        Dialect::Batch => time,
    };
    let adoptee = |node: &Node, path: &str, faults: &mut Faults| {
        let fields = Fields::open(node, path, ADOPTEE_KEYS, faults);
        Some(Adoptee {
            login: login(&fields, faults),
            started: fields.read("started", faults, moment),
            last_active: fields.read("last_active", faults, moment),
        })
    };
    Adopt {
        source: fields.read("source", faults, text),
        sessions: fields.read_list("sessions", faults, adoptee).unwrap_or_default(),
    }
}

fn configure(fields: &Fields<'_>, reading: &Reading, faults: &mut Faults) -> Configure {
    let Some(node) = fields.get("config") else {
        fields.fault("config", faults, "is missing");
        return Configure::default();
    };
    let sections = Fields::open(node, "config", CONFIG_KEYS, faults);
    Configure {
        sessions: config::sessions(&sections, &reading.sessions, faults),
        users: config::users(&sections, faults),
        groups: config::groups(&sections, faults),
        ignore: config::ignores(&sections, faults),
        messages: config::messages(&sections, faults),
        quotas: config::read_quotas(&sections, Origin::File, faults),
    }
}

fn policy(fields: &Fields<'_>, faults: &mut Faults) -> Command {
    ["name", "text"].into_iter().filter(|key| fields.get(key).is_none()).for_each(|key| {
        fields.fault(key, faults, "is missing");
    });
    let name = |node: &Node| text(node).and_then(|name| values::policy_name(&name).map(str::to_owned));
    Command::Policy {
        name: fields.read("name", faults, name).unwrap_or_default(),
        text: fields.read("text", faults, text).unwrap_or_default(),
    }
}
