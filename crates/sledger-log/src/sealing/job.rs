//! Seals one volume.
//!
//! Order: write `NNNNNN.sealed.tmp`; sync it; rename it; sync the folder; read it
//! back from the disk, whole; rename the sled folder to `NNNNNN.gone`; sync;
//! remove it. Until the file was read back the sled folder counts.

use super::{SealedVolume, Work};
use crate::dir::{self, End};
use crate::error::ReadError;
use crate::files;
use crate::leftovers;
use crate::reader::{Blocks, Entry};
use crate::seal::{self, Name, SealedFault, WriteFault, check_whole};
use crate::source;
use sledger_core::Seq;
use sledger_core::log::Head;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Why a volume was not sealed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    #[error("`{free}` bytes are free, and `{needed}` are needed")]
    NoSpace { free: u64, needed: u64 },
    #[error("stopped before it was done")]
    Stopped,
    #[error("read back from the disk: {0}")]
    ReadBack(SealedFault),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] WriteFault),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Sealing of one volume.
pub(super) struct Job<'a> {
    pub(super) work: &'a Work,
    pub(super) stop: &'a dyn Fn() -> bool,
}

impl Job<'_> {
    /// Seals a volume that has ended and whose blocks come after `before`.
    pub(super) fn seal(&self, entry: &Entry, before: Head) -> Result<SealedVolume, SealError> {
        let Work { dir, probes, .. } = self.work;
        let (no, end) = (entry.no, entry.end.unwrap_or_default());
        if (self.stop)() {
            return Err(SealError::Stopped);
        }
        if !self.is_there(no, end)? {
            self.check_space(no)?;
            probes.reach("seal.begin")?;
            self.write(entry, before)?;
        }
        let bytes = self.read_back(no, end)?;
        probes.reach("seal.verified")?;
        let gone = dir::beside_path(dir, no, "gone");
        files::rename(&dir::volume_path(dir, no), &gone)?;
        probes.reach("seal.folder_gone")?;
        leftovers::remove_gone(&gone)?;
        probes.reach("seal.removed")?;
        Ok(SealedVolume { volume: no, first: end.first, last: end.head.seq, head: end.head.hash, bytes })
    }

    fn name(&self, no: u32) -> Name {
        source::name(&self.work.meta, no)
    }

    /// Whether an earlier try left a whole file; one that is not whole is set aside.
    fn is_there(&self, no: u32, end: End) -> Result<bool, SealError> {
        let path = dir::sealed_path(&self.work.dir, no);
        if !path.exists() {
            return Ok(false);
        }
        files::drop_file_cache(&path)?;
        match check_whole(&path, &self.name(no), Some(end), self.stop) {
            Ok(_) => Ok(true),
            Err(SealedFault::Stopped) => Err(SealError::Stopped),
            Err(SealedFault::Io(error)) => Err(error.into()),
            Err(fault) => {
                let aside = dir::set_aside(&path)?;
                tracing::warn!(volume = no, %fault, aside = %aside.display(), "a sealed file is set aside");
                Ok(false)
            }
        }
    }

    /// What is written is never longer than what is read, give or take its index and filter.
    fn check_space(&self, no: u32) -> Result<(), SealError> {
        let Work { dir, free_bytes_min, .. } = self.work;
        let free = files::free_bytes(dir)?;
        let needed = files::taken_bytes(&dir::volume_path(dir, no))?.saturating_add(*free_bytes_min);
        if free < needed { Err(SealError::NoSpace { free, needed }) } else { Ok(()) }
    }

    fn write(&self, entry: &Entry, before: Head) -> Result<(), SealError> {
        let tmp = dir::beside_path(&self.work.dir, entry.no, "sealed.tmp");
        let written = self.write_tmp(&tmp, entry, before);
        if written.is_err()
            && let Err(error) = files::remove(&tmp)
        {
            tracing::warn!(path = %tmp.display(), %error, "a half written file cannot be removed");
        }
        written
    }

    fn write_tmp(&self, tmp: &Path, entry: &Entry, before: Head) -> Result<(), SealError> {
        let Work { dir, meta, probes, .. } = self.work;
        let epoch = entry.end.unwrap_or_default().epoch;
        let mut writer = seal::write(File::create(tmp)?, self.name(entry.no), before, epoch)?;
        for block in Blocks::over(dir, meta, vec![entry.clone()], before, None, Seq(0)) {
            if (self.stop)() {
                return Err(SealError::Stopped);
            }
            writer.push(&block?)?;
        }
        let file = writer.finish()?;
        probes.reach("seal.written")?;
        file.sync_all()?;
        drop(file);
        probes.reach("seal.synced")?;
        files::rename(tmp, &dir::sealed_path(dir, entry.no))?;
        Ok(probes.reach("seal.renamed")?)
    }

    /// Reads the file back, from the disk and not from the page cache. Its length.
    fn read_back(&self, no: u32, end: End) -> Result<u64, SealError> {
        let path = dir::sealed_path(&self.work.dir, no);
        files::drop_file_cache(&path)?;
        match check_whole(&path, &self.name(no), Some(end), self.stop) {
            Ok(file) => Ok(file.bytes()),
            Err(SealedFault::Stopped) => Err(SealError::Stopped),
            Err(fault) => {
                // The folder still counts, and a file that is not what was written serves nobody.
                fs::remove_file(&path)?;
                Err(SealError::ReadBack(fault))
            }
        }
    }
}
