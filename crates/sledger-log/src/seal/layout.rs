//! The fixed parts of a sealed file, to bytes and back. Nothing here trusts a length.

use super::SealedFault;
use crate::block::{BLOCK_BYTES_MAX, LedgerId, take};
use sledger_core::log::Head;
use sledger_core::{Millis, Seq};

const MAGIC: [u8; 8] = [0xF5, b'S', b'L', b'S', b'E', b'A', b'L', 0xFF];
pub(crate) const MAGIC_FRAME: [u8; 4] = [0xF5, b'S', b'L', b'F'];
/// The format written today: each frame has a filter of its own.
pub(super) const FORMAT: u16 = 2;
/// The first format: one filter for the whole volume.
pub(super) const FORMAT_ONE_FILTER: u16 = 1;

pub(crate) const HEADER_BYTES: usize = 72;
pub(crate) const FRAME_HEADER_BYTES: usize = 64;
pub(crate) const PLACE_BYTES: usize = 80;

/// No frame holds more bytes of blocks.
pub(crate) const FRAME_RAW_BYTES_MAX: usize = 1024 * 1024 + BLOCK_BYTES_MAX;
/// No frame is longer packed: zstd adds less than this to what it cannot shrink.
pub(crate) const FRAME_PACKED_BYTES_MAX: usize = FRAME_RAW_BYTES_MAX + 16 * 1024;

pub(super) const CHECK_BYTES: usize = 32;

/// Which volume of which ledger a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) ledger: LedgerId,
    pub(crate) partition: u32,
    pub(crate) volume: u32,
}

impl Name {
    /// The header of its file.
    pub(crate) fn header(&self, format: u16) -> Vec<u8> {
        let fields: [&[u8]; 7] = [
            &MAGIC,
            &format.to_le_bytes(),
            &[0; 2],
            &self.ledger.0,
            &self.partition.to_le_bytes(),
            &self.volume.to_le_bytes(),
            &[0; 4],
        ];
        checked(fields.concat(), &[])
    }

    /// Reads a header; the format stands beside the name.
    pub(crate) fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<(Self, u16), SealedFault> {
        let part = "header";
        let mut rest = bytes.as_slice();
        if take::<8>(&mut rest) != Some(MAGIC) {
            return Err(SealedFault::Magic { part });
        }
        let format = known(take(&mut rest))?;
        let name = take::<2>(&mut rest).and_then(|_| Self::fields(&mut rest));
        let name = name.ok_or(SealedFault::Magic { part })?;
        if name.header(format) == bytes { Ok((name, format)) } else { Err(SealedFault::Check { part }) }
    }

    /// Reads the fields that header and footer have in common.
    pub(super) fn fields(rest: &mut &[u8]) -> Option<Self> {
        Some(Self {
            ledger: LedgerId(take(rest)?),
            partition: u32::from_le_bytes(take(rest)?),
            volume: u32::from_le_bytes(take(rest)?),
        })
    }

    /// Says when a file is not the one expected.
    pub(crate) fn expect(&self, expected: &Self) -> Result<(), SealedFault> {
        if self.ledger != expected.ledger {
            return Err(SealedFault::OtherLedger { found: self.ledger });
        }
        if self != expected {
            return Err(SealedFault::OtherVolume { partition: self.partition, volume: self.volume });
        }
        Ok(())
    }
}

/// Says when a format is none of those that this program reads.
pub(super) fn known(format: Option<[u8; 2]>) -> Result<u16, SealedFault> {
    match format.map(u16::from_le_bytes) {
        Some(format @ (FORMAT_ONE_FILTER | FORMAT)) => Ok(format),
        found => Err(SealedFault::Format { format: found.unwrap_or_default() }),
    }
}

/// Fields with their check behind: BLAKE3 of `before` and them.
pub(super) fn checked(mut fields: Vec<u8>, before: &[u8]) -> Vec<u8> {
    let check = blake3::Hasher::new().update(before).update(&fields).finalize();
    fields.extend_from_slice(check.as_bytes());
    fields
}

/// What stands before the packed blocks of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) packed: u32,
    pub(crate) raw: u32,
    pub(crate) blocks: u32,
    pub(crate) first: Seq,
    pub(crate) last: Seq,
}

