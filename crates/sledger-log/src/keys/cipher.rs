//! One key at work: XChaCha20-Poly1305, and nonces that follow from what is sealed.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};

/// Bytes of a nonce.
pub(crate) const NONCE_BYTES: usize = 24;

/// What a key becomes: one part seals, the other makes nonces.
pub(crate) struct Cipher {
    cipher: XChaCha20Poly1305,
    nonces: [u8; 32],
}

impl Cipher {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        let key = Key::from(blake3::derive_key("sledger personal value cipher 1", secret));
        let nonces = blake3::derive_key("sledger personal value nonce 1", secret);
        Self { cipher: XChaCha20Poly1305::new(&key), nonces }
    }

    /// Seals `plain`, which stands at `place`; `kind` must be the same to open it.
    pub(crate) fn seal(&self, place: (u64, u32), kind: u8, plain: &[u8]) -> ([u8; NONCE_BYTES], Vec<u8>) {
        let nonce = self.nonce(place, kind, plain);
        let payload = Payload { msg: plain, aad: &[kind] };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload);
        (nonce, sealed.expect("values are far shorter than the cipher's bound"))
    }

    /// Opens what was sealed; `None` when it was another key, or another value.
    pub(crate) fn open(&self, nonce: &[u8; NONCE_BYTES], kind: u8, sealed: &[u8]) -> Option<Vec<u8>> {
        self.cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &[kind] }).ok()
    }

    /// A mask for the eight bytes that say what a command id was about.
    pub(super) fn mask(&self, id: &str) -> [u8; 8] {
        let hash = blake3::keyed_hash(&self.nonces, id.as_bytes());
        let mut mask = [0; 8];
        mask.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        mask
    }

    /// Two values never share one: it hangs on the value, its kind and its place.
    fn nonce(&self, (seq, index): (u64, u32), kind: u8, plain: &[u8]) -> [u8; NONCE_BYTES] {
        let mut hash = blake3::Hasher::new_keyed(&self.nonces);
        hash.update(&seq.to_le_bytes()).update(&index.to_le_bytes()).update(&[kind]).update(plain);
        let mut nonce = [0; NONCE_BYTES];
        nonce.iter_mut().zip(hash.finalize().as_bytes()).for_each(|(to, from)| *to = *from);
        nonce
    }
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cipher").finish_non_exhaustive()
    }
}
