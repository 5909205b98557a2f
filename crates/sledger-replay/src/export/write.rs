//! Writing an export of events.

use super::{Chain, hex};
use crate::lines::event_line;
use sledger_core::State;
use sledger_core::decider::Recorded;
use sledger_projector::tell;
use sledger_wire::events::{Begin, End, ExportLine};
use std::sync::Arc;

/// Turns folded decisions into lines that can be folded again.
#[derive(Debug)]
pub struct Exporter {
    begin: Option<Begin>,
    chain: Chain,
    /// The line that may be the last.
    held: Option<ExportLine>,
}

impl Exporter {
    /// An export of a history that began so.
    #[must_use]
    pub fn new(begin: Begin) -> Self {
        Self { chain: Chain::new(&begin), begin: Some(begin), held: None }
    }

    /// The lines that can be written once `recorded` was folded into `state`.
    pub fn decision(&mut self, recorded: &Recorded, state: &State) -> Vec<String> {
        let mut lines: Vec<ExportLine> = tell(state, recorded)
            .iter()
            .map(|told| ExportLine { event: event_line(told), ..ExportLine::default() })
            .collect();
        if let Some(first) = lines.first_mut() {
            first.begin = self.begin.take();
            first.record = Some(Arc::clone(&recorded.decision));
            first.chain = Some(self.chain.next(&recorded.decision));
        }
        let last = lines.pop();
        let held = std::mem::replace(&mut self.held, last);
        held.iter().chain(&lines).map(ExportLine::to_json).collect()
    }

    /// The last line, with the digest of `state`; none for a history without events.
    #[must_use]
    pub fn finish(mut self, state: &State) -> Option<String> {
        let line = self.held.as_mut()?;
        line.end = Some(End { seq: state.seq().0, digest: hex(&state.digest()) });
        Some(line.to_json())
    }
}
