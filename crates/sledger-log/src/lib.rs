//! The log of sledger: blocks, sled volumes, scan, rotation, sealing, salvage.
//!
//! Promise: what [`SledLog::append`](sledger_core::log::Log::append) answered
//! with *committed* is on the disk, in order and chained by hash, and is found
//! again by [`Reader`] without sled. What is damaged is named by its place and
//! never opened over.
//!
//! ```text
//! DIR/ledger.toml          what the ledger is; written once
//! DIR/lock                 who serves it: pid and URL
//! DIR/head                 the last acknowledged head, written after each barrier
//! DIR/checkpoints/          where it stood, signed
//! DIR/checkpoint.key        the private key that signs, unless it lies elsewhere
//! DIR/recovered/            what salvage found whole behind a gap
//! DIR/salvaged              what it did, until that is recorded
//! DIR/clean                there between a clean close and the next open
//! DIR/begin                where history begins, once its first volumes are gone
//! DIR/base/SSSSSSSSSSSS.base   the state after event S, the last one that is gone
//! DIR/gone/NNNNNN.txt       what became of a volume: its seqs, head, hash, and the base that stands for it
//! DIR/archive              there in a folder of archived volumes, which nobody writes to
//! DIR/restored             from what the ledger was restored, until its first start has recorded it
//! DIR/keys/                the keys of what is personal, where it is sealed: see `keys`
//! DIR/volumes/NNNNNN/      a volume: a sled database folder
//! DIR/volumes/NNNNNN/ready the folder was made whole before its first block
//! DIR/volumes/NNNNNN/end   nothing is ever appended to it again: first, last, head
//! DIR/volumes/NNNNNN.sealed      a volume that has ended, in one plain file
//! DIR/volumes/NNNNNN.sealed.tmp  being written
//! DIR/volumes/NNNNNN.gone        a folder whose volume is sealed, being removed
//! DIR/volumes/NNNNNN.new         made ahead, not in use yet
//! DIR/volumes/NNNNNN.damaged     set aside, also NNNNNN.sealed.damaged
//! ```
//!
//! Invariants: sled is opened on two kinds of folders only, fresh ones and ones
//! whose bytes are what a clean close left; one process writes; a sync is never
//! retried.
//!
//! Absent on purpose: update, delete, repair in silence, any judgement of what
//! a decision says (only whom it mentions is looked at).
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

mod archive;
pub mod backup;
mod begins;
pub mod block;
pub mod checkpoint;
pub mod codec;
mod dir;
mod error;
mod files;
mod head_mark;
mod keys;
mod leftovers;
mod letting_go;
mod lock;
mod mark;
mod mentions;
mod open;
mod pack;
mod probe;
mod reader;
mod salvage;
mod scan;
mod seal;
mod sealing;
mod sled_log;
mod snapshots;
mod source;
mod stream;
mod verify;
mod volume;

pub use archive::{Archive, ArchiveError};
pub use begins::{Begins, Gone};
pub use block::{Block, Header, LedgerId};
pub use checkpoint::{Checkpoint, CheckpointKey, PublicKey};
pub use codec::DecisionHash;
pub use dir::Meta;
pub use error::{BlockError, CodecError, DamageKind, OpenError, ReadError};
pub use files::stand_back;
pub use keys::{KeyRing, KeysError};
pub use letting_go::{KEEPING_POINTS, LettingGo};
pub use lock::{Served, served};
pub use mark::hex;
pub use mentions::{Mention, mentions};
pub use open::LogConfig;
pub use probe::{KEY_POINTS, POINTS, Probe};
pub use reader::{Blocks, Reader, SealedInfo, Sift, Sifted, VolumeInfo};
pub use salvage::{Island, SalvageReport, Salvaged, salvage};
pub use sealing::{SealStatus, SealedVolume, Sealing};
pub use sled_log::SledLog;
pub use snapshots::{
    Bases, SNAPSHOT_POINTS, SnapshotAbout, SnapshotEnd, SnapshotError, SnapshotReader, SnapshotWriter,
    Snapshots,
};
pub use stream::{BlockStream, StreamError};
pub use verify::{
    Anchor, Anchors, BlocksReport, Held, Problem, Seen, VerifyReport, verify, verify_against, verify_blocks,
    verify_seen,
};
