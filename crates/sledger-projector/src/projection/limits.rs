//! How full users are: the fullest key classes a user, the one with the least room is shown.
//!
//! Only keys that belong to one user say how full that user is: those of
//! enabled hard quotas counted by user, alone or with more.

use super::Projection;
use super::rows::{NOWHERE, User, UserKey};
use crate::fullness::Fullness;
use sledger_core::config::{Dimension, Level};
use sledger_core::quota::Ready;
use sledger_core::{Limit, Seq};
use std::sync::Arc;

/// What must be known of a quota at each session.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kind {
    /// Counted by user alone: its keys are users.
    pub(super) own: bool,
    /// Counted by user, perhaps with more: a key belongs to one user.
    pub(super) by_user: bool,
    /// Whether it says how full a user is.
    watched: bool,
}

pub(super) fn kinds(ready: &Ready) -> Vec<Kind> {
    let kind = |quota: &sledger_core::config::Quota| {
        let by_user = quota.count_by.contains(&Dimension::User);
        Kind {
            own: quota.count_by == [Dimension::User],
            by_user,
            watched: by_user && quota.enabled && quota.level == Level::Hard,
        }
    };
    ready.quotas.iter().map(|ready| kind(&ready.quota)).collect()
}

/// All in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// The last event folded.
    pub seq: Seq,
    /// Live sessions.
    pub sessions: usize,
    /// Users with live sessions.
    pub users: usize,
    /// Users with an enabled hard quota at its limit.
    pub at_limit: usize,
    /// Users with one at or above the share asked for; those at the limit among them.
    pub near_limit: usize,
}

/// Users at the limit of one quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaTotals {
    /// The quota.
    pub quota: Arc<str>,
    /// Users with a key at its limit.
    pub at_limit: usize,
    /// Users with a key at or above the share asked for; those at the limit among them.
    pub near_limit: usize,
}

impl Projection {
    /// Sessions, users, and how many users are at `near` percent of a limit or at the limit itself.
    #[must_use]
    pub fn totals(&self, near: u32) -> Totals {
        let count = |is_in: &dyn Fn(Fullness) -> bool| {
            self.classes.fullest().filter(|(class, _)| is_in(*class)).map(|(_, users)| users.len()).sum()
        };
        Totals {
            seq: self.seq,
            sessions: self.session_count(),
            users: self.user_count(),
            at_limit: count(&Fullness::is_at_limit),
            near_limit: count(&|class| class.is_at_limit() || class.is_near(near)),
        }
    }

    /// The same for each enabled hard quota counted by user, in order. Looks at every user.
    #[must_use]
    pub fn quota_totals(&self, near: u32) -> Vec<QuotaTotals> {
        let mut found = vec![(0, 0); self.kinds.len()];
        for (_, user) in &self.users {
            for (index, totals) in found.iter_mut().enumerate().filter(|(index, _)| self.is_watched(*index)) {
                let most = self.keys_of(user).filter(|(quota, _)| usize::from(*quota) == index);
                let Some(most) = most.map(|(_, used)| used).max() else { continue };
                totals.0 += usize::from(most.is_at_limit());
                totals.1 += usize::from(most.is_at_limit() || most.is_near(near));
            }
        }
        let named = self.ready.quotas.iter().zip(found).zip(&self.kinds);
        named
            .filter(|(_, kind)| kind.watched)
            .map(|((quota, (at_limit, near_limit)), _)| QuotaTotals {
                quota: Arc::clone(&quota.name),
                at_limit,
                near_limit,
            })
            .collect()
    }

    pub(super) fn kind(&self, quota: u16) -> Kind {
        self.kinds.get(usize::from(quota)).copied().unwrap_or_default()
    }

    fn is_watched(&self, index: usize) -> bool {
        self.kinds.get(index).is_some_and(|kind| kind.watched)
    }

    /// The user's keys with how full they are.
    pub(super) fn keys_of<'a>(&'a self, user: &'a User) -> impl Iterator<Item = (u16, Fullness)> + 'a {
        let used = |key: &UserKey| match key.row {
            NOWHERE => key.used,
            row => self.keys.get(row as usize).map_or(key.used, |key| key.used),
        };
        user.keys.iter().map(move |key| (key.quota, used(key)))
    }

    /// How full the fullest of the user's keys is; without any, its sessions stand against no limit.
    pub(super) fn fullest(&self, user: &User) -> Fullness {
        let watched = self.keys_of(user).filter(|(quota, _)| self.kind(*quota).watched);
        let none = || Fullness { active: user.members.count(), limit: Limit::Unlimited };
        watched.map(|(_, used)| used).max().unwrap_or_else(none)
    }

    /// The quota with the least room left for the user, first in order where several have as little.
    pub(super) fn tightest(&self, user: &User) -> Option<(u16, Fullness)> {
        let watched = self.keys_of(user).filter(|(quota, _)| self.kind(*quota).watched);
        watched.min_by_key(|(quota, used)| (used.room().unwrap_or(u32::MAX), *quota))
    }

    /// Puts every user that the decision concerned into its class, and forgets those without sessions.
    pub(super) fn settle(&mut self) {
        let mut touched = std::mem::take(&mut self.touched);
        for slot in touched.drain(..) {
            self.settle_user(slot);
        }
        self.touched = touched;
    }

    fn settle_user(&mut self, slot: u32) {
        let Some(user) = self.users.get(slot as usize) else { return };
        let (class, place) = (user.class, user.place);
        if user.members.count() == 0 {
            self.leave(class, place);
            self.by_user.remove(self.hasher.of(&*user_name(&self.users, slot)), slot);
            self.users.try_remove(slot as usize);
            return;
        }
        let now = self.fullest(user);
        if place != NOWHERE && now == class {
            return;
        }
        self.leave(class, place);
        let place = self.classes.insert(now, slot);
        if let Some(user) = self.users.get_mut(slot as usize) {
            (user.class, user.place) = (now, place);
        }
    }

    fn leave(&mut self, class: Fullness, place: u32) {
        if place == NOWHERE {
            return;
        }
        let moved = self.classes.remove(class, place);
        if let Some(user) = moved.and_then(|user| self.users.get_mut(user as usize)) {
            user.place = place;
        }
    }
}

fn user_name(users: &slab::Slab<User>, slot: u32) -> Arc<str> {
    users.get(slot as usize).map_or_else(|| Arc::from(""), |user| Arc::clone(&user.name))
}
