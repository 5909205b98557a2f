//! What the tests share: small ledgers with decisions that follow from their seq.

use sledger_core::command::Actor;
use sledger_core::event::{Decision, Event, Op};
use sledger_core::log::{Appended, Batch, Head, Log};
use sledger_core::{Millis, Seq};
use sledger_log::{LogConfig, Probe, Reader, SealStatus, SledLog};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

pub(crate) const EPOCH: u64 = 1;

/// A folder that is not there yet, in one that goes with the test.
pub(crate) struct Place {
    _temp: TempDir,
    pub(crate) dir: PathBuf,
}

pub(crate) fn place() -> Place {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data/ledger");
    Place { _temp: temp, dir }
}

impl Place {
    pub(crate) fn volume(&self, no: u32) -> PathBuf {
        self.dir.join(format!("volumes/{no:06}"))
    }

    pub(crate) fn db(&self, no: u32) -> PathBuf {
        self.volume(no).join("db")
    }

    pub(crate) fn sealed(&self, no: u32) -> PathBuf {
        self.dir.join(format!("volumes/{no:06}.sealed"))
    }

    pub(crate) fn open(&self) -> SledLog {
        SledLog::open(config(&self.dir)).unwrap()
    }

    /// A ledger of `count` events, closed in good order.
    pub(crate) fn closed_with(count: u64) -> Self {
        let place = place();
        let mut log = place.open();
        write(&mut log, count);
        log.close().unwrap();
        place
    }

    /// A ledger of 10,000 events in some sealed volumes and one that is not, closed in good order.
    pub(crate) fn with_sealed() -> Self {
        let place = place();
        let mut log = SledLog::open(sealing(&place.dir)).unwrap();
        for _ in 0..40 {
            write(&mut log, 250);
        }
        log.close().unwrap();
        assert!(place.sealed(4).exists() && !place.volume(4).exists());
        place
    }

    /// A ledger of `count` events in appends of 100, left as by a kill.
    pub(crate) fn left_with(count: u64) -> Self {
        let place = place();
        let mut log = place.open();
        for _ in 0..count / 100 {
            write(&mut log, 100);
        }
        drop(log);
        place
    }
}

/// Volumes that have ended stay sled folders.
pub(crate) fn config(dir: &Path) -> LogConfig {
    LogConfig { free_bytes_min: 0, seal: false, ..LogConfig::new(dir) }
}

/// Volumes end after 64 KiB, and stay sled folders.
pub(crate) fn small(dir: &Path) -> LogConfig {
    LogConfig { volume_bytes_max: 64 * 1024, ..config(dir) }
}

/// Volumes end after 64 KiB, and are sealed.
pub(crate) fn sealing(dir: &Path) -> LogConfig {
    LogConfig { seal: true, ..small(dir) }
}

pub(crate) fn probed(dir: &Path, probe: impl Probe + 'static) -> LogConfig {
    LogConfig { probe: Some(Arc::new(probe)), ..sealing(dir) }
}

/// Longer than sealing a small volume takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until nothing is being sealed; all must be well then.
pub(crate) fn sealed(log: &SledLog) -> SealStatus {
    let status = log.sealing().wait(PATIENCE);
    assert_eq!((status.running, status.last_error.as_deref()), (false, None));
    status
}

/// The decision whose event has this seq: of one event, its size varies.
pub(crate) fn decision(seq: u64) -> Arc<Decision> {
    let text = "note ".repeat(usize::try_from(seq % 40).unwrap());
    Arc::new(Decision {
        at: Millis(1_000_000 + seq),
        actor: Actor::Gate("test".into()),
        request_id: Some(text.into()),
        command: None,
        cause: None,
        op: Op::Touch { session: Seq(seq) },
        judged: Vec::new(),
        events: vec![Event::Touched { session: Seq(seq), last_active: Millis(seq) }],
    })
}

pub(crate) fn decisions(after: Seq, count: u64) -> Vec<Arc<Decision>> {
    (after.0 + 1..=after.0 + count).map(decision).collect()
}

pub(crate) fn append(log: &mut SledLog, count: u64) -> Appended {
    let head = log.head();
    append_after(log, &head, count)
}

pub(crate) fn append_after(log: &mut SledLog, head: &Head, count: u64) -> Appended {
    let decisions = decisions(head.seq, count);
    log.append(Batch { first: head.seq.next(), epoch: EPOCH, decisions: &decisions }, head)
}

/// Appends `count` events and checks that they were taken.
pub(crate) fn write(log: &mut SledLog, count: u64) -> Head {
    let before = log.head().seq;
    match append(log, count) {
        Appended::Committed(head) => {
            assert_eq!(head.seq, before.plus(count));
            head
        }
        other => panic!("not committed: {other:?}"),
    }
}

/// Reads the ledger from the first event on; every decision must be the one that was written there.
pub(crate) fn read_all(dir: &Path) -> Head {
    let mut blocks = Reader::open(dir).unwrap().blocks(Seq(1));
    let mut seq = 0;
    for block in &mut blocks {
        for found in block.unwrap().decisions() {
            seq += 1;
            assert_eq!(found.unwrap(), *decision(seq));
        }
    }
    assert_eq!(blocks.head().seq, Seq(seq));
    blocks.head()
}

/// What there is of volumes, except those made ahead.
pub(crate) fn names(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.dir.join("volumes")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.rsplit('.').next() != Some("new"));
    names.sort();
    names
}

/// Whether a file lies about that was not written to its end.
pub(crate) fn is_half_written(place: &Place) -> bool {
    names(place).iter().any(|name| name.rsplit('.').next() == Some("tmp"))
}

/// Where `needle` stands in a file, every time.
pub(crate) fn places(path: &Path, needle: &[u8]) -> Vec<usize> {
    let bytes = std::fs::read(path).unwrap();
    (0..bytes.len().saturating_sub(needle.len())).filter(|at| bytes[*at..].starts_with(needle)).collect()
}

pub(crate) fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 0x40;
    std::fs::write(path, bytes).unwrap();
}

pub(crate) fn cut(path: &Path, length: u64) {
    std::fs::File::options().write(true).open(path).unwrap().set_len(length).unwrap();
}

/// Every file in a folder, with its bytes: to see that nothing was written.
pub(crate) fn everything(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.file_name().unwrap() != "lock" {
                found.push((path.clone(), std::fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
