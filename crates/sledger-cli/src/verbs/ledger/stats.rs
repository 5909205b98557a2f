//! `ledger stats`: what a ledger holds, or an export of it, with the digest of its state.

use super::not_served;
use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use crate::past::Past;
use crate::verbs::asking::Asking;
use crate::whence::Whence;
use crate::zone::Zone;
use anyhow::Result;
use serde_json::{Map, Value, json};
use sledger_core::Millis;
use sledger_core::state::Hold;
use sledger_log::Reader;
use sledger_replay::export::hex;
use sledger_wire::escape;
use std::fs;
use std::path::Path;

#[derive(Default)]
struct Counts {
    decisions: u64,
    events: u64,
    first: Option<Millis>,
}

/// Folds the ledger in `dir` and tells what there is.
pub(super) fn of_data(dir: &Path, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
    not_served(dir)?;
    let reader = Reader::open(dir)?;
    let program = reader.meta().program.clone();
    let first = reader.begins().map_or(1, |begins| begins.head.seq.0 + 1);
    let rows = folded(Past::open(&Whence::Data(dir.to_owned()), global, out)?)?;
    let own = [
        ("program".to_owned(), json!(program)),
        ("bytes".to_owned(), json!(bytes_in(dir))),
        ("first".to_owned(), json!(first)),
    ];
    show(rows.into_iter().chain(own).collect(), global.tz, out)
}

/// Folds a recording or an export and tells what there is.
pub(super) fn of_recording(file: &Path, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
    let rows = folded(Past::open(&Whence::Recording(file.to_owned()), global, out)?)?;
    show(rows, global.tz, out)
}

fn folded(past: Past) -> Result<Vec<(String, Value)>> {
    let mut counts = Counts::default();
    let ledger = past.begin.ledger.clone();
    let state = past.read(&mut |recorded, _| {
        counts.decisions += 1;
        counts.events += recorded.decision.events.len() as u64;
        counts.first.get_or_insert(recorded.decision.at);
        Ok(())
    })?;
    let rows = [
        ("ledger", json!(ledger)),
        ("seq", json!(state.seq().0)),
        ("digest", json!(hex(&state.digest()))),
        ("events", json!(counts.events)),
        ("decisions", json!(counts.decisions)),
        ("sessions", json!(state.session_count())),
        ("users", json!(state.user_count())),
        ("first_at", json!(counts.first.map(Millis::rfc3339))),
        ("last_at", json!(counts.first.map(|_| state.at().rfc3339()))),
        ("holds", Value::Array(state.holds().iter().map(|(name, held)| hold(name, held)).collect())),
    ];
    Ok(rows.map(|(key, value)| (key.to_owned(), value)).into())
}

fn hold(name: &str, hold: &Hold) -> Value {
    let actor = sledger_wire::events::actor_text(&hold.by);
    json!({ "name": name, "reason": hold.reason, "at": hold.at.rfc3339(), "actor": actor })
}

/// Tells what a served ledger says of itself.
pub(super) fn of_served(url: &str, zone: Zone, out: &mut Output<'_>) -> Result<Exit> {
    let stats = serde_json::to_value(Asking::new(url)?.stats()?)?;
    let rows = stats.as_object().map(|rows| rows.clone().into_iter().collect()).unwrap_or_default();
    show(rows, zone, out)
}

fn show(rows: Vec<(String, Value)>, zone: Zone, out: &mut Output<'_>) -> Result<Exit> {
    if out.is_json() {
        out.json(&Map::from_iter(rows))?;
        return Ok(Exit::Ok);
    }
    for (key, value) in &rows {
        for text in texts(value, zone) {
            out.line(&format!("{key:<13} {text}"))?;
        }
    }
    Ok(Exit::Ok)
}

/// A value as lines: one for each item of a list, none for what there is not.
fn texts(value: &Value, zone: Zone) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(|item| texts(item, zone)).collect(),
        Value::Null => Vec::new(),
        Value::Object(fields) => {
            let one = |(key, value): (&String, &Value)| {
                texts(value, zone).into_iter().map(move |text| format!("{key} {text}")).collect::<Vec<_>>()
            };
            vec![fields.iter().flat_map(one).collect::<Vec<_>>().join(", ")]
        }
        Value::String(text) => vec![zone.reshown(&escape(text))],
        other => vec![other.to_string()],
    }
}

/// Bytes of all files below `dir`, as far as they can be seen.
fn bytes_in(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_in(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.flatten().map(bytes).sum()
}
