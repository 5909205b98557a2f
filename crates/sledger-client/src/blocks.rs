//! The raw blocks of a served ledger, as they lie on its disk.

use crate::client::Client;
use crate::error::ClientError;
use reqwest::blocking::Response;
use std::io::{self, Read};

/// Blocks, one behind the other, as they come. Whoever reads them checks them.
#[derive(Debug)]
pub struct RawBlocks(Response);

impl Client {
    /// The durable blocks from the one that holds the event `from` on.
    ///
    /// # Errors
    /// The connection's, and what the server refuses.
    pub fn blocks(&self, from: u64) -> Result<RawBlocks, ClientError> {
        let request = self.feed().get(self.path(&["v1", "blocks"])?).query(&[("from", from)]);
        Ok(self.asked(request).map(RawBlocks)?)
    }
}

impl RawBlocks {
    pub(crate) fn of(response: Response) -> Self {
        Self(response)
    }
}

impl Read for RawBlocks {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.read(to)
    }
}
