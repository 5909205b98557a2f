//! The file of keys: slots of one size, written behind the last and wiped in place.
//!
//! ```text
//! slot := kind u8 · 0 u24 · owner 12 · key 32 · check 16
//! ```
//!
//! `kind` is 1 for a key, 2 for one that was wiped (all else zeros); a slot of zeros was never used: a kill can leave
//! such. `check` is BLAKE3 of the ring's tag, the slot's number and what stands before it.

use crate::files;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Bytes of a slot.
pub(super) const BYTES: usize = 64;
/// So many slots there are at most: 4 GiB of them.
pub(super) const COUNT_MAX: u32 = 1 << 26;
/// Slots read at once.
const STRETCH: u32 = 16_384;
const CHECKED: usize = 48;

/// Keyed BLAKE3 of a user key.
pub(super) type Owner = [u8; 12];

/// What a slot holds.
pub(super) enum Slot {
    /// Nothing yet.
    Empty,
    /// A key, and whose.
    Key { owner: Owner, secret: [u8; 32] },
    /// A key no more.
    Wiped,
    /// Not what was written.
    Damaged,
}

/// The file.
pub(super) struct Slots {
    file: File,
    tag: u32,
}

impl Slots {
    pub(super) fn make(folder: &Path, tag: u32) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(folder.join("slots"))?;
        Ok(Self { file, tag })
    }

    pub(super) fn open(folder: &Path, tag: u32, write: bool) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(write).open(folder.join("slots"))?;
        Ok(Self { file, tag })
    }

    /// Gives every slot to `note`, in order; the number of the next one.
    pub(super) fn each(&self, mut note: impl FnMut(u32, Slot)) -> io::Result<u32> {
        let bytes = self.file.metadata()?.len();
        let count = u32::try_from(bytes.div_ceil(BYTES as u64)).unwrap_or(COUNT_MAX).min(COUNT_MAX);
        let mut buffer = vec![0; BYTES * STRETCH as usize];
        for first in (0..count).step_by(STRETCH as usize) {
            let read = self.fill(u64::from(first) * BYTES as u64, &mut buffer)?;
            let stretch = buffer.get(..read).unwrap_or_default();
            for (no, bytes) in (first..count).zip(stretch.chunks(BYTES)) {
                note(
                    no,
                    <&[u8; BYTES]>::try_from(bytes).map_or(Slot::Damaged, |bytes| self.decode(no, bytes)),
                );
            }
        }
        Ok(count)
    }

    /// What a slot holds; one beyond the end is empty.
    pub(super) fn read(&self, no: u32) -> io::Result<Slot> {
        let mut bytes = [0; BYTES];
        self.fill(u64::from(no) * BYTES as u64, &mut bytes)?;
        Ok(self.decode(no, &bytes))
    }

    fn fill(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Writes slots from `first` on, durable when this returns.
    pub(super) fn append(&self, first: u32, slots: &[[u8; BYTES]]) -> io::Result<()> {
        self.file.write_all_at(&slots.concat(), u64::from(first) * BYTES as u64)?;
        self.sync()
    }

    /// Writes a slot anew; not durable yet.
    pub(super) fn write(&self, no: u32, slot: &[u8; BYTES]) -> io::Result<()> {
        self.file.write_all_at(slot, u64::from(no) * BYTES as u64)
    }

    /// Overwrites a slot; not durable yet.
    pub(super) fn wipe(&self, no: u32) -> io::Result<()> {
        let wiped = self.checked(no, [2; 1].into_iter().chain([0; CHECKED]).take(CHECKED));
        self.write(no, &wiped)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        files::sync_data(&self.file)
    }

    /// A slot that holds a key.
    pub(super) fn encode(&self, no: u32, owner: &Owner, secret: &[u8; 32]) -> [u8; BYTES] {
        self.checked(no, [1, 0, 0, 0].into_iter().chain(*owner).chain(*secret))
    }

    fn checked(&self, no: u32, body: impl Iterator<Item = u8>) -> [u8; BYTES] {
        let mut slot = [0; BYTES];
        slot.iter_mut().zip(body).for_each(|(to, from)| *to = from);
        let check = self.check(no, slot.get(..CHECKED).unwrap_or_default());
        slot.iter_mut().skip(CHECKED).zip(check).for_each(|(to, from)| *to = from);
        slot
    }

    fn check(&self, no: u32, body: &[u8]) -> [u8; 16] {
        let mut hash = blake3::Hasher::new();
        hash.update(&self.tag.to_le_bytes()).update(&no.to_le_bytes()).update(body);
        let mut check = [0; 16];
        check.iter_mut().zip(hash.finalize().as_bytes()).for_each(|(to, from)| *to = *from);
        check
    }

    pub(super) fn decode(&self, no: u32, bytes: &[u8; BYTES]) -> Slot {
        if *bytes == [0; BYTES] {
            return Slot::Empty;
        }
        let (body, check) = bytes.split_at(CHECKED);
        if self.check(no, body) != check {
            return Slot::Damaged;
        }
        let mut rest = body;
        match crate::block::take::<4>(&mut rest) {
            Some([1, ..]) => match (crate::block::take(&mut rest), crate::block::take(&mut rest)) {
                (Some(owner), Some(secret)) => Slot::Key { owner, secret },
                _ => Slot::Damaged,
            },
            Some([2, ..]) => Slot::Wiped,
            _ => Slot::Damaged,
        }
    }
}

/// Bytes that nobody can guess.
pub(super) fn drawn<const N: usize>(random: &mut File) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    random.read_exact(&mut bytes)?;
    Ok(bytes)
}
