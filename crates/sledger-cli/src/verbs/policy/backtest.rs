//! `policy backtest`: what a policy would have decided where others did.

mod bound;
mod html;
pub(super) mod json;
pub(super) mod shown;
mod trial;

pub(crate) use trial::Span;
pub(super) use trial::{read_candidate, read_source};

use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::{Format, Output};
use crate::past::Past;
use crate::whence::Whence;
use anyhow::{Context as _, Result};
use bound::Bound;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sledger_replay::backtest::{Backtest as Test, Cascade, Report, Trial};
use sledger_replay::commands::{LateTouches, Losses};
use sledger_replay::rejudge::{Candidate, RejudgeError, Target};
use std::io::{IsTerminal as _, sink, stderr};
use std::path::{Path, PathBuf};

/// Events after which the progress shown moves.
const STEP: u64 = 4096;

/// Decide recorded history again by another policy
///
/// Reads a served ledger, a data directory, or a recording. Each login that met one of its quotas exhausted is
/// decided again on the state before it; nothing is written
#[derive(Debug, Args)]
pub(crate) struct Backtest {
    /// The policy: a file, or the name of a built-in one
    #[arg(value_name = "NEW")]
    new: PathBuf,
    #[arg(help = "The quota it stands in for [default: those naming it, or the only one]")]
    #[arg(long, value_name = "NAME")]
    quota: Option<String>,
    /// A param instead of the quota's own; several times
    #[arg(long = "param", value_name = "KEY=VALUE")]
    params: Vec<String>,
    #[command(flatten)]
    span: Span,
    /// Let changed decisions alter what follows
    #[arg(long)]
    cascade: bool,
    /// Exit 3 where so many decisions change to it, e.g. 'deny>0,changed>=9'
    #[arg(long, value_name = "WHAT>N")]
    fail_on: Vec<String>,
    /// Write the report as one page, with a plot of changes over time
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// First changes shown
    #[arg(long, value_name = "N", default_value_t = 5)]
    examples: usize,
}

impl Backtest {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let bounds = Bound::all(&self.fail_on)?;
        let candidate = read_candidate(&self.new, &self.params)?;
        let whence = Whence::of(global)?;
        let trial = Trial {
            candidate: candidate.clone(),
            target: self.quota.clone().map_or(Target::ByName, Target::Quota),
            against: None,
            window: self.span.window(&whence, global.tz)?,
            examples: self.examples,
        };
        let told = Told { candidate: &candidate, cascade: self.cascade, zone: global.tz };
        let (report, losses) = if self.cascade {
            let (report, losses) = cascade(&whence, global, trial, out)?;
            (report, Some(losses))
        } else {
            (backtest(&whence, global, trial, out)?, None)
        };
        if let Some(file) = &self.html {
            let page = html::page(&report, &told, losses);
            let written = std::fs::write(file, page);
            written.with_context(|| format!("cannot write `{}`", file.display()))?;
        }
        if out.is_json() {
            out.json(&json::Shown::new(&report, &told))?;
        } else {
            shown::tell(&report, &told, losses, out)?;
        }
        let passed: Vec<&Bound> = bounds.iter().filter(|bound| bound.is_passed(&report)).collect();
        for bound in &passed {
            out.say(&format!("--fail-on: {bound} holds"));
        }
        Ok(if passed.is_empty() { Exit::Ok } else { Exit::Diverged })
    }
}

/// What a report says of itself.
pub(super) struct Told<'t> {
    pub(super) candidate: &'t Candidate,
    pub(super) cascade: bool,
    pub(super) zone: crate::zone::Zone,
}

/// Decides history again.
pub(super) fn backtest(
    whence: &Whence,
    global: &Global,
    trial: Trial,
    out: &mut Output<'_>,
) -> Result<Report> {
    let past = Past::open(whence, global, out)?;
    let mut test = Test::new(&past.begin, trial).map_err(refused)?;
    let bar = bar();
    past.batches(&mut |decisions| {
        moved(&bar, test.report());
        test.decisions(decisions).map_err(refused)
    })?;
    bar.finish_and_clear();
    test.finish().map_err(|error| refused(error.into()))
}

fn cascade(whence: &Whence, global: &Global, trial: Trial, out: &mut Output<'_>) -> Result<(Report, Losses)> {
    let late = late_touches(whence, global)?;
    let past = Past::open(whence, global, out)?;
    let mut test = Cascade::new(&past.begin, late, trial).map_err(refused)?;
    let bar = bar();
    past.each(&mut |decision| {
        moved(&bar, test.report());
        test.decision(decision).map_err(refused)
    })?;
    bar.finish_and_clear();
    test.finish().map_err(|error| refused(error.into()))
}

/// A candidate that cannot stand in was asked for wrongly; all else failed.
pub(super) fn refused(error: RejudgeError) -> anyhow::Error {
    match error {
        RejudgeError::Candidate(error) => Usage::error(error.to_string()),
        RejudgeError::History(error) => error.into(),
    }
}

/// Touches that were recorded later than they were made: history is read twice.
fn late_touches(whence: &Whence, global: &Global) -> Result<LateTouches> {
    if matches!(whence, Whence::Recording(file) if file == Path::new("-")) {
        return Err(Usage::error("--cascade reads the past twice: give a file, not -"));
    }
    // Warnings are told the second time.
    let (mut data, mut talk) = (sink(), sink());
    let past = Past::open(whence, global, &mut Output::new(&mut data, &mut talk, Format::Text))?;
    let mut late = LateTouches::default();
    past.decisions(&mut |decision| late.see(decision))?;
    Ok(late.sorted())
}

/// Counts on stderr; nothing where nobody looks.
fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if !stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{human_pos} events, {msg} changes, {per_sec}");
    style.map(|style| bar.clone().with_style(style)).unwrap_or(bar)
}

fn moved(bar: &ProgressBar, report: &Report) {
    if report.events >= bar.position().saturating_add(STEP) && !bar.is_hidden() {
        bar.set_position(report.events);
        bar.set_message(report.changed.to_string());
    }
}