impl FrameHeader {
    /// The frame's header, its check over `packed`.
    pub(crate) fn to_bytes(self, packed: &[u8]) -> Vec<u8> {
        let mut bytes = self.fields();
        let check = check_frame(&bytes, packed);
        bytes.extend_from_slice(&check);
        bytes
    }

    fn fields(self) -> Vec<u8> {
        let fields: [&[u8]; 6] = [
            &MAGIC_FRAME,
            &self.packed.to_le_bytes(),
            &self.raw.to_le_bytes(),
            &self.blocks.to_le_bytes(),
            &self.first.0.to_le_bytes(),
            &self.last.0.to_le_bytes(),
        ];
        fields.concat()
    }

    /// Reads a frame's header. Bounds are checked, the check is not; `None` for anything else.
    pub(crate) fn parse(bytes: &[u8; FRAME_HEADER_BYTES]) -> Option<(Self, [u8; CHECK_BYTES])> {
        let mut rest = bytes.as_slice();
        take::<4>(&mut rest).filter(|magic| *magic == MAGIC_FRAME)?;
        let header = Self {
            packed: u32::from_le_bytes(take(&mut rest)?),
            raw: u32::from_le_bytes(take(&mut rest)?),
            blocks: u32::from_le_bytes(take(&mut rest)?),
            first: Seq(u64::from_le_bytes(take(&mut rest)?)),
            last: Seq(u64::from_le_bytes(take(&mut rest)?)),
        };
        let is_bounded = header.packed as usize <= FRAME_PACKED_BYTES_MAX
            && header.raw as usize <= FRAME_RAW_BYTES_MAX
            && header.first <= header.last
            && header.blocks > 0;
        Some((header, take(&mut rest)?)).filter(|_| is_bounded)
    }

    /// The check that belongs to this header and these packed blocks.
    pub(crate) fn check(self, packed: &[u8]) -> [u8; CHECK_BYTES] {
        check_frame(&self.fields(), packed)
    }

    /// Length of the whole frame.
    pub(crate) const fn bytes(self) -> u64 {
        FRAME_HEADER_BYTES as u64 + self.packed as u64
    }
}

fn check_frame(fields: &[u8], packed: &[u8]) -> [u8; CHECK_BYTES] {
    *blake3::Hasher::new().update(fields).update(packed).finalize().as_bytes()
}

/// Where a frame stands and what it holds: an entry of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) packed: u32,
    pub(crate) raw: u32,
    pub(crate) first: Seq,
    pub(crate) last: Seq,
    pub(crate) first_at: Millis,
    pub(crate) last_at: Millis,
    pub(crate) prev: [u8; 32],
}

impl Place {
    pub(crate) fn put(&self, to: &mut Vec<u8>) {
        let fields: [&[u8]; 8] = [
            &self.offset.to_le_bytes(),
            &self.packed.to_le_bytes(),
            &self.raw.to_le_bytes(),
            &self.first.0.to_le_bytes(),
            &self.last.0.to_le_bytes(),
            &self.first_at.0.to_le_bytes(),
            &self.last_at.0.to_le_bytes(),
            &self.prev,
        ];
        for field in fields {
            to.extend_from_slice(field);
        }
    }

    /// The entry at the beginning of `rest`.
    pub(crate) fn take(rest: &mut &[u8]) -> Option<Self> {
        Some(Self {
            offset: u64::from_le_bytes(take(rest)?),
            packed: u32::from_le_bytes(take(rest)?),
            raw: u32::from_le_bytes(take(rest)?),
            first: Seq(u64::from_le_bytes(take(rest)?)),
            last: Seq(u64::from_le_bytes(take(rest)?)),
            first_at: Millis(u64::from_le_bytes(take(rest)?)),
            last_at: Millis(u64::from_le_bytes(take(rest)?)),
            prev: take(rest)?,
        })
    }

    /// Where the log stands before the frame.
    pub(crate) const fn before(&self) -> Head {
        Head { seq: Seq(self.first.0.saturating_sub(1)), hash: self.prev, at: self.first_at, token: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_are_what_they_say(bytes in prop::collection::vec(any::<u8>(), FRAME_HEADER_BYTES)) {
            let bytes: [u8; FRAME_HEADER_BYTES] = bytes.try_into().unwrap();
            if let Some((header, _)) = FrameHeader::parse(&bytes) {
                prop_assert!(header.raw as usize <= FRAME_RAW_BYTES_MAX);
            }
        }
    }
}
