//! How long an answer takes while more and more sessions are live, in a process of its own a point.
//!
//! Of five requests one is a login, three touch and one is a logout, of random users and sessions; one caller, a
//! few unanswered. Most of the time is the disk's: what is to be seen is whether it grows with the sessions.

use crate::asking::Asking;
use crate::child::{Child, tell};
use crate::figure::Figure;
use crate::mix::{self, Filling, Mix};
use crate::plot::Series;
use crate::stats::{median, micros};
use crate::{Common, Measured};
use anyhow::Context;
use clap::Args;
use sledger::Ledger;
use std::path::Path;

/// Unanswered requests of the caller.
const IN_FLIGHT: usize = 32;
/// Requests that are not counted.
const WARM: usize = 1000;

/// How answers are timed.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Live sessions, a process each [default: 1000,10000,100000,1000000; quick: 100,1000]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    points: Vec<u64>,
    /// Requests counted [default: 100000; quick: 1000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(100..=100_000_000))]
    requests: Option<u64>,
}

/// Times answers.
pub(crate) fn measure(common: &Common, options: &Options) -> anyhow::Result<Measured> {
    let points = common.points(&options.points);
    let requests = options.requests.unwrap_or(if common.quick { 1000 } else { 100_000 });
    let mut told: Vec<_> = points.into_iter().map(|at| (at, Vec::new(), Vec::new())).collect();
    for _ in 0..common.runs() {
        for (live, p50, p99) in &mut told {
            let [half, most] = one(common, *live, requests)?;
            p50.push(micros(half));
            p99.push(micros(most));
        }
    }
    let name = |quantile, live| format!("answers: {live} live, 1 x {IN_FLIGHT} in flight, {quantile}");
    let figures = told.iter().flat_map(|(live, p50, p99)| {
        [Figure::new(name("p50", live), p50, "us"), Figure::new(name("p99", live), p99, "us")]
    });
    let series = told.iter().map(|(live, _, p99)| (*live, median(p99)));
    let series = Series::new("Answers, 99 of 100 within", "us", series);
    Ok(Measured { figures: figures.flatten().collect(), series: vec![series] })
}

fn one(common: &Common, live: u64, requests: u64) -> anyhow::Result<[u64; 2]> {
    let folder = common.folder()?;
    let data = folder.path().join("ledger");
    let data = data.to_str().context("a folder whose name is no text")?;
    let [live, requests, seed] = [live, requests, common.seed].map(|number| number.to_string());
    let mut child = Child::start(&["answers", data, &live, &requests, &seed])?;
    let told = child.line()?;
    child.finish()?;
    Ok(told)
}

/// Fills a ledger, and tells how long half and 99 of 100 answers took after that, in nanoseconds.
pub(crate) fn time(data: &Path, live: u64, requests: u64, seed: u64) -> anyhow::Result<()> {
    let ledger = Ledger::open(mix::config(data))?;
    let mut mix = mix::fill(&ledger, Filling { events: live, live, seed }, mix::FILL_IN_FLIGHT)?;
    ask(&ledger, mix.by_ref().take(WARM))?;
    let latencies = ask(&ledger, mix.by_ref().take(usize::try_from(requests)?))?;
    tell(&[0.5, 0.99].map(|quantile| latencies.value_at_quantile(quantile)))?;
    ledger.close();
    Ok(())
}

fn ask(ledger: &Ledger, mix: std::iter::Take<&mut Mix>) -> anyhow::Result<hdrhistogram::Histogram<u64>> {
    let mut asking = Asking::new(ledger, IN_FLIGHT)?;
    for request in mix {
        asking.ask(request)?;
    }
    Ok(asking.finish()?.latencies)
}
