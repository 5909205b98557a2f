//! Durable admissions in process beside a limiter in Redis: a Lua script over one sorted set a user.
//!
//! Both sides get the same logins of the same users. Redis runs as its users run it when a session must not be
//! lost: `appendonly yes`, `appendfsync always`; one connection, pipelined; no rewrite of its file in between.
//! Before each measurement both are filled, and then warmed up by logins that are not counted.
//!
//! - *mixed*: each tenth login is of a user at the limit and decided by `destroy_next_expiring`;
//! - *exhausted*: every user is at the limit, every login is decided by `destroy_oldest`.
//!
//! With `--snapshot`: answers of the ledger alone, during a snapshot and without one.

mod sealed;
mod snapshot;

use crate::figure::{Figure, Target};
use crate::ours::Ours;
use crate::redis::{Peer, Redis};
use crate::stats::{micros_at, micros_each, rate};
use crate::work::{Run, Work};
use crate::{Common, Measured};
use anyhow::ensure;
use clap::Args;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// How admissions are measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Users [default: 100000; quick: 1000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    users: Option<u64>,
    /// Threads that call the ledger
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// Requests each thread may have unanswered
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: u16,
    #[command(flatten)]
    peer: Peer,
    /// Measure answers during a snapshot beside answers without one instead
    #[arg(long)]
    snapshot: bool,
    /// Measure admissions with personal values sealed beside plain ones instead
    #[arg(long, conflicts_with = "snapshot")]
    sealed: bool,
    /// Live sessions of the snapshot [default: 1000000; quick: 1000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    snapshot_sessions: Option<u64>,
}

/// What the runs of one side gave, each a list by run.
#[derive(Default)]
struct Side {
    rates: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    /// Microseconds on a processor for each login, by kind of thread.
    spent: BTreeMap<&'static str, Vec<f64>>,
}

/// One kind of work on both sides; `narrow` is the ledger called as Redis is: one caller, as many unanswered.
#[derive(Default)]
struct Both {
    ours: Side,
    narrow: Side,
    redis: Side,
}

impl Options {
    /// The same, but for answers during a snapshot.
    pub(crate) fn with_snapshot(self) -> Self {
        Self { snapshot: true, ..self }
    }
}

/// Measures durable admissions.
pub(crate) fn measure(common: &Common, options: &Options) -> anyhow::Result<Measured> {
    if options.snapshot {
        let live = if common.quick { 1000 } else { 1_000_000 };
        return snapshot::measure(common, options.snapshot_sessions.unwrap_or(live));
    }
    if options.sealed {
        return sealed::measure(common, options);
    }
    let folder = common.folder()?;
    let redis = options.peer.version()?;
    let users = options.users.unwrap_or(if common.quick { 1000 } else { 100_000 });
    let mut figures = Vec::new();
    for (work, target) in [(Work::mixed(users), 10.0), (Work::exhausted(users), 3.0)] {
        let both = compare(common, options, (&work, redis.is_some()), folder.path())?;
        figures.extend(show(&work, &both, options, (redis.as_deref(), target)));
    }
    Ok(figures.into())
}

fn compare(
    common: &Common,
    options: &Options,
    (work, has_redis): (&Work, bool),
    folder: &Path,
) -> anyhow::Result<Both> {
    let [logins, narrow, theirs] = work.logins(common.quick);
    let calls = (u64::from(options.threads), usize::from(options.in_flight));
    let pipeline = usize::from(options.peer.pipeline);
    let mut redis = if has_redis { Some(Redis::start(&options.peer.redis, folder)?) } else { None };
    let mut both = Both::default();
    for _ in 0..common.runs() {
        let ours = Ours::filled(folder, work)?;
        let warm = logins / 10;
        ours.run(work, 0..warm, calls)?;
        both.ours.add(work, &ours.run(work, warm..warm + logins, calls)?)?;
        let end = warm + logins;
        both.narrow.add(work, &ours.run(work, end..end + narrow, (1, pipeline))?)?;
        ours.close();
        if let Some(redis) = &mut redis {
            redis.refill(work)?;
            let warm = theirs / 10;
            redis.run(work, 0..warm, pipeline)?;
            both.redis.add(work, &redis.run(work, warm..warm + theirs, pipeline)?)?;
        }
    }
    Ok(both)
}

impl Side {
    fn add(&mut self, work: &Work, run: &Run) -> anyhow::Result<()> {
        let expected = work.exhausted_in(run.logins);
        ensure!(
            run.evicted.abs_diff(expected) <= 1 + run.logins / 1000,
            "{} logins evicted somebody where {expected} had to",
            run.evicted
        );
        self.rates.push(rate(run.logins, run.took));
        self.p50.push(micros_at(&run.latencies, 0.5));
        self.p99.push(micros_at(&run.latencies, 0.99));
        for (kind, spent) in &run.spent {
            let each = micros_each(Duration::from_nanos(*spent), run.logins);
            self.spent.entry(kind).or_default().push(each);
        }
        Ok(())
    }
}

fn show(work: &Work, both: &Both, options: &Options, (redis, target): (Option<&str>, f64)) -> Vec<Figure> {
    let Options { threads, in_flight, peer: Peer { pipeline, .. }, .. } = options;
    let name = work.name;
    let peer = options.peer.name(redis);
    let wide = format!("{threads} x {in_flight} in flight");
    let narrow = format!("1 x {pipeline} in flight");
    let beside = |name: String, ours: &[f64], unit, theirs: &[f64]| {
        Figure::new(name, ours, unit).map(|figure| figure.beside(peer.as_str(), ours, theirs))
    };
    let Both { ours, narrow: alike, redis } = both;
    let first =
        beside(format!("admit: {name}, {}, {wide}", work.policy), &ours.rates, "logins/s", &redis.rates);
    let mut all = vec![
        first.map(|figure| figure.held_to(Target::RatioAtLeast(target))),
        Figure::new(format!("admit: {name}, {wide}, p50"), &ours.p50, "us"),
        Figure::new(format!("admit: {name}, {wide}, p99"), &ours.p99, "us"),
        beside(format!("admit: {name}, {narrow}"), &alike.rates, "logins/s", &redis.rates),
        beside(format!("admit: {name}, {narrow}, p50"), &alike.p50, "us", &redis.p50),
        beside(format!("admit: {name}, {narrow}, p99"), &alike.p99, "us", &redis.p99),
    ];
    for (kind, spent) in &ours.spent {
        all.push(Figure::new(format!("admit: {name}, processor time a login, {kind}"), spent, "us"));
    }
    all.into_iter().flatten().collect()
}
