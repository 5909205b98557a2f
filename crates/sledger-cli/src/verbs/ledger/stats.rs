//! `ledger stats`: what a ledger at rest holds.

use super::not_served;
use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use crate::verbs::asking::Asking;
use crate::zone::Zone;
use anyhow::Result;
use serde_json::{Map, Value, json};
use sledger_core::Millis;
use sledger_log::Reader;
use sledger_replay::history;
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
pub(super) fn run(dir: &Path, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
    not_served(dir)?;
    let meta = Reader::open(dir)?.meta().clone();
    let mut counts = Counts::default();
    let state = history::fold(dir, |folded| {
        counts.decisions += 1;
        counts.events += folded.decision.events.len() as u64;
        counts.first.get_or_insert(folded.decision.at);
    })?;
    let bytes = bytes_in(dir);
    let rows = [
        ("ledger", json!(meta.ledger.to_string())),
        ("program", json!(meta.program)),
        ("seq", json!(state.seq().0)),
        ("events", json!(counts.events)),
        ("decisions", json!(counts.decisions)),
        ("sessions", json!(state.session_count())),
        ("users", json!(state.user_count())),
        ("bytes", json!(bytes)),
        ("first_at", json!(counts.first.map(Millis::rfc3339))),
        ("last_at", json!(counts.first.map(|_| state.at().rfc3339()))),
    ];
    show(rows.map(|(key, value)| (key.to_owned(), value)).into(), global.tz, out)
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
        let text = value.as_str().map_or_else(|| value.to_string(), |text| zone.reshown(&escape(text)));
        out.line(&format!("{key:<13} {text}"))?;
    }
    Ok(Exit::Ok)
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
