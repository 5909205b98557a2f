//! Why a backup is not written, or not restored.

use crate::begins::Begins;
use crate::block::LedgerId;
use crate::error::OpenError;
use crate::snapshots::SnapshotError;
use crate::stream::StreamError;
use sledger_core::Seq;
use std::io;
use std::path::{Path, PathBuf};

/// Why a backup is not written, or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something else lies in the folder.
    #[error("`{dir}` is not empty and holds no backup")]
    NotABackup {
        /// The folder.
        dir: PathBuf,
    },
    /// There is nothing to restore.
    #[error("there is no backup in `{dir}`")]
    NoBackup {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder lies in a data directory.
    #[error("`{dir}` lies in a data directory: a backup is kept elsewhere")]
    Within {
        /// The folder.
        dir: PathBuf,
    },
    /// Another run writes to it.
    #[error("another run is writing to the backup in `{dir}`")]
    Busy {
        /// The folder.
        dir: PathBuf,
    },
    /// Not the ledger that the backup is of.
    #[error("the backup in `{dir}` is of ledger `{found}`, not of `{expected}`")]
    OtherLedger {
        /// The folder.
        dir: PathBuf,
        /// As written.
        found: LedgerId,
        /// As asked.
        expected: LedgerId,
    },
    /// A manifest that was changed or cut, or says what cannot be.
    #[error("the manifest `{path}` cannot be used: {detail}")]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Segments are gone.
    #[error("in the backup `{dir}` events `{from}` to `{to}` are missing: a segment is gone")]
    Missing {
        /// The folder.
        dir: PathBuf,
        /// First seq that is gone.
        from: Seq,
        /// Last seq that is gone.
        to: Seq,
    },
    /// The bytes of a segment are not those that were written.
    #[error("the segment `{path}` was changed or cut: {detail}")]
    Segment {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The blocks of a segment are wrong, though its bytes are those of its manifest.
    #[error("the segment `{path}` cannot be read: {source}")]
    Blocks {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: StreamError,
    },
    /// A block that does not follow on what the backup holds.
    #[error(
        "the backup in `{dir}` ends at seq `{seq}` with another hash than the ledger has there: it is of another \
         history of this ledger, as of one restored and gone on beside it"
    )]
    OtherHistory {
        /// The folder.
        dir: PathBuf,
        /// Where the backup ends.
        seq: Seq,
    },
    /// A block out of order.
    #[error("block at seq `{found}` does not follow on seq `{seq}`")]
    Order {
        /// The last event.
        seq: Seq,
        /// The block's first.
        found: Seq,
    },
    /// A backup that reaches further than the ledger.
    #[error(
        "the backup in `{dir}` reaches to seq `{seq}`, the ledger does not: it lost events, or is an older copy"
    )]
    Ahead {
        /// The folder.
        dir: PathBuf,
        /// Where the backup ends.
        seq: Seq,
    },
    /// What is to be added begins behind where the backup ends.
    #[error("the backup in `{dir}` ends at seq `{end}`: from seq `{since}` on it would have a hole")]
    Hole {
        /// The folder.
        dir: PathBuf,
        /// Where the backup ends.
        end: Seq,
        /// The first event asked for.
        since: Seq,
    },
    /// A backup that does not begin where history does.
    #[error(
        "the backup in `{dir}` begins after seq `{seq}`: give the backup of what comes before it, too, in front of it"
    )]
    NotFromTheFirst {
        /// The folder.
        dir: PathBuf,
        /// The last event before it.
        seq: Seq,
    },
    /// A backup that does not follow on the one before.
    #[error("the backup in `{dir}` does not follow on the one before, which ends at seq `{seq}`")]
    NotFollowing {
        /// The folder.
        dir: PathBuf,
        /// The last event of the one before.
        seq: Seq,
    },
    /// There is something in the folder.
    #[error("`{dir}` is not empty: a ledger is restored into an empty folder, or one that is not there yet")]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
    },
    /// The state that the history begins with.
    #[error("the base in `{path}` cannot be used: {source} ({begins})")]
    Base {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: SnapshotError,
        /// What it is for.
        begins: Box<Begins>,
    },
    /// What was restored is not what was backed up.
    #[error("what was restored does not read back as the backup: {detail}")]
    ReadBack {
        /// In words.
        detail: String,
    },
    /// The ledger.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The disk is full.
    #[error("cannot {doing} `{path}`: the disk is full; what was whole before stays whole")]
    Full {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
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

impl BackupError {
    /// Names a refusal of the system.
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { doing, path },
            _ => Self::Io { doing, path, source },
        }
    }
}
