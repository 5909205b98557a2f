//! Measures append and barrier against a plain file with the same bytes, and reading.
//!
//! `cargo run --release -p sledger-log --example throughput [DIR] [COMMITS]`
#![expect(clippy::print_stdout, reason = "a measurement is read on the terminal")]
#![expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "rates are shown, never stored"
)]

use sledger_core::command::Actor;
use sledger_core::event::{Counted, Decision, Event, LoginOp, Op};
use sledger_core::log::{Appended, Batch, Log};
use sledger_core::{Facts, KeyNo, Limit, Millis, Personal, Seq, Texts, UserNo};
use sledger_log::{LogConfig, Probe, Reader, SledLog};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Events of one commit.
const COMMIT: u64 = 1024;
/// Bytes of one commit to the plain file: what 1,024 events of `decision` take.
const COMMIT_BYTES: usize = 53_650;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let dir = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let commits = args.next().map_or(Ok(2_000), |text| text.parse())?;
    let dir = dir.join(format!("sledger-throughput-{}", std::process::id()));
    let Took { appended, plain, bytes } = append(&dir, commits)?;
    let events = (commits * COMMIT) as f64;
    println!(
        "append  {:>9.0} events/s  {:>7.0} commits/s",
        rate(events, appended),
        rate(commits as f64, appended)
    );
    println!("plain   {:>9.0} events/s  {:>7.0} commits/s", rate(events, plain), rate(commits as f64, plain));
    println!(
        "ratio   {:>9.2}  ({bytes} bytes of blocks, {:.1} an event)",
        plain.as_secs_f64() / appended.as_secs_f64(),
        bytes as f64 / events
    );
    for what in ["checked", "decoded"] {
        let begun = Instant::now();
        read(&dir, what == "decoded")?;
        let took = begun.elapsed();
        println!(
            "{what} {:>9.0} events/s  {:>7.0} MiB/s",
            rate(events, took),
            rate(bytes as f64 / 1_048_576.0, took)
        );
    }
    let begun = Instant::now();
    let mut log = SledLog::open(LogConfig::new(&dir))?;
    println!("open    {:>9} ms", begun.elapsed().as_millis());
    log.close()?;
    std::fs::remove_dir_all(&dir)?;
    std::fs::remove_file(dir.with_extension("plain"))?;
    Ok(())
}

fn rate(count: f64, took: Duration) -> f64 {
    count / took.as_secs_f64()
}

/// Of five events one login, three touches, one logout.
fn decision(seq: u64) -> Arc<Decision> {
    let (op, event) = match seq % 5 {
        0 => login(seq),
        4 => {
            let ended = Event::Ended {
                session: Seq(seq - 4),
                cause: sledger_core::event::Cause::Logout,
                ended_at: Millis(seq),
                judged: None,
            };
            (Op::Logout { session: Seq(seq - 4) }, ended)
        }
        n => (
            Op::Touch { session: Seq(seq - n) },
            Event::Touched { session: Seq(seq - n), last_active: Millis(1_790_000_000_000 + seq) },
        ),
    };
    let at = Millis(1_790_000_000_000 + seq);
    Arc::new(Decision {
        at,
        actor: Actor::Local,
        request_id: None,
        command: None,
        cause: None,
        op,
        judged: Vec::new(),
        events: vec![event],
    })
}

fn login(seq: u64) -> (Op, Event) {
    let (user, session) = (format!("user-{:06}", seq % 100_000), format!("{seq:016x}"));
    let facts =
        Arc::new(Facts::new(Texts { user: &user, session: &session, ip: "10.0.0.1", ..Texts::default() }));
    let op = LoginOp { facts: Personal::Plain(facts), extras: None, ttl: None, idle: None, retention: None };
    let counted = Counted { quota: 0, key: KeyNo(seq), limit: Limit::Unlimited, count: 1 };
    (
        Op::Login(Box::new(op)),
        Event::Admitted { user: UserNo(seq), counted: std::iter::once(counted).collect() },
    )
}

/// Time spent up to each point of an append, over all appends.
#[derive(Default)]
struct Phases(Mutex<(Option<Instant>, BTreeMap<&'static str, Duration>)>);

impl Probe for Phases {
    fn at(&self, point: &'static str) {
        if let Ok(mut phases) = self.0.lock() {
            let now = Instant::now();
            if let Some(before) = phases.0.replace(now) {
                *phases.1.entry(point).or_default() += now - before;
            }
        }
    }
}

struct Took {
    appended: Duration,
    plain: Duration,
    bytes: u64,
}

/// Appends to a ledger and, commit by commit, the same number of bytes to a plain file.
fn append(dir: &Path, commits: u64) -> Result<Took, Box<dyn Error>> {
    let phases = Arc::new(Phases::default());
    let mut log = SledLog::open(LogConfig { probe: Some(Arc::clone(&phases) as _), ..LogConfig::new(dir) })?;
    let mut file = File::create(dir.with_extension("plain"))?;
    let chunk = vec![0x5A; 64 * 1024];
    let mut took = Took { appended: Duration::ZERO, plain: Duration::ZERO, bytes: 0 };
    for _ in 0..commits {
        let head = log.head();
        let decisions: Vec<_> = (1..=COMMIT).map(|n| decision(head.seq.0 + n + 9)).collect();
        let begun = Instant::now();
        phases.at("");
        let answer = log.append(Batch { first: head.seq.next(), epoch: 1, decisions: &decisions }, &head);
        phases.at("append.noted");
        took.appended += begun.elapsed();
        if !matches!(answer, Appended::Committed(_)) {
            return Err(format!("{answer:?}").into());
        }
        let begun = Instant::now();
        file.write_all(chunk.get(..COMMIT_BYTES).unwrap_or(&chunk))?;
        file.sync_data()?;
        took.plain += begun.elapsed();
    }
    for (point, took) in
        phases.0.lock().map_err(|_| "a phase panicked")?.1.iter().filter(|(point, _)| !point.is_empty())
    {
        println!("  up to {point:<24} {:>6} us a commit", took.as_micros() as u64 / commits);
    }
    took.bytes = log
        .replay(Seq(1))?
        .map(|block| block.map(|block| block.bytes().len() as u64))
        .sum::<Result<_, _>>()?;
    let disk = std::fs::metadata(dir.join("volumes/000001/db"))?.len();
    println!("disk    {disk:>9} bytes of sled's file for {} of blocks", took.bytes);
    log.close()?;
    Ok(took)
}

fn read(dir: &Path, decode: bool) -> Result<u64, Box<dyn Error>> {
    let mut events = 0;
    for block in Reader::open(dir)?.blocks(Seq(1)) {
        let block = block?;
        events += u64::from(block.header().events);
        if decode {
            for decision in block.decisions() {
                std::hint::black_box(decision?);
            }
        }
    }
    Ok(events)
}
