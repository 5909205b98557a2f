//! What happened, and why, in one sentence a line.
//!
//! Names in it are as they were recorded: whoever shows them escapes them.

use sledger_wire::events::EventLine;
use std::fmt::Write as _;

/// The event in words, with its cause.
#[must_use]
pub fn words(line: &EventLine) -> String {
    let session = line.session.as_deref().unwrap_or("?");
    let mut text = match line.kind.as_str() {
        "login.admitted" => format!("session {session} began"),
        "login.resumed" => format!("session {session} was taken up again by its own user"),
        "login.denied" => denied(line),
        "login.conflict" => {
            format!("a login as {session} was refused: the id, or one it named, is not its own")
        }
        "session.adopted" => format!("session {session} existed already and was recorded"),
        "session.touched" => format!("session {session} was active"),
        "session.disconnected" => format!("session {session} lost its connection and is kept for a while"),
        "session.evicted" => format!("session {session} was ended to make room{}", by(line)),
        "session.ended" => format!("session {session} {}{}", ended(line), by(line)),
        kind => setting(kind, line),
    };
    quota(line, &mut text);
    let said = [line.reason.as_deref(), detail(line, "text")].into_iter().flatten();
    for reason in said.take(1) {
        push(&mut text, format_args!(": {reason}"));
    }
    if line.actor != "timer" && line.actor != "local" {
        push(&mut text, format_args!(" [{}]", line.actor));
    }
    text
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _always = text.write_fmt(more);
}

fn by(line: &EventLine) -> String {
    line.by_session.as_deref().map(|by| format!(" for {by}")).unwrap_or_default()
}

fn denied(line: &EventLine) -> String {
    let many = line.count.map(|count| format!("{count} logins were refused")).unwrap_or_default();
    let one = || match line.session.as_deref() {
        Some(session) => format!("a login as {session} was refused"),
        None => "a login was refused".to_owned(),
    };
    let begun = if many.is_empty() { one() } else { many };
    let why = match line.code.as_deref() {
        Some("USER_BANNED") => ", since the user is banned",
        Some("EVICTED_RECENTLY") => ", since this id was ended to make room a moment ago",
        Some("EXCESS_TOO_LARGE") => ", since too many sessions would have to end",
        Some(code) if code.starts_with("POLICY_") => ", since the policy failed",
        _ => "",
    };
    format!("{begun}{why}")
}

fn ended(line: &EventLine) -> &'static str {
    match line.cause.as_deref() {
        Some("logout") => "logged out",
        Some("ttl") => "reached the end of its time",
        Some("idle") => "was idle for too long",
        Some("retention") => "was not taken up again in time",
        Some("disconnected") => "lost its connection",
        Some("cleared") => "was ended on request",
        Some("replaced") => "gave its place",
        Some("taken_over") => "lost its id to another user",
        Some("reconciled") => "is gone at its source",
        Some("assumed") => "is assumed to have ended",
        _ => "ended",
    }
}

/// The quota, where it was exhausted.
fn quota(line: &EventLine, text: &mut String) {
    let Some(quota) = line.quota.as_deref().filter(|_| line.code.is_some()) else { return };
    push(text, format_args!("; quota {quota}"));
    if let (Some(active), Some(limit)) = (line.active, &line.limit) {
        push(text, format_args!(" held {active} of {limit}"));
    }
    if let Some(policy) = &line.policy {
        push(text, format_args!(", decided by {policy}"));
    }
    if let Some(number) = line.line {
        push(text, format_args!(" line {number}"));
    }
}

fn detail<'l>(line: &'l EventLine, key: &str) -> Option<&'l str> {
    line.details.get(key).and_then(|value| value.as_str())
}

