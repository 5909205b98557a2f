//! `ledger verify --recording`: a proof of one user, line by line.
//!
//! Promise: every block's hash, the chain, the numbers, the place of each shown decision, the counts, and the
//! checkpoint at the end are held together; what is wrong is named by line. One block is held at a time.

use crate::lines::Lines;
use anyhow::Result;
use sledger_log::block::{Header, LedgerId, chain_hash};
use sledger_log::{Anchors, DecisionHash, codec, hex};
use sledger_wire::escape::brief;
use sledger_wire::pages::{Verified, VerifyProblem};
use sledger_wire::proof::{ProofBegin, ProofBlock, ProofDecision, ProofEnd, ProofLine};

/// What is wrong with a line.
type Wrong = String;

/// Reads a proof to its end, or to the first line that is wrong.
pub(super) fn check(mut lines: Lines, anchors: &Anchors) -> Result<Verified> {
    let mut check = Check::default();
    let mut number = 0;
    while let Some((at, line)) = lines.next()? {
        number = at;
        let taken = ProofLine::read(line).and_then(|line| check.line(line, anchors));
        if let Err(wrong) = taken {
            check.problem(format!("line {number}: {wrong}"));
            return Ok(check.verified);
        }
    }
    if !check.is_over {
        check.problem(format!("line {number}: it is cut off: the line with its end is missing"));
    }
    check.verified.ok = check.verified.problems.is_empty();
    Ok(check.verified)
}

#[derive(Default)]
struct Check {
    begin: Option<ProofBegin>,
    block: Option<(ProofBlock, Header)>,
    /// The last block's end.
    seq: u64,
    hash: [u8; 32],
    ledger: Option<LedgerId>,
    shown: u64,
    /// The place of the decision shown last, in its block.
    place: Option<u64>,
    is_over: bool,
    verified: Verified,
}

impl Check {
    fn line(&mut self, line: ProofLine, anchors: &Anchors) -> Result<(), Wrong> {
        match (line, self.begin.is_some()) {
            _ if self.is_over => Err("it comes after the end".to_owned()),
            (ProofLine::Proof(begin), false) if begin.version == 1 => {
                self.begin = Some(begin);
                Ok(())
            }
            (ProofLine::Proof(begin), false) => Err(format!("version `{}` is not known here", begin.version)),
            (ProofLine::Proof(_), true) => Err("it begins once more".to_owned()),
            (_, false) => Err("a proof begins with what it is of".to_owned()),
            (ProofLine::Block(block), true) => self.block(block),
            (ProofLine::Decision(decision), true) => self.decision(&decision),
            (ProofLine::End(end), true) => self.end(&end, anchors),
        }
    }

    fn block(&mut self, block: ProofBlock) -> Result<(), Wrong> {
        let bytes = unhex(&block.header)?;
        let header = Header::parse(&bytes).map_err(|error| error.to_string())?;
        if header.to_bytes().as_slice() != bytes.as_slice() {
            return Err("its header is longer than a header is".to_owned());
        }
        let hashes: Vec<DecisionHash> =
            block.decisions.iter().map(|hash| hash_of(hash).map(DecisionHash)).collect::<Result<_, _>>()?;
        if hashes.len() != header.decisions as usize {
            return Err(format!(
                "its header says `{}` decisions, `{}` are there",
                header.decisions,
                hashes.len()
            ));
        }
        if chain_hash(&bytes, &hashes) != hash_of(&block.hash)? {
            return Err("its hash does not follow from its header and its decisions' hashes".to_owned());
        }
        self.follows(&block, &header)?;
        (self.seq, self.hash, self.place) = (header.last().0, hash_of(&block.hash)?, None);
        self.verified.blocks += 1;
        self.verified.decisions += u64::from(header.decisions);
        self.verified.events += u64::from(header.events);
        self.block = Some((block, header));
        Ok(())
    }

