//! Our side: a ledger in this process, on a real disk, asked by callers that do not wait for each answer.

use super::work::{LIMIT, Work};
use super::{Run, cpu};
use anyhow::{Context, bail, ensure};
use hdrhistogram::Histogram;
use sledger::core::Limit;
use sledger::core::config::{Origin, Quota, Settings};
use sledger::{Actor, Caller, Command, Config, Ledger, Login, Outcome, Request};
use std::ops::Range;
use std::path::Path;
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longer than a barrier may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// Unanswered requests while a ledger is filled.
const FILL_IN_FLIGHT: usize = 8192;

/// A ledger in a folder of its own.
pub(super) struct Ours {
    ledger: Ledger,
    folder: TempDir,
}

impl Ours {
    /// A new ledger in which the full users of `work` are full.
    pub(super) fn filled(folder: &Path, work: &Work) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix_in("ledger-", folder)?;
        let ledger = Ledger::open(Config { settings: settings(work), ..Config::new(folder.path()) })?;
        let ours = Self { ledger, folder };
        let mut side = Asking::new(&ours.ledger, FILL_IN_FLIGHT, 0)?;
        for n in work.filling() {
            side.ask(work.filler(n))?;
        }
        side.finish()?;
        Ok(ours)
    }

    /// The logins of `range`, dealt out to `threads` that may each have `in_flight` unanswered.
    pub(super) fn run(
        &self,
        work: &Work,
        range: Range<u64>,
        (threads, in_flight): (u64, usize),
    ) -> anyhow::Result<Run> {
        let logins = range.end - range.start;
        let before = cpu::by_kind();
        let begun = Instant::now();
        let asked = std::thread::scope(|scope| {
            let mine =
                |thread| (range.start + thread..range.end).step_by(usize::try_from(threads).unwrap_or(1));
            let spawned: Vec<_> = (0..threads)
                .map(|thread| {
                    let (mine, ledger) = (mine(thread), &self.ledger);
                    scope.spawn(move || ask_all(ledger, work, mine, in_flight))
                })
                .collect();
            spawned.into_iter().map(ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        let took = begun.elapsed();
        let mut callers = 0;
        let mut run =
            Run { logins, took, latencies: Histogram::new(3)?, evicted: 0, spent: cpu::Spent::new() };
        for one in asked {
            let Ok(one) = one else { bail!("a calling thread panicked") };
            let (asked, spent) = one?;
            run.latencies.add(asked.latencies)?;
            run.evicted += asked.evicted;
            callers += spent;
        }
        run.spent = cpu::between(&before, cpu::by_kind(), callers);
        Ok(run)
    }

    /// Closes the ledger and removes its folder.
    pub(super) fn close(self) {
        self.ledger.close();
        drop(self.folder);
    }
}

fn settings(work: &Work) -> Settings {
    let quota = Quota {
        max_sessions: Limit::at_most(LIMIT).unwrap_or(Limit::Unlimited),
        on_exhausted: work.policy.to_owned(),
        origin: Origin::File,
        ..Quota::default_quota()
    };
    Settings { quotas: vec![quota.into()], ..Settings::default() }
}

fn ask_all(
    ledger: &Ledger,
    work: &Work,
    mine: impl Iterator<Item = u64>,
    in_flight: usize,
) -> anyhow::Result<(Asked, u64)> {
    let mut asking = Asking::new(ledger, in_flight, mine.size_hint().0)?;
    for n in mine {
        asking.ask(work.login(n))?;
    }
    Ok((asking.finish()?, cpu::of_this_thread()))
}

/// One caller on its way through its logins.
struct Asking {
    caller: Caller,
    in_flight: usize,
    /// When each login was sent, by token.
    sent: Vec<Instant>,
    asked: Asked,
}

/// What came of logins.
struct Asked {
    latencies: Histogram<u64>,
    evicted: u64,
}

impl Asking {
    fn new(ledger: &Ledger, in_flight: usize, logins: usize) -> anyhow::Result<Self> {
        let (caller, sent) = (ledger.caller(in_flight), Vec::with_capacity(logins));
        let asked = Asked { latencies: Histogram::new(3)?, evicted: 0 };
        Ok(Self { caller, in_flight, sent, asked })
    }

    fn ask(&mut self, (user, session): (String, String)) -> anyhow::Result<()> {
        if self.caller.in_flight() >= self.in_flight {
            self.collect()?;
        }
        let login = Login { user: Some(user), session: Some(session), ..Login::default() };
        let sent = Instant::now();
        self.caller.submit(Request::new(Actor::Local, Command::Login(Box::new(login))))?;
        self.sent.push(sent);
        Ok(())
    }

    /// Waits for an answer, and takes all that are there.
    fn collect(&mut self) -> anyhow::Result<()> {
        let mut next = self.caller.next_within(PATIENCE);
        ensure!(next.is_some(), "no answer within {PATIENCE:?}");
        let now = Instant::now();
        while let Some((token, completion)) = next {
            let answer = completion?;
            ensure!(answer.outcome == Outcome::Admitted, "a login was {}", answer.outcome.as_str());
            self.asked.evicted += u64::from(!answer.evicted.is_empty());
            let sent = self.sent.get(usize::try_from(token.0)?).context("an answer to nothing sent")?;
            let took = now.saturating_duration_since(*sent).as_micros();
            self.asked.latencies.record(u64::try_from(took)?)?;
            next = self.caller.try_next();
        }
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<Asked> {
        while self.caller.in_flight() > 0 {
            self.collect()?;
        }
        Ok(self.asked)
    }
}
