//! Reads blocks that stand one behind the other in any stream: an export, or what a server sends.
//!
//! Grammar: `block*`, each as in [`crate::block`], nothing before, between or after.
//!
//! Invariants: what is given is an unbroken chain from the first event of the ledger, or of a part from its first block; every
//! block belongs to the ledger of the first; memory is one block. What is wrong is named by the
//! byte at which its block begins and by the first seq that is missing.
//!
//! A stream that ends exactly between two blocks is whole: that it once went on can be known from
//! outside only.

use crate::block::{Block, HEADER_BYTES, Header, LedgerId};
use crate::error::BlockError;
use sledger_core::Seq;
use sledger_core::log::Head;
use std::io::{self, Read};

/// Why a stream of blocks cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The stream ends within a block.
    #[error("byte {offset}, seq {seq}: cut off: the block is `{said}` bytes long, `{found}` are there")]
    Cut {
        /// Where the block begins.
        offset: u64,
        /// The first seq that is missing.
        seq: Seq,
        /// By the header; the header's own length where not even that is whole.
        said: usize,
        /// Found.
        found: usize,
    },
    /// Bytes that are no block, or were changed.
    #[error("byte {offset}, seq {seq}: {source}")]
    Block {
        /// Where the block begins.
        offset: u64,
        /// The first seq that is missing.
        seq: Seq,
        /// What is wrong with it.
        source: BlockError,
    },
    /// A block of another ledger.
    #[error("byte {offset}, seq {seq}: the block belongs to ledger `{found}`, not to `{ledger}`")]
    Foreign {
        /// Where the block begins.
        offset: u64,
        /// The first seq that is missing.
        seq: Seq,
        /// The ledger of the blocks before.
        ledger: LedgerId,
        /// As written.
        found: LedgerId,
    },
    /// A whole block that begins with another event than the one that comes next.
    #[error("byte {offset}, seq {seq}: the block begins with seq `{found}`")]
    Gap {
        /// Where the block begins.
        offset: u64,
        /// The first seq that is missing.
        seq: Seq,
        /// As written.
        found: Seq,
    },
    /// A whole block that does not follow from the one before.
    #[error("byte {offset}, seq {seq}: chain broken: the block does not follow from the one before")]
    Chain {
        /// Where the block begins.
        offset: u64,
        /// The first seq that is missing.
        seq: Seq,
    },
    /// The stream cannot be read.
    #[error("byte {offset}: cannot be read: {source}")]
    Io {
        /// Where the block begins.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
}

/// Blocks out of a stream, in order; ends after the first error.
#[derive(Debug)]
pub struct BlockStream<R> {
    input: R,
    offset: u64,
    head: Head,
    ledger: Option<LedgerId>,
    is_over: bool,
    /// The next block need not follow on anything.
    is_anywhere: bool,
}

impl<R: Read> BlockStream<R> {
    /// Reads a ledger from its first event on.
    pub fn new(input: R) -> Self {
        Self { input, offset: 0, head: Head::default(), ledger: None, is_over: false, is_anywhere: false }
    }

    /// Reads what follows on `head` in `ledger`; without a ledger, that of the first block counts.
    pub fn after(input: R, head: Head, ledger: Option<LedgerId>) -> Self {
        Self { head, ledger, ..Self::new(input) }
    }

    /// Reads from whichever block comes first on: that one follows on whatever it names.
    pub fn anywhere(input: R) -> Self {
        Self { is_anywhere: true, ..Self::new(input) }
    }

    /// Where the last block given leaves the log.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// The ledger of the blocks given; `None` before the first.
    #[must_use]
    pub const fn ledger(&self) -> Option<LedgerId> {
        self.ledger
    }

    fn advance(&mut self) -> Result<Option<Block>, StreamError> {
        let Some(bytes) = self.bytes()? else { return Ok(None) };
        let length = bytes.len() as u64;
        let block = Block::parse(bytes.into_boxed_slice()).map_err(|source| self.wrong(source))?;
        if !std::mem::take(&mut self.is_anywhere) {
            self.follows(&block)?;
        }
        self.offset += length;
        self.head = block.head();
        self.ledger = Some(block.header().ledger);
        Ok(Some(block))
    }

    /// The bytes of the next block, as many as its header says; `None` at the end.
    fn bytes(&mut self) -> Result<Option<Vec<u8>>, StreamError> {
        let mut bytes = vec![0; HEADER_BYTES];
        let found = self.fill(&mut bytes, 0)?;
        match found {
            0 => return Ok(None),
            HEADER_BYTES => {}
            found => return Err(self.cut(HEADER_BYTES, found)),
        }
        // INVARIANT(bound): a header that parses says no more than a block may have.
        let said = Header::parse(&bytes).map_err(|source| self.wrong(source))?.block_bytes();
        bytes.resize(said, 0);
        let found = self.fill(&mut bytes, HEADER_BYTES)?;
        if found < said { Err(self.cut(said, found)) } else { Ok(Some(bytes)) }
    }

    /// Reads until `bytes`, filled up to `filled`, are full or the stream ends; how far they are filled then.
    fn fill(&mut self, bytes: &mut [u8], filled: usize) -> Result<usize, StreamError> {
        let mut filled = filled;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.input.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(StreamError::Io { offset: self.offset, source }),
            }
        }
        Ok(filled)
    }

    fn cut(&self, said: usize, found: usize) -> StreamError {
        StreamError::Cut { offset: self.offset, seq: self.head.seq.next(), said, found }
    }

    fn follows(&self, block: &Block) -> Result<(), StreamError> {
        let (offset, seq) = (self.offset, self.head.seq.next());
        let header = block.header();
        match self.ledger {
            Some(ledger) if ledger != header.ledger => {
                Err(StreamError::Foreign { offset, seq, ledger, found: header.ledger })
            }
            _ if header.first != seq => Err(StreamError::Gap { offset, seq, found: header.first }),
            _ if header.prev != self.head.hash => Err(StreamError::Chain { offset, seq }),
            _ => Ok(()),
        }
    }

    fn wrong(&self, source: BlockError) -> StreamError {
        StreamError::Block { offset: self.offset, seq: self.head.seq.next(), source }
    }
}

impl<R: Read> Iterator for BlockStream<R> {
    type Item = Result<Block, StreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.advance().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

#[cfg(test)]
mod tests;
