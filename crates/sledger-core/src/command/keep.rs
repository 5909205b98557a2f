//! What is recorded about the ledger's own keeping: notes, holds, looks at the past, what was signed or moved away.

use crate::Seq;

/// One fact about the ledger's keeping, as somebody reports or asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Somebody writes a note.
    Note {
        /// What it is about, e.g. `seq:17`, `user:ann`.
        about: String,
        /// The note.
        text: String,
    },
    /// Nothing may be archived, dropped or erased until released.
    Hold {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// A hold ends.
    Release {
        /// Its name.
        name: String,
    },
    /// A person is erased: live sessions end, and the key of what is sealed about them is destroyed.
    Erase {
        /// Whose.
        user: String,
        /// The key, as whoever keeps the keys says.
        key: u64,
        /// Why.
        reason: String,
    },
    /// Somebody looked at the past through a server. Never refused: what cannot be recorded as it is, is shortened.
    Read {
        /// What was asked, e.g. `timeline`.
        what: &'static str,
        /// About whom or what; empty for everybody.
        about: String,
    },
    /// A checkpoint was signed.
    Checkpoint {
        /// Up to which seq.
        seq: Seq,
        /// The head's hash.
        head: [u8; 32],
        /// The public key.
        key: [u8; 32],
    },
    /// A volume was copied away, and is to be removed.
    Archived {
        /// Its number.
        volume: u32,
        /// Where to, as the operator named it.
        to: String,
    },
    /// A volume is to be dropped by age.
    Dropped {
        /// Its number.
        volume: u32,
        /// First seq in it.
        first: Seq,
        /// Last seq in it.
        last: Seq,
        /// Hash of its last block.
        head: [u8; 32],
    },
}

impl Keep {
    /// What a command id stands for: the operation, and what it is about.
    pub(crate) fn about(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Note { about, .. } => ("note", Some(about)),
            Self::Hold { name, .. } => ("hold", Some(name)),
            Self::Release { name } => ("release", Some(name)),
            Self::Erase { user, .. } => ("erase", Some(user)),
            Self::Read { what, .. } => ("read", Some(what)),
            Self::Checkpoint { .. } => ("checkpoint", None),
            Self::Archived { to, .. } => ("archive", Some(to)),
            Self::Dropped { .. } => ("drop", None),
        }
    }
}
