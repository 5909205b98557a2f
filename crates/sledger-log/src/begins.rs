//! `begin`: where the history in a data directory begins, once its first volumes are gone.
//!
//! ```text
//! ledger volume last at epoch hash   the first volume that is there, and where the log stands before it
//! base                               BLAKE3 of the file of the base: the state after `last`
//! why when                           `dropped` or `archived`, and when the last of them went, by ledger time
//! ```
//!
//! Promise: with the mark there is a base (see [`crate::Bases`]), and the events from `last + 1` on are there without
//! a gap. Volumes below `volume` that still lie about were about to go: they are not read, and the next open for
//! writing removes them.
//!
//! Without the mark history begins with the first event. Absent on purpose: a hole in the middle.

use crate::block::LedgerId;
use crate::error::OpenError;
use crate::mark::Mark;
use sledger_core::log::Head;
use sledger_core::{Millis, Seq};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Where a history begins that does not begin with the first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begins {
    /// The first volume that is there.
    pub volume: u32,
    /// The last event that is gone, and the hash that the first block names as the one before it.
    pub head: Head,
    /// Epoch of the last block that is gone.
    pub epoch: u64,
    /// BLAKE3 of the file of the base.
    pub base: [u8; 32],
    /// What became of the volumes that went last.
    pub why: Gone,
    /// When they went, by ledger time.
    pub when: Millis,
}

/// What became of volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// They were older than is kept.
    Dropped,
    /// They lie in an archive.
    Archived,
}

impl Gone {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Archived => "archived",
        }
    }

    pub(crate) fn named(text: &str) -> Result<Self, String> {
        let found = [Self::Dropped, Self::Archived].into_iter().find(|why| why.as_str() == text);
        found.ok_or_else(|| "`why` is no word of it".to_owned())
    }
}

impl fmt::Display for Begins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, why, when) = (self.head.seq.next(), self.why.as_str(), self.when.rfc3339());
        write!(f, "history begins at seq {first}; what stood before it was {why} on {when}")
    }
}

impl Begins {
    /// The mark of the ledger in `dir`; `None` where history begins with the first event.
    ///
    /// # Errors
    /// It is changed, cut, or of another ledger.
    pub fn read(dir: &Path, ledger: LedgerId) -> Result<Option<Self>, OpenError> {
        let path = path(dir);
        let found = Mark::read(&path).map_err(|source| OpenError::io("read", &path, source))?;
        found
            .map(|mark| Self::from_mark(&mark?, ledger))
            .transpose()
            .map_err(|detail| OpenError::BadMark { path, detail })
    }

    /// Writes the mark, durable when this returns.
    pub(crate) fn write(&self, dir: &Path, ledger: LedgerId) -> io::Result<()> {
        Mark::default()
            .with("ledger", ledger)
            .with("volume", self.volume)
            .with("last", self.head.seq)
            .with("at", self.head.at.0)
            .with("epoch", self.epoch)
            .with_hex("hash", &self.head.hash)
            .with_hex("base", &self.base)
            .with("why", self.why.as_str())
            .with("when", self.when.0)
            .write(&path(dir))
    }

    fn from_mark(mark: &Mark, ledger: LedgerId) -> Result<Self, String> {
        let found = LedgerId(mark.bytes("ledger")?);
        if found != ledger {
            return Err(format!("it belongs to ledger `{found}`"));
        }
        let head = Head {
            seq: Seq(mark.number("last")?),
            hash: mark.bytes("hash")?,
            at: Millis(mark.number("at")?),
            token: 0,
        };
        Ok(Self {
            volume: mark.number("volume")?,
            head,
            epoch: mark.number("epoch")?,
            base: mark.bytes("base")?,
            why: Gone::named(mark.text("why")?)?,
            when: Millis(mark.number("when")?),
        })
    }
}

/// The first volume, where the log stands before it, and the epoch there.
pub(crate) fn origin(begins: Option<&Begins>) -> (u32, Head, u64) {
    begins.map_or((1, Head::default(), 0), |begins| (begins.volume, begins.head, begins.epoch))
}

pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join("begin")
}
