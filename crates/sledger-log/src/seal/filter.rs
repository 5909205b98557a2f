//! Which users and sessions a volume mentions: a Bloom filter.
//!
//! Each mention sets [`PROBES`] bits, at ten bits a mention: about one in a
//! hundred that were never mentioned is found all the same. A mention is hashed
//! by BLAKE3 over its kind and its bytes; the first bit is that hash modulo the
//! number of bits, each next one a step on that follows from the hash.
//!
//! Invariant: what was mentioned is found. Names that are sealed cannot be
//! hashed; then no name is ever said to be absent.

use super::SealedFault;
use crate::block::take;
use crate::mentions::Mention;

/// No filter is longer: eight bytes of flags and four mebibytes of bits.
pub(crate) const FILTER_BYTES_MAX: usize = 8 + BITS_MAX / 8;

const BITS_MAX: usize = 32 * 1024 * 1024;
const BITS_PER_MENTION: usize = 10;
const PROBES: u32 = 7;
const PROBES_MAX: u32 = 32;
/// Hashes held while sealing; beyond it they go into a filter of the largest size at once.
const HELD_MAX: usize = 4 * 1024 * 1024;
const FLAG_NAMES_SEALED: u32 = 1;

/// The filter of one volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    flags: u32,
    probes: u32,
    words: Vec<u64>,
}

impl Filter {
    fn with_bits(bits: usize) -> Self {
        Self { flags: 0, probes: PROBES, words: vec![0; bits.div_ceil(64)] }
    }

    /// Whether the volume may mention it; `false` is certain.
    pub(crate) fn may_hold(&self, mention: Mention<'_>) -> bool {
        let is_name = matches!(mention, Mention::Name(_) | Mention::SealedName);
        if is_name && self.flags & FLAG_NAMES_SEALED != 0 {
            return true;
        }
        let bits = self.words.len() as u64 * 64;
        bits > 0 && steps(hash(mention), self.probes, bits).all(|bit| self.is_set(bit))
    }

    fn is_set(&self, bit: u64) -> bool {
        let word = usize::try_from(bit / 64).ok().and_then(|word| self.words.get(word));
        word.is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    fn set(&mut self, hash: u64) {
        let bits = self.words.len() as u64 * 64;
        for bit in steps(hash, self.probes, bits) {
            let word = usize::try_from(bit / 64).ok().and_then(|word| self.words.get_mut(word));
            if let Some(word) = word {
                *word |= 1 << (bit % 64);
            }
        }
    }

    /// The filter as it lies in the file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + self.words.len() * 8);
        bytes.extend_from_slice(&self.flags.to_le_bytes());
        bytes.extend_from_slice(&self.probes.to_le_bytes());
        self.words.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
        bytes
    }

    /// Reads a filter.
    pub(crate) fn parse(mut bytes: &[u8]) -> Result<Self, SealedFault> {
        let out = |field| SealedFault::Bounds { part: "filter", field };
        let head = take(&mut bytes).zip(take(&mut bytes));
        let (flags, probes) = head.ok_or(out("length"))?;
        let (flags, probes) = (u32::from_le_bytes(flags), u32::from_le_bytes(probes));
        if !(1..=PROBES_MAX).contains(&probes) {
            return Err(out("bits of a mention"));
        }
        let (words, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() || bytes.len() > BITS_MAX / 8 {
            return Err(out("length"));
        }
        Ok(Self { flags, probes, words: words.iter().map(|word| u64::from_le_bytes(*word)).collect() })
    }
}

fn hash(mention: Mention<'_>) -> u64 {
    let mut hasher = blake3::Hasher::new();
    match mention {
        Mention::Name(name) => hasher.update(b"n").update(name.as_bytes()),
        Mention::User(user) => hasher.update(b"u").update(&user.0.to_le_bytes()),
        Mention::Session(session) => hasher.update(b"s").update(&session.0.to_le_bytes()),
        Mention::SealedName => hasher.update(b"-"),
    };
    let hash = hasher.finalize();
    u64::from_le_bytes(*hash.as_bytes().first_chunk().expect("a hash has 32 bytes"))
}

/// The bits of a hash.
fn steps(hash: u64, probes: u32, bits: u64) -> impl Iterator<Item = u64> {
    let step = hash.rotate_left(32) | 1;
    (0..u64::from(probes)).map(move |n| hash.wrapping_add(step.wrapping_mul(n)) % bits.max(1))
}

/// Collects the mentions of a volume.
#[derive(Debug)]
pub(crate) struct FilterBuilder {
    held: Vec<u64>,
    held_max: usize,
    full: Option<Filter>,
    names_sealed: bool,
}

impl Default for FilterBuilder {
    fn default() -> Self {
        Self { held: Vec::new(), held_max: HELD_MAX, full: None, names_sealed: false }
    }
}

impl FilterBuilder {
    /// Notes one mention.
    pub(crate) fn note(&mut self, mention: Mention<'_>) {
        if mention == Mention::SealedName {
            self.names_sealed = true;
            return;
        }
        let hash = hash(mention);
        match &mut self.full {
            Some(filter) => filter.set(hash),
            None => self.hold(hash),
        }
    }

