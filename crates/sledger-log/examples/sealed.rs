//! Measures sealed volumes: bytes an event, how fast they are made and read, and what zstd's levels would give.
//!
//! Of five events one login, three touches, one logout; each login brings 16 random bytes as its session id.
//!
//! `cargo run --release -p sledger-log --example sealed [DIR] [EVENTS]`
#![expect(clippy::print_stdout, reason = "a measurement is read on the terminal")]
#![expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "rates are shown, never stored")]

use sledger_core::command::Actor;
use sledger_core::event::{Cause, Counted, Decision, Event, LoginOp, Op};
use sledger_core::log::{Appended, Batch, Log};
use sledger_core::{Facts, KeyNo, Limit, Millis, Personal, Seq, Texts, UserNo};
use sledger_log::{LogConfig, Reader, SealedInfo, SledLog};
use std::collections::VecDeque;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Events of one commit, each a decision of its own.
const COMMIT: u64 = 256;
/// Sessions that are live at a time.
const LIVE: usize = 20_000;
/// Raw bytes of a frame, as sealing has them.
const FRAME: usize = 512 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let dir = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let events: u64 = args.next().map_or(Ok(2_000_000), |text| text.parse())?;
    let dir = dir.join(format!("sledger-sealed-{}", std::process::id()));
    let mut log = SledLog::open(LogConfig { seal: false, ..LogConfig::new(&dir) })?;
    fill(&mut log, events)?;
    log.close()?;
    drop(log);
    levels(&dir)?;
    seal(&dir)?;
    for what in ["read", "decoded"] {
        let begun = Instant::now();
        let events = read(&dir, what == "decoded")?;
        println!("{what:<8} {:>10.0} events/s", rate(events as f64, begun.elapsed()));
    }
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

fn rate(count: f64, took: Duration) -> f64 {
    count / took.as_secs_f64()
}

/// Seals everything, and says what came of it.
fn seal(dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut log = SledLog::open(LogConfig::new(dir))?;
    let begun = Instant::now();
    log.seal_now()?;
    let status = log.sealing().wait(Duration::from_secs(600));
    let took = begun.elapsed();
    log.close()?;
    println!("{status:?}");
    let sealed: Vec<SealedInfo> = Reader::open(dir)?.volumes().filter_map(|volume| volume.sealed).collect();
    let sum = |of: fn(&SealedInfo) -> u64| sealed.iter().map(of).sum::<u64>() as f64;
    let (events, bytes, raw) =
        (sum(|volume| volume.events), sum(|volume| volume.bytes), sum(|volume| volume.raw_bytes));
    println!("sealed   {:>10.1} bytes an event, {:.1} before, {events} events", bytes / events, raw / events);
    println!(
        "         {:>10.0} events/s, {:.0} MiB/s, read back included",
        rate(events, took),
        rate(raw / 1_048_576.0, took)
    );
    Ok(())
}

/// What each level makes of the blocks, in frames as sealing has them.
fn levels(dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut frames = vec![Vec::new()];
    let mut events = 0;
    for block in Reader::open(dir)?.blocks(Seq(1)).take(20_000) {
        let block = block?;
        events += u64::from(block.header().events);
        if frames.last().is_some_and(|frame: &Vec<u8>| frame.len() >= FRAME) {
            frames.push(Vec::new());
        }
        frames.last_mut().ok_or("no frame")?.extend_from_slice(block.bytes());
    }
    let raw: usize = frames.iter().map(Vec::len).sum();
    for level in [1, 3, 5, 7, 9, 12, 15] {
        let begun = Instant::now();
        let packed =
            frames.iter().map(|frame| zstd::bulk::compress(frame, level)).collect::<Result<Vec<_>, _>>()?;
        let took = begun.elapsed();
        let bytes: usize = packed.iter().map(Vec::len).sum();
        let begun = Instant::now();
        for (frame, packed) in frames.iter().zip(&packed) {
            std::hint::black_box(zstd::bulk::decompress(packed, frame.len())?);
        }
        println!(
            "level {level:<2} {:>10.2} bytes an event, packs {:>5.0} MiB/s, unpacks {:>5.0} MiB/s",
            bytes as f64 / events as f64,
            rate(raw as f64 / 1_048_576.0, took),
            rate(raw as f64 / 1_048_576.0, begun.elapsed())
        );
    }
    Ok(())
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

/// Random numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

/// Logins, touches and logouts, in an order that is drawn.
struct Mix {
    random: Random,
    live: VecDeque<Seq>,
    at: u64,
}

impl Mix {
    fn decision(&mut self, seq: u64) -> Arc<Decision> {
        let drawn = self.random.next();
        self.at += drawn >> 32 & 3;
        let (op, event) = match (drawn % 5, self.any(drawn >> 8)) {
            (1..=3, Some(session)) => {
                (Op::Touch { session }, Event::Touched { session, last_active: Millis(self.at) })
            }
            (4, Some(session)) if self.live.len() >= LIVE => self.logout(session),
            _ => self.login(seq),
        };
        Arc::new(Decision {
            at: Millis(self.at),
            actor: Actor::Gate("edge-1".into()),
            request_id: None,
            command: None,
            cause: None,
            op,
            judged: Vec::new(),
            events: vec![event],
        })
    }

    fn any(&self, drawn: u64) -> Option<Seq> {
        let at = usize::try_from(drawn).unwrap_or(0).checked_rem(self.live.len())?;
        self.live.get(at).copied()
    }

    fn logout(&mut self, session: Seq) -> (Op, Event) {
        if let Some(at) = self.live.iter().position(|live| *live == session) {
            self.live.swap_remove_back(at);
        }
        let ended = Event::Ended { session, cause: Cause::Logout, ended_at: Millis(self.at), judged: None };
        (Op::Logout { session }, ended)
    }

    fn login(&mut self, seq: u64) -> (Op, Event) {
        self.live.push_back(Seq(seq));
        let no = self.random.next() % 100_000;
        let (user, session) =
            (format!("user-{no:06}"), format!("{:016x}{:016x}", self.random.next(), self.random.next()));
        let [_, a, b, c, ..] = self.random.next().to_le_bytes();
        let ip = format!("10.{a}.{b}.{c}");
        let facts =
            Arc::new(Facts::new(Texts { user: &user, session: &session, ip: &ip, ..Texts::default() }));
        let op =
            LoginOp { facts: Personal::Plain(facts), extras: None, ttl: None, idle: None, retention: None };
        let counted = Counted { quota: 0, key: KeyNo(no), limit: Limit::Unlimited, count: 1 };
        (
            Op::Login(Box::new(op)),
            Event::Admitted { user: UserNo(no), counted: std::iter::once(counted).collect() },
        )
    }
}

fn fill(log: &mut SledLog, events: u64) -> Result<(), Box<dyn Error>> {
    let mut mix = Mix { random: Random(0x9E37_79B9_7F4A_7C15), live: VecDeque::new(), at: 1_790_000_000_000 };
    while log.head().seq.0 < events {
        let head = log.head();
        let decisions: Vec<_> = (1..=COMMIT).map(|n| mix.decision(head.seq.0 + n)).collect();
        let answer = log.append(Batch { first: head.seq.next(), epoch: 1, decisions: &decisions }, &head);
        if !matches!(answer, Appended::Committed(_)) {
            return Err(format!("{answer:?}").into());
        }
    }
    Ok(())
}
