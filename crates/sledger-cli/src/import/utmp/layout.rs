//! How the records of a utmp lie: 384 bytes where times have 32 bits, 400 where they have 64, in either byte order.
//!
//! | offset | field |
//! |---|---|
//! | 0 | type, 2 bytes, and 2 bytes of padding |
//! | 4 | process, 4 bytes |
//! | 8 | line, 32 bytes |
//! | 40 | id, 4 bytes |
//! | 44 | user, 32 bytes |
//! | 76 | host, 256 bytes |
//! | 332 | exit status, 4 bytes |
//! | 336 | session, 4 or 8 bytes |
//! | 340 / 344 | seconds since 1970 and microseconds, 4 or 8 bytes each |
//! | 348 / 360 | address, 16 bytes |
//! | 364 / 376 | unused |
//!
//! Texts end at their first zero byte, or with their field. Source: `utmp(5)` and `bits/utmp.h` of glibc.
//!
//! Absent on purpose: the layouts of other systems' `utmpx`. Their records fit none of these, which is said.

use sledger_core::Millis;
use sledger_wire::values::time_millis;
use std::net::{IpAddr, Ipv6Addr};

/// Types of records, from `EMPTY` to `ACCOUNTING`.
pub(super) const TYPES: u16 = 10;
/// Records that are looked at to tell the layout.
const LOOKED_AT_MAX: usize = 64;

/// One way in which records lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Bytes of a record.
    pub(super) record_bytes: usize,
    is_big_endian: bool,
}

/// A record as it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Raw {
    /// What it says.
    pub(super) kind: u16,
    /// The process.
    pub(super) process: u32,
    /// The terminal, or what stands for it.
    pub(super) line: String,
    /// The short name of the terminal.
    pub(super) id: String,
    /// The user.
    pub(super) user: String,
    /// The remote host, or the version of the kernel.
    pub(super) host: String,
    /// When; none where it cannot be.
    pub(super) at: Option<Millis>,
    /// The remote address, where there is one.
    pub(super) ip: Option<IpAddr>,
    is_padded: bool,
    is_empty: bool,
}

impl Layout {
    const ALL: [Self; 4] = [
        Self { record_bytes: 384, is_big_endian: false },
        Self { record_bytes: 400, is_big_endian: false },
        Self { record_bytes: 384, is_big_endian: true },
        Self { record_bytes: 400, is_big_endian: true },
    ];

    /// The layout that most records at the beginning of a file fit; none where none fits, or two fit as well.
    ///
    /// Where all is zero any layout fits, and which one it is makes no difference.
    pub(super) fn of(beginning: &[u8]) -> Option<Self> {
        let mut by_fit = Self::ALL.map(|layout| (layout.fitting(beginning), layout));
        by_fit.sort_by_key(|(fitting, _)| std::cmp::Reverse(*fitting));
        match by_fit {
            [(0, _), ..] if !beginning.is_empty() && beginning.iter().all(|byte| *byte == 0) => {
                Self::ALL.first().copied()
            }
            [(0, _), ..] => None,
            [(first, layout), (second, _), ..] => (first > second).then_some(layout),
        }
    }

    /// How many records at the beginning could be ones that say something.
    fn fitting(self, beginning: &[u8]) -> usize {
        let records = beginning.chunks_exact(self.record_bytes).take(LOOKED_AT_MAX);
        records.map(|bytes| self.read(bytes)).filter(Raw::could_be).count()
    }

    /// Reads a record; `bytes` are as many as a record has.
    pub(super) fn read(self, bytes: &[u8]) -> Raw {
        let wide = self.record_bytes == 400;
        let (seconds, micros, address) = if wide { (344, 352, 360) } else { (340, 344, 348) };
        let seconds = if wide { self.wide(bytes, seconds) } else { i64::from(self.word(bytes, seconds)) };
        let micros = if wide { self.wide(bytes, micros) } else { i64::from(self.word(bytes, micros)) };
        Raw {
            kind: self.half(bytes, 0),
            process: self.word(bytes, 4),
            line: text(field(bytes, 8, 32)),
            id: text(field(bytes, 40, 4)),
            user: text(field(bytes, 44, 32)),
            host: text(field(bytes, 76, 256)),
            at: at(seconds, micros),
            ip: ip(field(bytes, address, 16)),
            is_padded: self.half(bytes, 2) == 0,
            is_empty: seconds == 0,
        }
    }

    fn half(self, bytes: &[u8], at: usize) -> u16 {
        let bytes = array(bytes, at);
        if self.is_big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    fn word(self, bytes: &[u8], at: usize) -> u32 {
        let bytes = array(bytes, at);
        if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    fn wide(self, bytes: &[u8], at: usize) -> i64 {
        let bytes = array(bytes, at);
        if self.is_big_endian { i64::from_be_bytes(bytes) } else { i64::from_le_bytes(bytes) }
    }
}

impl Raw {
    /// Whether these bytes may well be a record, and one that is not empty.
    fn could_be(&self) -> bool {
        (1..TYPES).contains(&self.kind) && self.is_padded && self.at.is_some() && !self.is_empty
    }
}

fn field(bytes: &[u8], at: usize, length: usize) -> &[u8] {
    bytes.get(at..at + length).unwrap_or_default()
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    field(bytes, at, N).try_into().unwrap_or([0; N])
}

/// Up to the first zero byte.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

fn at(seconds: i64, micros: i64) -> Option<Millis> {
    let millis = (0..1_000_000).contains(&micros).then_some(micros / 1000)?;
    time_millis(i128::from(seconds) * 1000 + i128::from(millis)).ok()
}

/// Four bytes and zeros are an address of the older protocol.
fn ip(field: &[u8]) -> Option<IpAddr> {
    let (old, rest) = field.split_first_chunk::<4>()?;
    match (old, rest) {
        ([0, 0, 0, 0], rest) if rest.iter().all(|byte| *byte == 0) => None,
        (old, rest) if rest.iter().all(|byte| *byte == 0) => Some(IpAddr::from(*old)),
        _ => Some(Ipv6Addr::from(<[u8; 16]>::try_from(field).ok()?).to_canonical()),
    }
}
