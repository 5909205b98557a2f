//! One segment of a backup: a file of blocks, and its manifest.
//!
//! A segment is written under another name, synced, read back, named, and only then gets its manifest.

use super::BackupError;
use crate::block::{Block, LedgerId};
use crate::files;
use crate::mark::Mark;
use crate::stream::BlockStream;
use sledger_core::log::Head;
use sledger_core::{Millis, Seq};
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

/// One segment, as its manifest says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Seq of its first event.
    pub first: Seq,
    /// Where the log stands at its end.
    pub head: Head,
    /// Epoch of its last block.
    pub epoch: u64,
    /// Hash of the block before its first.
    pub before: [u8; 32],
    /// How many blocks.
    pub blocks: u64,
    /// Length of its file.
    pub bytes: u64,
    /// BLAKE3 of its file.
    pub check: [u8; 32],
}

impl Segment {
    pub(super) fn path(&self, dir: &Path) -> PathBuf {
        dir.join(format!("{:012}-{:012}.blocks", self.first.0, self.head.seq.0))
    }

    pub(super) fn manifest(&self, dir: &Path) -> PathBuf {
        self.path(dir).with_extension("toml")
    }

    fn mark(&self, ledger: LedgerId) -> Mark {
        Mark::default()
            .with("ledger", ledger)
            .with("first", self.first)
            .with("last", self.head.seq)
            .with("at", self.head.at.0)
            .with("epoch", self.epoch)
            .with("blocks", self.blocks)
            .with("bytes", self.bytes)
            .with_hex("before_hash", &self.before)
            .with_hex("hash", &self.head.hash)
            .with_hex("file", &self.check)
    }

    fn from_mark(mark: &Mark, ledger: LedgerId) -> Result<Self, String> {
        let found = LedgerId(mark.bytes("ledger")?);
        if found != ledger {
            return Err(format!("it belongs to ledger `{found}`"));
        }
        let head = Head {
            seq: Seq(mark.number("last")?),
            hash: mark.bytes("hash")?,
            at: Millis(mark.number("at")?),
            token: 0,
        };
        Ok(Self {
            first: Seq(mark.number("first")?),
            head,
            epoch: mark.number("epoch")?,
            before: mark.bytes("before_hash")?,
            blocks: mark.number("blocks")?,
            bytes: mark.number("bytes")?,
            check: mark.bytes("file")?,
        })
    }

    /// Its file must have the bytes that its manifest names.
    pub(super) fn check(&self, dir: &Path) -> Result<(), BackupError> {
        let path = self.path(dir);
        let read = |source| BackupError::io("read", &path, source);
        let found = match std::fs::metadata(&path) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (from, to) = (self.first, self.head.seq);
                return Err(BackupError::Missing { dir: dir.to_owned(), from, to });
            }
            Err(error) => return Err(read(error)),
        };
        let changed = |detail| BackupError::Segment { path: path.clone(), detail };
        if found != self.bytes {
            return Err(changed(format!("it is `{found}` bytes long, its manifest says `{}`", self.bytes)));
        }
        if files::hash(&path).map_err(read)? == self.check {
            Ok(())
        } else {
            Err(changed("its bytes do not have the hash of its manifest".to_owned()))
        }
    }

    /// Gives each block to `give`; all are of `ledger` and follow on `before`, and the last ends as its manifest says.
    pub(super) fn read(
        &self,
        dir: &Path,
        (ledger, before): (LedgerId, Head),
        give: &mut dyn FnMut(&Block) -> Result<(), BackupError>,
    ) -> Result<(), BackupError> {
        let path = self.path(dir);
        let file = File::open(&path).map_err(|source| BackupError::io("read", &path, source))?;
        let mut blocks = BlockStream::after(BufReader::with_capacity(1 << 20, file), before, Some(ledger));
        for block in &mut blocks {
            let block = block.map_err(|source| BackupError::Blocks { path: path.clone(), source })?;
            give(&block)?;
        }
        let head = blocks.head();
        if (head.seq, head.hash) == (self.head.seq, self.head.hash) {
            return Ok(());
        }
        let detail = format!("its blocks end at seq `{}` with another head than its manifest says", head.seq);
        Err(BackupError::Segment { path, detail })
    }
}

