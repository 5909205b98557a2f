//! Requests a second while a ledger is looked after, beside those while it is left alone, of one ledger in one run.
//!
//! One caller asks in stretches, each to its last answer. Beside a stretch, on a thread that stands back, goes what
//! looking after the stretch before takes: a backup of what that added, the drop or the archiving of as many volumes
//! as it filled. Kinds of stretches take turns, so that each stands beside one of a ledger left alone.

use crate::asking::Asking;
use crate::figure::{Figure, Target};
use crate::mix::{self, Filling, Mix};
use crate::stats::rate;
use crate::{Common, Measured};
use anyhow::{bail, ensure};
use clap::Args;
use sledger::core::Seq;
use sledger::core::command::Keep;
use sledger::log::backup::BackupWriter;
use sledger::log::{Reader, stand_back};
use sledger::{Actor, Command, Config, Ledger, Outcome, Request, Upto};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Unanswered requests.
const IN_FLIGHT: usize = 4096;
/// What a stretch with something beside it must reach of one without.
const TARGET: f64 = 0.97;
/// Longer than an answer takes.
const PATIENCE: Duration = Duration::from_secs(15);
/// The longest that is waited for volumes to be sealed, and how soon is looked again.
const SEAL_MAX: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// In this order.
const KINDS: [Kind; 4] = [Kind::Backup, Kind::Drop, Kind::Archive, Kind::Hold];

/// How keeping is measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Requests of a stretch [default: 600000; quick: 4000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(100..=100_000_000))]
    stretch: Option<u64>,
    /// Live sessions [default: 100000; quick: 500]
    #[arg(long, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    sessions: Option<u64>,
    /// Bytes of blocks in a volume [default: 16777216; quick: 65536]
    #[arg(long)]
    volume_bytes: Option<u64>,
}

/// What goes on beside a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Backup,
    Drop,
    Archive,
    Hold,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Backup => "beside a backup of as much",
            Self::Drop => "beside dropping as much",
            Self::Archive => "beside archiving as much",
            Self::Hold => "under a hold",
        }
    }
}

/// A ledger and what is asked of it.
struct Bench {
    ledger: Ledger,
    mix: Mix,
    stretch: usize,
    data: PathBuf,
    backup: PathBuf,
    archive: PathBuf,
}

/// Measures admissions beside keeping.
pub(crate) fn measure(common: &Common, options: &Options) -> anyhow::Result<Measured> {
    let pick = |given: Option<u64>, quick, full| given.unwrap_or(if common.quick { quick } else { full });
    let stretch = pick(options.stretch, 4_000, 600_000);
    let live = pick(options.sessions, 500, 100_000);
    let volume_bytes_max = pick(options.volume_bytes, 64 << 10, 16 << 20);
    let folder = common.folder()?;
    let [data, backup, archive] = ["data", "backup", "archive"].map(|name| folder.path().join(name));
    let config = Config { volume_bytes_max, reserve_bytes: 0, ..mix::config(&data) };
    let ledger = Ledger::open(config)?;
    let mix = mix::fill(&ledger, Filling { events: live, live, seed: common.seed }, mix::FILL_IN_FLIGHT)?;
    let mut bench = Bench { ledger, mix, stretch: usize::try_from(stretch)?, data, backup, archive };
    bench.alone()?;
    bench.alone()?;
    let mut rates = KINDS.map(|kind| (kind, Vec::new(), Vec::new()));
    for _ in 0..common.runs() {
        for (kind, beside, alone) in &mut rates {
            alone.push(bench.alone()?);
            beside.push(bench.beside(*kind)?);
        }
    }
    bench.ledger.close();
    let figures = rates.iter().filter_map(|(kind, beside, alone)| {
        let figure = Figure::new(format!("keeping: requests, {}", kind.name()), beside, "requests/s")?;
        Some(figure.beside("left alone", beside, alone).held_to(Target::RatioAtLeast(TARGET)))
    });
    Ok(figures.collect::<Vec<_>>().into())
}

impl Bench {
    /// Requests a second of a stretch with nothing beside it.
    fn alone(&mut self) -> anyhow::Result<f64> {
        let begun = Instant::now();
        let mut asking = Asking::new(&self.ledger, IN_FLIGHT)?;
        for request in self.mix.by_ref().take(self.stretch) {
            asking.ask(request)?;
        }
        asking.finish()?;
        Ok(rate(self.stretch as u64, begun.elapsed()))
    }

    fn beside(&mut self, kind: Kind) -> anyhow::Result<f64> {
        let before = self.volumes()?;
        if kind == Kind::Hold {
            self.keep(Keep::Hold { name: "bench".to_owned(), reason: "measured".to_owned() })?;
        }
        let (ledger, data) = (self.ledger.clone(), self.data.clone());
        // Each time another: what goes in between would leave a hole.
        let [backup, archive] = [&self.backup, &self.archive].map(|to| to.join(before.to_string()));
        let stretch = self.stretch as u64;
        let deed = std::thread::spawn(move || {
            stand_back();
            match kind {
                Kind::Backup => back_up(&data, &backup, stretch),
                Kind::Drop => went(ledger.drop_volumes(Upto::Volume(before))),
                Kind::Archive => went(ledger.archive_volumes(&archive, Upto::Volume(before))),
                Kind::Hold => {
                    ensure!(
                        ledger.drop_volumes(Upto::Volume(before)).is_err(),
                        "a hold stands and volumes went"
                    );
                    Ok(())
                }
            }
        });
        let rate = self.alone()?;
        deed.join().map_err(|_| anyhow::anyhow!("looking after the ledger panicked"))??;
        if kind == Kind::Hold {
            self.keep(Keep::Release { name: "bench".to_owned() })?;
        }
        Ok(rate)
    }

    /// The last of as many of the oldest volumes as a stretch fills, once they are sealed.
    fn volumes(&self) -> anyhow::Result<u32> {
        let begun = Instant::now();
        while begun.elapsed() < SEAL_MAX {
            if let Some(last) = filled_by(&Reader::open(&self.data)?, self.stretch as u64) {
                return Ok(last);
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        bail!("what a stretch fills was not sealed within {SEAL_MAX:?}")
    }

    fn keep(&self, keep: Keep) -> anyhow::Result<()> {
        let request = Request::new(Actor::Cli, Command::Keep(Box::new(keep)));
        let answer = self.ledger.submit(request)?.wait_for(PATIENCE)?;
        ensure!(answer.outcome == Outcome::Configured, "a hold was not recorded");
        Ok(())
    }
}

fn went(went: Result<sledger::Went, sledger::KeepingError>) -> anyhow::Result<()> {
    let went = went?;
    ensure!(!went.volumes.is_empty(), "no volume went");
    Ok(())
}

fn filled_by(reader: &Reader, stretch: u64) -> Option<u32> {
    let mut events = 0;
    for volume in reader.volumes() {
        events += volume.sealed?.events;
        if events >= stretch {
            return Some(volume.no);
        }
    }
    None
}

/// Backs up about the last `events` that were answered.
fn back_up(data: &Path, to: &Path, events: u64) -> anyhow::Result<()> {
    let reader = Reader::open(data)?;
    let last = reader.acknowledged().map_or(0, |head| head.seq.0);
    let mut writer = BackupWriter::begin(to, reader.meta(), Some(data))?;
    for block in reader.blocks(Seq(last.saturating_sub(events).max(1))) {
        let block = block?;
        writer.push(&block)?;
        if block.header().last().0 >= last {
            break;
        }
    }
    writer.finish()?;
    Ok(())
}
