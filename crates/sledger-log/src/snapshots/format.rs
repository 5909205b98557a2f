//! Header and trailer of a snapshot, and what can be wrong with one.

use crate::block::LedgerId;
use sledger_core::log::Head;
use sledger_core::{Millis, Seq};
use std::io;

/// The layout written today.
pub(super) const FORMAT: u16 = 1;
pub(super) const HEADER_BYTES: usize = 86;
pub(super) const TRAILER_BYTES: usize = 128;
pub(super) const FRAME_HEAD_BYTES: usize = 37;
const BEGIN: [u8; 8] = [0xF5, b'S', b'L', b'S', b'N', b'A', b'P', 0xFF];
const END: [u8; 8] = [0xF5, b'S', b'L', b'S', b'E', b'N', b'D', 0xFF];

/// What a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotAbout {
    /// Revision of its rows.
    pub revision: u32,
    /// Revision of the rules by which events were folded.
    pub rules: u32,
    /// The ledger.
    pub ledger: LedgerId,
    /// The partition of that ledger.
    pub partition: u32,
    /// The last event that is in it.
    pub seq: Seq,
    /// Time of the last decision that is in it.
    pub at: Millis,
}

/// What is known of a snapshot when its rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotEnd {
    /// Where the log stood with the last event that is in it.
    pub head: Head,
    /// The event that the log must have reached for the snapshot to be whole.
    pub through: Seq,
}

/// Why a snapshot is not used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The system refused.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It does not begin as one.
    #[error("it is no snapshot")]
    NotASnapshot,
    /// A newer program wrote it.
    #[error("its format `{found}` is not known to this program")]
    Format {
        /// As written.
        found: u16,
    },
    /// It is shorter than it was.
    #[error("it was cut")]
    Cut,
    /// Its bytes are not those that were written.
    #[error("it was changed: the check of its {part} does not match")]
    Changed {
        /// Where.
        part: &'static str,
    },
    /// What sealed it is gone: somebody was erased since.
    #[error("it is sealed under a key that is gone")]
    Sealed,
    /// It is of another ledger or partition.
    #[error("it belongs to ledger `{found}`")]
    Ledger {
        /// As written.
        found: LedgerId,
    },
    /// It is of another seq than its name says.
    #[error("it is of seq `{found}`, its name says otherwise")]
    Name {
        /// As written.
        found: Seq,
    },
}

/// A frame's check.
pub(super) fn frame_check(index: u64, kind: u8, body: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&index.to_le_bytes()).update(&[kind]).update(body);
    *hasher.finalize().as_bytes()
}

pub(super) fn header(about: &SnapshotAbout) -> Vec<u8> {
    let fields: [&[u8]; 8] = [
        &BEGIN,
        &FORMAT.to_le_bytes(),
        &about.revision.to_le_bytes(),
        &about.rules.to_le_bytes(),
        &about.ledger.0,
        &about.partition.to_le_bytes(),
        &about.seq.0.to_le_bytes(),
        &about.at.0.to_le_bytes(),
    ];
    checked(fields.concat())
}

pub(super) fn read_header(bytes: &[u8]) -> Result<SnapshotAbout, SnapshotError> {
    let mut rest = bytes;
    if take(&mut rest) != Some(BEGIN) {
        return Err(SnapshotError::NotASnapshot);
    }
    let format = u16::from_le_bytes(take(&mut rest).ok_or(SnapshotError::Cut)?);
    if format != FORMAT {
        return Err(SnapshotError::Format { found: format });
    }
    check(bytes, "header")?;
    fields(&mut rest).ok_or(SnapshotError::Cut)
}

fn fields(rest: &mut &[u8]) -> Option<SnapshotAbout> {
    Some(SnapshotAbout {
        revision: u32::from_le_bytes(take(rest)?),
        rules: u32::from_le_bytes(take(rest)?),
        ledger: LedgerId(take(rest)?),
        partition: u32::from_le_bytes(take(rest)?),
        seq: Seq(u64::from_le_bytes(take(rest)?)),
        at: Millis(u64::from_le_bytes(take(rest)?)),
    })
}

/// How many frames there were, and BLAKE3 of their checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) frames: u64,
    pub(super) checks: [u8; 32],
}

pub(super) fn trailer(end: &SnapshotEnd, sum: Sum) -> Vec<u8> {
    let fields: [&[u8]; 6] = [
        &END,
        &end.head.hash,
        &end.head.at.0.to_le_bytes(),
        &end.through.0.to_le_bytes(),
        &sum.frames.to_le_bytes(),
        &sum.checks,
    ];
    checked(fields.concat())
}

pub(super) fn read_trailer(bytes: &[u8], seq: Seq) -> Result<(SnapshotEnd, Sum), SnapshotError> {
    let mut rest = bytes;
    if take(&mut rest) != Some(END) {
        return Err(SnapshotError::Cut);
    }
    check(bytes, "trailer")?;
    ending(&mut rest, seq).ok_or(SnapshotError::Cut)
}

fn ending(rest: &mut &[u8], seq: Seq) -> Option<(SnapshotEnd, Sum)> {
    let (hash, at) = (take(rest)?, Millis(u64::from_le_bytes(take(rest)?)));
    let through = Seq(u64::from_le_bytes(take(rest)?));
    let sum = Sum { frames: u64::from_le_bytes(take(rest)?), checks: take(rest)? };
    Some((SnapshotEnd { head: Head { seq, hash, at, token: 0 }, through }, sum))
}

fn checked(mut bytes: Vec<u8>) -> Vec<u8> {
    let check = blake3::hash(&bytes);
    bytes.extend_from_slice(check.as_bytes());
    bytes
}

fn check(bytes: &[u8], part: &'static str) -> Result<(), SnapshotError> {
    let (before, check) = bytes.split_last_chunk::<32>().ok_or(SnapshotError::Cut)?;
    if blake3::hash(before).as_bytes() == check { Ok(()) } else { Err(SnapshotError::Changed { part }) }
}

pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (here, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*here)
}
