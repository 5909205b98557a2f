//! Writes a snapshot under its name for the meantime.

use super::format::{SnapshotAbout, SnapshotEnd, Sum, frame_check, header, trailer};
use crate::files;
use crate::keys::Cipher;
use sledger_core::snapshot::FRAME_BYTES_MAX;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const BUFFER_BYTES: usize = 128 << 10;
/// Synced each time so much was written: a barrier of the log that comes meanwhile waits for no more than that.
const SYNC_BYTES: u64 = 128 << 10;
/// The longest that is waited after a sync, so that the log has the disk to itself for as long as the sync took.
const PAUSE_MAX: Duration = Duration::from_millis(20);

/// A snapshot being written. Dropped before it is published, it leaves nothing behind.
#[derive(Debug)]
pub struct SnapshotWriter {
    tmp: Unfinished,
    file: BufWriter<File>,
    frames: u64,
    checks: blake3::Hasher,
    unsynced: u64,
    bytes: u64,
    seq: u64,
    cipher: Option<Arc<Cipher>>,
}

/// A file that goes when this is dropped, unless it is kept.
#[derive(Debug)]
pub(super) struct Unfinished(Option<PathBuf>);

impl Unfinished {
    pub(super) fn path(&self) -> &Path {
        self.0.as_deref().unwrap_or(Path::new(""))
    }

    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some(path) = self.0.take() else { return };
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "an unfinished snapshot cannot be removed");
        }
    }
}

impl SnapshotWriter {
    pub(super) fn begin(
        tmp: PathBuf,
        about: &SnapshotAbout,
        cipher: Option<Arc<Cipher>>,
    ) -> io::Result<Self> {
        let file = File::create(&tmp)?;
        let mut writer = Self {
            tmp: Unfinished(Some(tmp)),
            file: BufWriter::with_capacity(BUFFER_BYTES, file),
            frames: 0,
            checks: blake3::Hasher::new(),
            unsynced: 0,
            bytes: 0,
            seq: about.seq.0,
            cipher,
        };
        writer.write(&header(about))?;
        Ok(writer)
    }

    /// Adds a frame.
    ///
    /// # Errors
    /// When the frame is too long or cannot be written.
    pub fn frame(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        let Some(cipher) = &self.cipher else { return self.put(kind, body) };
        let place = (self.seq, u32::try_from(self.frames).unwrap_or(u32::MAX));
        let (nonce, sealed) = cipher.seal(place, kind, body);
        self.put(kind, &[&nonce[..], &sealed].concat())
    }

    fn put(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= FRAME_BYTES_MAX);
        let length = length.ok_or_else(|| io::Error::other("a frame of the snapshot is too long"))?;
        let check = frame_check(self.frames, kind, body);
        self.frames += 1;
        self.checks.update(&check);
        for bytes in [&length.to_le_bytes()[..], &[kind], &check, body] {
            self.write(bytes)?;
        }
        if self.unsynced >= SYNC_BYTES {
            self.sync()?;
        }
        Ok(())
    }

    /// Bytes so far.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn finish(mut self, end: &SnapshotEnd) -> io::Result<Unfinished> {
        let sum = Sum { frames: self.frames, checks: *self.checks.finalize().as_bytes() };
        self.write(&trailer(end, sum))?;
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        Ok(self.tmp)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.unsynced += bytes.len() as u64;
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.unsynced = 0;
        self.file.flush()?;
        let begun = Instant::now();
        files::sync_data(self.file.get_ref())?;
        std::thread::sleep(begun.elapsed().min(PAUSE_MAX));
        Ok(())
    }
}
