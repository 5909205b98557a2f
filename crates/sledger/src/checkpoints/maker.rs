//! Signs, writes, ships, records: one checkpoint after the other.

use super::{CheckpointFailure, Made, PATIENCE};
use crate::config::Config;
use crate::shared::Shared;
use crate::ticket::Ticket;
use sledger_core::Seq;
use sledger_core::clock::Clock;
use sledger_core::command::{Actor, Command, Keep, Request};
use sledger_core::log::Head;
use sledger_ingest::{Failure, Refused};
use sledger_log::LedgerId;
use sledger_log::checkpoint::{Checkpoint, CheckpointKey, Shelf, Stand, key_path};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Maker {
    shelf: Shelf,
    key: PathBuf,
    to: Option<PathBuf>,
    ledger: LedgerId,
    partition: u32,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    /// The event that recorded the last one that this process made: nothing new as long as the log ends with it.
    recorded: Option<Seq>,
}

impl Maker {
    pub(super) fn new(config: &Config, (ledger, partition): (LedgerId, u32), shared: Arc<Shared>) -> Self {
        Self {
            shelf: Shelf::of(&config.data),
            key: config.checkpoints.key.clone().unwrap_or_else(|| key_path(&config.data)),
            to: config.checkpoints.to.clone(),
            ledger,
            partition,
            clock: Arc::clone(&config.clock),
            shared,
            recorded: None,
        }
    }

    /// How long the first may wait: the last one counts, whoever made it.
    pub(super) fn wait_first(&self, every: Duration) -> Duration {
        match self.shelf.newest() {
            Ok(Some(last)) => {
                let since = Duration::from_millis(self.clock.wall().since(last.stand().time));
                every.saturating_sub(since)
            }
            Ok(None) => every,
            Err(error) => {
                tracing::warn!(%error, "the checkpoints made before cannot be listed");
                every
            }
        }
    }

    /// Makes one, or gives the last again where nothing new was recorded.
    pub(super) fn make(&mut self, actor: Actor) -> Result<Made, CheckpointFailure> {
        let head = self.shared.durable_head();
        if let Some(checkpoint) = self.last_of(head)? {
            return Ok(Made { checkpoint, recorded: None, not_shipped: self.ship() });
        }
        let key = CheckpointKey::read_or_make(&self.key, drawn)?;
        let (ledger, partition) = (self.ledger, self.partition);
        let stand = Stand { ledger, partition, seq: head.seq, head: head.hash, time: self.clock.wall() };
        let checkpoint = Checkpoint::sign(stand, &key);
        let path = self.shelf.keep(&checkpoint)?;
        let recorded = self.record(&checkpoint, actor).map_err(CheckpointFailure::Record)?;
        self.recorded = recorded;
        tracing::info!(seq = %head.seq, path = %path.display(), "a checkpoint was made");
        let not_shipped = self.ship();
        if let Err(error) = self.shelf.thin() {
            tracing::warn!(%error, "old checkpoints cannot be removed");
        }
        Ok(Made { checkpoint, recorded, not_shipped })
    }

    /// The last one, where it covers all but its own record.
    fn last_of(&self, head: Head) -> io::Result<Option<Checkpoint>> {
        let last = self.shelf.newest()?.filter(|last| last.stand().ledger == self.ledger);
        let is_newest = |last: &Checkpoint| {
            let is_its_record = self.recorded == Some(head.seq);
            is_its_record || (last.stand().seq, last.stand().head) == (head.seq, head.hash)
        };
        Ok(last.filter(is_newest))
    }

    fn record(&self, checkpoint: &Checkpoint, actor: Actor) -> Result<Option<Seq>, Failure> {
        let Stand { seq, head, .. } = *checkpoint.stand();
        let keep = Keep::Checkpoint { seq, head, key: checkpoint.key().0 };
        let mut caller = self.shared.ingest.caller(1);
        match caller.submit(Request::new(actor, Command::Keep(Box::new(keep)))) {
            Ok(_) => Ok(Ticket::new(caller).wait_for(PATIENCE)?.seq),
            Err(Refused::Ledger(failure)) => Err(failure),
            // A fresh caller has nothing in flight.
            Err(Refused::RingFull { .. }) => Err(Failure::Busy),
        }
    }

    /// Copies what is not there yet to the second folder. Why not, where it cannot.
    fn ship(&self) -> Option<String> {
        let to = self.to.as_deref()?;
        let error = self.shelf.ship(to).err()?;
        tracing::warn!(%error, to = %to.display(), "a checkpoint was not copied; it goes with the next");
        Some(format!("cannot copy it to `{}`: {error}", to.display()))
    }
}

pub(crate) fn drawn() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::from)?;
    Ok(seed)
}
