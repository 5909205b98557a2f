//! Recorded logins decided again, each on the state right before it, by the core that decided them.
//!
//! Promise: what is asked and checked is what was then: the recorded time, actor and facts, the sessions that were
//! live, every quota with the policy that was bound to it, or for those of a share was on trial. Only where a [`Candidate`] stands in does another policy
//! answer, under all rules of its place: budget, being asked again, the quota's level and `on_error`.
//!
//! Invariant: what is decided again is never folded; the state goes on as it was recorded.
//! Absent on purpose: repeated command ids, storms, and shadows. The first two ask no policy; denials that were only counted
//! carry no command, and nothing can be decided about them. What a shadow said is a record and changed nothing.

mod bare;
mod heard;
mod outcome;
mod target;
mod texts;

pub use outcome::{Kind, Outcome};
pub use target::{Candidate, CandidateError, Target};

pub(crate) use self::heard::Hear;
pub(crate) use target::Standing;
pub(crate) use texts::Texts;

use self::bare::bare;
use self::heard::Heard;
use crate::commands::login_of;
use crate::export::begun;
use crate::history::HistoryError;
use sledger_core::command::{Command, Request};
use sledger_core::config::Bounds;
use sledger_core::decide::{Decided, Means, decide, own_decision};
use sledger_core::event::{Binding, Decision, Event, Op, PolicyRef, RULES_REVISION};
use sledger_core::evolve::{Effects, evolve_decision};
use sledger_core::policy::Policies;
use sledger_core::{Millis, Seq, State};
use sledger_policy::Engine;
use sledger_wire::events::Begin;
use std::sync::Arc;

/// Decided by the process once, not by history: whoever is recorded had room.
pub(crate) const BOUNDS: Bounds = Bounds {
    sessions_max: u32::MAX,
    users_max: u32::MAX,
    groups_per_login_max: u32::MAX,
    policy_bytes_max: u32::MAX,
    disk_full: false,
};

/// History folded, with a candidate in its place where there is one.
#[derive(Debug)]
pub struct Rejudge {
    state: State,
    engine: Engine,
    texts: Texts,
    standing: Option<Standing>,
    /// As recorded, where a candidate stands in.
    recorded: Arc<[Binding]>,
}

/// Why a recorded login cannot be decided again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unable {
    /// Its facts are sealed away.
    Sealed,
    /// The text of a policy that was bound is not in this history.
    Unbound,
    /// It comes to something that records nothing.
    Unrecorded,
}

impl Rejudge {
    /// A history that began so, decided again by the policies that decided it.
    ///
    /// # Errors
    /// Names the setting or policy of the beginning that cannot be used.
    pub fn as_recorded(begin: &Begin) -> Result<Self, RejudgeError> {
        Self::new(begin, None)
    }

    /// Whether a recorded login, right before it is folded, says what it says decided again: shadows, which are not
    /// asked again, and ids of request and command left out.
    #[must_use]
    pub fn is_alike(&self, recorded: &Decision, again: &Decision) -> bool {
        let first = self.next_seq();
        let bare = |decision| bare(decision, first, self.state.ready());
        bare(recorded) == bare(again)
    }

    /// Decides a recorded login again, right before it is folded: without its ids of request and command, and without
    /// what shadows said.
    ///
    /// # Errors
    /// Says why it cannot be decided.
    pub fn decide_again(&mut self, decision: &Decision) -> Result<Arc<Decision>, Unable> {
        self.again(decision, None)
    }

    /// A history that began so; `standing` stands in from its beginning.
    ///
    /// # Errors
    /// Names the setting or policy of the beginning that cannot be used, or the param that the candidate cannot take.
    pub(crate) fn new(begin: &Begin, standing: Option<Standing>) -> Result<Self, RejudgeError> {
        let state = begun(begin)?;
        let recorded = Arc::from(state.bindings());
        let texts = Texts::new(begin);
        let mut new = Self { state, engine: Engine::new(), texts, standing, recorded };
        new.settled()?;
        Ok(new)
    }

    /// The state after what was folded so far.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Seq of the next decision's first event.
    #[must_use]
    pub fn next_seq(&self) -> Seq {
        self.state.seq().next()
    }

    /// Who stands in.
    pub(crate) const fn standing(&self) -> Option<&Standing> {
        self.standing.as_ref()
    }

    /// The policies bound as recorded, in the order of quotas.
    pub(crate) fn recorded(&self) -> &[Binding] {
        &self.recorded
    }

    /// Notes, at a login, who is stood in for.
    pub(crate) fn meet(&mut self) {
        if let Some(standing) = &mut self.standing {
            standing.met(&self.state.ready().quotas);
        }
    }

    /// What was installed so far.
    pub(crate) const fn texts(&self) -> &Texts {
        &self.texts
    }

    /// Brings what the next decisions will need to hand.
    pub(crate) fn look_ahead(&self, decisions: &[Decision]) {
        self.state.look_ahead(decisions);
    }

