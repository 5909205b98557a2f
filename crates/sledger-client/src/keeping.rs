//! The ledger's own keeping: notes, holds, the state that history begins with.

use crate::blocks::RawBlocks;
use crate::client::{Client, json};
use crate::error::ClientError;
use crate::retries::fresh;
use serde_json::json as object;
use sledger_wire::evidence::{CheckpointMade, SealedNow};
use sledger_wire::keeping::{Holding, Kept};
use sledger_wire::queries::CommandQuery;

impl Client {
    /// Has the ledger sign where it stands. Asked twice it is the same, so it is sent again as it is.
    ///
    /// # Errors
    /// Refused with 404 in memory, 500 without a key or when it cannot be kept.
    pub fn checkpoint(&self) -> Result<CheckpointMade, ClientError> {
        let url = self.path(&["v1", "ledger", "checkpoint"])?;
        self.certain(|| self.read(json(self.quick().post(url.clone()), "{}")))
    }

    /// Has the active volume end and be sealed. Asked twice, an empty one stays as it is.
    ///
    /// # Errors
    /// Refused with 404 in memory.
    pub fn seal(&self) -> Result<SealedNow, ClientError> {
        let url = self.path(&["v1", "ledger", "seal"])?;
        self.certain(|| self.read(json(self.quick().post(url.clone()), "{}")))
    }

    /// Sets a hold: until it is released nothing is archived, dropped or erased.
    ///
    /// # Errors
    /// Refused: 409 where one of this name stands, 422 for a name or reason that cannot be used.
    pub fn hold(&self, name: &str, reason: &str) -> Result<Holding, ClientError> {
        self.keep("hold", &object!({ "name": name, "reason": reason }))
    }

    /// Releases a hold.
    ///
    /// # Errors
    /// Refused with 404 where there is none of this name.
    pub fn release(&self, name: &str) -> Result<Holding, ClientError> {
        self.keep("release", &object!({ "name": name }))
    }

    fn keep(&self, what: &str, body: &serde_json::Value) -> Result<Holding, ClientError> {
        let url = self.path(&["v1", "ledger", what])?;
        let (query, body) = (CommandQuery { command: Some(fresh()) }, body.to_string());
        self.certain(|| self.read(json(self.quick().post(url.clone()).query(&query), body.clone())))
    }

    /// The state that history begins with, as a file; its BLAKE3 stands in [`Client::ledger`] as `begins.base`.
    ///
    /// # Errors
    /// Refused with 404 where history begins with the first event.
    pub fn base(&self) -> Result<RawBlocks, ClientError> {
        let request = self.feed().get(self.path(&["v1", "ledger", "base"])?);
        Ok(self.asked(request).map(RawBlocks::of)?)
    }

    /// Writes a note into the ledger; `about` is e.g. `seq:17` or `user:ann`.
    ///
    /// # Errors
    /// Refused with 422 and the field that cannot be used.
    pub fn note(&self, about: &str, text: &str) -> Result<Kept, ClientError> {
        let url = self.path(&["v1", "notes"])?;
        let query = CommandQuery { command: Some(fresh()) };
        let body = object!({ "about": about, "text": text }).to_string();
        self.certain(|| self.read(json(self.quick().post(url.clone()).query(&query), body.clone())))
    }
}
