//! What everybody but the writer sees of the projector.

use super::Shared;
use crate::feed::{SubscribeError, Subscription};
use crate::latency::Latencies;
use crate::projection::Projection;
use sledger_core::Seq;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Why a query was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// The projection did not come as far as was durable in the time there was.
    #[error("the projection is at seq {reached}, seq {wanted} is durable, and waiting for it took too long")]
    Slow {
        /// What was durable.
        wanted: Seq,
        /// How far it came.
        reached: Seq,
    },
    /// The projector's thread is gone before it came that far.
    #[error("the projector has stopped")]
    Gone,
}

/// A handle for queries and the feed.
#[derive(Clone)]
pub struct Views {
    shared: Arc<Shared>,
}

impl Views {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Reads the projection once it has folded all that is durable now. Blocks; `read` should be short, since the
    /// projector waits for it.
    ///
    /// # Errors
    /// Says that the projection did not come that far.
    pub fn read<T>(&self, read: impl FnOnce(&Projection) -> T) -> Result<T, ViewError> {
        self.await_head(self.durable())?;
        let projection = self.shared.projection.read().map_err(|_| ViewError::Gone)?;
        Ok(read(&projection))
    }

    /// The durable head.
    #[must_use]
    pub fn durable(&self) -> Seq {
        // Acquire: with the release of the writer, its block is in the channel.
        Seq(self.shared.durable.load(Ordering::Acquire))
    }

    /// How far the projection has come.
    #[must_use]
    pub fn reached(&self) -> Seq {
        self.shared.reached().seq
    }

    /// Follows the feed from the event `from` on; from what comes next without it.
    ///
    /// # Errors
    /// Says where the feed begins, if that is later, or that there are too many readers.
    pub fn subscribe(&self, from: Option<Seq>) -> Result<Subscription, SubscribeError> {
        self.shared.feed.subscribe(from)
    }

    /// How many follow the feed.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.shared.feed.readers()
    }

    /// Latencies so far.
    #[must_use]
    pub fn latencies(&self) -> &Latencies {
        &self.shared.latencies
    }

    fn await_head(&self, wanted: Seq) -> Result<(), ViewError> {
        let (reached, _) = self
            .shared
            .progress
            .wait_timeout_while(self.shared.reached(), self.shared.wait_max, |reached| {
                reached.seq < wanted && !reached.gone
            })
            .map_err(|_| ViewError::Gone)?;
        match (reached.seq >= wanted, reached.gone) {
            (true, _) => Ok(()),
            (false, true) => Err(ViewError::Gone),
            (false, false) => Err(ViewError::Slow { wanted, reached: reached.seq }),
        }
    }
}
