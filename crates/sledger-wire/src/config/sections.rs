//! The sections beside the settings that decide, one function each.

use super::types::{
    Audit, AuditFormat, AuditTarget, Checkpointing, Durability, Ledger, Limits, Log, LogFormat, LogLevel,
    Monitor, Policies, Server, Transport,
};
use crate::escape::brief;
use crate::events::TYPES;
use crate::fields::{Faults, Fields};
use crate::readers::{
    boolean, bytes, count, filled, integer, life, name, names, one_of, span, text, text_or_texts, texts,
};
use crate::suggest::nearest;
use crate::tree::{Node, Place, Value};
use crate::values::Reason;
use sledger_core::config::Bounds;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The section, or an empty one.
fn section<'n>(root: &Fields<'n>, key: &str, known: &[&str], faults: &mut Faults) -> Option<Fields<'n>> {
    root.get(key).map(|node| Fields::open(node, &root.path_of(key), known, faults))
}

pub(super) fn server(root: &Fields<'_>, faults: &mut Faults) -> Server {
    let default = Server::default();
    let Some(section) = section(root, "server", &["name", "listen", "hosts"], faults) else { return default };
    Server {
        name: section.read("name", faults, name).unwrap_or(default.name),
        listen: section.read("listen", faults, listen).unwrap_or(default.listen),
        hosts: section.read("hosts", faults, names).unwrap_or_default(),
    }
}

fn listen(node: &Node) -> Result<SocketAddr, Reason> {
    let text = text(node)?;
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(&text).parse().map_err(|_| {
        format!("`{}` is no address with a port: write e.g. `127.0.0.1:7070`", brief(&text)).into()
    })
}

pub(super) fn ledger(root: &Fields<'_>, folder: &Path, faults: &mut Faults) -> Ledger {
    const KEYS: &[&str] = &[
        "data",
        "durability",
        "reserve",
        "seal_personal",
        "gap_max",
        "keep",
        "checkpoint_every",
        "checkpoint_key",
        "checkpoint_to",
    ];
    const DURABILITIES: &[(&str, Durability)] =
        &[("durable", Durability::Durable), ("relaxed", Durability::Relaxed)];
    let default = Ledger::default();
    let Some(section) = section(root, "ledger", KEYS, faults) else {
        return Ledger { data: folder.join(&default.data), ..default };
    };
    Ledger {
        data: path(&section, "data", folder, &default.data, faults),
        durability: section
            .read("durability", faults, |node| one_of(node, DURABILITIES, &[]))
            .unwrap_or(default.durability),
        reserve_bytes: section.read("reserve", faults, bytes).unwrap_or(default.reserve_bytes),
        seal_personal: section.read("seal_personal", faults, boolean).unwrap_or(default.seal_personal),
        gap_max: section.read("gap_max", faults, span).unwrap_or(default.gap_max),
        keep: section.read("keep", faults, life).unwrap_or(default.keep),
        checkpoint: Checkpointing {
            every: section.read("checkpoint_every", faults, life).unwrap_or(default.checkpoint.every),
            key: optional_path(&section, "checkpoint_key", folder, faults),
            to: optional_path(&section, "checkpoint_to", folder, faults),
        },
    }
}

/// A path that nothing stands for where it is not given, or empty.
fn optional_path(section: &Fields<'_>, key: &str, folder: &Path, faults: &mut Faults) -> Option<PathBuf> {
    let given = section.read(key, faults, text).filter(|given| !given.is_empty())?;
    Some(placed(section, key, folder, &given))
}

/// A path: relative to the file's folder where the file or nobody gives it, else to the current one.
fn path(section: &Fields<'_>, key: &str, folder: &Path, default: &Path, faults: &mut Faults) -> PathBuf {
    let Some(given) = section.read(key, faults, filled) else { return folder.join(default) };
    placed(section, key, folder, &given)
}

fn placed(section: &Fields<'_>, key: &str, folder: &Path, given: &str) -> PathBuf {
    match section.place_of(key) {
        Place::Environment(_) | Place::Flag(_) => PathBuf::from(given),
        Place::Line(_) | Place::Nowhere => folder.join(given),
    }
}

pub(super) fn limits(root: &Fields<'_>, faults: &mut Faults) -> Limits {
    const KEYS: &[&str] = &["users", "sessions", "groups_per_login", "queue", "feed_readers", "policy_bytes"];
    let default = Limits::default();
    let Some(section) = section(root, "limits", KEYS, faults) else { return default };
    let mut read = |key, default| section.read(key, faults, count).unwrap_or(default);
    Limits {
        bounds: Bounds {
            sessions_max: read("sessions", default.bounds.sessions_max),
            users_max: read("users", default.bounds.users_max),
            groups_per_login_max: read("groups_per_login", default.bounds.groups_per_login_max),
            policy_bytes_max: read("policy_bytes", default.bounds.policy_bytes_max),
            // What no file sets stays as it is.
            ..default.bounds
        },
        queue_max: read("queue", default.queue_max),
        feed_readers_max: read("feed_readers", default.feed_readers_max),
    }
}

/// Words of `log.level`.
pub(super) const LOG_LEVELS: &[(&str, LogLevel)] = &[
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];

pub(super) fn log(root: &Fields<'_>, faults: &mut Faults) -> Log {
    const FORMATS: &[(&str, LogFormat)] = &[("text", LogFormat::Text), ("json", LogFormat::Json)];
    let default = Log::default();
    let Some(section) = section(root, "log", &["level", "format"], faults) else { return default };
    let level = |node: &Node| one_of(node, LOG_LEVELS, &[("warning", "warn"), ("err", "error")]);
    Log {
        level: section.read("level", faults, level).unwrap_or(default.level),
        format: section.read("format", faults, |node| one_of(node, FORMATS, &[])).unwrap_or(default.format),
    }
}

