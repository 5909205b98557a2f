//! Keys of what is personal: one a user, beside the log and outside its chain, so that a person is erased by
//! destroying one of them.
//!
//! ```text
//! DIR/keys/ring    a mark: format, ledger, tag, secret
//! DIR/keys/slots   slots of 64 bytes, see `slots`
//! ```
//!
//! A key's id is the ring's random tag and the slot's number; it says nothing about whose the key is. A user's slot is
//! found by BLAKE3 of the user key, keyed by the ring's secret. Two slots are the ledger's own: the first seals
//! snapshots and is drawn anew with each erasure, the second seals what is about nobody in particular.
//!
//! Promise: a key is durable before the first block that needs it is written; a key that an event of the log calls
//! destroyed is wiped, and its wiping synced, before anybody is told; a kill in between is made good by
//! [`KeyRing::settle`] at the next open. A value's nonce follows from key, place and value, so that equal batches give
//! equal bytes, and none is used for two values.
//!
//! Absent on purpose: keys in a backup, a second copy of a key, the name of a user, a slot that is used twice.
//!
//! What overwriting in place cannot reach (copies that the file system or the disk keeps of old bytes) is not reached.

mod cipher;
mod fields;
mod index;
mod slots;

use crate::block::LedgerId;
use crate::error::OpenError;
use crate::mark::Mark;
pub(crate) use cipher::{Cipher, NONCE_BYTES};
use index::Index;
use sledger_core::Seq;
use sledger_core::event::Decision;
use slots::{Owner, Slot, Slots, drawn};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const FORMAT: u64 = 1;
/// The slot whose key seals snapshots.
const SNAPSHOTS: u32 = 0;
/// The slot whose key seals what is about nobody in particular.
const NOBODY: u32 = 1;
/// The first slot of a user.
const USERS: u32 = 2;
/// Ciphers kept at hand.
const CIPHERS_MAX: usize = 65_536;

/// Why a value could not be sealed, or a key not be destroyed.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The system refused.
    #[error("keys: {0}")]
    Io(#[from] io::Error),
    /// No slot is left.
    #[error("keys: all `{most}` slots are taken")]
    Full {
        /// How many there are.
        most: u32,
    },
    /// The ring was opened for reading only.
    #[error("keys: opened for reading only")]
    ReadOnly,
}

/// The keys of one ledger.
pub struct KeyRing {
    slots: Slots,
    tag: u32,
    secret: [u8; 32],
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// `None` where the ring is only read.
    writing: Option<Writing>,
    ciphers: index::Ciphers,
}

/// What only the writer of a ledger has.
struct Writing {
    index: Index,
    next: u32,
    /// Slots from `next - fresh.len()` on that are not on the disk yet.
    fresh: Vec<[u8; slots::BYTES]>,
    /// Slots of destroyed keys that are to be wiped once the event that says so is durable.
    retired: Vec<u32>,
    random: File,
    damaged: u64,
}

impl KeyRing {
    /// Makes the ring of a new ledger; what a making that was cut short left is overwritten.
    pub(crate) fn make(dir: &Path, ledger: LedgerId) -> io::Result<()> {
        let folder = folder(dir);
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        let mut random = File::open("/dev/urandom")?;
        let tag = u32::from_le_bytes(drawn(&mut random)?);
        let slots = Slots::make(&folder, tag)?;
        let own = [drawn(&mut random)?, drawn(&mut random)?];
        let own: Vec<_> = (0..).zip(&own).map(|(no, key)| slots.encode(no, &Owner::default(), key)).collect();
        slots.append(0, &own)?;
        let ring = folder.join("ring");
        Mark::default()
            .with("format", FORMAT)
            .with("ledger", ledger)
            .with("tag", tag)
            .with_hex("secret", &drawn::<32>(&mut random)?)
            .write(&ring)?;
        fs::set_permissions(&ring, Permissions::from_mode(0o600))?;
        crate::files::sync_dir(&folder)?;
        crate::files::sync_dir(dir)
    }

    /// Opens the ring of `dir` for reading.
    ///
    /// # Errors
    /// Names the file that is missing, changed, or of another ledger.
    pub fn read(dir: &Path, ledger: LedgerId) -> Result<Self, OpenError> {
        Self::open(dir, ledger, false)
    }

