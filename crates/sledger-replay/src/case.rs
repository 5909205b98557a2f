//! A case: all that happened to one user or session within a time, with why each end and refusal came about.
//!
//! Promise: the past is folded once. What there was no room for is counted, never left out in silence.
//!
//! Invariant: what is gathered is bounded by the constants here; of the history nothing else is kept.

mod lives;
mod points;

pub use lives::{LIVES_MAX, Life};
pub use points::{POINTS_MAX, Point};

use crate::backtest::Window;
use crate::lines::event_line;
use crate::rejudge::{Rejudge, RejudgeError};
use crate::why::{Found, explained};
use lives::Lives;
use points::Points;
use sledger_core::decider::Recorded;
use sledger_core::event::{Decision, Event, Op};
use sledger_core::{Facts, Millis, Seq, Span, State};
use sledger_projector::{Told, tell};
use sledger_wire::events::{Begin, EventLine};
use sledger_wire::why::Why;
use std::sync::Arc;

/// Events kept.
pub const EVENTS_MAX: usize = 2000;
/// Ends and refusals explained.
pub const WHYS_MAX: usize = 50;
/// Starts, differences of clocks and lost stretches kept, each.
pub const NOTES_MAX: usize = 200;

/// Whom the case is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Everybody.
    All,
    /// A user, by key.
    User(String),
    /// Every session of this id, and whoever came as such.
    Session(String),
}

/// What was gathered.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Events about whom the case is about, the first [`EVENTS_MAX`], each with the first event of its decision.
    pub events: Vec<EventLine>,
    /// Ends and refusals, explained, the first [`WHYS_MAX`].
    pub whys: Vec<Why>,
    /// Lives of sessions.
    pub lives: Vec<Life>,
    /// How many sessions were in over time.
    pub points: Vec<Point>,
    /// Times that the ledger was down: when it came back, for how long, and whether it had been closed in good order.
    pub downs: Vec<(Millis, Span, bool)>,
    /// Times at which wall clock and ledger time differed: ledger time, wall clock.
    pub clocks: Vec<(Millis, Millis)>,
    /// Stretches that the ledger says are lost.
    pub lost: Vec<(Option<Seq>, Option<Seq>)>,
    /// Denials that were only counted.
    pub aggregated: u64,
    /// What there was no room for: events, explanations, lives.
    pub left_out: [u64; 3],
    /// From when to when anything was recorded at all.
    pub recorded: Option<(Millis, Millis)>,
    /// The last event read.
    pub last: Seq,
}

/// A case being gathered.
#[derive(Debug)]
pub struct Case {
    judge: Rejudge,
    whom: Whom,
    window: Window,
    findings: Findings,
    lives: Lives,
    points: Points,
}

impl Case {
    /// A case about `whom` in a past that began so.
    ///
    /// # Errors
    /// Names what cannot be used of the beginning.
    pub fn new(begin: &Begin, whom: Whom, window: Window) -> Result<Self, RejudgeError> {
        Ok(Self {
            judge: Rejudge::as_recorded(begin)?,
            whom,
            window,
            findings: Findings::default(),
            lives: Lives::default(),
            points: Points::default(),
        })
    }

    /// Takes the next decision; whether some of it belongs to the case.
    ///
    /// # Errors
    /// Where settings on the way cannot be used.
    pub fn decision(&mut self, decision: &Arc<Decision>) -> Result<bool, RejudgeError> {
        let (first, at) = (self.judge.next_seq(), decision.at);
        let begin = self.findings.recorded.map_or(at, |(begin, _)| begin);
        self.findings.recorded = Some((begin, at));
        self.findings.last = Seq(first.0 + (decision.events.len() as u64).saturating_sub(1));
        let is_covered = self.window.covers(first, at);
        if is_covered {
            self.note(decision);
        }
        let lines = match self.over(decision).filter(|_| is_covered) {
            Some(index) if self.findings.whys.len() < WHYS_MAX => {
                let seq = first.plus(index as u64);
                let why = explained(&mut self.judge, (first, decision), &Found { seq, told: Vec::new() })?;
                let lines = why.events.clone();
                self.findings.whys.push(why);
                lines
            }
            over => {
                self.left_out(1, u64::from(over.is_some()));
                let effects = self.judge.fold_told(decision)?;
                let recorded = Recorded { first, decision: Arc::clone(decision), effects };
                self.tell(&recorded, is_covered)
            }
        };
        Ok(self.gather(lines, at, is_covered))
    }

    /// The lines of a decision; none are made where nobody wants them.
    fn tell(&self, recorded: &Recorded, is_covered: bool) -> Vec<EventLine> {
        let is_life = |event: &Event| {
            matches!(event, Event::Admitted { .. } | Event::Adopted { .. } | Event::Ended { .. })
        };
        if !is_covered && !recorded.decision.events.iter().any(is_life) {
            return Vec::new();
        }
        let told = tell(self.judge.state(), recorded);
        told.iter().filter(|told| self.is_about(told)).map(event_line).collect()
    }

