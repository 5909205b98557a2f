//! Reading an export of events back.

use super::{Chain, begun, hex};
use crate::history::{Fold, HistoryError};
use crate::lines::event_line;
use sledger_core::State;
use sledger_core::decider::Recorded;
use sledger_core::event::Decision;
use sledger_projector::tell;
use sledger_wire::events::{Begin, End, EventLine, ExportRead};
use sledger_wire::values::Reason;
use std::collections::VecDeque;
use std::sync::Arc;

/// Why an export of events is refused. Who reads it names file and line.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No line of an export.
    #[error("{0}")]
    Line(Reason),
    /// The first line does not say how the history began.
    #[error("carries no `record`: an export of one user, or under pseudonyms, cannot be folded again")]
    NoRecord,
    /// The first line is not that of an export.
    #[error("is not the first line of an export: `begin` is missing")]
    NoBegin,
    /// Another event than the next.
    #[error("`seq` is {found}, the next event is {next}: lines are missing, twice or out of order")]
    Seq {
        /// As written; 0 where there is none.
        found: u64,
        /// The one that comes next.
        next: u64,
    },
    /// A decision where none may begin, or none where one must.
    #[error("{0}")]
    Record(&'static str),
    /// A record was changed, or comes from elsewhere.
    #[error("chain broken: the record does not follow from the lines before")]
    Chain,
    /// The line says something else than its record.
    #[error("`{key}` is {given}, the record says otherwise")]
    Differs {
        /// The key.
        key: String,
        /// As written.
        given: String,
    },
    /// Lines behind the end.
    #[error("stands behind the line that ends the export")]
    AfterEnd,
    /// The end is missing.
    #[error("cut off after seq {seq}: the line that ends the export is missing")]
    Cut {
        /// The last event read.
        seq: u64,
    },
    /// The fold is another one than that which was exported.
    #[error("the state at seq {seq} has digest {found}, the export says {said}")]
    Digest {
        /// The last event.
        seq: u64,
        /// By the export.
        said: String,
        /// As folded here.
        found: String,
    },
    /// The records do not add up.
    #[error(transparent)]
    History(#[from] HistoryError),
}

/// An export of events being folded again.
#[derive(Debug)]
pub struct ReadBack {
    fold: Fold,
    chain: Chain,
    /// What the next lines must say.
    expected: VecDeque<EventLine>,
    seq: u64,
    end: Option<End>,
}

impl ReadBack {
    /// Begins with the first line of an export, which is to be given to [`ReadBack::line`] as well.
    ///
    /// # Errors
    /// Where the line does not say how the history began.
    pub fn new(first: &[u8]) -> Result<(Self, Begin), ExportError> {
        let read = ExportRead::parse(first).map_err(ExportError::Line)?;
        let begin = match (read.begin, read.record) {
            (Some(begin), _) => begin,
            (None, None) => return Err(ExportError::NoRecord),
            (None, Some(_)) => return Err(ExportError::NoBegin),
        };
        let fold = Fold::new(begun(&begin)?);
        let chain = Chain::new(&begin);
        Ok((Self { fold, chain, expected: VecDeque::new(), seq: 0, end: None }, begin))
    }

    /// The state after the decisions read so far.
    #[must_use]
    pub const fn state(&self) -> &State {
        self.fold.state()
    }

    /// Reads the next line; the decision that begins with it, folded.
    ///
    /// # Errors
    /// What was cut, changed or comes from elsewhere.
    pub fn line(&mut self, line: &[u8]) -> Result<Option<Recorded>, ExportError> {
        let mut read = ExportRead::parse(line).map_err(ExportError::Line)?;
        if self.end.is_some() {
            return Err(ExportError::AfterEnd);
        }
        let (found, next) = (read.number("seq").unwrap_or(0), self.seq.saturating_add(1));
        if found != next {
            return Err(ExportError::Seq { found, next });
        }
        if read.begin.is_some() && next > 1 {
            return Err(ExportError::Record("begins an export within another one"));
        }
        let recorded = match (read.record.take(), self.expected.is_empty()) {
            (Some(decision), true) => Some(self.record(decision, read.chain.as_deref())?),
            (None, false) => None,
            (None, true) => return Err(ExportError::Record("begins a decision and carries no `record`")),
            (Some(_), false) => return Err(ExportError::Record("carries a `record` within a decision")),
        };
        self.compare(&read)?;
        self.seq = next;
        self.end = read.end;
        Ok(recorded)
    }

    fn record(&mut self, decision: Decision, chain: Option<&str>) -> Result<Recorded, ExportError> {
        if chain != Some(self.chain.next(&decision).as_str()) {
            return Err(ExportError::Chain);
        }
        let recorded = self.fold.decision(Arc::new(decision))?;
        self.expected = tell(self.fold.state(), &recorded).iter().map(event_line).collect();
        Ok(recorded)
    }

    /// The line must say what its record says.
    fn compare(&mut self, read: &ExportRead) -> Result<(), ExportError> {
        let Some(expected) = self.expected.pop_front() else {
            return Err(ExportError::Record("carries a `record` without events"));
        };
        match read.differs(&expected) {
            Some((key, given)) => Err(ExportError::Differs { key, given }),
            None => Ok(()),
        }
    }

    /// After the last line: the state at the end.
    ///
    /// # Errors
    /// Where the end is missing, or is another one than was exported.
    pub fn finish(self) -> Result<State, ExportError> {
        let Some(End { seq, digest: said }) = self.end.filter(|_| self.expected.is_empty()) else {
            return Err(ExportError::Cut { seq: self.seq });
        };
        let state = self.fold.state().clone();
        let found = hex(&state.digest());
        if (seq, &said) == (state.seq().0, &found) {
            Ok(state)
        } else {
            Err(ExportError::Digest { seq: state.seq().0, said, found })
        }
    }
}
