//! How long a killed ledger takes until it can serve again.
//!
//! A process fills a ledger and is killed with SIGKILL while it still works. Each round copies what it left and
//! opens the copy in a fresh process: from starting that process to its word that the ledger takes requests. The
//! copy is in the page cache, as the files of a process that was just killed are. What was acknowledged before the
//! kill has to be there.

use crate::asking::Asking;
use crate::child::{Child, tell, wait_for_the_end};
use crate::figure::{Figure, Target};
use crate::mix::{self, Filling};
use crate::plot::Series;
use crate::stats::{median, seconds};
use crate::{Common, Measured, files};
use anyhow::{Context, ensure};
use clap::Args;
use sledger::Ledger;
use sledger::projector::Projection;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Seconds at most until the largest ledger is ready.
const SECONDS_MAX: f64 = 5.0;
/// Of so many points less each has a tenth of the next one's sessions and events.
const TENTHS: u32 = 3;

/// How opening is measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Events of the largest ledger [default: 10000000; quick: 10000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1000..=1_000_000_000))]
    events: Option<u64>,
    /// Live sessions of the largest ledger; three smaller ones have tenths of both [default: 1000000; quick: 1000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1000..=10_000_000))]
    live: Option<u64>,
}

/// A ledger as a killed process left it, and what its rounds gave, in seconds.
struct Killed {
    filling: Filling,
    data: PathBuf,
    /// The last event that was acknowledged for sure.
    acknowledged: u64,
    ready: Vec<f64>,
    opened: Vec<f64>,
}

/// Measures opening.
pub(crate) fn measure(common: &Common, options: &Options) -> anyhow::Result<Measured> {
    let folder = common.folder()?;
    let (events, live) = if common.quick { (10_000, 1000) } else { (10_000_000, 1_000_000) };
    let (events, live) = (options.events.unwrap_or(events), options.live.unwrap_or(live));
    ensure!(live <= events, "more live sessions than events");
    let mut all = Vec::new();
    for tenths in (0..=TENTHS).rev() {
        let part = 10_u64.pow(tenths);
        let filling = Filling { events: events / part, live: live / part, seed: common.seed };
        all.push(Killed::make(&folder.path().join(format!("killed-{part}")), filling)?);
    }
    for _ in 0..common.runs() {
        for killed in &mut all {
            killed.round(&folder.path().join("round"))?;
        }
    }
    let series = all.iter().map(|killed| (killed.filling.live, median(&killed.ready)));
    let series = vec![Series::new("Ready after a kill", "s", series)];
    Ok(Measured { figures: all.iter().flat_map(|killed| killed.figures(live)).collect(), series })
}

impl Killed {
    fn make(data: &Path, filling: Filling) -> anyhow::Result<Self> {
        let place = data.to_str().context("a folder whose name is no text")?;
        let numbers = [filling.events, filling.live, filling.seed].map(|number| number.to_string());
        let [events, live, seed] = &numbers;
        let mut child = Child::start(&["fill", place, events, live, seed])?;
        let [acknowledged] = child.line()?;
        child.kill()?;
        let data = data.to_owned();
        Ok(Self { filling, data, acknowledged, ready: Vec::new(), opened: Vec::new() })
    }

    fn round(&mut self, copy: &Path) -> anyhow::Result<()> {
        files::copy(&self.data, copy).context("copy what a kill left")?;
        let place = copy.to_str().context("a folder whose name is no text")?;
        let begun = Instant::now();
        let mut child = Child::start(&["open", place])?;
        let [opened, durable, sessions] = child.line()?;
        let ready = begun.elapsed();
        child.kill()?;
        fs::remove_dir_all(copy)?;
        let Filling { live, .. } = self.filling;
        ensure!(
            durable >= self.acknowledged,
            "seq {} was acknowledged, {durable} is the last",
            self.acknowledged
        );
        ensure!(sessions.abs_diff(live) <= 1, "{sessions} sessions live instead of {live}");
        self.ready.push(seconds(ready));
        self.opened.push(seconds(Duration::from_micros(opened)));
        Ok(())
    }

    fn figures(&self, live_max: u64) -> Vec<Figure> {
        let Filling { events, live, .. } = self.filling;
        let name = format!("{events} events, {live} live");
        let ready = Figure::new(format!("open: ready after a kill, {name}"), &self.ready, "s");
        let held = |figure: Figure| figure.held_to(Target::ValueAtMost(SECONDS_MAX));
        let ready = ready.map(|figure| if live == live_max { held(figure) } else { figure });
        let opened = Figure::new(format!("open: of it opening, {name}"), &self.opened, "s");
        [ready, opened].into_iter().flatten().collect()
    }
}

/// Fills a ledger, tells the last event, and goes on until it is killed.
pub(crate) fn fill_until_killed(data: &Path, filling: Filling) -> anyhow::Result<()> {
    let ledger = Ledger::open(mix::config(data))?;
    let mix = mix::fill(&ledger, filling, mix::FILL_IN_FLIGHT)?;
    tell(&[ledger.durable().0])?;
    let is_over = Arc::new(AtomicBool::new(false));
    let tells = Arc::clone(&is_over);
    std::thread::spawn(move || {
        // However it ends, the parent is gone.
        let _gone = wait_for_the_end();
        tells.store(true, Ordering::Relaxed);
    });
    let mut asking = Asking::new(&ledger, mix::FILL_IN_FLIGHT)?;
    for request in mix {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        asking.ask(request)?;
    }
    asking.finish().map(drop)
}

/// Opens a ledger; tells microseconds, the last event and the sessions.
pub(crate) fn open(data: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    let ledger = Ledger::open(mix::config(data))?;
    let took = u64::try_from(begun.elapsed().as_micros())?;
    let sessions = ledger.views().read(Projection::session_count)?;
    tell(&[took, ledger.durable().0, sessions as u64])?;
    Ok(wait_for_the_end()?)
}
