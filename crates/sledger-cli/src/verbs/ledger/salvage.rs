//! `ledger salvage`: a damaged ledger rebuilt from what is whole.

use super::not_served;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::Result;
use serde_json::json;
use std::path::Path;

/// Salvages the ledger in `dir` and tells what is lost.
pub(super) fn run(dir: &Path, out: &mut Output<'_>) -> Result<Exit> {
    not_served(dir)?;
    let report = sledger_log::salvage(dir)?;
    let aside: Vec<String> = report.aside.iter().map(|path| path.display().to_string()).collect();
    let (from, to) = (report.lost_from.map(|seq| seq.0), report.lost_to.map(|seq| seq.0));
    if out.is_json() {
        out.json(&json!({
            "seq": report.head.seq.0, "rebuilt": report.rebuilt,
            "lost_from": from, "lost_to": to, "aside": aside,
        }))?;
        return Ok(Exit::Ok);
    }
    match (from, to) {
        (Some(from), Some(to)) => out.line(&format!("lost: events {from} to {to}"))?,
        _ => out.line("nothing is lost")?,
    }
    for folder in &aside {
        out.line(&format!("set aside: {}", sledger_wire::escape(folder)))?;
    }
    out.line(&format!("the ledger goes on after seq {}", report.head.seq))?;
    Ok(Exit::Ok)
}
