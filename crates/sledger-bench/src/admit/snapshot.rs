//! Answers while a snapshot of the state is taken beside answers while none is, of one ledger in one run.
//!
//! One caller asks in stretches, each to its last answer, and the log's named points tell whether a snapshot was
//! under way in a stretch. A run ends with a snapshot, so both kinds of stretches stand close together.

use crate::asking::Asking;
use crate::figure::{Figure, Target};
use crate::mix::{self, Filling, Mix};
use crate::stats::micros_at;
use crate::{Common, Measured};
use anyhow::ensure;
use hdrhistogram::Histogram;
use sledger::log::Probe;
use sledger::{Config, Ledger};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Requests of a stretch.
const STRETCH: usize = 4096;
/// Unanswered requests.
const IN_FLIGHT: usize = 256;
/// A snapshot comes after this many events for each session, and after some stretches.
const EVENTS_PER_SESSION: u64 = 2;
const STRETCHES_MIN: u64 = 16;
/// One that did not come after so many times as many is missing.
const PATIENCE: u64 = 8;
/// What the slowest of a thousand answers may take, to what it takes without a snapshot.
const TIMES_MAX: f64 = 2.0;
/// Which answers.
const QUANTILES: [(f64, &str); 3] = [(0.5, "p50"), (0.99, "p99"), (0.999, "p99.9")];

/// Counts snapshots.
#[derive(Default)]
struct Counts {
    begun: AtomicU64,
    done: AtomicU64,
}

impl Probe for Counts {
    fn at(&self, point: &'static str) {
        let count = match point {
            "snapshot.begin" => &self.begun,
            "snapshot.renamed" => &self.done,
            _ => return,
        };
        // Only counts: nothing else is read on the strength of it.
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counts {
    fn now(&self) -> [u64; 2] {
        [&self.begun, &self.done].map(|count| count.load(Ordering::Relaxed))
    }
}

/// Latencies of both kinds of stretches, in nanoseconds.
struct Both {
    beside: Histogram<u64>,
    without: Histogram<u64>,
}

/// Measures answers around snapshots of `live` sessions.
pub(super) fn measure(common: &Common, live: u64) -> anyhow::Result<Measured> {
    let folder = common.folder()?;
    let counts = Arc::new(Counts::default());
    let events = (live * EVENTS_PER_SESSION).max(STRETCHES_MIN * STRETCH as u64);
    let config = Config {
        snapshot_events: events,
        probe: Some(Arc::clone(&counts) as _),
        ..mix::config(&folder.path().join("ledger"))
    };
    let ledger = Ledger::open(config)?;
    let filling = Filling { events: live, live, seed: common.seed };
    let mut mix = mix::fill(&ledger, filling, mix::FILL_IN_FLIGHT)?;
    let mut told = QUANTILES.map(|_| (Vec::new(), Vec::new()));
    for _ in 0..common.runs() {
        let both = until_a_snapshot(&ledger, &mut mix, &counts, events * PATIENCE)?;
        for ((quantile, _), (beside, without)) in QUANTILES.iter().zip(&mut told) {
            beside.push(micros_at(&both.beside, *quantile));
            without.push(micros_at(&both.without, *quantile));
        }
    }
    ledger.close();
    let figures = QUANTILES.iter().zip(&told).filter_map(|((quantile, name), (beside, without))| {
        let name = format!("admit: during a snapshot of {live} sessions, 1 x {IN_FLIGHT} in flight, {name}");
        let figure = Figure::new(name, beside, "us")?.beside("without", beside, without);
        Some(if *quantile > 0.99 { figure.held_to(Target::RatioAtMost(TIMES_MAX)) } else { figure })
    });
    Ok(figures.collect::<Vec<_>>().into())
}

/// Asks until a snapshot was done and both kinds of stretches were seen.
fn until_a_snapshot(ledger: &Ledger, mix: &mut Mix, counts: &Counts, asked_max: u64) -> anyhow::Result<Both> {
    let mut both = Both { beside: Histogram::new(3)?, without: Histogram::new(3)? };
    let [_, done_before] = counts.now();
    let mut asked = 0;
    loop {
        let before = counts.now();
        let mut asking = Asking::new(ledger, IN_FLIGHT)?;
        for request in mix.by_ref().take(STRETCH) {
            asking.ask(request)?;
        }
        let latencies = asking.finish()?.latencies;
        asked += STRETCH as u64;
        let after = counts.now();
        let [begun, done] = before;
        let stretches = if begun == done && before == after { &mut both.without } else { &mut both.beside };
        stretches.add(latencies)?;
        let [_, done] = after;
        if done > done_before && !both.beside.is_empty() && !both.without.is_empty() {
            return Ok(both);
        }
        ensure!(asked < asked_max, "no snapshot was taken within {asked} events");
    }
}
