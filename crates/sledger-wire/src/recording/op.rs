//! The names of commands.

use serde::{Deserialize, Serialize};

/// What a line asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpName {
    /// A session wants in.
    Login,
    /// A session was active.
    Touch,
    /// A session ended by its own side.
    Logout,
    /// A session's connection is gone.
    Disconnect,
    /// An operator ends one session.
    End,
    /// A user's sessions are ended.
    Clear,
    /// A source lists its live sessions.
    Reconcile,
    /// Existing sessions are recorded.
    Adopt,
    /// Time passes.
    Advance,
    /// Settings change.
    Configure,
    /// A policy is installed.
    Policy,
}

impl OpName {
    /// All of them, in the documented order.
    pub const ALL: [Self; 11] = [
        Self::Login,
        Self::Touch,
        Self::Logout,
        Self::Disconnect,
        Self::End,
        Self::Clear,
        Self::Reconcile,
        Self::Adopt,
        Self::Advance,
        Self::Configure,
        Self::Policy,
    ];

    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Touch => "touch",
            Self::Logout => "logout",
            Self::Disconnect => "disconnect",
            Self::End => "end",
            Self::Clear => "clear",
            Self::Reconcile => "reconcile",
            Self::Adopt => "adopt",
            Self::Advance => "advance",
            Self::Configure => "configure",
            Self::Policy => "policy",
        }
    }

    /// The op of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.as_str() == word)
    }

    /// Whether only recordings may say it.
    #[must_use]
    pub const fn is_for_recordings_only(self) -> bool {
        matches!(self, Self::Advance | Self::Configure | Self::Policy)
    }
}

impl std::fmt::Display for OpName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
