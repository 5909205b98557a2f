//! Backups: a ledger's blocks in a folder of plain files, added to by each run.
//!
//! ```text
//! DEST/backup.toml                   whose it is, how far it reaches; rewritten after each segment
//! DEST/FFFFFFFFFFFF-LLLLLLLLLLLL.blocks   raw blocks, one behind the other, from seq F to seq L
//! DEST/FFFFFFFFFFFF-LLLLLLLLLLLL.toml     its manifest: first, last, head, length, BLAKE3
//! DEST/SSSSSSSSSSSS.base             the state after event S, where the ledger's history begins after it
//! DEST/*.tmp                         being written; removed by the next run
//! ```
//!
//! All `.toml` here are marks (see `mark`). The segments in order of their names, one behind the other, are an export
//! of blocks. A segment counts once its manifest stands; both are durable then.
//!
//! Promise: what a backup holds is an unbroken chain of one ledger, checked while it was written and read back from
//! the disk; an interrupted run leaves whole segments and nothing half.
//!
//! Not in it: snapshots (caches), `session.key`, the configuration file, `keys/` of sealed personal data, positions
//! of audit sinks, the key of checkpoints.

mod error;
mod restore;
mod segment;
mod writer;

pub use error::BackupError;
pub use restore::{Restored, note_of_restore, restore, restored_noted};
pub use segment::Segment;
pub use writer::{BackupWriter, Written};

use crate::begins::{Begins, Gone};
use crate::block::LedgerId;
use crate::dir::Meta;
use crate::files;
use crate::mark::Mark;
use sledger_core::log::Head;
use sledger_core::{Millis, Seq};
use std::io;
use std::path::{Path, PathBuf};

/// The layout written today.
const FORMAT: u64 = 1;
/// No backup has more segments: bounds what is listed.
const SEGMENTS_MAX: usize = 1_000_000;

/// A folder with a backup, as its manifests tell.
#[derive(Clone, Debug)]
pub struct Backup {
    dir: PathBuf,
    /// The ledger it is of.
    pub meta: Meta,
    /// Where the log stands before its first block.
    pub before: Head,
    /// Where the ledger's history begins, if that is where the backup does and it is not the first event.
    pub begins: Option<Begins>,
    /// Its segments, in order.
    pub segments: Vec<Segment>,
}

impl Backup {
    /// The backup in `dir`; `None` where there is none.
    ///
    /// # Errors
    /// A manifest is changed or missing, or segments do not follow on each other.
    pub fn open(dir: &Path) -> Result<Option<Self>, BackupError> {
        let path = manifest_path(dir);
        let read = Mark::read(&path).map_err(|source| BackupError::io("read", &path, source))?;
        let bad = |detail| BackupError::Manifest { path: path.clone(), detail };
        let Some(mark) = read.transpose().map_err(bad)? else { return Ok(None) };
        let format: u64 = mark.number("format").map_err(bad)?;
        if format != FORMAT {
            return Err(bad(format!("its format `{format}` is not known to this program")));
        }
        let (mut backup, last) = Self::from_mark(dir, &mark).map_err(bad)?;
        backup.segments = segment::list(dir, backup.meta.ledger)?;
        backup.check(last)?;
        Ok(Some(backup))
    }

    /// Where the log stands at its end.
    #[must_use]
    pub fn head(&self) -> Head {
        self.segments.last().map_or(self.before, |segment| segment.head)
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the base of a ledger lies whose history begins after `seq`.
    fn base_path(&self, seq: Seq) -> PathBuf {
        self.dir.join(format!("{:012}.base", seq.0))
    }

    /// Each segment follows on the one before, and together they reach as far as the manifest says.
    fn check(&self, last: Seq) -> Result<(), BackupError> {
        let mut head = self.before;
        for segment in &self.segments {
            let missing = |to: Seq| BackupError::Missing { dir: self.dir.clone(), from: head.seq.next(), to };
            if segment.first > head.seq.next() {
                return Err(missing(Seq(segment.first.0 - 1)));
            }
            if segment.first != head.seq.next() || segment.before != head.hash {
                return Err(BackupError::Manifest {
                    path: segment.manifest(&self.dir),
                    detail: "it does not follow on the segment before".to_owned(),
                });
            }
            head = segment.head;
        }
        if head.seq < last {
            return Err(BackupError::Missing { dir: self.dir.clone(), from: head.seq.next(), to: last });
        }
        Ok(())
    }

    fn write(&self) -> io::Result<()> {
        let (meta, head) = (&self.meta, self.head());
        let mut mark = Mark::default()
            .with("format", FORMAT)
            .with("ledger", meta.ledger)
            .with("partition", meta.partition)
            .with("created", meta.created.0)
            .with("seal_personal", meta.seal_personal)
            .with("program", &meta.program)
            .with("before", self.before.seq)
            .with("before_at", self.before.at.0)
            .with_hex("before_hash", &self.before.hash);
        if let Some(begins) = &self.begins {
            mark = mark
                .with_hex("base", &begins.base)
                .with("base_epoch", begins.epoch)
                .with("base_why", begins.why.as_str())
                .with("base_when", begins.when.0);
        }
        mark.with("first", self.before.seq.next())
            .with("last", head.seq)
            .with("at", head.at.0)
            .with_hex("hash", &head.hash)
            .with("segments", self.segments.len())
            .with("bytes", self.bytes())
            .write(&manifest_path(&self.dir))
    }

    /// The backup without its segments, and how far it must reach.
    fn from_mark(dir: &Path, mark: &Mark) -> Result<(Self, Seq), String> {
        let meta = Meta {
            ledger: LedgerId(mark.bytes("ledger")?),
            partition: mark.number("partition")?,
            created: Millis(mark.number("created")?),
            seal_personal: mark.number("seal_personal")?,
            program: mark.text("program")?.to_owned(),
        };
        let before = Head {
            seq: Seq(mark.number("before")?),
            hash: mark.bytes("before_hash")?,
            at: Millis(mark.number("before_at")?),
            token: 0,
        };
        let begins = mark.text("base").is_ok().then(|| begins(mark, before)).transpose()?;
        let backup = Self { dir: dir.to_owned(), meta, before, begins, segments: Vec::new() };
        Ok((backup, Seq(mark.number("last")?)))
    }
}

/// A ledger that is restored has its first volume under the first number.
fn begins(mark: &Mark, head: Head) -> Result<Begins, String> {
    Ok(Begins {
        volume: 1,
        head,
        epoch: mark.number("base_epoch")?,
        base: mark.bytes("base")?,
        why: Gone::named(mark.text("base_why")?)?,
        when: Millis(mark.number("base_when")?),
    })
}

fn manifest_path(dir: &Path) -> PathBuf {
    dir.join("backup.toml")
}

/// Removes what an interrupted run left: unfinished files, and blocks without a manifest.
fn tidy(dir: &Path) -> io::Result<()> {
    for path in files::entries(dir)? {
        let (name, manifest) = (files::name(&path), path.with_extension("toml"));
        let has = |word: &str| path.extension().is_some_and(|found| found == word);
        if has("tmp") || (has("blocks") && segment::range(name).is_some() && !manifest.exists()) {
            files::remove(&path)?;
        }
    }
    Ok(())
}
