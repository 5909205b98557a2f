//! What checks of storage and of decisions found, together.

use anyhow::Error;
use sledger_core::Seq;
use sledger_log::{BlocksReport, StreamError, VerifyReport};
use sledger_replay::verify::{BlocksEnd, Report, Unable, Whole};
use sledger_wire::escape;
use sledger_wire::pages::{Verified, VerifyProblem};

/// What is not made of blocks is held against nothing.
const UNANCHORED: &str = "an export of events has no blocks: no checkpoint can be held against it, and nobody can tell \
                          whether it was cut or written anew as a whole; `--format blocks` can be";
/// What a recording proves.
const SIMULATED: &str = "a recording holds commands and no decisions: it was decided here and held against itself, \
                         which shows that deciding twice gives the same, and nothing about any ledger";

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    /// What was read, for people.
    pub(super) what: String,
    report: Report,
    blocks: u64,
    /// The last event there is.
    last: u64,
    anchored_to: Option<String>,
    untold: Vec<String>,
    problems: Vec<VerifyProblem>,
    is_simulated: bool,
}

impl Found {
    /// A ledger at rest.
    pub(super) fn of_ledger(whole: Whole<VerifyReport>) -> Self {
        let Whole { storage, held, report } = whole;
        let what = format!(
            "ledger {}, {} volumes, head seq {}",
            storage.meta.ledger, storage.volumes, held.head.seq
        );
        Self {
            what,
            report,
            blocks: held.blocks,
            last: held.head.seq.0,
            anchored_to: storage.anchored_to(),
            untold: storage.cannot_tell(),
            problems: storage.problems.iter().map(shown).collect(),
            is_simulated: false,
        }
    }

    /// Blocks one behind the other, under a name.
    pub(super) fn of_blocks(name: &str, whole: Whole<Option<BlocksEnd<StreamError>>>) -> Self {
        let Whole { storage, held, report } = whole;
        let next = held.head.seq.next();
        let problem = storage.as_ref().map(|end| match end {
            BlocksEnd::Read(error) => (word(error), error.to_string()),
            BlocksEnd::Decision(error) => ("content", error.to_string()),
        });
        let problem = problem.map(|(kind, detail)| VerifyProblem {
            kind: kind.to_owned(),
            volume: None,
            seq: Some(next.0),
            detail: escape(&detail).into_owned(),
        });
        let BlocksReport { blocks, problems, .. } = &held;
        Self {
            what: format!("blocks of {}, head seq {}", escape(name), held.head.seq),
            report,
            blocks: *blocks,
            last: held.head.seq.0,
            anchored_to: held.anchored_to(),
            untold: held.cannot_tell(),
            problems: problem.into_iter().chain(problems.iter().map(shown)).collect(),
            is_simulated: false,
        }
    }

    /// Lines of an export of events, or a recording; what stood in the way of reading on.
    pub(super) fn of_lines(report: Report, error: Option<Error>, is_simulated: bool) -> Self {
        let next = report.events + 1;
        let problem = error.map(|error| VerifyProblem {
            kind: "unreadable".to_owned(),
            volume: None,
            seq: Some(next),
            detail: escape(&format!("{error:#}")).into_owned(),
        });
        let what = if is_simulated { "recording" } else { "export of events" }.to_owned();
        let untold = if is_simulated { SIMULATED } else { UNANCHORED };
        Self {
            last: report.events,
            what,
            report,
            blocks: 0,
            anchored_to: None,
            untold: vec![untold.to_owned()],
            problems: problem.into_iter().collect(),
            is_simulated,
        }
    }

    /// Takes it as wrong that others rules or engines decided.
    pub(super) fn strictly(&mut self) {
        let count = self.report.count(Unable::Revision);
        if count > 0 {
            let detail =
                format!("{count} decisions were made by other rules or another engine than this program's");
            self.problem("revision", detail);
        }
    }

    /// Takes it as wrong that no checkpoint can be held against what has no blocks.
    pub(super) fn anchored(&mut self) {
        let is_told = self.problems.iter().any(|problem| problem.kind == "not_anchored");
        if self.anchored_to.is_none() && !is_told {
            self.problem("not_anchored", "no checkpoint from outside holds this past".to_owned());
        }
    }

    fn problem(&mut self, kind: &str, detail: String) {
        self.problems.push(VerifyProblem { kind: kind.to_owned(), volume: None, seq: None, detail });
    }

    /// As other programs read it.
    pub(super) fn verified(&self) -> Verified {
        let report = &self.report;
        let decided = report.problems.iter().map(|problem| VerifyProblem {
            kind: problem.kind.as_str().to_owned(),
            volume: problem.volume,
            seq: Some(problem.seq.0),
            detail: problem.detail.clone(),
        });
        let mut problems: Vec<VerifyProblem> = self.problems.iter().cloned().chain(decided).collect();
        problems.sort_by_key(|problem| problem.seq.unwrap_or(u64::MAX));
        let not_rederivable = report.not_rederivable.iter();
        Verified {
            events: report.events,
            blocks: self.blocks,
            decisions: report.decisions,
            rederived: report.rederived,
            not_rederivable: not_rederivable.map(|(why, count)| (why.to_string(), *count)).collect(),
            anchored_to: self.anchored_to.as_deref().map(|told| escape(told).into_owned()),
            cannot_tell: self.cannot_tell(),
            ok: problems.is_empty(),
            whole_to: Some(whole_to(&problems, self.last)),
            problems,
        }
    }

    fn cannot_tell(&self) -> Vec<String> {
        let mut untold = self.untold.clone();
        if self.is_simulated {
            return untold;
        }
        if let Some(Seq(seq)) = self.report.cut_short {
            untold.push(format!(
                "the decisions of the last command end at seq {seq}, before all of them are there"
            ));
        }
        untold
    }
}

fn shown(problem: &sledger_log::Problem) -> VerifyProblem {
    VerifyProblem {
        kind: problem.kind.word().to_owned(),
        volume: Some(problem.volume).filter(|no| *no > 0),
        seq: Some(problem.seq.0).filter(|seq| *seq > 0),
        detail: escape(&problem.detail).into_owned(),
    }
}

/// The last event before anything that is wrong.
fn whole_to(problems: &[VerifyProblem], last: u64) -> u64 {
    let first = problems.iter().filter_map(|problem| problem.seq).min();
    first.map_or(last, |first| first.saturating_sub(1))
}

const fn word(error: &StreamError) -> &'static str {
    match error {
        StreamError::Cut { .. } => "cut",
        StreamError::Block { .. } => "damaged",
        StreamError::Foreign { .. } => "foreign",
        StreamError::Gap { .. } => "lost",
        StreamError::Chain { .. } => "chain_broken",
        StreamError::Io { .. } => "unreadable",
    }
}
