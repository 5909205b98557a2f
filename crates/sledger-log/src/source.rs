//! Where the blocks of one volume come from: a sled folder, scanned, or a sealed file.

use crate::block::Block;
use crate::dir::{self, Meta};
use crate::error::{DamageKind, OpenError, ReadError};
use crate::reader::Entry;
use crate::scan::{Chain, Scan};
use crate::seal::{Frames, Name, SealedFault, SealedFile};
use sledger_core::Seq;
use sledger_core::log::Head;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Blocks of one volume, in order.
#[derive(Debug)]
pub(crate) enum Source {
    Sled(Chain),
    Sealed(Box<Frames>),
}

/// Why a volume cannot be read on.
#[derive(Debug)]
pub(crate) enum SourceFault {
    Io {
        path: PathBuf,
        source: io::Error,
    },
    Sealed(SealedFault),
    /// So many of its blocks belong to another ledger.
    Foreign(u64),
}

impl Source {
    /// The blocks of a volume after `head`. A sealed one begins with the frame that holds `from`.
    ///
    /// A folder may be sealed and go away after it was listed: then its sealed file is read.
    pub(crate) fn open(
        dir: &Path,
        meta: &Meta,
        entry: &Entry,
        head: Head,
        from: Seq,
    ) -> Result<Self, SourceFault> {
        let sealed = |sealed: &SealedFile| Ok(Self::Sealed(Box::new(sealed.frames(head, from)?)));
        if let Some(file) = &entry.sealed {
            return sealed(file).map_err(|fault| SourceFault::sealed(dir, entry.no, fault));
        }
        let path = dir::volume_path(dir, entry.no).join("db");
        let scan = Scan::run(&path, meta.ledger).map_err(|source| SourceFault::Io { path, source })?;
        if scan.is_missing() && dir::sealed_path(dir, entry.no).exists() {
            let file = SealedFile::open(&dir::sealed_path(dir, entry.no), &name(meta, entry.no));
            return file
                .and_then(|file| sealed(&file))
                .map_err(|fault| SourceFault::sealed(dir, entry.no, fault));
        }
        if scan.foreign > 0 {
            Err(SourceFault::Foreign(scan.foreign))
        } else {
            Ok(Self::Sled(scan.chain(head)))
        }
    }

    /// The next block; `None` when none follows.
    pub(crate) fn step(&mut self, dir: &Path, no: u32) -> Result<Option<Block>, SourceFault> {
        match self {
            Self::Sled(chain) => chain.step().map_err(|source| SourceFault::db(dir, no, source)),
            Self::Sealed(frames) => frames.step().map_err(|fault| SourceFault::sealed(dir, no, fault)),
        }
    }

    /// Where the log stands before the next block.
    pub(crate) const fn head(&self) -> Head {
        match self {
            Self::Sled(chain) => chain.head(),
            Self::Sealed(frames) => frames.head(),
        }
    }
}

impl SourceFault {
    pub(crate) fn db(dir: &Path, no: u32, source: io::Error) -> Self {
        Self::Io { path: dir::volume_path(dir, no).join("db"), source }
    }

    pub(crate) fn sealed(dir: &Path, no: u32, fault: SealedFault) -> Self {
        match fault {
            SealedFault::Io(source) => Self::Io { path: dir::sealed_path(dir, no), source },
            fault => Self::Sealed(fault),
        }
    }

    /// Names what is wrong by its place.
    pub(crate) fn at(self, volume: u32, seq: Seq) -> ReadError {
        match self {
            Self::Io { path, source } => ReadError::Io { path, source },
            Self::Sealed(fault) => {
                ReadError::Damaged { volume, seq, kind: kind(&fault), detail: detail(&fault) }
            }
            Self::Foreign(blocks) => {
                let detail = format!("{blocks} blocks belong to another ledger");
                ReadError::Damaged { volume, seq, kind: DamageKind::Foreign, detail }
            }
        }
    }
}

/// What kind of damage a fault of a sealed file is.
pub(crate) const fn kind(fault: &SealedFault) -> DamageKind {
    match fault {
        SealedFault::Chain { .. } => DamageKind::ChainBroken,
        SealedFault::OtherLedger { .. } => DamageKind::Foreign,
        _ => DamageKind::SealedFile,
    }
}

/// A fault of a sealed file in words.
pub(crate) fn detail(fault: &SealedFault) -> String {
    format!("sealed file: {fault}")
}

/// The name that the file of a sealed volume must bear.
pub(crate) const fn name(meta: &Meta, volume: u32) -> Name {
    Name { ledger: meta.ledger, partition: meta.partition, volume }
}

/// Opens a sealed volume, which begins with `seq` as far as that is known.
pub(crate) fn open_sealed(dir: &Path, meta: &Meta, no: u32, seq: Seq) -> Result<Arc<SealedFile>, OpenError> {
    let opened = SealedFile::open(&dir::sealed_path(dir, no), &name(meta, no));
    opened.map(Arc::new).map_err(|fault| SourceFault::sealed(dir, no, fault).at(no, seq).into())
}
