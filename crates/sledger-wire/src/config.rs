//! `sledger.toml`: written, read, checked, shown.
//!
//! What is written (file, environment, flags) becomes one tree; the tree becomes
//! ready types. Precedence: flag, environment, file, default. All faults are
//! reported together, each with its place, its key and what to write instead.
//! Unknown keys are faults.
//!
//! Absent on purpose: reading files or the environment, and resolving policies:
//! the caller hands texts in and looks policies up.

mod error;
mod foreign;
pub(crate) mod json;
mod layers;
mod message;
mod overrides;
mod quota;
mod sections;
mod settings;
mod show;
mod types;
mod warnings;
mod when;

pub use error::Refused;
pub use json::{override_object, quota as quota_object};
pub use overrides::{selector, selector_text};
pub use show::Showing;
pub use types::{
    Audit, AuditFormat, AuditTarget, Checkpointing, Durability, Ledger, Limits, Log, LogFormat, LogLevel,
    Monitor, Policies, Server, Transport,
};

pub(crate) use json::{mode as policy_mode, own_keys, part as part_object, switch as switch_object};
pub(crate) use overrides::why;
pub(crate) use quota::{dimension_text, params as read_params, quota as read_quota, quotas as read_quotas};
pub use sections::matches;
pub(crate) use settings::{groups, ignores, messages, sessions, users};
pub(crate) use when::fact_text;

use crate::fields::{Fault, Faults, Fields};
use crate::tree::Place;
use sledger_core::Span;
use sledger_core::config::{Origin, Settings};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Everything that is read to make a [`Config`].
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// The file's path and text, where there is one.
    pub file: Option<(&'a Path, &'a str)>,
    /// The environment; only names that begin with `SLEDGER__` are looked at.
    pub environment: &'a BTreeMap<String, String>,
    /// Flags of the command line, by dotted key, e.g. `server.listen`.
    pub flags: &'a BTreeMap<String, String>,
}

/// A whole configuration, checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// `[server]`.
    pub server: Server,
    /// `[ledger]`.
    pub ledger: Ledger,
    /// `[limits]`.
    pub limits: Limits,
    /// `[log]`.
    pub log: Log,
    /// `[sessions] [users] [[group]] [[ignore]] [messages] [[quota]]`: what decides.
    pub settings: Settings,
    /// `[policies]`.
    pub policies: Policies,
    /// `[monitor]`.
    pub monitor: Monitor,
    /// `[[audit]]`.
    pub audit: Vec<Audit>,
    /// The file it came from.
    pub file: Option<PathBuf>,
    /// Where each key that is not a default was written.
    pub places: BTreeMap<String, Place>,
    /// What is allowed but probably not meant.
    pub warnings: Vec<Fault>,
}

/// The sections, in the order they are shown.
const SECTIONS: &[&str] = &[
    "server", "ledger", "limits", "log", "sessions", "users", "group", "ignore", "messages", "policies",
    "monitor", "audit", "quota",
];

impl Config {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// Every fault there is, in the order of reading.
    pub fn read(written: &Written<'_>) -> Result<Self, Refused> {
        let mut faults = Faults::default();
        let file = written.file.map(|(path, _)| path.to_owned());
        let tree = layers::merge(written, &mut faults);
        let mut config = Self::from_tree(&tree, file.as_deref(), &mut faults);
        if !faults.0.is_empty() {
            return Err(Refused { file, faults: faults.0 });
        }
        config.places = layers::places(&tree);
        config.warnings = warnings::of(&config);
        config.file = file;
        Ok(config)
    }

    fn from_tree(tree: &crate::tree::Node, file: Option<&Path>, faults: &mut Faults) -> Self {
        let root = Fields::open(tree, "", SECTIONS, faults);
        let folder = file.and_then(Path::parent).unwrap_or_else(|| Path::new(""));
        Self {
            server: sections::server(&root, faults),
            ledger: sections::ledger(&root, folder, faults),
            limits: sections::limits(&root, faults),
            log: sections::log(&root, faults),
            policies: sections::policies(&root, folder, faults),
            monitor: sections::monitor(&root, faults),
            audit: sections::audits(&root, folder, faults),
            settings: settings::settings(&root, Origin::File, faults),
            ..Self::default()
        }
    }

    /// Whether `key`, e.g. `sessions.activity_resolution`, was written anywhere; else it is the default.
    #[must_use]
    pub fn is_given(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }

    /// What decides in virtual time: activity is recorded at once, unless the file says otherwise.
    #[must_use]
    pub fn settings_simulated(&self) -> Settings {
        let mut settings = self.settings.clone();
        if !self.is_given("sessions.activity_resolution") {
            settings.sessions.activity_resolution = Span::ZERO;
        }
        settings
    }

    /// Where `key` was written; `None` for a default.
    #[must_use]
    pub fn place(&self, key: &str) -> Option<&Place> {
        self.places.get(key)
    }

    /// The sections in which `other` differs and that cannot change while the ledger runs:
    /// `server` and `ledger` need a restart, `users` an empty ledger.
    #[must_use]
    pub fn fixed_sections_changed(&self, other: &Self) -> Vec<&'static str> {
        let mut changed = Vec::new();
        if self.server != other.server {
            changed.push("server");
        }
        if self.ledger != other.ledger {
            changed.push("ledger");
        }
        if self.settings.users != other.settings.users {
            changed.push("users");
        }
        changed
    }
}

#[cfg(test)]
mod tests;
