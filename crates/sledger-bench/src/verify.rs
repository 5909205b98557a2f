//! A whole ledger proved, from a ledger that was closed: storage checked and every decision decided again.
//!
//! One thread reads, checks hashes and decodes, the other decides again and folds, as `sledger replay verify` does.
//! Beside it what checking the storage alone takes. Read as sled wrote it, and from sealed files.

use crate::figure::{Figure, Target};
use crate::mix::{self, Filling};
use crate::stats::rate;
use crate::{Common, Measured, files, sealed};
use anyhow::{Context, ensure};
use clap::Args;
use sledger::Config;
use sledger_replay::verify::{Anchors, Unable, ledger};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Events proved in a second at least.
const EVENTS_MIN: f64 = 500_000.0;
/// Longer than any ledger measured here: nothing of it is sealed by itself.
const VOLUME_BYTES: u64 = 1 << 40;

/// How proving is measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Events [default: 3000000; quick: 5000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1000..=1_000_000_000))]
    events: Option<u64>,
    /// Live sessions [default: 100000; quick: 500]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    live: Option<u64>,
}

/// A form in which the ledger lies, and what the runs gave, in events a second.
struct Form {
    name: &'static str,
    data: PathBuf,
    stored: Vec<f64>,
    proved: Vec<f64>,
}

/// Measures proving.
pub(crate) fn measure(common: &Common, options: &Options) -> anyhow::Result<Measured> {
    let folder = common.folder()?;
    let (events, live) = if common.quick { (5000, 500) } else { (3_000_000, 100_000) };
    let filling = Filling {
        events: options.events.unwrap_or(events),
        live: options.live.unwrap_or(live),
        seed: common.seed,
    };
    let [sled, plain] = ["sled", "sealed"].map(|name| folder.path().join(name));
    let config = Config { snapshot_events: 0, volume_bytes_max: VOLUME_BYTES, ..mix::config(&sled) };
    let durable = mix::filled(config, filling)?;
    files::copy(&sled, &plain).context("copy a ledger")?;
    sealed::seal(&plain)?;
    let mut forms = [("as sled wrote it", sled), ("sealed", plain)].map(|(name, data)| Form {
        name,
        data,
        stored: Vec::new(),
        proved: Vec::new(),
    });
    for _ in 0..common.runs() {
        for form in &mut forms {
            let (events, took) = stored(&form.data)?;
            ensure!(events >= durable, "{events} events were read of at least {durable}");
            form.stored.push(rate(events, took));
            let (events, took) = proved(&form.data)?;
            ensure!(events >= durable, "{events} events were proved of at least {durable}");
            form.proved.push(rate(events, took));
        }
    }
    Ok(forms.iter().flat_map(figures).collect::<Vec<_>>().into())
}

fn figures(form: &Form) -> Vec<Figure> {
    let name = |what: &str| format!("verify: {}, {what}", form.name);
    let stored = Figure::new(name("storage alone"), &form.stored, "events/s");
    let proved = Figure::new(name("every decision decided again"), &form.proved, "events/s");
    let proved = proved.map(|figure| figure.held_to(Target::ValueAtLeast(EVENTS_MIN)));
    [stored, proved].into_iter().flatten().collect()
}

fn stored(data: &Path) -> anyhow::Result<(u64, Duration)> {
    let begun = Instant::now();
    let report = sledger::log::verify(data)?;
    ensure!(report.problems.is_empty(), "{:?}", report.problems);
    Ok((report.events, begun.elapsed()))
}

fn proved(data: &Path) -> anyhow::Result<(u64, Duration)> {
    let begun = Instant::now();
    let whole = ledger(data, &Anchors::default(), &mut |_| {})?;
    let took = begun.elapsed();
    let report = whole.report;
    ensure!(whole.storage.problems.is_empty() && report.is_ok(), "{:?}", report.problems);
    let own = report.count(Unable::Ledger);
    ensure!(report.rederived + own == report.decisions, "{:?}", report.not_rederivable);
    Ok((report.events, took))
}