    fn hold(&mut self, hash: u64) {
        self.held.push(hash);
        if self.held.len() < self.held_max {
            return;
        }
        self.held.sort_unstable();
        self.held.dedup();
        if self.held.len() > self.held_max / 2 {
            let mut filter = Filter::with_bits(BITS_MAX);
            self.held.drain(..).for_each(|hash| filter.set(hash));
            self.full = Some(filter);
        }
    }

    /// The filter over all that was noted.
    pub(crate) fn finish(mut self) -> Filter {
        let mut filter = self.full.take().unwrap_or_else(|| {
            self.held.sort_unstable();
            self.held.dedup();
            let mut filter = Filter::with_bits((self.held.len() * BITS_PER_MENTION).min(BITS_MAX));
            self.held.iter().for_each(|hash| filter.set(*hash));
            filter
        });
        if self.names_sealed {
            filter.flags |= FLAG_NAMES_SEALED;
        }
        filter
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sledger_core::{Seq, UserNo};

    fn build(names: &[String], numbers: &[u64]) -> Filter {
        let mut builder = FilterBuilder::default();
        for name in names {
            builder.note(Mention::Name(name));
        }
        for number in numbers {
            builder.note(Mention::User(UserNo(*number)));
        }
        builder.finish()
    }

    proptest! {
        #[test]
        fn what_was_mentioned_is_found_also_after_its_bytes(
            names in prop::collection::vec(".{0,20}", 0..200),
            numbers in prop::collection::vec(any::<u64>(), 0..200),
        ) {
            let filter = build(&names, &numbers);
            let read = Filter::parse(&filter.to_bytes()).unwrap();
            prop_assert_eq!(&read, &filter);
            prop_assert!(names.iter().all(|name| read.may_hold(Mention::Name(name))));
            prop_assert!(numbers.iter().all(|number| read.may_hold(Mention::User(UserNo(*number)))));
        }

        #[test]
        fn any_bytes_are_a_filter_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(filter) = Filter::parse(&bytes) {
                filter.may_hold(Mention::Name("ann"));
            }
        }
    }

    #[test]
    fn few_that_were_never_mentioned_are_found() {
        let numbers: Vec<u64> = (0..10_000).collect();
        let filter = build(&[], &numbers);
        let found = (0..10_000).filter(|no| filter.may_hold(Mention::Session(Seq(*no)))).count();
        assert!(found < 200, "{found} of 10000");
        assert!(!build(&[], &[]).may_hold(Mention::Name("ann")));
    }

    #[test]
    fn sealed_name_makes_every_name_possible_but_no_number() {
        let mut builder = FilterBuilder::default();
        builder.note(Mention::SealedName);
        let filter = builder.finish();
        assert!(filter.may_hold(Mention::Name("ann")) && filter.may_hold(Mention::SealedName));
        assert!(!filter.may_hold(Mention::User(UserNo(1))));
    }

    #[test]
    fn more_mentions_than_are_held_are_found_all_the_same() {
        let mut builder = FilterBuilder { held_max: 1_000, ..FilterBuilder::default() };
        let count = 5_000;
        (0..count).for_each(|no| builder.note(Mention::Session(Seq(no))));
        let filter = builder.finish();
        assert_eq!(filter.to_bytes().len(), FILTER_BYTES_MAX);
        assert!((0..count).step_by(7).all(|no| filter.may_hold(Mention::Session(Seq(no)))));
    }
}
