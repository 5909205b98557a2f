//! Events told with names: what the feed carries, and what history read from disk is shown by.
//!
//! An event names sessions and quotas by number. [`tell`] looks the names up
//! right after the decision was folded; the rest is read from the decision
//! itself when somebody asks. A told event is some pointers, no copy of text.
//! The feed keeps the names only, and tells once somebody reads.

mod reading;

pub use reading::Counts;

use crate::Projection;
use sledger_core::answer::{Advice, Tombstone};
use sledger_core::decider::Recorded;
use sledger_core::event::{Decision, Event, Judged, Judgement, Op};
use sledger_core::evolve::Effect;
use sledger_core::quota::Ready;
use sledger_core::{Facts, Seq, State, refusal_message};
use std::cell::RefCell;
use std::sync::Arc;

/// Who knows the names of what is live, and of the quotas in force.
pub trait Names {
    /// The facts of the live session with this number.
    fn facts(&self, number: Seq) -> Option<Arc<Facts>>;

    /// The name of the quota at `index` of the configuration in force.
    fn quota(&self, index: u16) -> Option<Arc<str>>;

    /// The settings in force.
    fn settings(&self) -> &Ready;
}

impl Names for State {
    fn facts(&self, number: Seq) -> Option<Arc<Facts>> {
        self.session_numbered(number).map(|session| Arc::clone(&session.facts))
    }

    fn quota(&self, index: u16) -> Option<Arc<str>> {
        self.ready().quota(index).map(|quota| Arc::clone(&quota.name))
    }

    fn settings(&self) -> &Ready {
        self.ready()
    }
}

impl Names for Projection {
    fn facts(&self, number: Seq) -> Option<Arc<Facts>> {
        self.facts_numbered(number)
    }

    fn quota(&self, index: u16) -> Option<Arc<str>> {
        self.quota_name(index)
    }

    fn settings(&self) -> &Ready {
        self.ready()
    }
}

/// Names as they were when a decision was folded, to tell it by later: the settings, and the live sessions that it
/// names. What it admits or ends it tells itself, so mostly there are none.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    ready: Arc<Ready>,
    facts: Vec<(Seq, Arc<Facts>)>,
}

impl Kept {
    pub(crate) fn new(ready: &Arc<Ready>) -> Self {
        Self { ready: Arc::clone(ready), facts: Vec::new() }
    }

    /// Whether these are the settings in force.
    pub(crate) fn is_under(&self, ready: &Arc<Ready>) -> bool {
        Arc::ptr_eq(&self.ready, ready)
    }

    /// Keeps the names that `recorded`, folded just now, needs.
    pub(crate) fn keep(&mut self, projection: &Projection, recorded: &Recorded) {
        if names_nobody_else(&recorded.decision) {
            return;
        }
        let asked = Asked { names: projection, found: RefCell::new(&mut self.facts) };
        tell(&asked, recorded);
    }
}

/// Whether all sessions that a decision names are admitted, refused or ended by it.
fn names_nobody_else(decision: &Decision) -> bool {
    let is_own = |event: &Event| {
        matches!(event, Event::Admitted { .. } | Event::Denied { .. } | Event::Conflicted { .. })
            || matches!(event, Event::Ended { .. })
    };
    let advises = decision.judged.iter().any(|judged| !judged.enforced);
    decision.events.iter().all(is_own) && !advises
}

impl Names for Kept {
    fn facts(&self, number: Seq) -> Option<Arc<Facts>> {
        // Asked right after each other, in the order of the ledger: the latest is meant.
        let found = self.facts.iter().rev().find(|(known, _)| *known == number);
        found.map(|(_, facts)| Arc::clone(facts))
    }

    fn quota(&self, index: u16) -> Option<Arc<str>> {
        self.ready.quota(index).map(|quota| Arc::clone(&quota.name))
    }

    fn settings(&self) -> &Ready {
        &self.ready
    }
}

/// Notes the facts that are asked for.
struct Asked<'a> {
    names: &'a Projection,
    found: RefCell<&'a mut Vec<(Seq, Arc<Facts>)>>,
}

impl Names for Asked<'_> {
    fn facts(&self, number: Seq) -> Option<Arc<Facts>> {
        let facts = self.names.facts(number)?;
        self.found.borrow_mut().push((number, Arc::clone(&facts)));
        Some(facts)
    }

    fn quota(&self, index: u16) -> Option<Arc<str>> {
        self.names.quota(index)
    }

    fn settings(&self) -> &Ready {
        self.names.settings()
    }
}

/// One event with everything that it takes to show it.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its position in the ledger.
    pub seq: Seq,
    /// First event of its decision.
    pub first: Seq,
    /// Its decision.
    pub decision: Arc<Decision>,
    /// Its index within the decision.
    pub index: usize,
    /// The number of the session it is about.
    pub number: Option<Seq>,
    /// The facts of that session, or those that a refused login would have had. For a user that was cleared, one of
    /// its sessions: only the user of it matters.
    pub session: Option<Arc<Facts>>,
    /// The newcomer that a session made room for.
    pub by_session: Option<Arc<Facts>>,
    /// The name of the quota concerned.
    pub quota: Option<Arc<str>>,
    /// What is remembered of the session, where this ended it.
    pub ended: Option<Arc<Tombstone>>,
    /// What the denied person reads; on a denial.
    pub refusal: Option<Arc<str>>,
    /// What exhausted advisory quotas would have done; on what came of a login.
    pub advisory: Box<[Advice]>,
}

