//! `policy backtest`: what a policy would have decided where others did.
//!
//! Promise: a change is counted where the new policy's answer at its quotas is of another kind, ends other sessions,
//! or lets in who was refused or the other way round; equal answers for other reasons are none. Only what could
//! have changed is decided again: without a `limit()`, logins that met one of its quotas exhausted; with one, every
//! login that one of them counts.
//!
//! Invariant: memory is bounded by the live sessions and the bounds named here, not by the length of history.

mod buckets;
mod cascade;
mod report;

pub use buckets::{BUCKETS_MAX, Bucket, Buckets};
pub use cascade::Cascade;
pub use report::{Change, EXAMPLES_MAX, Example, GROUPS_MAX, LINES_MAX, Report, Totals};

use crate::rejudge::{Candidate, CandidateError, Outcome, Rejudge, RejudgeError, Standing, Target, Unable};
use sledger_core::event::{Decision, Event, Op};
use sledger_core::state::AHEAD_DECISIONS;
use sledger_core::{Millis, Seq};
use sledger_wire::events::Begin;
use std::sync::Arc;

/// What is tried, and where.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The policy.
    pub candidate: Candidate,
    /// The quotas it stands in for.
    pub target: Target,
    /// What it is compared with; `None` for what was recorded.
    pub against: Option<Candidate>,
    /// Which decisions are compared.
    pub window: Window,
    /// Changes kept to be looked at, at most [`EXAMPLES_MAX`].
    pub examples: usize,
}

/// From when to when decisions are compared. All of history is folded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Times before are left out.
    pub since: Option<Millis>,
    /// Decisions up to this event are left out.
    pub after: Option<Seq>,
    /// Times from here on are left out.
    pub until: Option<Millis>,
    /// Decisions after this event are left out.
    pub upto: Option<Seq>,
}

impl Window {
    /// Whether a decision lies in it.
    #[must_use]
    pub fn covers(&self, first: Seq, at: Millis) -> bool {
        self.since.is_none_or(|since| at >= since)
            && self.after.is_none_or(|after| first > after)
            && self.until.is_none_or(|until| at < until)
            && self.upto.is_none_or(|upto| first <= upto)
    }

    /// Whether nothing that comes now lies in it.
    #[must_use]
    pub fn is_over(&self, first: Seq, at: Millis) -> bool {
        self.until.is_some_and(|until| at >= until) || self.upto.is_some_and(|upto| first > upto)
    }
}

/// A backtest on its way.
#[derive(Debug)]
pub struct Backtest {
    new: Rejudge,
    old: Option<Rejudge>,
    window: Window,
    report: Report,
}

impl Backtest {
    /// A backtest over a history that began so.
    ///
    /// # Errors
    /// Says why the candidate cannot stand in, or names what cannot be used of the beginning.
    pub fn new(begin: &Begin, trial: Trial) -> Result<Self, RejudgeError> {
        let report = Report::new(trial.examples);
        let both = [Some(&trial.candidate), trial.against.as_ref()];
        let names: Vec<Arc<str>> = both.into_iter().flatten().map(|one| Arc::clone(&one.name)).collect();
        let standing = |one| Standing::known_as(one, names.clone(), trial.target.clone());
        let old = trial.against.map(standing).transpose()?;
        let standing = standing(trial.candidate)?;
        let old = old.map(|standing| Rejudge::new(begin, Some(standing))).transpose()?;
        let new = Rejudge::new(begin, Some(standing))?;
        Ok(Self { new, old, window: trial.window, report })
    }