/// Every segment in `dir` that has its manifest, in order.
pub(super) fn list(dir: &Path, ledger: LedgerId) -> Result<Vec<Segment>, BackupError> {
    let found = files::entries(dir).map_err(|source| BackupError::io("list", dir, source))?;
    let manifests = found.iter().filter(|path| {
        path.extension().is_some_and(|word| word == "toml") && range(files::name(path)).is_some()
    });
    let mut segments = Vec::new();
    for path in manifests.take(super::SEGMENTS_MAX) {
        let bad = |detail| BackupError::Manifest { path: path.clone(), detail };
        let read = Mark::read(path).map_err(|source| BackupError::io("read", path, source))?;
        let Some(mark) = read.transpose().map_err(bad)? else { continue };
        let segment = Segment::from_mark(&mark, ledger).map_err(bad)?;
        if range(files::name(path)) != Some((segment.first, segment.head.seq)) {
            return Err(bad("its name says otherwise".to_owned()));
        }
        segments.push(segment);
    }
    segments.sort_by_key(|segment| segment.first);
    Ok(segments)
}

/// The seqs that the name of a segment's file says.
pub(super) fn range(name: &str) -> Option<(Seq, Seq)> {
    let (stem, _) = name.rsplit_once('.')?;
    let (first, last) = stem.split_once('-')?;
    let seq = |digits: &str| {
        let is_number = digits.len() >= 12 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse().ok().map(Seq)).flatten()
    };
    Some((seq(first)?, seq(last)?))
}

/// A segment that is being written; dropped before it is published, it leaves nothing behind.
#[derive(Debug)]
pub(super) struct Growing {
    tmp: PathBuf,
    file: io::BufWriter<File>,
    hasher: blake3::Hasher,
    segment: Segment,
    is_published: bool,
}

impl Growing {
    pub(super) fn begin(dir: &Path, before: Head) -> io::Result<Self> {
        let tmp = dir.join(format!("{:012}.tmp", before.seq.next().0));
        let file = io::BufWriter::with_capacity(256 * 1024, File::create(&tmp)?);
        let segment = Segment {
            first: before.seq.next(),
            head: before,
            epoch: 0,
            before: before.hash,
            blocks: 0,
            bytes: 0,
            check: [0; 32],
        };
        Ok(Self { tmp, file, hasher: blake3::Hasher::new(), segment, is_published: false })
    }

    pub(super) fn push(&mut self, block: &Block) -> io::Result<()> {
        self.file.write_all(block.bytes())?;
        self.hasher.update(block.bytes());
        self.segment.bytes += block.bytes().len() as u64;
        self.segment.blocks += 1;
        self.segment.head = block.head();
        self.segment.epoch = block.header().epoch;
        Ok(())
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.segment.bytes
    }

    /// Gives it its names, durable, once its bytes were read back from the disk.
    pub(super) fn publish(mut self, dir: &Path, ledger: LedgerId) -> io::Result<Segment> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        self.segment.check = *self.hasher.finalize().as_bytes();
        files::drop_file_cache(&self.tmp)?;
        if files::hash(&self.tmp)? != self.segment.check {
            return Err(io::Error::other("what was read back from the disk is not what was written"));
        }
        files::rename(&self.tmp, &self.segment.path(dir))?;
        self.is_published = true;
        self.segment.mark(ledger).write(&self.segment.manifest(dir))?;
        Ok(self.segment)
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        if !self.is_published
            && let Err(error) = std::fs::remove_file(&self.tmp)
        {
            tracing::warn!(path = %self.tmp.display(), %error, "an unfinished segment cannot be removed");
        }
    }
}