/// Tells a decision that `names` has just folded, event by event.
pub fn tell(names: &impl Names, recorded: &Recorded) -> Vec<Told> {
    let mut told = Vec::with_capacity(recorded.decision.events.len());
    tell_into(names, recorded, &mut told);
    told
}

/// As [`tell`], behind what is in `told` already.
pub(crate) fn tell_into(names: &impl Names, recorded: &Recorded, told: &mut Vec<Told>) {
    let scene = Scene { names, recorded, decision: &recorded.decision };
    let events = recorded.decision.events.iter().zip(recorded.first.0..).enumerate();
    told.extend(events.map(|(index, (event, seq))| scene.tell(event, index, Seq(seq))));
}

struct Scene<'a, N> {
    names: &'a N,
    recorded: &'a Recorded,
    decision: &'a Decision,
}

impl<N: Names> Scene<'_, N> {
    fn tell(&self, event: &Event, index: usize, seq: Seq) -> Told {
        let ended = match self.recorded.effects.get(index) {
            Some(Effect::Ended(tombstone)) => Some(tombstone),
            _ => None,
        };
        let number = reading::number(event, seq);
        Told {
            seq,
            first: self.recorded.first,
            decision: Arc::clone(&self.recorded.decision),
            index,
            number,
            session: self.session(event, number),
            by_session: ended.and_then(|tombstone| self.live(tombstone.by_session?)),
            quota: self.quota(event),
            ended: ended.map(Arc::clone),
            refusal: matches!(event, Event::Denied { .. })
                .then(|| refusal_message(self.names.settings(), self.decision))
                .flatten(),
            advisory: self.advisory(event),
        }
    }

    fn session(&self, event: &Event, number: Option<Seq>) -> Option<Arc<Facts>> {
        match event {
            Event::Admitted { .. } | Event::Denied { .. } | Event::Conflicted { .. } => self.login(),
            // Of the login on which it happened.
            Event::PolicyFailed { .. } | Event::PolicyDiffered { .. } | Event::PolicyTripped { .. } => {
                self.login()
            }
            Event::Adopted { facts, .. } => facts.plain().map(Arc::clone),
            Event::UserCleared { keep, .. } => self.any_ended().or_else(|| self.live((*keep)?)),
            _ => self.live(number?),
        }
    }

    /// The facts of a session that is live now, ended in this decision, or is admitted by it.
    fn live(&self, number: Seq) -> Option<Arc<Facts>> {
        let admitted = || {
            let last = self.decision.events.last();
            let place = self.recorded.first.plus(self.decision.events.len().saturating_sub(1) as u64);
            let is_it = number == place && matches!(last, Some(Event::Admitted { .. }));
            is_it.then(|| self.login()).flatten()
        };
        let gone = || self.tombstones().find(|tombstone| tombstone.number == number);
        admitted()
            .or_else(|| gone().map(|tombstone| Arc::clone(&tombstone.facts)))
            .or_else(|| self.names.facts(number))
            .filter(|facts| !facts.is_sealed())
    }

    fn login(&self) -> Option<Arc<Facts>> {
        match &self.decision.op {
            Op::Login(login) => login.facts.plain().map(Arc::clone),
            _ => None,
        }
    }

    fn any_ended(&self) -> Option<Arc<Facts>> {
        let ended = self.tombstones().next().map(|tombstone| Arc::clone(&tombstone.facts));
        ended.filter(|facts| !facts.is_sealed())
    }

    fn tombstones(&self) -> impl Iterator<Item = &Arc<Tombstone>> {
        self.recorded.effects.iter().filter_map(|effect| match effect {
            Effect::Ended(tombstone) => Some(tombstone),
            Effect::Nothing | Effect::Retained(_) | Effect::Live(_) => None,
        })
    }

    fn quota(&self, event: &Event) -> Option<Arc<str>> {
        match event {
            Event::QuotaChanged { quota, .. }
            | Event::QuotaDeleted { quota, .. }
            | Event::OverrideChanged { quota, .. } => Some(Arc::from(&**quota)),
            Event::PolicyActivated { quota, .. }
            | Event::PolicyRolledBack { quota, .. }
            | Event::PolicyStopped { quota, .. } => quota.as_deref().map(Arc::from),
            _ => self.names.quota(reading::quota(event, self.decision)?),
        }
    }

    fn advisory(&self, event: &Event) -> Box<[Advice]> {
        let is_outcome = matches!(event, Event::Admitted { .. } | Event::Denied { .. });
        if !is_outcome || self.decision.judged.is_empty() {
            return Box::default();
        }
        let judged = self.decision.judged.iter().filter(|judged| !judged.enforced);
        judged.filter_map(|judged| self.advice(judged)).collect()
    }

    fn advice(&self, judged: &Judged) -> Option<Advice> {
        let (outcome, victims) = match &judged.answer {
            Judgement::Allow => ("allow", &[][..]),
            Judgement::Deny { .. } => ("deny", &[][..]),
            Judgement::Evict { victims } => ("evict", victims.as_slice()),
        };
        let evict = victims.iter().filter_map(|number| self.live(*number)).collect();
        Some(Advice { quota: self.names.quota(judged.quota)?, outcome, evict, reason: judged.reason.clone() })
    }
}
