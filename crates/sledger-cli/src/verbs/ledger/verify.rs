//! `ledger verify`: the stored bytes, from first to last block, held against checkpoints.

use super::{anchored, not_served};
use crate::exit::{Exit, Usage};
use crate::output::Output;
use anyhow::Result;
use clap::Args;
use sledger_log::{Anchors, OpenError, PublicKey, VerifyReport};
use sledger_wire::escape;
use sledger_wire::pages::{Verified, VerifyProblem};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Check all that is stored: hashes, chain, numbers, marks, content
///
/// Held against a checkpoint that was kept elsewhere it names a cut tail and a
/// ledger written anew; without one it says what it cannot tell. With
/// --recording it checks an export of blocks, or a proof of one user.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Verify {
    #[command(flatten)]
    anchoring: Anchoring,
    /// The export may begin with any block, as what salvage found
    #[arg(long, requires = "recording")]
    part: bool,
}

impl Verify {
    /// Checks the ledger in `dir`; damage is [`Exit::Diverged`].
    pub(super) fn of_data(&self, dir: &Path, out: &mut Output<'_>) -> Result<Exit> {
        not_served(dir)?;
        let report = match sledger_log::verify_against(dir, &self.anchoring.anchors()?) {
            Ok(report) => report,
            Err(error @ (OpenError::BadMark { .. } | OpenError::Damaged { .. })) => {
                return unread(&error.to_string(), out);
            }
            Err(error) => return Err(error.into()),
        };
        let verified = shown(&report);
        if !out.is_json() {
            tell(&report, out)?;
        }
        end(&verified, out)
    }

    /// Checks an export of blocks, or a proof.
    pub(super) fn of_recording(&self, file: &Path, out: &mut Output<'_>) -> Result<Exit> {
        anchored::run(file, self.part, &self.anchoring.anchors()?, out)
    }
}

/// What a chain is held against.
#[derive(Debug, Args)]
pub(crate) struct Anchoring {
    /// Checkpoints kept outside of the ledger's folder
    #[arg(long, value_name = "FILE", num_args = 1..)]
    checkpoint: Vec<PathBuf>,
    /// The public key that must have signed them, in PEM
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// Fail unless one of them anchors the ledger
    #[arg(long)]
    require_checkpoint: bool,
}

impl Anchoring {
    /// Reads what the flags name.
    pub(crate) fn anchors(&self) -> Result<Anchors> {
        let checkpoints = self.checkpoint.iter().map(|path| Ok((path.display().to_string(), text(path)?)));
        let keys = self.key.iter().map(|path| PublicKey::read(path).map_err(|e| Usage::error(e.to_string())));
        Ok(Anchors {
            checkpoints: checkpoints.collect::<Result<_>>()?,
            keys: keys.collect::<Result<_>>()?,
            is_required: self.require_checkpoint,
        })
    }
}

/// A checkpoint, and no more of a file than one may have.
fn text(path: &Path) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let max = sledger_log::checkpoint::CHECKPOINT_BYTES_MAX as u64 + 1;
    let read = File::open(path).and_then(|file| file.take(max).read_to_end(&mut text));
    read.map_err(|error| Usage::error(format!("cannot read the checkpoint `{}`: {error}", path.display())))?;
    Ok(text)
}

/// Not even the marks that say what the ledger is can be read.
fn unread(why: &str, out: &mut Output<'_>) -> Result<Exit> {
    let problem =
        VerifyProblem { kind: "mark".to_owned(), detail: why.to_owned(), ..VerifyProblem::default() };
    end(&Verified { problems: vec![problem], ..Verified::default() }, out)
}

fn tell(report: &VerifyReport, out: &mut Output<'_>) -> Result<()> {
    let VerifyReport { events, blocks, decisions, .. } = report;
    out.line(&format!(
        "ledger {}: {blocks} blocks, {decisions} decisions, {events} events in {} volumes; head seq {}",
        report.meta.ledger, report.volumes, report.head.seq
    ))?;
    if report.checkpoints_inside > 0 {
        let count = report.checkpoints_inside;
        out.line(&format!("passes {count} checkpoints in its own folder, which anchor nothing"))?;
    }
    if let Some(begins) = report.begins {
        out.line(&begins.to_string())?;
    }
    Ok(())
}

/// The problems, what the ledger is anchored to, what cannot be told, and the verdict.
pub(super) fn end(verified: &Verified, out: &mut Output<'_>) -> Result<Exit> {
    let exit = if verified.ok { Exit::Ok } else { Exit::Diverged };
    if out.is_json() {
        out.json(verified)?;
        return Ok(exit);
    }
    for VerifyProblem { kind, volume, seq, detail } in &verified.problems {
        let place = [volume.map(|no| format!("volume {no}")), seq.map(|seq| format!("seq {seq}"))];
        let place: Vec<String> = place.into_iter().flatten().collect();
        let place = if place.is_empty() { String::new() } else { format!("{}: ", place.join(", ")) };
        out.line(&format!("{kind}: {place}{}", escape(detail)))?;
    }
    let anchored = verified.anchored_to.as_deref();
    out.line(&format!("anchored to {}", escape(anchored.unwrap_or("nothing"))))?;
    for untold in &verified.cannot_tell {
        out.line(&format!("cannot tell: {}", escape(untold)))?;
    }
    out.line(if verified.ok { "whole" } else { "NOT WHOLE: see `sledger ledger salvage --help`" })?;
    Ok(exit)
}

fn shown(report: &VerifyReport) -> Verified {
    let problem = |problem: &sledger_log::Problem| VerifyProblem {
        kind: problem.kind.word().to_owned(),
        volume: Some(problem.volume).filter(|no| *no > 0),
        seq: Some(problem.seq.0).filter(|seq| *seq > 0),
        detail: escape(&problem.detail).into_owned(),
    };
    Verified {
        events: report.events,
        blocks: report.blocks,
        decisions: report.decisions,
        anchored_to: report.anchored_to(),
        cannot_tell: report.cannot_tell(),
        ok: report.problems.is_empty(),
        problems: report.problems.iter().map(problem).collect(),
        ..Verified::default()
    }
}
