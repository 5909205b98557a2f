//! Evidence over HTTP: checkpoints that were signed, volumes that were sealed.

use serde::{Deserialize, Serialize};

/// A checkpoint that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckpointMade {
    /// Up to which event.
    pub seq: u64,
    /// Hash of the block that ends there, in hex.
    pub head: String,
    /// When it was signed.
    pub at: String,
    /// The public key, in hex.
    pub key: String,
    /// The checkpoint itself: keep it elsewhere.
    pub text: String,
    /// The public key in PEM, as openssl takes it.
    pub public_key: String,
    /// The event that says so; null where nothing was recorded since the last one, which is given again.
    pub recorded: Option<u64>,
    /// Why it was not copied to `ledger.checkpoint_to`; null where it was, or nothing is to be copied.
    pub not_shipped: Option<String>,
}

/// How sealing on demand went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SealedNow {
    /// Whether everything that has ended is sealed.
    pub sealed: bool,
    /// Whether a volume is still being sealed: it goes on in the background.
    pub running: bool,
    /// Why a volume was left as it is.
    pub error: Option<String>,
    /// The last sealed volume.
    pub newest: Option<SealedOne>,
}

/// One sealed volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SealedOne {
    /// Its number.
    pub volume: u32,
    /// First event in it.
    pub first: u64,
    /// Last event in it.
    pub last: u64,
    /// Hash of its last block, in hex.
    pub head: String,
    /// Length of its file.
    pub bytes: u64,
}
