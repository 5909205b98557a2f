//! Decisions to bytes and back.
//!
//! Codec 1 is bincode 2 with little-endian variable-length integers: the byte
//! form of one [`Decision`] as serde describes it, nothing before and nothing
//! after. Bytes that remain after a decision are refused, and so is everything
//! over [`DECISION_BYTES_MAX`].
//!
//! [`upcast`] is the one place where old formats become today's types: a new
//! format adds an arm there and a fixture to the tests, and takes none away.
//!
//! Fields are written as they come, plain or sealed: see `keys`.

use crate::error::CodecError;
use bincode::error::DecodeError;
use sledger_core::command::Actor;
use sledger_core::event::{CommandMark, Decision};
use sledger_core::{Millis, Seq};

/// The codec written today.
pub const CODEC: u16 = 1;

/// The longest encoding of one decision that is read, in bytes.
pub const DECISION_BYTES_MAX: usize = 64 * 1024;

/// Stack that decoding one decision may take: a quarter of the smallest stack of our threads.
const DECODE_STACK_BYTES_MAX: usize = 512 * 1024;

/// BLAKE3 over the encoding of one decision: stands for it where it is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DecisionHash(pub [u8; 32]);

impl DecisionHash {
    /// The hash of an encoded decision.
    #[must_use]
    pub fn of(encoded: &[u8]) -> Self {
        Self(*blake3::hash(encoded).as_bytes())
    }
}

type Config = bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<DECISION_BYTES_MAX>,
>;

const fn config() -> Config {
    bincode::config::standard()
        .with_little_endian()
        .with_variable_int_encoding()
        .with_limit::<DECISION_BYTES_MAX>()
}

/// Appends the encoding of `decision` to `to`.
///
/// # Errors
/// [`CodecError::Encode`] when a value cannot be written; nothing in a decision does so today.
pub fn encode(decision: &Decision, to: &mut Vec<u8>) -> Result<(), CodecError> {
    let mut writer = Appender(to);
    bincode::serde::encode_into_writer(decision, &mut writer, config())
        .map_err(|source| CodecError::Encode { detail: source.to_string() })
}

/// Appends to a vector without the detour over `std::io`.
struct Appender<'a>(&'a mut Vec<u8>);

impl bincode::enc::write::Writer for Appender<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// The decision that `bytes` are, in the format and codec of its block.
///
/// # Errors
/// [`CodecError`]: format or codec unknown, bytes that are no decision, or bytes left over.
pub fn upcast(format: u16, codec: u16, bytes: &[u8]) -> Result<Decision, CodecError> {
    match (format, codec) {
        (1, 1) => decode(bytes),
        (1, codec) => Err(CodecError::Codec { codec }),
        (format, _) => Err(CodecError::Format { format }),
    }
}

/// The decision that `bytes` are, in today's format.
///
/// # Errors
/// [`CodecError`]: bytes that are no decision, are too many, or are left over.
pub fn decode(bytes: &[u8]) -> Result<Decision, CodecError> {
    if bytes.len() > DECISION_BYTES_MAX {
        return Err(CodecError::TooLong { bytes: bytes.len() });
    }
    let mut reader = Bounded { rest: bytes, begun: stack_address() };
    let decision = bincode::serde::decode_from_reader(&mut reader, config())
        .map_err(|source| CodecError::Decode { detail: source.to_string() })?;
    match reader.rest.len() {
        0 => Ok(decision),
        bytes => Err(CodecError::Trailing { bytes }),
    }
}

/// What kind of command a decision is of, told from its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpKind {
    /// A user's sessions are ended: users are named by number alone.
    Clear,
    /// Settings, policies, or the ledger itself.
    Settings,
    /// Anything else.
    Other,
}

/// The kind of an encoded decision, without decoding the rest of it; `None` for what is no decision.
#[must_use]
pub fn op_kind(format: u16, codec: u16, bytes: &[u8]) -> Option<OpKind> {
    type Before = (Millis, Actor, Option<Box<str>>, Option<CommandMark>, Option<Seq>);
    if (format, codec) != (1, CODEC) {
        return None;
    }
    let (_, used) = bincode::serde::decode_from_slice::<Before, _>(bytes, config()).ok()?;
    // Ops are only ever added at the end, so their numbers are for ever; all are below those that take two bytes.
    match bytes.get(used)? {
        5 => Some(OpKind::Clear),
        9..=11 => Some(OpKind::Settings),
        _ => Some(OpKind::Other),
    }
}

/// Reads a slice, and refuses when decoding has gone too deep: values can hold lists of values, and
/// bytes that nobody checked could make it run off the stack.
struct Bounded<'a> {
    rest: &'a [u8],
    begun: usize,
}

impl Bounded<'_> {
    #[inline]
    fn is_too_deep(&self) -> bool {
        self.begun.abs_diff(stack_address()) > DECODE_STACK_BYTES_MAX
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

#[cfg(test)]
mod tests {
    use super::*;
    use sledger_core::UserNo;
    use sledger_core::event::{Event, Op};

    #[test]
    fn kind_of_an_op_is_told_without_the_rest() {
        let kind = |op: Op| {
            let decision = Decision {
                at: Millis(1_795_176_271_207),
                actor: Actor::Gate("portal".into()),
                request_id: Some("r".into()),
                command: Some(CommandMark { id: "c".into(), mark: [7; 8] }),
                cause: Some(Seq(300)),
                op,
                judged: Vec::new(),
                events: vec![Event::LedgerStopped],
            };
            let mut bytes = Vec::new();
            encode(&decision, &mut bytes).unwrap();
            op_kind(1, CODEC, &bytes)
        };
        assert_eq!(kind(Op::Clear { user: UserNo(1), keep: None }), Some(OpKind::Clear));
        for op in [Op::Configure, Op::Policy, Op::Ledger] {
            assert_eq!(kind(op), Some(OpKind::Settings));
        }
        for op in [Op::Touch { session: Seq(1) }, Op::Adopt { source: None }, Op::Expire, Op::Denials] {
            assert_eq!(kind(op), Some(OpKind::Other));
        }
        assert_eq!(op_kind(1, CODEC, &[0xff; 3]), None);
    }
}
