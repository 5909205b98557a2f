//! The ledger's own keeping: notes.

use crate::client::{Client, json};
use crate::error::ClientError;
use crate::retries::fresh;
use serde_json::json as object;
use sledger_wire::evidence::{CheckpointMade, SealedNow};
use sledger_wire::keeping::Kept;
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
