//! The policies the model knows, written out natively: the shipped ones that it
//! needs, and a few short scripts that recordings install.

use super::facts::Session;
use super::values::Limit;
use std::collections::BTreeMap;

/// What a policy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    DenyAccess,
    DestroyNextExpiring,
    DestroyOldest,
    DestroyLeastTimeLeft,
    DestroyMostIdle,
    DestroyAllOthers,
    OldestOneByOne,
    NewestOneByOne,
    OldestWhileMany,
    AllowAlways,
    DenyAboveTwo,
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Allow,
    Deny,
    /// Numbers of sessions, in the order in which they go.
    Evict(Vec<u64>),
    Fail,
}

/// Evicts one at a time, so it is asked again after a limit was lowered by more.
pub const OLDEST_ONE_BY_ONE: &str = "fn on_exhausted() { evict(sessions.oldest()) }\n";
/// The same from the other end.
pub const NEWEST_ONE_BY_ONE: &str = "fn on_exhausted() { evict(sessions.newest()) }\n";
/// Evicts while there are more than two sessions, then fails for want of a victim.
pub const OLDEST_WHILE_MANY: &str = "fn on_exhausted() {\n    if sessions.count > 2 { return evict(sessions.oldest()); }\n    evict(sessions.of_client(\"nobody\"))\n}\n";
/// Passes a soft quota, fails under a hard one.
pub const ALLOW_ALWAYS: &str = "fn on_exhausted() { allow(\"as you like\") }\n";
/// Sets a limit of its own.
pub const DENY_ABOVE_TWO: &str = "fn limit() { 2 }\nfn on_exhausted() { deny(\"two are enough\") }\n";
/// Does not parse.
pub const BROKEN: &str = "fn on_exhausted( { deny(\"no\") }\n";

/// What an installed text does; `None` when it is refused.
///
/// # Errors
/// When the model does not know the text.
pub(super) fn of_text(text: &str) -> Result<Option<Policy>, String> {
    match text {
        OLDEST_ONE_BY_ONE => Ok(Some(Policy::OldestOneByOne)),
        NEWEST_ONE_BY_ONE => Ok(Some(Policy::NewestOneByOne)),
        OLDEST_WHILE_MANY => Ok(Some(Policy::OldestWhileMany)),
        ALLOW_ALWAYS => Ok(Some(Policy::AllowAlways)),
        DENY_ABOVE_TWO => Ok(Some(Policy::DenyAboveTwo)),
        BROKEN => Ok(None),
        other => Err(format!("the model has no native form of the policy `{}`", other.escape_debug())),
    }
}

/// The policies that can be named, by name.
#[derive(Clone, Debug)]
pub(super) struct Policies(BTreeMap<String, Policy>);

impl Default for Policies {
    fn default() -> Self {
        let shipped = [
            ("deny_access", Policy::DenyAccess),
            ("destroy_next_expiring", Policy::DestroyNextExpiring),
            ("destroy_oldest", Policy::DestroyOldest),
            ("destroy_least_time_left", Policy::DestroyLeastTimeLeft),
            ("destroy_most_idle", Policy::DestroyMostIdle),
            ("destroy_all_others", Policy::DestroyAllOthers),
        ];
        Self(shipped.into_iter().map(|(name, policy)| (name.to_owned(), policy)).collect())
    }
}

impl Policies {
    pub(super) fn get(&self, name: &str) -> Option<Policy> {
        self.0.get(name).copied()
    }

    pub(super) fn install(&mut self, name: &str, policy: Policy) {
        self.0.insert(name.to_owned(), policy);
    }
}

impl Policy {
    /// What its `limit()` says, where it has one.
    pub(super) fn limit(self) -> Option<Limit> {
        (self == Self::DenyAboveTwo).then_some(Limit::Max(2))
    }

    /// What it answers when shown `sessions`, of which `excess` must go.
    pub(super) fn answer(self, sessions: &[Session], excess: usize) -> Reply {
        let first = |count: usize, order: fn(&Session) -> (u64, u64)| {
            let mut sorted: Vec<&Session> = sessions.iter().collect();
            sorted.sort_by_key(|session| order(session));
            evict(sorted.into_iter().take(count))
        };
        match self {
            Self::DenyAccess | Self::DenyAboveTwo => Reply::Deny,
            Self::AllowAlways => Reply::Allow,
            Self::DestroyNextExpiring => first(excess, |session| (session.deadline(), session.number)),
            Self::DestroyOldest => first(excess, Session::age_order),
            Self::DestroyLeastTimeLeft => {
                first(excess, |session| (session.absolute_deadline(), session.number))
            }
            Self::DestroyMostIdle => first(excess, |session| (session.last_active, session.number)),
            Self::DestroyAllOthers => first(sessions.len(), Session::age_order),
            Self::OldestOneByOne => first(1, Session::age_order),
            Self::NewestOneByOne => {
                evict(sessions.iter().max_by_key(|session| session.age_order()).into_iter())
            }
            Self::OldestWhileMany if sessions.len() > 2 => first(1, Session::age_order),
            Self::OldestWhileMany => Reply::Fail,
        }
    }
}

/// Nobody to evict is a failure.
fn evict<'a>(victims: impl Iterator<Item = &'a Session>) -> Reply {
    let victims: Vec<u64> = victims.map(|session| session.number).collect();
    if victims.is_empty() { Reply::Fail } else { Reply::Evict(victims) }
}