    fn is_about(&self, told: &Told) -> bool {
        match &self.whom {
            Whom::All => true,
            Whom::User(user) => told.user() == Some(user),
            Whom::Session(id) => {
                let is_it =
                    |facts: &Option<Arc<Facts>>| facts.as_ref().is_some_and(|one| one.session() == id);
                is_it(&told.session) || is_it(&told.by_session)
            }
        }
    }

    /// Keeps the lines that belong to the case.
    fn gather(&mut self, lines: Vec<EventLine>, at: Millis, is_covered: bool) -> bool {
        let is_theirs = |line: &EventLine| match &self.whom {
            Whom::All => true,
            Whom::User(user) => line.user.as_deref() == Some(user),
            Whom::Session(id) => [&line.session, &line.by_session].contains(&&Some(id.clone())),
        };
        let theirs: Vec<EventLine> = lines.into_iter().filter(is_theirs).collect();
        let is_any = !theirs.is_empty();
        for line in &theirs {
            self.lives.see(line, at, &self.window);
        }
        if is_any && let Some(point) = self.point(&theirs, at) {
            self.points.add(point, is_covered);
        }
        if is_covered {
            let room = EVENTS_MAX.saturating_sub(self.findings.events.len());
            self.left_out(0, (theirs.len().saturating_sub(room)) as u64);
            self.findings.events.extend(theirs.into_iter().take(room));
        }
        is_any && is_covered
    }

    /// How many were in after a decision.
    fn point(&self, lines: &[EventLine], at: Millis) -> Option<Point> {
        let state = self.judge.state();
        if self.whom == Whom::All {
            let active = u32::try_from(state.session_count()).unwrap_or(u32::MAX);
            return Some(Point { at, active, limit: None });
        }
        let user = lines.iter().find_map(|line| line.user.as_deref())?;
        let newest = state.sessions_of(user).pop();
        let limit = newest.and_then(|session| limit(state, &session.facts, at));
        Some(Point { at, active: state.active(user), limit })
    }

    /// The index of an end or refusal that belongs to the case.
    fn over(&self, decision: &Decision) -> Option<usize> {
        let state = self.judge.state();
        let login = match &decision.op {
            Op::Login(op) => op.facts.plain().map(|facts| &**facts),
            _ => None,
        };
        decision.events.iter().position(|event| match event {
            Event::Ended { session, .. } => {
                state.session_numbered(*session).is_some_and(|session| self.is_meant(&session.facts))
            }
            Event::Denied { .. } | Event::Conflicted { .. } => {
                login.is_some_and(|facts| self.is_meant(facts))
            }
            _ => false,
        })
    }

    fn is_meant(&self, facts: &Facts) -> bool {
        match &self.whom {
            Whom::All => true,
            Whom::User(user) => facts.user() == user,
            Whom::Session(id) => facts.session() == id,
        }
    }

    /// What bears on any case: the ledger down, clocks apart, stretches lost, denials only counted.
    fn note(&mut self, decision: &Decision) {
        let findings = &mut self.findings;
        for event in &decision.events {
            match event {
                Event::LedgerStarted(started) if findings.downs.len() < NOTES_MAX => {
                    findings.downs.push((decision.at, started.gap, started.clean));
                }
                Event::ClockDiffers { wall, ledger, .. } if findings.clocks.len() < NOTES_MAX => {
                    findings.clocks.push((*ledger, *wall));
                }
                Event::LedgerRecovered { lost_from, lost_to, .. } if findings.lost.len() < NOTES_MAX => {
                    findings.lost.push((*lost_from, *lost_to));
                }
                Event::DenialsCounted { user, count, .. } => {
                    let is_theirs = match (&self.whom, user.plain()) {
                        (Whom::User(name), Some(user)) => **name == **user,
                        _ => true,
                    };
                    findings.aggregated += if is_theirs { *count } else { 0 };
                }
                _ => {}
            }
        }
    }

    fn left_out(&mut self, of: usize, count: u64) {
        if let Some(left) = self.findings.left_out.get_mut(of) {
            *left += count;
        }
    }

    /// What was gathered.
    #[must_use]
    pub fn finish(mut self) -> Findings {
        let (lives, more) = std::mem::take(&mut self.lives).finish(&self.window);
        self.left_out(2, more);
        Findings { lives, points: self.points.finish(), ..self.findings }
    }
}

/// The limit shown to whoever comes like this.
fn limit(state: &State, facts: &Facts, at: Millis) -> Option<u32> {
    match state.ready().shown(facts, at)?.1 {
        sledger_core::Limit::Max(max) => Some(max.get()),
        sledger_core::Limit::Unlimited | sledger_core::Limit::Banned => None,
    }
}
