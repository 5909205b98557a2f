//! Changes of settings while the ledger runs.

use crate::config::{Bounds, Quota, Selector, Settings, Tag};
use crate::decide::Install;
use crate::{Limit, Millis, Span};

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
