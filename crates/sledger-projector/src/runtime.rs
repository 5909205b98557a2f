//! The projector's thread: durable blocks in, views and feed out.
//!
//! The writer hands over each block once it is durable, before any answer that
//! rests on it leaves. Whoever reads afterwards waits until the projection has
//! come that far: what was acknowledged is seen.

mod views;

pub use views::{ViewError, Views};

use crate::feed::{Batch, Feed};
use crate::latency::Latencies;
use crate::projection::Projection;
use crate::told::Kept;
use crossbeam_channel::{Receiver, Sender, bounded};
use sledger_core::Seq;
use sledger_core::decider::Recorded;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

/// Decisions folded under one lock: readers get their turn between.
const TURN_MAX: usize = 256;

/// Bounds of the projector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Durable blocks that may wait; the writer waits when there are as many.
    pub blocks_max: usize,
    /// Events kept for readers of the feed.
    pub events_max: usize,
    /// Readers of the feed.
    pub readers_max: usize,
    /// How long a query waits for what was durable when it arrived.
    pub wait_max: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { blocks_max: 256, events_max: 65_536, readers_max: 256, wait_max: Duration::from_secs(10) }
    }
}

/// The projector's thread is gone: it panicked, or was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the projector has stopped")]
pub struct Gone;

/// Why the projector did not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the projector's thread")]
pub struct StartError(#[from] std::io::Error);

/// What the thread and its callers share.
struct Shared {
    /// Changed by the projector's thread only.
    projection: RwLock<Projection>,
    /// The durable head: raised by the writer before answers leave.
    durable: AtomicU64,
    reached: Mutex<Reached>,
    progress: Condvar,
    feed: Arc<Feed>,
    latencies: Latencies,
    wait_max: Duration,
}

/// How far the projection has come.
struct Reached {
    seq: Seq,
    gone: bool,
}

/// The projector's thread.
pub struct Projector {
    thread: JoinHandle<()>,
}

/// Where the writer hands over what is durable. The thread ends when it is dropped.
pub struct ProjectorInput {
    blocks: Sender<Block>,
    shared: Arc<Shared>,
}

/// A durable block.
struct Block {
    recorded: Vec<Recorded>,
    head: Seq,
}

impl Projector {
    /// Starts the thread on what `projection` has folded so far.
    ///
    /// # Errors
    /// Fails when the system gives no thread.
    pub fn start(
        projection: Projection,
        config: Config,
    ) -> Result<(Self, ProjectorInput, Views), StartError> {
        let head = projection.seq();
        let shared = Arc::new(Shared {
            projection: RwLock::new(projection),
            durable: AtomicU64::new(head.0),
            reached: Mutex::new(Reached { seq: head, gone: false }),
            progress: Condvar::new(),
            feed: Arc::new(Feed::new(head, config.events_max, config.readers_max)),
            latencies: Latencies::default(),
            wait_max: config.wait_max,
        });
        let (sender, receiver) = bounded(config.blocks_max.max(1));
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("sledger-projector".to_owned())
            .spawn(move || run(&receiver, theirs))?;
        let input = ProjectorInput { blocks: sender, shared: Arc::clone(&shared) };
        Ok((Self { thread }, input, Views::new(shared)))
    }

    /// Waits until all that was handed over is folded; the input must have been dropped.
    ///
    /// # Errors
    /// Says that the thread panicked.
    pub fn join(self) -> Result<(), Gone> {
        self.thread.join().map_err(|_| Gone)
    }
}

impl ProjectorInput {
    /// Hands over a block that is durable up to `head`, in order. To be called before any answer that rests on it
    /// leaves. Waits while as many blocks wait as may.
    ///
    /// # Errors
    /// Says that the thread has stopped.
    pub fn send(&self, recorded: Vec<Recorded>, head: Seq) -> Result<(), Gone> {
        let sent = self.blocks.send(Block { recorded, head });
        // Release: who sees the new head finds the block in the channel.
        self.shared.durable.fetch_max(head.0, Ordering::Release);
        sent.map_err(|_| Gone)
    }

    /// Where latencies are recorded.
    #[must_use]
    pub fn latencies(&self) -> &Latencies {
        &self.shared.latencies
    }
}

fn run(blocks: &Receiver<Block>, shared: Arc<Shared>) {
    let closing = Closing(shared);
    for block in blocks {
        closing.0.project(block);
    }
}

/// Lets waiting readers go when the thread ends, even by a panic.
struct Closing(Arc<Shared>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.reached().gone = true;
        self.0.progress.notify_all();
        self.0.feed.close();
    }
}

impl Shared {
    fn project(&self, block: Block) {
        let mut recorded = block.recorded.into_iter();
        while recorded.len() > 0 {
            let turn = recorded.by_ref().take(TURN_MAX).collect();
            self.turn(turn).into_iter().for_each(|batch| self.feed.push(batch));
        }
        self.reached().seq = block.head;
        self.progress.notify_all();
    }

    /// Folds some decisions. They are told by the settings in force, so a change of these begins a new batch.
    fn turn(&self, turn: Vec<Recorded>) -> Vec<Batch> {
        let mut projection =
            self.projection.write().expect("only this thread writes, and a panic here has ended it");
        projection.look_ahead(&turn);
        let mut batches = Vec::with_capacity(1);
        let (mut batch, mut names) = (Vec::with_capacity(turn.len()), Kept::new(projection.ready()));
        for recorded in turn {
            projection.apply(&recorded);
            if !names.is_under(projection.ready()) {
                let before = std::mem::replace(&mut names, Kept::new(projection.ready()));
                batches.extend(Batch::new(std::mem::take(&mut batch), before));
            }
            names.keep(&projection, &recorded);
            batch.push(recorded);
        }
        batches.extend(Batch::new(batch, names));
        batches
    }

    fn reached(&self) -> MutexGuard<'_, Reached> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
