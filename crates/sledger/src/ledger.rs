//! A ledger: its threads, and the handle by which everybody asks it.

use crate::checkpoints::{CheckpointFailure, Checkpoints, Made};
use crate::config::{BoxedLog, Config};
use crate::decide_loop::DecideLoop;
use crate::erase::{self, Eraser};
use crate::error::OpenError;
use crate::keeping::{Keeping, KeepingError, KeepingStatus, Upto, Went, timer};
use crate::memory::MemoryLog;
use crate::meters::{Meters, Tallies};
use crate::open::{self, Condition, Found, Opened};
use crate::recover::Recovery;
use crate::relaxed::Durability;
use crate::sealed::Sealed;
use crate::shared::Shared;
use crate::snapshots::{self, Begun};
use crate::ticket::Ticket;
use crate::timed::PolicyTimes;
use crate::watchdog::{self, Watch};
use crate::write_loop::WriteLoop;
use crossbeam_channel::{Sender, bounded};
use sledger_core::answer::Answer;
use sledger_core::command::{Actor, Command, Login, Request};
use sledger_core::{Seq, Span, State};
use sledger_ingest::{Caller, Failure, Refused};
use sledger_log::backup::restored_noted;
use sledger_log::checkpoint::key_path;
use sledger_log::{KeyRing, LettingGo, Meta, SealStatus, Sealing, Snapshots};
use sledger_projector::{Latencies, Latency, Projection, Projector, Views};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Stack of the threads that run scripts: a script's calls are bounded well below it.
const STACK_BYTES: usize = 8 << 20;
/// How long a caller that waits for one answer waits: longer than a barrier may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A session ledger in this process. Clones are handles on the same ledger.
///
/// What was acknowledged is there when it is opened again:
///
/// ```
/// use sledger::{Config, Ledger, Login};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let config = || Config { reserve_bytes: 0, ..Config::new(folder.path()) };
/// let ledger = Ledger::open(config())?;
/// let login = Login { user: Some("ann".into()), session: Some("a".into()), ..Login::default() };
/// ledger.login(login)?;
/// ledger.close();
///
/// let ledger = Ledger::open(config())?;
/// assert_eq!(ledger.views().read(|views| views.active("ann"))?, 1);
/// ledger.close();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Ledger {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    views: Views,
    latencies: Latencies,
    meters: Arc<Meters>,
    durability: Durability,
    data: Option<PathBuf>,
    meta: Option<Meta>,
    recovery: Option<Recovery>,
    keep: Span,
    keeping: Option<Arc<Keeping>>,
    newest_snapshot: Arc<AtomicU64>,
    /// `None` where personal values stand in the clear.
    eraser: Option<Eraser>,
    sealing: Option<Sealing>,
    stop: Sender<()>,
    threads: Mutex<Threads>,
}

/// What a ledger in a data directory has beside its log.
struct Disk {
    meta: Meta,
    recovery: Recovery,
    snapshots: Option<Snapshots>,
    sealing: Sealing,
    keys: Option<(Arc<KeyRing>, Snapshots)>,
}

#[derive(Default)]
struct Threads {
    pipeline: Vec<JoinHandle<()>>,
    projector: Option<Projector>,
    checkpoints: Option<Checkpoints>,
    watch: Option<Watch>,
    keeper: Option<timer::Timer>,
}

/// A decision about a login, or why there is none.
pub type Decision = Result<Box<Answer>, Failure>;

