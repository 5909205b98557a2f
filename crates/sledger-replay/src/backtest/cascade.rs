//! A backtest in which changed decisions alter what follows.
//!
//! Every recorded command is decided again, in virtual time, on a state of its own; from the beginning of the window
//! the candidate decides in its places. Logins are compared by what became of them in the end, so a change is
//! counted too where a login only met other sessions because of a change before.

use super::{Report, Trial, Window};
use crate::commands::{Commands, LateTouches, Losses, Timed};
use crate::export::begun;
use crate::history::{Fold, HistoryError};
use crate::rejudge::{BOUNDS, CandidateError, Kind, Outcome, RejudgeError, Standing, Unable, binding};
use sledger_core::answer::{Answer, Outcome as Became};
use sledger_core::command::Command;
use sledger_core::config::Settings;
use sledger_core::decider::{Decider, Recorded};
use sledger_core::event::{Decision, Op};
use sledger_core::evolve::Effect;
use sledger_core::{Seq, State};
use sledger_policy::Engine;
use sledger_wire::events::Begin;
use std::sync::Arc;

/// A backtest with consequences on its way.
pub struct Cascade {
    fold: Fold,
    commands: Commands,
    decider: Decider<Engine>,
    standing: Standing,
    window: Window,
    is_standing: bool,
    report: Report,
}

impl std::fmt::Debug for Cascade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cascade").field("report", &self.report).finish_non_exhaustive()
    }
}

impl Cascade {
    /// A backtest over a history that began so. `late` are the touches that were recorded later than they were made.
    ///
    /// # Errors
    /// Says why the candidate cannot stand in, or names what cannot be used of the beginning.
    pub fn new(begin: &Begin, late: LateTouches, trial: Trial) -> Result<Self, RejudgeError> {
        let standing = Standing::new(trial.candidate, trial.target)?;
        let decider = Decider::genesis(Settings::default(), &[], Engine::new(), (BOUNDS, 0));
        let decider = decider.map_err(|error| HistoryError::Settings(error.to_string()))?;
        Ok(Self {
            fold: Fold::new(begun(begin)?),
            commands: Commands::new(begin, late),
            decider,
            standing,
            window: trial.window,
            is_standing: false,
            report: Report::new(trial.examples),
        })
    }

    /// Takes the next decision; false once nothing more can lie in the window.
    ///
    /// # Errors
    /// Where history does not add up, or the candidate cannot take the params of a quota.
    pub fn decision(&mut self, decision: Arc<Decision>) -> Result<bool, RejudgeError> {
        let first = self.fold.state().seq().next();
        if self.window.is_over(first, decision.at) {
            return Ok(false);
        }
        let recorded = self.fold.decision(decision)?;
        let commands = self.commands.decision(&recorded, self.fold.state());
        if !self.is_standing && self.window.covers(first, recorded.decision.at) {
            self.is_standing = true;
            self.stand_in()?;
        }
        for timed in commands {
            self.play(&timed, &recorded)?;
        }
        self.report.events = self.fold.state().seq().0;
        Ok(true)
    }

    fn play(&mut self, timed: &Timed, recorded: &Recorded) -> Result<(), RejudgeError> {
        let mut out = Vec::new();
        let answer = self.decider.decide_boxed(&timed.request, timed.at, &mut out);
        let is_setting = |one: &Recorded| matches!(one.decision.op, Op::Configure | Op::Policy);
        if self.is_standing && out.iter().any(is_setting) {
            self.stand_in()?;
        }
        let is_it = matches!(timed.request.command, Command::Login(_))
            && matches!(recorded.decision.op, Op::Login(_))
            && self.window.covers(recorded.first, recorded.decision.at);
        if is_it {
            self.compare(recorded, &answer, out.last());
        }
        Ok(())
    }

    /// Puts the candidate in its places.
    fn stand_in(&mut self) -> Result<(), RejudgeError> {
        let state = self.decider.state().clone();
        let bindings = self.standing.bindings(&state, state.bindings(), self.decider.policies())?;
        let decision = bindings.map(|bindings| binding(&state, bindings));
        drop(state);
        self.decider.record_own(decision.into_iter().collect(), &mut Vec::new());
        Ok(())
    }

    fn compare(&mut self, recorded: &Recorded, answer: &Answer, again: Option<&Recorded>) {
        self.report.seen(&recorded.decision);
        self.standing.met(&self.decider.state().ready().quotas);
        let was = outcome(recorded, &self.places(), self.fold.state());
        let again = again.filter(|again| matches!(again.decision.op, Op::Login(_)));
        let is = match again {
            Some(again) => outcome(again, self.standing.places(), self.decider.state()),
            None => unrecorded(answer),
        };
        self.report.compared((recorded.first, &recorded.decision), &was, &is);
    }

    /// The candidate's quotas in the history as it was.
    fn places(&self) -> Vec<u16> {
        let state = self.decider.state();
        let meant = self.standing.places().iter().filter_map(|place| state.ready().quota(*place));
        let meant: Vec<&str> = meant.map(|quota| &*quota.name).collect();
        let quotas = self.fold.state().ready().quotas.iter().zip(0u16..);
        quotas.filter(|(quota, _)| meant.contains(&&*quota.name)).map(|(_, index)| index).collect()
    }

    /// What came of it, and what no command says.
    ///
    /// # Errors
    /// Where no quota was meant by the candidate at any login.
    pub fn finish(mut self) -> Result<(Report, Losses), CandidateError> {
        if self.standing.stood_in.is_empty() && self.report.decisions > 0 {
            return Err(self.standing.no_target(self.fold.state()));
        }
        let losses = self.commands.losses();
        self.report.quotas.clone_from(&self.standing.stood_in);
        self.report.aggregated = losses.denials_counted;
        if losses.sealed > 0 {
            self.report.unable.insert(Unable::Sealed, losses.sealed);
        }
        Ok((self.report, losses))
    }

    /// What came of it so far.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }
}

fn outcome(recorded: &Recorded, quotas: &[u16], after: &State) -> Outcome {
    Outcome::whole(&recorded.decision, quotas, |number| id(recorded, number, after))
}

/// The id of a session that ended with the login, or would have if its quota enforced anything.
fn id(recorded: &Recorded, number: Seq, after: &State) -> Option<Arc<str>> {
    let ended = recorded.effects.iter().find_map(|effect| match effect {
        Effect::Ended(tombstone) if tombstone.number == number => Some(&tombstone.facts),
        _ => None,
    });
    let facts = ended.or_else(|| after.session_numbered(number).map(|session| &session.facts))?;
    Some(Arc::from(facts.session()))
}

/// What became of a login that recorded nothing: a denial of a storm, an id that may not come again.
fn unrecorded(answer: &Answer) -> Outcome {
    let admitted = matches!(answer.outcome, Became::Admitted | Became::Resumed | Became::Ignored);
    Outcome {
        kind: if admitted { Kind::Allow } else { Kind::Deny },
        exhausted: answer.policy.is_some(),
        admitted,
        victims: Vec::new(),
        evicted: 0,
        reason: answer.reason.as_deref().map(Arc::from),
        line: 0,
        failure: answer.policy_code,
    }
}
