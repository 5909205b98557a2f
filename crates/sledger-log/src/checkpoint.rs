//! Checkpoints: where the ledger stood, signed, in a text that a person can read and an outsider can check.
//!
//! ```text
//! sledger-checkpoint: 1
//! ledger: 16 bytes, hex
//! partition: number
//! seq: the last event of a durable block
//! head: that block's hash, 32 bytes, hex
//! time: when it was signed, RFC 3339 with milliseconds
//! key: the public key, 32 bytes, hex
//! signature: Ed25519 over every byte before this line, base64
//! ```
//!
//! Each line ends with a line feed. The signed bytes are exactly the lines before `signature`, so that openssl alone
//! checks one. There is one way to write each checkpoint: any other is refused.
//!
//! Invariant: a [`Checkpoint`] carries a signature that its own key made. Whether that key is the right one is for
//! whoever reads it to say.
//!
//! Absent on purpose: clocks, randomness, the ledger itself.

mod key;
mod shelf;

pub use key::{CheckpointKey, KeyError, PublicKey};
pub use shelf::{Shelf, key_path};

use crate::block::LedgerId;
use crate::mark::{hex, unhex};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sledger_core::{Millis, Seq};
use std::fmt::Write as _;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// No checkpoint is longer.
pub const CHECKPOINT_BYTES_MAX: usize = 4 * 1024;
const SIGNATURE: &str = "signature";
/// The lines before the signature, in order.
const KEYS: [&str; 7] = ["sledger-checkpoint", "ledger", "partition", "seq", "head", "time", "key"];

/// Where a ledger stood, signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    stand: Stand,
    key: PublicKey,
    signature: [u8; 64],
}

/// Where a ledger stands: what a checkpoint says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stand {
    /// The ledger.
    pub ledger: LedgerId,
    /// Its partition.
    pub partition: u32,
    /// The last event of a durable block.
    pub seq: Seq,
    /// That block's hash.
    pub head: [u8; 32],
    /// When it was signed, by the wall clock.
    pub time: Millis,
}

/// Why a text is no checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Longer than any checkpoint, or no text.
    #[error("it is no checkpoint: too long, or no text")]
    NoText,
    /// A line that must stand there does not.
    #[error("line `{line}` must be `{key}: …`")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What must stand there.
        key: &'static str,
    },
    /// A later program wrote it.
    #[error("checkpoints of version `{version}` are not known to this program")]
    Version {
        /// As written.
        version: u32,
    },
    /// A value that cannot be, or is written in another way than it must be.
    #[error("the value of `{key}` is not as it must be written")]
    Value {
        /// Whose.
        key: &'static str,
    },
    /// The lines are not what was signed.
    #[error("its signature does not match: it was changed, or another key signed it")]
    Signature,
}

impl Checkpoint {
    /// Signs where a ledger stands.
    #[must_use]
    pub fn sign(stand: Stand, key: &CheckpointKey) -> Self {
        let public = key.public();
        let signature = key.sign(signed_lines(&stand, public).as_bytes());
        Self { stand, key: public, signature }
    }

    /// Reads a checkpoint, and checks its signature against the key that it names.
    ///
    /// # Errors
    /// [`CheckpointError`], by what is wrong first.
    pub fn parse(text: &[u8]) -> Result<Self, CheckpointError> {
        let short = Some(text).filter(|text| text.len() <= CHECKPOINT_BYTES_MAX);
        let text = short.and_then(|text| std::str::from_utf8(text).ok()).ok_or(CheckpointError::NoText)?;
        let mut lines = Lines { rest: text, line: 0 };
        let (stand, key) = fields(&mut lines)?;
        let signature = lines.take(SIGNATURE)?;
        if !lines.rest.is_empty() {
            return Err(CheckpointError::Line { line: lines.line + 1, key: "the end" });
        }
        let signature = STANDARD.decode(signature).ok().and_then(|bytes| bytes.try_into().ok());
        let signature = signature.ok_or(CheckpointError::Value { key: SIGNATURE })?;
        let found = Self { stand, key, signature };
        if found.render() != text {
            // Written in another way: more digits, upper case.
            return Err(CheckpointError::Value { key: "a line" });
        }
        let is_signed = key.has_signed(signed_lines(&stand, key).as_bytes(), &signature);
        if is_signed { Ok(found) } else { Err(CheckpointError::Signature) }
    }

    /// The text, whose lines before the last are what is signed.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = signed_lines(&self.stand, self.key);
        push(&mut text, SIGNATURE, &STANDARD.encode(self.signature));
        text
    }

    /// What it says.
    #[must_use]
    pub const fn stand(&self) -> &Stand {
        &self.stand
    }

    /// The key that signed it.
    #[must_use]
    pub const fn key(&self) -> PublicKey {
        self.key
    }
}

fn signed_lines(stand: &Stand, key: PublicKey) -> String {
    let mut text = String::new();
    let values = [
        "1".to_owned(),
        stand.ledger.to_string(),
        stand.partition.to_string(),
        stand.seq.to_string(),
        hex(&stand.head),
        stand.time.rfc3339(),
        key.to_string(),
    ];
    for (key, value) in KEYS.into_iter().zip(values) {
        push(&mut text, key, &value);
    }
    text
}

impl CheckpointKey {
    /// The lines to stand below `text`: which key signs it, and the signature over all that stands before it.
    #[must_use]
    pub fn sign_text(&self, text: &str) -> String {
        let mut below = String::new();
        push(&mut below, "key", &self.public().to_string());
        let signature = self.sign(format!("{text}{below}").as_bytes());
        push(&mut below, SIGNATURE, &STANDARD.encode(signature));
        below
    }
}

fn push(text: &mut String, key: &str, value: &str) {
    writeln!(text, "{key}: {value}").expect("writing to a string cannot fail");
}

struct Lines<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Lines<'t> {
    /// The value of the next line, which must have this key.
    fn take(&mut self, key: &'static str) -> Result<&'t str, CheckpointError> {
        self.line += 1;
        let wrong = CheckpointError::Line { line: self.line, key };
        let (line, rest) = self.rest.split_once('\n').ok_or(wrong.clone())?;
        self.rest = rest;
        line.strip_prefix(key).and_then(|rest| rest.strip_prefix(": ")).ok_or(wrong)
    }

    fn read<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, CheckpointError> {
        read(self.take(key)?).ok_or(CheckpointError::Value { key })
    }
}

fn fields(lines: &mut Lines<'_>) -> Result<(Stand, PublicKey), CheckpointError> {
    let [version, ledger, partition, seq, head, time, key] = KEYS;
    let version = lines.read(version, number::<u32>)?;
    if version != 1 {
        return Err(CheckpointError::Version { version });
    }
    let stand = Stand {
        ledger: LedgerId(lines.read(ledger, unhex)?),
        partition: lines.read(partition, number)?,
        seq: Seq(lines.read(seq, number)?),
        head: lines.read(head, unhex)?,
        time: lines.read(time, millis)?,
    };
    Ok((stand, PublicKey(lines.read(key, unhex)?)))
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn millis(text: &str) -> Option<Millis> {
    let nanos = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos();
    u64::try_from(nanos / 1_000_000).ok().map(Millis)
}

#[cfg(test)]
mod tests;
