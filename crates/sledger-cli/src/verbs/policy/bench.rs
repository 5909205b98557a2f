//! `policy bench`: what asking a policy takes, beside asking one that does nothing.

mod asked;

use crate::args::Global;
use crate::configured::{self, Flags};
use crate::exit::{Exit, Usage};
use crate::output::Output;
use anyhow::{Context as _, Result};
use asked::Asked;
use clap::Args;
use serde_json::{Value, json};
use sledger_policy::{SOURCE_BYTES_MAX, built_in, load_folder_if_there};
use sledger_wire::escape;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Sessions under the exhausted key.
const SIZES: [u32; 3] = [5, 100, 1000];
/// A policy that does nothing: what it takes is what asking takes.
const EMPTY: &str = "fn on_exhausted() { }";

/// Measure what asking a policy takes
///
/// It is asked many times with 5, 100 and 1,000 sessions under the exhausted
/// key. Beside it a policy that does nothing is asked as often, in turns, so
/// that the ratio says more than the time: machines differ.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// A policy's file, or its name: in the policies folder, or built in
    #[arg(value_name = "FILE|NAME")]
    policy: PathBuf,
    /// How often it is asked, for each number of sessions
    #[arg(long, value_name = "N", default_value_t = 2000)]
    #[arg(value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    asks: u32,
}

/// What was measured with so many sessions.
struct Measured {
    sessions: u32,
    operations: u32,
    outcome: &'static str,
    policy: Times,
    empty: Times,
}

/// Nanoseconds.
struct Times {
    min: u128,
    median: u128,
    p99: u128,
}

impl Times {
    fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        let at = |percent: usize| {
            let index = (all.len() * percent / 100).min(all.len().saturating_sub(1));
            all.get(index).map(Duration::as_nanos).unwrap_or_default()
        };
        Self { min: at(0), median: at(50), p99: at(99) }
    }

    fn json(&self) -> Value {
        json!({"min": number(self.min), "median": number(self.median), "p99": number(self.p99)})
    }
}

impl Measured {
    fn of(name: &str, source: &str, (sessions, asks): (u32, u32)) -> Result<Self> {
        let mut policy = Asked::new(name, source, sessions)?;
        let mut empty = Asked::new("empty", EMPTY, sessions)?;
        let (mut of_policy, mut of_empty) = (Vec::new(), Vec::new());
        // The first asking compiles.
        policy.ask();
        empty.ask();
        for _ in 0..asks {
            of_policy.push(policy.ask());
            of_empty.push(empty.ask());
        }
        let (outcome, operations) = policy.last();
        let (policy, empty) = (Times::of(of_policy), Times::of(of_empty));
        Ok(Self { sessions, operations, outcome, policy, empty })
    }

    /// How many times the empty policy, in tenths.
    fn ratio_tenths(&self) -> u128 {
        (self.policy.median * 10).checked_div(self.empty.median).unwrap_or_default()
    }

    fn line(&self) -> String {
        let Times { min, median, p99 } = &self.policy;
        let (min, median, p99) = (micros(*min), micros(*median), micros(*p99));
        let ratio = self.ratio_tenths();
        let ratio = format!("{}.{}", ratio / 10, ratio % 10);
        let (sessions, operations) = (self.sessions, self.operations);
        format!(
            "{sessions:>8}  {operations:>10}  {min:>9}  {median:>9}  {p99:>9}  {ratio:>7}  {}",
            self.outcome
        )
    }

    fn json(&self) -> Value {
        json!({
            "sessions": self.sessions, "operations": self.operations, "outcome": self.outcome,
            "nanoseconds": self.policy.json(), "empty_nanoseconds": self.empty.json(),
            "ratio_tenths": number(self.ratio_tenths()),
        })
    }
}

impl Bench {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let (name, source) = self.find(global, out)?;
        let measured: Result<Vec<Measured>> =
            SIZES.iter().map(|sessions| Measured::of(&name, &source, (*sessions, self.asks))).collect();
        let measured = measured?;
        if out.is_json() {
            let sizes: Vec<Value> = measured.iter().map(Measured::json).collect();
            out.json(&json!({"policy": name, "asks": self.asks, "sizes": sizes}))?;
            return Ok(Exit::Ok);
        }
        out.line(&format!(
            "{}, asked {} times; µs, and times a policy that does nothing",
            escape(&name),
            self.asks
        ))?;
        out.line("sessions  operations     min µs  median µs     p99 µs  × empty")?;
        for one in &measured {
            out.line(&one.line())?;
        }
        if cfg!(debug_assertions) {
            out.say("this is a debug build: times mean little");
        }
        Ok(Exit::Ok)
    }

    fn find(&self, global: &Global, out: &mut Output<'_>) -> Result<(String, String)> {
        if self.policy.is_file() {
            let stem = self.policy.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            return Ok((stem.to_owned(), read(&self.policy)?));
        }
        let name = self.policy.to_str().unwrap_or_default();
        let folder = configured::load(global, &Flags::new(), out)?.config.policies.folder;
        let found = load_folder_if_there(&folder)?.into_iter().find(|(known, _)| known == name);
        found.or_else(|| built_in(name).map(|source| (name.to_owned(), source.to_owned()))).ok_or_else(|| {
            let shown = self.policy.display();
            Usage::error(format!("`{shown}` is neither a file nor a policy's name"))
        })
    }
}

fn read(path: &Path) -> Result<String> {
    let shown = || format!("cannot read `{}`", path.display());
    let mut source = String::new();
    let file = std::fs::File::open(path).with_context(shown)?;
    file.take(SOURCE_BYTES_MAX as u64 + 1).read_to_string(&mut source).with_context(shown)?;
    Ok(source)
}

fn micros(nanoseconds: u128) -> String {
    format!("{}.{:02}", nanoseconds / 1000, nanoseconds % 1000 / 10)
}

fn number(nanoseconds: u128) -> u64 {
    u64::try_from(nanoseconds).unwrap_or(u64::MAX)
}
