//! The whole past folded anew, from a ledger that was closed: what opening costs where there is no snapshot.
//!
//! Read as sled wrote it, and read from sealed files: one ledger and a copy of it. Each is folded by one thread that
//! scans, checks, decodes and folds, and opened with snapshots turned off, as a program does it.

use crate::figure::{Figure, Target};
use crate::mix::{self, Filling};
use crate::stats::rate;
use crate::{Common, Measured, files, sealed};
use anyhow::{Context, ensure};
use clap::Args;
use sledger::core::config::Settings;
use sledger::core::quota::Ready;
use sledger::core::state::AHEAD_DECISIONS;
use sledger::core::{Seq, State, refold};
use sledger::log::Reader;
use sledger::{Config, Ledger};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Events folded in a second at least.
const EVENTS_MIN: f64 = 1_500_000.0;
/// Longer than any ledger measured here: nothing of it is sealed by itself.
const VOLUME_BYTES: u64 = 1 << 40;

/// How folding is measured.
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
    folded: Vec<f64>,
    opened: Vec<f64>,
}

/// Measures folding.
pub(crate) fn measure(common: &Common, options: &Options) -> anyhow::Result<Measured> {
    let folder = common.folder()?;
    let (events, live) = if common.quick { (5000, 500) } else { (3_000_000, 100_000) };
    let filling = Filling {
        events: options.events.unwrap_or(events),
        live: options.live.unwrap_or(live),
        seed: common.seed,
    };
    let [sled, plain] = ["sled", "sealed"].map(|name| folder.path().join(name));
    let durable = mix::filled(without_snapshots(&sled), filling)?;
    files::copy(&sled, &plain).context("copy a ledger")?;
    sealed::seal(&plain)?;
    let mut forms = [("as sled wrote it", sled), ("sealed", plain)].map(|(name, data)| Form {
        name,
        data,
        folded: Vec::new(),
        opened: Vec::new(),
    });
    for _ in 0..common.runs() {
        for form in &mut forms {
            form.run(durable, filling.live, &folder.path().join("round"))?;
        }
    }
    Ok(forms.iter().flat_map(figures).collect::<Vec<_>>().into())
}

fn figures(form: &Form) -> Vec<Figure> {
    let figure = |name: &str, measured| {
        let figure = Figure::new(format!("refold: {}, {name}", form.name), measured, "events/s");
        figure.map(|figure| figure.held_to(Target::ValueAtLeast(EVENTS_MIN)))
    };
    [
        figure("decoded and folded on one thread", &form.folded),
        figure("opened without a snapshot", &form.opened),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Form {
    fn run(&mut self, durable: u64, live: u64, copy: &Path) -> anyhow::Result<()> {
        let (state, took) = fold(&self.data)?;
        let (seq, sessions) = (state.seq().0, state.session_count() as u64);
        ensure!(seq >= durable, "{seq} events were folded of at least {durable}");
        ensure!(sessions.abs_diff(live) <= 1, "{sessions} sessions live instead of {live}");
        drop(state);
        self.folded.push(rate(seq, took));
        // Opening writes: what is opened is a copy.
        files::copy(&self.data, copy).context("copy a ledger")?;
        let begun = Instant::now();
        let ledger = Ledger::open(without_snapshots(copy))?;
        self.opened.push(rate(seq, begun.elapsed()));
        ledger.close();
        Ok(fs::remove_dir_all(copy)?)
    }
}

fn without_snapshots(data: &Path) -> Config {
    Config { snapshot_events: 0, volume_bytes_max: VOLUME_BYTES, ..mix::config(data) }
}

/// The state at the end. Letting go of it is not counted.
fn fold(data: &Path) -> anyhow::Result<(State, Duration)> {
    let begun = Instant::now();
    let ready = Ready::new(Settings::default());
    let ready = ready.map_err(|rejection| anyhow::anyhow!("settings: {}", rejection.reason))?;
    let mut state = State::new(ready, Vec::new(), 0);
    for block in Reader::open(data)?.blocks(Seq(1)) {
        let block = block?;
        let mut seq = block.header().first;
        let decisions = block.decisions().collect::<Result<Vec<_>, _>>()?;
        for stretch in decisions.chunks(AHEAD_DECISIONS) {
            state.look_ahead(stretch);
            for decision in stretch {
                refold(&mut state, seq, decision);
                seq = seq.plus(decision.events.len() as u64);
            }
        }
    }
    Ok((state, begun.elapsed()))
}
