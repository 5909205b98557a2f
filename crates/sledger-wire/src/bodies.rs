//! Bodies of HTTP requests, read as strictly as lines of a recording.

mod form;

pub use form::token_from_form;

use crate::config::{read_params, read_quota, why};
use crate::escape::brief;
use crate::fields::{Faults, Fields};
use crate::keeping::{HoldBody, NoteBody};
use crate::readers::{filled, life, limit, seq, text, time};
use crate::recording::{
    Dialect, Echo, LINE_BYTES_MAX, LOGIN_KEYS, OpName, Reading, command, command_id, login, rejection,
};
use crate::tree::{Node, Value, parse_json, parse_toml_value};
use sledger_core::command::{Actor, Command, Rejection, Request, Target};
use sledger_core::config::{Origin, Override, Param, Quota, Selector};
use sledger_core::{Limit, Millis, Seq, Span};
use std::collections::BTreeMap;

/// The body of `POST /v1/sessions/{id}/end`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndBody {
    /// Why.
    pub reason: Option<String>,
    /// The generation the caller knows.
    pub generation: Option<Seq>,
    /// The command id.
    pub command: Option<String>,
}

/// The body of `PUT /v1/quotas/{name}/overrides/{selector}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideBody {
    /// The limit.
    pub limit: Limit,
    /// Until when.
    pub until: Option<Millis>,
    /// Why.
    pub reason: Option<String>,
}

impl OverrideBody {
    /// The override for `selector`, set at `seq`.
    #[must_use]
    pub fn for_selector(self, selector: Selector, seq: Seq) -> Override {
        Override { selector, limit: self.limit, until: self.until, set_at: Some(seq), reason: self.reason }
    }
}

/// The body of `POST /v1/quotas/{name}/enable` and `/disable`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SwitchBody {
    /// For how long; `None` for good.
    pub lasting: Option<Span>,
    /// Why.
    pub reason: Option<String>,
}

/// The body of `POST /v1/ledger/erase`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EraseBody {
    /// Whose.
    pub user: String,
    /// Why.
    pub reason: Option<String>,
}

/// The body of `PUT /v1/policies/{name}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyBody {
    /// The source.
    pub text: String,
    /// The quota; `None` for all that name it.
    pub quota: Option<String>,
    /// Its tests, as TOML.
    pub tests: Option<String>,
    /// Its params, on a quota that names another policy.
    pub params: BTreeMap<String, Param>,
    /// Why.
    pub reason: Option<String>,
}

/// The login of `POST /v1/sessions`, and what its answer repeats. Without `session` a `command` is required:
/// the caller of this gives the session its id.
///
/// # Errors
/// Names the field that is wrong.
pub fn login_from_json(body: &[u8], actor: &Actor) -> Result<(Echo, Request), Rejection> {
    read_login(body, actor, false)
}

/// As [`login_from_json`], for a login that is only asked about: neither `session` nor `command` is required.
///
/// # Errors
/// Names the field that is wrong.
pub fn dry_login_from_json(body: &[u8], actor: &Actor) -> Result<(Echo, Request), Rejection> {
    read_login(body, actor, true)
}

fn read_login(body: &[u8], actor: &Actor, dry_run: bool) -> Result<(Echo, Request), Rejection> {
    let tree = object(body)?;
    checked(|faults| {
        let fields = Fields::open(&tree, "", LOGIN_KEYS, faults);
        if fields.get("user").is_none() {
            fields.fault("user", faults, "is missing");
        }
        if !dry_run && fields.get("session").is_none() && fields.get("command").is_none() {
            fields.fault("command", faults, "is missing: it is required where `session` is left out");
        }
        let login = login(&fields, faults);
        let echo = Echo { op: OpName::Login, user: login.user.clone(), session: login.session.clone() };
        let mut request = Request::new(actor.clone(), Command::Login(Box::new(login)));
        request.command_id = command_id(&fields, faults);
        request.dry_run = dry_run;
        (echo, request)
    })
}

/// The fields of any other command as one body, e.g. of a reconcile: as a batch's line, without `op`.
///
/// # Errors
/// Names the field that is wrong.
pub fn command_from_json(op: OpName, body: &[u8], reading: &Reading) -> Result<Request, Rejection> {
    let tree = object(body)?;
    checked(|faults| command(op, &tree, reading, Dialect::Batch, faults))
}

/// Reads an [`EndBody`]; an empty body is one without reason.
///
/// # Errors
/// Names the field that is wrong.
pub fn end_from_json(body: &[u8]) -> Result<EndBody, Rejection> {
    let tree = object_or_empty(body)?;
    checked(|faults| {
        let fields = Fields::open(&tree, "", &["reason", "generation", "command"], faults);
        EndBody {
            reason: fields.read("reason", faults, text),
            generation: fields.read("generation", faults, seq),
            command: command_id(&fields, faults),
        }
    })
}

