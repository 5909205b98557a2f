//! What was set while the ledger ran: it stands beside what the file says, and survives every reload.
//!
//! Overrides set at run time are kept with their quota ([`Override::set_at`](super::Override::set_at)).
//! A tag is the same as long as what it tags is: a caller who read one tag writes only over what he read.

use super::{Quota, Settings};
use crate::{Millis, Seq, codec};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// First 8 bytes of the BLAKE3 hash of what is tagged.
pub type Tag = [u8; 8];

/// A quota switched on or off at run time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// The quota's name.
    pub quota: String,
    /// On or off.
    pub enabled: bool,
    /// From then on it is over (equality included); `None` for ever.
    pub until: Option<Millis>,
    /// The switch without an end that holds again then; `None` for what the quota itself says.
    pub afterwards: Option<bool>,
    /// When it was set.
    pub set_at: Seq,
    /// Why, for operators.
    pub reason: Option<String>,
}

/// A user put into a group, or taken out, at run time: before what `[[group]]` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The group.
    pub group: String,
    /// The user key.
    pub user: String,
    /// In or out.
    pub member: bool,
    /// When it was set.
    pub set_at: Seq,
}

impl Settings {
    /// The quota of this name, as it is configured.
    #[must_use]
    pub fn quota(&self, name: &str) -> Option<&Arc<Quota>> {
        self.quotas.iter().find(|quota| quota.name == name)
    }

    /// The switch of the quota of this name.
    #[must_use]
    pub fn switch(&self, name: &str) -> Option<&Switch> {
        self.switches.iter().find(|switch| switch.quota == name)
    }

    /// The quota as it is in force: switched as it was set at run time.
    #[must_use]
    pub fn in_force(&self, quota: &Arc<Quota>) -> Arc<Quota> {
        match self.switch(&quota.name) {
            Some(switch) if switch.enabled != quota.enabled => {
                Arc::new(Quota { enabled: switch.enabled, ..Quota::clone(quota) })
            }
            _ => Arc::clone(quota),
        }
    }

    /// Whether a user was put into `group` at run time, or taken out; `None` where nothing was set.
    #[must_use]
    pub fn membership(&self, group: &str, user: &str) -> Option<&Membership> {
        self.members.iter().find(|one| one.group == group && one.user == user)
    }

    /// Forgets switches and policies of quotas that there are no longer.
    pub(crate) fn forget_gone(&mut self) {
        let quotas = &self.quotas;
        self.switches.retain(|switch| quotas.iter().any(|quota| quota.name == switch.quota));
        self.assignments.retain(|one| quotas.iter().any(|quota| quota.name == one.quota));
    }

    /// The tag of a quota with everything set for it at run time; `None` where there is none.
    #[must_use]
    pub fn quota_tag(&self, name: &str) -> Option<Tag> {
        self.quota(name).map(|quota| tag(&(quota, self.switch(name), self.assigned(name), self.trial(name))))
    }

    /// The tag of a group's members; also for a group that there is not yet.
    #[must_use]
    pub fn group_tag(&self, name: &str) -> Tag {
        let ruled: Vec<_> = self.groups.iter().filter(|rule| rule.name == name).collect();
        let set: Vec<_> = self.members.iter().filter(|one| one.group == name).collect();
        tag(&(ruled, set))
    }

    /// When something set at run time is over by itself, and has not been taken out yet.
    #[must_use]
    pub fn next_end(&self) -> Option<Millis> {
        let overrides = self.quotas.iter().flat_map(|quota| quota.overrides.iter());
        let overrides = overrides.filter(|one| one.set_at.is_some()).filter_map(|one| one.until);
        self.switches.iter().filter_map(|switch| switch.until).chain(overrides).min()
    }
}

fn tag<T: Serialize>(value: &T) -> Tag {
    let hash = blake3::hash(&codec::encode(value));
    let mut tag = Tag::default();
    tag.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
    tag
}
