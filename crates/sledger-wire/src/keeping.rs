//! The ledger's own keeping over HTTP: notes, holds, volumes, and what recording something of it came to.

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

/// The body of `POST /v1/ledger/hold`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HoldBody {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// A hold that stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HoldObject {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: String,
    /// By whom.
    pub actor: String,
}

/// Holds, as they are after a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Holding {
    /// The event.
    pub seq: u64,
    /// When.
    pub at: String,
    /// The holds that stand.
    pub holds: Vec<HoldObject>,
}

/// Where the history of a ledger begins whose first volumes are gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BeginsObject {
    /// The last event that is gone.
    pub seq: u64,
    /// Its block's hash, in hex.
    pub hash: String,
    /// Its time.
    pub at: String,
    /// Its epoch.
    pub epoch: u64,
    /// BLAKE3 of the base, in hex: the state after it, as `GET /v1/ledger/base` gives it.
    pub base: String,
    /// `dropped` or `archived`.
    pub why: String,
    /// When.
    pub when: String,
}

/// One volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VolumeObject {
    /// Its number.
    pub volume: u32,
    /// First event in it.
    pub first: u64,
    /// Last event in it; null where it is still written.
    pub last: Option<u64>,
    /// `active`, `ended` or `sealed`.
    pub state: String,
    /// Bytes on the disk.
    pub bytes: u64,
    /// Time of its first decision, where it is sealed.
    pub first_at: Option<String>,
    /// Time of its last decision.
    pub last_at: Option<String>,
}

/// How keeping goes since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeepingObject {
    /// Volumes dropped or archived.
    pub gone: u64,
    /// Why the last try came to nothing; null when it went well.
    pub last_error: Option<String>,
}
