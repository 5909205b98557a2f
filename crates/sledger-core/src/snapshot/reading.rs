//! Rows from bytes that nobody vouches for: bounded in length, in claims and in depth.

use super::{FRAME_BYTES_MAX, LoadError};
use bincode::error::DecodeError;
use serde::de::DeserializeOwned;

/// Stack that decoding one row may take: a quarter of the smallest stack of our threads.
const STACK_BYTES_MAX: usize = 512 * 1024;

type Config = bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<FRAME_BYTES_MAX>,
>;

const fn config() -> Config {
    bincode::config::standard()
        .with_little_endian()
        .with_variable_int_encoding()
        .with_limit::<FRAME_BYTES_MAX>()
}

/// All rows that `body` is made of.
pub(super) fn rows<T: DeserializeOwned>(body: &[u8]) -> Result<Vec<T>, LoadError> {
    let mut rest = body;
    let mut rows = Vec::new();
    while !rest.is_empty() {
        let mut reader = Bounded { rest, begun: stack_address() };
        let row = bincode::serde::decode_from_reader(&mut reader, config())
            .map_err(|error| LoadError::Undecodable { reason: reason(&error) })?;
        // A row of no bytes would be read for ever.
        if reader.rest.len() == rest.len() {
            return Err(LoadError::Undecodable { reason: "a row without bytes".to_owned() });
        }
        rest = reader.rest;
        rows.push(row);
    }
    Ok(rows)
}

fn reason(error: &DecodeError) -> String {
    match error {
        DecodeError::Other(reason) => (*reason).to_owned(),
        error => error.to_string(),
    }
}

/// Reads a slice, and refuses claims beyond its end and what is nested so deep that it would run off the stack.
struct Bounded<'a> {
    rest: &'a [u8],
    begun: usize,
}

impl Bounded<'_> {
    fn is_too_deep(&self) -> bool {
        self.begun.abs_diff(stack_address()) > STACK_BYTES_MAX
    }
}

impl bincode::de::read::Reader for Bounded<'_> {
    #[inline]
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), DecodeError> {
        if self.is_too_deep() {
            return Err(DecodeError::Other("nested too deeply"));
        }
        let missing = bytes.len().saturating_sub(self.rest.len());
        let (here, rest) = self
            .rest
            .split_at_checked(bytes.len())
            .ok_or(DecodeError::UnexpectedEnd { additional: missing })?;
        bytes.copy_from_slice(here);
        self.rest = rest;
        Ok(())
    }

    #[inline]
    fn peek_read(&mut self, length: usize) -> Option<&[u8]> {
        if self.is_too_deep() { None } else { self.rest.get(..length) }
    }

    #[inline]
    fn consume(&mut self, length: usize) {
        self.rest = self.rest.get(length..).unwrap_or_default();
    }
}

/// About where the stack ends just now.
#[inline]
fn stack_address() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}
