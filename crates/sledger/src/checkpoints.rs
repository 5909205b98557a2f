//! Checkpoints while the ledger runs: on a schedule and on demand, by a thread of its own.
//!
//! Promise: what is signed is durable; nobody who asks the ledger for anything else ever waits for it. The
//! checkpoint lies on the disk before the ledger records that it was made.
//!
//! Invariant: where nothing was recorded since the last one but that it was made, the last one is given again.
//!
//! Absent on purpose: any effect of one that fails, but a warning, or the answer to who asked.

mod maker;

use crate::config::Config;
use crate::shared::Shared;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use maker::Maker;
pub(crate) use maker::drawn;
use sledger_core::command::Actor;
use sledger_core::{Seq, Span};
use sledger_ingest::Failure;
use sledger_log::checkpoint::{Checkpoint, KeyError};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::Builder;
use std::time::{Duration, Instant};

/// How often one is signed where nobody says so.
const EVERY: Span = Span::seconds(3_600);
/// No schedule is denser.
const EVERY_MIN: Duration = Duration::from_secs(1);
/// With `never` the thread wakes all the same, to find nothing due.
const LOOK_EACH: Duration = Duration::from_secs(86_400);
/// Who asks while so many wait is told to come again.
const ASKS_MAX: usize = 16;
/// How long who asks waits: for the disk, and for the answer of the ledger.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long a close waits for a checkpoint under way: a second place may hang.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// How checkpoints are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointConfig {
    /// How often one is signed, where something was recorded since the last.
    pub every: Span,
    /// The private key; `checkpoint.key` in the data directory, made when it is first needed, where none is named.
    /// Whoever can rewrite the ledger and read that key can sign the ledger again: so it may lie elsewhere.
    pub key: Option<PathBuf>,
    /// A second folder that each of them is copied to.
    pub to: Option<PathBuf>,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self { every: EVERY, key: None, to: None }
    }
}

/// A checkpoint that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The event that says so; `None` for one that was made before.
    pub recorded: Option<Seq>,
    /// Why it was not copied to the second folder, if there is one.
    pub not_shipped: Option<String>,
}

/// Why there is no checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointFailure {
    /// The ledger keeps nothing.
    #[error("the ledger is in memory: there is nothing to sign")]
    InMemory,
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It cannot be written.
    #[error("cannot keep the checkpoint: {0}")]
    Io(#[from] io::Error),
    /// It was made, but the ledger did not record so.
    #[error("the checkpoint was made, and could not be recorded: {0}")]
    Record(Failure),
    /// Too many ask, it takes too long, or the ledger was closed.
    #[error("no checkpoint was made in time")]
    Late,
}

struct Ask {
    actor: Actor,
    answer: Sender<Result<Made, CheckpointFailure>>,
}

/// The thread's other end.
pub(crate) struct Checkpoints {
    asks: Sender<Ask>,
    /// Ready once the thread is gone.
    gone: Receiver<()>,
}

impl Checkpoints {
    /// Starts the thread for the ledger in `config.data`.
    pub(crate) fn start(
        config: &Config,
        (ledger, partition): (sledger_log::LedgerId, u32),
        shared: &Arc<Shared>,
    ) -> io::Result<Self> {
        let (asks, asked) = bounded(ASKS_MAX);
        let (alive, gone) = bounded(0);
        let maker = Maker::new(config, (ledger, partition), Arc::clone(shared));
        let every = config.checkpoints.every;
        Builder::new().name("sledger-checkpoint".to_owned()).spawn(move || {
            let _alive: Sender<()> = alive;
            run(maker, every, &asked);
        })?;
        Ok(Self { asks, gone })
    }

    /// Has a checkpoint made, and waits for it.
    pub(crate) fn ask(&self, actor: Actor) -> Result<Made, CheckpointFailure> {
        let (answer, answered) = bounded(1);
        self.asks.try_send(Ask { actor, answer }).map_err(|_| CheckpointFailure::Late)?;
        answered.recv_timeout(PATIENCE).unwrap_or(Err(CheckpointFailure::Late))
    }

    /// Another handle to ask by.
    pub(crate) fn handle(&self) -> Self {
        Self { asks: self.asks.clone(), gone: self.gone.clone() }
    }

    /// Ends the thread, which may take its time: not longer than that is fair is waited for it.
    pub(crate) fn close(self) {
        drop(self.asks);
        if self.gone.recv_timeout(CLOSE_PATIENCE) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("a checkpoint is still being written; the ledger is closed without it");
        }
    }
}

fn run(mut maker: Maker, every: Span, asked: &Receiver<Ask>) {
    sledger_log::stand_back();
    let period = Duration::from_millis(every.as_millis()).max(EVERY_MIN);
    let mut due = Instant::now() + maker.wait_first(period);
    loop {
        let wait = if every.is_never() { LOOK_EACH } else { due.saturating_duration_since(Instant::now()) };
        match asked.recv_timeout(wait.min(LOOK_EACH)) {
            Ok(Ask { actor, answer }) => {
                // Nobody waits any more when it took too long.
                let _late = answer.try_send(maker.make(actor));
            }
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) if every.is_never() || Instant::now() < due => {}
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = maker.make(Actor::Timer) {
                    tracing::warn!(%error, "no checkpoint was made; it is tried again when the next is due");
                }
                due = Instant::now() + period;
            }
        }
    }
}
