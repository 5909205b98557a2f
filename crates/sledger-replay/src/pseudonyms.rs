//! Pseudonyms: the same name for the same value within one export, another one in the next.
//!
//! Replaced are users, session ids, addresses, values of attributes, ids of requests and commands, what operators
//! wrote, and whatever a script said in words that do not stand in its source. Kept are clients, sources, groups,
//! names of attributes, quotas, policies and their texts.
//!
//! A pseudonym is a keyed BLAKE3 hash; who makes the export draws the key and forgets it.

mod commands;
mod events;
mod words;

use std::fmt;

/// Gives pseudonyms.
#[derive(Clone)]
pub struct Pseudonyms {
    key: [u8; 32],
}

impl Pseudonyms {
    /// Pseudonyms under `key`, which must be drawn anew for each export.
    #[must_use]
    pub const fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The pseudonym of `value`, which is a `kind`; nothing for nothing.
    fn of(&self, kind: &str, value: &str) -> String {
        if value.is_empty() {
            return String::new();
        }
        let mut hash = blake3::Hasher::new_keyed(&self.key);
        hash.update(kind.as_bytes()).update(&[0]).update(value.as_bytes());
        let hash = super::export::hex(hash.finalize().as_bytes().get(..8).unwrap_or_default());
        format!("{kind}-{hash}")
    }

    fn user(&self, name: &str) -> String {
        self.of("user", name)
    }

    fn session(&self, id: &str) -> String {
        self.of("session", id)
    }

    fn ip(&self, ip: &str) -> String {
        self.of("ip", ip)
    }

    fn attribute(&self, value: &str) -> String {
        self.of("value", value)
    }

    fn text(&self, text: &str) -> String {
        self.of("text", text)
    }

    /// A user, or a pattern of users: the latter names nobody.
    fn selector(&self, text: &str) -> String {
        if text.contains(['*', '?']) { text.to_owned() } else { self.user(text) }
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pseudonyms").finish_non_exhaustive()
    }
}
