//! What a monitor costs: its own processor time and memory, and the admissions of the server it looks at.
//!
//! The program itself, as it lies beside this one, in a real terminal of 140x45 under tmux, against a server over HTTP.
//! Both sides are the same server under the same logins, in turns: a stretch with nobody watching, a stretch watched.
#![expect(clippy::float_arithmetic, reason = "figures are shown, never stored or decided on")]

use crate::child::Child;
use crate::cpu;
use crate::figure::{Figure, Target};
use crate::http::{self, drive};
use crate::stats::{micros_each, rate};
use crate::work::Work;
use crate::{Common, Measured};
use anyhow::{Context, ensure};
use clap::Args;
use sledger_testkit::tmux::Tmux;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

/// Stretches of each side in a run; even, so that what drifts meets both sides alike.
const TURNS: u64 = 8;
/// The terminal.
const SIZE: (u16, u16) = (140, 45);

/// How a monitor is measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Users [default: 100000; quick: 1000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    users: Option<u64>,
    /// The program [default: `sledger` beside this one]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// What all runs gave.
#[derive(Default)]
struct Watched {
    alone: Vec<f64>,
    beside: Vec<f64>,
    /// Microseconds that the server computes for an answer.
    alone_us: Vec<f64>,
    beside_us: Vec<f64>,
    /// Percent of one processor, and mebibytes.
    processor: Vec<f64>,
    memory: Vec<f64>,
}

/// Measures a monitor.
pub(crate) fn measure(common: &Common, options: &Options) -> anyhow::Result<Measured> {
    let folder = common.folder()?;
    let users = options.users.unwrap_or(if common.quick { 1000 } else { 100_000 });
    let place = folder.path().to_str().context("a folder whose name is no text")?;
    let program = match &options.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name("sledger"),
    };
    ensure!(program.exists(), "{} is not there: build it, or name it by --program", program.display());
    let mut all = Watched::default();
    for _ in 0..common.runs() {
        all.run(place, users, &program.display().to_string())?;
    }
    let beside = Figure::new("monitor: admissions of a server that is watched", &all.beside, "requests/s");
    let beside = beside.map(|figure| figure.beside("nobody watching", &all.beside, &all.alone));
    let figures = [
        beside.map(|figure| figure.held_to(Target::RatioAtLeast(0.98))),
        Figure::new("monitor: what a watched server computes for an answer", &all.beside_us, "us")
            .map(|figure| figure.beside("nobody watching", &all.beside_us, &all.alone_us)),
        Figure::new("monitor: its processor time", &all.processor, "% of one")
            .map(|figure| figure.held_to(Target::ValueAtMost(10.0))),
        Figure::new("monitor: its memory", &all.memory, "MiB")
            .map(|figure| figure.held_to(Target::ValueAtMost(100.0))),
    ];
    Ok(figures.into_iter().flatten().collect::<Vec<_>>().into())
}

impl Watched {
    fn run(&mut self, place: &str, users: u64, program: &str) -> anyhow::Result<()> {
        let work = Work::mixed(users);
        let mut server = Child::start(&["serve", place, &users.to_string()])?;
        let port = server.port()?;
        let options = http::Options::plain();
        let each = users;
        drive(port, &work, 0..each, &options)?;
        for turn in 0..2 * TURNS {
            let begin = (turn + 1) * each;
            let range = begin..begin + each;
            // Alone, watched, watched, alone: a ledger that grows slows both sides alike.
            if matches!(turn % 4, 0 | 3) {
                let (took, computed) = stretch(&server, port, &work, range, &options)?;
                self.alone.push(rate(each, took));
                self.alone_us.push(computed);
                continue;
            }
            let command = format!("exec {program} top --connect http://127.0.0.1:{port}");
            let dir = std::env::temp_dir();
            let tmux = Tmux::start(SIZE, &dir, &command).context("tmux is not installed")?;
            tmux.until("the monitor", |screen| screen.contains("LIVE"));
            let id: u32 = tmux.pid().parse().context("the number of the monitor's process")?;
            let before = cpu::of_process(id);
            let (took, computed) = stretch(&server, port, &work, range, &options)?;
            let spent = Duration::from_nanos(cpu::of_process(id).saturating_sub(before));
            self.beside.push(rate(each, took));
            self.beside_us.push(computed);
            self.processor.push(spent.as_secs_f64() / took.as_secs_f64() * 100.0);
            self.memory.push(resident(id));
        }
        server.finish()
    }
}

/// How long the logins took, and how long the server computed for each, in microseconds.
fn stretch(
    server: &Child,
    port: u16,
    work: &Work,
    range: Range<u64>,
    options: &http::Options,
) -> anyhow::Result<(Duration, f64)> {
    let count = range.end - range.start;
    let before = cpu::of_process(server.id());
    let driven = drive(port, work, range, options)?;
    let computed = Duration::from_nanos(cpu::of_process(server.id()).saturating_sub(before));
    Ok((driven.took, micros_each(computed, count)))
}

/// Mebibytes that the process holds at most so far; 0 where the system does not say.
fn resident(id: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u32 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default();
    f64::from(kib) / 1024.0
}
