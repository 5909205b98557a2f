//! A batch of decisions into blocks.
//!
//! Blocks come in *groups*: after each group comes a barrier. A group is at most
//! [`GROUP_BYTES_MAX`], or one block; its first block carries the flag that all
//! before it was durable. Equal batches after equal heads give equal bytes.

use crate::block::{BODY_BYTES_MAX, Block, FLAG_AFTER_BARRIER, FLAG_EPOCH, FORMAT, Header, LedgerId};
use crate::codec::{self, CODEC, DecisionHash};
use crate::error::CodecError;
use crate::keys::{KeyRing, KeysError};
use sledger_core::Seq;
use sledger_core::event::{Decision, Event};
use sledger_core::log::{Batch, Head};

/// Bytes of blocks between two barriers.
///
/// sled reuses a segment of 8 MiB only after another whole segment was written
/// behind the rewrite of what it held, and it writes each block less than four
/// times; so with a barrier after each mebibyte nothing durable is ever
/// overwritten before its new place is durable too.
pub(crate) const GROUP_BYTES_MAX: usize = 1024 * 1024;

/// Why a batch cannot be written: a fault of who made it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackError {
    #[error("batch begins at seq `{first}`, the head is `{head}`")]
    NotNext { first: Seq, head: Seq },
    #[error("decision `{index}` of the batch has no event")]
    NoEvent { index: usize },
    #[error("decision `{index}` of the batch takes `{bytes}` bytes, more than a block holds")]
    TooLong { index: usize, bytes: usize },
    #[error("decision `{index}` of the batch: {source}")]
    Codec {
        index: usize,
        #[source]
        source: CodecError,
    },
    #[error("{0}")]
    Keys(#[from] KeysError),
}

/// What all blocks of a writer have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub(crate) ledger: LedgerId,
    pub(crate) partition: u32,
}

/// The blocks of `batch` after `head`, in order.
#[cfg(test)]
pub(crate) fn pack(stamp: Stamp, batch: Batch<'_>, head: &Head) -> Result<Vec<Block>, PackError> {
    pack_sealed(stamp, batch, head, None)
}

/// The blocks of `batch` after `head`, in order; what is personal is sealed where there are `keys`.
pub(crate) fn pack_sealed(
    stamp: Stamp,
    batch: Batch<'_>,
    head: &Head,
    keys: Option<&KeyRing>,
) -> Result<Vec<Block>, PackError> {
    if batch.first != head.seq.next() {
        return Err(PackError::NotNext { first: batch.first, head: head.seq });
    }
    let mut packer = Packer::new(stamp, batch.epoch, *head);
    let mut seq = batch.first;
    for (index, decision) in batch.decisions.iter().enumerate() {
        match keys {
            Some(keys) => packer.push(index, &keys.seal(seq, decision)?)?,
            None => packer.push(index, decision)?,
        }
        seq = seq.plus(decision.events.len() as u64);
    }
    packer.finish();
    Ok(packer.blocks)
}

struct Packer {
    stamp: Stamp,
    epoch: u64,
    head: Head,
    blocks: Vec<Block>,
    group_bytes: usize,
    body: Vec<u8>,
    hashes: Vec<DecisionHash>,
    open: Option<Header>,
    scratch: Vec<u8>,
}

impl Packer {
    fn new(stamp: Stamp, epoch: u64, head: Head) -> Self {
        Self {
            stamp,
            epoch,
            head,
            blocks: Vec::new(),
            group_bytes: 0,
            body: Vec::with_capacity(BODY_BYTES_MAX),
            hashes: Vec::new(),
            open: None,
            scratch: Vec::new(),
        }
    }

    fn push(&mut self, index: usize, decision: &Decision) -> Result<(), PackError> {
        if decision.events.is_empty() {
            return Err(PackError::NoEvent { index });
        }
        self.scratch.clear();
        codec::encode(decision, &mut self.scratch).map_err(|source| PackError::Codec { index, source })?;
        let bytes = self.scratch.len();
        if bytes + 4 > BODY_BYTES_MAX {
            return Err(PackError::TooLong { index, bytes });
        }
        if self.body.len() + 4 + bytes > BODY_BYTES_MAX {
            self.finish();
        }
        self.add(decision, u32::try_from(bytes).expect("a body is at most 64 KiB"));
        Ok(())
    }

    fn add(&mut self, decision: &Decision, bytes: u32) {
        let begun = self.open.unwrap_or_else(|| self.begin(decision));
        let events = u32::try_from(decision.events.len()).expect("an event takes a byte at least");
        self.body.extend_from_slice(&bytes.to_le_bytes());
        self.body.extend_from_slice(&self.scratch);
        self.hashes.push(DecisionHash::of(&self.scratch));
        self.open = Some(Header {
            events: begun.events + events,
            decisions: begun.decisions + 1,
            last_at: decision.at,
            ..begun
        });
    }

    fn begin(&self, decision: &Decision) -> Header {
        let epoch = matches!(decision.events.first(), Some(Event::LedgerStarted(_)));
        Header {
            format: FORMAT,
            codec: CODEC,
            flags: if epoch { FLAG_EPOCH } else { 0 },
            ledger: self.stamp.ledger,
            partition: self.stamp.partition,
            epoch: self.epoch,
            first: self.head.seq.next(),
            events: 0,
            decisions: 0,
            first_at: decision.at,
            last_at: decision.at,
            prev: self.head.hash,
            body_bytes: 0,
        }
    }

    fn finish(&mut self) {
        let Some(mut header) = self.open.take() else { return };
        let bytes = self.body.len() + Header::block_bytes(&header);
        if self.group_bytes == 0 || self.group_bytes + bytes > GROUP_BYTES_MAX {
            header.flags |= FLAG_AFTER_BARRIER;
            self.group_bytes = 0;
        }
        self.group_bytes += bytes;
        let block = Block::seal(header, &self.body, &self.hashes);
        self.head = block.head();
        self.blocks.push(block);
        self.body.clear();
        self.hashes.clear();
    }
}
