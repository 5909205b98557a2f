//! What a check found, and in words what it could not tell.

use super::anchors::Anchor;
use crate::begins::Begins;
use crate::dir::Meta;
use crate::error::DamageKind;
use sledger_core::Seq;
use sledger_core::log::Head;

/// One thing that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub kind: DamageKind,
    /// In which volume; 0 for what is in none.
    pub volume: u32,
    /// First seq concerned; 0 for what has none.
    pub seq: Seq,
    /// In words.
    pub detail: String,
}

/// What a check of the storage found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// What the ledger is.
    pub meta: Meta,
    /// Where history begins, if not with the first event.
    pub begins: Option<Begins>,
    /// Volumes read.
    pub volumes: u32,
    /// Whole blocks.
    pub blocks: u64,
    /// Decisions in them.
    pub decisions: u64,
    /// Events in them.
    pub events: u64,
    /// The last whole block.
    pub head: Head,
    /// The last checkpoint from outside that the chain was found to pass.
    pub anchor: Option<Anchor>,
    /// Checkpoints in the ledger's own folder that the chain was found to pass.
    pub checkpoints_inside: u64,
    /// What is wrong, in order; empty when all is well.
    pub problems: Vec<Problem>,
}

impl VerifyReport {
    /// What the chain is anchored to, in words.
    #[must_use]
    pub fn anchored_to(&self) -> Option<String> {
        self.anchor.as_ref().map(Anchor::told)
    }

    /// What this check cannot tell, a sentence each.
    #[must_use]
    pub fn cannot_tell(&self) -> Vec<String> {
        cannot_tell(self.anchor.as_ref(), self.head.seq)
    }
}

/// What cannot be told of a chain that ends at `head`.
pub(super) fn cannot_tell(anchor: Option<&Anchor>, head: Seq) -> Vec<String> {
    let Some(anchor) = anchor else {
        let cut = "without a checkpoint from outside nobody can tell whether events were cut off at the end";
        let whole =
            "or whether the whole ledger was written anew with hashes that fit: give --checkpoint FILE";
        return vec![format!("{cut}, {whole}")];
    };
    let mut untold = Vec::new();
    let after = anchor.seq.next();
    if head > anchor.seq {
        untold.push(format!(
            "events {after} to {head} come after the checkpoint: nobody can tell whether that tail was cut or written anew"
        ));
    } else {
        untold.push(format!("nobody can tell whether events after {head} were cut off"));
    }
    if !anchor.is_key_given {
        let key = anchor.key;
        untold.push(format!(
            "the checkpoint proves as much as the place it was kept in: give --key FILE to have its key {key} compared"
        ));
    }
    untold
}
