//! Makes a ledger out of backups.
//!
//! Order: every byte and every block of the backups is checked; then the folder is marked as being restored, sealed
//! volumes are written and read back whole, and last comes `ledger.toml`: without it nobody takes the folder for a
//! ledger. What fails is taken away again; what a kill leaves is by the next restore into the same folder.
//!
//! Absent on purpose: writing over anything that is there, a new id. Two ledgers with one id that both go on are two
//! histories under one name.

use super::{Backup, BackupError};
use crate::begins::Begins;
use crate::block::Block;
use crate::dir::{self, Meta};
use crate::files;
use crate::head_mark::HeadMark;
use crate::mark::Mark;
use crate::reader::Reader;
use crate::seal::{self, WriteFault, Writer, check_whole};
use crate::snapshots::Bases;
use crate::source;
use sledger_core::log::Head;
use sledger_core::{Millis, Seq};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of blocks after which a volume ends.
const VOLUME_BYTES: u64 = 256 << 20;

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The ledger.
    pub meta: Meta,
    /// Where its history begins, if not with the first event.
    pub begins: Option<Begins>,
    /// Where it ends.
    pub head: Head,
    /// Volumes.
    pub volumes: u32,
    /// Blocks.
    pub blocks: u64,
    /// Events.
    pub events: u64,
}

/// Gets each head of the backups before anything is restored, and may refuse: for evidence from outside.
pub(super) type CheckHead<'c> = &'c mut dyn FnMut(&Block) -> Result<(), BackupError>;

