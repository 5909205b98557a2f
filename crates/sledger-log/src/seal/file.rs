//! A sealed file, opened for reading.
//!
//! Opening reads header, footer and trailer: some hundred bytes, whatever the
//! length of the file. Index and filter are read, and checked, when they are
//! asked for; the frames when their blocks are.

use super::footer::{FOOTER_BYTES, Footer, TRAILER_BYTES};
use super::frames::Frames;
use super::layout::{FORMAT_ONE_FILTER, FRAME_HEADER_BYTES, HEADER_BYTES, Name, PLACE_BYTES, Place};
use super::{Filter, Filters, SealedFault};
use crate::dir::End;
use sledger_core::log::Head;
use sledger_core::{Millis, Seq};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A sealed file whose header and footer were checked.
///
/// It is not held open: a ledger may have more volumes than a process may have files.
#[derive(Debug)]
pub(crate) struct SealedFile {
    path: PathBuf,
    footer: Footer,
    bytes: u64,
}

impl SealedFile {
    /// Opens a sealed file, which must be the one named.
    pub(crate) fn open(path: &Path, expected: &Name) -> Result<Self, SealedFault> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let ends = FOOTER_BYTES + TRAILER_BYTES;
        if bytes < (HEADER_BYTES + ends) as u64 {
            return Err(SealedFault::Cut { bytes });
        }
        let (name, format) = header(&file)?;
        name.expect(expected)?;
        let mut end = [0; FOOTER_BYTES + TRAILER_BYTES];
        file.read_exact_at(&mut end, bytes - ends as u64)?;
        let footer = Footer::parse(&end)?;
        footer.name.expect(expected)?;
        if footer.format != format {
            return Err(SealedFault::Check { part: "trailer" });
        }
        match footer.file_bytes() {
            Some(said) if said == bytes => Ok(Self { path: path.to_owned(), footer, bytes }),
            said => Err(SealedFault::Length { said: said.unwrap_or(u64::MAX), found: bytes }),
        }
    }

    pub(crate) const fn end(&self) -> End {
        self.footer.end
    }

    pub(crate) const fn footer(&self) -> &Footer {
        &self.footer
    }

    /// Length of the file.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The blocks from the one that holds `from`; `head` is where the volume begins.
    pub(crate) fn frames(&self, head: Head, from: Seq) -> Result<Frames, SealedFault> {
        let begin = (HEADER_BYTES as u64, head);
        let (offset, head) =
            if from > self.footer.end.first { self.seek(from)?.unwrap_or(begin) } else { begin };
        Ok(Frames::new(File::open(&self.path)?, offset, Some(self.footer.index_at()), head))
    }

    /// Where the frame stands that holds `from`, and where the log stands before it.
    fn seek(&self, from: Seq) -> Result<Option<(u64, Head)>, SealedFault> {
        let index = self.index()?;
        let before = index.partition_point(|place| place.last < from);
        Ok(index.get(before).map(|place| (place.offset, place.before())))
    }

    /// The index; its check and bounds are looked at.
    pub(crate) fn index(&self) -> Result<Vec<Place>, SealedFault> {
        let bytes =
            self.read("index", self.footer.index_at(), self.footer.index_bytes, self.footer.index_check)?;
        let mut rest = bytes.as_slice();
        let mut index = Vec::with_capacity(bytes.len() / PLACE_BYTES);
        while let Some(place) = Place::take(&mut rest) {
            index.push(place);
        }
        Ok(index)
    }

    /// One frame, whose place is in the index.
    pub(crate) fn frame(&self, place: &Place) -> Result<Frames, SealedFault> {
        let end = place.offset.saturating_add(FRAME_HEADER_BYTES as u64 + u64::from(place.packed));
        Ok(Frames::new(File::open(&self.path)?, place.offset, Some(end), place.before()))
    }

    /// The filters; their check and bounds are looked at.
    pub(crate) fn filters(&self) -> Result<Filters, SealedFault> {
        let offset = self.footer.index_at() + self.footer.index_bytes;
        let bytes = self.read("filter", offset, self.footer.filter_bytes, self.footer.filter_check)?;
        if self.footer.format == FORMAT_ONE_FILTER {
            return Ok(Filters::Whole(Filter::parse_whole(&bytes)?));
        }
        let lasts: Vec<Seq> = self.index()?.iter().map(|place| place.last).collect();
        Ok(Filters::Frames { filters: Filter::parse_each(&bytes, lasts.len())?, lasts })
    }

    fn read(
        &self,
        part: &'static str,
        offset: u64,
        bytes: u64,
        check: [u8; 32],
    ) -> Result<Vec<u8>, SealedFault> {
        // Bounded by the length of the file, which opening has compared with its parts.
        let length = usize::try_from(bytes).map_err(|_| SealedFault::Bounds { part, field: "length" })?;
        let mut found = vec![0; length];
        File::open(&self.path)?.read_exact_at(&mut found, offset)?;
        if *blake3::hash(&found).as_bytes() == check { Ok(found) } else { Err(SealedFault::Check { part }) }
    }
}

