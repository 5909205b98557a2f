//! The log beside a plain file: the same bytes, appended and synced as often.
//!
//! A first ledger, which is not counted, shows the bytes of each commit: equal batches make equal blocks. Then each
//! run appends the same batches to a fresh ledger and, commit by commit in turns with it, those bytes to a plain
//! file: one `write` and one `fdatasync`, and nothing of what the log does besides (encoding, hashes, marks).

use crate::figure::{Figure, Target};
use crate::stats::{mebibytes, micros_each, rate};
use crate::{Common, Measured};
use anyhow::{Context, ensure};
use sledger::core::command::Actor;
use sledger::core::event::{Cause, Counted, Decision, Event, LoginOp, Op};
use sledger::core::log::{Appended, Batch, Log};
use sledger::core::{Facts, KeyNo, Limit, Millis, Personal, Seq, Texts, UserNo};
use sledger::log::{LedgerId, LogConfig, Probe, Reader, SledLog};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Events of one commit.
const COMMIT_EVENTS: u64 = 1024;
/// Equal ledgers make equal blocks only under equal ids.
const LEDGER: LedgerId = LedgerId(*b"sledger-bench.01");
/// Commits of one run.
const COMMITS: usize = 500;
const COMMITS_QUICK: usize = 10;
/// Parts of an append, each up to the point named.
const PARTS: [(&str, &str); 5] = [
    ("append.before_insert", "encode and hash"),
    ("append.after_insert", "insert into sled"),
    ("append.after_flush", "sled's flush"),
    ("append.after_fdatasync", "fdatasync"),
    (NOTED, "note the head"),
];
/// Where an append returns.
const NOTED: &str = "noted";

/// What the runs gave, each a list by run.
#[derive(Default)]
struct Runs {
    ours: Vec<f64>,
    plain: Vec<f64>,
    scanned: Vec<f64>,
    scanned_mib: Vec<f64>,
    decoded: Vec<f64>,
    parts: BTreeMap<&'static str, Vec<f64>>,
}

/// Measures append and barrier, and reading.
pub(crate) fn measure(common: &Common) -> anyhow::Result<Measured> {
    let commits = if common.quick { COMMITS_QUICK } else { COMMITS };
    let bytes = bytes(common, commits)?;
    let mut measured = Runs::default();
    for _ in 0..common.runs() {
        run(common, &bytes, &mut measured)?;
    }
    Ok(figures(&measured).into())
}

fn figures(measured: &Runs) -> Vec<Figure> {
    let Runs { ours, plain, scanned, scanned_mib, decoded, parts } = measured;
    let append = Figure::new("log: append and barrier, 1,024 events a commit", ours, "events/s")
        .map(|figure| figure.beside("plain file", ours, plain).held_to(Target::RatioAtLeast(0.5)));
    let mut all = vec![
        append,
        Figure::new("log: read, scanned and its chain checked", scanned, "events/s"),
        Figure::new("log: read, scanned and its chain checked, bytes", scanned_mib, "MiB/s"),
        Figure::new("log: read, scanned, checked and decoded", decoded, "events/s"),
    ];
    for (point, name) in PARTS {
        let took = parts.get(point).map(Vec::as_slice).unwrap_or_default();
        all.push(Figure::new(format!("log: of a commit, {name}"), took, "us"));
    }
    all.into_iter().flatten().collect()
}

/// The bytes of each commit.
fn bytes(common: &Common, commits: usize) -> anyhow::Result<Vec<Vec<u8>>> {
    let folder = common.folder()?;
    let mut ours = Ours::new(&folder.path().join("ledger"))?;
    for _ in 0..commits {
        ours.append()?;
    }
    ours.close()?;
    scan(&folder.path().join("ledger"), commits)
}

fn run(common: &Common, bytes: &[Vec<u8>], measured: &mut Runs) -> anyhow::Result<()> {
    let folder = common.folder()?;
    let ledger = folder.path().join("ledger");
    let commits = bytes.len() as u64;
    let mut ours = Ours::new(&ledger)?;
    let mut plain = File::create(folder.path().join("plain"))?;
    let (mut appended, mut written) = (Duration::ZERO, Duration::ZERO);
    for commit in bytes {
        appended += ours.append()?;
        let begun = Instant::now();
        plain.write_all(commit)?;
        plain.sync_data()?;
        written += begun.elapsed();
    }
    ours.watch.tell(commits, &mut measured.parts);
    ours.close()?;
    let events = commits * COMMIT_EVENTS;
    measured.ours.push(rate(events, appended));
    measured.plain.push(rate(events, written));
    read(&ledger, bytes, measured)
}

