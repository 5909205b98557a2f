//! The ledger's own keeping over HTTP: notes, and what recording something of it came to.

use serde::{Deserialize, Serialize};

/// What was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Kept {
    /// The event.
    pub seq: u64,
    /// When.
    pub at: String,
}

/// The body of `POST /v1/notes`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoteBody {
    /// What it is about, e.g. `seq:17`, `user:ann`.
    pub about: String,
    /// The note.
    pub text: String,
}
