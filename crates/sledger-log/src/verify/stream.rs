//! Checks blocks that stand one behind the other: an export, or what a server sends.

use super::anchors::{Anchor, Anchors, Finding, Holding, Of};
use super::report::{Problem, cannot_tell};
use crate::block::{Block, LedgerId};
use crate::error::DamageKind;
use crate::stream::{BlockStream, StreamError};
use sledger_core::Seq;
use sledger_core::log::Head;
use std::io::Read;

/// What a check of a stream of blocks found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlocksReport {
    /// Whole blocks.
    pub blocks: u64,
    /// Decisions in them.
    pub decisions: u64,
    /// Events in them.
    pub events: u64,
    /// The first event; one more than the last of what came before.
    pub first: Seq,
    /// The last whole block.
    pub head: Head,
    /// The last checkpoint that the chain was found to pass.
    pub anchor: Option<Anchor>,
    /// What is wrong; empty when all is well.
    pub problems: Vec<Problem>,
}

impl BlocksReport {
    /// What the chain is anchored to, in words.
    #[must_use]
    pub fn anchored_to(&self) -> Option<String> {
        self.anchor.as_ref().map(Anchor::told)
    }

    /// What this check cannot tell, a sentence each.
    #[must_use]
    pub fn cannot_tell(&self) -> Vec<String> {
        let mut untold = cannot_tell(self.anchor.as_ref(), self.head.seq);
        if self.first > Seq(1) {
            untold.push(format!("whether events before {} are what they were", self.first));
        }
        untold
    }

    fn tell(&mut self, kind: DamageKind, seq: Seq, detail: String) {
        self.problems.push(Problem { kind, volume: 0, seq, detail });
    }

    fn tell_all(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for Finding { kind, seq, detail } in findings {
            self.tell(kind, seq, detail);
        }
    }

    fn require(&mut self, is_required: bool) {
        if is_required && self.anchor.is_none() {
            let detail = "no checkpoint from outside anchors these blocks".to_owned();
            self.tell(DamageKind::NotAnchored, Seq(0), detail);
        }
    }

    fn content(&mut self, block: &Block) {
        let header = block.header();
        let mut events = 0;
        for decision in block.decisions() {
            match decision {
                Ok(decision) => events += decision.events.len() as u64,
                Err(error) => self.tell(DamageKind::Content, header.first, error.to_string()),
            }
        }
        if events != u64::from(header.events) {
            let detail = format!("a block says `{}` events and holds `{events}`", header.events);
            self.tell(DamageKind::Content, header.first, detail);
        }
    }
}

impl Anchors {
    /// What these checkpoints say of a chain that was checked elsewhere and ends at `head`.
    #[must_use]
    pub fn hold_at(&self, ledger: LedgerId, partition: u32, head: Head) -> BlocksReport {
        let mut report = BlocksReport { head, ..BlocksReport::default() };
        let (mut holding, findings) = Holding::new(self, Vec::new(), Of { ledger, partition });
        report.tell_all(findings);
        report.tell_all(holding.passes(head.seq, head));
        report.tell_all(holding.ends(head));
        report.anchor = holding.anchor.take();
        report.require(self.is_required);
        report
    }
}

/// A chain that is read elsewhere, held against checkpoints block by block.
#[derive(Debug, Default)]
pub struct Held {
    anchors: Anchors,
    holding: Option<Holding>,
    report: BlocksReport,
}

impl Held {
    /// Holds a chain against these checkpoints.
    #[must_use]
    pub fn against(anchors: Anchors) -> Self {
        Self { anchors, ..Self::default() }
    }

    /// Takes the next block. Its decisions are whoever reads it to look at.
    pub fn block(&mut self, block: &Block) {
        let header = block.header();
        if self.report.blocks == 0 {
            self.report.first = header.first;
        }
        self.report.blocks += 1;
        self.report.decisions += u64::from(header.decisions);
        self.report.events += u64::from(header.events);
        self.report.head = block.head();
        let of = Of { ledger: header.ledger, partition: header.partition };
        let holding = self.holding.get_or_insert_with(|| {
            let (holding, findings) = Holding::new(&self.anchors, Vec::new(), of);
            self.report.tell_all(findings);
            holding
        });
        self.report.tell_all(holding.passes(header.first, block.head()));
    }

    /// What was found, once there is no further block.
    #[must_use]
    pub fn finish(mut self) -> BlocksReport {
        if let Some(mut holding) = self.holding {
            self.report.tell_all(holding.ends(self.report.head));
            self.report.anchor = holding.anchor.take();
        }
        self.report.require(self.anchors.is_required);
        self.report
    }
}

/// Checks blocks up to the first that is not whole, or does not follow. What comes before it can be trusted.
pub fn verify_blocks<R: Read>(blocks: BlockStream<R>, anchors: &Anchors) -> BlocksReport {
    let mut held = Held::against(anchors.clone());
    for block in blocks {
        match block {
            Ok(block) => {
                held.report.content(&block);
                held.block(&block);
            }
            Err(error) => {
                let seq = held.report.head.seq.next();
                held.report.tell(kind(&error), seq, error.to_string());
                break;
            }
        }
    }
    held.finish()
}

const fn kind(error: &StreamError) -> DamageKind {
    match error {
        StreamError::Foreign { .. } => DamageKind::Foreign,
        _ => DamageKind::ChainBroken,
    }
}
