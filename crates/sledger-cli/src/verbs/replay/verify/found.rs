//! What checks of storage and of decisions found, together.

use anyhow::Error;
use sledger_core::Seq;
use sledger_log::{StreamError, VerifyReport};
use sledger_replay::verify::{Anchor, BlocksEnd, Loose, Report, Unable, Whole};
use sledger_wire::escape;
use sledger_wire::pages::{Verified, VerifyProblem};

/// Nothing but the past itself says that it is all there.
const UNANCHORED: &str = "without a checkpoint from outside nobody can tell whether events were cut off at the end, or \
                          whether the whole ledger was written anew with hashes that fit";
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
    anchor: Option<Anchor>,
    problems: Vec<VerifyProblem>,
    is_simulated: bool,
}

impl Found {
    /// A ledger at rest.
    pub(super) fn of_ledger(whole: Whole<VerifyReport>) -> Self {
        let (storage, head) = (&whole.storage, whole.head.seq);
        let what = format!("ledger {}, {} volumes, head seq {head}", storage.meta.ledger, storage.volumes);
        let problem = |problem: &sledger_log::Problem| VerifyProblem {
            kind: problem.kind.word().to_owned(),
            volume: Some(problem.volume),
            seq: Some(problem.seq.0),
            detail: escape(&problem.detail).into_owned(),
        };
        let problems = storage.problems.iter().map(problem).collect();
        Self::new(what, whole, problems)
    }

    /// Blocks one behind the other, under a name.
    pub(super) fn of_blocks(name: &str, whole: Whole<Option<BlocksEnd<StreamError>>>) -> Self {
        let next = whole.head.seq.next();
        let problem = whole.storage.as_ref().map(|end| match end {
            BlocksEnd::Read(error) => (word(error), error.to_string()),
            BlocksEnd::Decision(error) => ("content", error.to_string()),
        });
        let problem = problem.map(|(kind, detail)| VerifyProblem {
            kind: kind.to_owned(),
            volume: None,
            seq: Some(next.0),
            detail: escape(&detail).into_owned(),
        });
        let what = format!("blocks of {}, head seq {}", escape(name), whole.head.seq);
        Self::new(what, whole, problem.into_iter().collect())
    }

    fn new<S>(what: String, whole: Whole<S>, mut problems: Vec<VerifyProblem>) -> Self {
        problems.extend(whole.loose.iter().map(|loose| {
            VerifyProblem {
                kind: match loose {
                    Loose::Beyond { .. } => "cut",
                    Loose::Other { .. } | Loose::Within { .. } => "rewritten",
                }
                .to_owned(),
                volume: None,
                seq: Some(loose.seq().0),
                detail: escape(&loose.to_string()).into_owned(),
            }
        }));
        let Whole { blocks, anchored: anchor, report, .. } = whole;
        Self { what, report, blocks, anchor, problems, is_simulated: false }
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
        Self { what, report, blocks: 0, anchor: None, problems: problem.into_iter().collect(), is_simulated }
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

    /// Takes it as wrong that nothing from outside was held against it.
    pub(super) fn anchored(&mut self) {
        if self.anchor.is_none() {
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
            anchored_to: self.anchor.as_ref().map(|anchor| escape(&anchor.name).into_owned()),
            cannot_tell: self.cannot_tell(),
            ok: problems.is_empty(),
            whole_to: whole_to(&problems, report),
            problems,
        }
    }

    fn cannot_tell(&self) -> Vec<String> {
        let mut untold = Vec::new();
        if self.is_simulated {
            return vec![SIMULATED.to_owned()];
        }
        match &self.anchor {
            None => untold.push(UNANCHORED.to_owned()),
            Some(anchor) => untold.push(format!(
                "nobody can tell whether events after seq {} were cut off or written anew",
                anchor.seq
            )),
        }
        if let Some(Seq(seq)) = self.report.cut_short {
            untold.push(format!(
                "the decisions of the last command end at seq {seq}, before all of them are there"
            ));
        }
        untold
    }
}

fn whole_to(problems: &[VerifyProblem], report: &Report) -> Option<u64> {
    match problems.iter().filter_map(|problem| problem.seq).min() {
        Some(first) => Some(first.saturating_sub(1)),
        None => Some(report.events),
    }
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