    /// Folds the next decision as it was recorded.
    ///
    /// # Errors
    /// Where the candidate cannot take the params of its quota.
    pub fn fold(&mut self, decision: &Decision) -> Result<(), RejudgeError> {
        self.fold_told(decision).map(|_| ())
    }

    /// As [`Rejudge::fold`]; what each event did.
    pub(crate) fn fold_told(&mut self, decision: &Decision) -> Result<Effects, RejudgeError> {
        let first = self.next_seq();
        let effects = evolve_decision(&mut self.state, first, decision);
        if matches!(decision.op, Op::Configure | Op::Policy) {
            self.texts.note(decision);
            let applied = decision.events.iter().rev().find_map(|event| match event {
                Event::ConfigApplied { bindings, .. } => Some(bindings),
                _ => None,
            });
            if let Some(bindings) = applied {
                self.recorded = Arc::from(bindings.as_slice());
                self.settled()?;
            }
        }
        Ok(effects)
    }

    /// Lets another stand in from here on, or nobody any more.
    pub(crate) fn stand_in(&mut self, standing: Option<Standing>) -> Result<(), RejudgeError> {
        let is_back = standing.is_none();
        self.standing = standing;
        if is_back {
            let (seq, decision) = (self.state.seq(), binding(&self.state, self.recorded.to_vec()));
            evolve_decision(&mut self.state, seq, &decision);
        }
        self.settled()?;
        self.meet();
        Ok(())
    }

    /// Binds what is in force, the candidate where it stands in.
    fn settled(&mut self) -> Result<(), RejudgeError> {
        if let Some(standing) = &mut self.standing
            && let Some(bindings) = standing.bindings(&self.state, &self.recorded, &mut self.engine)?
        {
            let (seq, decision) = (self.state.seq(), binding(&self.state, bindings));
            // Takes the place of the event that put the others in force.
            evolve_decision(&mut self.state, seq, &decision);
        }
        let stood_in = self.standing.as_ref().map(Standing::places).unwrap_or_default();
        self.texts.bind((&self.state, &self.recorded), stood_in, &mut self.engine);
        Ok(())
    }

    /// Decides a recorded login again, right before it is folded. `hear` hears every question and answer.
    ///
    /// # Errors
    /// Says why it cannot be decided.
    pub(crate) fn again(
        &mut self,
        decision: &Decision,
        hear: Option<&mut dyn Hear>,
    ) -> Result<Arc<Decision>, Unable> {
        let Op::Login(op) = &decision.op else { return Err(Unable::Unrecorded) };
        let login = login_of(op, self.state.ready()).ok_or(Unable::Sealed)?;
        let request = Request::new(decision.actor.clone(), Command::Login(Box::new(login)));
        let stood_in = self.standing.as_ref().map(Standing::places).unwrap_or_default();
        let mut policies = Heard { engine: &mut self.engine, hear, stood_in, asks_shadows: false };
        match decide(&self.state, &mut means(&mut policies), &request, decision.at) {
            Decided::Record(decisions, _) => decisions.into_iter().next().ok_or(Unable::Unrecorded),
            Decided::Answer(_) | Decided::Seen(..) => Err(Unable::Unrecorded),
        }
    }

    /// Decides a request right before what it led to is folded, shadows asked as well: nothing is left out.
    pub(crate) fn ask(&mut self, request: &Request, at: Millis) -> Decided {
        let mut policies = Heard { engine: &mut self.engine, hear: None, stood_in: &[], asks_shadows: true };
        decide(&self.state, &mut means(&mut policies), request, at)
    }

    /// Goes on after event `seq`: those up to it are missing.
    pub(crate) fn skip_to(&mut self, seq: Seq) {
        self.state.skip_to(seq);
    }

    /// The state and the engine, to put settings together again.
    pub(crate) const fn bench(&mut self) -> (&State, &mut Engine) {
        (&self.state, &mut self.engine)
    }

    /// The source of a revision that was bound so far.
    #[must_use]
    pub fn source_of(&self, policy: &PolicyRef) -> Option<Arc<str>> {
        self.engine.source_of(policy)
    }

    /// The source installed last under a name, or that which comes with the program.
    #[must_use]
    pub fn installed(&self, name: &str) -> Option<Arc<str>> {
        self.texts.named(name).next()
    }
}

fn means(policies: &mut dyn Policies) -> Means<'_> {
    Means { policies, bounds: &BOUNDS }
}

/// A decision that changes only which policies are in force.
pub(crate) fn binding(state: &State, bindings: Vec<Binding>) -> Decision {
    let engine = state.engine().into();
    let applied =
        Event::ConfigApplied { parts: Vec::new(), bindings, file: None, rules: RULES_REVISION, engine };
    own_decision(sledger_core::command::Actor::Timer, state.at(), Op::Configure, vec![applied])
}

/// Why history cannot be decided again at all.
#[derive(Debug, thiserror::Error)]
pub enum RejudgeError {
    /// The beginning.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The candidate.
    #[error(transparent)]
    Candidate(#[from] CandidateError),
}
