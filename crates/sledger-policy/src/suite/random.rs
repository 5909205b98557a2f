//! Scenarios drawn from a seed: the same seed draws the same ones on every machine.

use super::{Old, World};
use sledger_core::{Limit, Millis, Span};
use std::net::IpAddr;

/// Numbers from a seed (splitmix64).
/// Source: <https://prng.di.unimi.it/splitmix64.c>
pub(super) struct Random(u64);

/// The words of a policy that a login can have: what it compares with.
pub(super) struct Words {
    addresses: Vec<String>,
    others: Vec<String>,
}

/// Bytes of a word that is taken over.
const WORD_BYTES_MAX: usize = 32;
/// Words taken over.
const WORDS_MAX: usize = 64;
const DAY: u64 = 86_400;

impl Words {
    /// Those between quotes, one line at a time, so that a stray quote spoils one line only.
    pub(super) fn of(source: &str) -> Self {
        let mut words = Self { addresses: Vec::new(), others: Vec::new() };
        let quoted = source.lines().flat_map(|line| line.split('"').skip(1).step_by(2));
        for word in quoted.filter(|word| is_word(word)).take(WORDS_MAX) {
            let address = word.split('/').next().unwrap_or(word);
            if address.parse::<IpAddr>().is_ok() {
                words.addresses.push(address.to_owned());
            } else {
                words.others.push(word.to_owned());
            }
        }
        words
    }
}

fn is_word(word: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:/-".contains(&byte);
    (1..=WORD_BYTES_MAX).contains(&word.len()) && word.bytes().all(is_plain)
}

impl Random {
    /// The numbers of one run.
    pub(super) fn new(seed: u64, run: u32) -> Self {
        let mut random = Self(seed ^ u64::from(run).wrapping_mul(0xd1b5_4a32_d192_ed03));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// True once in `times`.
    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn one_of(&mut self, words: &[String]) -> Option<String> {
        let index = self.below(words.len() as u64);
        usize::try_from(index).ok().and_then(|index| words.get(index)).cloned()
    }

    /// A full key: as many sessions as the limit, or up to four more.
    pub(super) fn world(&mut self, base: &World, words: &Words) -> World {
        let limit = 1 + self.below(6);
        let mut world = World {
            limit: u32::try_from(limit).ok().and_then(Limit::at_most).unwrap_or(base.limit),
            // Some minute of the week after.
            now: Millis(base.now.0.saturating_add(self.below(7 * 24 * 60) * 60_000)),
            ..base.clone()
        };
        self.newcomer(&mut world, words);
        let more = if self.once_in(2) { 0 } else { self.below(5) };
        world.sessions = (0..limit + more).map(|i| self.old(&world, words, i)).collect();
        world
    }

    fn newcomer(&mut self, world: &mut World, words: &Words) {
        let groups: Vec<String> = words.others.iter().filter(|_| self.once_in(3)).take(8).cloned().collect();
        let login = &mut world.newcomer;
        login.groups.extend(groups);
        login.groups.dedup();
        login.ip = self.ip(words);
        login.client = self.word(words, "web");
        login.source = self.word(words, "vpn");
        login.attributes = self.attributes(words);
        login.user_attributes = self.attributes(words);
    }

    fn old(&mut self, world: &World, words: &Words, index: u64) -> Old {
        let mut old = world.old(&format!("s{index}"));
        // Some begin together: orders are told apart by the number then.
        old.age = if self.once_in(4) { 3600 } else { self.below(2 * DAY) };
        old.idle = if self.once_in(4) { 0 } else { self.below(old.age + 1) };
        old.retained = self.once_in(4);
        let login = &mut old.login;
        if self.once_in(4) {
            login.user = Some(if self.once_in(2) { "bob" } else { "cleo" }.to_owned());
        }
        login.ttl = (!self.once_in(3)).then(|| Span::seconds(old.age + 1 + self.below(DAY)));
        login.ip = self.ip(words);
        login.client = self.word(words, "web");
        login.source = self.word(words, "vpn");
        login.attributes = self.attributes(words);
        old
    }

    fn ip(&mut self, words: &Words) -> Option<String> {
        match self.below(4) {
            0 => None,
            1 if !words.addresses.is_empty() => self.one_of(&words.addresses),
            2 => Some(format!("2001:db8::{}", self.below(4))),
            _ => Some(format!("10.0.0.{}", self.below(5))),
        }
    }

    fn word(&mut self, words: &Words, usual: &str) -> Option<String> {
        match self.below(4) {
            0 => None,
            1 | 2 => self.one_of(&words.others).or_else(|| Some(usual.to_owned())),
            _ => Some(usual.to_owned()),
        }
    }

    fn attributes(&mut self, words: &Words) -> Vec<(String, String)> {
        let mut attributes: Vec<(String, String)> = Vec::new();
        for _ in 0..self.below(4) {
            let (Some(key), Some(value)) = (self.one_of(&words.others), self.one_of(&words.others)) else {
                break;
            };
            if !attributes.iter().any(|(known, _)| *known == key) {
                attributes.push((key, value));
            }
        }
        attributes
    }
}
