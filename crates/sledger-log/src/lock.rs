//! One process writes a ledger: the lock, and where to find who holds it.
//!
//! `lock` holds two lines: the process id, and the URL once it is known. The
//! lock is the kernel's (`flock`), so it ends with the process however that ends.

use crate::error::OpenError;
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// No lock text is longer.
const LOCK_BYTES_MAX: u64 = 4096;

/// Who holds a lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// The process, 0 when it is not known.
    pub pid: u32,
    /// Where it is served, once known.
    pub url: Option<String>,
}

/// A ledger's lock, held until dropped.
#[derive(Debug)]
pub(crate) struct DirLock {
    file: File,
}

impl DirLock {
    /// Takes the lock of the ledger in `dir`.
    pub(crate) fn take(dir: &Path) -> Result<Self, OpenError> {
        let path = path(dir);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| OpenError::io("open", &path, source))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let Served { pid, url } = read(file);
            return Err(OpenError::Locked { dir: dir.to_owned(), pid, url });
        }
        let lock = Self { file };
        lock.write(None).map_err(|source| OpenError::io("write", &path, source))?;
        Ok(lock)
    }

    /// Notes where the ledger is served, for whoever finds it locked.
    pub(crate) fn write(&self, url: Option<&str>) -> io::Result<()> {
        let url: String = url.unwrap_or("").chars().filter(|character| !character.is_control()).collect();
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}\n{url}", std::process::id())
    }
}

impl Drop for DirLock {
    /// Lets go by name: a child that another thread is just starting still holds a copy of the file, and the lock
    /// would last until that is closed.
    fn drop(&mut self) {
        if let Err(error) = flock(&self.file, FlockOperation::Unlock) {
            tracing::warn!(%error, "the lock of a ledger cannot be let go");
        }
    }
}

/// Who serves the ledger in `dir`; `None` when nobody does.
///
/// # Errors
/// When the lock file cannot be read.
pub fn served(dir: &Path) -> io::Result<Option<Served>> {
    let file = match File::open(path(dir)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(None),
        Err(_) => Ok(Some(read(file))),
    }
}

fn path(dir: &Path) -> PathBuf {
    dir.join("lock")
}

fn read(file: File) -> Served {
    let mut text = String::new();
    if file.take(LOCK_BYTES_MAX).read_to_string(&mut text).is_err() {
        return Served::default();
    }
    let mut lines = text.lines().map(|line| line.chars().filter(|c| !c.is_control()).collect::<String>());
    let pid = lines.next().and_then(|line| line.parse().ok()).unwrap_or(0);
    Served { pid, url: lines.next().filter(|url| !url.is_empty()) }
}
