//! What was found, for people.

use super::found::Found;
use crate::output::Output;
use anyhow::Result;
use sledger_wire::pages::{Verified, VerifyProblem};

/// Problems shown; all that are kept are in the JSON.
const SHOWN_MAX: usize = 20;

pub(super) fn tell(verified: &Verified, found: &Found, out: &mut Output<'_>) -> Result<()> {
    let Verified { events, blocks, decisions, rederived, .. } = verified;
    out.line(&found.what)?;
    let blocks = if *blocks > 0 { format!("{blocks} blocks, ") } else { String::new() };
    out.line(&format!("read: {blocks}{decisions} decisions, {events} events"))?;
    out.line(&format!("decided again and found the same: {rederived}"))?;
    let apart = verified.not_rederivable.iter().map(|(why, count)| format!("{why} {count}"));
    let apart: Vec<String> = apart.collect();
    if !apart.is_empty() {
        out.line(&format!("counted apart, not decided again: {}", apart.join(", ")))?;
    }
    out.line(&format!("anchored to: {}", verified.anchored_to.as_deref().unwrap_or("nothing")))?;
    for untold in &verified.cannot_tell {
        out.line(&format!("  {untold}"))?;
    }
    for problem in verified.problems.iter().take(SHOWN_MAX) {
        out.line(&line(problem))?;
    }
    let more = verified.problems.len().saturating_sub(SHOWN_MAX);
    if more > 0 {
        out.line(&format!("and {more} more: see --output json"))?;
    }
    match (verified.ok, verified.whole_to) {
        (true, _) => out.line("VERIFIED"),
        (false, Some(to)) if to > 0 => {
            out.line(&format!("NOT VERIFIED: events 1 to {to} can be trusted as far as said"))
        }
        (false, _) => out.line("NOT VERIFIED"),
    }
}

fn line(problem: &VerifyProblem) -> String {
    let VerifyProblem { kind, volume, seq, detail } = problem;
    let kind = if kind == "diverged" { "DIVERGED" } else { kind };
    let volume = volume.filter(|no| *no > 0).map(|no| format!(" in volume {no}"));
    let seq = seq.filter(|seq| *seq > 0).map(|seq| format!(" at seq {seq}"));
    format!("{kind}{}{}: {detail}", volume.unwrap_or_default(), seq.unwrap_or_default())
}
