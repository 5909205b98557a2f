//! Volumes that go: dropped by age, or moved to an archive.
//!
//! Order, for one volume at a time: fold what it holds on the base before it; write the new base and see that it
//! loads as what was folded; record that the volume goes, which a hold refuses at the very point of the log where it
//! stands; let it go (`sledger_log::LettingGo`). A kill anywhere between leaves a ledger that opens: before the mark
//! nothing went, after it the next open goes on. A volume whose record stands and that did not go yet is recorded
//! again when it goes.
//!
//! Only the oldest sealed volumes go, and never the last volume, so what stays is one gapless stretch.
//!
//! Absent on purpose: any say in what is decided. What sessions, settings and remembered answers came from what is
//! gone is in the base.

use crate::base;
use crate::checkpoints::drawn;
use crate::error::OpenError;
use crate::open;
use crate::shared::Shared;
use sledger_core::answer::Outcome;
use sledger_core::command::{Actor, Command, Keep, Request};
use sledger_core::log::Head;
use sledger_core::{Millis, Span, State};
use sledger_ingest::Failure;
use sledger_log::checkpoint::CheckpointKey;
use sledger_log::{Archive, ArchiveError, Begins, Gone, LettingGo, Reader, VolumeInfo};
use sledger_projector::{Projection, Views};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a record may take to become durable.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why volumes do not go.
#[derive(Debug, thiserror::Error)]
pub enum KeepingError {
    /// There is no data directory.
    #[error("the ledger is in memory: it has no volumes")]
    InMemory,
    /// The ledger cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A hold stands, or the record was refused otherwise.
    #[error("{0}")]
    Refused(String),
    /// The record was not answered.
    #[error("volume `{volume}` was not recorded as gone: {failure}")]
    Unrecorded {
        /// Its number.
        volume: u32,
        /// Why.
        failure: Failure,
    },
    /// Which volumes were asked for.
    #[error("{0}")]
    Volumes(String),
    /// The system refused.
    #[error("volumes cannot go: {0}")]
    Io(#[from] std::io::Error),
    /// The ledger is being closed.
    #[error("the ledger is being closed")]
    Stopped,
}

/// Which of the oldest volumes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upto {
    /// Those whose last event is older.
    Before(Millis),
    /// Those up to this number, which must be sealed.
    Volume(u32),
}

/// Volumes that went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Went {
    /// Their numbers, oldest first.
    pub volumes: Vec<u32>,
    /// Bytes that they took.
    pub bytes: u64,
    /// Where history begins now, if volumes went.
    pub begins: Option<Begins>,
}

/// How it went since the ledger was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeepingStatus {
    /// Volumes that went.
    pub gone: u64,
    /// Why the last try came to nothing; `None` once all went well.
    pub last_error: Option<String>,
}

/// Lets volumes of one ledger go, one caller at a time.
pub(crate) struct Keeping {
    letting_go: LettingGo,
    shared: Arc<Shared>,
    /// Tells ledger time: a wall clock that jumps ahead must not have volumes go.
    views: Views,
    seed: u64,
    /// The key that signs what is written down of volumes that went: that of checkpoints.
    key: PathBuf,
    /// The state at the end of the volume that went last: the next is folded on it. Empty while nothing goes.
    folded: Mutex<Option<State>>,
    status: Mutex<KeepingStatus>,
}

impl Keeping {
    pub(crate) fn new(
        letting_go: LettingGo,
        shared: &Arc<Shared>,
        views: &Views,
        (seed, key): (u64, PathBuf),
    ) -> Self {
        Self {
            letting_go,
            shared: Arc::clone(shared),
            views: views.clone(),
            seed,
            key,
            folded: Mutex::new(None),
            status: Mutex::new(KeepingStatus::default()),
        }
    }

    /// Ledger time: that of the last decision.
    fn now(&self) -> Result<Millis, KeepingError> {
        self.views.read(Projection::at).map_err(|_| KeepingError::Stopped)
    }

    pub(crate) fn status(&self) -> KeepingStatus {
        lock(&self.status).clone()
    }

    /// Waits until nothing goes. Whoever closes the ledger has stopped it before, so nothing begins to go any more.
    pub(crate) fn wait(&self) {
        drop(lock(&self.folded));
    }

    /// Drops volumes whose last event is older than `keep`.
    pub(crate) fn drop_old(&self, keep: Span) -> Result<Went, KeepingError> {
        let before = self.now()?.0.saturating_sub(keep.as_millis());
        self.go(Upto::Before(Millis(before)), None)
    }

