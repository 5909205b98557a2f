//! What a ledger is opened with.

use crate::checkpoints::CheckpointConfig;
use crate::clock::SystemClock;
use crate::relaxed::Durability;
use sledger_core::clock::Clock;
use sledger_core::config::{Bounds, Settings};
use sledger_core::decide::Install;
use sledger_core::{Span, log::Log};
use std::path::PathBuf;
use std::sync::Arc;

/// What a ledger is opened with.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Config {
    /// The data directory; unused in memory.
    pub data: PathBuf,
    /// Settings of the configuration file: quotas with origin `file`.
    pub settings: Settings,
    /// Leaves settings and policies as the ledger has them, whatever is given here: for looking after a ledger.
    pub as_recorded: bool,
    /// BLAKE3 of the configuration file, if there is one: settings are applied anew when it differs from the last.
    pub file: Option<[u8; 32]>,
    /// Policies of the policies folder: they override the built-in ones of the same name.
    /// `None` where the folder cannot be used: then policies stay as the ledger has them.
    pub installs: Option<Vec<Install>>,
    /// Bounds of this process.
    pub bounds: Bounds,
    /// How many submissions may wait.
    pub queue_max: usize,
    /// How many readers may follow the feed.
    pub feed_readers_max: usize,
    /// Refuse admissions below this many free bytes on the disk.
    pub reserve_bytes: u64,
    /// Whether answers wait for the disk. Relaxed, a crash of the machine may lose the last of what was answered.
    pub durability: Durability,
    /// A wall clock further ahead of the last recorded time than this is refused until it is accepted.
    pub gap_max: Span,
    /// Sealed volumes whose last event is older are dropped; never, unless said otherwise.
    pub keep: Span,
    /// Accept a wall clock that is further ahead.
    pub accept_clock: bool,
    /// Whether personal fields are sealed in a new ledger.
    pub seal_personal: bool,
    /// End live sessions whose keys are lost, instead of refusing to open.
    pub give_up_sealed: bool,
    /// From this many percent of its limit a user counts as near it.
    pub near_percent: u32,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Keys the hash tables; changes nothing that is decided.
    pub seed: u64,
    /// Bytes after which a volume of the log ends.
    pub volume_bytes_max: u64,
    /// Whether volumes that have ended are sealed into plain files.
    pub seal_volumes: bool,
    /// Events after which a snapshot of the state is written, for fast opening; 0 neither writes nor reads any.
    pub snapshot_events: u64,
    /// How checkpoints are made.
    pub checkpoints: CheckpointConfig,
    /// Told of each named point, for harnesses that kill or fail there.
    pub probe: Option<Arc<dyn sledger_log::Probe>>,
}

impl Config {
    /// A ledger in `data` with every default.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            settings: Settings::default(),
            as_recorded: false,
            file: None,
            installs: Some(Vec::new()),
            bounds: Bounds::default(),
            queue_max: 65_536,
            feed_readers_max: 256,
            reserve_bytes: 256 << 20,
            durability: Durability::Durable,
            gap_max: Span::seconds(7 * 86_400),
            keep: Span::NEVER,
            accept_clock: false,
            seal_personal: false,
            give_up_sealed: false,
            near_percent: 80,
            clock: Arc::new(SystemClock),
            seed: random_seed(),
            volume_bytes_max: 256 << 20,
            seal_volumes: true,
            snapshot_events: crate::snapshots::EVENTS,
            checkpoints: CheckpointConfig::default(),
            probe: None,
        }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("data", &self.data)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// A key for hash tables that callers cannot guess. Nothing that is decided depends on it.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0u8)
}

/// A log that can be given to [`crate::Ledger::on_log`].
pub type BoxedLog = Box<dyn Log>;