    /// Opens the ring of `dir` for the one process that writes the ledger.
    pub(crate) fn take(dir: &Path, ledger: LedgerId) -> Result<Self, OpenError> {
        let ring = Self::open(dir, ledger, true)?;
        let path = folder(dir).join("slots");
        let writing = ring.writing().map_err(|source| OpenError::io("read", &path, source))?;
        if writing.damaged > 0 {
            let damaged = writing.damaged;
            tracing::warn!(path = %path.display(), damaged, "keys are damaged: what they sealed stays sealed");
        }
        ring.lock().writing = Some(writing);
        Ok(ring)
    }

    fn open(dir: &Path, ledger: LedgerId, write: bool) -> Result<Self, OpenError> {
        let path = folder(dir).join("ring");
        let bad = |detail: String| OpenError::Keys { path: path.clone(), detail };
        let found = Mark::read(&path).map_err(|source| OpenError::io("read", &path, source))?;
        let mark = found.unwrap_or_else(|| Err("it is missing".to_owned())).map_err(bad)?;
        let format: u64 = mark.number("format").map_err(bad)?;
        if format != FORMAT {
            return Err(bad(format!("its format `{format}` is not known to this program")));
        }
        let found = LedgerId(mark.bytes("ledger").map_err(bad)?);
        if found != ledger {
            return Err(bad(format!("it belongs to ledger `{found}`")));
        }
        let tag = mark.number("tag").map_err(bad)?;
        let secret = mark.bytes("secret").map_err(bad)?;
        let slots = Slots::open(&folder(dir), tag, write).map_err(|error| OpenError::Keys {
            path: folder(dir).join("slots"),
            detail: error.to_string(),
        })?;
        Ok(Self { slots, tag, secret, inner: Mutex::default() })
    }

    /// Reads every slot.
    fn writing(&self) -> io::Result<Writing> {
        let (mut index, mut damaged) = (Index::default(), 0);
        let next = self.slots.each(|no, slot| match slot {
            // Of two slots of one user the later counts: the first is being destroyed.
            Slot::Key { owner, .. } if no >= USERS => index.put(owner, no),
            Slot::Damaged => damaged += 1,
            Slot::Key { .. } | Slot::Empty | Slot::Wiped => {}
        })?;
        let random = File::open("/dev/urandom")?;
        Ok(Writing { index, next, fresh: Vec::new(), retired: Vec::new(), random, damaged })
    }

    /// The id of a user's key; `None` for somebody who has none: never known, or erased.
    #[must_use]
    pub fn key_of(&self, user: &str) -> Option<u64> {
        let slot = self.lock().writing.as_ref()?.index.get(&self.owner(user))?;
        Some(self.id(slot))
    }

    /// Whether there is this key.
    #[must_use]
    pub fn holds(&self, key: u64) -> bool {
        self.slot(key).is_some_and(|slot| self.cipher(&mut self.lock(), slot).is_some())
    }

    /// A decision as it is written: what is personal in it sealed. Users who have no key get one, to be made durable by
    /// [`KeyRing::sync`].
    pub(crate) fn seal(&self, first: Seq, decision: &Decision) -> Result<Decision, KeysError> {
        let mut sealed = decision.clone();
        let mut inner = self.lock();
        let mut visit = fields::Sealing::new(self, &mut inner, first);
        fields::walk(&mut sealed, &mut visit);
        visit.finish()?;
        for key in fields::destroyed(decision) {
            self.retire(&mut inner, key)?;
        }
        Ok(sealed)
    }

    /// Opens what is sealed in a decision, as far as its keys are there.
    pub(crate) fn open_in(&self, decision: &mut Decision) {
        let mut inner = self.lock();
        fields::walk(decision, &mut fields::Opening { ring: self, inner: &mut inner });
    }

    /// Makes the keys durable that were given out since the last time.
    pub(crate) fn sync(&self) -> Result<(), KeysError> {
        let mut inner = self.lock();
        let writing = inner.writing.as_mut().ok_or(KeysError::ReadOnly)?;
        if writing.fresh.is_empty() {
            return Ok(());
        }
        let count = u32::try_from(writing.fresh.len()).unwrap_or(u32::MAX);
        self.slots.append(writing.next.saturating_sub(count), &writing.fresh)?;
        writing.fresh.clear();
        Ok(())
    }

