//! The feed: events in order, resumed after a lost connection.

use crate::client::Client;
use crate::error::ClientError;
use crate::feed::{self, Sent};
use reqwest::blocking::Response;
use serde::Deserialize;
use sledger_wire::events::EventLine;
use sledger_wire::queries::EventsQuery;
use std::io::BufReader;
use std::time::Duration;

/// How often in a row the connection may be lost without an event between.
const TRIES_MAX: u32 = 8;
/// Before the second try; doubled for each further one.
const PAUSE: Duration = Duration::from_millis(100);

/// Events of a feed; ends after the first error.
#[derive(Debug)]
pub struct Events {
    client: Client,
    query: EventsQuery,
    /// The last event given out, or the one before the first that is wanted.
    last: u64,
    open: Option<BufReader<Response>>,
    tries: u32,
    is_over: bool,
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
        Ok(Events { client: self.clone(), query, last, open: None, tries: 0, is_over: false })
    }
}

impl Events {
    /// The last event given out, or the one before the first that is wanted.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    fn advance(&mut self) -> Result<EventLine, ClientError> {
        loop {
            match self.sent() {
                Ok(Some(sent)) => return self.event(&sent),
                // It broke off: go on behind the last event.
                Ok(None) => self.pause(None)?,
                Err(error) if error.is_connection() => self.pause(Some(error))?,
                Err(error) => return Err(error),
            }
        }
    }

    fn sent(&mut self) -> Result<Option<Sent>, ClientError> {
        let input = match &mut self.open {
            Some(input) => input,
            closed => closed.insert(self.client.follow(&self.query, self.last)?),
        };
        let sent = feed::next(input);
        if !matches!(sent, Ok(Some(_))) {
            self.open = None;
        }
        sent.map_err(|source| self.client.broken_off(source))
    }

    fn event(&mut self, sent: &Sent) -> Result<EventLine, ClientError> {
        let strange = |error: serde_json::Error| self.client.strange(&format!("{error} in {}", sent.data));
        if sent.kind == "lost" {
            let Lost { from, to } = serde_json::from_str(&sent.data).map_err(strange)?;
            return Err(ClientError::Lost { from, to });
        }
        let event: EventLine = serde_json::from_str(&sent.data).map_err(strange)?;
        (self.last, self.tries) = (event.seq, 0);
        Ok(event)
    }

    fn pause(&mut self, error: Option<ClientError>) -> Result<(), ClientError> {
        self.tries += 1;
        if self.tries >= TRIES_MAX || (self.tries == 1 && matches!(error, Some(ClientError::Connect { .. })))
        {
            let ended = || self.client.broken_off(std::io::ErrorKind::UnexpectedEof.into());
            return Err(error.unwrap_or_else(ended));
        }
        std::thread::sleep(PAUSE * (1 << self.tries.min(5)));
        Ok(())
    }
}

impl Client {
    fn follow(&self, query: &EventsQuery, last: u64) -> Result<BufReader<Response>, ClientError> {
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
        let next = self.advance();
        self.is_over = next.is_err();
        Some(next)
    }
}
