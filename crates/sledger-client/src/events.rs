//! The feed: events in order, resumed after a lost connection.
//!
//! Promise: every event that is asked for is given out once. Where the connection breaks off, the feed goes on behind
//! the last event; where the server says `lost`, since its reader was too slow for what it keeps in memory, the feed
//! starts again from the server's disk. Only what is not there either is told as [`ClientError::Lost`].

use crate::client::Client;
use crate::error::ClientError;
use crate::feed::{self, Sent};
use crate::retries::{Failed, Pauses, Retries, Verdict};
use reqwest::blocking::Response;
use serde::Deserialize;
use sledger_wire::events::EventLine;
use sledger_wire::queries::EventsQuery;
use std::io::BufReader;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How often in a row the connection may be lost without an event between.
const TRIES_MAX: u32 = 8;

/// Events of a feed; ends after the first error.
#[derive(Debug)]
pub struct Events {
    client: Client,
    query: EventsQuery,
    /// The last event given out, or the one before the first that is wanted.
    last: u64,
    open: Option<BufReader<Response>>,
    /// Since the connection was lost; none once an event has come.
    pauses: Option<Pauses>,
    /// The last event when the server last said `lost`: twice at one place is for good.
    lost_behind: Option<u64>,
    is_over: bool,
    /// Whether what the server no longer has in memory is passed over.
    is_newest_only: bool,
    /// Cleared by whoever wants no more events.
    wanted: Option<Arc<AtomicBool>>,
}

#[derive(Deserialize)]
struct Lost {
    from: u64,
    to: u64,
}

impl Client {
    /// Follows the feed from the event `from` on, or from what comes next; `filter` says which events.
    ///
    /// # Errors
    /// The connection's: where the feed begins must be known, or events could be missed when it breaks off.
    pub fn events(&self, from: Option<u64>, filter: &EventsQuery) -> Result<Events, ClientError> {
        let last = match from {
            Some(from) => from.saturating_sub(1),
            None => self.ledger()?.head,
        };
        let query = EventsQuery { from: None, ..filter.clone() };
        let client = self.clone();
        let (open, pauses, lost_behind, wanted) = (None, None, None, None);
        let (is_over, is_newest_only) = (false, false);
        Ok(Events { client, query, last, open, pauses, lost_behind, is_over, is_newest_only, wanted })
    }
}

impl Events {
    /// The last event given out, or the one before the first that is wanted.
    #[must_use]
    pub const fn last_seq(&self) -> u64 {
        self.last
    }

    /// The same events, until `wanted` is cleared: then they end, with the next event or sign of life at the latest.
    #[must_use]
    pub fn while_wanted(self, wanted: Arc<AtomicBool>) -> Self {
        Self { wanted: Some(wanted), ..self }
    }

    /// The same events, but for readers who want what is new: what the server no longer has in memory is not read
    /// from its disk, but told as [`ClientError::Lost`], and the feed is over.
    #[must_use]
    pub fn newest_only(self) -> Self {
        Self { is_newest_only: true, ..self }
    }

    fn is_wanted(&self) -> bool {
        // Nothing else hangs on it: relaxed will do.
        self.wanted.as_ref().is_none_or(|wanted| wanted.load(Ordering::Relaxed))
    }

    /// The next event; none where nobody wants one any more.
    fn advance(&mut self) -> Result<Option<EventLine>, ClientError> {
        while self.is_wanted() {
            match self.sent() {
                Ok(Some(sent)) if sent.kind == "lost" => self.start_again(&sent)?,
                Ok(Some(sent)) => {
                    let event: EventLine = self.read(&sent)?;
                    // What was given out already is not given out twice.
                    if event.seq > self.last {
                        (self.last, self.pauses) = (event.seq, None);
                        return Ok(Some(event));
                    }
                }
                Ok(None) if !self.is_wanted() => break,
                // It broke off: go on behind the last event.
                Ok(None) => {
                    self.pause(self.client.broken_off(std::io::ErrorKind::UnexpectedEof.into()).into())?;
                }
                Err(failed) => self.pause(failed)?,
            }
        }
        Ok(None)
    }

    fn sent(&mut self) -> Result<Option<Sent>, Failed> {
        let input = match &mut self.open {
            Some(input) => input,
            closed => closed.insert(self.client.follow(&self.query, self.last)?),
        };
        let wanted = self.wanted.as_deref();
        let sent = feed::next(input, || wanted.is_none_or(|wanted| wanted.load(Ordering::Relaxed)));
        if !matches!(sent, Ok(Some(_))) {
            self.open = None;
        }
        sent.map_err(|source| self.client.broken_off(source).into())
    }

    fn read<T: serde::de::DeserializeOwned>(&self, sent: &Sent) -> Result<T, ClientError> {
        serde_json::from_str(&sent.data)
            .map_err(|error| self.client.strange(&format!("{error} in {}", sent.data)))
    }

    /// Asks anew for what the server no longer has in memory: it reads that from its disk.
    fn start_again(&mut self, sent: &Sent) -> Result<(), ClientError> {
        let Lost { from, to } = self.read(sent)?;
        self.open = None;
        // All before it was told, or not asked for.
        self.last = self.last.max(from.saturating_sub(1));
        if self.is_newest_only || self.lost_behind.replace(self.last) == Some(self.last) {
            return Err(ClientError::Lost { from, to });
        }
        Ok(())
    }

    fn pause(&mut self, failed: Failed) -> Result<(), ClientError> {
        let is_passing = match failed.verdict() {
            Verdict::Final => false,
            // Nobody was there to begin with; later it may be a restart.
            Verdict::Absent => self.pauses.is_some(),
            Verdict::Later | Verdict::Open | Verdict::Poisoned => true,
        };
        let retries = Retries { tries_max: TRIES_MAX, ..self.client.retries() };
        let pauses = self.pauses.get_or_insert_with(|| Pauses::new(retries));
        if is_passing && pauses.wait(failed.after) { Ok(()) } else { Err(failed.error) }
    }
}

impl Client {
    fn follow(&self, query: &EventsQuery, last: u64) -> Result<BufReader<Response>, Failed> {
        let request = self.feed().get(self.path(&["v1", "events"])?).query(query);
        self.asked(request.header("last-event-id", last)).map(BufReader::new)
    }
}

impl Iterator for Events {
    type Item = Result<EventLine, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.advance().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}
