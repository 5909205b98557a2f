//! Policies given to quotas at run time: one that decides instead of the quota's own, and one on trial beside it.

use super::{Param, Settings};
use crate::command::Actor;
use crate::event::{PolicyMode, PolicyRef};
use crate::{Millis, Seq};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A policy given to one quota at run time: it survives reloads, until it is rolled back, stopped, or the quota is
/// reset.
///
/// A quota has at most one that is active and one on trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The quota's name.
    pub quota: String,
    /// The policy's name.
    pub policy: Arc<str>,
    /// Its source.
    pub text: Arc<str>,
    /// Its params, where it is not the policy that the quota names; that one has the quota's.
    pub params: BTreeMap<String, Param>,
    /// Active, or on trial: as a shadow, or for a share of users.
    pub mode: PolicyMode,
    /// Its revision with the params in force.
    pub revision: [u8; 4],
    /// Whether it resolves the limit itself, by `fn limit()`.
    pub has_limit: bool,
    /// When it was given: seq,
    pub set_at: Seq,
    /// time,
    pub at: Millis,
    /// and by whom.
    pub by: Actor,
    /// Why, for operators.
    pub reason: Option<String>,
}

impl Assignment {
    /// Whether it decides for everybody.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.mode == PolicyMode::Active
    }

    /// Name and revision.
    #[must_use]
    pub fn policy_ref(&self) -> PolicyRef {
        PolicyRef { name: Arc::clone(&self.policy), revision: self.revision }
    }
}

impl Settings {
    /// The policy that was given to the quota of this name to decide.
    #[must_use]
    pub fn assigned(&self, quota: &str) -> Option<&Assignment> {
        self.assignments.iter().find(|one| one.quota == quota && one.is_active())
    }

    /// The policy on trial on the quota of this name.
    #[must_use]
    pub fn trial(&self, quota: &str) -> Option<&Assignment> {
        self.assignments.iter().find(|one| one.quota == quota && !one.is_active())
    }
}

/// Whether `user` is among the `share` of a hundred users for whom a policy on trial decides: the same users for one
/// name of a policy, and all of a smaller share in a greater one.
#[must_use]
pub fn is_in_share(policy: &str, user: &str, share: u8) -> bool {
    let mut hash = blake3::Hasher::new();
    hash.update(&(policy.len() as u64).to_le_bytes()).update(policy.as_bytes()).update(user.as_bytes());
    let mut first = [0; 8];
    first.iter_mut().zip(hash.finalize().as_bytes()).for_each(|(to, from)| *to = *from);
    u64::from_le_bytes(first) % 100 < u64::from(share)
}

#[cfg(test)]
mod tests {
    use super::is_in_share;

    #[test]
    fn a_share_is_about_as_large_as_it_says_and_grows_without_leaving_anybody_out() {
        let users: Vec<String> = (0..10_000).map(|n| format!("user-{n}")).collect();
        let within = |share| users.iter().filter(|user| is_in_share("p", user, share)).count();
        assert_eq!((within(0), within(100)), (0, users.len()));
        assert!((900..1100).contains(&within(10)), "{}", within(10));
        assert!(users.iter().all(|user| !is_in_share("p", user, 10) || is_in_share("p", user, 11)));
        let moved = users.iter().filter(|user| is_in_share("p", user, 50) != is_in_share("q", user, 50));
        assert!(moved.count() > 4000, "another policy is tried on other users");
    }
}
