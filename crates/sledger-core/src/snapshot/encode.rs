//! From what a [`Taker`](super::Taker) gives to frames.

use super::{Beginning, Counts, Kind, Slice};
use crate::codec;
use serde::Serialize;

/// Bytes from which on a frame is full.
const FULL: usize = 256 * 1024;

/// Makes the frames of one snapshot. Each is handed on with the number of its kind, in order.
#[derive(Debug, Default)]
pub struct Encoder {
    counts: Counts,
    body: Vec<u8>,
}

impl Encoder {
    /// The frames of the beginning, which come first.
    ///
    /// # Errors
    /// As `give`.
    pub fn beginning<E>(
        &mut self,
        beginning: &Beginning,
        give: &mut impl FnMut(u8, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.rows(Kind::Head, std::iter::once(&beginning.head), give)?;
        self.rows(Kind::Setting, beginning.settings.iter().map(|(_, part)| part), give)?;
        self.rows(Kind::Policy, &beginning.policies, give)?;
        self.rows(Kind::Part, &beginning.parts, give)?;
        self.rows(Kind::Trip, beginning.trips.iter(), give)?;
        let holds = Some(&beginning.holds).filter(|holds| !holds.is_empty());
        self.rows(Kind::Hold, holds, give)
    }

    /// The frames of a slice.
    ///
    /// # Errors
    /// As `give`.
    pub fn slice<E>(
        &mut self,
        slice: &Slice,
        give: &mut impl FnMut(u8, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.rows(Kind::Session, &slice.sessions, give)?;
        self.rows(Kind::Tombstone, &slice.tombstones, give)?;
        self.rows(Kind::Command, &slice.commands, give)?;
        self.rows(Kind::Storm, &slice.storms, give)
    }

    /// The frame after which there is none.
    ///
    /// # Errors
    /// As `give`.
    pub fn end<E>(self, give: &mut impl FnMut(u8, &[u8]) -> Result<(), E>) -> Result<(), E> {
        give(Kind::End.number(), &codec::encode(&self.counts))
    }

    fn rows<T: Serialize, E>(
        &mut self,
        kind: Kind,
        rows: impl IntoIterator<Item = T>,
        give: &mut impl FnMut(u8, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.body.clear();
        for row in rows {
            codec::encode_into(&row, &mut self.body);
            self.counts.add(kind, 1);
            if self.body.len() >= FULL {
                give(kind.number(), &self.body)?;
                self.body.clear();
            }
        }
        if self.body.is_empty() { Ok(()) } else { give(kind.number(), &self.body) }
    }
}
