//! `POST /v1/batch` beside the same limiter in Redis as `admit`, each in a process of its own.
//!
//! Both get the same logins, each tenth of a user at the limit. A batch is one request: its lines are sent while
//! answers are read, in order, and the server bounds how many are under way. Redis is asked over one connection,
//! pipelined, as its users do it.

mod stream;

use crate::child::Child;
use crate::figure::{Figure, Target};
use crate::redis::{Peer, Redis};
use crate::stats::rate;
use crate::work::Work;
use crate::{Common, Measured};
use anyhow::{Context, bail, ensure};
use clap::Args;
use std::ops::Range;
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};
use stream::Told;

/// How batches are measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Users [default: 100000; quick: 1000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    users: Option<u64>,
    /// Batches at once, each on a connection of its own
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    batches: u16,
    #[command(flatten)]
    peer: Peer,
}

/// What the runs gave, in logins a second.
#[derive(Default)]
struct Rates {
    ours: Vec<f64>,
    redis: Vec<f64>,
}

/// Measures batches.
pub(crate) fn measure(common: &Common, options: &Options) -> anyhow::Result<Measured> {
    let folder = common.folder()?;
    let version = options.peer.version()?;
    let users = options.users.unwrap_or(if common.quick { 1000 } else { 100_000 });
    let place = folder.path().to_str().context("a folder whose name is no text")?;
    let server = ["serve", place, &users.to_string()];
    let work = Work::mixed(users);
    let mut redis =
        version.is_some().then(|| Redis::start(&options.peer.redis, folder.path())).transpose()?;
    let mut rates = Rates::default();
    for _ in 0..common.runs() {
        rates.run(&server, &work, work.logins(common.quick), options.batches)?;
        if let Some(redis) = &mut redis {
            rates.run_redis(redis, &work, work.logins(common.quick), usize::from(options.peer.pipeline))?;
        }
    }
    let name = format!("batch: {}, {} at once", work.name, options.batches);
    let figure = Figure::new(name, &rates.ours, "logins/s").map(|figure| {
        let peer = options.peer.name(version.as_deref());
        figure.beside(peer, &rates.ours, &rates.redis).held_to(Target::RatioAtLeast(5.0))
    });
    Ok(figure.into_iter().collect::<Vec<_>>().into())
}

impl Rates {
    fn run(&mut self, server: &[&str], work: &Work, [all, ..]: [u64; 3], batches: u16) -> anyhow::Result<()> {
        let warm = all / 10;
        let mut server = Child::start(server)?;
        let port = server.port()?;
        run(port, work, 0..warm, batches)?;
        self.ours.push(rate(all, run(port, work, warm..warm + all, batches)?));
        server.finish()
    }

    fn run_redis(
        &mut self,
        redis: &mut Redis,
        work: &Work,
        [.., all]: [u64; 3],
        pipeline: usize,
    ) -> anyhow::Result<()> {
        let warm = all / 10;
        redis.refill(work)?;
        redis.run(work, 0..warm, pipeline)?;
        self.redis.push(rate(all, redis.run(work, warm..warm + all, pipeline)?.took));
        Ok(())
    }
}

/// The logins of `range`, dealt out to `batches`; from the first byte sent to the last answer read.
fn run(port: u16, work: &Work, range: Range<u64>, batches: u16) -> anyhow::Result<Duration> {
    let logins = range.end - range.start;
    let bodies = (0..batches).map(|batch| {
        let mine = (range.start + u64::from(batch)..range.end).step_by(usize::from(batches));
        mine.flat_map(|n| line(work.login(n))).collect::<Vec<u8>>()
    });
    let bodies: Vec<_> = bodies.collect();
    let begun = Instant::now();
    let told = std::thread::scope(|scope| {
        let spawned: Vec<_> = bodies.iter().map(|body| scope.spawn(|| stream::post(port, body))).collect();
        spawned.into_iter().map(ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let took = begun.elapsed();
    let mut all = Told::default();
    for one in told {
        let Ok(one) = one else { bail!("a thread of the client panicked") };
        all.add(&one?);
    }
    ensure!(
        all.admitted == logins && all.lines == logins,
        "of {logins} logins {} were admitted",
        all.admitted
    );
    let expected = work.exhausted_in(logins);
    ensure!(
        all.evicted.abs_diff(expected) <= 1 + logins / 1000,
        "{} logins evicted somebody where {expected} had to",
        all.evicted
    );
    Ok(took)
}

fn line((user, session): (String, String)) -> Vec<u8> {
    format!("{{\"op\":\"login\",\"user\":\"{user}\",\"session\":\"{session}\"}}\n").into_bytes()
}
