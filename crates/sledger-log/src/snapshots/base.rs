//! Bases: the state right before the first event that is kept, as evidence and not as a cache.
//!
//! `DIR/base/SSSSSSSSSSSS.base` is a snapshot of the state after event S, the last one that is gone. It is written
//! before the volumes go, and the mark `begin` names it by the BLAKE3 of its file.

use super::read::SnapshotReader;
use super::write::SnapshotWriter;
use super::{SnapshotAbout, SnapshotEnd, SnapshotError};
use crate::begins::Begins;
use crate::dir::Meta;
use crate::files;
use sledger_core::Seq;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The bases of one ledger.
#[derive(Clone, Debug)]
pub struct Bases {
    data: PathBuf,
    dir: PathBuf,
    meta: Meta,
}

impl Bases {
    /// Those of the ledger in the data directory `data`, which is `meta`.
    #[must_use]
    pub fn new(data: &Path, meta: &Meta) -> Self {
        Self { data: data.to_owned(), dir: data.join("base"), meta: meta.clone() }
    }

    /// Where the base after `seq` lies.
    #[must_use]
    pub fn path(&self, seq: Seq) -> PathBuf {
        self.dir.join(format!("{:012}.base", seq.0))
    }

    /// Writes a base whole, durable when this returns; the BLAKE3 of its file, read back from the disk.
    ///
    /// # Errors
    /// When it cannot be written, or `fill` says so: nothing is left of it then.
    pub fn write(
        &self,
        about: &SnapshotAbout,
        end: &SnapshotEnd,
        fill: impl FnOnce(&mut SnapshotWriter) -> io::Result<()>,
    ) -> io::Result<[u8; 32]> {
        if !self.dir.is_dir() {
            fs::create_dir_all(&self.dir)?;
            files::sync_dir(&self.data)?;
        }
        let path = self.path(about.seq);
        let mut writer = SnapshotWriter::begin(path.with_extension("tmp"), about, None)?;
        fill(&mut writer)?;
        let tmp = writer.finish(end)?;
        files::drop_file_cache(tmp.path())?;
        let hash = files::hash(tmp.path())?;
        files::rename(tmp.path(), &path)?;
        tmp.keep();
        Ok(hash)
    }

    /// Opens the base that a mark names, once its file was found to be the one.
    ///
    /// # Errors
    /// [`SnapshotError`]: not there, changed, or of another ledger or seq.
    pub fn open(&self, begins: &Begins) -> Result<SnapshotReader, SnapshotError> {
        let path = self.path(begins.head.seq);
        if files::hash(&path)? != begins.base {
            return Err(SnapshotError::Changed { part: "file" });
        }
        let reader = SnapshotReader::open(&path, None)?;
        let about = reader.about();
        if about.ledger != self.meta.ledger || about.partition != self.meta.partition {
            return Err(SnapshotError::Ledger { found: about.ledger });
        }
        if about.seq != begins.head.seq {
            return Err(SnapshotError::Name { found: about.seq });
        }
        Ok(reader)
    }

    /// Removes every base but the one after `seq`, and what was left unfinished.
    pub(crate) fn keep_only(&self, seq: Seq) -> io::Result<()> {
        let found = match files::entries(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => found?,
        };
        let kept = self.path(seq);
        found.iter().filter(|path| **path != kept).try_for_each(|path| files::remove(path))
    }
}