fn read(ledger: &Path, bytes: &[Vec<u8>], measured: &mut Runs) -> anyhow::Result<()> {
    let events = bytes.len() as u64 * COMMIT_EVENTS;
    let begun = Instant::now();
    let found = scan(ledger, bytes.len())?;
    let took = begun.elapsed();
    ensure!(found == bytes, "the plain file did not get the bytes that the ledger holds");
    measured.scanned.push(rate(events, took));
    measured.scanned_mib.push(mebibytes(bytes.iter().map(|commit| commit.len() as u64).sum(), took));
    let begun = Instant::now();
    decode(ledger)?;
    measured.decoded.push(rate(events, begun.elapsed()));
    Ok(())
}

/// A log being appended to.
struct Ours {
    log: SledLog,
    watch: Arc<Watch>,
}

impl Ours {
    fn new(dir: &Path) -> anyhow::Result<Self> {
        let watch = Arc::new(Watch::default());
        let probe = Some(Arc::clone(&watch) as _);
        let log = SledLog::open(LogConfig { probe, ledger: Some(LEDGER), ..LogConfig::new(dir) })?;
        Ok(Self { log, watch })
    }

    /// One commit. Making its decisions is not counted.
    fn append(&mut self) -> anyhow::Result<Duration> {
        let head = self.log.head();
        let first = head.seq.next();
        let decisions: Vec<_> = (0..COMMIT_EVENTS).map(|n| decision(first.0 + n)).collect();
        let begun = Instant::now();
        self.watch.begin(begun);
        let appended = self.log.append(Batch { first, epoch: 1, decisions: &decisions }, &head);
        self.watch.at(NOTED);
        let took = begun.elapsed();
        ensure!(matches!(appended, Appended::Committed(_)), "append at seq {first}: {appended:?}");
        Ok(took)
    }

    fn close(mut self) -> anyhow::Result<()> {
        self.log.close().map_err(anyhow::Error::msg).context("close the log")
    }
}

/// The bytes of each commit, as they lie in the ledger.
fn scan(dir: &Path, commits: usize) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut bytes = vec![Vec::new(); commits];
    for block in Reader::open(dir)?.blocks(Seq(1)) {
        let block = block?;
        let commit = usize::try_from((block.header().first.0 - 1) / COMMIT_EVENTS)?;
        bytes.get_mut(commit).context("more blocks than were appended")?.extend_from_slice(block.bytes());
    }
    Ok(bytes)
}

fn decode(dir: &Path) -> anyhow::Result<()> {
    for block in Reader::open(dir)?.blocks(Seq(1)) {
        for decision in block?.decisions() {
            std::hint::black_box(decision?);
        }
    }
    Ok(())
}

/// Of five decisions one login, three touches, one logout; each of one event.
fn decision(seq: u64) -> Arc<Decision> {
    let at = Millis(1_790_000_000_000 + seq);
    let begun = Seq(seq - seq % 5);
    let (op, event) = match seq % 5 {
        0 => login(seq),
        4 => (
            Op::Logout { session: begun },
            Event::Ended { session: begun, cause: Cause::Logout, ended_at: at, judged: None },
        ),
        _ => (Op::Touch { session: begun }, Event::Touched { session: begun, last_active: at }),
    };
    let (actor, judged, events) = (Actor::Local, Vec::new(), vec![event]);
    Arc::new(Decision { at, actor, request_id: None, command: None, cause: None, op, judged, events })
}

fn login(seq: u64) -> (Op, Event) {
    let (user, session) = (format!("user-{:06}", seq % 100_000), format!("{seq:016x}"));
    let facts = Facts::new(Texts { user: &user, session: &session, ip: "10.0.0.1", ..Texts::default() });
    let facts = Personal::Plain(Arc::new(facts));
    let op = LoginOp { facts, extras: None, ttl: None, idle: None, retention: None };
    let counted = Counted { quota: 0, key: KeyNo(seq), limit: Limit::Unlimited, count: 1 };
    let counted = std::iter::once(counted).collect();
    (Op::Login(Box::new(op)), Event::Admitted { user: UserNo(seq), counted })
}

/// Time spent up to each point of an append, over all appends.
#[derive(Default)]
struct Watch(Mutex<(Option<Instant>, BTreeMap<&'static str, Duration>)>);

impl Watch {
    fn begin(&self, now: Instant) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = Some(now);
    }

    fn tell(&self, commits: u64, parts: &mut BTreeMap<&'static str, Vec<f64>>) {
        for (point, took) in &self.0.lock().unwrap_or_else(PoisonError::into_inner).1 {
            parts.entry(point).or_default().push(micros_each(*took, commits));
        }
    }
}

impl Probe for Watch {
    fn at(&self, point: &'static str) {
        let mut watch = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(before) = watch.0.replace(now) {
            *watch.1.entry(point).or_default() += now - before;
        }
    }
}
