//! Names for sessions whose callers gave none: 128 bits that nobody can guess, the same for a repeat.
//!
//! A repeat of a command id must be the same login, also after a restart, or the ledger would refuse it as
//! another command. So the id is not drawn but derived from the command id, under a key drawn once.

use crate::ServeError;
use crate::reply::Refusal;
use sledger_wire::answer::Problem;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// The file of the key, in the data directory.
const FILE: &str = "session.key";
const BYTES: usize = 32;

/// The key under which session ids are derived.
#[derive(Clone)]
pub(crate) struct SessionKey([u8; BYTES]);

impl SessionKey {
    /// The key of the ledger in `data`, drawn at its first start; for a ledger in memory a new one.
    pub(crate) fn of(data: Option<&Path>) -> Result<Self, ServeError> {
        let path = data.map(|data| data.join(FILE)).unwrap_or_default();
        let key = if data.is_some() { kept(&path) } else { drawn() };
        key.map(Self).map_err(|source| ServeError::Key { path, source })
    }

    /// The session id for the login that `command` names.
    pub(crate) fn session_id(&self, command: &str, user: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        let length = u64::try_from(command.len()).unwrap_or(u64::MAX);
        hasher.update(&length.to_le_bytes()).update(command.as_bytes()).update(user.as_bytes());
        let mut id = hasher.finalize().to_hex().to_string();
        id.truncate(32);
        id
    }
}

/// An id of 128 random bits.
pub(crate) fn drawn_id() -> Result<String, Refusal> {
    let no_bits =
        |error| Problem::new(500, None, format!("no random bits can be had for a session id: {error}"));
    let drawn = drawn::<16>().map_err(no_bits)?;
    Ok(format!("{:032x}", u128::from_be_bytes(drawn)))
}

fn drawn<const N: usize>() -> io::Result<[u8; N]> {
    let mut key = [0; N];
    getrandom::fill(&mut key).map_err(io::Error::from)?;
    Ok(key)
}

fn kept(path: &Path) -> io::Result<[u8; BYTES]> {
    match File::open(path) {
        Ok(file) => read(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => made(path),
        Err(error) => Err(error),
    }
}

fn read(mut file: File) -> io::Result<[u8; BYTES]> {
    let mut key = [0; BYTES];
    file.read_exact(&mut key)?;
    Ok(key)
}

/// Written beside and renamed, so that a crash leaves a whole key or none.
fn made(path: &Path) -> io::Result<[u8; BYTES]> {
    let key = drawn()?;
    let beside = path.with_extension("key.new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(&key)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    if let Some(parent) = path.parent() {
        File::open(parent)?.sync_all()?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_has_the_same_id_also_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let first = SessionKey::of(Some(dir.path())).unwrap().session_id("c-1", "ann");
        let again = SessionKey::of(Some(dir.path())).unwrap().session_id("c-1", "ann");
        assert_eq!(first, again);
        assert_eq!(first.len(), 32);
    }

    #[test]
    fn other_commands_users_and_ledgers_have_other_ids() {
        let key = SessionKey::of(None).unwrap();
        let ids =
            [("c", "ann"), ("ca", "nn"), ("c", "bob")].map(|(command, user)| key.session_id(command, user));
        assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2]);
        assert_ne!(ids[0], SessionKey::of(None).unwrap().session_id("c", "ann"));
    }

    #[test]
    fn a_cut_key_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), b"short").unwrap();
        let error = SessionKey::of(Some(dir.path())).err().unwrap().to_string();
        assert!(error.starts_with("cannot keep the key for session ids in "), "{error}");
    }
}
