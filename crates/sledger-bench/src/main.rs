//! Peers side by side: what sledger does beside what somebody would use instead, in one run on one machine.
//!
//! Promise: both sides of a ratio get the same work, on the same file system, in turns; what is shown is the
//! median and the spread. A missed target is shown, never hidden, and is no error.
//!
//! Absent on purpose: figures of one side kept for another day. Only ratios of one run mean anything.
#![forbid(unsafe_code)]

mod admit;
mod figure;
mod log;
mod machine;
mod policy;
mod stats;

use clap::{Args, Parser, Subcommand};
use figure::Figure;
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
    /// Durable admissions beside a Lua limiter in Redis
    Admit(admit::Options),
    /// Evaluations of the core policies beside an empty call
    Policy,
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
}

impl Common {
    fn runs(&self) -> u16 {
        self.runs.unwrap_or(if self.quick { 1 } else { 5 })
    }

    /// A folder for the data of both sides.
    fn folder(&self) -> io::Result<tempfile::TempDir> {
        tempfile::Builder::new().prefix("sledger-bench-").tempdir_in(&self.dir)
    }
}

fn main() -> anyhow::Result<()> {
    let Bench { what, common } = Bench::parse();
    let machine = machine::line(&common.dir);
    if common.json {
        // The array alone is on stdout.
        writeln!(io::stderr(), "{machine}")?;
    } else {
        writeln!(io::stdout(), "{machine}; {} runs: median (least to most)", common.runs())?;
    }
    let figures = match &what {
        What::Log => log::measure(&common)?,
        What::Admit(options) => admit::measure(&common, options)?,
        What::Policy => policy::measure(&common)?,
    };
    show(&figures, common.json)
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
