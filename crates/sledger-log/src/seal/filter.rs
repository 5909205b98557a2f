//! Which users and sessions a frame mentions, or a whole volume of format 1: Bloom filters.
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
use sledger_core::Seq;

/// No filter of a whole volume is longer: eight bytes of flags and four mebibytes of bits.
pub(crate) const FILTER_BYTES_MAX: usize = 8 + BITS_MAX / 8;
/// No filter of a frame is longer.
pub(crate) const FRAME_FILTER_BYTES_MAX: usize = 12 + FRAME_BITS_MAX / 8;

const BITS_MAX: usize = 32 * 1024 * 1024;
const FRAME_BITS_MAX: usize = 1024 * 1024;
const BITS_PER_MENTION: usize = 10;
const PROBES: u32 = 7;
const PROBES_MAX: u32 = 32;
const FLAG_NAMES_SEALED: u32 = 1;
/// Of format 1: whether settings change is not said.
const FLAG_SETTINGS_UNKNOWN: u32 = 1 << 31;

/// One filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    flags: u32,
    probes: u32,
    words: Vec<u64>,
}

/// The filters of one volume.
#[derive(Clone, Debug)]
pub(crate) enum Filters {
    /// One for all of it.
    Whole(Filter),
    /// One for each frame, in order, and the last event of each.
    Frames { filters: Vec<Filter>, lasts: Vec<Seq> },
}

impl Filters {
    /// Whether the volume may mention it; `false` is certain.
    pub(crate) fn may_hold(&self, mention: Mention<'_>) -> bool {
        match self {
            Self::Whole(filter) => filter.may_hold(mention),
            Self::Frames { filters, .. } => filters.iter().any(|filter| filter.may_hold(mention)),
        }
    }

    /// The filter for the frame that holds an event.
    pub(crate) fn of(&self, seq: Seq) -> Option<&Filter> {
        match self {
            Self::Whole(filter) => Some(filter),
            Self::Frames { filters, lasts } => filters.get(lasts.partition_point(|last| *last < seq)),
        }
    }
}

impl Filter {
    fn with_bits(bits: usize) -> Self {
        Self { flags: 0, probes: PROBES, words: vec![0; bits.div_ceil(64)] }
    }

    /// Whether it may be mentioned; `false` is certain.
    pub(crate) fn may_hold(&self, mention: Mention<'_>) -> bool {
        if mention == Mention::Settings && self.flags & FLAG_SETTINGS_UNKNOWN != 0 {
            return true;
        }
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

    /// The filter of a frame as it lies in the file.
    pub(crate) fn put(&self, to: &mut Vec<u8>) {
        // INVARIANT: a filter has at most as many bits as a frame may have.
        let words = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        for number in [self.flags, self.probes, words] {
            to.extend_from_slice(&number.to_le_bytes());
        }
        self.words.iter().for_each(|word| to.extend_from_slice(&word.to_le_bytes()));
    }

    /// Reads the filter of a volume of format 1.
    pub(crate) fn parse_whole(mut bytes: &[u8]) -> Result<Self, SealedFault> {
        let head = take(&mut bytes).zip(take(&mut bytes));
        let (flags, probes) = head.ok_or(out("length"))?;
        if bytes.len() > BITS_MAX / 8 {
            return Err(out("length"));
        }
        let flags = u32::from_le_bytes(flags) | FLAG_SETTINGS_UNKNOWN;
        Self::of(flags, u32::from_le_bytes(probes), bytes)
    }

    /// Reads the filters of so many frames, which fill `bytes`.
    pub(crate) fn parse_each(mut bytes: &[u8], count: usize) -> Result<Vec<Self>, SealedFault> {
        let mut filters = Vec::new();
        for _ in 0..count {
            let mut number = || take(&mut bytes).map(u32::from_le_bytes).ok_or(out("length"));
            let (flags, probes, words) = (number()?, number()?, number()? as usize);
            let words_max = FRAME_BITS_MAX / 64;
            let (here, rest) = Some(words)
                .filter(|words| *words <= words_max)
                .and_then(|words| bytes.split_at_checked(words * 8))
                .ok_or(out("length"))?;
            bytes = rest;
            filters.push(Self::of(flags & !FLAG_SETTINGS_UNKNOWN, probes, here)?);
        }
        if bytes.is_empty() { Ok(filters) } else { Err(out("length")) }
    }

    fn of(flags: u32, probes: u32, bytes: &[u8]) -> Result<Self, SealedFault> {
        if !(1..=PROBES_MAX).contains(&probes) {
            return Err(out("bits of a mention"));
        }
        let (words, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(out("length"));
        }
        Ok(Self { flags, probes, words: words.iter().map(|word| u64::from_le_bytes(*word)).collect() })
    }
}

const fn out(field: &'static str) -> SealedFault {
    SealedFault::Bounds { part: "filter", field }
}

fn hash(mention: Mention<'_>) -> u64 {
    let mut hasher = blake3::Hasher::new();
    match mention {
        Mention::Name(name) => hasher.update(b"n").update(name.as_bytes()),
        Mention::User(user) => hasher.update(b"u").update(&user.0.to_le_bytes()),
        Mention::Session(session) => hasher.update(b"s").update(&session.0.to_le_bytes()),
        Mention::SealedName => hasher.update(b"-"),
        Mention::Settings => hasher.update(b"c"),
    };
    let hash = hasher.finalize();
    u64::from_le_bytes(*hash.as_bytes().first_chunk().expect("a hash has 32 bytes"))
}

/// The bits of a hash.
fn steps(hash: u64, probes: u32, bits: u64) -> impl Iterator<Item = u64> {
    let step = hash.rotate_left(32) | 1;
    (0..u64::from(probes)).map(move |n| hash.wrapping_add(step.wrapping_mul(n)) % bits.max(1))
}

/// Collects the mentions of a frame. A frame is bounded, and so is what it can mention.
#[derive(Debug, Default)]
pub(crate) struct FilterBuilder {
    held: Vec<u64>,
    names_sealed: bool,
}

impl FilterBuilder {
    /// Notes one mention.
    pub(crate) fn note(&mut self, mention: Mention<'_>) {
        if mention == Mention::SealedName {
            self.names_sealed = true;
            return;
        }
        self.held.push(hash(mention));
    }