    /// Drops volumes, or moves them to the archive in `to`.
    pub(crate) fn go(&self, upto: Upto, to: Option<&Path>) -> Result<Went, KeepingError> {
        let mut folded = lock(&self.folded);
        let went = self.now().and_then(|now| self.try_go((upto, now), to, &mut folded));
        *folded = None;
        let mut status = lock(&self.status);
        status.last_error = went.as_ref().err().map(ToString::to_string);
        drop(status);
        went
    }

    fn try_go(
        &self,
        (upto, now): (Upto, Millis),
        to: Option<&Path>,
        folded: &mut Option<State>,
    ) -> Result<Went, KeepingError> {
        if self.letting_go.meta().seal_personal {
            // What begins history then would hold in the clear what is sealed, and outlive an erasure.
            let why =
                "personal values are sealed in this ledger: its volumes are neither dropped nor archived";
            return Err(KeepingError::Refused(why.to_owned()));
        }
        let reader = self.reader()?;
        let going = going(&reader, upto)?;
        let mut went = Went::default();
        let Some(last) = going.last() else { return Ok(went) };
        self.check_holds(if to.is_some() { "archived" } else { "dropped" })?;
        self.reach("keeping.begin")?;
        if let Some(to) = to {
            Archive::new(to).take(self.letting_go.dir(), last.no)?;
        }
        for volume in &going {
            let (begins, bytes) = self.one((&reader, volume, now), to, folded)?;
            went.volumes.push(volume.no);
            went.bytes += bytes;
            went.begins = Some(begins);
            lock(&self.status).gone += 1;
        }
        Ok(went)
    }

    /// Nothing is folded or copied for nothing while a hold stands. What counts is that the record is refused.
    fn check_holds(&self, deed: &str) -> Result<(), KeepingError> {
        let held = self.views.read(move |views| {
            let (name, hold) = views.holds().iter().next()?;
            Some((name.clone(), hold.reason.clone()))
        });
        let Some((name, reason)) = held.map_err(|_| KeepingError::Stopped)? else { return Ok(()) };
        let why = format!("hold `{name}` stands ({reason}): nothing is {deed} until it is released");
        Err(KeepingError::Refused(why))
    }

    /// Lets one volume go, the first there is.
    fn one(
        &self,
        (reader, volume, now): (&Reader, &VolumeInfo, Millis),
        to: Option<&Path>,
        folded: &mut Option<State>,
    ) -> Result<(Begins, u64), KeepingError> {
        let head = volume.end.unwrap_or_default();
        let mut state = match folded.take() {
            Some(state) => state,
            None => self.begun(reader)?,
        };
        let shared = &self.shared;
        if !base::fold(&mut state, reader.blocks_in(volume.no), &mut || shared.is_closing())? {
            return Err(KeepingError::Stopped);
        }
        let base = base::write(&self.letting_go, &mut state, head)?;
        self.reach("keeping.base")?;
        self.record(volume, head, to)?;
        self.reach("keeping.recorded")?;
        let why = if to.is_some() { Gone::Archived } else { Gone::Dropped };
        let begins = Begins { volume: volume.no + 1, head, epoch: state.epoch(), base, why, when: now };
        let text = self.text((volume, &begins), to, &state.digest())?;
        self.letting_go.write_down(volume.no, &text)?;
        let bytes = self.letting_go.let_go(&begins)?;
        tracing::info!(volume = volume.no, why = why.as_str(), bytes, "a volume went; {begins}");
        *folded = Some(state);
        Ok((begins, bytes))
    }

    /// The state right before the first event that is there.
    fn begun(&self, reader: &Reader) -> Result<State, KeepingError> {
        let empty = || open::empty(self.seed).map_err(OpenError::from);
        let Some(begins) = reader.begins() else { return Ok(empty()?) };
        Ok(base::load(self.letting_go.dir(), reader.meta(), begins, self.seed)?)
    }

    /// Records that a volume goes, durably.
    fn record(&self, volume: &VolumeInfo, head: Head, to: Option<&Path>) -> Result<(), KeepingError> {
        let keep = match to {
            Some(to) => Keep::Archived { volume: volume.no, to: shown(to) },
            None => Keep::Dropped { volume: volume.no, first: volume.first, last: head.seq, head: head.hash },
        };
        let actor = if to.is_some() { Actor::Cli } else { Actor::Timer };
        let request = Request::new(actor, Command::Keep(Box::new(keep)));
        let failed = |failure| KeepingError::Unrecorded { volume: volume.no, failure };
        let answer = self.shared.ask(request, PATIENCE).map_err(failed)?;
        match (answer.outcome, answer.reason.as_deref()) {
            (Outcome::Configured, _) => Ok(()),
            (_, reason) => Err(KeepingError::Refused(reason.unwrap_or("the record was refused").to_owned())),
        }
    }

