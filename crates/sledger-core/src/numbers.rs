//! Slots by session number, in the order of numbers: a sparse bitmap with what its bits stand for.
//!
//! Numbers are seqs, so those of live sessions lie close together, and a new
//! one comes last: it lands in a page that is at hand, where a hash table would
//! reach for memory far away. A page holds up to 512 numbers in 64 bytes of
//! bits, and one slot for each that is there.

use crate::Seq;
use std::collections::BTreeMap;

/// Numbers of a page, as a power of two.
const PAGE_BITS: u32 = 9;

/// Slots by number, in order.
#[derive(Clone, Debug, Default)]
pub struct NumberMap {
    pages: BTreeMap<u64, Page>,
    len: usize,
}

#[derive(Clone, Debug, Default)]
struct Page {
    bits: [u64; 8],
    /// In the order of bits.
    slots: Vec<u32>,
}

/// Page, word and bit of a number.
fn place(number: Seq) -> (u64, usize, u64) {
    let within = number.0 & ((1 << PAGE_BITS) - 1);
    let word = usize::try_from(within / 64).unwrap_or_default();
    (number.0 >> PAGE_BITS, word, 1 << (within % 64))
}

impl Page {
    fn has(&self, word: usize, bit: u64) -> bool {
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }

    /// How many bits stand before this one.
    fn rank(&self, word: usize, bit: u64) -> usize {
        let before = self.bits.iter().take(word).map(|word| word.count_ones()).sum::<u32>();
        let within = self.bits.get(word).map_or(0, |word| (word & (bit - 1)).count_ones());
        usize::try_from(before + within).unwrap_or_default()
    }

    fn flip(&mut self, word: usize, bit: u64) {
        if let Some(word) = self.bits.get_mut(word) {
            *word ^= bit;
        }
    }

    /// Its numbers within the page, with their slots.
    fn entries(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        let words = self.bits.iter().zip((0u64..).step_by(64)).filter(|(word, _)| **word != 0);
        let numbers = words.flat_map(|(word, start)| {
            (0u64..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| start + bit)
        });
        numbers.zip(self.slots.iter().copied())
    }
}

impl NumberMap {
    /// Notes the slot of a number; one that is there already keeps its slot.
    pub fn insert(&mut self, number: Seq, slot: u32) {
        let (page, word, bit) = place(number);
        let page = self.pages.entry(page).or_default();
        if page.has(word, bit) {
            return;
        }
        let rank = page.rank(word, bit).min(page.slots.len());
        page.slots.insert(rank, slot);
        page.flip(word, bit);
        self.len += 1;
    }

    /// Forgets a number.
    pub fn remove(&mut self, number: Seq) {
        let (at, word, bit) = place(number);
        let Some(page) = self.pages.get_mut(&at).filter(|page| page.has(word, bit)) else { return };
        let rank = page.rank(word, bit);
        if rank < page.slots.len() {
            page.slots.remove(rank);
        }
        page.flip(word, bit);
        self.len = self.len.saturating_sub(1);
        if page.slots.is_empty() {
            self.pages.remove(&at);
        }
    }

    /// The slot of a number.
    #[must_use]
    pub fn get(&self, number: Seq) -> Option<u32> {
        let (page, word, bit) = place(number);
        let page = self.pages.get(&page).filter(|page| page.has(word, bit))?;
        page.slots.get(page.rank(word, bit)).copied()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The numbers greater than `after`, in order, with their slots.
    pub fn after(&self, after: Seq) -> impl Iterator<Item = (Seq, u32)> + '_ {
        let pages = self.pages.range((after.0 >> PAGE_BITS)..);
        let all = pages.flat_map(|(page, entries)| {
            let start = page << PAGE_BITS;
            entries.entries().map(move |(within, slot)| (Seq(start + within), slot))
        });
        all.filter(move |(number, _)| *number > after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bitmap_is_the_map_it_stands_for() {
        let mut ours = NumberMap::default();
        let mut model = BTreeMap::new();
        for step in 0u32..6000 {
            let number = Seq(u64::from(step.wrapping_mul(2_654_435_761) % 5000));
            if step % 3 == 0 {
                ours.remove(number);
                model.remove(&number);
            } else {
                ours.insert(number, step);
                model.entry(number).or_insert(step);
            }
            assert_eq!(ours.len(), model.len());
            assert_eq!(ours.get(number), model.get(&number).copied());
        }
        for after in [0, 63, 64, 511, 512, 2600, 4999, 9000] {
            let expected: Vec<(Seq, u32)> = model.range(Seq(after + 1)..).map(|(n, s)| (*n, *s)).collect();
            assert_eq!(ours.after(Seq(after)).collect::<Vec<_>>(), expected);
        }
        for number in model.keys() {
            ours.remove(*number);
        }
        assert!(ours.pages.is_empty());
    }
}
