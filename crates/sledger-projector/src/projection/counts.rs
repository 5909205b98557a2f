//! Counting sessions under quota keys.
//!
//! The key of a quota counted by user alone is the user: it stands in the
//! user's row and has no text of its own. Every other key has a row.

use super::Projection;
use super::rows::{Key, KeyRef, NOWHERE, UserKey, slot_of};
use crate::fullness::Fullness;
use sledger_core::event::Counted;
use sledger_core::{Facts, Limit};
use smallvec::SmallVec;
use std::sync::Arc;

impl Projection {
    /// How many live sessions one key of a quota holds.
    #[must_use]
    pub fn key_count(&self, quota: u16, key: &str) -> u32 {
        let own =
            self.find_user(key).filter(|_| self.kind(quota).own).and_then(|user| self.own_key(user, quota));
        let own = own.map_or(0, |key| key.used.active);
        own.saturating_add(
            self.find_key(quota, key)
                .and_then(|key| self.keys.get(key as usize))
                .map_or(0, |key| key.used.active),
        )
    }

    /// Counts a session under the keys recorded with it.
    pub(super) fn count(&mut self, slot: u32, facts: &Facts, counted: &[Counted]) {
        if facts.is_sealed() {
            return self.count_sealed(slot, counted);
        }
        let mut keys: SmallVec<[KeyRef; 4]> = SmallVec::new();
        let user = self.rows.get(slot as usize).map_or(NOWHERE, |row| row.user);
        for run in counted.chunk_by(|a, b| a.quota == b.quota) {
            let Some(first) = run.first() else { continue };
            if self.kind(first.quota).own {
                keys.push(self.raise_own(user, first.quota, first.limit));
                continue;
            }
            let texts =
                self.ready.quota(first.quota).map(|quota| quota.keys_counting(facts)).unwrap_or_default();
            for (counted, text) in run.iter().zip(texts) {
                keys.push(self.raise(user, counted.quota, &text, counted.limit));
            }
        }
        self.set_keys(slot, &keys);
    }

    /// Keys whose text is sealed away are told apart by their number, as in the core.
    fn count_sealed(&mut self, slot: u32, counted: &[Counted]) {
        let user = self.rows.get(slot as usize).map_or(NOWHERE, |row| row.user);
        let mut keys: SmallVec<[KeyRef; 4]> = SmallVec::new();
        for counted in counted {
            let text = Arc::from(format!("\u{1f}key:{}", counted.key.0));
            keys.push(self.raise_any(user, counted.quota, &text, counted.limit));
        }
        self.set_keys(slot, &keys);
    }

    /// Counts a session by the settings in force.
    pub(super) fn count_as_configured(&mut self, slot: u32) {
        let Some(row) = self.rows.get(slot as usize) else { return };
        let (facts, user, ready) = (Arc::clone(&row.facts), row.user, Arc::clone(&self.ready));
        let mut keys: SmallVec<[KeyRef; 4]> = SmallVec::new();
        for (quota, index) in ready.quotas.iter().zip(0u16..) {
            for text in quota.keys_counting(&facts) {
                let limit = quota.configured_limit(&facts, self.at).0;
                keys.push(self.raise_any(user, index, &text, limit));
            }
        }
        self.set_keys(slot, &keys);
    }

    /// Counts every live session anew, in the order of their numbers.
    pub(super) fn recount(&mut self) {
        self.keys.clear();
        self.by_key.clear();
        for (slot, user) in &mut self.users {
            user.keys.clear();
            self.touched.push(slot_of(slot));
        }
        let slots: Vec<u32> = self.numbers.after(sledger_core::Seq(0)).map(|(_, slot)| slot).collect();
        for slot in slots {
            self.count_as_configured(slot);
        }
    }