    /// What is written down of a volume that goes, signed as checkpoints are.
    fn text(
        &self,
        (volume, begins): (&VolumeInfo, &Begins),
        to: Option<&Path>,
        digest: &[u8; 32],
    ) -> std::io::Result<String> {
        let file = self.letting_go.hash_of(volume.no)?;
        let mut lines = vec![
            "sledger volume gone 1".to_owned(),
            format!("ledger {}", self.letting_go.meta().ledger),
            format!("volume {}", volume.no),
            format!("first {}", volume.first),
            format!("last {}", begins.head.seq),
            format!("head {}", Hex(&begins.head.hash)),
            format!("file {}", Hex(&file)),
            format!("base {}", Hex(&begins.base)),
            format!("state {}", Hex(digest)),
            format!("{} {}", begins.why.as_str(), begins.when.rfc3339()),
        ];
        lines.extend(to.map(|to| format!("to {}", shown(to))));
        let text = lines.join("\n") + "\n";
        let key = CheckpointKey::read_or_make(&self.key, drawn).map_err(std::io::Error::other)?;
        Ok(format!("{text}{}", key.sign_text(&text)))
    }

    fn reader(&self) -> Result<Reader, OpenError> {
        Ok(Reader::open(self.letting_go.dir())?)
    }

    fn reach(&self, point: &'static str) -> std::io::Result<()> {
        self.letting_go.reach(point)
    }
}

/// The volumes that go: the oldest, sealed, never the last one there is.
fn going(reader: &Reader, upto: Upto) -> Result<Vec<VolumeInfo>, KeepingError> {
    let mut all: Vec<VolumeInfo> = reader.volumes().collect();
    let first = all.first().map_or(1, |volume| volume.no);
    all.pop();
    let goes = |volume: &VolumeInfo| match (volume.sealed, upto) {
        (None, _) => false,
        (Some(sealed), Upto::Before(before)) => sealed.last_at < before,
        (Some(_), Upto::Volume(last)) => volume.no <= last,
    };
    let going: Vec<VolumeInfo> = all.into_iter().take_while(goes).collect();
    let last = going.last().map(|volume| volume.no);
    match upto {
        Upto::Volume(asked) if last != Some(asked) => {
            let there = last.map_or("none".to_owned(), |last| format!("`{first}` to `{last}`"));
            Err(KeepingError::Volumes(format!(
                "volume `{asked}` cannot go with all before it: of sealed volumes before the last one there are {there}"
            )))
        }
        _ => Ok(going),
    }
}

/// Bytes as two digits each.
struct Hex<'b>(&'b [u8; 32]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A path as it is recorded: bounded, without control characters.
fn shown(path: &Path) -> String {
    const BYTES_MAX: usize = 400;
    let text = path.display().to_string();
    let clean = text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter });
    let mut shown = String::new();
    for letter in clean {
        if shown.len() + letter.len_utf8() > BYTES_MAX {
            break;
        }
        shown.push(letter);
    }
    shown
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Drops volumes by age while the ledger runs.
pub(crate) mod timer {
    use super::{Keeping, Span};
    use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
    use std::sync::Arc;
    use std::thread::{Builder, JoinHandle};
    use std::time::Duration;

    /// Between two looks.
    const LOOK_EACH: Duration = Duration::from_secs(60);

    /// The running timer; it ends with this.
    pub(crate) struct Timer {
        stop: Sender<()>,
        thread: JoinHandle<()>,
    }

    /// Begins to drop what is older than `keep`.
    pub(crate) fn start(keeping: &Arc<Keeping>, keep: Span) -> std::io::Result<Timer> {
        let (stop, stopped) = bounded(1);
        let keeping = Arc::clone(keeping);
        let thread = Builder::new().name("sledger-keep".to_owned()).spawn(move || {
            sledger_log::stand_back();
            run(&keeping, keep, &stopped);
        })?;
        Ok(Timer { stop, thread })
    }

    fn run(keeping: &Keeping, keep: Span, stopped: &Receiver<()>) {
        loop {
            if let Err(error) = keeping.drop_old(keep) {
                tracing::warn!(%error, "volumes older than `ledger.keep` were not dropped; tried again in a minute");
            }
            if stopped.recv_timeout(LOOK_EACH) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    impl Timer {
        /// Ends it: what is being folded is left.
        pub(crate) fn stop(self) {
            let _gone = self.stop.send(());
            let _panicked = self.thread.join();
        }
    }
}
