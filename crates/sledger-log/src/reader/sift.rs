//! Blocks that may mention somebody: frames of sealed volumes whose filters say no are neither read nor unpacked.
//!
//! Promise: no block that mentions what was asked for, at the time it was reached, is left out. What is not sealed, or
//! sealed in format 1, has no filter for each frame: it is read whole.
//!
//! Invariant: what is given is checked as ever. A frame that is left out vouches for nothing and is not looked at: the
//! hash before the next one is taken from the index.

use super::{Blocks, Reader};
use crate::block::Block;
use crate::error::ReadError;
use crate::mentions::Mention;
use crate::seal::{Filter, Filters, Frames, Place, SealedFault, SealedFile};
use crate::source::SourceFault;
use sledger_core::Seq;
use std::sync::Arc;

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sifted {
    /// Frames unpacked.
    pub frames_read: u64,
    /// Frames left out.
    pub frames_left: u64,
}

/// Blocks that may mention somebody; see [`Reader::sift`].
#[derive(Debug)]
pub struct Sift {
    reader: Reader,
    /// Index of the next volume.
    next: usize,
    current: Option<Current>,
    sifted: Sifted,
}

#[derive(Debug)]
enum Current {
    Whole(Box<Blocks>),
    Sealed(Box<Sealed>),
}

/// A sealed volume on the way.
#[derive(Debug)]
struct Sealed {
    no: u32,
    file: Arc<SealedFile>,
    places: std::vec::IntoIter<Place>,
    filters: Filters,
    frames: Option<Frames>,
}

impl Sift {
    pub(super) fn new(reader: Reader) -> Self {
        Self { reader, next: 0, current: None, sifted: Sifted::default() }
    }

    /// How much was looked at so far.
    #[must_use]
    pub const fn sifted(&self) -> Sifted {
        self.sifted
    }

    /// The next block that may mention any of these, or the next one where nothing is asked for; `None` behind the
    /// last. Blocks of a frame come all.
    ///
    /// # Errors
    /// As [`Reader::blocks`]. Nothing is to be asked after one.
    pub fn step(&mut self, wanted: Option<&[Mention<'_>]>) -> Result<Option<Block>, ReadError> {
        loop {
            let block = match &mut self.current {
                Some(Current::Whole(blocks)) => blocks.next().transpose()?,
                Some(Current::Sealed(sealed)) => {
                    let no = sealed.no;
                    let seq = sealed.seq();
                    let step = sealed.step(wanted, &mut self.sifted);
                    step.map_err(|fault| SourceFault::sealed(&self.reader.dir, no, fault).at(no, seq))?
                }
                None => None,
            };
            if block.is_some() || !self.enter()? {
                return Ok(block);
            }
        }
    }

    /// Goes on to the next volume; whether there is one.
    fn enter(&mut self) -> Result<bool, ReadError> {
        let Some(entry) = self.reader.entries.get(self.next) else {
            self.current = None;
            return Ok(false);
        };
        let no = entry.no;
        let begin = self.reader.head_before(self.next).seq.next();
        self.next += 1;
        let fault = |fault| SourceFault::sealed(&self.reader.dir, no, fault).at(no, begin);
        let sealed = entry.sealed.as_ref().map(|file| Sealed::open(no, file)).transpose().map_err(fault)?;
        self.current = Some(match sealed.flatten() {
            Some(sealed) => Current::Sealed(Box::new(sealed)),
            None => Current::Whole(Box::new(self.reader.blocks_in(no))),
        });
        Ok(true)
    }
}

impl Sealed {
    /// `None` for a file whose frames have no filters.
    fn open(no: u32, file: &Arc<SealedFile>) -> Result<Option<Self>, SealedFault> {
        let filters = file.filters()?;
        if matches!(filters, Filters::Whole(_)) {
            return Ok(None);
        }
        let places = file.index()?.into_iter();
        Ok(Some(Self { no, file: Arc::clone(file), places, filters, frames: None }))
    }

    /// Where it has come to.
    fn seq(&self) -> Seq {
        let read = self.frames.as_ref().map(|frames| frames.head().seq.next());
        read.or(self.places.as_slice().first().map(|place| place.first)).unwrap_or_default()
    }

    fn step(
        &mut self,
        wanted: Option<&[Mention<'_>]>,
        sifted: &mut Sifted,
    ) -> Result<Option<Block>, SealedFault> {
        loop {
            if let Some(frames) = &mut self.frames {
                if let Some(block) = frames.step()? {
                    return Ok(Some(block));
                }
                self.frames = None;
            }
            let Some(place) = self.places.next() else { return Ok(None) };
            let filter = self.filters.of(place.first);
            if may_matter(filter, wanted) {
                sifted.frames_read += 1;
                self.frames = Some(self.file.frame(&place)?);
            } else {
                sifted.frames_left += 1;
            }
        }
    }
}

fn may_matter(filter: Option<&Filter>, wanted: Option<&[Mention<'_>]>) -> bool {
    let (Some(filter), Some(wanted)) = (filter, wanted) else { return true };
    wanted.iter().any(|mention| filter.may_hold(*mention))
}
