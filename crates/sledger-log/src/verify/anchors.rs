//! What a chain is held against: checkpoints, and the keys that are trusted.
//!
//! Invariant: the ledger is anchored to a checkpoint only when one of its blocks ends at that seq with that hash, and
//! the key is one of those given, if any were.

use crate::block::LedgerId;
use crate::checkpoint::{Checkpoint, PublicKey};
use crate::error::DamageKind;
use sledger_core::log::Head;
use sledger_core::{Millis, Seq};

/// What a chain is held against.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    /// Checkpoints kept outside of the ledger: a name for each, and its text.
    pub checkpoints: Vec<(String, Vec<u8>)>,
    /// Keys that may have signed them; any, where none is given.
    pub keys: Vec<PublicKey>,
    /// Whether it is a fault when none of them holds.
    pub is_required: bool,
}

/// The checkpoint that the chain was found to pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// As it was named when it was given.
    pub name: String,
    /// Up to where it anchors the chain.
    pub seq: Seq,
    /// The hash there.
    pub head: [u8; 32],
    /// When it was signed.
    pub time: Millis,
    /// Who signed it.
    pub key: PublicKey,
    /// Whether that key was given as one to be trusted.
    pub is_key_given: bool,
}

impl Anchor {
    /// In words.
    #[must_use]
    pub fn told(&self) -> String {
        let Self { name, seq, time, key, .. } = self;
        format!("checkpoint `{name}`: seq {seq}, signed {} with key {key}", time.rfc3339())
    }
}

/// A checkpoint that is looked for in the chain.
#[derive(Clone, Debug)]
struct Held {
    name: String,
    checkpoint: Checkpoint,
    is_outside: bool,
}

/// Whose checkpoints hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Of {
    pub(super) ledger: LedgerId,
    pub(super) partition: u32,
}

/// What a checkpoint has to say about the chain.
pub(super) struct Finding {
    pub(super) kind: DamageKind,
    pub(super) seq: Seq,
    pub(super) detail: String,
}

/// Holds the chain against the checkpoints while it is walked.
#[derive(Debug, Default)]
pub(super) struct Holding {
    /// Not reached yet, the next last.
    ahead: Vec<Held>,
    is_key_given: bool,
    /// The last that was found to hold.
    pub(super) anchor: Option<Anchor>,
    /// Checkpoints beside the ledger that were found to hold.
    pub(super) inside: u64,
    /// Up to where nothing can have been rewritten.
    holds_to: Seq,
}

impl Holding {
    /// Reads the checkpoints. What cannot be used is told.
    pub(super) fn new(
        anchors: &Anchors,
        inside: Vec<(String, Option<Checkpoint>)>,
        of: Of,
    ) -> (Self, Vec<Finding>) {
        let mut holding = Self { is_key_given: !anchors.keys.is_empty(), ..Self::default() };
        let mut findings = Vec::new();
        let outside = anchors.checkpoints.iter().map(|(name, text)| {
            let read = Checkpoint::parse(text).map_err(|error| error.to_string());
            (name.clone(), read.and_then(|found| usable(found, &anchors.keys, of)), true)
        });
        // A key may have been changed since: what others signed beside the ledger says nothing.
        let is_known = |found: &Checkpoint| anchors.keys.is_empty() || anchors.keys.contains(&found.key());
        let inside = inside.into_iter().filter(|(_, read)| read.as_ref().is_none_or(is_known));
        let inside = inside.map(|(name, read)| {
            let read = read.ok_or_else(|| "it is damaged".to_owned());
            (name, read.and_then(|found| usable(found, &anchors.keys, of)), false)
        });
        for (name, read, is_outside) in outside.chain(inside) {
            match read {
                Ok(checkpoint) => holding.ahead.push(Held { name, checkpoint, is_outside }),
                Err(why) => findings.push(Finding {
                    kind: DamageKind::Checkpoint,
                    seq: Seq(0),
                    detail: format!("checkpoint `{name}`: {why}"),
                }),
            }
        }
        holding.ahead.sort_by_key(|held| std::cmp::Reverse(held.checkpoint.stand().seq));
        (holding, findings)
    }

    /// A block that holds `first` and ends at `head` follows: those within it hold, or do not.
    pub(super) fn passes(&mut self, first: Seq, head: Head) -> Vec<Finding> {
        let mut findings = Vec::new();
        while let Some(held) = self.ahead.pop_if(|held| held.checkpoint.stand().seq <= head.seq) {
            let stand = *held.checkpoint.stand();
            if stand.seq < first {
                // Within a gap that is told already: there is nothing to hold it against.
                continue;
            }
            if (stand.seq, stand.head) == (head.seq, head.hash) {
                self.holds(held);
            } else {
                findings.push(self.differs(&held, head));
            }
        }
        findings
    }

    /// The log stands at `head` behind a gap, as the next block says.
    pub(super) fn resumes(&mut self, head: Head) -> Vec<Finding> {
        self.passes(head.seq, head)
    }

    fn holds(&mut self, held: Held) {
        let (stand, key) = (*held.checkpoint.stand(), held.checkpoint.key());
        if held.is_outside || self.is_key_given {
            self.holds_to = stand.seq;
        }
        if !held.is_outside {
            self.inside += 1;
            return;
        }
        self.anchor = Some(Anchor {
            name: held.name,
            seq: stand.seq,
            head: stand.head,
            time: stand.time,
            key,
            is_key_given: self.is_key_given,
        });
    }

    fn differs(&self, held: &Held, head: Head) -> Finding {
        let (stand, from) = (held.checkpoint.stand(), self.holds_to.next());
        let why = if stand.seq == head.seq {
            "the block that ends there has another hash"
        } else {
            "no block ends there"
        };
        let detail = format!(
            "checkpoint `{}` of {} names seq `{}`: {why}; what lies from `{from}` to `{}` is not what was signed",
            held.name,
            stand.time.rfc3339(),
            stand.seq,
            stand.seq
        );
        Finding { kind: DamageKind::Rewritten { from }, seq: from, detail }
    }

    /// The log ends at `head`: what checkpoints name beyond it is gone.
    pub(super) fn ends(&mut self, head: Head) -> Option<Finding> {
        let furthest = self.ahead.drain(..).max_by_key(|held| held.checkpoint.stand().seq)?;
        if furthest.checkpoint.stand().seq <= head.seq {
            // Within a gap that is told already.
            return None;
        }
        let (stand, from) = (furthest.checkpoint.stand(), head.seq.next());
        let detail = format!(
            "checkpoint `{}` of {} names seq `{}`, the ledger ends at `{}`: its tail is cut, events `{from}` to `{}` are lost",
            furthest.name,
            stand.time.rfc3339(),
            stand.seq,
            head.seq,
            stand.seq
        );
        Some(Finding { kind: DamageKind::Lost { to: stand.seq }, seq: from, detail })
    }
}

fn usable(found: Checkpoint, keys: &[PublicKey], of: Of) -> Result<Checkpoint, String> {
    let stand = found.stand();
    if stand.ledger != of.ledger {
        return Err(format!("it is of another ledger, `{}`", stand.ledger));
    }
    if stand.partition != of.partition {
        return Err(format!("it is of another partition, `{}`", stand.partition));
    }
    if !keys.is_empty() && !keys.contains(&found.key()) {
        return Err(format!("it was signed with another key, `{}`", found.key()));
    }
    Ok(found)
}
