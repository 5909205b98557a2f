//! `ledger salvage`: a damaged ledger rebuilt from what is whole.

use super::not_served;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::Result;
use serde_json::{Value, json};
use sledger_log::{Island, SalvageReport};
use sledger_wire::escape;
use std::path::Path;

/// Salvages the ledger in `dir` and tells what is lost.
pub(super) fn run(dir: &Path, out: &mut Output<'_>) -> Result<Exit> {
    not_served(dir)?;
    let report = sledger_log::salvage(dir)?;
    if out.is_json() {
        out.json(&shown(&report))?;
    } else {
        tell(&report, out)?;
    }
    Ok(Exit::Ok)
}

fn shown(report: &SalvageReport) -> Value {
    let aside: Vec<String> = report.aside.iter().map(|path| path.display().to_string()).collect();
    let island = |island: &Island| {
        json!({"first": island.first.0, "last": island.last.0, "blocks": island.blocks,
               "file": island.path.display().to_string()})
    };
    let recovered: Vec<Value> = report.islands.iter().map(island).collect();
    let missing: Vec<Value> =
        report.missing.iter().map(|(first, last)| json!({"first": first.0, "last": last.0})).collect();
    json!({
        "seq": report.head.seq.0, "rebuilt": report.rebuilt,
        "lost_from": report.lost_from.map(|seq| seq.0), "lost_to": report.lost_to.map(|seq| seq.0),
        "aside": aside, "recovered": recovered, "missing": missing, "open_end": report.open_end,
    })
}

fn tell(report: &SalvageReport, out: &mut Output<'_>) -> Result<()> {
    match (report.lost_from, report.lost_to) {
        (Some(from), Some(to)) => out.line(&format!("lost: events {from} to {to}"))?,
        _ => out.line("nothing is lost")?,
    }
    for Island { first, last, blocks, path } in &report.islands {
        let path = path.display().to_string();
        out.line(&format!(
            "whole, but behind a gap: events {first} to {last}, {blocks} blocks in {}",
            escape(&path)
        ))?;
    }
    for (first, last) in &report.missing {
        out.line(&format!("missing: events {first} to {last}"))?;
    }
    if let Some(no) = report.open_end {
        out.line(&format!("where volume {no} ended is not known: more may be missing behind it"))?;
    }
    for path in &report.aside {
        out.line(&format!("set aside: {}", escape(&path.display().to_string())))?;
    }
    out.line(&format!("the ledger goes on after seq {}", report.head.seq))
}
