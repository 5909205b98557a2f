//! Every whole block of a sealed file, around whatever is damaged in it.
//!
//! Frames follow one another by their lengths. Where a header cannot be believed the next frame is looked for by its
//! magic; its own check says whether it is one.
//!
//! Bounded: one frame, one read buffer. Each look for the next frame begins behind the one before, so it ends.

use crate::block::Block;
use crate::seal::{Frames, MAGIC_FRAME, SealedFault};
use memchr::memmem;
use sledger_core::log::Head;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

const LOOK_BYTES: usize = 1024 * 1024;

/// The whole blocks of a file, in the order in which they stand there.
pub(super) struct WholeBlocks {
    path: PathBuf,
    frames: Frames,
    /// Where the last frame entered, or looked for, begins.
    at: u64,
    /// Where walking last began anew.
    begun: u64,
}

impl WholeBlocks {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut frames = Frames::without_footer(path, Head::default())?;
        // What its first block follows is for others to say.
        let _head = frames.skip();
        let mut blocks = Self { path: path.to_owned(), frames, at: 0, begun: 0 };
        blocks.note();
        Ok(blocks)
    }

    /// The next whole block; `None` behind the last.
    pub(super) fn next(&mut self) -> io::Result<Option<Block>> {
        loop {
            let step = self.frames.step();
            self.note();
            let goes_on = match step {
                Ok(Some(block)) => return Ok(Some(block)),
                Ok(None) => self.look_on()?,
                Err(SealedFault::Io(error)) if !is_over(&error) => return Err(error),
                Err(SealedFault::Chain { offset }) if offset > self.begun => self.begin(offset)?,
                Err(_) => self.skip()? || self.look_on()?,
            };
            if !goes_on {
                return Ok(None);
            }
        }
    }

    /// Where the last frame stands.
    fn note(&mut self) {
        if let Some(place) = self.frames.entered() {
            self.at = self.at.max(place.offset);
        }
    }

    /// Goes on with the next frame by its place; whether there is one.
    fn skip(&mut self) -> io::Result<bool> {
        let skipped = self.frames.skip();
        self.note();
        match skipped {
            Ok(head) => Ok(head.is_some()),
            Err(SealedFault::Io(error)) if !is_over(&error) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Goes on with the next frame that can be found by its magic; whether there is one.
    fn look_on(&mut self) -> io::Result<bool> {
        while let Some(at) = next_magic(&File::open(&self.path)?, self.at + 1)? {
            self.at = at;
            if self.begin(at)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn begin(&mut self, at: u64) -> io::Result<bool> {
        self.begun = at;
        self.frames = Frames::new(File::open(&self.path)?, at, None, Head::default());
        self.skip()
    }
}

/// Frames that have come to their end without a footer stand at no place of the file.
fn is_over(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidInput
}

/// Where the magic of a frame stands next, from `from` on.
fn next_magic(file: &File, from: u64) -> io::Result<Option<u64>> {
    let finder = memmem::Finder::new(&MAGIC_FRAME);
    let (length, mut base) = (file.metadata()?.len(), from);
    let mut buffer = vec![0; LOOK_BYTES];
    while base + (MAGIC_FRAME.len() as u64) <= length {
        let read = usize::try_from((length - base).min(LOOK_BYTES as u64)).unwrap_or(LOOK_BYTES);
        let Some(bytes) = buffer.get_mut(..read) else { break };
        file.read_exact_at(bytes, base)?;
        if let Some(at) = finder.find(bytes) {
            return Ok(Some(base + at as u64));
        }
        base += (read + 1).saturating_sub(MAGIC_FRAME.len()).max(1) as u64;
    }
    Ok(None)
}
