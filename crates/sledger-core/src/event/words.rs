//! Codes and causes: closed lists that other programs read.

use serde::{Deserialize, Serialize};

/// Why a login was refused, or a session ended: closed and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Code {
    /// A quota was exhausted; also on logins that got in by evicting.
    SessionQuotaExceeded,
    /// The user is banned.
    UserBanned,
    /// The id is somebody else's.
    SessionConflict,
    /// The id was evicted a moment ago.
    EvictedRecently,
    /// The decision would end more than one decision may.
    ExcessTooLarge,
}

impl Code {
    /// The code as other programs read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionQuotaExceeded => "SESSION_QUOTA_EXCEEDED",
            Self::UserBanned => "USER_BANNED",
            Self::SessionConflict => "SESSION_CONFLICT",
            Self::EvictedRecently => "EVICTED_RECENTLY",
            Self::ExcessTooLarge => "EXCESS_TOO_LARGE",
        }
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cause {
    /// Its own side ended it.
    Logout,
    /// Its absolute life was over.
    Ttl,
    /// It was idle for too long.
    Idle,
    /// It did not come back after a disconnect.
    Retention,
    /// Its connection was gone, and it was not to be retained.
    Disconnected,
    /// It made room.
    Evicted,
    /// Somebody ended it on request.
    Cleared,
    /// A new id took its place.
    Replaced,
    /// Another user brought its id.
    TakenOver,
    /// Its source no longer knew it.
    Reconciled,
    /// An import was told to assume it.
    Assumed,
}

impl Cause {
    /// The word as other programs read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Ttl => "ttl",
            Self::Idle => "idle",
            Self::Retention => "retention",
            Self::Disconnected => "disconnected",
            Self::Evicted => "evicted",
            Self::Cleared => "cleared",
            Self::Replaced => "replaced",
            Self::TakenOver => "taken_over",
            Self::Reconciled => "reconciled",
            Self::Assumed => "assumed",
        }
    }
}
