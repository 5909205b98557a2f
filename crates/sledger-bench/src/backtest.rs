//! Another policy tried on the whole past, from a ledger that was closed, beside folding that past.
//!
//! Each round reads one ledger as sled wrote it three times over: folded and no more; with a policy that no login
//! asks, since nobody reaches a limit; with one whose `limit()` is asked at each login. All three are read and
//! decoded by a thread of their own, as `sledger policy backtest` does.

use crate::figure::{Figure, Target};
use crate::mix::{self, Filling};
use crate::stats::rate;
use crate::{Common, Measured};
use anyhow::ensure;
use clap::Args;
use sledger::core::event::Decision;
use sledger::core::state::AHEAD_DECISIONS;
use sledger::core::{Seq, refold};
use sledger::log::Reader;
use sledger_replay::backtest::{Backtest, Trial, Window};
use sledger_replay::history::{Ahead, Begin, HistoryError, beginning};
use sledger_replay::rejudge::{Candidate, Target as Place};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Events read in a second at least where no script runs.
const EVENTS_MIN: f64 = 1_000_000.0;
/// A policy that is asked by nobody.
const QUIET: &str = "fn on_exhausted() { evict(sessions.oldest()) }";
/// A policy that each login asks.
const ASKED: &str = "fn limit() { () }\nfn on_exhausted() { evict(sessions.oldest()) }";
/// The quota that it stands in for.
const QUOTA: &str = "per-user";

/// How a backtest is measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Events [default: 1000000; quick: 5000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1000..=1_000_000_000))]
    events: Option<u64>,
    /// Live sessions [default: 100000; quick: 500]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    live: Option<u64>,
}

/// What the runs gave, in events a second.
#[derive(Default)]
struct Rates {
    folded: Vec<f64>,
    quiet: Vec<f64>,
    asked: Vec<f64>,
}

/// Measures backtests.
pub(crate) fn measure(common: &Common, options: &Options) -> anyhow::Result<Measured> {
    let folder = common.folder()?;
    let (events, live) = if common.quick { (5000, 500) } else { (1_000_000, 100_000) };
    let filling = Filling {
        events: options.events.unwrap_or(events),
        live: options.live.unwrap_or(live),
        seed: common.seed,
    };
    let data = folder.path().join("ledger");
    let durable = mix::filled(mix::config(&data), filling)?;
    let mut rates = Rates::default();
    for _ in 0..common.runs() {
        let runs = [
            (&mut rates.folded, fold(&data)?),
            (&mut rates.quiet, decided_again(&data, QUIET, &filling)?),
            (&mut rates.asked, decided_again(&data, ASKED, &filling)?),
        ];
        for (rates, (events, took)) in runs {
            ensure!(events >= durable, "{events} events were read of at least {durable}");
            rates.push(rate(events, took));
        }
    }
    Ok(figures(&rates).into_iter().flatten().collect::<Vec<_>>().into())
}

fn figures(rates: &Rates) -> [Option<Figure>; 3] {
    let figure = |name: &str, rates: &[f64]| Figure::new(format!("backtest: {name}"), rates, "events/s");
    let beside = |figure: Option<Figure>, ours: &[f64]| {
        figure.map(|figure| figure.beside("folded only", ours, &rates.folded))
    };
    let quiet = figure("no script runs", &rates.quiet);
    let quiet = quiet.map(|figure| figure.held_to(Target::ValueAtLeast(EVENTS_MIN)));
    [
        figure("folded only", &rates.folded),
        beside(quiet, &rates.quiet),
        beside(figure("limit() at each login", &rates.asked), &rates.asked),
    ]
}

/// Batches of decisions, and what may be wrong with them.
fn read(data: &Path) -> anyhow::Result<Ahead<HistoryError>> {
    let blocks = Reader::open(data)?.blocks(Seq(1));
    Ok(Ahead::of(blocks.map(|block| block.map_err(HistoryError::from))))
}

/// Events, and how long it took. Letting go of the state is not counted.
fn fold(data: &Path) -> anyhow::Result<(u64, Duration)> {
    let begun = Instant::now();
    let mut state = beginning()?;
    for batch in read(data)? {
        for stretch in batch?.chunks(AHEAD_DECISIONS) {
            state.look_ahead(stretch);
            for decision in stretch {
                let first = state.seq().next();
                refold(&mut state, first, decision);
            }
        }
    }
    Ok((state.seq().0, begun.elapsed()))
}

/// As [`fold`], decided again.
fn decided_again(data: &Path, source: &str, filling: &Filling) -> anyhow::Result<(u64, Duration)> {
    let begun = Instant::now();
    let candidate =
        Candidate { name: Arc::from("tried"), source: Arc::from(source), params: BTreeMap::new() };
    let target = Place::Quota(QUOTA.to_owned());
    let trial = Trial { candidate, target, against: None, window: Window::default(), examples: 0 };
    let mut test = Backtest::new(&Begin::default(), trial)?;
    for batch in read(data)? {
        let batch: Vec<Decision> = batch?;
        test.decisions(&batch)?;
    }
    let (events, took) = (test.report().events, begun.elapsed());
    let report = test.finish()?;
    ensure!(report.decisions >= filling.live, "{} logins of at least {}", report.decisions, filling.live);
    ensure!(report.changed == 0, "{} decisions change, where nobody reaches a limit", report.changed);
    Ok((events, took))
}
