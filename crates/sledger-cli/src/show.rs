//! Events, sessions and users as lines for people. Names are escaped here, and nowhere left out.

use crate::zone::Zone;
use serde_json::Value;
use sledger_core::Millis;
use sledger_wire::answer::{AnswerLine, QuotaUseObject, SessionObject};
use sledger_wire::escape;
use sledger_wire::escape::brief;
use sledger_wire::events::EventLine;
use sledger_wire::pages::{UserDetail, UserRow};
use std::fmt::Write as _;

/// Details that say what changed; the others are for programs.
const TOLD: [&str; 14] = [
    "fields", "selector", "limit", "until", "group", "member", "name", "mode", "share", "keep", "ended",
    "volume", "clean", "gap",
];

/// An event in one line.
pub(crate) fn event(line: &EventLine, zone: Zone) -> String {
    let mut text = format!("{:>8}  {}  {:<18}", line.seq, zone.reshown(&line.at), line.kind);
    let fields = [
        ("user", line.user.as_deref()),
        ("session", line.session.as_deref()),
        ("source", line.source.as_deref().filter(|_| line.user.is_none())),
        ("by", line.by_session.as_deref()),
        ("quota", line.quota.as_deref()),
        ("policy", line.policy.as_deref()),
        ("cause", line.cause.as_deref()),
        ("code", line.code.as_deref()),
        ("reason", line.reason.as_deref()),
    ];
    for (name, value) in fields {
        push(&mut text, name, value);
    }
    if let (Some(first), Some(last), Some(count)) = (&line.first, &line.last, line.count) {
        push(&mut text, "count", Some(&count.to_string()));
        push(&mut text, "first", Some(&zone.reshown(first)));
        push(&mut text, "last", Some(&zone.reshown(last)));
    }
    for (name, value) in line.details.iter().filter(|(name, _)| TOLD.contains(&name.as_str())) {
        push(&mut text, name, Some(&detail(value, zone)));
    }
    text.truncate(text.trim_end().len());
    text
}

/// A detail as people read it: lists with commas, times where they are.
fn detail(value: &Value, zone: Zone) -> String {
    match value {
        Value::String(text) => zone.reshown(text),
        Value::Array(items) => items.iter().map(|one| detail(one, zone)).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// ` name=value`, quoted where it is not one word.
fn push(text: &mut String, name: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    let value = escape(value);
    let is_word = !value.is_empty() && !value.contains([' ', '"', '=']);
    let shown = if is_word { value.into_owned() } else { format!("\"{}\"", value.replace('"', "\\\"")) };
    // Writing to memory does not fail.
    let _always = write!(text, " {name}={shown}");
}

/// Sessions as a table.
pub(crate) fn sessions(sessions: &[SessionObject], zone: Zone) -> Vec<String> {
    let mut rows =
        vec![["SESSION", "USER", "CLIENT", "IP", "STARTED", "EXPIRES"].map(str::to_owned).to_vec()];
    for one in sessions {
        rows.push(vec![
            escape(&one.session).into_owned(),
            escape(&one.user).into_owned(),
            escape(one.client.as_deref().unwrap_or("-")).into_owned(),
            escape(one.ip.as_deref().unwrap_or("-")).into_owned(),
            zone.reshown(&one.started),
            expires(one, zone),
        ]);
    }
    table(&rows)
}

/// Users as a table.
pub(crate) fn users(users: &[UserRow]) -> Vec<String> {
    let mut rows = vec![["USER", "ACTIVE", "LIMIT", "QUOTA"].map(str::to_owned).to_vec()];
    for one in users {
        let limit = one.limit.as_ref().map_or_else(|| "-".to_owned(), limit);
        let quota = one.quota.as_deref().unwrap_or("-");
        rows.push(vec![
            escape(&one.user).into_owned(),
            one.active.to_string(),
            limit,
            escape(quota).into_owned(),
        ]);
    }
    table(&rows)
}

/// Quota keys above their limit as a table.
pub(crate) fn over(keys: &[QuotaUseObject]) -> Vec<String> {
    let mut rows = vec![["QUOTA", "KEY", "ACTIVE", "LIMIT"].map(str::to_owned).to_vec()];
    for one in keys {
        let (quota, key) = (escape(&one.quota).into_owned(), escape(&one.key).into_owned());
        rows.push(vec![quota, key, one.active.to_string(), limit(&one.limit)]);
    }
    table(&rows)
}

fn limit(limit: &sledger_wire::values::LimitWord) -> String {
    serde_json::to_value(limit).map_or_else(
        |_| "-".to_owned(),
        |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned),
    )
}

/// Columns of who was in.
pub(crate) const AT_HEADER: [&str; 8] =
    ["USER", "ACTIVE", "LIMIT", "SESSION", "CLIENT", "IP", "STARTED", "EXPIRES"];

/// A user as he stood: a row for each session.
pub(crate) fn standing(user: &UserDetail, zone: Zone) -> Vec<Vec<String>> {
    let (name, active) = (brief(&user.user), user.active.to_string());
    let limit = user.limit.as_ref().map_or_else(|| "-".to_owned(), limit);
    let row = |one: Option<&SessionObject>| {
        let text = |text: Option<&str>| text.map_or_else(|| "-".to_owned(), brief);
        let expires = one.map_or_else(|| "-".to_owned(), |one| expires(one, zone));
        vec![
            name.clone(),
            active.clone(),
            limit.clone(),
            text(one.map(|one| &*one.session)),
            text(one.and_then(|one| one.client.as_deref())),
            text(one.and_then(|one| one.ip.as_deref())),
            one.map_or_else(|| "-".to_owned(), |one| zone.reshown(&one.started)),
            expires,
        ]
    };
    match user.sessions.as_slice() {
        [] => vec![row(None)],
        sessions => sessions.iter().map(|one| row(Some(one))).collect(),
    }
}

fn expires(one: &SessionObject, zone: Zone) -> String {
    let is_never = sledger_wire::values::time(&one.expires).is_ok_and(|at| at.0 >= Millis::NEVER.0 / 2);
    let never = is_never || one.expires == Millis::NEVER.rfc3339();
    let shown = if never { "never".to_owned() } else { zone.reshown(&one.expires) };
    if one.retained { format!("{shown} (retained)") } else { shown }
}

/// How wide the columns of these rows are.
pub(crate) fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    (0..columns).map(width).collect()
}

