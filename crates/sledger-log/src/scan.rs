//! Finds blocks in the raw `db` file of a volume, without sled.
//!
//! sled writes a value uncompressed: first in a message of its own, maybe again
//! inside the pages that it rewrites, up to 17 blocks side by side. It keeps no
//! order in the file and leaves old copies behind. So a scan takes every place
//! where a block's magic and a believable header of this ledger stand, and
//! [`Chain`] then picks, seq by seq, the first copy whose lengths, hash and hash
//! before are right. The magic cannot stand in text, since its bytes are no
//! UTF-8.
//!
//! Bounded: 24 bytes of memory per copy found, one read buffer. Nothing is ever
//! written.

use crate::block::{Block, HEADER_BYTES, Header, LedgerId, MAGIC};
use memchr::memmem::Finder;
use sledger_core::Seq;
use sledger_core::log::Head;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

const SCAN_BYTES: usize = 1024 * 1024;
const WINDOW_BYTES: usize = 512 * 1024;

/// A place where a block seems to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    first: u64,
    offset: u64,
    bytes: u32,
    after_barrier: bool,
}

/// What a scan found.
#[derive(Debug)]
pub(crate) struct Scan {
    file: Option<File>,
    found: Vec<Found>,
    /// Blocks of other ledgers.
    pub(crate) foreign: u64,
}

impl Scan {
    /// Scans a file; one that is not there is empty.
    pub(crate) fn run(path: &Path, ledger: LedgerId) -> io::Result<Self> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { file: None, found: Vec::new(), foreign: 0 });
            }
            Err(error) => return Err(error),
        };
        let mut scan = Self { file: None, found: Vec::new(), foreign: 0 };
        scan.collect(&file, ledger)?;
        scan.found.sort_unstable();
        scan.file = Some(file);
        Ok(scan)
    }

    /// Whether there was no file to scan.
    pub(crate) const fn is_missing(&self) -> bool {
        self.file.is_none()
    }

    fn collect(&mut self, file: &File, ledger: LedgerId) -> io::Result<()> {
        let length = file.metadata()?.len();
        let finder = Finder::new(&MAGIC);
        let mut buffer = vec![0; SCAN_BYTES];
        let mut base = 0;
        while base + (HEADER_BYTES as u64) <= length {
            let read = read_full(file, &mut buffer, base)?;
            let bytes = buffer.get(..read).unwrap_or_default();
            for at in finder.find_iter(bytes) {
                let header = bytes.get(at..at + HEADER_BYTES).and_then(|bytes| Header::parse(bytes).ok());
                if let Some(header) = header {
                    self.take(&header, base + at as u64, length, ledger);
                }
            }
            if read < buffer.len() {
                break;
            }
            base += (read - HEADER_BYTES + 1) as u64;
        }
        Ok(())
    }

    fn take(&mut self, header: &Header, offset: u64, length: u64, ledger: LedgerId) {
        let bytes = header.block_bytes();
        if header.ledger != ledger {
            self.foreign += 1;
        } else if offset + bytes as u64 <= length {
            self.found.push(Found {
                first: header.first.0,
                offset,
                bytes: u32::try_from(bytes).expect("a header's lengths are bounded"),
                after_barrier: header.after_barrier(),
            });
        }
    }

    /// The chain of blocks after `head`.
    pub(crate) fn chain(self, head: Head) -> Chain {
        let window = Window { bytes: Vec::new(), base: 0 };
        Chain { scan: self, window, next: 0, head }
    }
}

/// What lies behind the end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing.
    Whole,
    /// Whole blocks of the group that was being written: nobody was answered for them.
    Torn,
    /// A whole block follows by number, but not by hash.
    Broken,
    /// Blocks that were durable are gone, up to this seq: later whole blocks stand on them.
    Gap { to: Seq },
}

/// Walks the blocks found, in order, each following from the one before.
#[derive(Debug)]
pub(crate) struct Chain {
    scan: Scan,
    window: Window,
    next: usize,
    head: Head,
}

impl Chain {
    /// Where the chain stands.
    pub(crate) const fn head(&self) -> Head {
        self.head
    }

    /// The next block; `None` when none follows.
    pub(crate) fn step(&mut self) -> io::Result<Option<Block>> {
        let expected = self.head.seq.next();
        while let Some(found) = self.scan.found.get(self.next).copied() {
            if found.first > expected.0 {
                break;
            }
            self.next += 1;
            let block = if found.first == expected.0 { self.read(found)? } else { None };
            if let Some(block) = block.filter(|block| block.header().prev == self.head.hash) {
                self.head = block.head();
                return Ok(Some(block));
            }
        }
        Ok(None)
    }

    /// Looks behind the end, once [`Chain::step`] has given nothing.
    pub(crate) fn tail(&mut self) -> io::Result<Tail> {
        let expected = self.head.seq.next();
        let mut tail = Tail::Whole;
        for index in 0..self.scan.found.len() {
            let Some(found) = self.scan.found.get(index).copied() else { break };
            if found.first < expected.0 || self.read(found)?.is_none() {
                continue;
            }
            if found.first == expected.0 {
                return Ok(Tail::Broken);
            }
            if found.after_barrier {
                return Ok(Tail::Gap { to: Seq(found.first - 1) });
            }
            tail = Tail::Torn;
        }
        Ok(tail)
    }

    /// Goes on behind a gap: the head before the first whole block there; `None` when there is none.
    pub(crate) fn skip_gap(&mut self) -> io::Result<Option<Head>> {
        for index in 0..self.scan.found.len() {
            let Some(found) = self.scan.found.get(index).copied() else { break };
            if found.first <= self.head.seq.0 {
                continue;
            }
            if let Some(block) = self.read(found)? {
                let header = block.header();
                self.next = index;
                self.head =
                    Head { seq: Seq(header.first.0 - 1), hash: header.prev, at: header.first_at, token: 0 };
                return Ok(Some(self.head));
            }
        }
        Ok(None)
    }

    fn read(&mut self, found: Found) -> io::Result<Option<Block>> {
        let Some(file) = &self.scan.file else { return Ok(None) };
        let bytes = self.window.read(file, found.offset, found.bytes as usize)?;
        Ok(bytes.and_then(|bytes| Block::parse(bytes.into()).ok()))
    }
}

/// A stretch of the file held in memory: most blocks stand behind the one before.
#[derive(Debug)]
struct Window {
    bytes: Vec<u8>,
    base: u64,
}

impl Window {
    fn read(&mut self, file: &File, offset: u64, length: usize) -> io::Result<Option<&[u8]>> {
        let held = offset >= self.base && offset + length as u64 <= self.base + self.bytes.len() as u64;
        if !held {
            self.bytes.resize(WINDOW_BYTES, 0);
            let read = read_full(file, &mut self.bytes, offset)?;
            self.bytes.truncate(read);
            self.base = offset;
        }
        let at = usize::try_from(offset - self.base).unwrap_or(usize::MAX);
        Ok(self.bytes.get(at..at.saturating_add(length)))
    }
}

/// Reads until the buffer is full or the file ends.
fn read_full(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + read as u64) {
            Ok(0) => break,
            Ok(bytes) => read += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}
