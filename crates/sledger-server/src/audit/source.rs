//! What comes after a sink's position, in order and without a gap: from disk, then from memory, then as it happens.

use super::lines::Batch;
use super::past::{Past, PastError};
use super::position::Mark;
use sledger::Ledger;
use sledger::core::Seq;
use sledger::projector::{Delivery, Next, SubscribeError, Subscription};
use sledger_wire::config::Audit as SinkConfig;
use std::time::Duration;

/// Why nothing can be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    #[error("cannot read the events from disk: {0}")]
    Past(#[from] PastError),
    #[error("cannot read the events: {0}")]
    Readers(SubscribeError),
}

/// What there was.
pub(super) enum Found {
    /// A batch, in which maybe nothing was wanted.
    Batch(Batch),
    /// Nothing within the time.
    Nothing,
    /// The ledger is closed; nothing more comes.
    Closed,
}

/// The events after a position.
pub(super) struct Source {
    ledger: Ledger,
    config: SinkConfig,
    at: Mark,
    reading: Reading,
}

enum Reading {
    /// Where the next event is, is not known yet.
    Unknown,
    Past(Box<Past>),
    Live(Live),
}

struct Live {
    subscription: Subscription,
    /// What was not looked at yet: events, and how many of them were.
    rest: Option<(Delivery, usize)>,
}

impl Source {
    pub(super) const fn new(ledger: Ledger, config: SinkConfig, at: Mark) -> Self {
        Self { ledger, config, at, reading: Reading::Unknown }
    }

    /// The next batch; waits for it up to `wait`.
    pub(super) fn next(&mut self, wait: Duration) -> Result<Found, SourceError> {
        let mut batch = Batch::after(self.at);
        let found = match &mut self.reading {
            Reading::Unknown => {
                self.reading = self.begin(None)?;
                Found::Batch(batch)
            }
            Reading::Past(past) => {
                let goes_on = past.fill(&mut batch, &self.config)?;
                if !goes_on {
                    self.join()?;
                }
                Found::Batch(batch)
            }
            Reading::Live(live) => match live.next(wait) {
                Next::Told(delivery) => {
                    live.look(delivery, &mut batch, &self.config);
                    Found::Batch(batch)
                }
                Next::Lost(_) => {
                    self.reading = Reading::Unknown;
                    Found::Batch(batch)
                }
                Next::Idle => Found::Nothing,
                Next::Closed => Found::Closed,
            },
        };
        if let Found::Batch(batch) = &found {
            self.at = batch.mark();
        }
        Ok(found)
    }

    /// Follows memory if it still has what comes next, else history goes on.
    fn join(&mut self) -> Result<(), SourceError> {
        let past = match std::mem::replace(&mut self.reading, Reading::Unknown) {
            Reading::Past(past) => Some(past),
            Reading::Unknown | Reading::Live(_) => None,
        };
        self.reading = self.begin(past)?;
        Ok(())
    }

    fn begin(&mut self, past: Option<Box<Past>>) -> Result<Reading, SourceError> {
        let reached = past.as_ref().map_or(self.at.seq, |past| past.at().0.max(self.at.seq));
        let views = self.ledger.views();
        match views.subscribe(Some(Seq(reached).next())) {
            Ok(subscription) => Ok(Reading::Live(Live { subscription, rest: None })),
            Err(SubscribeError::TooOld { oldest }) => {
                let durable = views.durable();
                match (past, self.ledger.data()) {
                    (Some(mut past), _) => {
                        past.again(durable)?;
                        Ok(Reading::Past(past))
                    }
                    (None, Some(data)) => {
                        Ok(Reading::Past(Box::new(Past::begin(data, Seq(self.at.seq), durable)?)))
                    }
                    (None, None) => {
                        tracing::warn!(to = %self.config.to, from = reached + 1, next = oldest.0, "events are lost: the ledger is in memory only");
                        self.at.seq = oldest.0.saturating_sub(1);
                        Ok(Reading::Unknown)
                    }
                }
            }
            Err(error @ SubscribeError::TooManyReaders { .. }) => Err(SourceError::Readers(error)),
        }
    }
}

impl Live {
    /// What is next; what is left of the last delivery first.
    fn next(&mut self, wait: Duration) -> Next {
        if let Some((delivery, _)) = &self.rest {
            return Next::Told(delivery.clone());
        }
        self.subscription.next_blocking(wait)
    }

    /// Fills `batch` from `delivery`, and keeps what does not fit.
    fn look(&mut self, delivery: Delivery, batch: &mut Batch, config: &SinkConfig) {
        let mut looked = self.rest.take().map_or(0, |(_, looked)| looked);
        for told in delivery.events().iter().skip(looked) {
            if batch.is_full() {
                break;
            }
            batch.look(told, config);
            looked += 1;
        }
        if looked < delivery.events().len() {
            self.rest = Some((delivery, looked));
        }
    }
}
