//! The state exactly as it was at one seq, given away in small slices while decisions go on.
//!
//! ```text
//! begin            everything small, and where the rest ends: [`Beginning`]
//! slice slice ...  some sessions, tombstones, command ids, storms each: [`Slice`]
//! ```
//!
//! A [`Taker`] gives, an [`Encoder`] makes frames of it, a [`Loader`] makes a state of frames. A frame is rows of one
//! kind, each as [`crate::codec`] encodes it, one behind the other.
//!
//! INVARIANT(snapshot): a session that is not given yet is saved before it changes or ends, so each is as it was at
//! the beginning. Tombstones and command ids never change; of those that are forgotten meanwhile the events after the
//! snapshot tell, so it is only good where the log reaches as far as the state did at the last slice.
//!
//! Absent on purpose: what is not folded (activity seen but not recorded, answers that recorded nothing), files,
//! hashes of blocks.

mod encode;
mod load;
mod reading;
mod row;
mod taking;
#[cfg(test)]
mod tests;

pub use encode::Encoder;
pub use load::{LoadError, Loader, Rows};
pub use taking::{Beginning, Slice, Taker};

pub(crate) use taking::{Taking, before_change, before_denial, is_new};

/// Revision of the rows: changes when they are written otherwise.
pub const SNAPSHOT_REVISION: u32 = 2;

/// The longest frame, in bytes.
pub const FRAME_BYTES_MAX: usize = 64 << 20;

/// What rows a frame has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// One row: everything small.
    Head,
    /// Parts of the settings in force, in order.
    Setting,
    /// Sources of policies.
    Policy,
    /// Parts of settings that are not in force.
    Part,
    /// Failing policies.
    Trip,
    /// Live sessions, in no order.
    Session,
    /// Tombstones, oldest first.
    Tombstone,
    /// Command ids and their answers, oldest first.
    Command,
    /// Kinds of denials watched, in no order.
    Storm,
    /// One row: how many rows of each kind there were.
    End,
    /// One row: all holds that stand, where one does. Programs that do not know it pass the snapshot over.
    Hold,
}

impl Kind {
    pub(crate) const ALL: [Self; 11] = [
        Self::Head,
        Self::Setting,
        Self::Policy,
        Self::Part,
        Self::Trip,
        Self::Session,
        Self::Tombstone,
        Self::Command,
        Self::Storm,
        Self::End,
        Self::Hold,
    ];

    /// As it is written: 1 for the first.
    pub(crate) const fn number(self) -> u8 {
        self as u8 + 1
    }

    pub(crate) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// How many rows of each kind, in the order of [`Kind::ALL`]; end and holds are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Counts([u64; 9]);

impl Counts {
    pub(crate) fn add(&mut self, kind: Kind, rows: usize) {
        if let Some(count) = self.0.get_mut(usize::from(kind.number()).saturating_sub(1)) {
            *count = count.saturating_add(rows as u64);
        }
    }

    pub(crate) fn of(&self, kind: Kind) -> u64 {
        self.0.get(usize::from(kind.number()).saturating_sub(1)).copied().unwrap_or(0)
    }
}
