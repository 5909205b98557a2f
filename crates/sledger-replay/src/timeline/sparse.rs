//! Folding only what may matter to the one asked about.
//!
//! The state holds his sessions and the settings, and nobody else. An event that names somebody else's session (one
//! that made room) is told with that session's facts, looked up where it was admitted.
//!
//! Invariants: what is told is what a fold of everything tells. Memory is the live sessions of the one asked about.

use super::lookup::admission;
use super::sieve::Sieve;
use super::{Asked, Subject, login};
use crate::at::Begin;
use crate::history::{HistoryError, beginning, decisions};
use sledger_core::decider::Recorded;
use sledger_core::event::{Cause, Decision, Event, Judgement};
use sledger_core::evolve::{Happened, evolve, evolve_decision};
use sledger_core::{Facts, Seq, State, UserNo};
use sledger_log::{Block, Mention, Reader, Sift, Sifted, mentions};
use sledger_projector::{Told, tell};
use std::collections::BTreeSet;
use std::sync::Arc;

/// So many sessions of others are looked up before folding everything is cheaper.
const FOREIGN_MAX: u32 = 256;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SparseError {
    /// The history.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// Too many sessions of others are named: everything must be folded.
    #[error("more than {FOREIGN_MAX} sessions of others are named")]
    TooForeign,
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Frames of sealed volumes.
    pub sifted: Sifted,
    /// Decisions told.
    pub told: u64,
    /// Last event of the history that was looked at.
    pub seq: Seq,
}

/// Shows the events of every decision that may concern whom is asked about, or that changes settings, in order. `see`
/// says which it wants, and returns false when it has seen enough.
///
/// # Errors
/// What is damaged where it must be read, what `see` says, or that everything must be folded.
pub fn of_ledger<E: From<SparseError>>(
    reader: &Reader,
    asked: &Asked,
    begin: Begin<'_>,
    mut see: impl FnMut(&[Told], &State) -> Result<bool, E>,
) -> Result<Read, E> {
    if reader.begins().is_some() {
        // Whose sessions are in the base only a whole fold knows.
        return Err(SparseError::TooForeign.into());
    }
    let mut sparse = Sparse::new(reader, asked).map_err(E::from)?;
    let mut sift = reader.sift();
    while let Some(block) = sparse.next(&mut sift, begin).map_err(E::from)? {
        let mut seq = block.header().first;
        for decision in decisions(&block) {
            let (first, decision) = (seq, decision.map_err(SparseError::from)?);
            seq = seq.plus(decision.events.len() as u64);
            if let Some(told) = sparse.decision(first, decision)?
                && !see(&told, &sparse.state)?
            {
                return Ok(sparse.read(&sift));
            }
        }
    }
    Ok(sparse.read(&sift))
}

struct Sparse<'a> {
    reader: &'a Reader,
    asked: &'a Asked,
    state: State,
    sieve: Sieve,
    /// Live sessions of the one asked about.
    known: BTreeSet<Seq>,
    user: Option<UserNo>,
    foreign: u32,
    told: u64,
    seq: Seq,
}

impl<'a> Sparse<'a> {
    fn new(reader: &'a Reader, asked: &'a Asked) -> Result<Self, SparseError> {
        let text = match &asked.subject {
            Subject::User(text) | Subject::Id(text) | Subject::Ip(text) => Some(text.as_str()),
            Subject::Number(_) | Subject::Everybody => None,
        };
        let mut sieve = Sieve::new(text, matches!(asked.subject, Subject::User(_)), true);
        if let Subject::Number(number) = asked.subject {
            sieve.numbers(&BTreeSet::from([number]));
        }
        let state = beginning()?;
        let (known, user) = (BTreeSet::new(), None);
        Ok(Self { reader, asked, state, sieve, known, user, foreign: 0, told: 0, seq: Seq(0) })
    }

    fn read(&self, sift: &Sift) -> Read {
        Read { sifted: sift.sifted(), told: self.told, seq: self.seq }
    }

    /// The next block that may matter.
    fn next(&mut self, sift: &mut Sift, begin: Begin<'_>) -> Result<Option<Block>, SparseError> {
        loop {
            if (begin.is_stopped)() {
                return Err(HistoryError::Stopped.into());
            }
            let block = sift.step(self.wanted().as_deref()).map_err(HistoryError::from)?;
            let is_in = |block: &Block| begin.upto.is_none_or(|upto| block.header().last() <= upto);
            let Some(block) = block.filter(is_in) else { return Ok(None) };
            self.seq = block.header().last();
            if self.passes(&block) {
                return Ok(Some(block));
            }
        }
    }

    fn passes(&self, block: &Block) -> bool {
        let header = block.header();
        let is_within = |number: Seq| (header.first..=header.last()).contains(&number);
        match self.asked.subject {
            Subject::Everybody if !self.asked.changes => true,
            Subject::Number(number) if is_within(number) => true,
            _ => self.sieve.passes(block),
        }
    }

