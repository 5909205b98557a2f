//! The past looked at: who was in at an old time, and one user's timeline, beside folding everything.
//!
//! One ledger, filled and closed, its volumes sealed but for the last. Each look is a process of its own, which tells
//! how long it took and the most memory it had; the files are in the page cache.

use crate::child::{Child, tell};
use crate::figure::{Figure, Target};
use crate::mix::{self, Filling};
use crate::stats::seconds;
use crate::{Common, Measured};
use anyhow::{Context, ensure};
use clap::Args;
use sledger::core::Seq;
use sledger::log::Reader;
use sledger_replay::at::{Begin, When, of_ledger, stopped_never};
use sledger_replay::timeline::{Asked, SparseError, Subject, of_ledger as timeline};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Seconds at most for the state at any time.
const AT_SECONDS_MAX: f64 = 3.0;
/// Seconds at most for a user's timeline.
const TIMELINE_SECONDS_MAX: f64 = 1.0;
/// A user there is.
const USER: u64 = 7;

/// How the past is measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Events [default: 10000000; quick: 5000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1000..=1_000_000_000))]
    events: Option<u64>,
    /// Live sessions [default: 100000; quick: 500]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    live: Option<u64>,
}

/// What one look is, and what its runs gave.
struct Look {
    name: String,
    /// `at`, `fold` or `timeline`, and the event or user asked about.
    words: [String; 2],
    seconds_max: f64,
    took: Vec<f64>,
    memory: Vec<f64>,
    found: u64,
    frames: [u64; 2],
}

/// Measures looks at the past.
pub(crate) fn measure(common: &Common, options: &Options) -> anyhow::Result<Measured> {
    let folder = common.folder()?;
    let data = folder.path().join("ledger");
    let (events, live) = if common.quick { (5000, 500) } else { (10_000_000, 100_000) };
    let (events, live) = (options.events.unwrap_or(events), options.live.unwrap_or(live));
    let durable = mix::filled(mix::config(&data), Filling { events, live, seed: common.seed })?;
    let at = |what: &str, name: &str, part: u64| Look {
        name: format!("past: {name}, {events} events, {live} live"),
        words: [what.to_owned(), (durable / 100 * part).to_string()],
        seconds_max: AT_SECONDS_MAX,
        took: Vec::new(),
        memory: Vec::new(),
        found: 0,
        frames: [0; 2],
    };
    let mut looks = [
        at("at", "at 9 % of history", 9),
        at("at", "at 59 %", 59),
        at("at", "at 97 %", 97),
        Look {
            words: ["timeline".to_owned(), USER.to_string()],
            seconds_max: TIMELINE_SECONDS_MAX,
            ..at("timeline", "a user's timeline", 0)
        },
    ];
    let mut whole = at("fold", "at 97 % without snapshots", 97);
    for _ in 0..common.runs() {
        for look in looks.iter_mut().chain([&mut whole]) {
            look.run(&data)?;
        }
    }
    let mut figures: Vec<Figure> = looks.iter().flat_map(|look| look.figures(&whole)).collect();
    figures.extend(Figure::new(whole.name.clone(), &whole.took, "s"));
    figures.extend(Figure::new(format!("{}: memory at most", whole.name), &whole.memory, "MiB"));
    Ok(figures.into())
}

impl Look {
    fn run(&mut self, data: &Path) -> anyhow::Result<()> {
        let place = data.to_str().context("a folder whose name is no text")?;
        let [what, about] = &self.words;
        let mut child = Child::start(&["past", place, what, about])?;
        let [took, memory, found, read, left] = child.line()?;
        child.finish()?;
        ensure!(found > 0, "`{what} {about}` found nothing");
        self.took.push(seconds(Duration::from_micros(took)));
        self.memory.push(f64::from(u32::try_from(memory / 1024)?));
        (self.found, self.frames) = (found, [read, left]);
        Ok(())
    }

    fn figures(&self, whole: &Self) -> Vec<Figure> {
        let [read, left] = self.frames;
        let frames =
            if read + left > 0 { format!(", {read} of {} frames read", read + left) } else { String::new() };
        let name = format!("{} ({} found{frames})", self.name, self.found);
        let took = Figure::new(name, &self.took, "s").map(|figure| {
            let figure = figure.beside("folding everything up to 97 %", &self.took, &whole.took);
            figure.held_to(Target::ValueAtMost(self.seconds_max))
        });
        let memory = Figure::new(format!("{}: memory at most", self.name), &self.memory, "MiB");
        took.into_iter().chain(memory).collect()
    }
}

/// Looks once; tells microseconds, the most memory in KiB, what was found, and frames read and left.
pub(crate) fn look(data: &Path, what: &str, about: u64) -> anyhow::Result<()> {
    let begun = Instant::now();
    let reader = Reader::open(data)?;
    let begin = Begin { snapshots: what == "at", upto: None, is_stopped: &stopped_never };
    let mut frames = [0, 0];
    let found = if what == "timeline" {
        let asked = Asked { subject: Subject::User(format!("user-{about:07}")), changes: false };
        let mut found = 0;
        let read = timeline(&reader, &asked, begin, |told, _| {
            found += told.iter().filter(|one| asked.wants(one)).count() as u64;
            Ok::<_, SparseError>(true)
        })?;
        frames = [read.sifted.frames_read, read.sifted.frames_left];
        found
    } else {
        let at = of_ledger(&reader, data, When::After(Seq(about)), begin)?.at;
        at.users().map(|one| one.sessions.len() as u64).sum()
    };
    let took = u64::try_from(begun.elapsed().as_micros())?;
    let [read, left] = frames;
    tell(&[took, memory_max()?, found, read, left])?;
    Ok(())
}

/// The most memory that this process had, in KiB.
fn memory_max() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no `VmHWM`")?;
    line.split_whitespace().next().and_then(|number| number.parse().ok()).context("`VmHWM` is no number")
}
