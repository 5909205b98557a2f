//! Which snapshots stay for old times.
//!
//! Promise: the two newest stay. Of the older ones some stay, so that the state at an old time needs few events
//! folded: each at least [`APART_EVENTS`] behind the one before it. When they are too many, or take more than their
//! share of the disk, the distance doubles until they are not.

use sledger_core::Seq;

/// The newest so many are kept whatever they take.
pub(super) const NEWEST: usize = 2;
/// Events between two that are kept for old times: folding so many takes less than a second.
pub(super) const APART_EVENTS: u64 = 1_000_000;
/// So many are kept for old times at most.
const SPARSE_MAX: usize = 64;
/// All of them together take at most this part of what the volumes take.
const SHARE: u64 = 2;

/// A snapshot there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// Its seq.
    pub(super) seq: Seq,
    /// Length of its file.
    pub(super) bytes: u64,
}

/// Those that go, of all there are, newest first. `volumes_bytes`: what the log takes.
pub(super) fn superfluous(all: &[Kept], volumes_bytes: u64) -> Vec<Seq> {
    let old: Vec<Kept> = all.iter().skip(NEWEST).rev().copied().collect();
    let mut apart = APART_EVENTS;
    let mut stay = spaced(&old, apart);
    while is_too_much(&stay, volumes_bytes / SHARE) {
        apart = apart.saturating_mul(2);
        // Where doubling leaves as many, their number is what is too much.
        let fewer = spaced(&stay, apart);
        if fewer.len() == stay.len() {
            stay.remove(0);
        } else {
            stay = fewer;
        }
    }
    old.iter().filter(|one| !stay.contains(one)).map(|one| one.seq).collect()
}

fn is_too_much(stay: &[Kept], bytes_max: u64) -> bool {
    let bytes = stay.iter().fold(0, |sum: u64, one| sum.saturating_add(one.bytes));
    !stay.is_empty() && (stay.len() > SPARSE_MAX || bytes > bytes_max)
}

/// Oldest first: each at least `apart` behind the one before, the first behind the first event.
fn spaced(old: &[Kept], apart: u64) -> Vec<Kept> {
    let mut before = 0;
    let mut stay = Vec::new();
    for one in old {
        if one.seq.0.saturating_sub(before) >= apart {
            before = one.seq.0;
            stay.push(*one);
        }
    }
    stay
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLION: u64 = 1_000_000;

    /// What stays when one comes each million events, each so long, the log 20 bytes an event.
    fn lived(millions: u64, bytes: u64) -> Vec<u64> {
        let mut all: Vec<Kept> = Vec::new();
        for million in 1..=millions {
            all.insert(0, Kept { seq: Seq(million * MILLION), bytes });
            let gone = superfluous(&all, million * MILLION * 20);
            all.retain(|one| !gone.contains(&one.seq));
        }
        all.iter().rev().map(|one| one.seq.0 / MILLION).collect()
    }

    #[test]
    fn every_million_has_one_beside_the_two_newest() {
        assert_eq!(lived(10, 1_000), (1..=10).collect::<Vec<u64>>());
        assert_eq!(lived(1, 1_000), [1]);
    }

    #[test]
    fn they_never_take_more_than_their_share_and_lie_farther_apart_instead() {
        // Five of 20 MB are half of the log: there is room for five, and not for eight.
        assert_eq!(lived(10, 20 * MILLION), [2, 4, 6, 8, 9, 10]);
        let stay = lived(10, 40 * MILLION);
        assert!(stay.len() <= 4 && stay.ends_with(&[9, 10]), "{stay:?}");
        // One alone is too much.
        assert_eq!(lived(6, 200 * MILLION), [5, 6]);
    }

    #[test]
    fn their_number_is_bounded_in_a_log_of_any_length() {
        let stay = lived(600, 1);
        assert!(stay.len() <= SPARSE_MAX + NEWEST && stay.len() > SPARSE_MAX / 3, "{}", stay.len());
        let most = stay.windows(2).filter_map(|pair| Some(pair.last()? - pair.first()?)).max();
        assert!(most.is_some_and(|most| most <= 34), "{stay:?}");
    }

    #[test]
    fn small_ledgers_keep_the_two_newest_alone() {
        let all = [30, 20, 10].map(|seq| Kept { seq: Seq(seq), bytes: 1 });
        assert_eq!(superfluous(&all, u64::MAX), [Seq(10)]);
    }
}
