//! The sources of policies: of each name the one in force and those before it.
//!
//! INVARIANT(bounded): of one name [`KEPT_MAX`] sources are kept, the newest last; how many names there are is bounded
//! where they are installed.

use crate::Millis;
use crate::command::Actor;
use crate::event::PolicySource;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sources kept of one name.
pub const KEPT_MAX: usize = 8;
/// Names of policies that a ledger knows.
pub const NAMES_MAX: usize = 512;

/// A source as it was installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The text.
    pub text: Arc<str>,
    /// Where it came from.
    pub from: PolicySource,
    /// When.
    pub at: Millis,
    /// By whom.
    pub by: Actor,
    /// Why, for operators.
    pub reason: Option<Box<str>>,
}

/// The sources of one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// The newest last: that one is in force.
    pub kept: Vec<Source>,
    /// BLAKE3 of what the folder held when it was last taken from there: only a change of the file is news.
    pub folder: Option<[u8; 32]>,
}

/// The sources of all names.
pub type AllSources = BTreeMap<Arc<str>, Sources>;

impl Sources {
    /// The one in force.
    #[must_use]
    pub fn current(&self) -> Option<&Source> {
        self.kept.last()
    }

    /// Puts `source` in force. One that was kept is moved.
    pub fn install(&mut self, source: Source) {
        match source.from {
            PolicySource::Folder => self.folder = Some(hash_of(&source.text)),
            PolicySource::BuiltIn => self.folder = None,
            PolicySource::Sent => {}
        }
        self.kept.retain(|kept| kept.text != source.text);
        if self.kept.len() >= KEPT_MAX {
            self.kept.remove(0);
        }
        self.kept.push(source);
    }

    /// Whether the folder's file is as it was when it was last taken from there.
    #[must_use]
    pub fn is_taken(&self, text: &str) -> bool {
        self.folder == Some(hash_of(text))
    }
}

fn hash_of(text: &str) -> [u8; 32] {
    *blake3::hash(text.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str, from: PolicySource) -> Source {
        Source { text: text.into(), from, at: Millis(1), by: Actor::Cli, reason: None }
    }

    #[test]
    fn the_newest_is_in_force_and_few_are_kept() {
        let mut sources = Sources::default();
        for n in 0..20 {
            sources.install(source(&n.to_string(), PolicySource::Sent));
        }
        assert_eq!((sources.kept.len(), &*sources.current().unwrap().text), (KEPT_MAX, "19"));
        sources.install(source("15", PolicySource::Sent));
        let texts: Vec<&str> = sources.kept.iter().map(|kept| &*kept.text).collect();
        assert_eq!(texts, ["12", "13", "14", "16", "17", "18", "19", "15"]);
    }

    #[test]
    fn a_file_that_did_not_change_is_no_news_whatever_was_sent_since() {
        let mut sources = Sources::default();
        sources.install(source("a", PolicySource::Folder));
        sources.install(source("b", PolicySource::Sent));
        assert!(sources.is_taken("a") && !sources.is_taken("b"));
        sources.install(source("c", PolicySource::BuiltIn));
        assert!(!sources.is_taken("a"), "the file was gone: if it is back, it is news");
    }
}
