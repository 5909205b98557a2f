//! The blocks of a sealed file, in order, frame by frame.
//!
//! Bounded: one frame packed and one unpacked. What a frame says of its lengths
//! is bounded before anything is reserved, and unpacking never gives more than
//! it said.

use super::SealedFault;
use super::layout::{FRAME_HEADER_BYTES, FrameHeader, HEADER_BYTES, Place};
use crate::block::{Block, HEADER_BYTES as BLOCK_HEADER_BYTES, Header};
use sledger_core::Seq;
use sledger_core::log::Head;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Walks the frames of a file, each block following from the one before.
#[derive(Debug)]
pub(crate) struct Frames {
    file: File,
    /// Where the next frame begins, and where the frames end, if that is known.
    next: u64,
    end: Option<u64>,
    /// The frame in `raw`.
    current: Current,
    raw: Vec<u8>,
    packed: Vec<u8>,
    head: Head,
    entered: Option<Place>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Current {
    offset: u64,
    /// How much of it was read.
    at: usize,
    /// Where it ends by its header.
    last: Seq,
}

impl Frames {
    /// The frames from `offset` on, up to `end`; the log stands at `head` before them.
    pub(crate) fn new(file: File, offset: u64, end: Option<u64>, head: Head) -> Self {
        let current = Current::default();
        Self { file, next: offset, end, current, raw: Vec::new(), packed: Vec::new(), head, entered: None }
    }

    /// The frames of a file whose footer cannot be trusted, as far as they go.
    pub(crate) fn without_footer(path: &Path, head: Head) -> io::Result<Self> {
        Ok(Self::new(File::open(path)?, HEADER_BYTES as u64, None, head))
    }

    /// Where the blocks given so far leave the log.
    pub(crate) const fn head(&self) -> Head {
        self.head
    }

    /// The place of the frame that the last block was the first of.
    pub(crate) const fn entered(&mut self) -> Option<Place> {
        self.entered.take()
    }

    /// The next block; `None` behind the last. After a fault [`Frames::skip`] may go on.
    pub(crate) fn step(&mut self) -> Result<Option<Block>, SealedFault> {
        if self.current.at >= self.raw.len() && !self.enter()? {
            return Ok(None);
        }
        let block = self.block()?;
        let header = block.header();
        if (header.first, header.prev) != (self.head.seq.next(), self.head.hash) {
            return Err(SealedFault::Chain { offset: self.current.offset });
        }
        self.current.at += block.bytes().len();
        self.head = block.head();
        let is_over = self.current.at >= self.raw.len();
        if is_over && self.head.seq != self.current.last {
            return Err(SealedFault::Frame { offset: self.current.offset });
        }
        Ok(Some(block))
    }

    fn block(&self) -> Result<Block, SealedFault> {
        let fault = |source| SealedFault::Block { offset: self.current.offset, source };
        let rest = self.raw.get(self.current.at..).unwrap_or_default();
        let header = Header::parse(rest.get(..BLOCK_HEADER_BYTES).unwrap_or(rest)).map_err(fault)?;
        let said = header.block_bytes();
        let bytes = rest.get(..said).ok_or(crate::error::BlockError::Length { said, found: rest.len() });
        bytes.and_then(|bytes| Block::parse(bytes.into())).map_err(fault)
    }

    /// Goes on behind a fault: where the log stands before the next frame that is whole.
    pub(crate) fn skip(&mut self) -> Result<Option<Head>, SealedFault> {
        loop {
            self.raw.clear();
            match self.enter() {
                Ok(false) => return Ok(None),
                Ok(true) => {}
                Err(SealedFault::Io(error)) => return Err(error.into()),
                Err(_) => continue,
            }
            if let Ok(block) = self.block() {
                let header = block.header();
                let seq = Seq(header.first.0.saturating_sub(1));
                self.head = Head { seq, hash: header.prev, at: header.first_at, token: 0 };
                return Ok(Some(self.head));
            }
        }
    }

    /// Unpacks the next frame; whether there is one.
    fn enter(&mut self) -> Result<bool, SealedFault> {
        let offset = self.next;
        if self.end.is_some_and(|end| offset >= end) {
            return Ok(false);
        }
        let Some((header, check)) = self.header(offset)? else {
            self.next = self.end.unwrap_or(u64::MAX);
            return if self.end.is_some() { Err(SealedFault::Frame { offset }) } else { Ok(false) };
        };
        self.next = offset.saturating_add(header.bytes());
        self.current = Current { offset, at: 0, last: header.last };
        self.raw.clear();
        self.unpack(offset, header, check)?;
        self.note(offset, header);
        Ok(true)
    }

