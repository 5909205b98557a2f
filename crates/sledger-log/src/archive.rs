//! Archives: folders of volumes that were moved away from a ledger.
//!
//! An archive is a data directory of its own: `ledger.toml`, `volumes/NNNNNN.sealed`, and `begin` with its base
//! where it does not begin with the first event. So every reader reads it as it is, up to where it ends. The file
//! `archive` keeps a server from writing to it: a history that goes on in two places is none.
//!
//! Joined again: the sealed files lie beside those of the ledger, and the ledger's `begin` is the archive's, or gone
//! where the archive has none. [`Archive::give_back`] does that; so can `cp` and `rm` while nobody serves the ledger.
//!
//! INVARIANT(copied): a volume counts as archived when its copy was read back from the disk, whole, and ends as the
//! volume does.

use crate::begins::{self, Begins};
use crate::dir::{self, Meta};
use crate::error::OpenError;
use crate::files;
use crate::lock::DirLock;
use crate::mark::Mark;
use crate::reader::{Entry, Reader};
use crate::seal::{SealedFault, check_whole};
use crate::snapshots::Bases;
use crate::source;
use sledger_core::Seq;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Why volumes cannot be archived or given back.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The ledger or the archive.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Something else lies in the folder.
    #[error("`{dir}` is not empty and is no archive of ledger `{ledger}`")]
    Foreign {
        /// The folder.
        dir: PathBuf,
        /// The ledger that was to be archived.
        ledger: crate::LedgerId,
    },
    /// The archive lies in the ledger, or the other way round.
    #[error("`{dir}` lies in a data directory: an archive is kept elsewhere")]
    Within {
        /// The folder.
        dir: PathBuf,
    },
    /// What is in the archive is not what comes right before.
    #[error("the archive `{dir}` ends at seq `{end}`, the volumes to come begin with seq `{first}`")]
    Gap {
        /// The folder.
        dir: PathBuf,
        /// The archive's last event.
        end: Seq,
        /// The first of the volumes to come.
        first: Seq,
    },
    /// A volume that is not sealed, or of which nobody knows.
    #[error("volume `{volume}` is not sealed: only sealed volumes are archived")]
    NotSealed {
        /// Its number.
        volume: u32,
    },
    /// A copy is not what it was copied from.
    #[error("the copy of volume `{volume}` in `{dir}` is not what it must be: {detail}")]
    Copy {
        /// The archive.
        dir: PathBuf,
        /// Its number.
        volume: u32,
        /// What is wrong.
        detail: String,
    },
    /// The system refused.
    #[error("cannot {doing} `{path}`: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Whether `dir` is an archive.
pub(crate) fn is_archive(dir: &Path) -> bool {
    marker(dir).exists()
}

fn marker(dir: &Path) -> PathBuf {
    dir.join("archive")
}

/// An archive of the volumes of one ledger.
#[derive(Clone, Debug)]
pub struct Archive {
    dir: PathBuf,
}

impl Archive {
    /// The archive in `dir`, which may be there already or not.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Copies the first volumes of the ledger in `data`, up to number `last`, and reads each back from the disk.
    /// The ledger is as before. Bytes copied.
    ///
    /// # Errors
    /// [`ArchiveError`], by what stands in the way. What was copied whole stays, and is found again.
    pub fn take(&self, data: &Path, last: u32) -> Result<u64, ArchiveError> {
        let reader = Reader::open(data)?;
        let volumes: Vec<&Entry> = reader.entries.iter().take_while(|entry| entry.no <= last).collect();
        if let Some(entry) = volumes.iter().find(|entry| entry.sealed.is_none()) {
            return Err(ArchiveError::NotSealed { volume: entry.no });
        }
        self.prepare(data, &reader)?;
        let mut bytes = 0;
        for entry in volumes {
            bytes += self.copy(data, reader.meta(), entry)?;
        }
        Ok(bytes)
    }

    /// Copies the volumes back to the ledger in `data`, from which they came, and lets its history begin where the
    /// archive's does. The archive stays as it is. Nobody may serve the ledger. Bytes copied.
    ///
    /// # Errors
    /// [`ArchiveError`], by what stands in the way.
    pub fn give_back(&self, data: &Path) -> Result<u64, ArchiveError> {
        let archived = Reader::open(&self.dir)?;
        let meta = archived.meta().clone();
        let _lock = DirLock::take(data)?;
        let reader = Reader::open(data)?;
        if *reader.meta() != meta {
            return Err(ArchiveError::Foreign { dir: self.dir.clone(), ledger: reader.meta().ledger });
        }
        let (first, head, _) = reader.origin();
        let end = archived.entries.last().and_then(|entry| entry.end).unwrap_or_default();
        let next = archived.entries.last().map_or(first, |entry| entry.no + 1);
        if (end.head.seq, end.head.hash, next) != (head.seq, head.hash, first) {
            let (end, first) = (end.head.seq, head.seq.next());
            return Err(ArchiveError::Gap { dir: self.dir.clone(), end, first });
        }
        let mut bytes = 0;
        for entry in &archived.entries {
            bytes += copy_volume((&self.dir, data), &meta, entry)?;
        }
        self.begin_again(data, &meta, archived.begins())?;
        Ok(bytes)
    }

    /// The mark comes last: until it stands, the ledger begins where it did.
    fn begin_again(&self, data: &Path, meta: &Meta, begins: Option<&Begins>) -> Result<(), ArchiveError> {
        match begins {
            Some(begins) => {
                copy_base((&self.dir, data), meta, begins)?;
                begins.write(data, meta.ledger).map_err(|source| io_error("write to", data, source))
            }
            None => files::remove(&begins::path(data)).map_err(|source| io_error("write to", data, source)),
        }
    }

