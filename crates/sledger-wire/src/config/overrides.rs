//! Overrides: other limits for some users or groups.

use crate::fields::{Faults, Fields};
use crate::readers::{filled, limit, name, time};
use crate::tree::Node;
use crate::values::Reason;
use sledger_core::config::{Override, REASON_BYTES_MAX, Selector};

const KEYS: &[&str] = &["user", "group", "max_sessions", "until", "reason"];

/// Reads one override of a file.
pub(super) fn one(node: &Node, path: &str, faults: &mut Faults) -> Option<Override> {
    let fields = Fields::open(node, path, KEYS, faults);
    if fields.get("max_sessions").is_none() {
        fields.fault("max_sessions", faults, "is missing: write a number from 1 on, `unlimited` or `banned`");
    }
    let until = fields.read("until", faults, time);
    let reason = fields.read("reason", faults, why);
    let limit = fields.read("max_sessions", faults, limit);
    Some(Override { selector: whom(&fields, faults)?, limit: limit?, until, set_at: None, reason })
}

fn whom(fields: &Fields<'_>, faults: &mut Faults) -> Option<Selector> {
    let user = fields.read("user", faults, name);
    let group = fields.read("group", faults, name);
    match (fields.get("user"), fields.get("group")) {
        (Some(_), Some(_)) => {
            fields.fault("group", faults, "is given beside `user`: an override is for one of them");
            None
        }
        (None, None) => {
            fields.fault("user", faults, "is missing: write `user` (a name or glob) or `group`");
            None
        }
        _ => user.map(of_user).or_else(|| group.map(Selector::Group)),
    }
}

fn of_user(user: String) -> Selector {
    if user.contains(['*', '?']) { Selector::Glob(user) } else { Selector::User(user) }
}

/// A reason for operators.
pub(crate) fn why(node: &Node) -> Result<String, Reason> {
    let text = filled(node)?;
    if text.len() > REASON_BYTES_MAX {
        return Err(format!("is {} bytes long: at most {REASON_BYTES_MAX}", text.len()).into());
    }
    Ok(text)
}

/// Reads whom an override is for as commands and addresses write it: `ann`, `bridge-*`, `group:vip`.
///
/// # Errors
/// When it is empty.
pub fn selector(text: &str) -> Result<Selector, Reason> {
    match text.strip_prefix("group:") {
        Some("") => Err("`group:` names no group".into()),
        Some(group) => Ok(Selector::Group(group.to_owned())),
        None if text.is_empty() => Err("is empty: write a user, a glob or `group:NAME`".into()),
        None => Ok(of_user(text.to_owned())),
    }
}

/// Whom an override is for, as [`selector`] reads it.
#[must_use]
pub fn selector_text(selector: &Selector) -> String {
    match selector {
        Selector::User(user) | Selector::Glob(user) => user.clone(),
        Selector::Group(group) => format!("group:{group}"),
    }
}