    /// Takes a session out of all counts.
    pub(super) fn uncount(&mut self, slot: u32) {
        let Some(row) = self.rows.get(slot as usize) else { return };
        let (user, keys): (u32, SmallVec<[KeyRef; 4]>) = (row.user, row.keys().collect());
        for key in keys {
            match key.place() {
                Ok(quota) => self.lower_own(user, quota),
                Err(key) => self.lower(key),
            }
        }
    }

    fn set_keys(&mut self, slot: u32, keys: &[KeyRef]) {
        if let Some(row) = self.rows.get_mut(slot as usize) {
            row.set_keys(keys);
        }
    }

    fn raise_any(&mut self, user: u32, quota: u16, text: &Arc<str>, limit: Limit) -> KeyRef {
        let is_name = self.users.get(user as usize).is_some_and(|user| user.name == *text);
        if is_name && self.kind(quota).own {
            self.raise_own(user, quota, limit)
        } else {
            self.raise(user, quota, text, limit)
        }
    }

    fn raise_own(&mut self, user: u32, quota: u16, limit: Limit) -> KeyRef {
        if let Some(user) = self.users.get_mut(user as usize) {
            let known = user.keys.iter_mut().find(|key| key.quota == quota && key.row == NOWHERE);
            match known {
                Some(key) => key.used = Fullness { active: key.used.active.saturating_add(1), limit },
                None => user.keys.push(UserKey { quota, row: NOWHERE, used: Fullness { active: 1, limit } }),
            }
        }
        KeyRef::own(quota)
    }

    fn raise(&mut self, user: u32, quota: u16, text: &Arc<str>, limit: Limit) -> KeyRef {
        let slot = self.find_key(quota, text).unwrap_or_else(|| self.new_key(user, quota, text));
        if let Some(key) = self.keys.get_mut(slot as usize) {
            key.used = Fullness { active: key.used.active.saturating_add(1), limit };
        }
        KeyRef::row(slot)
    }

    fn new_key(&mut self, user: u32, quota: u16, text: &Arc<str>) -> u32 {
        let by_user = self.kind(quota).by_user;
        let used = Fullness { active: 0, limit: Limit::Unlimited };
        let key = Key { quota, text: Arc::clone(text), user: if by_user { user } else { NOWHERE }, used };
        let slot = slot_of(self.keys.insert(key));
        self.by_key.insert(self.hasher.of((quota, &**text)), slot);
        if let Some(user) = self.users.get_mut(user as usize).filter(|_| by_user) {
            user.keys.push(UserKey { quota, row: slot, used });
        }
        slot
    }

    fn lower_own(&mut self, user: u32, quota: u16) {
        let Some(user) = self.users.get_mut(user as usize) else { return };
        let is_it = |key: &UserKey| key.quota == quota && key.row == NOWHERE;
        if let Some(index) = user.keys.iter().position(is_it)
            && let Some(key) = user.keys.get_mut(index)
        {
            key.used.active = key.used.active.saturating_sub(1);
            if key.used.active == 0 {
                user.keys.swap_remove(index);
            }
        }
    }

    fn lower(&mut self, slot: u32) {
        let Some(key) = self.keys.get_mut(slot as usize) else { return };
        key.used.active = key.used.active.saturating_sub(1);
        if key.used.active > 0 {
            return;
        }
        if let Some(key) = self.keys.try_remove(slot as usize) {
            self.by_key.remove(self.hasher.of((key.quota, &*key.text)), slot);
            if let Some(user) = self.users.get_mut(key.user as usize) {
                user.keys.retain(|other| other.row != slot);
            }
        }
    }

    fn find_key(&self, quota: u16, text: &str) -> Option<u32> {
        let is_it = |slot: u32| {
            self.keys.get(slot as usize).is_some_and(|key| key.quota == quota && &*key.text == text)
        };
        self.by_key.find(self.hasher.of((quota, text)), is_it)
    }

    fn own_key(&self, user: u32, quota: u16) -> Option<&UserKey> {
        let user = self.users.get(user as usize)?;
        user.keys.iter().find(|key| key.quota == quota && key.row == NOWHERE)
    }
}
