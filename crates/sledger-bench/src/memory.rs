//! What a live session costs in memory: growth of the process's resident memory, in a process of its own a point.
//!
//! Weighed before the first login and after the last, with the ledger at rest: everything the process holds counts,
//! also what only the filling used and the allocator kept. Resident memory is anonymous memory plus what is mapped
//! of files; the log is read and written by calls and not mapped, so pages that the system caches of it are not in
//! it. The bytes on disk are shown beside: no more than those can be cached.

use crate::asking::Asking;
use crate::child::{Child, tell};
use crate::figure::{Figure, Target};
use crate::plot::Series;
use crate::stats::{each, median};
use crate::{Common, Measured, files, mix};
use anyhow::{Context, ensure};
use clap::Args;
use sledger::Ledger;
use sledger::projector::Projection;
use std::fs;
use std::path::Path;

/// Bytes a session at most, at the last point.
const BYTES_MAX: f64 = 300.0;
/// Unanswered logins: few, so that they weigh little themselves.
const IN_FLIGHT: usize = 1024;

/// How memory is measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Live sessions, a process each [default: 1000,10000,100000,1000000; quick: 100,1000]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    points: Vec<u64>,
    /// Sessions of each user, who has one address
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    per_user: u64,
}

/// What the processes of one point told, each a list by run, in bytes a session.
#[derive(Default)]
struct Point {
    resident: Vec<f64>,
    anonymous: Vec<f64>,
    disk: Vec<f64>,
    /// Bytes, not by session.
    grown: Vec<i64>,
}

/// Measures memory.
pub(crate) fn measure(common: &Common, options: &Options) -> anyhow::Result<Measured> {
    let points = common.points(&options.points);
    let mut told: Vec<(u64, Point)> = points.into_iter().map(|at| (at, Point::default())).collect();
    for _ in 0..common.runs() {
        for (sessions, point) in &mut told {
            point.run(common, *sessions, options.per_user)?;
        }
    }
    let mut measured = Measured::default();
    measured.series.push(Series::new(
        "Memory for each live session",
        "bytes",
        told.iter().map(|(at, point)| (*at, median(&point.resident))),
    ));
    let last = told.len().saturating_sub(1);
    for (n, (sessions, point)) in told.iter().enumerate() {
        measured.figures.extend(figures(*sessions, point, options.per_user, n == last));
    }
    measured.figures.extend(slope(&told));
    Ok(measured)
}

fn figures(sessions: u64, point: &Point, per_user: u64, is_last: bool) -> Vec<Figure> {
    let name = |what| format!("memory: {what} a session, {sessions} live, {per_user} a user");
    let resident = Figure::new(name("growth of RSS for"), &point.resident, "bytes");
    let resident =
        resident.map(|figure| if is_last { figure.held_to(Target::ValueAtMost(BYTES_MAX)) } else { figure });
    let anonymous = Figure::new(name("of it anonymous, for"), &point.anonymous, "bytes");
    let disk = Figure::new(name("on disk and not in it, for"), &point.disk, "bytes");
    [resident, anonymous, disk].into_iter().flatten().collect()
}

/// What each session costs between the last two points: without what a ledger costs at any size.
fn slope(told: &[(u64, Point)]) -> Option<Figure> {
    let [.., (few, less), (many, more)] = told else { return None };
    let sessions = many.checked_sub(*few).filter(|sessions| *sessions > 0)?;
    let grown = less.grown.iter().zip(&more.grown);
    let grown: Vec<f64> = grown.map(|(less, more)| each(more - less, sessions)).collect();
    Figure::new(format!("memory: a session more, from {few} to {many}"), &grown, "bytes")
}

impl Point {
    fn run(&mut self, common: &Common, sessions: u64, per_user: u64) -> anyhow::Result<()> {
        let folder = common.folder()?;
        let data = folder.path().join("ledger");
        let place = data.to_str().context("a folder whose name is no text")?;
        let mut child = Child::start(&["memory", place, &sessions.to_string(), &per_user.to_string()])?;
        let [anonymous_before, mapped_before, anonymous, mapped, disk] = child.line()?;
        child.finish()?;
        let grown = |after: u64, before: u64| {
            i64::try_from(after).unwrap_or(i64::MAX).saturating_sub_unsigned(before)
        };
        let anonymous = grown(anonymous, anonymous_before);
        let resident = anonymous + grown(mapped, mapped_before);
        self.grown.push(resident);
        self.resident.push(each(resident, sessions));
        self.anonymous.push(each(anonymous, sessions));
        self.disk.push(each(i64::try_from(disk)?, sessions));
        Ok(())
    }
}

/// Fills a ledger and tells what it weighs before and after.
pub(crate) fn weigh(data: &Path, sessions: u64, per_user: u64) -> anyhow::Result<()> {
    let ledger = Ledger::open(mix::config(data))?;
    let [anonymous_before, mapped_before] = resident()?;
    let mut asking = Asking::new(&ledger, IN_FLIGHT)?;
    for session in 0..sessions {
        asking.ask(mix::login(session / per_user.max(1), session))?;
    }
    asking.finish()?;
    let seen = ledger.views().read(Projection::session_count)?;
    ensure!(seen as u64 == sessions, "{seen} sessions live instead of {sessions}");
    let [anonymous, mapped] = resident()?;
    tell(&[anonymous_before, mapped_before, anonymous, mapped, files::allocated(data)?])?;
    ledger.close();
    Ok(())
}

/// Bytes of this process in memory: anonymous, and mapped from files or shared.
fn resident() -> anyhow::Result<[u64; 2]> {
    let status = fs::read_to_string("/proc/self/status")?;
    let bytes = |name: &str| {
        let line =
            status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no `{name}`"));
        let kibibytes = line?.split_whitespace().next().and_then(|number| number.parse::<u64>().ok());
        kibibytes.map(|kibibytes| kibibytes * 1024).with_context(|| format!("`{name}` is no number"))
    };
    Ok([bytes("RssAnon:")?, bytes("RssFile:")? + bytes("RssShmem:")?])
}