impl EndBody {
    /// The command for session `id`.
    #[must_use]
    pub fn into_request(self, id: &str, user: Option<String>, actor: Actor) -> Request {
        let target = Target { session: Some(id.to_owned()), user, generation: self.generation };
        Request {
            command_id: self.command,
            ..Request::new(actor, Command::End { target, reason: self.reason })
        }
    }
}

/// Reads an [`OverrideBody`].
///
/// # Errors
/// Names the field that is wrong.
pub fn override_from_json(body: &[u8]) -> Result<OverrideBody, Rejection> {
    let tree = object(body)?;
    checked(|faults| {
        let fields = Fields::open(&tree, "", &["max_sessions", "until", "reason"], faults);
        if fields.get("max_sessions").is_none() {
            fields.fault(
                "max_sessions",
                faults,
                "is missing: write a number from 1 on, `unlimited` or `banned`",
            );
        }
        OverrideBody {
            limit: fields.read("max_sessions", faults, limit).unwrap_or(Limit::Banned),
            until: fields.read("until", faults, time),
            reason: fields.read("reason", faults, why),
        }
    })
}

/// Reads a [`SwitchBody`]; an empty body is for good and without reason.
///
/// # Errors
/// Names the field that is wrong.
pub fn switch_from_json(body: &[u8]) -> Result<SwitchBody, Rejection> {
    let tree = object_or_empty(body)?;
    checked(|faults| {
        let fields = Fields::open(&tree, "", &["for", "reason"], faults);
        SwitchBody {
            lasting: fields.read("for", faults, life).filter(|span| !span.is_never()),
            reason: fields.read("reason", faults, why),
        }
    })
}

/// Reads an [`EraseBody`].
///
/// # Errors
/// Names the field that is wrong.
pub fn erase_from_json(body: &[u8]) -> Result<EraseBody, Rejection> {
    let tree = object(body)?;
    checked(|faults| {
        let fields = Fields::open(&tree, "", &["user", "reason"], faults);
        if fields.get("user").is_none() {
            fields.fault("user", faults, "is missing");
        }
        EraseBody {
            user: fields.read("user", faults, filled).unwrap_or_default(),
            reason: fields.read("reason", faults, why),
        }
    })
}

/// Reads a [`PolicyBody`].
///
/// # Errors
/// Names the field that is wrong.
pub fn policy_from_json(body: &[u8]) -> Result<PolicyBody, Rejection> {
    let tree = object(body)?;
    checked(|faults| {
        let fields = Fields::open(&tree, "", &["text", "quota", "tests", "params", "reason"], faults);
        if fields.get("text").is_none() {
            fields.fault("text", faults, "is missing");
        }
        PolicyBody {
            text: fields.read("text", faults, filled).unwrap_or_default(),
            quota: fields.read("quota", faults, filled),
            tests: fields.read("tests", faults, text),
            params: read_params(&fields, faults),
            reason: fields.read("reason", faults, why),
        }
    })
}

/// The body of `POST /v1/policies/{name}/promote`, `/rollback` and `/stop`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyDeedBody {
    /// The quota; `None` for all concerned.
    pub quota: Option<String>,
    /// The revision to roll back to; `None` for the one before.
    pub to: Option<[u8; 4]>,
    /// Why.
    pub reason: Option<String>,
}

/// Reads a [`PolicyDeedBody`]; an empty body names nothing.
///
/// # Errors
/// Names the field that is wrong.
pub fn policy_deed_from_json(body: &[u8], may_name_revision: bool) -> Result<PolicyDeedBody, Rejection> {
    let tree = object_or_empty(body)?;
    checked(|faults| {
        let known: &[&str] =
            if may_name_revision { &["quota", "to", "reason"] } else { &["quota", "reason"] };
        let fields = Fields::open(&tree, "", known, faults);
        PolicyDeedBody {
            quota: fields.read("quota", faults, filled),
            to: fields.read("to", faults, revision),
            reason: fields.read("reason", faults, why),
        }
    })
}

/// Reads a [`NoteBody`].
///
/// # Errors
/// Names the field that is wrong.
pub fn note_from_json(body: &[u8]) -> Result<NoteBody, Rejection> {
    let tree = object(body)?;
    checked(|faults| {
        let fields = Fields::open(&tree, "", &["about", "text"], faults);
        for (field, hint) in
            [("about", "write e.g. `seq:17` or `user:ann`"), ("text", "a note says something")]
        {
            if fields.get(field).is_none() {
                fields.fault(field, faults, format!("is missing: {hint}"));
            }
        }
        NoteBody {
            about: fields.read("about", faults, filled).unwrap_or_default(),
            text: fields.read("text", faults, filled).unwrap_or_default(),
        }
    })
}

