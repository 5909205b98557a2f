//! How full users are, in integers only, and users grouped by it.
//!
//! There are few different pairs of count and limit, however many users there
//! are: users at or near a limit, and the fullest ones, are found by class.

use sledger_core::Limit;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Live sessions against their limit. Ordered by their ratio; a ban that still holds sessions comes last, no limit
/// first; then by count, so that the order is total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fullness {
    /// Live sessions.
    pub active: u32,
    /// How many there may be.
    pub limit: Limit,
}

impl Fullness {
    /// Whether there is no room left.
    #[must_use]
    pub const fn is_at_limit(self) -> bool {
        self.limit.is_exhausted_by(self.active)
    }

    /// Whether at least `percent` of the limit are in use.
    #[must_use]
    pub fn is_near(self, percent: u32) -> bool {
        match self.limit {
            Limit::Unlimited => false,
            Limit::Banned => true,
            Limit::Max(max) => u64::from(self.active) * 100 >= u64::from(percent) * u64::from(max.get()),
        }
    }

    /// How many more fit; `None` for any number.
    #[must_use]
    pub fn room(self) -> Option<u32> {
        match self.limit {
            Limit::Unlimited => None,
            Limit::Banned => Some(0),
            Limit::Max(max) => Some(max.get().saturating_sub(self.active)),
        }
    }

    const fn tier(self) -> u8 {
        match self.limit {
            Limit::Unlimited => 0,
            Limit::Max(_) => 1,
            Limit::Banned => 2,
        }
    }
}

impl Ord for Fullness {
    fn cmp(&self, other: &Self) -> Ordering {
        let number = |fullness: &Self| fullness.limit.number().map_or(1, u64::from);
        let ours = u64::from(self.active) * number(other);
        let theirs = u64::from(other.active) * number(self);
        self.tier().cmp(&other.tier()).then(ours.cmp(&theirs)).then(self.active.cmp(&other.active))
    }
}

impl PartialOrd for Fullness {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Slots of users by how full they are; a user knows its place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Classes(BTreeMap<Fullness, Vec<u32>>);

impl Classes {
    /// Puts a user in; its place.
    pub(crate) fn insert(&mut self, class: Fullness, user: u32) -> u32 {
        let users = self.0.entry(class).or_default();
        users.push(user);
        u32::try_from(users.len()).unwrap_or(u32::MAX).saturating_sub(1)
    }

    /// Takes out who stands at `place`; the user that stands there from now on, if any.
    pub(crate) fn remove(&mut self, class: Fullness, place: u32) -> Option<u32> {
        let users = self.0.get_mut(&class)?;
        let place = place as usize;
        if place < users.len() {
            users.swap_remove(place);
        }
        let moved = users.get(place).copied();
        if users.is_empty() {
            self.0.remove(&class);
        }
        moved
    }

    /// The classes, fullest first.
    pub(crate) fn fullest(&self) -> impl Iterator<Item = (Fullness, &[u32])> {
        self.0.iter().rev().map(|(class, users)| (*class, users.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(active: u32, limit: u32) -> Fullness {
        Fullness { active, limit: Limit::at_most(limit).unwrap_or(Limit::Banned) }
    }

    #[test]
    fn fullness_is_ordered_by_ratio_with_bans_last_and_no_limit_first() {
        let free = Fullness { active: 9_000, limit: Limit::Unlimited };
        let order = [free, of(1, 5), of(1, 2), of(2, 4), of(3, 4), of(5, 5), of(7, 5), of(1, 0)];
        assert!(order.is_sorted());
        assert!(order.windows(2).all(|pair| pair[0] != pair[1] && pair[0] < pair[1]));
    }

    #[test]
    fn near_is_a_percentage_in_integers() {
        assert!(of(4, 5).is_near(80));
        assert!(!of(79, 100).is_near(80));
        assert!(of(1, 0).is_near(100) && of(1, 0).is_at_limit());
        assert!(!Fullness { active: 1, limit: Limit::Unlimited }.is_near(0));
    }
}
