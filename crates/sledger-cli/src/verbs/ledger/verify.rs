//! `ledger verify`: the stored bytes, from first to last block.

use super::not_served;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::Result;
use sledger_log::VerifyReport;
use sledger_wire::pages::{Verified, VerifyProblem};
use std::path::Path;

/// Checks the ledger in `dir`; damage is [`Exit::Diverged`].
pub(super) fn run(dir: &Path, out: &mut Output<'_>) -> Result<Exit> {
    not_served(dir)?;
    let report = sledger_log::verify(dir)?;
    let verified = shown(&report);
    if out.is_json() {
        out.json(&verified)?;
    } else {
        tell(&report, &verified, out)?;
    }
    Ok(if verified.ok { Exit::Ok } else { Exit::Diverged })
}

fn tell(report: &VerifyReport, verified: &Verified, out: &mut Output<'_>) -> Result<()> {
    let Verified { events, blocks, decisions, .. } = verified;
    out.line(&format!(
        "ledger {}: {blocks} blocks, {decisions} decisions, {events} events in {} volumes; head seq {}",
        report.meta.ledger, report.volumes, report.head.seq
    ))?;
    for problem in &verified.problems {
        let volume = problem.volume.unwrap_or_default();
        let seq = problem.seq.unwrap_or_default();
        out.line(&format!("{}: volume {volume}, seq {seq}: {}", problem.kind, problem.detail))?;
    }
    out.line(if verified.ok { "whole" } else { "NOT WHOLE: see `sledger ledger salvage --help`" })
}

fn shown(report: &VerifyReport) -> Verified {
    let problem = |problem: &sledger_log::Problem| VerifyProblem {
        kind: problem.kind.word().to_owned(),
        volume: Some(problem.volume),
        seq: Some(problem.seq.0),
        detail: sledger_wire::escape(&problem.detail).into_owned(),
    };
    Verified {
        events: report.events,
        blocks: report.blocks,
        decisions: report.decisions,
        ok: report.problems.is_empty(),
        problems: report.problems.iter().map(problem).collect(),
        ..Verified::default()
    }
}