/// Reads a [`HoldBody`]; one that `releases` has no reason.
///
/// # Errors
/// Names the field that is wrong.
pub fn hold_from_json(body: &[u8], releases: bool) -> Result<HoldBody, Rejection> {
    let keys: &[&str] = if releases { &["name"] } else { &["name", "reason"] };
    let tree = object(body)?;
    checked(|faults| {
        let fields = Fields::open(&tree, "", keys, faults);
        for (field, hint) in [("name", "a hold has a name"), ("reason", "say why nothing may go")] {
            if keys.contains(&field) && fields.get(field).is_none() {
                fields.fault(field, faults, format!("is missing: {hint}"));
            }
        }
        HoldBody {
            name: fields.read("name", faults, filled).unwrap_or_default(),
            reason: fields.read("reason", faults, filled).unwrap_or_default(),
        }
    })
}

/// `3f9a12c0`, or with the policy's name and `@` before it.
fn revision(node: &Node) -> Result<[u8; 4], crate::values::Reason> {
    let text = filled(node)?;
    let digits = text.rsplit_once('@').map_or(&*text, |(_, digits)| digits);
    let is_hex = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten();
    number.map(u32::to_be_bytes).ok_or_else(|| {
        crate::values::Reason(format!(
            "`{}` is no revision: eight hex digits, such as 3f9a12c0",
            brief(&text)
        ))
    })
}

/// Reads the body of `PUT /v1/quotas/{name}`: a quota's keys as in the file; `name`, where given, must agree.
///
/// # Errors
/// Names the field that is wrong.
pub fn quota_from_json(name: &str, body: &[u8]) -> Result<Quota, Rejection> {
    quota_from_tree(name, &mut object(body)?)
}

/// Reads the body of `PATCH /v1/quotas/{name}`: keys given replace those of `quota`, null ones are left out. What was
/// set at run time is no part of it.
///
/// # Errors
/// Names the field that is wrong.
pub fn quota_patched(quota: &Quota, body: &[u8]) -> Result<Quota, Rejection> {
    let patch = object(body)?;
    let mut own = quota.clone();
    own.overrides.retain(|one| one.set_at.is_none());
    let whole = serde_json::to_vec(&crate::config::own_keys(&own)).unwrap_or_default();
    let mut tree = object(&whole)?;
    if let (Value::Table(entries), Value::Table(changes)) = (&mut tree.value, patch.value) {
        entries.retain(|(key, _)| !changes.iter().any(|(changed, _)| changed.name == key.name));
        entries.extend(changes);
    }
    let changed = quota_from_tree(&quota.name, &mut tree)?;
    Ok(Quota { origin: quota.origin, ..changed })
}

fn quota_from_tree(name: &str, tree: &mut Node) -> Result<Quota, Rejection> {
    if let Value::Table(entries) = &mut tree.value
        && !entries.iter().any(|(key, _)| key.name == "name")
    {
        let key = crate::tree::Key { name: "name".to_owned(), place: tree.place.clone() };
        entries.push((key, Node { value: Value::Text(name.to_owned()), place: tree.place.clone() }));
    }
    checked(|faults| {
        let quota = read_quota(tree, "", Origin::Api, faults);
        if quota.name != name {
            faults.add(&tree.place, "name", format!("is not `{name}`, the name it is sent to"));
        }
        quota
    })
}

/// A quota's keys of the command line (`max_sessions=3`, `when={ client = ["web"] }`) as the body of a `PATCH`: values
/// as in the file, words without quotes.
///
/// # Errors
/// Names what is no `KEY=VALUE`, or is given twice.
pub fn quota_words(words: &[String]) -> Result<serde_json::Value, Rejection> {
    let mut keys = serde_json::Map::new();
    for word in words {
        let Some((key, value)) = word.split_once('=').map(|(key, value)| (key.trim(), value.trim())) else {
            return Err(Rejection::new(brief(word), "is not KEY=VALUE, e.g. `max_sessions=3`"));
        };
        if keys.insert(key.to_owned(), value_of_word(value)).is_some() {
            return Err(Rejection::new(brief(key), "is given twice"));
        }
    }
    Ok(serde_json::Value::Object(keys))
}

fn value_of_word(value: &str) -> serde_json::Value {
    let written = parse_toml_value(value).filter(|node| !matches!(node.value, Value::Time(_)));
    written.map_or_else(|| value.into(), |node| node.to_json())
}

/// What was read, unless something was wrong.
fn checked<T>(read: impl FnOnce(&mut Faults) -> T) -> Result<T, Rejection> {
    let mut faults = Faults::default();
    let value = read(&mut faults);
    rejection(faults).map_or(Ok(value), Err)
}

fn object_or_empty(body: &[u8]) -> Result<Node, Rejection> {
    if body.trim_ascii().is_empty() { Ok(Node::empty()) } else { object(body) }
}

fn object(body: &[u8]) -> Result<Node, Rejection> {
    if body.len() > LINE_BYTES_MAX {
        return Err(Rejection::new("body", format!("is longer than {LINE_BYTES_MAX} bytes")));
    }
    let tree = parse_json(body).map_err(|error| Rejection::new("body", format!("is not JSON: {error}")))?;
    match tree.value {
        Value::Table(_) => Ok(tree),
        _ => Err(Rejection::new("body", format!("is {tree}, not an object"))),
    }
}

#[cfg(test)]
mod tests;
