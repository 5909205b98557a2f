//! One block: the unit of durability, whole decisions chained by hash.
//!
//! All integers little-endian. A block is at most [`BLOCK_BYTES_MAX`] bytes.
//!
//! ```text
//! offset  bytes  field
//!      0      8  magic       F5 'S' 'L' 'E' 'D' 'B' 'L' FF  (F5 and FF never occur in UTF-8)
//!      8      2  format      1
//!     10      2  codec       1: bincode 2, see `codec`
//!     12      4  flags       bit 0: its first event opens an epoch
//!                            bit 1: everything before it was durable before it was written
//!     16     16  ledger id
//!     32      4  partition
//!     36      8  epoch
//!     44      8  seq of its first event
//!     52      4  count of events
//!     56      4  count of decisions
//!     60      8  time of its first decision, ms since the Unix epoch
//!     68      8  time of its last decision
//!     76     32  hash of the block before; zeros for the first
//!    108      4  length of the body
//!    112      …  body := { length u32, encoded decision } per decision
//!      …     32  hash := BLAKE3(header 112 B ++ { BLAKE3(encoded decision) } per decision)
//! ```
//!
//! The hash covers the decisions by their own hashes, so that one of them can be
//! handed over, and checked, with the others as hashes alone.
//!
//! Invariants: seqs are gapless from block to block; `hash before` is the hash
//! at the end of the block before; a decision is never split.

use crate::codec::{self, DecisionHash};
use crate::error::{BlockError, CodecError};
use crate::keys::KeyRing;
use sledger_core::event::Decision;
use sledger_core::log::Head;
use sledger_core::{Millis, Seq};
use std::fmt;
use std::sync::Arc;

/// First bytes of every block.
pub const MAGIC: [u8; 8] = [0xF5, b'S', b'L', b'E', b'D', b'B', b'L', 0xFF];
/// The format written today.
pub const FORMAT: u16 = 1;
/// Length of the header.
pub const HEADER_BYTES: usize = 112;
/// Length of the hash at the end.
pub const HASH_BYTES: usize = 32;
/// The longest block.
pub const BLOCK_BYTES_MAX: usize = 64 * 1024;
/// The longest body.
pub const BODY_BYTES_MAX: usize = BLOCK_BYTES_MAX - HEADER_BYTES - HASH_BYTES;
/// Flag: the block's first event opens an epoch.
pub const FLAG_EPOCH: u32 = 1;
/// Flag: everything before the block was durable before it was written.
pub const FLAG_AFTER_BARRIER: u32 = 2;

/// Names a ledger: 16 random bytes, drawn when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LedgerId(pub [u8; 16]);

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The fixed part at the beginning of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Layout of the block.
    pub format: u16,
    /// Encoding of its decisions.
    pub codec: u16,
    /// [`FLAG_EPOCH`], [`FLAG_AFTER_BARRIER`]; others are 0 today.
    pub flags: u32,
    /// The ledger it belongs to.
    pub ledger: LedgerId,
    /// The partition of that ledger.
    pub partition: u32,
    /// The decider that wrote it.
    pub epoch: u64,
    /// Seq of its first event.
    pub first: Seq,
    /// How many events, over all its decisions; at least 1.
    pub events: u32,
    /// How many decisions; at least 1.
    pub decisions: u32,
    /// Time of its first decision.
    pub first_at: Millis,
    /// Time of its last decision.
    pub last_at: Millis,
    /// Hash of the block before.
    pub prev: [u8; 32],
    /// Length of the body in bytes.
    pub body_bytes: u32,
}

impl Header {
    /// Seq of the last event.
    #[must_use]
    pub const fn last(&self) -> Seq {
        self.first.plus(self.events.saturating_sub(1) as u64)
    }

    /// Length of the whole block in bytes.
    #[must_use]
    pub const fn block_bytes(&self) -> usize {
        HEADER_BYTES + self.body_bytes as usize + HASH_BYTES
    }

    /// Whether everything before the block was durable before it was written.
    #[must_use]
    pub const fn after_barrier(&self) -> bool {
        self.flags & FLAG_AFTER_BARRIER != 0
    }

