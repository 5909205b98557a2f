//! Finding single things in a ledger without folding it.

use super::sieve::Sieve;
use crate::at::Begin;
use crate::history::{HistoryError, decisions, first_state};
use sledger_core::config::UserSettings;
use sledger_core::event::{Decision, Event, Op};
use sledger_core::evolve::evolve_decision;
use sledger_core::{Facts, Seq};
use sledger_log::Reader;

/// Decisions at the beginning of a ledger that may still be its settings.
const OPENING_MAX: usize = 10_000;

/// The decision that admitted or adopted the session with this number: its first event, and the index of the one.
pub(super) fn admission(
    reader: &Reader,
    number: Seq,
) -> Result<Option<(Seq, Decision, usize)>, HistoryError> {
    let Some(block) = reader.blocks(number).next().transpose()? else { return Ok(None) };
    let mut seq = block.header().first;
    for decision in decisions(&block) {
        let (first, decision) = (seq, decision?);
        seq = seq.plus(decision.events.len() as u64);
        if number < seq {
            let index = usize::try_from(number.0.saturating_sub(first.0)).unwrap_or(usize::MAX);
            return Ok(Some((first, decision, index)));
        }
    }
    Ok(None)
}

/// How user names become user keys: said at a ledger's beginning, and the same as long as anything is in it.
///
/// # Errors
/// What is damaged there, or cannot be read.
pub fn user_settings(reader: &Reader) -> Result<UserSettings, HistoryError> {
    let mut state = first_state(reader.dir(), reader)?;
    let mut left = OPENING_MAX;
    for block in reader.blocks(Seq(1)) {
        for decision in decisions(&block?) {
            let decision = decision?;
            left -= 1;
            if left == 0 || !matches!(decision.op, Op::Configure | Op::Policy | Op::Ledger) {
                return Ok(state.ready().settings.users.clone());
            }
            let first = state.seq().next();
            evolve_decision(&mut state, first, &decision);
        }
    }
    Ok(state.ready().settings.users.clone())
}

/// What is known of an id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastSession {
    /// The session that bore it last: the live one, else the latest that ended.
    pub number: Option<Seq>,
    /// How many sessions bore it.
    pub count: u64,
}

impl LastSession {
    /// Notes the sessions that a decision admits under `id`.
    pub fn note(&mut self, id: &str, first: Seq, decision: &Decision) {
        let is_it = |facts: Option<&Facts>| facts.is_some_and(|facts| facts.session() == id);
        for (number, event) in (first.0..).map(Seq).zip(&decision.events) {
            let is_new = match event {
                Event::Admitted { .. } => is_it(super::login(decision)),
                Event::Adopted { facts, .. } => is_it(facts.plain().map(|facts| &**facts)),
                _ => false,
            };
            if is_new {
                (self.number, self.count) = (Some(number), self.count + 1);
            }
        }
    }
}

/// The session that bore an id last. Reads every block, decodes those that hold the id.
///
/// # Errors
/// What is damaged, or cannot be read; [`HistoryError::Stopped`] when told to.
pub fn last_session(reader: &Reader, id: &str, begin: Begin<'_>) -> Result<LastSession, HistoryError> {
    let sieve = Sieve::new(Some(id), false, false);
    let mut last = LastSession::default();
    for block in reader.blocks(Seq(1)) {
        let block = block?;
        if (begin.is_stopped)() {
            return Err(HistoryError::Stopped);
        }
        if begin.upto.is_some_and(|upto| block.header().last() > upto) {
            break;
        }
        if !sieve.passes(&block) {
            continue;
        }
        let mut seq = block.header().first;
        for decision in decisions(&block) {
            let (first, decision) = (seq, decision?);
            seq = seq.plus(decision.events.len() as u64);
            last.note(id, first, &decision);
        }
    }
    Ok(last)
}
