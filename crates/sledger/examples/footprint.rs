//! What a live session costs: bytes of the process, and processor time of the decider alone.
//!
//! `footprint grow [SESSIONS] [SESSIONS PER USER]` grows a ledger on disk by that many sessions, with one quota by
//! user, one by address and the projector on, and prints by how much the process grew for each.
//! `footprint decide …` has logins decided by a decider without threads, first into room, then each for another
//! session that has to go, and prints the processor time of one.
#![expect(clippy::print_stdout, reason = "its figures are its output")]

use rustix::time::{ClockId, clock_gettime};
use sledger::core::config::{Bounds, Dimension, Quota, Settings};
use sledger::core::decider::Decider;
use sledger::core::{Limit, Millis};
use sledger::policy::Engine;
use sledger::projector::Projection;
use sledger::{Actor, Command, Config, Ledger, Login, Request};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const IN_FLIGHT: usize = 4096;
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let what = args.next().unwrap_or_default();
    let sessions = args.next().map_or(Ok(1_000_000), |word| word.parse())?;
    let each = args.next().map_or(Ok(5), |word| word.parse())?;
    let shape = Shape { sessions, users: (sessions / each).max(1) };
    match &*what {
        "grow" => grow(&shape),
        "decide" => decide(&shape, each),
        _ => Err("say `grow` or `decide`".into()),
    }
}

/// Who comes.
struct Shape {
    sessions: u64,
    users: u64,
}

impl Shape {
    /// Every user once, then every user again, in an order without neighbours.
    fn login(&self, n: u64, with_ip: bool) -> Request {
        let user = n.wrapping_mul(7919) % self.users;
        let ip = with_ip.then(|| format!("10.{}.{}.{}", user >> 16 & 255, user >> 8 & 255, user & 255));
        let (user, session) = (Some(format!("user-{user:06}")), Some(format!("{n:016x}")));
        Request::new(Actor::Local, Command::Login(Box::new(Login { user, session, ip, ..Login::default() })))
    }
}

fn settings(limit: u64, with_ip: bool) -> Settings {
    let limit = u32::try_from(limit).ok().and_then(Limit::at_most).unwrap_or(Limit::Unlimited);
    let by = |name: &str, dimension| {
        let name = name.to_owned();
        Arc::new(Quota { name, count_by: vec![dimension], max_sessions: limit, ..Quota::default_quota() })
    };
    let mut quotas = vec![by("per-user", Dimension::User)];
    if with_ip {
        quotas.push(by("per-ip", Dimension::Ip));
    }
    Settings { quotas, ..Settings::default() }
}

fn grow(shape: &Shape) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let config = Config { settings: settings(1000, true), ..Config::new(folder.path()) };
    let ledger = Ledger::open(config)?;
    let before = resident()?;
    let mut caller = ledger.caller(IN_FLIGHT);
    for n in 0..shape.sessions {
        while caller.in_flight() >= IN_FLIGHT {
            caller.next_within(PATIENCE).ok_or("no answer")?.1?;
            while let Some((_, answer)) = caller.try_next() {
                answer?;
            }
        }
        caller.submit(shape.login(n, true))?;
    }
    while let Some((_, answer)) = caller.next_within(PATIENCE) {
        answer?;
    }
    let live = ledger.views().read(Projection::session_count)?;
    let grown = resident()?.saturating_sub(before);
    println!(
        "{live} live of {} users: {} bytes each of {} MiB",
        shape.users,
        grown / shape.sessions,
        grown >> 20
    );
    ledger.close();
    Ok(())
}

fn decide(shape: &Shape, each: u64) -> Result<(), Box<dyn Error>> {
    let means = (Bounds::default(), 7);
    let mut decider = Decider::genesis(settings(each, false), &[], Engine::new(), means)?;
    let mut out = Vec::new();
    for (name, range) in
        [("growing", 0..shape.sessions), ("evicting", shape.sessions..shape.sessions + shape.sessions / 2)]
    {
        let logins = range.end - range.start;
        let mut spent = Duration::ZERO;
        for first in range.step_by(256) {
            let requests: Vec<Request> = (first..first + 256).map(|n| shape.login(n, false)).collect();
            let begun = processor_time()?;
            let at = Millis(1_790_000_000_000 + first / 256);
            decider.look_ahead(requests.iter());
            let answers: Vec<_> =
                requests.iter().map(|request| decider.decide_boxed(request, at, &mut out)).collect();
            spent += processor_time()?.saturating_sub(begun);
            drop(answers);
            out.clear();
        }
        println!("{name}: {} ns each", spent.as_nanos() / u128::from(logins));
    }
    Ok(())
}

fn processor_time() -> Result<Duration, Box<dyn Error>> {
    Ok(Duration::try_from(clock_gettime(ClockId::ThreadCPUTime))?)
}

/// Bytes of this process in memory.
fn resident() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<u64>()? * 1024)
}
