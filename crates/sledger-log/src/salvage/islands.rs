//! What is whole behind a gap.
//!
//! Nothing can be chained to a gap, so the ledger ends before it. Whole blocks behind it are evidence all the same:
//! each unbroken run of them is written into a plain file of blocks, and what is missing between them is told.
//!
//! ```text
//! recovered/FFFFFFFFFFFF-LLLLLLLLLLLL.blocks  blocks one behind the other, from event F to event L
//! ```

use super::frames::WholeBlocks;
use crate::block::{Block, LedgerId};
use crate::dir;
use crate::files;
use crate::scan::Scan;
use sledger_core::Seq;
use sledger_core::log::Head;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// An unbroken run of blocks behind a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Island {
    /// Its first event.
    pub first: Seq,
    /// Its last event.
    pub last: Seq,
    /// How many blocks.
    pub blocks: u64,
    /// Where they were written.
    pub path: PathBuf,
}

/// Writes down whatever is whole in `aside` behind `head`, in order.
pub(super) fn write(dir: &Path, ledger: LedgerId, head: Head, aside: &[PathBuf]) -> io::Result<Vec<Island>> {
    let mut islands =
        Islands { dir: dir::recovered_path(dir), begun: head, head, open: None, done: Vec::new() };
    for path in aside {
        if path.is_dir() {
            islands.folder(path, ledger)?;
        } else {
            islands.sealed(path, ledger)?;
        }
    }
    islands.end()?;
    Ok(islands.done)
}

struct Islands {
    dir: PathBuf,
    /// Where the ledger ends.
    begun: Head,
    /// Where the last block written leaves the log.
    head: Head,
    open: Option<Open>,
    done: Vec<Island>,
}

struct Open {
    file: BufWriter<File>,
    part: PathBuf,
    first: Seq,
    blocks: u64,
}

impl Islands {
    fn folder(&mut self, path: &Path, ledger: LedgerId) -> io::Result<()> {
        let mut chain = Scan::run(&path.join("db"), ledger)?.chain(self.head);
        loop {
            match chain.step()? {
                Some(block) => self.block(&block)?,
                None if chain.skip_gap()?.is_none() => return Ok(()),
                None => {}
            }
        }
    }

    fn sealed(&mut self, path: &Path, ledger: LedgerId) -> io::Result<()> {
        let mut blocks = WholeBlocks::open(path)?;
        while let Some(block) = blocks.next()? {
            if block.header().ledger == ledger {
                self.block(&block)?;
            }
        }
        Ok(())
    }

    fn block(&mut self, block: &Block) -> io::Result<()> {
        let header = block.header();
        if header.first <= self.begun.seq || header.first <= self.head.seq {
            // The ledger has it, or an earlier island.
            return Ok(());
        }
        let follows = (header.first, header.prev) == (self.head.seq.next(), self.head.hash);
        if self.open.is_some() && !follows {
            self.end()?;
        }
        if self.open.is_none() {
            self.open = Some(self.begin(header.first)?);
        }
        if let Some(open) = &mut self.open {
            open.file.write_all(block.bytes())?;
            open.blocks += 1;
        }
        self.head = block.head();
        Ok(())
    }

    fn begin(&self, first: Seq) -> io::Result<Open> {
        fs::create_dir_all(&self.dir)?;
        let part = self.dir.join(format!("{:012}.part", first.0));
        Ok(Open { file: BufWriter::new(File::create(&part)?), part, first, blocks: 0 })
    }

    fn end(&mut self) -> io::Result<()> {
        let Some(Open { file, part, first, blocks }) = self.open.take() else { return Ok(()) };
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        let last = self.head.seq;
        let path = self.dir.join(format!("{:012}-{:012}.blocks", first.0, last.0));
        files::rename(&part, &path)?;
        self.done.push(Island { first, last, blocks, path });
        Ok(())
    }
}