pub(super) fn policies(root: &Fields<'_>, folder: &Path, faults: &mut Faults) -> Policies {
    let default = Policies::default();
    let Some(section) = section(root, "policies", &["folder", "watch"], faults) else {
        return Policies { folder: folder.join(default.folder), ..default };
    };
    Policies {
        folder: path(&section, "folder", folder, &default.folder, faults),
        watch: section.read("watch", faults, boolean).unwrap_or(default.watch),
    }
}

pub(super) fn monitor(root: &Fields<'_>, faults: &mut Faults) -> Monitor {
    let default = Monitor::default();
    let Some(section) = section(root, "monitor", &["near", "theme", "keys"], faults) else { return default };
    Monitor {
        near_percent: section.read("near", faults, percent).unwrap_or(default.near_percent),
        theme: section.read("theme", faults, name).unwrap_or(default.theme),
        keys: keys(&section, faults),
    }
}

fn percent(node: &Node) -> Result<u8, Reason> {
    let wrong = || Reason::new(format!("is {node}: write a share from `\"1%\"` to `\"100%\"`"));
    let number = match node.as_text().map(|text| text.strip_suffix('%').unwrap_or(text)) {
        Some(digits) => digits.parse().map_err(|_| wrong())?,
        None => integer(node).map_err(|_| wrong())?,
    };
    u8::try_from(number).ok().filter(|number| (1..=100).contains(number)).ok_or_else(wrong)
}

fn keys(section: &Fields<'_>, faults: &mut Faults) -> BTreeMap<String, Vec<String>> {
    let Some(node) = section.get("keys") else { return BTreeMap::new() };
    let path = section.path_of("keys");
    let Value::Table(entries) = &node.value else {
        faults.add(&node.place, path, format!("is {node}, not a table of keys"));
        return BTreeMap::new();
    };
    let mut keys = BTreeMap::new();
    for (key, value) in entries {
        let read = faults.check(&value.place, &format!("{path}.{}", brief(&key.name)), text_or_texts(value));
        keys.extend(read.map(|texts| (key.name.clone(), texts)));
    }
    keys
}

/// Words of `audit.format`.
pub(super) const AUDIT_FORMATS: &[(&str, AuditFormat)] =
    &[("json", AuditFormat::Json), ("cef", AuditFormat::Cef), ("text", AuditFormat::Text)];

pub(super) fn audits(root: &Fields<'_>, folder: &Path, faults: &mut Faults) -> Vec<Audit> {
    let audits = root.read_list("audit", faults, |node, path, faults| {
        let fields = Fields::open(node, path, &["to", "format", "types"], faults);
        if fields.get("to").is_none() {
            fields.fault("to", faults, "is missing: write e.g. `stdout` or `file:audit.jsonl`");
        }
        let format = fields.read("format", faults, |node| one_of(node, AUDIT_FORMATS, &[]));
        let types = fields.read("types", faults, types);
        let to = fields.read("to", faults, |node| target(node, folder))?;
        Some(Audit {
            to,
            format: format.unwrap_or(AuditFormat::Json),
            types: types.unwrap_or_else(|| vec!["*".to_owned()]),
        })
    });
    audits.unwrap_or_default()
}

fn target(node: &Node, folder: &Path) -> Result<AuditTarget, Reason> {
    let text = text(node)?;
    match text.as_str() {
        "stdout" => return Ok(AuditTarget::Stdout),
        "journald" => return Ok(AuditTarget::Journald),
        _ => {}
    }
    if let Some(path) = text.strip_prefix("file:").filter(|path| !path.is_empty()) {
        return Ok(AuditTarget::File(folder.join(path)));
    }
    syslog(&text).ok_or_else(|| {
        let forms =
            "`stdout`, `journald`, `file:PATH`, `syslog+udp://HOST:PORT`, `syslog+tcp://…`, `syslog+tls://…`";
        format!("`{}` is not one of {forms}", brief(&text)).into()
    })
}

fn syslog(text: &str) -> Option<AuditTarget> {
    let (scheme, address) = text.split_once("://")?;
    let transport = match scheme {
        "syslog+udp" => Transport::Udp,
        "syslog+tcp" => Transport::Tcp,
        "syslog+tls" => Transport::Tls,
        _ => return None,
    };
    let (host, port) = address.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    (!host.is_empty()).then(|| AuditTarget::Syslog { transport, host: host.to_owned(), port })
}

/// Types of events by name or glob, each of which must match one that exists.
fn types(node: &Node) -> Result<Vec<String>, Reason> {
    let types = texts(node)?;
    match types.iter().find(|glob| !TYPES.iter().any(|name| matches(glob, name))) {
        None => Ok(types),
        Some(unknown) => {
            let hint = nearest(unknown, TYPES.iter().copied());
            let hint = hint.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            Err(format!("has `{}`, which no event is{hint}", brief(unknown)).into())
        }
    }
}

/// Whether `name` matches `glob`, in which `*` stands for any text.
#[must_use]
pub fn matches(glob: &str, name: &str) -> bool {
    let Some((head, rest)) = glob.split_once('*') else { return glob == name };
    let Some(mut left) = name.strip_prefix(head) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        match left.find(part) {
            Some(index) => left = left.get(index + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}
