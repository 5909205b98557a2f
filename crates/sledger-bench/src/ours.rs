//! Our side: a ledger in this process, on a real disk, asked by callers that do not wait for each answer.

use crate::asking::{Asked, Asking, login};
use crate::cpu;
use crate::work::{LIMIT, Run, Work};
use anyhow::bail;
use hdrhistogram::Histogram;
use sledger::core::Limit;
use sledger::core::config::{Origin, Quota, Settings};
use sledger::{Config, Ledger};
use std::ops::Range;
use std::path::Path;
use std::thread::ScopedJoinHandle;
use std::time::Instant;
use tempfile::TempDir;

/// Unanswered requests while a ledger is filled.
const FILL_IN_FLIGHT: usize = 8192;

/// A ledger in a folder of its own.
pub(crate) struct Ours {
    ledger: Ledger,
    folder: TempDir,
}

impl Ours {
    /// A new ledger in which the full users of `work` are full.
    pub(crate) fn filled(folder: &Path, work: &Work) -> anyhow::Result<Self> {
        Self::filled_as(folder, work, false)
    }

    /// The same, with personal values sealed or not.
    pub(crate) fn filled_as(folder: &Path, work: &Work, sealed: bool) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix_in("ledger-", folder)?;
        let config = Config { settings: settings(work), seal_personal: sealed, ..Config::new(folder.path()) };
        let ledger = Ledger::open(config)?;
        let ours = Self { ledger, folder };
        let mut side = Asking::new(&ours.ledger, FILL_IN_FLIGHT)?;
        for n in work.filling() {
            side.ask(login(work.filler(n)))?;
        }
        side.finish()?;
        Ok(ours)
    }

    /// The ledger.
    pub(crate) const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The logins of `range`, dealt out to `threads` that may each have `in_flight` unanswered.
    pub(crate) fn run(
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
    pub(crate) fn close(self) {
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
    let mut asking = Asking::new(ledger, in_flight)?;
    for n in mine {
        asking.ask(login(work.login(n)))?;
    }
    Ok((asking.finish()?, cpu::of_this_thread()))
}