    /// Takes the next decisions; false once nothing more can lie in the window.
    ///
    /// # Errors
    /// Where a candidate cannot take the params of a quota.
    pub fn decisions(&mut self, decisions: &[Decision]) -> Result<bool, RejudgeError> {
        for stretch in decisions.chunks(AHEAD_DECISIONS) {
            self.new.look_ahead(stretch);
            for decision in stretch {
                if !self.decision(decision)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Takes the next decision; false once nothing more can lie in the window.
    ///
    /// # Errors
    /// Where a candidate cannot take the params of a quota.
    pub fn decision(&mut self, decision: &Decision) -> Result<bool, RejudgeError> {
        let first = self.new.next_seq();
        if self.window.is_over(first, decision.at) {
            return Ok(false);
        }
        if self.window.covers(first, decision.at) {
            match decision.op {
                Op::Login(_) => self.login(first, decision),
                Op::Denials => self.denials(decision),
                _ => {}
            }
        }
        self.new.fold(decision)?;
        if let Some(old) = &mut self.old {
            old.fold(decision)?;
        }
        self.report.events = self.new.state().seq().0;
        Ok(true)
    }

    fn denials(&mut self, decision: &Decision) {
        let places = self.new.standing().map(Standing::places).unwrap_or_default();
        for event in &decision.events {
            if let Event::DenialsCounted { quota: Some(quota), count, .. } = event
                && places.contains(quota)
            {
                self.report.aggregated = self.report.aggregated.saturating_add(*count);
            }
        }
    }

    fn login(&mut self, first: Seq, decision: &Decision) {
        self.report.seen(decision);
        if !self.concerns(decision) {
            return;
        }
        if self.new.texts().missing().is_some() {
            return self.report.unable(Unable::Unbound);
        }
        match self.both(decision) {
            Ok(Some((was, is))) => self.report.compared((first, decision), &was, &is),
            Ok(None) => {}
            Err(unable) => self.report.unable(unable),
        }
    }

    /// Whether one of the quotas may decide otherwise.
    fn concerns(&mut self, decision: &Decision) -> bool {
        let new = &mut self.new;
        new.meet();
        let Some(standing) = new.standing() else { return false };
        let places = standing.places();
        if decision.judged.iter().any(|judged| places.contains(&judged.quota)) {
            return true;
        }
        let recorded = new.recorded();
        let has_limit = |place: &u16| recorded.get(usize::from(*place)).is_some_and(|one| one.has_limit);
        let old = self.old.as_ref().and_then(Rejudge::standing).is_some_and(Standing::has_limit);
        if !old && !standing.has_limit() && !places.iter().any(has_limit) {
            return false;
        }
        let Op::Login(op) = &decision.op else { return false };
        let Some(facts) = op.facts.plain() else { return true };
        let quotas = &new.state().ready().quotas;
        places.iter().any(|place| quotas.get(usize::from(*place)).is_some_and(|quota| quota.counts(facts)))
    }

    /// What was, and what would be.
    fn both(&mut self, decision: &Decision) -> Result<Option<(Outcome, Outcome)>, Unable> {
        let places = self.new.standing().map(|standing| standing.places().to_vec()).unwrap_or_default();
        let outcome = |judge: &Rejudge, decision: &Decision| {
            Outcome::of(decision, &places, |number| {
                judge.state().session_numbered(number).map(|session| Arc::from(session.facts.session()))
            })
        };
        let was = match &mut self.old {
            Some(old) => {
                let again = old.again(decision, None)?;
                outcome(old, &again)
            }
            None => outcome(&self.new, decision),
        };
        let Some(was) = was else { return Ok(None) };
        let again = self.new.again(decision, None)?;
        let is = outcome(&self.new, &again).ok_or(Unable::Unrecorded)?;
        Ok(Some((was, is)))
    }

    /// What came of it.
    ///
    /// # Errors
    /// Where no quota was meant by the candidate at any login.
    pub fn finish(mut self) -> Result<Report, CandidateError> {
        let Some(standing) = self.new.standing() else { return Ok(self.report) };
        if standing.stood_in.is_empty() && self.report.decisions > 0 {
            return Err(standing.no_target(self.new.state()));
        }
        self.report.quotas.clone_from(&standing.stood_in);
        Ok(self.report)
    }

    /// What came of it so far.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }
}
