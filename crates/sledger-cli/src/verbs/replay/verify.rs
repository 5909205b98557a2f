//! `replay verify`: everything there is to check of a past.
//!
//! Promise: what is wrong is named by its place, and what can still be trusted is said. Nothing is written.

mod found;
mod shown;

use crate::args::Global;
use crate::exit::Exit;
use crate::lines::Lines;
use crate::output::Output;
use crate::past::Past;
use crate::verbs::asking::Asking;
use crate::verbs::ledger::not_served;
use crate::verbs::ledger::verify::Anchoring;
use crate::whence::Whence;
use anyhow::Result;
use clap::Args;
use found::Found;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sledger_log::block::MAGIC;
use sledger_log::{Anchors, BlockStream, StreamError};
use sledger_replay::verify::{Verify as Proof, blocks, ledger};
use sledger_wire::events::{Base, Begin};
use std::io::{IsTerminal as _, Read, stderr};
use std::path::Path;

/// Events between two steps of what is shown on the way.
const STEP: u64 = 1 << 15;

/// Check everything: hashes, chain, counts, and every decision decided again
///
/// Each recorded decision is decided again on the state before it and must be the same. Exit 3 where something is
/// wrong, with the first difference. Decisions that cannot be decided again are counted by reason. Without a
/// checkpoint from outside, a tail that was cut off or a ledger that was rewritten whole cannot be told from truth
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Fail where other rules or another engine than this program's decided
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    anchoring: Anchoring,
}

impl Verify {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let bar = bar();
        let anchors = self.anchoring.anchors()?;
        let is_required = anchors.is_required;
        let mut found = found(&Whence::of(global)?, anchors, global, (&bar, &mut *out))?;
        bar.finish_and_clear();
        if self.strict {
            found.strictly();
        }
        if is_required {
            found.anchored();
        }
        let verified = found.verified();
        if out.is_json() {
            out.json(&verified)?;
        } else {
            shown::tell(&verified, &found, out)?;
        }
        Ok(if verified.ok { Exit::Ok } else { Exit::Diverged })
    }
}

fn found(
    whence: &Whence,
    anchors: Anchors,
    global: &Global,
    (bar, out): (&ProgressBar, &mut Output<'_>),
) -> Result<Found> {
    match whence {
        Whence::Data(dir) => {
            not_served(dir)?;
            Ok(Found::of_ledger(ledger(dir, &anchors, &mut |events| moved(bar, events))?))
        }
        Whence::Connect(url) => served(url, anchors, bar),
        Whence::Recording(file) => of_file(file, anchors, global, (bar, out)),
    }
}

/// What a server gives out, from where its history begins.
fn served(url: &str, anchors: Anchors, bar: &ProgressBar) -> Result<Found> {
    let asking = Asking::new(url)?;
    let Some(begins) = asking.stats()?.begins else {
        return stream(url, BlockStream::new(asking.blocks()?), (Begin::default(), anchors), bar);
    };
    let base = crate::served::base(&asking, &begins)?;
    let begin = Begin { base: Some(Base(base.state)), ..Begin::default() };
    stream(url, BlockStream::after(asking.blocks()?, base.head, None), (begin, anchors), bar)
}

/// Blocks one behind the other.
fn stream(
    name: &str,
    read: BlockStream<impl Read + Send + 'static>,
    (begin, anchors): (Begin, Anchors),
    bar: &ProgressBar,
) -> Result<Found> {
    let whole = blocks::<StreamError>(&begin, read, anchors, &mut |events| moved(bar, events))?;
    Ok(Found::of_blocks(name, whole))
}

fn of_file(
    file: &Path,
    anchors: Anchors,
    global: &Global,
    (bar, out): (&ProgressBar, &mut Output<'_>),
) -> Result<Found> {
    let mut lines = Lines::open(file)?;
    if lines.first_byte()? == MAGIC.first().copied() {
        let name = lines.name.clone();
        return stream(&name, BlockStream::new(lines.into_input()), (Begin::default(), anchors), bar);
    }
    let past = Past::of_lines(lines, global, out)?;
    let is_simulated = past.is_recording();
    let mut proof = Proof::new(&past.begin)?;
    let read = past.batches(&mut |decisions| {
        proof.decisions(decisions);
        moved(bar, proof.report().events);
        Ok(true)
    });
    Ok(Found::of_lines(proof.finish(), read.err(), is_simulated))
}

/// Counts on stderr; nothing where nobody looks.
fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if !stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{human_pos} events decided again, {per_sec}");
    style.map(|style| bar.clone().with_style(style)).unwrap_or(bar)
}

fn moved(bar: &ProgressBar, events: u64) {
    if events >= bar.position().saturating_add(STEP) && !bar.is_hidden() {
        bar.set_position(events);
    }
}
