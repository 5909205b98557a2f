//! Peers side by side: what sledger does beside what somebody would use instead, in one run on one machine.
//!
//! Promise: both sides of a ratio get the same work, on the same file system, in turns; what is shown is the
//! median and the spread. A missed target is shown, never hidden, and is no error.
//!
//! Absent on purpose: figures of one side kept for another day. Only ratios of one run mean anything.
#![forbid(unsafe_code)]

mod admit;
mod all;
mod answers;
mod asking;
mod backtest;
mod batch;
mod child;
mod cpu;
mod disk;
mod figure;
mod files;
mod http;
mod keeping;
mod log;
mod machine;
mod memory;
mod mix;
mod monitor;
mod open;
mod ours;
mod past;
mod plot;
mod policy;
mod redis;
mod refold;
mod sealed;
mod stats;
mod verify;
mod work;

use anyhow::{Context, ensure};
use clap::{Args, Parser, Subcommand};
use figure::Figure;
use plot::Series;
use std::io::{self, Write};
use std::path::PathBuf;

/// As in the program itself. The system's allocator costs the decider a third of its time: many small facts, freed by another thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures sledger beside its peers.
#[derive(Parser)]
#[command(name = "sledger-bench", version)]
struct Bench {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    common: Common,
}

#[derive(Subcommand)]
enum What {
    /// Append and barrier beside a plain file; reading
    Log,
    /// Durable admissions beside a Lua limiter in Redis; answers during a snapshot
    Admit(admit::Options),
    /// Evaluations of the core policies beside an empty call
    Policy,
    /// One login per HTTP request beside an empty handler
    Http(http::Options),
    /// What a monitor costs, and the server it looks at
    Monitor(monitor::Options),
    /// The batch endpoint beside a Lua limiter in Redis
    Batch(batch::Options),
    /// Memory for each live session
    Memory(memory::Options),
    /// The whole past folded anew
    Refold(refold::Options),
    /// The whole past decided again by another policy beside folding it
    Backtest(backtest::Options),
    /// The whole past proved: storage checked, every decision decided again
    Verify(verify::Options),
    /// Old times and one user's timeline beside folding everything
    Past(past::Options),
    /// Time until ready after a kill
    Open(open::Options),
    /// Bytes on disk for each event after sealing
    Disk(disk::Options),
    /// Answers by live sessions
    Answers(answers::Options),
    /// Admissions beside a backup, beside volumes that are dropped or archived, under a hold
    Keeping(keeping::Options),
    /// Memory, opening and answers by live sessions, as curves; see --svg
    Plot,
    /// Everything, each with its defaults, and the list of numbers to reach
    All,
    /// A process that another measurement starts
    #[command(hide = true)]
    Child {
        #[command(subcommand)]
        task: child::Task,
    },
}

impl What {
    /// Whether it gives something to draw.
    const fn has_curves(&self) -> bool {
        matches!(self, Self::Memory(_) | Self::Open(_) | Self::Answers(_) | Self::Plot | Self::All)
    }
}

/// What every measurement takes.
#[derive(Args, Clone, Debug)]
struct Common {
    /// Print a JSON array on stdout
    #[arg(long, global = true)]
    json: bool,
    /// Measure little: shows that it runs, not how fast
    #[arg(long, global = true)]
    quick: bool,
    /// Repetitions of each side, in turns [default: 5; quick: 1]
    #[arg(long, global = true, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runs: Option<u16>,
    /// Data of both sides goes in a folder made here, removed afterwards
    #[arg(long, global = true, default_value_os_t = std::env::temp_dir())]
    dir: PathBuf,
    /// Where chance begins
    #[arg(long, global = true, default_value_t = 7)]
    seed: u64,
    /// Draw curves to this file: for memory, open, answers, plot and all
    #[arg(long, global = true)]
    svg: Option<PathBuf>,
}

/// What came of a measurement.
#[derive(Default)]
struct Measured {
    figures: Vec<Figure>,
    /// Curves by live sessions.
    series: Vec<Series>,
}

impl From<Vec<Figure>> for Measured {
    fn from(figures: Vec<Figure>) -> Self {
        Self { figures, series: Vec::new() }
    }
}

impl Common {
    fn runs(&self) -> u16 {
        self.runs.unwrap_or(if self.quick { 1 } else { 5 })
    }

    /// Numbers of live sessions to measure at.
    fn points(&self, given: &[u64]) -> Vec<u64> {
        let few: &[u64] = if self.quick { &[100, 1000] } else { &[1000, 10_000, 100_000, 1_000_000] };
        let mut points = if given.is_empty() { few } else { given }.to_vec();
        points.sort_unstable();
        points.dedup();
        points
    }

    /// A folder for the data of both sides.
    fn folder(&self) -> io::Result<tempfile::TempDir> {
        tempfile::Builder::new().prefix("sledger-bench-").tempdir_in(&self.dir)
    }
}

fn main() -> anyhow::Result<()> {
    let Bench { what, common } = Bench::parse();
    if let What::Child { task } = &what {
        return child::run(task);
    }
    ensure!(
        common.svg.is_none() || what.has_curves(),
        "there are no curves to draw: see memory, open, answers, plot and all"
    );
    let (machine, seed) = (machine::line(&common.dir), common.seed);
    if common.json {
        // The array alone is on stdout.
        writeln!(io::stderr(), "{machine}, seed {seed}")?;
    } else {
        let runs = common.runs();
        writeln!(io::stdout(), "{machine}, seed {seed}; {runs} runs: median (least to most)")?;
    }
    let (measured, failed) = measure(&what, &common)?;
    if let Some(path) = &common.svg {
        std::fs::write(path, plot::svg(&measured.series))
            .with_context(|| format!("write `{}`", path.display()))?;
    }
    if !matches!(what, What::All) || common.json {
        show(&measured.figures, common.json)?;
    }
    ensure!(failed.is_empty(), "not measured: {}", failed.join(", "));
    Ok(())
}

/// What was measured, and what failed.
fn measure(what: &What, common: &Common) -> anyhow::Result<(Measured, Vec<&'static str>)> {
    let measured = match what {
        What::Log => log::measure(common)?,
        What::Admit(options) => admit::measure(common, options)?,
        What::Policy => policy::measure(common)?,
        What::Http(options) => http::measure(common, options)?,
        What::Monitor(options) => monitor::measure(common, options)?,
        What::Batch(options) => batch::measure(common, options)?,
        What::Memory(options) => memory::measure(common, options)?,
        What::Refold(options) => refold::measure(common, options)?,
        What::Backtest(options) => backtest::measure(common, options)?,
        What::Verify(options) => verify::measure(common, options)?,
        What::Past(options) => past::measure(common, options)?,
        What::Open(options) => open::measure(common, options)?,
        What::Disk(options) => disk::measure(common, options)?,
        What::Answers(options) => answers::measure(common, options)?,
        What::Keeping(options) => keeping::measure(common, options)?,
        What::Plot => all::curves(common)?,
        What::All => return all::measure(common),
        What::Child { .. } => Measured::default(),
    };
    Ok((measured, Vec::new()))
}

fn show(figures: &[Figure], json: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        let all: Vec<_> = figures.iter().map(Figure::json).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        for figure in figures {
            writeln!(out, "{figure}")?;
        }
    }
    Ok(())
}