/// Restores the ledger that `backups` hold, one following on the other, into `dir`. `check` sees each block before
/// anything is written.
///
/// # Errors
/// [`BackupError`], by what stands in the way; `dir` is as before then.
pub fn restore(
    backups: &[Backup],
    dir: &Path,
    (volume_bytes, check): (Option<u64>, CheckHead<'_>),
) -> Result<Restored, BackupError> {
    let first = backups.first().ok_or_else(|| BackupError::NoBackup { dir: PathBuf::new() })?;
    let is_there = free_place(dir)?;
    let head = verified(backups, check)?;
    let work = Work { dir, first, backups, head, volume_bytes: volume_bytes.unwrap_or(VOLUME_BYTES) };
    let restored = work.run();
    if restored.is_err()
        && let Err(error) = clear(dir, is_there)
    {
        tracing::warn!(dir = %dir.display(), %error, "what was restored in part cannot be removed");
    }
    restored
}

/// Whether the folder is there; it must be empty, or hold what a restore that was killed has left.
fn free_place(dir: &Path) -> Result<bool, BackupError> {
    let found = match files::entries(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        found => found.map_err(|source| BackupError::io("list", dir, source))?,
    };
    let is_left = marker(dir).exists() && !dir.join("ledger.toml").exists();
    if !found.is_empty() && !is_left {
        return Err(BackupError::NotEmpty { dir: dir.to_owned() });
    }
    clear(dir, true).map_err(|source| BackupError::io("clear", dir, source))?;
    Ok(true)
}

fn marker(dir: &Path) -> PathBuf {
    dir.join("restoring")
}

/// Takes away what a restore makes; the marker last.
fn clear(dir: &Path, keep: bool) -> io::Result<()> {
    for name in ["ledger.toml", "ledger.tmp", "head", "restored", "restored.tmp", "begin", "begin.tmp"] {
        files::remove(&dir.join(name))?;
    }
    for name in ["volumes", "base"] {
        match fs::remove_dir_all(dir.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    files::remove(&marker(dir))?;
    match fs::remove_dir(dir) {
        Err(error) if !keep && error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) if keep => fs::create_dir(dir),
        _ => Ok(()),
    }
}

/// Checks every byte and block; where the log stands at the end.
fn verified(backups: &[Backup], check: CheckHead<'_>) -> Result<Head, BackupError> {
    let mut head: Option<Head> = None;
    for backup in backups {
        let before = backup.before;
        match head {
            Some(head) if (head.seq, head.hash) != (before.seq, before.hash) => {
                return Err(BackupError::NotFollowing { dir: backup.dir.clone(), seq: head.seq });
            }
            None if before.seq > Seq(0) && backup.begins.is_none() => {
                return Err(BackupError::NotFromTheFirst { dir: backup.dir.clone(), seq: before.seq });
            }
            _ => {}
        }
        let mut at = before;
        for segment in &backup.segments {
            segment.check(&backup.dir)?;
            segment.read(&backup.dir, (backup.meta.ledger, at), &mut *check)?;
            at = segment.head;
        }
        head = Some(at);
    }
    Ok(head.unwrap_or_default())
}

struct Work<'w> {
    dir: &'w Path,
    first: &'w Backup,
    backups: &'w [Backup],
    head: Head,
    volume_bytes: u64,
}

impl Work<'_> {
    fn run(&self) -> Result<Restored, BackupError> {
        let (dir, meta) = (self.dir, &self.first.meta);
        let made = |source| BackupError::io("make", dir, source);
        fs::create_dir_all(dir).map_err(made)?;
        Mark::default().with("ledger", meta.ledger).write(&marker(dir)).map_err(made)?;
        fs::create_dir(dir::volumes_path(dir)).map_err(made)?;
        let (volumes, blocks) = self.volumes()?;
        if let Some(begins) = &self.first.begins {
            self.base(begins)?;
        }
        let mut mark = HeadMark::open(&dir::head_path(dir), meta.ledger).map_err(made)?;
        mark.note(&self.head);
        mark.sync().map_err(made)?;
        note(dir, &self.head, self.first.before.seq.next()).map_err(made)?;
        meta.write(dir).map_err(made)?;
        self.read_back()?;
        files::remove(&marker(dir)).map_err(made)?;
        let events = self.head.seq.0 - self.first.before.seq.0;
        let (meta, begins) = (meta.clone(), self.first.begins);
        Ok(Restored { meta, begins, head: self.head, volumes, blocks, events })
    }

    /// Writes all blocks into sealed volumes; how many volumes and blocks.
    fn volumes(&self) -> Result<(u32, u64), BackupError> {
        let mut filling =
            Filling { work: self, no: 0, head: self.first.before, epoch: 0, open: None, blocks: 0 };
        filling.epoch = self.first.begins.map_or(0, |begins| begins.epoch);
        for backup in self.backups {
            for segment in &backup.segments {
                let from = (backup.meta.ledger, filling.head);
                segment.read(&backup.dir, from, &mut |block| filling.push(block))?;
            }
        }
        filling.end()?;
        Ok((filling.no, filling.blocks))
    }

    fn base(&self, begins: &Begins) -> Result<(), BackupError> {
        let (source, bases) = (self.first.base_path(begins.head.seq), Bases::new(self.dir, &self.first.meta));
        let target = bases.path(begins.head.seq);
        let write = |source| BackupError::io("write", &target, source);
        fs::create_dir_all(self.dir.join("base")).map_err(write)?;
        crate::archive::copy_file(&source, &target).map_err(write)?;
        files::sync_tree(&self.dir.join("base")).map_err(write)?;
        if let Err(error) = bases.open(begins) {
            return Err(BackupError::Base { path: source, source: error, begins: Box::new(*begins) });
        }
        begins.write(self.dir, self.first.meta.ledger).map_err(write)
    }

    /// What a reader finds must be what the backups hold.
    fn read_back(&self) -> Result<(), BackupError> {
        let reader = Reader::open(self.dir)?;
        let end = reader.volumes().last().and_then(|volume| volume.end).unwrap_or(self.first.before);
        if (end.seq, end.hash) == (self.head.seq, self.head.hash) {
            return Ok(());
        }
        Err(BackupError::ReadBack {
            detail: format!("it ends at seq `{}`, not at `{}`", end.seq, self.head.seq),
        })
    }
}