    /// The header at `offset`; `None` when none stands there that may be believed.
    fn header(&self, offset: u64) -> io::Result<Option<(FrameHeader, [u8; 32])>> {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        match self.file.read_exact_at(&mut bytes, offset) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let is_inside =
            |header: &FrameHeader| self.end.is_none_or(|end| offset.saturating_add(header.bytes()) <= end);
        Ok(FrameHeader::parse(&bytes).filter(|(header, _)| is_inside(header)))
    }

    fn unpack(&mut self, offset: u64, header: FrameHeader, check: [u8; 32]) -> Result<(), SealedFault> {
        self.packed.resize(header.packed as usize, 0);
        match self.file.read_exact_at(&mut self.packed, offset + FRAME_HEADER_BYTES as u64) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(SealedFault::Frame { offset });
            }
            Err(error) => return Err(error.into()),
        }
        if header.check(&self.packed) != check {
            return Err(SealedFault::Frame { offset });
        }
        self.raw.resize(header.raw as usize, 0);
        let unpacked = zstd::bulk::decompress_to_buffer(&self.packed, self.raw.as_mut_slice());
        if unpacked.is_ok_and(|bytes| bytes == self.raw.len()) {
            return Ok(());
        }
        self.raw.clear();
        Err(SealedFault::Packed { offset })
    }

    fn note(&mut self, offset: u64, header: FrameHeader) {
        let first = self.raw.get(..BLOCK_HEADER_BYTES).and_then(|bytes| Header::parse(bytes).ok());
        self.entered = first.map(|first| Place {
            offset,
            packed: header.packed,
            raw: header.raw,
            first: first.first,
            last: header.last,
            first_at: first.first_at,
            last_at: first.last_at,
            prev: first.prev,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::layout::FRAME_RAW_BYTES_MAX;
    use proptest::prelude::*;
    use std::io::Write;

    /// A file with one frame that says so and holds this, its check right.
    fn file(raw: u32, packed: &[u8]) -> File {
        let packed_bytes = u32::try_from(packed.len()).unwrap();
        let header = FrameHeader { packed: packed_bytes, raw, blocks: 1, first: Seq(1), last: Seq(1) };
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&header.to_bytes(packed)).unwrap();
        file.write_all(packed).unwrap();
        file
    }

    fn fault(file: File) -> String {
        let end = file.metadata().unwrap().len();
        Frames::new(file, 0, Some(end), Head::default()).step().unwrap_err().to_string()
    }

    #[test]
    fn frame_that_unpacks_to_more_than_it_says_is_refused_without_room_for_it() {
        let bomb = zstd::bulk::compress(&vec![0; 256 * 1024 * 1024], 1).unwrap();
        assert!(bomb.len() < 64 * 1024);
        assert_eq!(fault(file(1_000, &bomb)), "the frame at byte `0` cannot be unpacked");
        let says_so = u32::try_from(256 * 1024 * 1024).unwrap();
        assert_eq!(fault(file(says_so, &bomb)), "the check of the frame at byte `0` does not match");
        let most = u32::try_from(FRAME_RAW_BYTES_MAX).unwrap();
        assert_eq!(fault(file(most, b"no zstd")), "the frame at byte `0` cannot be unpacked");
    }

    #[test]
    fn frame_that_unpacks_to_something_else_is_refused() {
        let packed = zstd::bulk::compress(&[7; 1_000], 1).unwrap();
        assert_eq!(fault(file(999, &packed)), "the frame at byte `0` cannot be unpacked");
        assert_eq!(fault(file(1_001, &packed)), "the frame at byte `0` cannot be unpacked");
        assert_eq!(fault(file(1_000, &packed)), "in the frame at byte `0`: no block begins here");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(mut bytes in prop::collection::vec(any::<u8>(), 0..2_000), whole in any::<bool>()) {
            if whole {
                // Behind a good beginning, so that not all ends there.
                let header = FrameHeader { packed: 64, raw: 400, blocks: 1, first: Seq(1), last: Seq(9) };
                bytes.splice(0..0, header.to_bytes(&[0; 64]));
            }
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            let mut frames = Frames::new(file, 0, Some(bytes.len() as u64), Head::default());
            for _ in 0..100 {
                prop_assert!(!matches!(frames.step(), Ok(Some(_))));
                let _ = frames.skip();
            }
        }
    }
}