    /// The filter over all that was noted since the last one.
    pub(crate) fn finish(&mut self) -> Filter {
        self.held.sort_unstable();
        self.held.dedup();
        let mut filter = Filter::with_bits((self.held.len() * BITS_PER_MENTION).min(FRAME_BITS_MAX));
        self.held.drain(..).for_each(|hash| filter.set(hash));
        if std::mem::take(&mut self.names_sealed) {
            filter.flags |= FLAG_NAMES_SEALED;
        }
        filter
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sledger_core::UserNo;

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

    fn each(filters: &[&Filter]) -> Result<Vec<Filter>, SealedFault> {
        let mut bytes = Vec::new();
        for filter in filters {
            filter.put(&mut bytes);
        }
        Filter::parse_each(&bytes, filters.len())
    }

    proptest! {
        #[test]
        fn what_was_mentioned_is_found_also_after_its_bytes(
            names in prop::collection::vec(".{0,20}", 0..200),
            numbers in prop::collection::vec(any::<u64>(), 0..200),
        ) {
            let filter = build(&names, &numbers);
            let read = each(&[&filter]).unwrap().remove(0);
            prop_assert_eq!(&read, &filter);
            prop_assert!(names.iter().all(|name| read.may_hold(Mention::Name(name))));
            prop_assert!(numbers.iter().all(|number| read.may_hold(Mention::User(UserNo(*number)))));
        }

        #[test]
        fn any_bytes_are_a_filter_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(filter) = Filter::parse_whole(&bytes) {
                filter.may_hold(Mention::Name("ann"));
                prop_assert!(filter.may_hold(Mention::Settings));
            }
            for filter in Filter::parse_each(&bytes, 2).into_iter().flatten() {
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
    fn each_frame_has_its_own_and_they_fill_their_part() {
        let (ann, bob) = (build(&["ann".to_owned()], &[]), build(&["bob".to_owned()], &[7]));
        let read = each(&[&ann, &bob]).unwrap();
        let found = |name| read.iter().map(|one| one.may_hold(Mention::Name(name))).collect::<Vec<_>>();
        assert_eq!((found("ann"), found("bob")), (vec![true, false], vec![false, true]));
        let mut bytes = Vec::new();
        ann.put(&mut bytes);
        assert!(Filter::parse_each(&bytes, 2).is_err(), "one is missing");
        bytes.push(0);
        assert!(Filter::parse_each(&bytes, 1).is_err(), "there is more");
        let filters = Filters::Frames { filters: read, lasts: vec![Seq(10), Seq(20)] };
        let of = |seq| filters.of(Seq(seq)).map(|one| one.may_hold(Mention::Name("bob")));
        assert_eq!(
            [of(1), of(10), of(11), of(20), of(21)],
            [Some(false), Some(false), Some(true), Some(true), None]
        );
    }
}
