//! The last acknowledged head, noted beside the volumes.
//!
//! Written after each barrier and before the answer, never synced: after a kill
//! it is exact, after a power loss it is exact or older, never newer than what
//! is durable. So a log that ends before its mark has lost acknowledged events,
//! and a log that passes the mark with another hash was changed.
//!
//! ```text
//! offset bytes field
//!      0     8 magic  F5 'S' 'L' 'H' 'E' 'A' 'D' 01
//!      8    16 ledger id
//!     24     8 seq, little-endian
//!     32     8 time of the last decision, little-endian
//!     40    32 hash of the last block
//!     72    32 BLAKE3 of the 72 bytes before
//! ```

use crate::block::LedgerId;
use sledger_core::log::Head;
use sledger_core::{Millis, Seq};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

const MAGIC: [u8; 8] = [0xF5, b'S', b'L', b'H', b'E', b'A', b'D', 1];
const BYTES: usize = 104;

/// The mark, open for writing.
#[derive(Debug)]
pub(crate) struct HeadMark {
    file: Option<File>,
    ledger: LedgerId,
}

impl HeadMark {
    /// Opens the mark for writing; what it says stays until the first note.
    pub(crate) fn open(path: &Path, ledger: LedgerId) -> io::Result<Self> {
        let file = File::options().write(true).create(true).truncate(false).open(path)?;
        Ok(Self { file: Some(file), ledger })
    }

    /// Notes `head`. A note that fails is the last: an old mark is true, only weaker.
    pub(crate) fn note(&mut self, head: &Head) {
        let Some(file) = &self.file else { return };
        if let Err(error) = file.write_all_at(&bytes(self.ledger, head), 0) {
            tracing::warn!(%error, "the head mark cannot be written and is left as it is");
            self.file = None;
        }
    }

    /// Makes the mark durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_all)
    }
}

/// The head that the mark names; `None` when there is no mark, or none that can be trusted.
pub(crate) fn read(path: &Path, ledger: LedgerId) -> io::Result<Option<Head>> {
    match std::fs::read(path) {
        Ok(found) => Ok(parse(&found, ledger)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn bytes(ledger: LedgerId, head: &Head) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let fields: [&[u8]; 5] =
        [&MAGIC, &ledger.0, &head.seq.0.to_le_bytes(), &head.at.0.to_le_bytes(), &head.hash];
    let written = fields.concat();
    let check = *blake3::hash(&written).as_bytes();
    bytes.iter_mut().zip(written.iter().chain(&check)).for_each(|(to, from)| *to = *from);
    bytes
}

fn parse(found: &[u8], ledger: LedgerId) -> Option<Head> {
    let (seq, rest) = found.get(24..BYTES)?.split_first_chunk::<8>()?;
    let (at, rest) = rest.split_first_chunk::<8>()?;
    let (hash, _) = rest.split_first_chunk::<32>()?;
    let head = Head {
        seq: Seq(u64::from_le_bytes(*seq)),
        hash: *hash,
        at: Millis(u64::from_le_bytes(*at)),
        token: 0,
    };
    (bytes(ledger, &head).as_slice() == found).then_some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEDGER: LedgerId = LedgerId([3; 16]);

    #[test]
    fn head_mark_is_read_back_and_any_changed_byte_voids_it() {
        let head = Head { seq: Seq(9), hash: [7; 32], at: Millis(1234), token: 0 };
        let good = bytes(LEDGER, &head);
        assert_eq!(parse(&good, LEDGER), Some(head));
        assert_eq!(parse(&good, LedgerId([4; 16])), None);
        for index in 0..good.len() {
            let mut bad = good;
            bad[index] ^= 1;
            assert_eq!(parse(&bad, LEDGER), None, "byte {index}");
            assert_eq!(parse(&good[..index], LEDGER), None, "cut at {index}");
        }
    }
}
