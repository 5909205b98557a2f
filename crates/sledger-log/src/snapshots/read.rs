//! Reads a snapshot frame by frame; believes no length before the bytes are there.

use super::format::{
    FRAME_HEAD_BYTES, HEADER_BYTES, SnapshotAbout, SnapshotEnd, SnapshotError, Sum, TRAILER_BYTES,
    frame_check, read_header, read_trailer, take,
};
use crate::keys::{Cipher, NONCE_BYTES};
use sledger_core::snapshot::FRAME_BYTES_MAX;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

const BUFFER_BYTES: usize = 1 << 20;

/// An opened snapshot. Header and trailer are checked, each frame is as it is read, the whole with the last.
#[derive(Debug)]
pub struct SnapshotReader {
    file: BufReader<File>,
    bytes: u64,
    /// Bytes of frames not read yet.
    left: u64,
    about: SnapshotAbout,
    end: SnapshotEnd,
    sum: Sum,
    frames: u64,
    checks: blake3::Hasher,
    cipher: Option<Arc<Cipher>>,
}

impl SnapshotReader {
    pub(super) fn open(path: &Path, cipher: Option<Arc<Cipher>>) -> Result<Self, SnapshotError> {
        Self::sealed(File::open(path)?, cipher)
    }

    /// Reads the snapshot or base that `file` holds in the clear, from its first byte on.
    ///
    /// # Errors
    /// [`SnapshotError`]: it is none, cut or changed.
    pub fn of(file: File) -> Result<Self, SnapshotError> {
        Self::sealed(file, None)
    }

    fn sealed(file: File, cipher: Option<Arc<Cipher>>) -> Result<Self, SnapshotError> {
        let bytes = file.metadata()?.len();
        let fixed = (HEADER_BYTES + TRAILER_BYTES) as u64;
        let left = bytes.checked_sub(fixed).ok_or(SnapshotError::Cut)?;
        let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
        let mut header = [0; HEADER_BYTES];
        read(&mut file, &mut header)?;
        let about = read_header(&header)?;
        let mut trailer = [0; TRAILER_BYTES];
        file.get_ref().read_exact_at(&mut trailer, bytes - TRAILER_BYTES as u64)?;
        let (end, sum) = read_trailer(&trailer, about.seq)?;
        Ok(Self { file, bytes, left, about, end, sum, frames: 0, checks: blake3::Hasher::new(), cipher })
    }

    /// What it is of.
    #[must_use]
    pub const fn about(&self) -> &SnapshotAbout {
        &self.about
    }

    /// The block that must be in the log, and how far the log must have reached.
    #[must_use]
    pub const fn end(&self) -> &SnapshotEnd {
        &self.end
    }

    /// Length of the file.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next frame: the number of its kind, and its body. After the last one all of it has been checked.
    ///
    /// # Errors
    /// [`SnapshotError`]: cut or changed.
    pub fn frame(&mut self) -> Result<Option<(u8, Vec<u8>)>, SnapshotError> {
        if self.left == 0 {
            return self.check_sum().map(|()| None);
        }
        let mut head = [0; FRAME_HEAD_BYTES];
        self.left = self.left.checked_sub(FRAME_HEAD_BYTES as u64).ok_or(SnapshotError::Cut)?;
        read(&mut self.file, &mut head)?;
        let mut fields = &head[..];
        let length = take(&mut fields).map(u32::from_le_bytes).ok_or(SnapshotError::Cut)?;
        let [kind] = take(&mut fields).ok_or(SnapshotError::Cut)?;
        let check: [u8; 32] = take(&mut fields).ok_or(SnapshotError::Cut)?;
        // The body lies within the file, so nothing is made room for that is not there.
        self.left = self.left.checked_sub(u64::from(length)).ok_or(SnapshotError::Cut)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= FRAME_BYTES_MAX);
        let mut body = vec![0; length.ok_or(SnapshotError::Changed { part: "frames" })?];
        read(&mut self.file, &mut body)?;
        if frame_check(self.frames, kind, &body) != check {
            return Err(SnapshotError::Changed { part: "frames" });
        }
        self.frames += 1;
        self.checks.update(&check);
        self.opened(kind, body).map(|body| Some((kind, body)))
    }

    /// The rows of a frame, which may be sealed.
    fn opened(&self, kind: u8, body: Vec<u8>) -> Result<Vec<u8>, SnapshotError> {
        let Some(cipher) = &self.cipher else { return Ok(body) };
        let (nonce, sealed) = body.split_first_chunk::<NONCE_BYTES>().ok_or(SnapshotError::Sealed)?;
        cipher.open(nonce, kind, sealed).ok_or(SnapshotError::Sealed)
    }

    fn check_sum(&self) -> Result<(), SnapshotError> {
        let found = Sum { frames: self.frames, checks: *self.checks.finalize().as_bytes() };
        if found == self.sum { Ok(()) } else { Err(SnapshotError::Changed { part: "frames" }) }
    }
}

fn read(file: &mut BufReader<File>, bytes: &mut [u8]) -> Result<(), SnapshotError> {
    file.read_exact(bytes).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => SnapshotError::Cut,
        _ => SnapshotError::Io(error),
    })
}
