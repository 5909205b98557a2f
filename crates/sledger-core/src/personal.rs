//! What is personal, in the clear or sealed.
//!
//! A person is erased by destroying the key of what is sealed; chain, numbers
//! and counts hold without it. The core never seals or opens: that happens
//! where the log is written and read, and what could not be opened arrives here
//! still sealed.

use serde::{Deserialize, Serialize};

/// A personal value as it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Personal<T> {
    /// In the clear.
    Plain(T),
    /// Sealed with XChaCha20-Poly1305 under one user's key.
    Sealed {
        /// Names the key, without saying whose it is.
        key: u64,
        /// Drawn anew for each value, outside the core.
        nonce: [u8; 24],
        /// The sealed encoding of the value.
        bytes: Box<[u8]>,
    },
}

impl<T> Personal<T> {
    /// The value, unless it is sealed.
    pub const fn plain(&self) -> Option<&T> {
        match self {
            Self::Plain(value) => Some(value),
            Self::Sealed { .. } => None,
        }
    }
}
