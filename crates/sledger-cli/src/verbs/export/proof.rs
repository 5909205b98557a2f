//! `export --user U --redact`: one person's decisions in full, those of all others as hashes, up to a checkpoint.
//!
//! Promise: whoever has the lines can follow each shown decision by its hash into its block, and the blocks to the
//! head that the checkpoint names, with b3sum and openssl alone. One block is held at a time.
//!
//! Absent on purpose: anything about others but the hashes of their decisions. A decision that concerns the user and
//! tells who others are is withheld, and counted.

use super::Export;
use crate::args::Global;
use crate::exit::Usage;
use crate::output::Output;
use crate::past::Past;
use crate::whence::Whence;
use anyhow::{Context as _, Result, bail};
use sledger_core::State;
use sledger_core::decider::Recorded;
use sledger_core::event::Event;
use sledger_log::checkpoint::{Checkpoint, Shelf, Stand};
use sledger_log::{Block, LedgerId};
use sledger_projector::{Told, tell};
use sledger_replay::export::{begun, hex};
use sledger_replay::history::{Fold, decisions};
use sledger_replay::one_user::OneUser;
use sledger_wire::proof::{ProofBegin, ProofBlock, ProofDecision, ProofEnd, ProofLine};
use std::sync::Arc;

/// What is told of a proof.
struct Proof<'e> {
    export: &'e Export,
    fold: Fold,
    end: ProofEnd,
    checkpoint: Option<Checkpoint>,
    ledger: Option<LedgerId>,
}

impl Export {
    /// Writes the proof.
    pub(super) fn proof(&self, whence: &Whence, global: &Global, out: &mut Output<'_>) -> Result<()> {
        let past = Past::open(whence, global, out)?;
        let begin = past.begin.clone();
        let user = self.user.clone().unwrap_or_default();
        let blocks = past.into_blocks().ok_or_else(|| {
            Usage::error("this file holds no blocks: only a ledger, or an export of blocks, can be proved by")
        })?;
        let ledger = begin.ledger.clone().unwrap_or_default();
        let fold = Fold::new(begun(&begin)?);
        let checkpoint = self.checkpoint(whence)?;
        let mut proof = Proof { export: self, fold, end: ProofEnd::default(), checkpoint, ledger: None };
        line(&ProofLine::Proof(ProofBegin { version: 1, ledger, user }), out)?;
        for block in blocks {
            let block = block?;
            if proof.is_beyond(&block) {
                break;
            }
            proof.block(&block, out)?;
        }
        proof.finish(out)
    }

    /// The checkpoint named, else the newest that lies in the ledger's own folder.
    fn checkpoint(&self, whence: &Whence) -> Result<Option<Checkpoint>> {
        let Some(path) = &self.checkpoint else {
            let Whence::Data(dir) = whence else { return Ok(None) };
            return Shelf::of(dir).newest().context("cannot list the checkpoints");
        };
        let told = |why: String| Usage::error(format!("checkpoint `{}`: {why}", path.display()));
        let text = std::fs::read(path).map_err(|error| told(error.to_string()))?;
        Checkpoint::parse(&text).map(Some).map_err(|error| told(error.to_string()))
    }
}

impl Proof<'_> {
    fn is_beyond(&self, block: &Block) -> bool {
        let last = self.checkpoint.as_ref().map(|checkpoint| checkpoint.stand().seq);
        last.is_some_and(|last| block.header().first > last)
    }

    fn block(&mut self, block: &Block, out: &mut Output<'_>) -> Result<()> {
        let header = block.header();
        self.ledger = Some(header.ledger);
        self.end.blocks += 1;
        self.end.decisions += u64::from(header.decisions);
        (self.end.seq, self.end.head) = (header.last().0, hex(&block.hash()));
        let shown = self.shown(block)?;
        let told = ProofBlock {
            block: self.end.blocks,
            first: header.first.0,
            last: header.last().0,
            header: hex(&header.to_bytes()),
            decisions: block.decision_hashes().map(|hash| hex(&hash.0)).collect(),
            hash: hex(&block.hash()),
        };
        line(&ProofLine::Block(told), out)?;
        shown.into_iter().try_for_each(|decision| line(&ProofLine::Decision(decision), out))
    }

    /// The decisions of a block that are shown.
    fn shown(&mut self, block: &Block) -> Result<Vec<ProofDecision>> {
        let mut shown = Vec::new();
        for ((index, encoded), decision) in (0..).zip(block.encoded()).zip(decisions(block)) {
            let recorded = self.fold.decision(Arc::new(decision?))?;
            let state = self.fold.state();
            let Some(key) = self.export.key(state)? else { continue };
            let told = tell(state, &recorded);
            if !told.iter().any(|told| OneUser(&key).concerns(told)) {
                continue;
            }
            if told.iter().any(|told| names_another(told, &key)) {
                self.end.withheld += 1;
                continue;
            }
            self.end.shown += 1;
            let (block, events) = (self.end.blocks, events(&recorded, state, &key)?);
            shown.push(ProofDecision { seq: recorded.first.0, block, index, record: hex(encoded), events });
        }
        Ok(shown)
    }

    fn finish(mut self, out: &mut Output<'_>) -> Result<()> {
        match &self.checkpoint {
            Some(checkpoint) => self.check(checkpoint.stand())?,
            None => out
                .say("note: no checkpoint: nothing outside vouches for these hashes; give --checkpoint FILE"),
        }
        if self.end.withheld > 0 {
            let withheld = self.end.withheld;
            out.say(&format!("note: {withheld} decisions that name others too are given as hashes"));
        }
        if self.end.shown == 0 {
            out.say("note: no decision concerns this user: it only proves what the ledger's head is");
        }
        self.end.checkpoint = self.checkpoint.as_ref().map(Checkpoint::render);
        line(&ProofLine::End(self.end), out)
    }

    /// A proof that its own checkpoint does not vouch for is none.
    fn check(&self, stand: &Stand) -> Result<()> {
        if self.ledger.is_some_and(|ledger| ledger != stand.ledger) {
            bail!("the checkpoint is of another ledger, `{}`", stand.ledger);
        }
        if (stand.seq.0, hex(&stand.head)) != (self.end.seq, self.end.head.clone()) {
            let (seq, end) = (stand.seq, self.end.seq);
            bail!(
                "the checkpoint names seq {seq}, and the ledger is another there (it was read up to {end}); see `sledger ledger verify`"
            );
        }
        Ok(())
    }
}

/// Whether an event tells who somebody else is. Others are named by number, but where sessions are adopted together.
fn names_another(told: &Told, key: &str) -> bool {
    matches!(told.event(), Event::Adopted { .. }) && told.user().is_some_and(|user| user != key)
}

/// What a decision says, without others' sessions.
fn events(recorded: &Recorded, state: &State, key: &str) -> Result<Vec<serde_json::Value>> {
    let told = tell(state, recorded);
    let theirs = told.iter().filter(|told| OneUser(key).concerns(told));
    theirs.map(|told| Ok(serde_json::from_str(&OneUser(key).event(told, state, None).to_json())?)).collect()
}

fn line(line: &ProofLine, out: &mut Output<'_>) -> Result<()> {
    out.json(line)
}
