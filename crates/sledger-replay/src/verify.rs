//! A whole past proved: every recorded decision is decided again on the state right before it and must be found the
//! same, counts must hold after every event, and time must not run back.
//!
//! Grammar of what is checked of each decision, in order: that nothing else was due before it, that it belongs to the
//! command it says, what it decides, the counts after it. The state then goes on as it was recorded, so one forged
//! decision is one difference and not a flood of them.
//!
//! Invariants: nothing is passed over in silence, each decision is counted as decided again or, by name, as one that
//! cannot be ([`Unable`]); memory is bounded by the live state and [`PROBLEMS_MAX`].
//!
//! Absent on purpose: files, hashes of blocks, checkpoints. Whoever reads blocks checks those, and says with
//! [`Verify::lost`] where events are missing. A past that was rewritten whole, by the rules, from its first event on
//! cannot be told from a true one here.

mod again;
mod belongs;
mod differs;
mod due;
mod ledger;
mod own;
mod reconcile;
mod report;
mod settings;

pub use ledger::{BlocksEnd, ProveError, Whole, blocks, ledger};
pub use report::{Kind, PROBLEMS_MAX, Problem, Report, Unable};
pub use sledger_log::Anchors;

use crate::quotas::QuotaFold;
use crate::rejudge::{Rejudge, RejudgeError};
use again::Again;
use belongs::Group;
use sledger_core::event::{Decision, Event, Op, RULES_REVISION};
use sledger_core::state::AHEAD_DECISIONS;
use sledger_core::{Seq, State};
use sledger_policy::ENGINE_REVISION;
use sledger_wire::events::Begin;

/// A past being proved.
#[derive(Debug)]
pub struct Verify {
    judge: Rejudge,
    quotas: QuotaFold,
    /// Where the decisions lie, if that is known.
    volume: Option<u32>,
    /// Decisions that change settings, until the one that puts them in force.
    settings: Vec<Decision>,
    group: Group,
    /// Whether rules or engine in force are another revision than this program's.
    is_foreign: bool,
    /// Events before are missing, and the ledger was not opened since they are: decisions rest on what is gone.
    is_blind: bool,
    /// The ledger was opened, and nobody has asked it anything yet.
    is_starting: bool,
    report: Report,
}

impl Verify {
    /// A past that began so.
    ///
    /// # Errors
    /// Names the setting or policy of the beginning that cannot be used.
    pub fn new(begin: &Begin) -> Result<Self, RejudgeError> {
        let judge = Rejudge::as_recorded(begin)?;
        let quotas = QuotaFold::of(judge.state());
        Ok(Self {
            judge,
            quotas,
            volume: None,
            settings: Vec::new(),
            group: Group::default(),
            is_foreign: false,
            is_blind: false,
            is_starting: false,
            report: Report::default(),
        })
    }

    /// Takes the next decisions.
    pub fn decisions(&mut self, decisions: &[Decision]) {
        for stretch in decisions.chunks(AHEAD_DECISIONS) {
            if self.settings.is_empty() {
                self.judge.look_ahead(stretch);
            }
            for decision in stretch {
                self.decision(decision);
            }
        }
    }

    /// Takes decisions whose first event is `first`: those that are missing before it are lost.
    pub fn decisions_from(&mut self, first: Seq, decisions: &[Decision]) {
        let waiting: usize = self.settings.iter().map(|decision| decision.events.len()).sum();
        let next = self.judge.next_seq().plus(waiting as u64);
        if first > next {
            self.lost(next, Seq(first.0.saturating_sub(1)));
        }
        self.decisions(decisions);
    }

    /// What is met from here on lies in this volume.
    pub const fn in_volume(&mut self, volume: u32) {
        self.volume = Some(volume);
    }

    /// Events `from` to `to` are missing here: what follows cannot be decided again until the ledger says that it was
    /// opened without them.
    pub fn lost(&mut self, from: Seq, to: Seq) {
        self.settle();
        self.group = Group::default();
        self.judge.skip_to(to);
        self.is_blind = true;
        self.report.lost.push((from, to));
    }

    /// The state after what was taken so far.
    #[must_use]
    pub fn state(&self) -> &State {
        self.judge.state()
    }

    /// What was found so far.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// What was found.
    #[must_use]
    pub fn finish(mut self) -> Report {
        self.settle();
        if self.group.is_open() {
            self.report.cut_short = Some(self.judge.state().seq());
        }
        self.report.sessions = self.judge.state().session_count() as u64;
        self.report
    }

    fn decision(&mut self, decision: &Decision) {
        if matches!(decision.op, Op::Configure | Op::Policy) {
            self.settings.push(decision.clone());
            if settings::is_whole(&self.settings) {
                self.settle();
            }
            return;
        }
        self.settle();
        let first = self.judge.next_seq();
        self.before(first, decision);
        let again = self.again(first, decision);
        self.tell(first, again);
        self.is_starting = matches!(decision.events.as_slice(), [Event::LedgerStarted(_)]);
        self.fold(first, decision);
    }

    /// What must hold before a decision, whatever it says.
    fn before(&mut self, first: Seq, decision: &Decision) {
        let last = self.judge.state().at();
        if decision.at < last {
            let detail =
                format!("ledger time runs back from {} to {}", last.rfc3339(), decision.at.rfc3339());
            self.problem(Kind::Time, first, detail);
        }
        if self.is_blind || self.is_foreign {
            return;
        }
        if let Err(detail) = self.belongs(first, decision) {
            self.problem(Kind::Incomplete, first, detail);
        }
        if let Err(detail) = self.nothing_is_due(first, decision) {
            self.problem(Kind::Undrained, first, detail);
        }
    }

    /// Counts what came of deciding again.
    fn tell(&mut self, first: Seq, again: Again) {
        match again {
            Again::Same => self.report.rederived += 1,
            // What is decided beside facts that are sealed away may rest on them.
            Again::Differs(_) if self.report.count(Unable::Erased) > 0 => self.report.unable(Unable::Erased),
            Again::Differs(detail) => self.problem(Kind::Diverged, first, detail),
            Again::Unable(unable) => self.report.unable(unable),
        }
    }

    fn problem(&mut self, kind: Kind, seq: Seq, detail: String) {
        self.report.problem(Problem { kind, volume: self.volume, seq, detail });
    }

    /// The decision as it was recorded, and the counts after it.
    fn fold(&mut self, first: Seq, decision: &Decision) {
        self.report.decisions += 1;
        self.report.events += decision.events.len() as u64;
        if let Err(error) = self.judge.fold(decision) {
            self.problem(Kind::Settings, first, error.to_string());
        }
        self.note_revision(decision);
        let after = self.judge.state();
        if self.is_blind {
            self.quotas.begin_anew(after);
        } else if let Err(broken) = self.quotas.fold(first, decision, after) {
            self.quotas.begin_anew(after);
            self.problem(Kind::Quota, broken.seq(), broken.to_string());
        }
    }

    /// By which rules and engine the next decisions were made.
    fn note_revision(&mut self, decision: &Decision) {
        for event in &decision.events {
            let (rules, engine) = match event {
                Event::LedgerStarted(started) => (started.rules, &started.engine),
                Event::ConfigApplied { rules, engine, .. } => (*rules, engine),
                _ => continue,
            };
            self.is_foreign = rules != RULES_REVISION || **engine != *ENGINE_REVISION;
        }
    }
}
