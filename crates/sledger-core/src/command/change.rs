//! Changes of settings while the ledger runs.

use crate::config::{Bounds, Param, Quota, Selector, Settings, Tag};
use crate::decide::Install;
use crate::event::PolicyMode;
use crate::{Limit, Millis, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One change by an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is to be changed.
    pub what: Changing,
    /// What it is to be as yet; a change of anything else is refused.
    pub expect: Option<Expect>,
    /// Why, for operators; at most 512 bytes.
    pub reason: Option<String>,
}

/// What is to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changing {
    /// A quota of the ledger's own is made, or replaced; what was set for it at run time stays.
    Put(Box<Quota>),
    /// A quota of the ledger's own goes.
    Delete {
        /// Its name.
        quota: String,
    },
    /// A quota is switched on or off.
    Switch {
        /// Its name.
        quota: String,
        /// On or off.
        enabled: bool,
        /// For how long; `None` until it is switched again.
        lasts: Option<Span>,
    },
    /// A limit for some users or groups is set or, without one, taken away.
    Override {
        /// The quota.
        quota: String,
        /// Whom it is for.
        selector: Selector,
        /// The limit instead of the quota's.
        limit: Option<Limit>,
        /// From then on it is over; later than now.
        until: Option<Millis>,
    },
    /// Everything that was set at run time for a quota goes: overrides and its switch.
    Reset {
        /// Its name.
        quota: String,
    },
    /// A policy comes, goes on trial, or goes.
    Policy(Box<PolicyChange>),
    /// A user is put into a group or taken out.
    Member {
        /// The group.
        group: String,
        /// The user, as given.
        user: String,
        /// In or out.
        member: bool,
    },
}

/// What is done about a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyChange {
    /// The policy's name.
    pub name: String,
    /// The quota concerned; `None` for all that name the policy or have it on trial.
    pub quota: Option<String>,
    /// What is done.
    pub deed: Deed,
}

/// What is done about a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A source comes: to decide, or on trial.
    Install {
        /// The source.
        text: Arc<str>,
        /// How it is to be in force.
        mode: PolicyMode,
        /// Its params on a quota that names another policy.
        params: BTreeMap<String, Param>,
    },
    /// What is on trial decides from now on.
    Promote,
    /// A former source decides again.
    RollBack {
        /// Its revision; `None` for the one before.
        to: Option<[u8; 4]>,
    },
    /// What is on trial goes.
    Stop,
}

impl PolicyChange {
    /// The operation, as a command id stands for it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self.deed {
            Deed::Install { .. } => "install_policy",
            Deed::Promote => "promote_policy",
            Deed::RollBack { .. } => "roll_back_policy",
            Deed::Stop => "stop_policy",
        }
    }
}

/// What is to be changed must be as the caller saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Not there yet.
    Absent,
    /// There, whatever it is.
    Present,
    /// With this tag.
    Tag(Tag),
}

/// Why a well written change is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such thing.
    Unknown,
    /// It belongs to somebody else, such as the configuration file.
    Owned,
    /// It is no longer what the caller saw.
    Raced,
}

/// The configuration file, read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reload {
    /// What it says.
    pub settings: Settings,
    /// Policies of the policies folder.
    pub installs: Vec<Install>,
    /// Bounds of the process from then on; not recorded.
    pub bounds: Bounds,
    /// BLAKE3 of the file.
    pub file: Option<[u8; 32]>,
}
