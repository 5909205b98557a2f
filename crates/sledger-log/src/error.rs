//! What can be wrong, named by its place.

use crate::block::LedgerId;
use sledger_core::Seq;
use std::io;
use std::path::{Path, PathBuf};

/// Why bytes are no decision.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// A newer program wrote it.
    #[error("block format `{format}` is not known to this program")]
    Format {
        /// As written.
        format: u16,
    },
    /// Another codec wrote it.
    #[error("block codec `{codec}` is not known to this program")]
    Codec {
        /// As written.
        codec: u16,
    },
    /// A value that cannot be written.
    #[error("cannot encode a decision: {detail}")]
    Encode {
        /// What the encoder said.
        detail: String,
    },
    /// The bytes say something else.
    #[error("cannot decode a decision: {detail}")]
    Decode {
        /// What the decoder said.
        detail: String,
    },
    /// More than a decision may be.
    #[error("a decision of `{bytes}` bytes is too long")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Bytes after the decision.
    #[error("`{bytes}` bytes are left over after a decision")]
    Trailing {
        /// How many.
        bytes: usize,
    },
}

/// Why bytes are no block.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// The magic is not there.
    #[error("no block begins here")]
    NotABlock,
    /// A newer program wrote it.
    #[error("block format `{format}` is not known to this program")]
    Format {
        /// As written.
        format: u16,
    },
    /// Lengths or counts in the header cannot be.
    #[error("block header is out of bounds: `{field}`")]
    Bounds {
        /// Which.
        field: &'static str,
    },
    /// Fewer or more bytes than the header says.
    #[error("block is `{found}` bytes long, its header says `{said}`")]
    Length {
        /// By the header.
        said: usize,
        /// Found.
        found: usize,
    },
    /// The lengths of the decisions do not add up.
    #[error("decisions in the block do not add up to its body")]
    Body,
    /// The hash is not that of header and decisions.
    #[error("block hash does not match")]
    Hash,
}

/// What kind of damage was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// Events are gone: from the seq named, up to where the log goes on or is known to have been.
    Lost {
        /// The last seq that is gone.
        to: Seq,
    },
    /// A whole block follows the head by number but not by hash.
    ChainBroken,
    /// The volume's files are not what a clean close left.
    FilesChanged,
    /// sled shows something else than the scan of the same file.
    SledDiffers,
    /// sled panicked or failed at opening.
    SledFailed,
    /// A large value was spilled into a file of its own, which sled never syncs.
    Blob,
    /// The mark at the end of a closed volume is missing or wrong.
    EndMark,
    /// A sealed file is not what it was when it was sealed.
    SealedFile,
    /// The state that history begins with is not the one that the mark `begin` names.
    Base,
    /// Blocks of another ledger.
    Foreign,
    /// A block is whole but its content is not.
    Content,
    /// The chain is whole, but not the one that a checkpoint signed.
    Rewritten {
        /// What lies before this seq is still what an earlier checkpoint signed.
        from: Seq,
    },
    /// A checkpoint that proves nothing here: damaged, of another ledger, by another key.
    Checkpoint,
    /// No checkpoint anchors the chain, though one was asked for.
    NotAnchored,
}

impl DamageKind {
    /// Its name for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lost { .. } => "lost",
            Self::ChainBroken => "chain_broken",
            Self::FilesChanged => "files_changed",
            Self::SledDiffers => "sled_differs",
            Self::SledFailed => "sled_failed",
            Self::Blob => "blob",
            Self::EndMark => "end_mark",
            Self::SealedFile => "sealed_file",
            Self::Base => "base",
            Self::Foreign => "foreign",
            Self::Content => "content",
            Self::Rewritten { .. } => "rewritten",
            Self::Checkpoint => "checkpoint",
            Self::NotAnchored => "not_anchored",
        }
    }
}

/// Why a ledger was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder belongs to something else.
    #[error("`{dir}` is not empty and holds no ledger")]
    NotALedger {
        /// The folder.
        dir: PathBuf,
    },
    /// There is nothing to read.
    #[error("no ledger in `{dir}`")]
    Missing {
        /// The folder.
        dir: PathBuf,
    },
    /// A newer program wrote it.
    #[error("ledger `{dir}` has format `{found}`; this program reads up to `{known}`")]
    Format {
        /// The folder.
        dir: PathBuf,
        /// As written.
        found: u64,
        /// The newest known here.
        known: u64,
    },
    /// `ledger.toml` says something that cannot be.
    #[error("`{path}` cannot be read: {detail}")]
    BadMark {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Personal values are sealed, and their keys are not what they were.
    #[error("keys: `{path}`: {detail}; put back the folder `keys` of this ledger")]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Not the ledger that was asked for.
    #[error("`{dir}` holds ledger `{found}`, not `{expected}`")]
    OtherLedger {
        /// The folder.
        dir: PathBuf,
        /// As written.
        found: LedgerId,
        /// As asked.
        expected: LedgerId,
    },
    /// A volume folder is gone.
    #[error("volume `{volume}` of ledger `{dir}` is missing")]
    VolumeMissing {
        /// The folder.
        dir: PathBuf,
        /// Its number.
        volume: u32,
    },
    /// The folder cannot be written.
    #[error("`{path}` cannot be written: read-only or no permission")]
    ReadOnly {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process serves it.
    #[error("`{dir}` is served by pid `{pid}`{}", connect(.url.as_deref()))]
    Locked {
        /// The folder.
        dir: PathBuf,
        /// Its process, 0 when not known.
        pid: u32,
        /// Where it is served, once known.
        url: Option<String>,
    },
    /// Evidence, not an accident: never skipped, never repaired silently.
    #[error("volume `{volume}` is damaged at seq `{seq}`: {detail}")]
    Damaged {
        /// Its number.
        volume: u32,
        /// First seq concerned.
        seq: Seq,
        /// What kind.
        kind: DamageKind,
        /// What was found.
        detail: String,
    },
    /// Volumes that were moved away from their ledger: nothing is ever written after them.
    #[error("`{dir}` is an archive of ledger `{ledger}`: it is read, never served or written to")]
    Archive {
        /// The folder.
        dir: PathBuf,
        /// Whose.
        ledger: LedgerId,
    },
    /// The disk is as good as full.
    #[error("`{dir}` has `{free}` bytes free and needs `{needed}`")]
    NoSpace {
        /// The folder.
        dir: PathBuf,
        /// Bytes free.
        free: u64,
        /// Bytes needed.
        needed: u64,
    },
    /// Anything else the system refused.
    #[error("cannot {doing} `{path}`: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

fn connect(url: Option<&str>) -> String {
    url.map(|url| format!(" at {url}; use --connect {url}")).unwrap_or_default()
}

impl OpenError {
    /// Names a refusal of the system by what it means for a ledger.
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                Self::ReadOnly { path, source }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::NoSpace { dir: path, free: 0, needed: 1 }
            }
            _ => Self::Io { doing, path, source },
        }
    }
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged { volume, seq, kind, detail } => Self::Damaged { volume, seq, kind, detail },
            ReadError::Io { path, source } => Self::io("read", &path, source),
        }
    }
}

/// Why reading stopped.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Evidence, not an accident: never skipped, never repaired silently.
    #[error("volume `{volume}` is damaged at seq `{seq}`: {detail}")]
    Damaged {
        /// Its number.
        volume: u32,
        /// First seq concerned.
        seq: Seq,
        /// What kind.
        kind: DamageKind,
        /// What was found.
        detail: String,
    },
    /// The system refused.
    #[error("cannot read `{path}`: {source}")]
    Io {
        /// What was read.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}
