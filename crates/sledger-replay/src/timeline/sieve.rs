//! Whether the bytes of a block may say something of somebody, before anything is decoded.
//!
//! Promise: no false no. Names, ids and addresses stand in a block as they are; sessions and users by number, as
//! bincode writes numbers; what changes settings is told by the kind of its command.

use memchr::memmem::Finder;
use sledger_core::Seq;
use sledger_log::Block;
use sledger_log::codec::{OpKind, op_kind};
use std::collections::BTreeSet;

/// For more sessions than these, looking for each is dearer than decoding.
const NUMBERS_MAX: usize = 16;

/// What is looked for.
pub(super) struct Sieve {
    text: Option<Finder<'static>>,
    numbers: Vec<Finder<'static>>,
    /// More numbers than are looked for: every block may matter.
    is_open: bool,
    /// Whether users are asked for, who may be cleared by number.
    clears: bool,
    settings: bool,
}

impl Sieve {
    /// Looks for a text, where there is one; for what clears a user, and for settings.
    pub(super) fn new(text: Option<&str>, clears: bool, settings: bool) -> Self {
        let text = text.map(|text| Finder::new(text.as_bytes()).into_owned());
        Self { text, numbers: Vec::new(), is_open: false, clears, settings }
    }

    /// Looks for these sessions from now on.
    pub(super) fn numbers(&mut self, numbers: &BTreeSet<Seq>) {
        self.is_open = numbers.len() > NUMBERS_MAX;
        let few = numbers.iter().take(if self.is_open { 0 } else { NUMBERS_MAX });
        self.numbers = few.map(|number| Finder::new(&written(number.0)).into_owned()).collect();
    }

    /// Whether a block may matter.
    pub(super) fn passes(&self, block: &Block) -> bool {
        let bytes = block.bytes();
        self.is_open
            || self.text.as_ref().is_some_and(|text| text.find(bytes).is_some())
            || self.numbers.iter().any(|number| number.find(bytes).is_some())
            // A session is numbered by its first event, which no byte of the block says.
            || ((self.clears || self.settings) && block.encoded().any(|encoded| self.is_kind(block, encoded)))
    }

    fn is_kind(&self, block: &Block, encoded: &[u8]) -> bool {
        match op_kind(block.header().format, block.header().codec, encoded) {
            Some(OpKind::Clear) => self.clears,
            Some(OpKind::Settings) => self.settings,
            Some(OpKind::Other) => false,
            // Whoever decodes it says what is wrong.
            None => true,
        }
    }
}

/// A number as it stands in a block.
fn written(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    match (u8::try_from(number), u16::try_from(number), u32::try_from(number)) {
        (Ok(small @ 0..=250), _, _) => bytes.push(small),
        (_, Ok(number), _) => {
            bytes.push(251);
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        (_, _, Ok(number)) => {
            bytes.push(252);
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        _ => {
            bytes.push(253);
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use sledger_core::codec;

    #[test]
    fn numbers_are_looked_for_as_they_are_written() {
        for number in [0, 1, 250, 251, 255, 256, 65_535, 65_536, 10_000_000, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(written(number), codec::encode(&Seq(number)), "{number}");
        }
    }
}
