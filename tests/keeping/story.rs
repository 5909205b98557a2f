//! A ledger of some small sealed volumes, and ways to look at what there is of it.

use sledger::{Actor, Command, Config, Ledger, Login, Outcome, Request};
use sledger_core::command::{Keep, Target};
use sledger_core::event::{Decision, Event};
use sledger_core::{Seq, State};
use sledger_log::{Block, Probe, Reader};
use sledger_replay::history::{Fold, beginning, decisions, fold};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a volume.
const VOLUME: u64 = 9 * 1024;

/// A data directory, in a folder that goes with the test.
pub(crate) struct Story {
    pub(crate) temp: TempDir,
    pub(crate) dir: PathBuf,
}

/// What it is opened with; without snapshots everything is folded from where history begins.
pub(crate) fn config(dir: &Path) -> Config {
    Config { reserve_bytes: 0, volume_bytes_max: VOLUME, snapshot_events: 0, ..Config::new(dir) }
}

pub(crate) fn probed(dir: &Path, probe: impl Probe + 'static) -> Config {
    Config { probe: Some(Arc::new(probe)), ..config(dir) }
}

pub(crate) fn ask(ledger: &Ledger, command: Command) -> Box<sledger::Answer> {
    let ticket = ledger.submit(Request::new(Actor::Cli, command)).unwrap();
    ticket.wait_for(PATIENCE).unwrap()
}

pub(crate) fn keep(ledger: &Ledger, keep: Keep) -> Outcome {
    ask(ledger, Command::Keep(Box::new(keep))).outcome
}

/// Logins of `users`, of whom each has two sessions and every third logs out of one of them.
pub(crate) fn live(ledger: &Ledger, round: u32, users: u32) {
    for n in 0..users {
        let (user, session) = (format!("user-{n}"), format!("s-{round}-{n}"));
        let login = Login {
            user: Some(user),
            session: Some(session.clone()),
            ip: Some(format!("192.0.2.{}", n % 200)),
            ..Login::default()
        };
        ask(ledger, Command::Login(Box::new(login)));
        if n % 3 == 0 {
            let target = Target { session: Some(session), ..Target::default() };
            ask(ledger, Command::Logout(target));
        }
    }
}

impl Story {
    /// Volumes sealed, closed in good order.
    pub(crate) fn told() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("data");
        let story = Self { temp, dir };
        let ledger = Ledger::open(config(&story.dir)).unwrap();
        for round in 0..4 {
            live(&ledger, round, 60);
        }
        ledger.close();
        assert!(story.sealed().len() >= 5, "{:?}", story.sealed());
        story
    }

    pub(crate) fn open(&self) -> Ledger {
        Ledger::open(config(&self.dir)).unwrap()
    }

    /// The numbers of the sealed volumes.
    pub(crate) fn sealed(&self) -> Vec<u32> {
        let reader = Reader::open(&self.dir).unwrap();
        reader.volumes().filter(|volume| volume.sealed.is_some()).map(|volume| volume.no).collect()
    }

    /// A copy of the whole directory.
    pub(crate) fn copy(&self, name: &str) -> PathBuf {
        let to = self.temp.path().join(name);
        copy_dir(&self.dir, &to);
        to
    }
}

/// Copies a directory; anew where sealing takes a file away meanwhile.
pub(crate) fn copy_dir(from: &Path, to: &Path) {
    const TRIES: u32 = 50;
    for _ in 0..TRIES {
        match try_copy(from, to) {
            Ok(()) => return,
            Err(_) => std::fs::remove_dir_all(to).unwrap(),
        }
    }
    panic!("`{}` does not stand still", from.display());
}

fn try_copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            try_copy(&path, &target)?;
        } else {
            std::fs::copy(&path, target)?;
        }
    }
    Ok(())
}

pub(crate) fn blocks(dir: &Path) -> Vec<Block> {
    Reader::open(dir).unwrap().blocks(Seq(1)).map(Result::unwrap).collect()
}

/// The decisions with an event that `is_wanted`.
pub(crate) fn events(dir: &Path, is_wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
    let all = blocks(dir);
    let decisions = all.iter().flat_map(|block| decisions(block).map(Result::unwrap));
    decisions.flat_map(|decision: Decision| decision.events).filter(|event| is_wanted(event)).collect()
}

/// The state at the end of what is in `dir`, folded from where it begins; quota safety is checked on the way.
pub(crate) fn state(dir: &Path) -> State {
    fold(dir, |_| ()).unwrap()
}

/// The state at the end of `dir`, folded from the first event on: what is gone is read from `before`.
pub(crate) fn whole(before: &Path, dir: &Path) -> State {
    let mut fold = Fold::new(beginning().unwrap());
    let mut last = Seq(0);
    for block in blocks(before).iter().chain(&blocks(dir)) {
        if block.header().first != last.next() {
            assert!(block.header().last() <= last, "a block lies in neither");
            continue;
        }
        last = block.header().last();
        for decision in decisions(block) {
            fold.decision(Arc::new(decision.unwrap())).unwrap();
        }
    }
    fold.state().clone()
}