impl Ledger {
    /// Opens the ledger in `config.data`, and makes it if there is none.
    ///
    /// # Errors
    /// [`OpenError`] by what stands in the way; nothing damaged is written to.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        let Found { log, state, recovery, snapshots, restored, salvaged } = open::open(&config)?;
        let (clean, sealing, meta) = (log.was_clean(), log.sealing(), log.meta().clone());
        let keys = log.keys().map(|keys| (keys, erase::snapshots(&config, log.meta())));
        let disk = Disk { meta, recovery, snapshots, sealing, keys };
        Self::run(config, Box::new(log), (state, Condition { clean, restored, salvaged }), Some(disk))
    }

    /// A ledger that keeps nothing: gone with its last handle.
    ///
    /// # Errors
    /// Names the setting or policy that cannot be used.
    pub fn in_memory(config: Config) -> Result<Self, OpenError> {
        let state = open::empty(config.seed)?;
        Self::run(config, Box::<MemoryLog>::default(), (state, Condition::fresh()), None)
    }

    /// A ledger on an empty log of another kind.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn on_log(config: Config, log: BoxedLog) -> Result<Self, OpenError> {
        let state = open::empty(config.seed)?;
        Self::run(config, log, (state, Condition::fresh()), None)
    }

    fn run(
        config: Config,
        log: BoxedLog,
        (state, condition): (State, Condition),
        disk: Option<Disk>,
    ) -> Result<Self, OpenError> {
        let is_restored = condition.restored.is_some();
        let Opened { decider, clock, log, head, epoch } = open::start(&config, log, state, condition)?;
        if is_restored {
            restored_noted(&config.data)?;
        }
        let (recovery, store, sealing, keys, meta) = match disk {
            Some(Disk { recovery, snapshots, sealing, keys, meta }) => {
                (Some(recovery), snapshots, Some(sealing), keys, Some(meta))
            }
            None => (None, None, None, None, None),
        };
        let recovered = recovery.as_ref().and_then(|recovery| recovery.snapshot);
        let Begun { log, snapshots, thread, newest } =
            snapshots::begin(store, (log, head), recovered, &config)?;
        let (ingest, intake) = sledger_ingest::channel(config.queue_max);
        let (work, waiting) = bounded(1);
        let shared = Arc::new(Shared::new(ingest, head, waiting.clone()));
        let projector_config = sledger_projector::Config {
            readers_max: config.feed_readers_max,
            ..sledger_projector::Config::default()
        };
        let projection = Projection::of_state(decider.state());
        let (projector, input, views) = Projector::start(projection, projector_config)
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        let latencies = input.latencies().clone();
        let meters = Arc::new(Meters::new(latencies.clone()));
        let (stop, control) = bounded(1);
        let writer = WriteLoop {
            work: waiting,
            log,
            head,
            epoch,
            shared: Arc::clone(&shared),
            projector: input,
            meters: Arc::clone(&meters),
            durability: config.durability,
            room: stop.clone(),
            probe: config.probe.clone(),
        };
        let together = (Arc::clone(&shared), Arc::clone(&meters));
        let mut decider = DecideLoop::new((decider, clock), (intake, control), work, together, &config);
        decider.snapshots = snapshots;
        decider.sealed = sealing.clone().map(Sealed::new);
        let mut pipeline = vec![
            spawn("sledger-write", &shared, move || writer.run())?,
            spawn("sledger-decide", &shared, move || decider.run())?,
        ];
        pipeline.extend(thread);
        let stamp = meta.as_ref().map(|meta| (meta.ledger, meta.partition));
        let checkpoints = stamp.map(|stamp| Checkpoints::start(&config, stamp, &shared)).transpose()?;
        let (reserve_bytes, durability) = (config.reserve_bytes, config.durability);
        let data = recovery.is_some().then_some(config.data);
        let watch = watchdog::start(&shared, data.clone(), reserve_bytes)?;
        let key = config.checkpoints.key.clone();
        let letting_go = meta
            .as_ref()
            .zip(data.as_ref())
            .map(|(meta, data)| LettingGo::new(data, meta, config.probe.clone()));
        let keeping = letting_go.map(|letting_go| {
            let key = key.unwrap_or_else(|| key_path(letting_go.dir()));
            Arc::new(Keeping::new(letting_go, &shared, &views, (config.seed, key)))
        });
        let kept = keeping.as_ref().filter(|_| !config.keep.is_never());
        let keeper = kept.map(|keeping| timer::start(keeping, config.keep));
        let keeper = keeper.transpose()?;
        let threads = Mutex::new(Threads {
            pipeline,
            projector: Some(projector),
            checkpoints,
            watch: Some(watch),
            keeper,
        });
        let inner = Inner {
            shared,
            views,
            latencies,
            meters,
            durability,
            data,
            meta,
            recovery,
            eraser: keys.map(|(keys, store)| Eraser::new(keys, store, Arc::clone(&newest))),
            keep: config.keep,
            keeping,
            newest_snapshot: newest,
            sealing,
            stop,
            threads,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A caller that may have up to `in_flight_max` requests unanswered: the way for many requests from one place.
    ///
    /// ```
    /// use sledger::{Actor, Command, Config, Ledger, Login, Outcome, Request};
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let ledger = Ledger::in_memory(Config::new("unused"))?;
    /// let mut caller = ledger.caller(100);
    /// for n in 0..100 {
    ///     let (user, session) = (Some(format!("user-{n}")), Some(format!("s{n}")));
    ///     let login = Box::new(Login { user, session, ..Login::default() });
    ///     caller.submit(Request::new(Actor::Local, Command::Login(login)))?;
    /// }
    /// let mut admitted = 0;
    /// while let Some((_token, answer)) = caller.next_within(Duration::from_secs(10)) {
    ///     admitted += u32::from(answer?.outcome == Outcome::Admitted);
    /// }
    /// assert_eq!(admitted, 100);
    /// # ledger.close();
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn caller(&self, in_flight_max: usize) -> Caller {
        self.inner.shared.ingest.caller(in_flight_max)
    }

    /// Hands one request to the decider. Never waits; the ticket does, or is awaited.
    ///
    /// A command id makes a repeat harmless: it gets the first answer.
    ///
    /// ```
    /// use sledger::core::command::Target;
    /// use sledger::{Actor, Command, Config, Ledger, Login, Outcome, Request};
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let ledger = Ledger::in_memory(Config::new("unused"))?;
    /// let login = Login { user: Some("ann".into()), session: Some("a".into()), ..Login::default() };
    /// ledger.login(login)?;
    /// let target = Target { session: Some("a".into()), ..Target::default() };
    /// let logout = || Request {
    ///     command_id: Some("c-1".into()),
    ///     ..Request::new(Actor::Local, Command::Logout(target.clone()))
    /// };
    /// let first = ledger.submit(logout())?.wait_for(Duration::from_secs(10))?;
    /// assert_eq!((first.outcome, first.repeated), (Outcome::LoggedOut, false));
    /// let again = ledger.submit(logout())?.wait_for(Duration::from_secs(10))?;
    /// assert_eq!((again.outcome, again.repeated), (Outcome::LoggedOut, true));
    /// # ledger.close();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Busy, closed or poisoned: nothing was decided.
    pub fn submit(&self, request: Request) -> Result<Ticket, Failure> {
        let mut caller = self.caller(1);
        match caller.submit(request) {
            Ok(_) => Ok(Ticket::new(caller)),
            Err(Refused::Ledger(failure)) => Err(failure),
            // A fresh caller has nothing in flight.
            Err(Refused::RingFull { .. }) => Err(Failure::Busy),
        }
    }

    /// Asks for one login and waits for the durable answer.
    ///
    /// A refusal is an answer too: code for programs, reason for operators, message for the person.
    ///
    /// ```
    /// use sledger::core::config::{Quota, Settings};
    /// use sledger::core::event::Code;
    /// use sledger::{Config, Ledger, Login, Outcome};
    /// use std::sync::Arc;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let quota = Quota { on_exhausted: "deny_access".to_owned(), ..Quota::default_quota() };
    /// let settings = Settings { quotas: vec![Arc::new(quota)], ..Settings::default() };
    /// let ledger = Ledger::in_memory(Config { settings, ..Config::new("unused") })?;
    /// let login = |n: u32| Login {
    ///     user: Some("ann".into()),
    ///     session: Some(format!("s{n}")),
    ///     ..Login::default()
    /// };
    /// for n in 1..=5 {
    ///     assert_eq!(ledger.login(login(n))?.outcome, Outcome::Admitted);
    /// }
    /// let refused = ledger.login(login(6))?;
    /// assert_eq!((refused.outcome, refused.code), (Outcome::Denied, Some(Code::SessionQuotaExceeded)));
    /// let message = refused.message.as_deref();
    /// assert_eq!(message, Some("You are already signed in 5 times; 5 are allowed."));
    /// # ledger.close();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Busy, closed or poisoned: nothing was decided. Outcome unknown: it may have been.
    pub fn login(&self, login: Login) -> Decision {
        let request = Request::new(Actor::Local, Command::Login(Box::new(login)));
        self.submit(request)?.wait_for(PATIENCE)
    }

    /// Who is in, how full, how fast: as of everything acknowledged before the call. Also the feed of all that happens:
    ///
    /// ```
    /// use sledger::projector::Next;
    /// use sledger::{Config, Ledger, Login};
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let ledger = Ledger::in_memory(Config::new("unused"))?;
    /// // From here on; with a seq, from that event on.
    /// let mut feed = ledger.views().subscribe(None)?;
    /// let login = Login { user: Some("ann".into()), session: Some("a".into()), ..Login::default() };
    /// let seq = ledger.login(login)?.seq;
    /// let Next::Told(delivery) = feed.next_blocking(Duration::from_secs(10)) else {
    ///     return Err("nothing came".into());
    /// };
    /// let told: Vec<_> = delivery.events().iter().map(|told| told.seq).collect();
    /// assert_eq!(told.last().copied(), seq);
    /// # ledger.close();
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn views(&self) -> &Views {
        &self.inner.views
    }

    /// How long answers and decisions took.
    #[must_use]
    pub fn latencies(&self) -> &Latencies {
        &self.inner.latencies
    }

    /// How long a batch takes from the log's hands to the disk.
    #[must_use]
    pub fn sync_latency(&self) -> &Latency {
        &self.inner.meters.sync
    }

    /// How long policies took for logins, by revision and quota. Copies what was measured: some milliseconds where
    /// very many revisions were asked.
    #[must_use]
    pub fn policy_times(&self) -> PolicyTimes {
        self.inner.meters.policies.times()
    }

    /// What was answered and recorded since the process started, in counts.
    #[must_use]
    pub fn tallies(&self) -> Tallies {
        self.inner.meters.tallies()
    }

    /// Whether answers wait for the disk.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.inner.durability
    }

    /// The last event that is durable.
    #[must_use]
    pub fn durable(&self) -> Seq {
        self.inner.shared.durable()
    }

    /// The data directory; `None` in memory.
    #[must_use]
    pub fn data(&self) -> Option<&Path> {
        self.inner.data.as_deref()
    }

    /// What the ledger is; `None` in memory.
    #[must_use]
    pub fn meta(&self) -> Option<&Meta> {
        self.inner.meta.as_ref()
    }

    /// The age at which sealed volumes are dropped.
    #[must_use]
    pub fn keep(&self) -> Span {
        self.inner.keep
    }

    /// How dropping and archiving went since the ledger was opened; `None` in memory.
    #[must_use]
    pub fn keeping(&self) -> Option<KeepingStatus> {
        self.inner.keeping.as_ref().map(|keeping| keeping.status())
    }

    /// Drops the oldest sealed volumes, each recorded before it goes. The state that came from them is kept as the
    /// base of what stays. Waits for all of it.
    ///
    /// # Errors
    /// [`KeepingError`]: a hold stands, or what stands in the way otherwise. Volumes that went before are gone.
    pub fn drop_volumes(&self, upto: Upto) -> Result<Went, KeepingError> {
        let keeping = self.inner.keeping.as_ref().ok_or(KeepingError::InMemory)?;
        keeping.go(upto, None)
    }

    /// Moves the oldest sealed volumes to an archive: copied, read back whole, recorded, then removed here.
    ///
    /// # Errors
    /// As [`Ledger::drop_volumes`], and what stands in the way in the archive.
    pub fn archive_volumes(&self, to: &Path, upto: Upto) -> Result<Went, KeepingError> {
        let keeping = self.inner.keeping.as_ref().ok_or(KeepingError::InMemory)?;
        keeping.go(upto, Some(to))
    }

    /// How the state was found when the ledger was opened; `None` in memory.
    #[must_use]
    pub fn recovery(&self) -> Option<&Recovery> {
        self.inner.recovery.as_ref()
    }

    /// The seq of the newest snapshot, if there is one that this process wrote or was opened from.
    #[must_use]
    pub fn newest_snapshot(&self) -> Option<Seq> {
        Some(Seq(self.inner.newest_snapshot.load(Ordering::Relaxed))).filter(|seq| seq.0 > 0)
    }

    /// Signs where the durable ledger stands, keeps the checkpoint, and records that it was made; where nothing was
    /// recorded since the last one, that one is given again. Waits for the disk, and holds up nobody else.
    ///
    /// ```
    /// use sledger::{Actor, Config, Ledger, Login};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let folder = tempfile::tempdir()?;
    /// let ledger = Ledger::open(Config { reserve_bytes: 0, ..Config::new(folder.path()) })?;
    /// let login = Login { user: Some("ann".into()), session: Some("a".into()), ..Login::default() };
    /// let seq = ledger.login(login)?.seq;
    /// let made = ledger.checkpoint(Actor::Local)?;
    /// assert_eq!(Some(made.checkpoint.stand().seq), seq);
    /// print!("{}", made.checkpoint.render());
    /// # ledger.close();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`CheckpointFailure`]: in memory, no key, the disk, too late.
    pub fn checkpoint(&self, actor: Actor) -> Result<Made, CheckpointFailure> {
        let asked = {
            let threads = self.inner.threads.lock().unwrap_or_else(PoisonError::into_inner);
            threads.checkpoints.as_ref().map(Checkpoints::handle)
        };
        asked.ok_or(CheckpointFailure::InMemory)?.ask(actor)
    }

    /// Ends the active volume at once, unless it is empty, and has what has ended sealed. Waits for it, at most so
    /// long. How sealing goes then; `None` in memory.
    #[must_use]
    pub fn seal_volume(&self, at_most: Duration) -> Option<SealStatus> {
        let sealing = self.inner.sealing.as_ref()?;
        sealing.ask();
        // A word that waits there already wakes the decider too.
        let _told = self.inner.stop.try_send(());
        Some(sealing.wait_asked(at_most))
    }

    /// How many requests wait to be decided.
    #[must_use]
    pub fn queue_length(&self) -> usize {
        self.inner.shared.ingest.queue_length()
    }

    /// Why nothing is admitted any more, if the ledger is poisoned.
    #[must_use]
    pub fn poisoned(&self) -> Option<Arc<str>> {
        self.inner.shared.poisoned().map(Arc::clone)
    }

    /// Whether the disk's reserve is reached, so that nobody new is let in.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        self.inner.shared.disk_full.load(Ordering::Relaxed)
    }

    /// Free bytes on the ledger's disk, as seen within the last second; `None` in memory, or where they cannot be seen.
    #[must_use]
    pub fn disk_free(&self) -> Option<u64> {
        let free = self.inner.shared.disk_free.load(std::sync::atomic::Ordering::Relaxed);
        (free != u64::MAX).then_some(free)
    }

    /// Calls `tell` with the reason when the ledger is poisoned.
    pub fn on_poison(&self, tell: impl FnOnce(&str) + Send + 'static) {
        self.inner.shared.on_poison(Box::new(tell));
    }

    pub(crate) fn eraser(&self) -> Option<&Eraser> {
        self.inner.eraser.as_ref()
    }

    /// Closes in good order: what waits is decided, what is decided becomes durable, the log is marked as closed.
    /// Requests after it are refused. Waits for all of it.
    pub fn close(&self) {
        self.inner.close();
    }
}

impl Inner {
    fn close(&self) {
        self.shared.ingest.stop(Failure::Closed);
        // A full channel says already what is to be said.
        let _told = self.stop.try_send(());
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(keeper) = threads.keeper {
            keeper.stop();
        }
        if let Some(keeping) = &self.keeping {
            keeping.wait();
        }
        if let Some(watch) = threads.watch {
            watch.stop_after(|| {
                for thread in threads.pipeline {
                    // A panic in it has poisoned the ledger and been told.
                    let _panicked = thread.join();
                }
            });
        }
        drop(threads.projector);
        if let Some(checkpoints) = threads.checkpoints {
            checkpoints.close();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A poisoned ledger may have a writer that hangs in a sync: nobody waits for it.
        if self.shared.poisoned().is_none() {
            self.close();
        }
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("data", &self.inner.data).finish_non_exhaustive()
    }
}

/// A thread whose panic poisons the ledger.
fn spawn(
    name: &str,
    shared: &Arc<Shared>,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, std::io::Error> {
    let shared = Arc::clone(shared);
    let who = name.to_owned();
    Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(move || {
        if catch_unwind(AssertUnwindSafe(run)).is_err() {
            shared.poison(&format!("{who} panicked"));
        }
    })
}
