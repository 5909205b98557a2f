//! What came of a proof.

use sledger_core::Seq;
use std::collections::BTreeMap;
use std::fmt;

/// Problems kept; how many there were is counted.
pub const PROBLEMS_MAX: usize = 1000;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Events read.
    pub events: u64,
    /// Decisions read.
    pub decisions: u64,
    /// Decisions decided again and found the same.
    pub rederived: u64,
    /// Decisions that cannot be decided again, by reason.
    pub not_rederivable: BTreeMap<Unable, u64>,
    /// What is wrong, in order, the first [`PROBLEMS_MAX`].
    pub problems: Vec<Problem>,
    /// How much is wrong.
    pub problem_count: u64,
    /// Stretches that are missing, first and last event.
    pub lost: Vec<(Seq, Seq)>,
    /// The last event, where the decisions of its command are not all there.
    pub cut_short: Option<Seq>,
    /// Whether the ledger says that it was put together again without what is missing.
    pub recovered: bool,
    /// Live sessions at the end.
    pub sessions: u64,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.problem_count == 0 && self.lost.is_empty()
    }

    /// The first decision that, decided again, is another one.
    #[must_use]
    pub fn first_difference(&self) -> Option<&Problem> {
        self.problems.iter().find(|problem| problem.kind == Kind::Diverged)
    }

    /// How many decisions cannot be decided again for this reason.
    #[must_use]
    pub fn count(&self, unable: Unable) -> u64 {
        self.not_rederivable.get(&unable).copied().unwrap_or(0)
    }

    pub(super) fn unable(&mut self, unable: Unable) {
        *self.not_rederivable.entry(unable).or_default() += 1;
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        self.problem_count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }
}

/// One thing that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub kind: Kind,
    /// The volume it lies in, where that is known.
    pub volume: Option<u32>,
    /// The event.
    pub seq: Seq,
    /// In words. Names that strangers chose are escaped.
    pub detail: String,
}

/// What kind of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Decided again, it is another decision.
    Diverged,
    /// Something was due before it and was not written.
    Undrained,
    /// The decisions of one command are not all there, or not its own.
    Incomplete,
    /// Counts or limits do not hold.
    Quota,
    /// Ledger time runs back.
    Time,
    /// Settings do not follow from what is recorded.
    Settings,
    /// A start of the ledger does not follow from what stands before.
    Start,
}

impl Kind {
    /// The word as other programs read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Diverged => "diverged",
            Self::Undrained => "undrained",
            Self::Incomplete => "incomplete",
            Self::Quota => "quota",
            Self::Time => "time",
            Self::Settings => "settings",
            Self::Start => "start",
        }
    }
}

/// Why a decision cannot be decided again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unable {
    /// Denials of a storm were only counted: what each of them was is not recorded.
    Aggregated,
    /// It came after events that are missing.
    BehindLoss,
    /// It rests on facts that are sealed away.
    Erased,
    /// What the ledger did or was told by itself: starts, clocks, volumes, notes.
    Ledger,
    /// The text of a policy that was bound is not in this history.
    PolicyText,
    /// A list without a generation: whether its sessions were quiet cannot be known.
    Reconcile,
    /// Other rules or another engine than this program's decided.
    Revision,
    /// Settings that were recorded in part only.
    Settings,
}

impl Unable {
    /// The word as other programs read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aggregated => "aggregated",
            Self::BehindLoss => "behind_loss",
            Self::Erased => "erased",
            Self::Ledger => "ledger",
            Self::PolicyText => "policy_text",
            Self::Reconcile => "reconcile",
            Self::Revision => "revision",
            Self::Settings => "settings",
        }
    }
}

impl fmt::Display for Unable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}
