//! Heads of the chain that were noted elsewhere, held against the blocks as they are read.
//!
//! Promise: an anchor holds only where a block ends at its seq with its hash. Only such an anchor tells a cut tail, or
//! a ledger that was rewritten whole, from a true one.

use sledger_core::log::Head;
use sledger_core::{Millis, Seq};
use std::collections::BTreeMap;

/// A head of the chain that was noted outside the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The last event of a block.
    pub seq: Seq,
    /// The block's hash.
    pub hash: [u8; 32],
    /// When it was noted.
    pub at: Millis,
    /// What it is called, as people know it.
    pub name: String,
}

/// Why an anchor does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loose {
    /// Another block ends there.
    #[error("the block that ends at seq {seq} has another hash than {name} names: the ledger was rewritten")]
    Other {
        /// The last event of the block.
        seq: Seq,
        /// The anchor.
        name: String,
    },
    /// No block ends there.
    #[error("no block ends at seq {seq}, where {name} names one: the ledger was rewritten")]
    Within {
        /// As the anchor says.
        seq: Seq,
        /// The anchor.
        name: String,
    },
    /// The ledger ends before.
    #[error("the ledger ends at seq {last}, before seq {seq} that {name} names: its tail is cut off")]
    Beyond {
        /// As the anchor says.
        seq: Seq,
        /// The last event there is.
        last: Seq,
        /// The anchor.
        name: String,
    },
}

impl Loose {
    /// The event concerned.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        match self {
            Self::Other { seq, .. } | Self::Within { seq, .. } => *seq,
            Self::Beyond { last, .. } => last.next(),
        }
    }
}

/// Anchors, held against blocks in order.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    waiting: BTreeMap<Seq, Vec<Anchor>>,
    last: Seq,
    held: Option<Anchor>,
    loose: Vec<Loose>,
}

impl Anchors {
    /// Anchors to be held against blocks.
    #[must_use]
    pub fn new(anchors: Vec<Anchor>) -> Self {
        let mut new = Self::default();
        for anchor in anchors {
            new.waiting.entry(anchor.seq).or_default().push(anchor);
        }
        new
    }

    /// Takes the head that the next block leaves.
    pub fn head(&mut self, head: &Head) {
        self.last = head.seq;
        while let Some(entry) = self.waiting.first_entry().filter(|entry| *entry.key() <= head.seq) {
            for anchor in entry.remove() {
                self.meet(anchor, head);
            }
        }
    }

    fn meet(&mut self, anchor: Anchor, head: &Head) {
        let Anchor { seq, name, .. } = &anchor;
        if *seq < head.seq {
            self.loose.push(Loose::Within { seq: *seq, name: name.clone() });
        } else if anchor.hash == head.hash {
            self.held = Some(anchor);
        } else {
            self.loose.push(Loose::Other { seq: *seq, name: name.clone() });
        }
    }

    /// The last anchor that holds, and why others do not.
    #[must_use]
    pub fn finish(mut self) -> (Option<Anchor>, Vec<Loose>) {
        let last = self.last;
        let beyond = self.waiting.into_values().flatten();
        self.loose.extend(beyond.map(|Anchor { seq, name, .. }| Loose::Beyond { seq, last, name }));
        (self.held, self.loose)
    }
}
