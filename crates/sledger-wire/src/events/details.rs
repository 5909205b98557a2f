//! What an event says beside the keys that all events share.

use crate::config::part_object;
use crate::values::LimitWord;
use serde_json::{Map, Value, json};
use sledger_core::event::{Event, Judged, Judgement, PolicySource, Started};
use std::fmt::Write as _;

/// The details of an event; empty for those about one session.
pub(super) fn of(event: &Event) -> Map<String, Value> {
    let details =
        configuration(event).or_else(|| policies(event)).or_else(|| record(event)).or_else(|| ledger(event));
    match details {
        Some(Value::Object(details)) => details.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Map::new(),
    }
}

fn configuration(event: &Event) -> Option<Value> {
    Some(match event {
        Event::UserCleared { keep, ended, .. } => json!({"keep": keep.map(|seq| seq.0), "ended": ended}),
        Event::SourceReconciled { source, ended, retained } => {
            json!({"source": source, "ended": ended, "retained": retained})
        }
        Event::SourceAdopted { source, adopted } => json!({"source": source, "adopted": adopted}),
        Event::ConfigPart { hash, part } => json!({"hash": hex(hash), "part": part_object(part)}),
        Event::ConfigApplied { parts, bindings, file, rules, engine } => json!({
            "parts": parts.iter().map(hex).collect::<Vec<_>>(),
            "policies": bindings.iter().map(|binding| binding.policy.to_string()).collect::<Vec<_>>(),
            "file": file.as_ref().map(hex),
            "rules": rules,
            "engine": engine,
        }),
        Event::QuotaChanged { quota, fields, reason } => {
            json!({"quota": quota, "fields": fields, "reason": reason})
        }
        Event::QuotaDeleted { quota, reason } => json!({"quota": quota, "reason": reason}),
        Event::OverrideChanged { quota, selector, limit, until, reason } => json!({
            "quota": quota,
            "selector": selector.plain(),
            "limit": limit.map(LimitWord::from),
            "until": until.map(sledger_core::Millis::rfc3339),
            "reason": reason,
        }),
        Event::GroupChanged { group, user, member } => {
            json!({"group": group, "user": user.plain(), "member": member})
        }
        _ => return None,
    })
}

fn policies(event: &Event) -> Option<Value> {
    Some(match event {
        Event::PolicyInstalled { name, text, from, reason } => {
            json!({"name": &**name, "bytes": text.len(), "from": source(*from), "reason": reason})
        }
        Event::PolicyActivated { quota, policy, mode } => {
            let (mode, share) = crate::config::policy_mode(*mode);
            json!({"quota": quota, "policy": policy.to_string(), "mode": mode, "share": share})
        }
        Event::PolicyRolledBack { quota, policy } | Event::PolicyStopped { quota, policy } => {
            json!({"quota": quota, "policy": policy.to_string()})
        }
        Event::PolicyTripped { policy, until, .. } => {
            json!({"policy": policy.to_string(), "until": until.rfc3339()})
        }
        Event::PolicyDiffered { shadow, .. } => differed(shadow),
        _ => return None,
    })
}

/// What a shadow would have had done.
fn differed(shadow: &Judged) -> Value {
    let (outcome, victims) = match &shadow.answer {
        Judgement::Allow => ("allow", None),
        Judgement::Deny { .. } => ("deny", None),
        Judgement::Evict { victims } => ("evict", Some(victims.iter().map(|seq| seq.0).collect::<Vec<_>>())),
    };
    json!({
        "policy": shadow.policy.as_ref().map(ToString::to_string),
        "outcome": outcome,
        "victims": victims,
        "limit": LimitWord::from(shadow.limit),
        "active": shadow.active,
        "reason": shadow.reason.as_deref(),
        "line": shadow.line,
        "policy_code": shadow.failure.as_ref().map(|failure| failure.code.as_str()),
    })
}

pub(crate) const fn source(from: PolicySource) -> &'static str {
    match from {
        PolicySource::BuiltIn => "built_in",
        PolicySource::Folder => "folder",
        PolicySource::Sent => "sent",
    }
}

fn record(event: &Event) -> Option<Value> {
    Some(match event {
        Event::TokenCreated { name, scopes, until, .. } => {
            json!({"name": name, "scopes": scopes, "until": until.map(sledger_core::Millis::rfc3339)})
        }
        Event::TokenRevoked { name } | Event::HoldReleased { name } => json!({"name": name}),
        Event::NoteAdded { about, text } => json!({"about": about.plain(), "text": text.plain()}),
        Event::HoldSet { name, reason } => json!({"name": name, "reason": reason}),
        Event::NoticeDelivered { about, channel } => json!({"about": about.0, "channel": channel}),
        Event::NoticeFailed { about, channel, reason, final_try } => {
            json!({"about": about.0, "channel": channel, "reason": reason, "final": final_try})
        }
        Event::UserErased { key, reason } => json!({"key": format!("{key:016x}"), "reason": reason}),
        Event::HistoryRead { what, about } => json!({"what": what, "about": about.plain()}),
        _ => return None,
    })
}

fn ledger(event: &Event) -> Option<Value> {
    Some(match event {
        Event::LedgerStarted(opened) => started(opened),
        Event::LedgerRecovered { lost_from, lost_to, detail } => {
            json!({"lost_from": lost_from.map(|seq| seq.0), "lost_to": lost_to.map(|seq| seq.0), "detail": detail})
        }
        Event::ClockDiffers { wall, ledger, followed } => {
            json!({"wall": wall.rfc3339(), "ledger": ledger.rfc3339(), "followed": followed})
        }
        Event::CheckpointMade { seq, head, key } => json!({"seq": seq.0, "head": hex(head), "key": hex(key)}),
        Event::VolumeSealed { volume, first, last, head, bytes } => {
            json!({"volume": volume, "first": first.0, "last": last.0, "head": hex(head), "bytes": bytes})
        }
        Event::VolumeArchived { volume, to } => json!({"volume": volume, "to": to}),
        Event::VolumeDropped { volume, first, last, head } => {
            json!({"volume": volume, "first": first.0, "last": last.0, "head": hex(head)})
        }
        _ => return None,
    })
}

fn started(opened: &Started) -> Value {
    json!({
        "version": opened.version,
        "epoch": opened.epoch,
        "rules": opened.rules,
        "engine": opened.engine,
        "last": opened.last.rfc3339(),
        "gap": opened.gap.to_string(),
        "clean": opened.clean,
        "wall": opened.wall.rfc3339(),
        "clock_accepted": opened.clock_accepted,
    })
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