    /// Wipes the keys that are destroyed by what is durable now, and the one of the snapshots with them.
    pub(crate) fn wipe(&self) -> Result<(), KeysError> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let writing = inner.writing.as_mut().ok_or(KeysError::ReadOnly)?;
        if writing.retired.is_empty() {
            return Ok(());
        }
        for slot in writing.retired.drain(..) {
            self.slots.wipe(slot)?;
            inner.ciphers.forget(slot);
        }
        let fresh = drawn(&mut writing.random)?;
        self.slots.write(SNAPSHOTS, &self.slots.encode(SNAPSHOTS, &Owner::default(), &fresh))?;
        inner.ciphers.forget(SNAPSHOTS);
        Ok(self.slots.sync()?)
    }

    /// Wipes those of `keys`, which events of the log call destroyed, that are still there: what a kill left undone.
    /// How many there were.
    ///
    /// # Errors
    /// When the slots cannot be written.
    pub fn settle(&self, keys: &[u64]) -> Result<usize, KeysError> {
        let left: Vec<u64> = keys.iter().copied().filter(|key| self.holds(*key)).collect();
        let mut inner = self.lock();
        for key in &left {
            self.retire(&mut inner, *key)?;
        }
        drop(inner);
        self.wipe()?;
        Ok(left.len())
    }

    /// From here on nothing is sealed under `key`; it is wiped once that is durable.
    fn retire(&self, inner: &mut Inner, key: u64) -> Result<(), KeysError> {
        let Some(slot) = self.slot(key).filter(|slot| *slot >= USERS) else { return Ok(()) };
        let writing = inner.writing.as_mut().ok_or(KeysError::ReadOnly)?;
        if let Slot::Key { owner, .. } = self.look(writing, slot)? {
            writing.index.remove(&owner, slot);
        }
        writing.retired.push(slot);
        Ok(())
    }

    /// What seals a snapshot that is begun now.
    pub(crate) fn snapshot_cipher(&self) -> io::Result<Option<Arc<Cipher>>> {
        Ok(match self.slots.read(SNAPSHOTS)? {
            Slot::Key { secret, .. } => Some(Arc::new(Cipher::new(&secret))),
            Slot::Empty | Slot::Wiped | Slot::Damaged => None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn owner(&self, user: &str) -> Owner {
        let hash = blake3::keyed_hash(&self.secret, user.as_bytes());
        let mut owner = Owner::default();
        owner.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        owner
    }

    const fn id(&self, slot: u32) -> u64 {
        (self.tag as u64) << 32 | slot as u64
    }

    /// The slot of a key, unless it is another ring's.
    fn slot(&self, key: u64) -> Option<u32> {
        let (tag, slot) = (key >> 32, key & u64::from(u32::MAX));
        (tag == u64::from(self.tag)).then(|| u32::try_from(slot).ok()).flatten()
    }

    /// What a slot holds, also where it is not on the disk yet.
    fn look(&self, writing: &Writing, slot: u32) -> io::Result<Slot> {
        let durable = writing.next.saturating_sub(u32::try_from(writing.fresh.len()).unwrap_or(u32::MAX));
        let fresh = slot.checked_sub(durable).and_then(|at| writing.fresh.get(at as usize));
        fresh.map_or_else(|| self.slots.read(slot), |bytes| Ok(self.slots.decode(slot, bytes)))
    }

    /// The cipher of a slot, if its key is there.
    fn cipher(&self, inner: &mut Inner, slot: u32) -> Option<Arc<Cipher>> {
        if let Some(found) = inner.ciphers.get(slot) {
            return Some(found);
        }
        let found = match &inner.writing {
            Some(writing) => self.look(writing, slot),
            None => self.slots.read(slot),
        };
        let Ok(Slot::Key { secret, .. }) = found else { return None };
        let cipher = Arc::new(Cipher::new(&secret));
        inner.ciphers.put(slot, &cipher);
        Some(cipher)
    }

    /// The slot of a user, made if there is none.
    fn slot_for(&self, inner: &mut Inner, user: &str) -> Result<u32, KeysError> {
        let owner = self.owner(user);
        let writing = inner.writing.as_mut().ok_or(KeysError::ReadOnly)?;
        if let Some(slot) = writing.index.get(&owner) {
            return Ok(slot);
        }
        let slot = writing.next;
        if slot >= slots::COUNT_MAX {
            return Err(KeysError::Full { most: slots::COUNT_MAX });
        }
        let secret = drawn(&mut writing.random)?;
        writing.fresh.push(self.slots.encode(slot, &owner, &secret));
        writing.next = slot.saturating_add(1);
        writing.index.put(owner, slot);
        inner.ciphers.put(slot, &Arc::new(Cipher::new(&secret)));
        Ok(slot)
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").finish_non_exhaustive()
    }
}

fn folder(dir: &Path) -> PathBuf {
    dir.join("keys")
}

#[cfg(test)]
mod tests;
