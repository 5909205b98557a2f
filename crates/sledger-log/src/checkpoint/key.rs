//! The keys of checkpoints: Ed25519, in the PEM that openssl reads and writes.
//!
//! Absent on purpose: drawing of keys. Whoever makes one brings 32 random bytes.

use crate::files;
use crate::mark::hex;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// No file of a key is longer.
const PEM_BYTES_MAX: u64 = 4 * 1024;

/// The key that signs checkpoints.
#[derive(Clone)]
pub struct CheckpointKey(SigningKey);

/// The key by which others check them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system refused.
    #[error("cannot {doing} the key `{path}`: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Something else.
    #[error("`{path}` holds no Ed25519 {kind} key in PEM")]
    NoKey {
        /// The file.
        path: PathBuf,
        /// Private or public.
        kind: &'static str,
    },
}

impl CheckpointKey {
    /// The key that follows from 32 random bytes.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// Reads a private key: PKCS8 in PEM, as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// [`KeyError`]: not there, or no such key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = text(path)?;
        let key = SigningKey::from_pkcs8_pem(&text).map(Self);
        key.map_err(|_| KeyError::NoKey { path: path.to_owned(), kind: "private" })
    }

    /// Reads the key, or makes it where there is none: durable, and for its owner's eyes only.
    ///
    /// # Errors
    /// [`KeyError`]: no such key, no random bytes, or the system refused.
    pub fn read_or_make(path: &Path, draw: impl FnOnce() -> io::Result<[u8; 32]>) -> Result<Self, KeyError> {
        match Self::read(path) {
            Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let made = draw().map(Self::from_seed).and_then(|key| key.write(path).map(|()| key));
                made.map_err(|source| KeyError::Io { doing: "make", path: path.to_owned(), source })
            }
            read => read,
        }
    }

    /// Written beside and renamed, so that a crash leaves a whole key or none.
    fn write(&self, path: &Path) -> io::Result<()> {
        let pair = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let text = pair.to_pkcs8_pem(LineEnding::LF).map_err(|error| io::Error::other(error.to_string()))?;
        let beside = path.with_extension("key.new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        files::rename(&beside, path)
    }

    /// The key by which others check what this one signed.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes).to_bytes()
    }
}

impl fmt::Debug for CheckpointKey {
    /// Shows the public half alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CheckpointKey").field(&self.public()).finish()
    }
}

impl PublicKey {
    /// Reads a public key in PEM; of a private one the public half.
    ///
    /// # Errors
    /// [`KeyError`]: not there, or no such key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = text(path)?;
        let public = VerifyingKey::from_public_key_pem(&text).map(|key| Self(key.to_bytes()));
        let private = || SigningKey::from_pkcs8_pem(&text).map(|key| CheckpointKey(key).public());
        let no_key = |_| KeyError::NoKey { path: path.to_owned(), kind: "public" };
        public.or_else(|_| private()).map_err(no_key)
    }

    /// As openssl takes it with `-pubin`. `None` for bytes that are no key.
    #[must_use]
    pub fn to_pem(self) -> Option<String> {
        VerifyingKey::from_bytes(&self.0).ok()?.to_public_key_pem(LineEnding::LF).ok()
    }

    pub(super) fn has_signed(self, bytes: &[u8], signature: &[u8; 64]) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&self.0) else { return false };
        key.verify_strict(bytes, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

fn text(path: &Path) -> Result<String, KeyError> {
    let no_key = || KeyError::NoKey { path: path.to_owned(), kind: "private or public" };
    let read = || -> io::Result<Option<String>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(PEM_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        Ok(String::from_utf8(bytes).ok().filter(|text| text.len() as u64 <= PEM_BYTES_MAX))
    };
    match read() {
        Ok(text) => text.ok_or_else(no_key),
        Err(source) => Err(KeyError::Io { doing: "read", path: path.to_owned(), source }),
    }
}

/// Puts the public key in PEM beside the checkpoints that it signed.
pub(super) fn publish(key: PublicKey, dir: &Path) -> io::Result<()> {
    let path = dir.join(pem_name(key));
    let Some(pem) = key.to_pem().filter(|pem| fs::read(&path).ok().as_deref() != Some(pem.as_bytes())) else {
        return Ok(());
    };
    files::write_whole(&path, pem.as_bytes())
}

fn pem_name(key: PublicKey) -> String {
    let mut name = key.to_string();
    name.truncate(16);
    name + ".pem"
}