/// A detail of any kind as text.
fn shown(line: &EventLine, key: &str) -> Option<String> {
    let value = line.details.get(key)?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn setting(kind: &str, line: &EventLine) -> String {
    let quota = line.quota.as_deref().unwrap_or("all quotas");
    let policy = line.policy.as_deref().or(detail(line, "policy")).unwrap_or("?");
    let name = detail(line, "name").unwrap_or("?");
    let about = || detail(line, "about").map(|about| format!(" about {about}")).unwrap_or_default();
    match kind {
        "config.applied" => "a configuration came into force".to_owned(),
        "quota.changed" => {
            let fields = line.details.get("fields").and_then(|fields| fields.as_array());
            let fields: Vec<&str> = fields.into_iter().flatten().filter_map(|one| one.as_str()).collect();
            format!("quota {quota} was changed: {}", fields.join(", "))
        }
        "quota.deleted" => format!("quota {quota} was deleted"),
        "override.changed" => overridden(line, quota),
        "group.changed" => {
            let is_in = line.details.get("member").is_some_and(|member| member == true);
            let (user, group) = (detail(line, "user").unwrap_or("?"), detail(line, "group").unwrap_or("?"));
            format!("{user} was {} group {group}", if is_in { "put into" } else { "taken out of" })
        }
        "policy.installed" => format!("policy {name} was installed"),
        "policy.activated" => {
            let mode = detail(line, "mode").unwrap_or("active");
            format!("policy {policy} came into force ({mode}) on {quota}")
        }
        "policy.rolled_back" => format!("policy {policy} came back into force on {quota}"),
        "policy.stopped" => format!("policy {policy} was withdrawn from {quota}"),
        "token.created" => format!("token {name} was made"),
        "token.revoked" => format!("token {name} no longer works"),
        "hold.set" => format!("hold {name} was set: nothing may be dropped or erased"),
        "hold.released" => format!("hold {name} was released"),
        "note.added" => format!("a note was written{}", about()),
        "history.read" => {
            format!("somebody looked at the past ({}){}", detail(line, "what").unwrap_or("?"), about())
        }
        "user.cleared" => {
            format!("{} sessions were ended on request", shown(line, "ended").unwrap_or_default())
        }
        "ledger.started" => {
            format!("the ledger was opened, after a pause of {}", detail(line, "gap").unwrap_or("?"))
        }
        "ledger.stopped" => "the ledger was closed".to_owned(),
        other => other.replace(['.', '_'], " "),
    }
}

fn overridden(line: &EventLine, quota: &str) -> String {
    let who = detail(line, "selector").unwrap_or("somebody");
    let Some(limit) = &line.limit else {
        return format!("the override of {quota} for {who} was removed");
    };
    let until = detail(line, "until").map(|until| format!(" until {until}")).unwrap_or_default();
    format!("the limit of {quota} for {who} became {limit}{until}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sledger_wire::values::LimitWord;

    #[test]
    fn an_eviction_says_for_whom_by_which_quota_and_why() {
        let line = EventLine {
            kind: "session.evicted".to_owned(),
            session: Some("a1".to_owned()),
            by_session: Some("a3".to_owned()),
            quota: Some("per-user".to_owned()),
            code: Some("SESSION_QUOTA_EXCEEDED".to_owned()),
            limit: Some(LimitWord::Number(2)),
            active: Some(2),
            policy: Some("destroy_oldest@3f9a12c0".to_owned()),
            line: Some(9),
            reason: Some("oldest".to_owned()),
            actor: "token:web-1".to_owned(),
            ..EventLine::default()
        };
        assert_eq!(
            words(&line),
            "session a1 was ended to make room for a3; quota per-user held 2 of 2, decided by \
             destroy_oldest@3f9a12c0 line 9: oldest [token:web-1]"
        );
    }

    #[test]
    fn no_type_of_event_is_without_words() {
        for kind in sledger_wire::events::TYPES {
            let line =
                EventLine { kind: (*kind).to_owned(), actor: "timer".to_owned(), ..EventLine::default() };
            let text = words(&line);
            assert!(text.len() > 8 && !text.contains(['.', '_']), "{kind}: {text}");
        }
    }
}
