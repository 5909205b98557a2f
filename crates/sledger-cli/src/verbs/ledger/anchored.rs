//! `ledger verify --recording`: an export of blocks, or a proof, held against checkpoints.
//!
//! Promise: one block is held at a time; what is wrong is named by the byte at which its block begins and by its
//! first seq, in a proof by its line, and everything before it can still be trusted.

use super::proof;
use super::verify::end;
use crate::exit::{Exit, Usage};
use crate::lines::Lines;
use crate::output::Output;
use anyhow::Result;
use sledger_log::block::MAGIC;
use sledger_log::{Anchors, BlockStream, verify_blocks};
use sledger_wire::pages::{Verified, VerifyProblem};
use sledger_wire::proof::ProofLine;
use std::path::Path;

/// Checks `file`; what is wrong is [`Exit::Diverged`].
pub(super) fn run(file: &Path, is_part: bool, anchors: &Anchors, out: &mut Output<'_>) -> Result<Exit> {
    let mut lines = Lines::open(file)?;
    if lines.first_byte()? == MAGIC.first().copied() {
        return end(&blocks(lines, is_part, anchors), out);
    }
    if lines.peek()?.is_some_and(ProofLine::begins) {
        return end(&proof::check(lines, anchors)?, out);
    }
    Err(Usage::error("this file holds no blocks: give an export of blocks, or a proof of one user"))
}

fn blocks(lines: Lines, is_part: bool, anchors: &Anchors) -> Verified {
    let input = lines.into_input();
    let stream = if is_part { BlockStream::anywhere(input) } else { BlockStream::new(input) };
    let report = verify_blocks(stream, anchors);
    let problem = |problem: sledger_log::Problem| VerifyProblem {
        kind: problem.kind.word().to_owned(),
        volume: None,
        seq: Some(problem.seq.0).filter(|seq| *seq > 0),
        detail: problem.detail,
    };
    Verified {
        events: report.events,
        blocks: report.blocks,
        decisions: report.decisions,
        anchored_to: report.anchored_to(),
        cannot_tell: report.cannot_tell(),
        ok: report.problems.is_empty(),
        problems: report.problems.into_iter().map(problem).collect(),
        ..Verified::default()
    }
}