    fn follows(&mut self, block: &ProofBlock, header: &Header) -> Result<(), Wrong> {
        let ledger = *self.ledger.get_or_insert(header.ledger);
        let is_named = self.begin.as_ref().is_some_and(|begin| begin.ledger == ledger.to_string());
        if !is_named || header.ledger != ledger {
            return Err(format!("its block belongs to ledger `{}`", header.ledger));
        }
        if (block.block, block.first, block.last)
            != (self.verified.blocks + 1, header.first.0, header.last().0)
        {
            return Err("its numbers are not those of its header".to_owned());
        }
        if header.first.0 != self.seq + 1 {
            return Err(format!("it begins with seq `{}`, not `{}`", header.first, self.seq + 1));
        }
        if header.prev != self.hash {
            return Err("chain broken: it does not follow from the block before".to_owned());
        }
        Ok(())
    }

    fn decision(&mut self, shown: &ProofDecision) -> Result<(), Wrong> {
        let Some((block, header)) = &self.block else { return Err("it stands before any block".to_owned()) };
        if shown.block != block.block || self.place.is_some_and(|place| place >= shown.index) {
            return Err("it does not stand where it belongs".to_owned());
        }
        let record = unhex(&shown.record)?;
        let said = usize::try_from(shown.index).ok().and_then(|index| block.decisions.get(index));
        if said.map(String::as_str) != Some(hex(&DecisionHash::of(&record).0).as_str()) {
            return Err("its bytes have another hash than its block says".to_owned());
        }
        let decision =
            codec::upcast(header.format, header.codec, &record).map_err(|error| error.to_string())?;
        let last = shown.seq.saturating_add(decision.events.len() as u64).saturating_sub(1);
        if shown.seq < block.first || last > block.last {
            return Err("its events lie outside of its block".to_owned());
        }
        self.place = Some(shown.index);
        self.shown += 1;
        Ok(())
    }

    fn end(&mut self, end: &ProofEnd, anchors: &Anchors) -> Result<(), Wrong> {
        let counts = (self.verified.blocks, self.verified.decisions, self.shown);
        if (end.blocks, end.decisions, end.shown) != counts || end.seq != self.seq {
            return Err("its counts are not those of the lines before it".to_owned());
        }
        if hash_of(&end.head)? != self.hash {
            return Err("its head is not the last block's hash".to_owned());
        }
        self.is_over = true;
        self.anchor(end, anchors);
        Ok(())
    }

    /// The checkpoint in the proof counts as one that came from outside: its key tells what it is worth.
    fn anchor(&mut self, end: &ProofEnd, anchors: &Anchors) {
        let own = end.checkpoint.iter().map(|text| ("in the proof".to_owned(), text.clone().into_bytes()));
        let checkpoints = anchors.checkpoints.iter().cloned().chain(own).collect();
        let Some(ledger) = self.ledger else { return };
        let head = sledger_core::log::Head {
            seq: sledger_core::Seq(self.seq),
            hash: self.hash,
            at: sledger_core::Millis(0),
            token: 0,
        };
        let partition = self.block.as_ref().map_or(0, |(_, header)| header.partition);
        let held = Anchors { checkpoints, ..anchors.clone() }.hold_at(ledger, partition, head);
        for problem in &held.problems {
            self.problem(problem.detail.clone());
        }
        self.verified.anchored_to = held.anchored_to();
        self.verified.cannot_tell = held.cannot_tell();
        self.verified.cannot_tell.push("whether decisions given as hashes concern the user too".to_owned());
    }

    fn problem(&mut self, detail: String) {
        let problem = VerifyProblem { kind: "proof".to_owned(), detail, ..VerifyProblem::default() };
        self.verified.problems.push(problem);
    }
}

fn unhex(text: &str) -> Result<Vec<u8>, Wrong> {
    let wrong = || format!("`{}` is no hex", brief(text));
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return Err(wrong());
    }
    let digits = |at: usize| text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    (0..text.len()).step_by(2).map(digits).collect::<Option<_>>().ok_or_else(wrong)
}

fn hash_of(text: &str) -> Result<[u8; 32], Wrong> {
    <[u8; 32]>::try_from(unhex(text)?).map_err(|_| format!("`{}` is no hash", brief(text)))
}