/// A row in columns at least so wide, two spaces between; it ends where its last cell does.
pub(crate) fn row(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// What came of a command, in one line.
pub(crate) fn answer(line: &AnswerLine) -> String {
    let mut text = if line.dry_run { format!("dry run: {}", line.outcome) } else { line.outcome.clone() };
    push(&mut text, "user", line.user.as_deref());
    push(&mut text, "session", line.session.as_deref());
    if let (Some(active), Some(of)) = (line.active, line.limit.as_ref().map(limit)) {
        let _always = write!(text, " active={active}/{of}");
    }
    push(&mut text, "quota", line.quota.as_deref());
    for (name, ids) in [
        ("evicted", &line.evicted),
        ("ended", &line.ended),
        ("retained", &line.retained),
        ("unknown", &line.unknown),
        ("skipped", &line.skipped),
    ] {
        let ids = ids.join(",");
        push(&mut text, name, Some(ids.as_str()).filter(|ids| !ids.is_empty()));
    }
    push(&mut text, "code", line.code.as_deref());
    push(&mut text, "field", line.field.as_deref());
    push(&mut text, "reason", line.reason.as_deref());
    push(&mut text, "message", line.message.as_deref());
    if let Some(generation) = line.generation {
        let _always = write!(text, " generation={generation}");
    }
    text
}

/// Columns as wide as their widest cell.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let widths = widths(rows);
    rows.iter().map(|cells| row(cells, &widths)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_strangers_do_not_move_the_terminal() {
        let line = EventLine {
            seq: 7,
            at: "2026-11-20T12:04:31.207Z".to_owned(),
            kind: "login.admitted".to_owned(),
            user: Some("\u{1b}[2Jann".to_owned()),
            reason: Some("a b".to_owned()),
            ..EventLine::default()
        };
        let shown = event(&line, "UTC".parse().unwrap());
        assert_eq!(
            shown,
            "       7  2026-11-20T12:04:31.207Z  login.admitted     user=\\u{1b}[2Jann reason=\"a b\""
        );
        let row = UserRow { user: "a\nb".to_owned(), active: 1, limit: None, quota: None };
        assert_eq!(users(&[row])[1], "a\\nb  1       -      -");
    }
}
