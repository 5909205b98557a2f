//! Events, sessions and users as lines for people. Names are escaped here, and nowhere left out.

use crate::zone::Zone;
use serde_json::Value;
use sledger_core::Millis;
use sledger_wire::answer::{AnswerLine, QuotaUseObject, SessionObject};
use sledger_wire::escape;
use sledger_wire::events::EventLine;
use sledger_wire::pages::UserRow;
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
        let time = |text: &str| {
            let is_never = sledger_wire::values::time(text).is_ok_and(|at| at.0 >= Millis::NEVER.0 / 2);
            if is_never || text == Millis::NEVER.rfc3339() { "never".to_owned() } else { zone.reshown(text) }
        };
        rows.push(vec![
            escape(&one.session).into_owned(),
            escape(&one.user).into_owned(),
            escape(one.client.as_deref().unwrap_or("-")).into_owned(),
            escape(one.ip.as_deref().unwrap_or("-")).into_owned(),
            time(&one.started),
            if one.retained { format!("{} (retained)", time(&one.expires)) } else { time(&one.expires) },
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

/// Columns as wide as their widest cell, two spaces between; the last one ends where it ends.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
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
