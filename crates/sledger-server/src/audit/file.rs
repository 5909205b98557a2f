//! A file: appended to, synced before its position moves, exact over kills.
//!
//! The file itself says how far it has come: at opening a last line that was not written to its end is cut off, and
//! what follows the seq of the last whole one comes next. Where the file is empty, as after it was rotated, the stored
//! position says it.
//!
//! Invariants: one process writes it, under `flock`; a batch that could not be written and synced whole is taken back;
//! a file whose end is not ours is never touched. A file that was renamed is left at the next batch, and at once when
//! told to reopen; what stands at its name then goes on.
//! Absent on purpose: rotating, making folders.

use super::lines::Batch;
use super::position::Mark;
use super::sink::{Sink, Trouble, doing};
use rustix::fs::{FlockOperation, OFlags, flock};
use sledger_wire::audit::{is_begun, seq_of};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Longer than any two lines: so much of the end is looked at.
const TAIL_BYTES_MAX: u64 = 2 << 20;
/// Read by its owner and the group that reads logs.
const MODE: u32 = 0o640;

/// The sink.
pub(super) struct FileSink {
    path: PathBuf,
    file: Option<File>,
}

impl FileSink {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    fn opened(&self) -> Result<File, Trouble> {
        let failed = || doing(format!("cannot open `{}`", self.path.display()));
        let mut options = options();
        let file = options.append(true).create(true).mode(MODE).open(&self.path).map_err(failed())?;
        if !file.metadata().map_err(failed())?.is_file() {
            return Err(Trouble::Refused(format!("`{}` is no regular file", self.path.display())));
        }
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                Err(Trouble::Refused(format!("somebody else writes `{}`", self.path.display())))
            }
            Err(error) => Err(failed()(error.into())),
        }
    }

    /// Whether `file` is still what its name leads to.
    fn is_in_place(&self, file: &File) -> bool {
        let id = |about: Metadata| (about.dev(), about.ino());
        let (named, open) = (fs::metadata(&self.path).map(id), file.metadata().map(id));
        matches!((named, open), (Ok(named), Ok(open)) if named == open)
    }
}

impl Sink for FileSink {
    fn open(&mut self, mark: Mark, durable: u64) -> Result<Mark, Trouble> {
        self.file = None;
        let file = self.opened()?;
        let shown = self.path.display().to_string();
        let end = end_of(&file).map_err(doing(format!("cannot read the end of `{shown}`")))?;
        let last =
            end.last_seq().map_err(|why| Trouble::Refused(format!("`{shown}` {why}: it is left alone")))?;
        if end.len == 0 {
            sync_folder_of(&self.path).map_err(doing(format!("cannot sync the folder of `{shown}`")))?;
        }
        if end.torn > 0 {
            tracing::warn!(
                path = shown,
                bytes = end.torn,
                "a line that was not written to its end is cut off"
            );
            let cut = file.set_len(end.len - end.torn).and_then(|()| file.sync_data());
            cut.map_err(doing(format!("cannot cut the end of `{shown}`")))?;
        }
        self.file = Some(file);
        Ok(match last {
            Some(last) if last > durable => {
                tracing::warn!(path = shown, last, durable, "the file is ahead of the ledger");
                Mark { seq: mark.seq, last }
            }
            Some(last) if last != mark.last => Mark { seq: last, last },
            _ => mark,
        })
    }

    fn send(&mut self, batch: &Batch) -> Result<(), Trouble> {
        let Some(mut file) = self.file.take() else { return Err(Trouble::Again) };
        if !self.is_in_place(&file) {
            return Err(Trouble::Again);
        }
        let failed = || doing(format!("cannot write to `{}`", self.path.display()));
        let len = file.metadata().map_err(failed())?.len();
        let written = file.write_all(&batch.text()).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Where this fails too, opening cuts what is torn and finds out what is whole.
            let _taken_back = file.set_len(len);
            return Err(failed()(error));
        }
        self.file = Some(file);
        Ok(())
    }

    fn is_reopened(&self) -> bool {
        true
    }
}

/// The seq of the last whole line of the file at `path`, if that is a line of ours.
pub(super) fn last_seq(path: &Path) -> Option<u64> {
    let file = options().open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    end_of(&file).ok()?.last_seq().ok()?
}

/// Opening must not wait for whoever might read a pipe.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    options.read(true).custom_flags(flags.bits().cast_signed());
    options
}

/// The end of a file.
struct End {
    len: u64,
    /// Bytes after the last line break.
    torn: u64,
    bytes: Vec<u8>,
}

impl End {
    /// The seq of the last whole line; `None` without one. Says why where this is no file of ours.
    fn last_seq(&self) -> Result<Option<u64>, &'static str> {
        let whole = self.bytes.len() - usize::try_from(self.torn).unwrap_or(usize::MAX).min(self.bytes.len());
        let (whole, torn) = self.bytes.split_at(whole);
        if !is_begun(torn) {
            return Err("ends with something that is no event");
        }
        let Some(lines) = whole.strip_suffix(b"\n") else {
            let is_all = self.len <= self.bytes.len() as u64;
            return if is_all { Ok(None) } else { Err("has no line at its end") };
        };
        let line = lines.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        seq_of(line).map(Some).ok_or("has a last line that is no event")
    }
}

fn end_of(mut file: &File) -> io::Result<End> {
    let len = file.metadata()?.len();
    let from = len.saturating_sub(TAIL_BYTES_MAX);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let torn = (bytes.len() - whole) as u64;
    Ok(End { len, torn, bytes })
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}
