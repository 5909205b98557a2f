//! The past of a served ledger, folded there.

use crate::client::Client;
use crate::error::ClientError;
use reqwest::blocking::Response;
use serde::Serialize;
use sledger_wire::pages::TimelinePage;
use sledger_wire::queries::{AtQuery, DiffQuery, TimelineQuery};
use std::io::{self, Read};

/// JSON as it comes: it may be long.
#[derive(Debug)]
pub struct RawJson(Response);

impl Client {
    /// Who was in at a moment: a [`sledger_wire::pages::ReplayAt`].
    ///
    /// # Errors
    /// The connection's, and what the server refuses.
    pub fn replay_at(&self, query: &AtQuery) -> Result<RawJson, ClientError> {
        self.past("at", query)
    }

    /// What differs between two moments: a [`sledger_wire::past::ReplayDiff`].
    ///
    /// # Errors
    /// The connection's, and what the server refuses.
    pub fn replay_diff(&self, query: &DiffQuery) -> Result<RawJson, ClientError> {
        self.past("diff", query)
    }

    /// A page of events about somebody.
    ///
    /// # Errors
    /// The connection's, and what the server refuses.
    pub fn replay_timeline(&self, query: &TimelineQuery) -> Result<TimelinePage, ClientError> {
        let request = self.feed().get(self.path(&["v1", "replay", "timeline"])?).query(query);
        Ok(self.read(request)?)
    }

    fn past(&self, what: &str, query: &impl Serialize) -> Result<RawJson, ClientError> {
        let request = self.feed().get(self.path(&["v1", "replay", what])?).query(query);
        Ok(self.asked(request).map(RawJson)?)
    }
}

impl Read for RawJson {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.read(to)
    }
}
