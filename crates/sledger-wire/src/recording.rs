//! Recordings: JSON lines, one command each.
//!
//! Grammar of a line: an object with `at` (RFC 3339 or integer milliseconds),
//! `op`, and the fields of that op.
//!
//! Two kinds of wrong. *Malformed* (no JSON, no object, no or bad `at`, unknown
//! `op`, `at` running back, too long) stops the reading with file and line.
//! *Rejected* (wrong type, missing, unknown or repeated field) is a command that
//! will be refused by name: time passes before it as before any other.

mod command;
mod op;
mod reader;
mod write;

pub(crate) use command::{Dialect, LOGIN_KEYS, command, command_id, login};
pub use op::OpName;
pub use reader::{Reader, Stop, Stopped};
pub use write::line as write_line;

use crate::escape::brief;
use crate::fields::Faults;
use crate::suggest::nearest;
use crate::tree::{Node, Value, parse_json};
use crate::values;
use serde::{Deserialize, Serialize};
use sledger_core::command::{Actor, Command, Rejection, Request};
use sledger_core::config::SessionSettings;
use sledger_core::{Millis, Span};

/// Bytes of one line.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// How lines are read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Who the commands come from.
    pub actor: Actor,
    /// What a `configure` sets where its `sessions` leaves a key out.
    pub sessions: SessionSettings,
}

impl Reading {
    /// For a recording that is decided in virtual time: activity is recorded at once, unless a `configure`
    /// says otherwise.
    #[must_use]
    pub fn simulated(actor: Actor) -> Self {
        let sessions = SessionSettings { activity_resolution: Span::ZERO, ..SessionSettings::default() };
        Self { actor, sessions }
    }
}

/// One line, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: At,
    /// What the answer repeats of it.
    pub echo: Echo,
    /// The command; [`Command::Unreadable`] where it will be refused.
    pub request: Request,
}

/// A line's time, as given and in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// As given: the answer repeats it so.
    pub given: AtGiven,
    /// In milliseconds since 1970, or whatever the recording counts from.
    pub at: Millis,
}

/// A time as a line gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum AtGiven {
    /// Milliseconds.
    Millis(u64),
    /// RFC 3339.
    Text(String),
}

/// What an answer repeats of its command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    /// The op.
    pub op: OpName,
    /// The user, as given.
    pub user: Option<String>,
    /// The session, as given.
    pub session: Option<String>,
}

/// Why reading cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not JSON at all.
    #[error("is not JSON: {0}")]
    NotJson(String),
    /// JSON, but no object.
    #[error("is {0}, not an object")]
    NoObject(String),
    /// No `at`.
    #[error("`at` is missing: write RFC 3339 or whole milliseconds")]
    NoAt,
    /// An `at` that is no time.
    #[error("`at` {0}")]
    BadAt(String),
    /// No `op`.
    #[error("`op` is missing")]
    NoOp,
    /// An `op` that is none.
    #[error("`op` {0}")]
    UnknownOp(String),
    /// Time runs back.
    #[error("`at` runs back: {given} after {before}")]
    RunsBack {
        /// The line's time in milliseconds.
        given: u64,
        /// The time of the line before.
        before: u64,
    },
    /// More bytes than a line may have.
    #[error("is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
}

/// Reads one line of a recording.
///
/// # Errors
/// Where it is malformed; what is merely refused is a [`Command::Unreadable`].
pub fn parse(line: &[u8], reading: &Reading) -> Result<Line, Malformed> {
    let tree = object(line)?;
    let at = at(&tree)?;
    let (echo, request) = body(&tree, reading, Dialect::Recording)?;
    Ok(Line { at, echo, request })
}

/// Reads one line of `/v1/batch`: as in a recording, but the ledger gives the time, and `advance`, `configure`
/// and `policy` are refused by name.
///
/// # Errors
/// Where it is malformed; what is merely refused is a [`Command::Unreadable`].
pub fn parse_batch(line: &[u8], reading: &Reading) -> Result<(Echo, Request), Malformed> {
    body(&object(line)?, reading, Dialect::Batch)
}

fn object(line: &[u8]) -> Result<Node, Malformed> {
    if line.len() > LINE_BYTES_MAX {
        return Err(Malformed::TooLong);
    }
    let tree = parse_json(line).map_err(|error| Malformed::NotJson(error.to_string()))?;
    match tree.value {
        Value::Table(_) => Ok(tree),
        _ => Err(Malformed::NoObject(tree.to_string())),
    }
}

fn at(tree: &Node) -> Result<At, Malformed> {
    let node = tree.get("at").ok_or(Malformed::NoAt)?;
    if count(tree, "at") > 1 {
        return Err(Malformed::BadAt("is given twice".to_owned()));
    }
    match &node.value {
        Value::Int(number) => {
            let at = values::time_millis(*number).map_err(|reason| Malformed::BadAt(reason.0))?;
            Ok(At { given: AtGiven::Millis(at.0), at })
        }
        Value::Text(text) => {
            let at = values::time(text).map_err(|reason| Malformed::BadAt(reason.0))?;
            Ok(At { given: AtGiven::Text(text.clone()), at })
        }
        _ => Err(Malformed::BadAt(format!("is {node}: write RFC 3339 or whole milliseconds"))),
    }
}

fn count(tree: &Node, key: &str) -> usize {
    match &tree.value {
        Value::Table(entries) => entries.iter().filter(|(name, _)| name.name == key).count(),
        _ => 0,
    }
}

fn op(tree: &Node) -> Result<OpName, Malformed> {
    let node = tree.get("op").ok_or(Malformed::NoOp)?;
    if count(tree, "op") > 1 {
        return Err(Malformed::UnknownOp("is given twice".to_owned()));
    }
    let Some(text) = node.as_text() else {
        return Err(Malformed::UnknownOp(format!("is {node}, not text")));
    };
    OpName::parse(text).ok_or_else(|| {
        let meant = nearest(text, OpName::ALL.iter().map(|op| op.as_str()));
        let hint = meant.map_or_else(
            || format!("; known: {}", OpName::ALL.map(OpName::as_str).join(" ")),
            |meant| format!("; did you mean `{meant}`?"),
        );
        Malformed::UnknownOp(format!("`{}` is unknown{hint}", brief(text)))
    })
}

fn body(tree: &Node, reading: &Reading, dialect: Dialect) -> Result<(Echo, Request), Malformed> {
    let op = op(tree)?;
    let text = |key| tree.get(key).and_then(Node::as_text).map(str::to_owned);
    let echo = Echo { op, user: text("user"), session: text("session") };
    let mut faults = Faults::default();
    let mut request = command(op, tree, reading, dialect, &mut faults);
    if let Some(rejection) = rejection(faults) {
        request.command = Command::Unreadable { user: echo.user.clone(), rejection };
        // A refused line is remembered under no id, and refused whether it is only asked about or not.
        (request.command_id, request.dry_run) = (None, false);
    }
    Ok((echo, request))
}

/// The first fault as a rejection.
pub(crate) fn rejection(faults: Faults) -> Option<Rejection> {
    let first = faults.0.into_iter().next()?;
    let reason = first.text();
    Some(Rejection { field: first.key, reason })
}

#[cfg(test)]
mod tests;
