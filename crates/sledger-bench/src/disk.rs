//! Bytes on disk for each event, after sealing.
//!
//! Of five events one login, three touches, one logout; a login brings an id of 16 random characters, a user and an
//! address, and is counted by two quotas. Ledger time runs faster than the clock, so that events stand as far apart
//! as they do where fewer come: equal times would pack too well. Each run has its own seed.
//!
//! A block holds what was decided together, and its header and hashes cost the same for few events as for many.
//! So a ledger that gets its events a few at a time is shown beside.

use crate::figure::{Figure, Target};
use crate::mix::{self, Filling};
use crate::stats::each;
use crate::{Common, Measured, files, sealed};
use anyhow::ensure;
use clap::Args;
use sledger::core::Millis;
use sledger::core::clock::Clock;
use sledger::{Config, Ledger, SystemClock};
use std::sync::Arc;

/// Bytes an event at most.
const BYTES_MAX: f64 = 45.0;
/// Ledger time to the clock's.
const FASTER: u64 = 50;
/// Requests of which few come together, unanswered.
const FEW: usize = 16;
/// Of so many events one is written again, a few at a time.
const FEW_EACH: u64 = 40;

/// How bytes are counted.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Events [default: 2000000; quick: 20000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1000..=1_000_000_000))]
    events: Option<u64>,
    /// Live sessions [default: 20000; quick: 200]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    live: Option<u64>,
}

/// What the runs of one way to write gave, in bytes an event.
#[derive(Default)]
struct Written {
    sealed: Vec<f64>,
    blocks: Vec<f64>,
    sled: Vec<f64>,
}

/// Counts bytes.
pub(crate) fn measure(common: &Common, options: &Options) -> anyhow::Result<Measured> {
    let (events, live) = if common.quick { (20_000, 200) } else { (2_000_000, 20_000) };
    let (events, live) = (options.events.unwrap_or(events), options.live.unwrap_or(live));
    let (mut many, mut few) = (Written::default(), Written::default());
    for run in 0..common.runs() {
        let filling = Filling { events, live, seed: common.seed.wrapping_add(run.into()) };
        many.run(common, filling, mix::FILL_IN_FLIGHT)?;
        let less = (events / FEW_EACH).max(100);
        few.run(common, Filling { events: less, live: live.min(less / 10), ..filling }, FEW)?;
    }
    let all = [
        Figure::new("disk: an event, sealed", &many.sealed, "bytes")
            .map(|figure| figure.held_to(Target::ValueAtMost(BYTES_MAX))),
        Figure::new("disk: an event, its part of blocks", &many.blocks, "bytes"),
        Figure::new("disk: an event, before sealing", &many.sled, "bytes"),
        Figure::new(format!("disk: an event, sealed, {FEW} at a time"), &few.sealed, "bytes"),
        Figure::new(format!("disk: an event, its part of blocks, {FEW} at a time"), &few.blocks, "bytes"),
    ];
    Ok(all.into_iter().flatten().collect::<Vec<_>>().into())
}

impl Written {
    fn run(&mut self, common: &Common, filling: Filling, in_flight: usize) -> anyhow::Result<()> {
        let folder = common.folder()?;
        let data = folder.path().join("ledger");
        let clock = Arc::new(Fast { begun: SystemClock.boot(), wall: SystemClock.wall() });
        let ledger = Ledger::open(Config { clock, snapshot_events: 0, ..mix::config(&data) })?;
        mix::fill(&ledger, filling, in_flight)?;
        ledger.close();
        let volumes = data.join("volumes");
        let before = files::allocated(&volumes)?;
        let infos = sealed::seal(&data)?;
        let events: u64 = infos.iter().map(|info| info.events).sum();
        ensure!(events >= filling.events, "{events} events are sealed of {}", filling.events);
        let bytes: u64 = infos.iter().map(|info| info.bytes).sum();
        let raw: u64 = infos.iter().map(|info| info.raw_bytes).sum();
        self.sealed.push(each(i64::try_from(bytes)?, events));
        self.blocks.push(each(i64::try_from(raw)?, events));
        self.sled.push(each(i64::try_from(before)?, events));
        Ok(())
    }
}

/// A clock that runs faster than the machine's.
struct Fast {
    begun: u64,
    wall: Millis,
}

impl Clock for Fast {
    fn boot(&self) -> u64 {
        self.begun + SystemClock.boot().saturating_sub(self.begun).saturating_mul(FASTER)
    }

    fn wall(&self) -> Millis {
        Millis(self.wall.0 + (self.boot() - self.begun))
    }
}
