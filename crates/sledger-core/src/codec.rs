//! The one encoding of facts: bincode 2, little-endian variable-length integers, sizes bounded, nothing left over.

use serde::{Serialize, de::DeserializeOwned};

/// Largest value that is decoded, in bytes: above any block.
pub const DECODE_BYTES_MAX: usize = 1 << 17;

fn config() -> impl bincode::config::Config {
    bincode::config::standard()
        .with_little_endian()
        .with_variable_int_encoding()
        .with_limit::<DECODE_BYTES_MAX>()
}

/// Encodes a value. Total for the types of this crate, whose encoding cannot fail.
#[must_use]
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    encode_into(value, &mut bytes);
    bytes
}

/// Appends the encoding of `value` to `bytes`.
pub fn encode_into<T: Serialize + ?Sized>(value: &T, bytes: &mut Vec<u8>) {
    // A Vec takes every byte, and no type here has a sequence of unknown length: there is nothing to fail.
    let written = bincode::serde::encode_into_std_write(value, bytes, bincode::config::standard());
    debug_assert!(written.is_ok(), "a plain value is always encodable");
}

/// Decodes a value that takes all of `bytes`.
///
/// # Errors
/// Says what is wrong: cut short, left over, too large, or not of this type.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let (value, used) = bincode::serde::decode_from_slice(bytes, config())
        .map_err(|error| CodecError::Undecodable { reason: error.to_string() })?;
    match bytes.len().saturating_sub(used) {
        0 => Ok(value),
        left => Err(CodecError::LeftOver { bytes: left }),
    }
}

/// Why bytes are not a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Cut short, too large or not of this type.
    #[error("not decodable: {reason}")]
    Undecodable {
        /// What the decoder says.
        reason: String,
    },
    /// More bytes than the value takes.
    #[error("{bytes} bytes left over")]
    LeftOver {
        /// How many.
        bytes: usize,
    },
}