    /// What a frame must mention to be read; `None` where no filter tells.
    fn wanted(&self) -> Option<Vec<Mention<'a>>> {
        let mut wanted = vec![Mention::Settings];
        match &self.asked.subject {
            Subject::User(key) => wanted.push(Mention::Name(key)),
            Subject::Number(number) => wanted.push(Mention::Session(*number)),
            Subject::Everybody if self.asked.changes => {}
            Subject::Id(_) | Subject::Ip(_) | Subject::Everybody => return None,
        }
        wanted.extend(self.user.map(Mention::User));
        wanted.extend(self.known.iter().map(|number| Mention::Session(*number)));
        Some(wanted)
    }

    /// Folds a decision that may matter; its events.
    fn decision(&mut self, first: Seq, decision: Decision) -> Result<Option<Vec<Told>>, SparseError> {
        if !self.matters(first, &decision) {
            return Ok(None);
        }
        let brought = self.bring(&decision)?;
        let decision = Arc::new(decision);
        let effects = evolve_decision(&mut self.state, first, &decision);
        self.know(first, &decision);
        let told = tell(&self.state, &Recorded { first, decision, effects });
        for number in brought {
            self.forget(number);
        }
        self.told += 1;
        Ok(Some(told))
    }

    fn matters(&self, first: Seq, decision: &Decision) -> bool {
        let is_his = |facts: &Facts| match &self.asked.subject {
            Subject::Ip(ip) => facts.ip() == Some(ip),
            Subject::Id(id) => facts.session() == id,
            _ => false,
        };
        let adopts = |event: &Event| match event {
            Event::Adopted { facts, .. } => facts.plain().is_some_and(|facts| is_his(facts)),
            _ => false,
        };
        if matches!(self.asked.subject, Subject::Everybody) && !self.asked.changes {
            return true;
        }
        let mut found = login(decision).is_some_and(is_his) || decision.events.iter().any(adopts);
        mentions(first, decision, &mut |mention| {
            found |= match (mention, &self.asked.subject) {
                (Mention::Settings, _) => true,
                (Mention::Name(name), Subject::User(key)) => name == key,
                (Mention::User(user), Subject::User(_)) => self.user == Some(user),
                (Mention::Session(number), Subject::Number(wanted)) => number == *wanted,
                (Mention::Session(number), _) => self.known.contains(&number),
                _ => false,
            };
        });
        found
    }

    /// Sessions of others that a decision names, as they were admitted.
    fn bring(&mut self, decision: &Decision) -> Result<Vec<Seq>, SparseError> {
        let mut brought = Vec::new();
        for number in named(decision) {
            if self.state.session_numbered(number).is_some() {
                continue;
            }
            self.foreign += 1;
            if self.foreign > FOREIGN_MAX {
                return Err(SparseError::TooForeign);
            }
            if let Some((first, admitted, index)) = admission(self.reader, number)?
                && let Some(event) = admitted.events.get(index)
            {
                evolve(&mut self.state, Happened { seq: number, first, decision: &admitted, event });
                brought.push(number);
            }
        }
        Ok(brought)
    }

    /// Lets go of somebody else's session, where the decision did not end it.
    fn forget(&mut self, number: Seq) {
        if self.known.contains(&number) {
            return;
        }
        let (seq, ended_at) = (self.state.seq(), self.state.at());
        let event = Event::Ended { session: number, cause: Cause::Assumed, ended_at, judged: None };
        let decision = crate::rejudge::binding(&self.state, Vec::new());
        evolve(&mut self.state, Happened { seq, first: seq, decision: &decision, event: &event });
    }

    /// Keeps in mind whose sessions are live.
    fn know(&mut self, first: Seq, decision: &Decision) {
        let before = self.known.len();
        let mut changed = false;
        for (number, event) in (first.0..).map(Seq).zip(&decision.events) {
            let number = match event {
                Event::Admitted { user, .. } | Event::Adopted { user, .. } => {
                    if self.is_his(number) && matches!(self.asked.subject, Subject::User(_)) {
                        self.user = Some(*user);
                    }
                    number
                }
                Event::Resumed { session, .. } => *session,
                Event::Ended { session, .. } => {
                    changed |= self.known.remove(session);
                    continue;
                }
                _ => continue,
            };
            let is_from = matches!(&self.asked.subject, Subject::Ip(ip)
                if login(decision).and_then(Facts::ip) == Some(ip));
            if self.is_his(number) || is_from {
                changed |= self.known.insert(number);
            }
        }
        if changed || before != self.known.len() {
            self.look_for();
        }
    }

    fn look_for(&mut self) {
        let mut numbers = self.known.clone();
        if let Subject::Number(number) = self.asked.subject {
            numbers.insert(number);
        }
        self.sieve.numbers(&numbers);
    }

    fn is_his(&self, number: Seq) -> bool {
        let Some(session) = self.state.session_numbered(number) else { return false };
        match &self.asked.subject {
            Subject::User(key) => session.facts.user() == key,
            Subject::Id(id) => session.facts.session() == id,
            Subject::Ip(ip) => session.facts.ip() == Some(ip),
            Subject::Number(wanted) => number == *wanted,
            Subject::Everybody => false,
        }
    }
}

/// The live sessions that a decision names.
fn named(decision: &Decision) -> BTreeSet<Seq> {
    let of_event = |event: &Event| match event {
        Event::Resumed { session, .. }
        | Event::Touched { session, .. }
        | Event::Disconnected { session }
        | Event::Ended { session, .. } => Some(*session),
        Event::Conflicted { session, .. } => *session,
        Event::UserCleared { keep, .. } => *keep,
        _ => None,
    };
    let victims = decision.judged.iter().filter(|judged| !judged.enforced).flat_map(|judged| {
        let victims: &[Seq] = match &judged.answer {
            Judgement::Evict { victims } => victims,
            Judgement::Allow | Judgement::Deny { .. } => &[],
        };
        victims.iter().copied()
    });
    decision.events.iter().filter_map(of_event).chain(victims).collect()
}
