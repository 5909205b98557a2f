//! Limits after a change of settings that counts every session as before.

use super::Projection;
use super::rows::slot_of;
use sledger_core::config::{Override, Quota, Selector};
use sledger_core::quota::Ready;
use sledger_core::{Limit, Seq};
use std::collections::BTreeSet;

/// Whose limits may be others than before.
enum Whose {
    /// Those of these users, by name.
    Users(BTreeSet<String>),
    /// Anybody's.
    All,
}

impl Projection {
    /// Resolves limits anew where quotas say otherwise than in `before`.
    pub(super) fn limit_anew(&mut self, before: &Ready) {
        let both = before.quotas.iter().zip(&self.ready.quotas).zip(0u16..);
        let changed: Vec<(u16, Whose)> =
            both.filter_map(|((was, is), index)| Some((index, whose(&was.quota, &is.quota)?))).collect();
        for (quota, whose) in changed {
            for slot in self.slots_of(&whose) {
                self.limit_session(slot, quota);
            }
        }
    }

    /// The sessions concerned, in the order of their numbers: the newest resolves a shared key.
    fn slots_of(&mut self, whose: &Whose) -> Vec<u32> {
        match whose {
            Whose::All => {
                self.touched.extend(self.users.iter().map(|(slot, _)| slot_of(slot)));
                self.numbers.after(Seq(0)).map(|(_, slot)| slot).collect()
            }
            Whose::Users(names) => {
                let users: Vec<u32> = names.iter().filter_map(|name| self.find_user(name)).collect();
                self.touched.extend(&users);
                let users = users.iter().filter_map(|slot| self.users.get(*slot as usize));
                let mut slots: Vec<u32> = users.flat_map(|user| user.members.slots()).collect();
                slots.sort_unstable_by_key(|slot| self.rows.get(*slot as usize).map(|row| row.number));
                slots
            }
        }
    }

    fn limit_session(&mut self, slot: u32, quota: u16) {
        let Some(row) = self.rows.get(slot as usize) else { return };
        let Some(limit) = self.ready.quota(quota).map(|it| it.configured_limit(&row.facts, self.at).0) else {
            return;
        };
        let (user, keys): (u32, Vec<_>) = (row.user, row.keys().collect());
        for key in keys {
            match key.place() {
                Ok(own) if own == quota => self.limit_own(user, quota, limit),
                Ok(_) => {}
                Err(row) => {
                    if let Some(key) = self.keys.get_mut(row as usize).filter(|key| key.quota == quota) {
                        key.used.limit = limit;
                    }
                }
            }
        }
    }

    fn limit_own(&mut self, user: u32, quota: u16, limit: Limit) {
        let keys = self.users.get_mut(user as usize).map(|user| user.keys.iter_mut());
        for key in keys.into_iter().flatten().filter(|key| key.quota == quota) {
            key.used.limit = limit;
        }
    }
}

/// Whose limits may differ; `None` where nothing that resolves them changed.
fn whose(was: &Quota, is: &Quota) -> Option<Whose> {
    if was.max_sessions != is.max_sessions || was.level != is.level {
        return Some(Whose::All);
    }
    if was.overrides == is.overrides {
        return None;
    }
    let (gone, come) = differing(&was.overrides, &is.overrides);
    let name = |one: &Override| match &one.selector {
        Selector::User(user) => Some(user.clone()),
        Selector::Glob(_) | Selector::Group(_) => None,
    };
    Some(gone.iter().chain(come).map(name).collect::<Option<_>>().map_or(Whose::All, Whose::Users))
}

/// Both without what they begin and end with alike.
fn differing<'a>(was: &'a [Override], is: &'a [Override]) -> (&'a [Override], &'a [Override]) {
    let alike = was.iter().zip(is).take_while(|(was, is)| was == is).count();
    let (was, is) = (was.get(alike..).unwrap_or_default(), is.get(alike..).unwrap_or_default());
    let alike = was.iter().rev().zip(is.iter().rev()).take_while(|(was, is)| was == is).count();
    let without = |all: &'a [Override]| all.get(..all.len() - alike).unwrap_or_default();
    (without(was), without(is))
}