    /// The bytes of the header.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let fields: [&[u8]; 14] = [
            &MAGIC,
            &self.format.to_le_bytes(),
            &self.codec.to_le_bytes(),
            &self.flags.to_le_bytes(),
            &self.ledger.0,
            &self.partition.to_le_bytes(),
            &self.epoch.to_le_bytes(),
            &self.first.0.to_le_bytes(),
            &self.events.to_le_bytes(),
            &self.decisions.to_le_bytes(),
            &self.first_at.0.to_le_bytes(),
            &self.last_at.0.to_le_bytes(),
            &self.prev,
            &self.body_bytes.to_le_bytes(),
        ];
        let mut bytes = [0; HEADER_BYTES];
        bytes.iter_mut().zip(fields.into_iter().flatten()).for_each(|(to, from)| *to = *from);
        bytes
    }

    /// Reads the header at the beginning of `bytes`. Bounds are checked, the hash is not.
    ///
    /// # Errors
    /// [`BlockError`]: no magic, an unknown format, or values out of bounds.
    pub fn parse(bytes: &[u8]) -> Result<Self, BlockError> {
        let mut rest = bytes;
        if take::<8>(&mut rest) != Some(MAGIC) {
            return Err(BlockError::NotABlock);
        }
        let header = Self::fields(&mut rest).ok_or(BlockError::NotABlock)?;
        header.check()?;
        Ok(header)
    }

    fn fields(rest: &mut &[u8]) -> Option<Self> {
        Some(Self {
            format: u16::from_le_bytes(take(rest)?),
            codec: u16::from_le_bytes(take(rest)?),
            flags: u32::from_le_bytes(take(rest)?),
            ledger: LedgerId(take(rest)?),
            partition: u32::from_le_bytes(take(rest)?),
            epoch: u64::from_le_bytes(take(rest)?),
            first: Seq(u64::from_le_bytes(take(rest)?)),
            events: u32::from_le_bytes(take(rest)?),
            decisions: u32::from_le_bytes(take(rest)?),
            first_at: Millis(u64::from_le_bytes(take(rest)?)),
            last_at: Millis(u64::from_le_bytes(take(rest)?)),
            prev: take(rest)?,
            body_bytes: u32::from_le_bytes(take(rest)?),
        })
    }

    fn check(&self) -> Result<(), BlockError> {
        if self.format != FORMAT {
            return Err(BlockError::Format { format: self.format });
        }
        let bounds = [
            ("body length", self.body_bytes as usize <= BODY_BYTES_MAX),
            ("decisions", self.decisions >= 1 && self.decisions <= self.body_bytes / 4),
            ("events", self.events >= self.decisions && self.events <= self.body_bytes),
            ("first seq", self.first.0 >= 1 && self.first.0.checked_add(u64::from(self.events)).is_some()),
        ];
        match bounds.into_iter().find(|(_, holds)| !holds) {
            Some((field, _)) => Err(BlockError::Bounds { field }),
            None => Ok(()),
        }
    }
}

/// The next `N` bytes of `rest`; `None`, and nothing taken, when there are fewer.
pub(crate) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (here, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*here)
}

/// A whole block whose hash was checked.
#[derive(Clone, Debug)]
pub struct Block {
    header: Header,
    hash: [u8; 32],
    bytes: Box<[u8]>,
    /// Opens what is sealed in it, where its keys are at hand.
    keys: Option<Arc<KeyRing>>,
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Block {}

impl Block {
    /// Reads a block and checks lengths and hash. Decisions are not decoded yet.
    ///
    /// # Errors
    /// [`BlockError`], by what is wrong first.
    pub fn parse(bytes: Box<[u8]>) -> Result<Self, BlockError> {
        let header = Header::parse(&bytes)?;
        let said = header.block_bytes();
        if bytes.len() != said {
            return Err(BlockError::Length { said, found: bytes.len() });
        }
        let hash = hash_at_end(&bytes).ok_or(BlockError::Body)?;
        let block = Self { header, hash, bytes, keys: None };
        if block.computed_hash()? == hash { Ok(block) } else { Err(BlockError::Hash) }
    }

