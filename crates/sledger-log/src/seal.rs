//! A sealed volume: one plain, compressed file that is never written again.
//!
//! All integers little-endian. The file is read without sled, in order or, by its
//! index, from any seq on.
//!
//! ```text
//! file   := header frame* index filter footer trailer
//!
//! header     8  magic    F5 'S' 'L' 'S' 'E' 'A' 'L' FF
//!            2  format   2; 1 is read as well
//!            2  zero
//!           16  ledger id
//!            4  partition
//!            4  volume
//!            4  zero
//!           32  BLAKE3 of the 40 bytes before
//!
//! frame      4  magic    F5 'S' 'L' 'F'
//!            4  length of the packed blocks
//!            4  their length unpacked
//!            4  count of blocks; at least 1
//!            8  seq of its first event
//!            8  seq of its last event
//!           32  BLAKE3 of the 32 bytes before ++ packed blocks
//!            …  whole blocks side by side, packed by zstd
//!
//! index   per frame:
//!            8  offset in the file
//!            4  length of the packed blocks
//!            4  their length unpacked
//!            8  seq of its first event
//!            8  seq of its last event
//!            8  time of its first decision, ms since the Unix epoch
//!            8  time of its last decision
//!           32  hash of the block before it
//!
//! filter  per frame:
//!            4  flags    bit 0: some names are sealed, so that a name not found proves nothing
//!            4  bits set by each mention
//!            4  count of words
//!            …  the bits, in words of 8 bytes; see `filter`
//!         in format 1 one for the whole volume, without the count, and not of settings
//!
//! footer    16  ledger id
//!            4  partition
//!            4  volume
//!            4  count of frames
//!            4  zero
//!            8  epoch of the last block up to here
//!            8  seq of its first event; one more than the last when it is empty
//!            8  seq of its last event
//!            8  time of its first decision; 0 when it is empty
//!            8  time of the last decision up to here
//!            8  count of blocks
//!            8  count of decisions
//!            8  count of events
//!            8  bytes of all blocks, unpacked
//!           32  hash of the block before the first
//!           32  hash of the last block
//!            8  length of all frames
//!            8  length of the index
//!            8  length of the filter
//!           32  BLAKE3 of the index
//!           32  BLAKE3 of the filter
//!           32  BLAKE3 of header ++ the 256 bytes before
//!
//! trailer    4  length of the footer
//!            2  format   as in the header
//!            2  zero
//!            8  magic    F5 'S' 'L' 'E' 'N' 'D' 0A FF
//! ```
//!
//! Invariants: the parts fill the file without a gap; the blocks are byte for
//! byte those of the sled volume, so the chain runs on through sealed files.
//!
//! Absent on purpose: any way to change a file once it has its name.

mod file;
mod filter;
mod footer;
mod frames;
mod layout;
mod write;

pub(crate) use file::{SealedFile, check_whole};
pub(crate) use filter::{Filter, Filters};
pub(crate) use frames::Frames;
pub(crate) use layout::{MAGIC_FRAME, Name, Place};
pub(crate) use write::{WriteFault, Writer, write};

use crate::block::LedgerId;
use crate::error::BlockError;
use std::io;

/// What is wrong with a sealed file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealedFault {
    #[error("it is `{bytes}` bytes long, too short for a sealed volume")]
    Cut { bytes: u64 },
    #[error("its {part} is none of a sealed volume")]
    Magic { part: &'static str },
    #[error("sealed format `{format}` is not known to this program")]
    Format { format: u16 },
    #[error("the check of its {part} does not match")]
    Check { part: &'static str },
    #[error("its parts take `{said}` bytes, the file has `{found}`")]
    Length { said: u64, found: u64 },
    #[error("it belongs to ledger `{found}`")]
    OtherLedger { found: LedgerId },
    #[error("it is volume `{volume}` of partition `{partition}`")]
    OtherVolume { partition: u32, volume: u32 },
    #[error("its {part} is out of bounds: `{field}`")]
    Bounds { part: &'static str, field: &'static str },
    #[error("the check of the frame at byte `{offset}` does not match")]
    Frame { offset: u64 },
    #[error("the frame at byte `{offset}` cannot be unpacked")]
    Packed { offset: u64 },
    #[error("in the frame at byte `{offset}`: {source}")]
    Block {
        offset: u64,
        #[source]
        source: BlockError,
    },
    #[error("chain broken in the frame at byte `{offset}`: a block does not follow from the one before")]
    Chain { offset: u64 },
    #[error("its footer says another {field} than its blocks")]
    Footer { field: &'static str },
    #[error("stopped before it was read to its end")]
    Stopped,
    #[error("{0}")]
    Io(#[from] io::Error),
}