/// The volumes as they are filled.
struct Filling<'w> {
    work: &'w Work<'w>,
    no: u32,
    head: Head,
    epoch: u64,
    open: Option<(Writer, u64)>,
    blocks: u64,
}

impl Filling<'_> {
    fn push(&mut self, block: &Block) -> Result<(), BackupError> {
        let (mut writer, bytes) = match self.open.take() {
            Some(open) => open,
            None => (self.begin()?, 0),
        };
        writer.push(block).map_err(|fault| self.fault(fault))?;
        let bytes = bytes + block.bytes().len() as u64;
        self.head = block.head();
        self.epoch = block.header().epoch;
        self.blocks += 1;
        self.open = Some((writer, bytes));
        if bytes >= self.work.volume_bytes { self.end() } else { Ok(()) }
    }

    fn begin(&mut self) -> Result<Writer, BackupError> {
        self.no += 1;
        let tmp = self.tmp();
        let name = source::name(&self.work.first.meta, self.no);
        File::create(&tmp)
            .and_then(|file| seal::write(file, name, self.head, self.epoch))
            .map_err(|source| BackupError::io("write", &tmp, source))
    }

    fn tmp(&self) -> PathBuf {
        dir::beside_path(self.work.dir, self.no, "sealed.tmp")
    }

    fn end(&mut self) -> Result<(), BackupError> {
        let Some((writer, _)) = self.open.take() else { return Ok(()) };
        let (tmp, path) = (self.tmp(), dir::sealed_path(self.work.dir, self.no));
        let write = |source| BackupError::io("write", &path, source);
        writer.finish().and_then(|file| file.sync_all()).map_err(write)?;
        files::rename(&tmp, &path).and_then(|()| files::drop_file_cache(&path)).map_err(write)?;
        match check_whole(&path, &source::name(&self.work.first.meta, self.no), None, &|| false) {
            Ok(file) if file.end().head.hash == self.head.hash => Ok(()),
            Ok(_) => Err(self.read_back("it ends with another head")),
            Err(fault) => Err(self.read_back(&fault.to_string())),
        }
    }

    fn read_back(&self, detail: &str) -> BackupError {
        BackupError::ReadBack { detail: format!("volume `{}`: {detail}", self.no) }
    }

    fn fault(&self, fault: WriteFault) -> BackupError {
        match fault {
            WriteFault::Io(source) => BackupError::io("write", &self.tmp(), source),
            WriteFault::Codec(error) => {
                let seq = self.head.seq.next();
                BackupError::ReadBack { detail: format!("the decision at seq `{seq}`: {error}") }
            }
        }
    }
}

/// Notes from what a ledger was restored, for its first start to record.
fn note(dir: &Path, head: &Head, first: Seq) -> io::Result<()> {
    Mark::default()
        .with("first", first)
        .with("last", head.seq)
        .with("at", head.at.0)
        .with_hex("hash", &head.hash)
        .write(&noted_path(dir))
}

fn noted_path(dir: &Path) -> PathBuf {
    dir.join("restored")
}

/// What a restore noted in `dir` and no start has recorded yet, in words; `None` when there is nothing to record.
///
/// # Errors
/// When the note cannot be read, or was changed.
pub fn note_of_restore(dir: &Path) -> io::Result<Option<String>> {
    let Some(mark) = Mark::read(&noted_path(dir))? else { return Ok(None) };
    let text = |mark: Mark| {
        let (first, last): (u64, u64) = (mark.number("first")?, mark.number("last")?);
        let (at, hash) = (Millis(mark.number("at")?), mark.text("hash")?.to_owned());
        let at = at.rfc3339();
        Ok::<String, String>(format!("restored from a backup of seq {first} to {last}, of {at}, head {hash}"))
    };
    mark.and_then(text).map(Some).map_err(io::Error::other)
}

/// The note was recorded: it goes.
///
/// # Errors
/// When it cannot be removed.
pub fn restored_noted(dir: &Path) -> io::Result<()> {
    files::remove(&noted_path(dir))
}