fn header(file: &File) -> Result<(Name, u16), SealedFault> {
    let mut bytes = [0; HEADER_BYTES];
    file.read_exact_at(&mut bytes, 0)?;
    Name::parse(&bytes)
}

/// Reads a sealed file from its first to its last byte: all checks, the chain, and that it ends as `end` says.
pub(crate) fn check_whole(
    path: &Path,
    expected: &Name,
    end: Option<End>,
    stop: &dyn Fn() -> bool,
) -> Result<SealedFile, SealedFault> {
    let sealed = SealedFile::open(path, expected)?;
    let footer = sealed.footer;
    if end.is_some_and(|end| end != footer.end) {
        return Err(SealedFault::Footer { field: "end" });
    }
    sealed.filters()?;
    let found = recount(&sealed, stop)?;
    let checks = [
        ("head", found.end == footer.end),
        ("time of its first decision", found.first_at == footer.first_at),
        ("count", found == footer),
    ];
    match checks.into_iter().find(|(_, holds)| !holds) {
        Some((field, _)) => Err(SealedFault::Footer { field }),
        None => Ok(sealed),
    }
}

/// The footer as it follows from the blocks; the index is compared on the way.
fn recount(sealed: &SealedFile, stop: &dyn Fn() -> bool) -> Result<Footer, SealedFault> {
    let footer = sealed.footer;
    let mut places = sealed.index()?.into_iter();
    let seq = Seq(footer.end.first.0.saturating_sub(1));
    let at = if footer.blocks == 0 { footer.end.head.at } else { Millis(0) };
    let before = Head { seq, hash: footer.prev, at, token: 0 };
    let mut frames = sealed.frames(before, Seq(0))?;
    let mut found =
        Footer { blocks: 0, decisions: 0, events: 0, raw_bytes: 0, first_at: Millis(0), ..footer };
    while let Some(block) = frames.step()? {
        if stop() {
            return Err(SealedFault::Stopped);
        }
        let header = block.header();
        if found.blocks == 0 {
            found.first_at = header.first_at;
        }
        found.blocks += 1;
        found.decisions += u64::from(header.decisions);
        found.events += u64::from(header.events);
        found.raw_bytes += block.bytes().len() as u64;
        found.end.epoch = header.epoch;
        if let Some(place) = frames.entered() {
            check_place(places.next(), place)?;
        }
    }
    found.end.head = frames.head();
    found.frames -= u32::try_from(places.len()).unwrap_or(0);
    Ok(found)
}

fn check_place(said: Option<Place>, found: Place) -> Result<(), SealedFault> {
    // The time of a frame's last decision is known only behind it.
    let same = |said: Place| Place { last_at: found.last_at, ..said } == found;
    if said.is_some_and(same) { Ok(()) } else { Err(SealedFault::Bounds { part: "index", field: "place" }) }
}
