//! Files and folders, synced as a log needs them.
//!
//! Invariant: a sync that failed is never tried again by these functions.

use rustix::fs::{Advice, FlockOperation, fadvise, fdatasync, flock, fsync};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a database may take to let go of its file after it was dropped.
const UNLOCK_MAX: Duration = Duration::from_secs(5);

/// Lets the other threads of the process go first: for work that may take its time. Where the system refuses, the
/// thread goes on as it is.
pub fn stand_back() {
    const NICE: i32 = 10;
    let this = Some(rustix::thread::gettid());
    if let Err(error) = rustix::process::setpriority_process(this, NICE) {
        tracing::debug!(%error, "a thread in the background keeps its priority");
    }
}

/// Makes the names in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    Ok(fsync(File::open(dir)?)?)
}

/// Makes a file's bytes durable.
pub(crate) fn sync_data(file: &File) -> io::Result<()> {
    Ok(fdatasync(file)?)
}

/// Makes every file in `dir` and in its folders durable, then `dir` itself.
pub(crate) fn sync_tree(dir: &Path) -> io::Result<()> {
    for path in entries(dir)? {
        if path.is_dir() {
            sync_tree(&path)?;
        } else {
            Ok::<(), io::Error>(fsync(File::open(&path)?)?)?;
        }
    }
    sync_dir(dir)
}

/// Forgets what the page cache holds of the files in `dir`, so that they are read from the disk.
pub(crate) fn drop_cache(dir: &Path) -> io::Result<()> {
    for path in entries(dir)? {
        if path.is_file() {
            drop_file_cache(&path)?;
        }
    }
    Ok(())
}

/// Forgets what the page cache holds of a file.
pub(crate) fn drop_file_cache(path: &Path) -> io::Result<()> {
    Ok(fadvise(File::open(path)?, 0, None, Advice::DontNeed)?)
}

/// Bytes that the files in `dir` take up on the disk.
pub(crate) fn taken_bytes(dir: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0;
    for path in entries(dir)? {
        bytes += fs::symlink_metadata(path)?.blocks() * 512;
    }
    Ok(bytes)
}

/// Writes a file whole or not at all, durable when this returns.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let tmp = path.with_extension("tmp");
    let mut file = File::create(&tmp)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&tmp, path)?;
    sync_dir(parent(path))
}

/// Removes a file if it is there, durable when this returns.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_dir(parent(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Renames, durable when this returns.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_dir(parent(to))
}

/// What is in `dir`, sorted by name.
pub(crate) fn entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths =
        fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// The name of a path, empty when it is no text.
pub(crate) fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or("")
}

/// Bytes that an unprivileged process can still write to the file system of `path`.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// BLAKE3 of a file.
pub(crate) fn hash(path: &Path) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
    }
    Ok(*hasher.finalize().as_bytes())
}

/// Waits until nobody holds a lock on `file`: a dropped database lets go of it on another thread.
pub(crate) fn wait_unlocked(file: &File) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(flock(file, FlockOperation::Unlock)?),
            Err(error) if begun.elapsed() > UNLOCK_MAX => return Err(error.into()),
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Bytes of the files in a folder and in the folders in it; what cannot be looked at counts nothing.
pub(crate) fn bytes_below(dir: &Path) -> u64 {
    let length = |path: &PathBuf| std::fs::metadata(path).map_or(0, |about| about.len());
    let below = |path: PathBuf| {
        if path.is_dir() {
            entries(&path).unwrap_or_default().iter().map(length).sum()
        } else {
            length(&path)
        }
    };
    entries(dir).unwrap_or_default().into_iter().map(below).sum()
}