    /// Puts a block together from a header without a body length, and its body; gives it its hash.
    pub(crate) fn seal(mut header: Header, body: &[u8], decisions: &[DecisionHash]) -> Self {
        header.body_bytes = u32::try_from(body.len()).expect("a body is at most 64 KiB");
        let mut bytes = Vec::with_capacity(header.block_bytes());
        bytes.extend_from_slice(&header.to_bytes());
        let hash = chain_hash(&bytes, decisions);
        bytes.extend_from_slice(body);
        bytes.extend_from_slice(&hash);
        Self { header, hash, bytes: bytes.into_boxed_slice(), keys: None }
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The block's hash: what the next block names as the hash before it.
    #[must_use]
    pub const fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The whole block as it lies on the disk.
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where a log stands that ends in this block.
    #[must_use]
    pub const fn head(&self) -> Head {
        Head { seq: self.header.last(), hash: self.hash, at: self.header.last_at, token: 0 }
    }

    /// The encoded decisions, in order.
    pub fn encoded(&self) -> impl Iterator<Item = &[u8]> {
        Entries { rest: self.body(), broken: false }.map_while(Result::ok)
    }

    /// The block with the keys that open what is sealed in it. Its bytes stay as they are.
    #[must_use]
    pub fn with_keys(self, keys: Option<Arc<KeyRing>>) -> Self {
        Self { keys, ..self }
    }

    /// The decisions, in order, decoded one by one; what is sealed is opened as far as its keys are at hand.
    pub fn decisions(&self) -> impl Iterator<Item = Result<Decision, CodecError>> {
        self.encoded().map(|bytes| {
            let mut decision = codec::upcast(self.header.format, self.header.codec, bytes)?;
            if let Some(keys) = &self.keys {
                keys.open_in(&mut decision);
            }
            Ok(decision)
        })
    }

    /// The hashes of its decisions, in order: with the header, all that its own hash covers.
    pub fn decision_hashes(&self) -> impl Iterator<Item = DecisionHash> {
        self.encoded().map(DecisionHash::of)
    }

    fn body(&self) -> &[u8] {
        let end = self.bytes.len().saturating_sub(HASH_BYTES);
        self.bytes.get(HEADER_BYTES..end).unwrap_or_default()
    }

    fn computed_hash(&self) -> Result<[u8; 32], BlockError> {
        let mut covered = Vec::with_capacity(HEADER_BYTES + self.header.decisions as usize * 32);
        covered.extend_from_slice(self.bytes.get(..HEADER_BYTES).ok_or(BlockError::Body)?);
        let mut count: u32 = 0;
        for encoded in (Entries { rest: self.body(), broken: false }) {
            covered.extend_from_slice(&DecisionHash::of(encoded?).0);
            count = count.saturating_add(1);
        }
        if count == self.header.decisions {
            Ok(*blake3::hash(&covered).as_bytes())
        } else {
            Err(BlockError::Body)
        }
    }
}

/// The hash of a block from its header's bytes and the hashes of its decisions: enough to check a
/// block whose other decisions are not shown.
#[must_use]
pub fn chain_hash(header: &[u8], decisions: &[DecisionHash]) -> [u8; 32] {
    // In one piece: BLAKE3 is many times faster over a stretch than over 32 bytes at a time.
    let mut covered = Vec::with_capacity(header.len() + decisions.len() * 32);
    covered.extend_from_slice(header);
    for hash in decisions {
        covered.extend_from_slice(&hash.0);
    }
    *blake3::hash(&covered).as_bytes()
}

fn hash_at_end(bytes: &[u8]) -> Option<[u8; 32]> {
    bytes.last_chunk::<HASH_BYTES>().copied()
}

/// The entries of a body.
struct Entries<'a> {
    rest: &'a [u8],
    broken: bool,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<&'a [u8], BlockError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() || self.broken {
            return None;
        }
        let entry = entry(&mut self.rest).ok_or(BlockError::Body);
        self.broken = entry.is_err();
        Some(entry)
    }
}

fn entry<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_le_bytes(take(rest)?);
    let (here, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = after;
    Some(here)
}

#[cfg(test)]
mod tests;
