//! Where the decisions of a case lie in an export of blocks, and the hashes that hold them.

use sledger_log::Block;
use sledger_log::block::HEADER_BYTES;
use sledger_replay::export::hex;

/// Decisions whose place is kept.
const KEPT_MAX: usize = 2000;
/// Bytes before each decision of a block: its length.
const LENGTH_BYTES: u64 = 4;

/// A decision within the export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its first event.
    pub(super) first: u64,
    /// Where its bytes begin in an export of all blocks.
    pub(super) offset: u64,
    /// How many bytes it has.
    pub(super) bytes: u64,
    /// BLAKE3 of them.
    pub(super) hash: String,
    /// Which of the decisions of its block it is, from 0.
    pub(super) index: usize,
    /// The block that it lies in.
    pub(super) block: usize,
}

/// A block with decisions of the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// Where it begins in an export of all blocks.
    pub(super) offset: u64,
    /// Its first and last event.
    pub(super) seqs: (u64, u64),
    /// Its hash.
    pub(super) hash: String,
    /// The hash of the block before.
    pub(super) prev: String,
    /// The hashes of all its decisions.
    pub(super) decisions: Vec<String>,
}

/// Places and hashes, gathered block by block.
#[derive(Debug, Default)]
pub(super) struct Hashes {
    /// Decisions of the case.
    pub(super) places: Vec<Place>,
    /// Their blocks.
    pub(super) held: Vec<Held>,
    /// The last block read: its last event and hash.
    pub(super) head: Option<(u64, String)>,
    /// Decisions there was no room for.
    pub(super) more: u64,
    offset: u64,
    /// Of the block being read: first event, place and length of each decision.
    current: Vec<(u64, u64, u64)>,
}

impl Hashes {
    /// Takes the next block.
    pub(super) fn begin(&mut self, block: &Block) {
        let mut seq = block.header().first.0;
        let mut offset = self.offset + HEADER_BYTES as u64;
        self.current.clear();
        for (encoded, decision) in block.encoded().zip(block.decisions()) {
            offset += LENGTH_BYTES;
            let bytes = encoded.len() as u64;
            self.current.push((seq, offset, bytes));
            offset += bytes;
            seq += decision.map_or(0, |decision| decision.events.len() as u64);
        }
    }

    /// Keeps the place of a decision of the block.
    pub(super) fn keep(&mut self, block: &Block, index: usize) {
        let Some((first, offset, bytes)) = self.current.get(index).copied() else { return };
        if self.places.len() >= KEPT_MAX {
            self.more += 1;
            return;
        }
        if self.held.last().is_none_or(|held| held.offset != self.offset) {
            let header = block.header();
            self.held.push(Held {
                offset: self.offset,
                seqs: (header.first.0, header.last().0),
                hash: hex(&block.hash()),
                prev: hex(&header.prev),
                decisions: block.decision_hashes().map(|hash| hex(&hash.0)).collect(),
            });
        }
        let held = self.held.len() - 1;
        let hash = self.held.last().and_then(|held| held.decisions.get(index)).cloned().unwrap_or_default();
        self.places.push(Place { first, offset, bytes, hash, index, block: held });
    }

    /// Goes on behind the block.
    pub(super) fn end(&mut self, block: &Block) {
        self.offset += block.bytes().len() as u64;
        self.head = Some((block.header().last().0, hex(&block.hash())));
    }

    /// The place of a decision, by its first event.
    pub(super) fn of(&self, first: u64) -> Option<&Place> {
        self.places.binary_search_by_key(&first, |place| place.first).ok().and_then(|at| self.places.get(at))
    }
}