    /// Makes the folder, or finds it to be this ledger's and to end where the ledger begins.
    fn prepare(&self, data: &Path, reader: &Reader) -> Result<(), ArchiveError> {
        let meta = reader.meta();
        refuse_within(&self.dir, data)?;
        let made = |source| io_error("make", &self.dir, source);
        fs::create_dir_all(dir::volumes_path(&self.dir)).map_err(made)?;
        if Meta::read(&self.dir)?.is_some_and(|found| found == *meta) && is_archive(&self.dir) {
            return self.check_end(reader);
        }
        let strangers = files::entries(&self.dir).map_err(made)?;
        let is_ours = |path: &PathBuf| ["volumes", "archive", "base", "begin"].contains(&files::name(path));
        if !strangers.iter().all(is_ours) {
            return Err(ArchiveError::Foreign { dir: self.dir.clone(), ledger: meta.ledger });
        }
        Mark::default().with("ledger", meta.ledger).write(&marker(&self.dir)).map_err(made)?;
        if let Some(begins) = reader.begins() {
            copy_base((data, &self.dir), meta, begins)?;
            begins.write(&self.dir, meta.ledger).map_err(made)?;
        }
        meta.write(&self.dir).map_err(made)?;
        files::sync_dir(&self.dir).map_err(made)
    }

    /// The archive must end right before the ledger's first volume, or within what is to be copied again.
    fn check_end(&self, reader: &Reader) -> Result<(), ArchiveError> {
        let archived = Reader::open(&self.dir)?;
        let (first, head, _) = reader.origin();
        let known = archived.entries.iter().find(|entry| entry.no + 1 == first);
        let end = known.map_or(archived.origin().1, |entry| entry.end.unwrap_or_default().head);
        if (end.seq, end.hash) == (head.seq, head.hash) {
            return Ok(());
        }
        Err(ArchiveError::Gap { dir: self.dir.clone(), end: end.seq, first: head.seq.next() })
    }

    fn copy(&self, data: &Path, meta: &Meta, entry: &Entry) -> Result<u64, ArchiveError> {
        copy_volume((data, &self.dir), meta, entry)
    }
}

/// Copies a sealed file, unless it is there already; then reads the copy back.
fn copy_volume((from, to): (&Path, &Path), meta: &Meta, entry: &Entry) -> Result<u64, ArchiveError> {
    let (source, target) = (dir::sealed_path(from, entry.no), dir::sealed_path(to, entry.no));
    let failed = |source| io_error("write", &target, source);
    let mut bytes = 0;
    if !target.exists() {
        let tmp = dir::beside_path(to, entry.no, "sealed.tmp");
        let copied =
            copy_file(&source, &tmp).and_then(|copied| files::rename(&tmp, &target).map(|()| copied));
        if copied.is_err()
            && let Err(error) = files::remove(&tmp)
        {
            tracing::warn!(path = %tmp.display(), %error, "a half copied file cannot be removed");
        }
        bytes = copied.map_err(failed)?;
    }
    files::drop_file_cache(&target).map_err(failed)?;
    match check_whole(&target, &source::name(meta, entry.no), entry.end, &|| false) {
        Ok(_) => Ok(bytes),
        Err(SealedFault::Io(source)) => Err(io_error("read", &target, source)),
        Err(fault) => {
            Err(ArchiveError::Copy { dir: to.to_owned(), volume: entry.no, detail: fault.to_string() })
        }
    }
}

fn copy_base((from, to): (&Path, &Path), meta: &Meta, begins: &Begins) -> Result<(), ArchiveError> {
    let (source, target) = (Bases::new(from, meta), Bases::new(to, meta));
    let path = target.path(begins.head.seq);
    let copy = || {
        fs::create_dir_all(to.join("base"))?;
        files::sync_dir(to)?;
        let tmp = path.with_extension("tmp");
        copy_file(&source.path(begins.head.seq), &tmp)?;
        files::rename(&tmp, &path)
    };
    copy().map_err(|source| io_error("write", &path, source))?;
    let opened = target.open(begins).map_err(|error| io::Error::other(error.to_string()));
    opened.map(|_| ()).map_err(|source| io_error("read", &path, source))
}

/// Copies a file, durable but for its name when this returns.
pub(crate) fn copy_file(from: &Path, to: &Path) -> io::Result<u64> {
    let mut target = File::create(to)?;
    let bytes = io::copy(&mut File::open(from)?, &mut target)?;
    target.sync_all()?;
    Ok(bytes)
}

/// Refuses a folder within a data directory.
fn refuse_within(dir: &Path, data: &Path) -> Result<(), ArchiveError> {
    if is_within_ledger(dir, Some(data)) {
        return Err(ArchiveError::Within { dir: dir.to_owned() });
    }
    Ok(())
}

/// Whether `dir`, which need not be there, lies in a data directory: in `data`, or in any that can be seen above it.
pub(crate) fn is_within_ledger(dir: &Path, data: Option<&Path>) -> bool {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let (itself, data) = (absolute.canonicalize().ok(), data.and_then(|data| data.canonicalize().ok()));
    let is_ledger = |path: &Path| path.join("ledger.toml").exists() && path.join("volumes").is_dir();
    let mut above = absolute.ancestors().filter_map(|path| path.canonicalize().ok());
    above.any(|path| {
        let above = Some(path.as_path());
        above == data.as_deref() || (above != itself.as_deref() && is_ledger(&path))
    })
}

fn io_error(doing: &'static str, path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::Io { doing, path: path.to_owned(), source }
}
