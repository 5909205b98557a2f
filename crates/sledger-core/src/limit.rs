//! How many sessions a quota key may hold: a type, never a magic 0 or -1.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU32;

/// How many live sessions a quota key may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Limit {
    /// No bound; sessions are counted all the same.
    Unlimited,
    /// Nobody gets in, and no script is asked.
    Banned,
    /// At most this many.
    Max(NonZeroU32),
}

impl Limit {
    /// A limit of `count` sessions, `None` for 0: what is meant by 0 differs from product to product.
    #[must_use]
    pub const fn at_most(count: u32) -> Option<Self> {
        match NonZeroU32::new(count) {
            Some(count) => Some(Self::Max(count)),
            None => None,
        }
    }

    /// Whether a key with `used` live sessions, the newcomer not among them, has no room for it.
    #[must_use]
    pub const fn is_exhausted_by(self, used: u32) -> bool {
        match self {
            Self::Unlimited => false,
            Self::Banned => true,
            Self::Max(max) => used >= max.get(),
        }
    }

    /// Whether a key that holds `count` sessions keeps within this limit.
    #[must_use]
    pub const fn holds(self, count: u32) -> bool {
        match self {
            Self::Unlimited => true,
            Self::Banned => count == 0,
            Self::Max(max) => count <= max.get(),
        }
    }

    /// The number, where there is one.
    #[must_use]
    pub const fn number(self) -> Option<u32> {
        match self {
            Self::Max(max) => Some(max.get()),
            Self::Unlimited | Self::Banned => None,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("unlimited"),
            Self::Banned => f.write_str("banned"),
            Self::Max(max) => max.fmt(f),
        }
    }
}
