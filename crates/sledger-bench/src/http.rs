//! One login per HTTP request beside an empty axum handler of JSON.
//!
//! Both servers are processes of their own, on the runtime as it comes, asked by the same client over the same
//! number of connections that stay open, each with one request under way. The logins are those of `admit`: each tenth
//! is of a user at the limit. The handler beside us reads the same body
//! into a type, keeps nothing and answers a short object. Ours reads, decides, records, syncs and answers.
//!
//! Under load a client's thread asks its connections in turn: one write and one read a request. Its processor time
//! is shown beside that of the servers, so that it can be seen that it is not the slowest of the three. Then the
//! same over one connection, one request after another: nothing but latency.

mod connection;
mod servers;

use crate::child::Child;
use crate::cpu;
use crate::figure::{Figure, Target};
use crate::stats::{micros_at, micros_each, rate};
use crate::work::Work;
use crate::{Common, Measured};
use anyhow::{Context, bail, ensure};
use clap::Args;
use connection::Connection;
use hdrhistogram::Histogram;
use std::collections::VecDeque;
use std::ops::Range;
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

pub(crate) use servers::{serve, serve_empty};

/// How requests are measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Users [default: 100000; quick: 1000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    users: Option<u64>,
    /// Connections, each with one request under way
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u16).range(1..=8192))]
    connections: u16,
    /// Threads of the client
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
}

/// What the runs of one side gave, each a list by run.
#[derive(Default)]
struct Side {
    rates: Vec<f64>,
    p99: Vec<f64>,
    alone_p50: Vec<f64>,
    alone_p99: Vec<f64>,
    /// Microseconds on a processor a request.
    server: Vec<f64>,
    client: Vec<f64>,
}

impl Options {
    /// As many connections as where nothing is said.
    pub(crate) const fn plain() -> Self {
        Self { users: None, connections: 512, threads: 1 }
    }
}

/// What one run over several connections gave.
pub(crate) struct Driven {
    pub(crate) took: Duration,
    latencies: Histogram<u64>,
    /// Nanoseconds on a processor.
    client: u64,
}

/// Measures logins over HTTP.
pub(crate) fn measure(common: &Common, options: &Options) -> anyhow::Result<Measured> {
    let folder = common.folder()?;
    let users = options.users.unwrap_or(if common.quick { 1000 } else { 100_000 });
    let (place, number) =
        (folder.path().to_str().context("a folder whose name is no text")?, users.to_string());
    let work = Work::mixed(users);
    let (mut ours, mut theirs) = (Side::default(), Side::default());
    for _ in 0..common.runs() {
        ours.run(&["serve", place, &number], &work, options)?;
        theirs.run(&["empty"], &work, options)?;
    }
    Ok(figures(&ours, &theirs, options).into())
}

fn figures(ours: &Side, theirs: &Side, options: &Options) -> Vec<Figure> {
    let beside = |name: String, unit, of: fn(&Side) -> &Vec<f64>| {
        Figure::new(format!("http: {name}"), of(ours), unit)
            .map(|figure| figure.beside("empty axum handler", of(ours), of(theirs)))
    };
    let wide = format!("{} connections", options.connections);
    let first = beside(format!("one login a request, {wide}"), "requests/s", |side| &side.rates);
    let all = [
        first.map(|figure| figure.held_to(Target::RatioAtLeast(0.7))),
        beside(format!("{wide}, p99"), "us", |side| &side.p99),
        beside("one connection, nothing else, p50".to_owned(), "us", |side| &side.alone_p50),
        beside("one connection, nothing else, p99".to_owned(), "us", |side| &side.alone_p99),
        beside("processor time a request, server".to_owned(), "us", |side| &side.server),
        beside("processor time a request, client".to_owned(), "us", |side| &side.client),
    ];
    all.into_iter().flatten().collect()
}

impl Side {
    fn run(&mut self, words: &[&str], work: &Work, options: &Options) -> anyhow::Result<()> {
        let mut server = Child::start(words)?;
        let port = server.port()?;
        let [all, alone] = work.requests();
        let warm = all / 10;
        drive(port, work, 0..warm, options)?;
        let before = cpu::of_process(server.id());
        let driven = drive(port, work, warm..warm + all, options)?;
        let spent = cpu::of_process(server.id()).saturating_sub(before);
        self.rates.push(rate(all, driven.took));
        self.p99.push(micros_at(&driven.latencies, 0.99));
        self.server.push(micros_each(Duration::from_nanos(spent), all));
        self.client.push(micros_each(Duration::from_nanos(driven.client), all));
        let begin = warm + all;
        let alone =
            drive(port, work, begin..begin + alone, &Options { connections: 1, threads: 1, ..*options })?;
        self.alone_p50.push(micros_at(&alone.latencies, 0.5));
        self.alone_p99.push(micros_at(&alone.latencies, 0.99));
        server.finish()
    }
}

/// The logins of `range`, dealt out to the threads of the client.
pub(crate) fn drive(port: u16, work: &Work, range: Range<u64>, options: &Options) -> anyhow::Result<Driven> {
    let threads = options.threads.min(options.connections);
    let each = options.connections / threads;
    let mut sides = Vec::new();
    for thread in 0..threads {
        let connections =
            (0..each).map(|_| Connection::open(port)).collect::<anyhow::Result<VecDeque<_>>>()?;
        sides.push((connections, (range.start + u64::from(thread)..range.end).step_by(usize::from(threads))));
    }
    let begun = Instant::now();
    let told = std::thread::scope(|scope| {
        let spawned =
            sides.into_iter().map(|(connections, mine)| scope.spawn(move || turns(connections, work, mine)));
        let spawned: Vec<_> = spawned.collect();
        spawned.into_iter().map(ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut driven = Driven { took: begun.elapsed(), latencies: Histogram::new(3)?, client: 0 };
    for one in told {
        let Ok(one) = one else { bail!("a thread of the client panicked") };
        let (latencies, spent) = one?;
        driven.latencies.add(latencies)?;
        driven.client += spent;
    }
    Ok(driven)
}

/// Each connection in its turn: its answer is read, and the next login sent.
fn turns(
    mut idle: VecDeque<Connection>,
    work: &Work,
    mine: impl Iterator<Item = u64>,
) -> anyhow::Result<(Histogram<u64>, u64)> {
    let mut latencies = Histogram::new(3)?;
    let mut busy: VecDeque<(Connection, Instant)> = VecDeque::with_capacity(idle.len());
    for n in mine {
        let mut connection = match idle.pop_front() {
            Some(connection) => connection,
            None => answered(&mut busy, &mut latencies)?.context("no connection at all")?,
        };
        let (user, session) = work.login(n);
        let sent = Instant::now();
        connection.send_login(&user, &session)?;
        busy.push_back((connection, sent));
    }
    while answered(&mut busy, &mut latencies)?.is_some() {}
    Ok((latencies, cpu::of_this_thread()))
}

/// The connection that was asked first, once it has its answer.
fn answered(
    busy: &mut VecDeque<(Connection, Instant)>,
    latencies: &mut Histogram<u64>,
) -> anyhow::Result<Option<Connection>> {
    let Some((mut connection, sent)) = busy.pop_front() else { return Ok(None) };
    let status = connection.status()?;
    ensure!(status == 201, "a login was answered with status {status}");
    latencies.record(u64::try_from(sent.elapsed().as_nanos())?)?;
    Ok(Some(connection))
}
