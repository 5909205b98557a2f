//! `policy explain`: one recorded login decided again, with everything that was known and every line that ran.
//!
//! Promise: the login is decided by the revisions that were bound, from the texts that the history itself carries;
//! where that gives another decision than the record, it is said.
//!
//! Invariant: what is kept of the sessions known is bounded; of the state nothing is kept.

mod hearing;

pub use hearing::{Asked, KNOWN_MAX, Known, LimitAsked, Round};

use crate::rejudge::{Candidate, Rejudge, RejudgeError, Standing, Target, Unable};
use hearing::Hearing;
use sledger_core::config::Quota;
use sledger_core::event::{Decision, Event, Op, PolicyRef};
use sledger_core::quota::key_for_people;
use sledger_core::{Facts, Limit, Seq, State};
use sledger_wire::events::{Begin, type_of};
use std::sync::Arc;

/// A recorded login, explained.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Its first event.
    pub first: Seq,
    /// As it was recorded.
    pub decision: Arc<Decision>,
    /// Who came.
    pub facts: Arc<Facts>,
    /// Every enabled quota key that counts the login, as it stood before.
    pub counted: Vec<Counted>,
    /// The quotas in force, in order: decisions name them by index.
    pub quotas: Vec<Arc<Quota>>,
    /// Ids of the sessions that decisions name.
    pub ids: Vec<(Seq, Arc<str>)>,
    /// Decided again as it was.
    pub again: Told,
    /// Decided with another policy.
    pub with: Option<Told>,
    is_alike: bool,
}

/// A quota key before the login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The quota.
    pub quota: Arc<str>,
    /// The key, for people.
    pub key: Arc<str>,
    /// Live sessions under it.
    pub used: u32,
    /// The limit by settings and overrides.
    pub limit: Limit,
}

/// A login decided again, and what was heard on the way.
#[derive(Clone, Debug)]
pub struct Told {
    /// What it came to.
    pub decision: Result<Arc<Decision>, Unable>,
    /// What policies were asked about exhausted keys, in order.
    pub asked: Vec<Asked>,
    /// What policies were asked about limits.
    pub limits: Vec<LimitAsked>,
    /// A policy that was bound and whose text is not in this history.
    pub missing: Option<PolicyRef>,
}

/// Why there is nothing to explain.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// History.
    #[error(transparent)]
    Rejudge(#[from] RejudgeError),
    /// Another kind of event.
    #[error(
        "seq {seq} is `{kind}`, and no login was decided there: name an event of a login, its admission or denial"
    )]
    NoLogin {
        /// The event.
        seq: Seq,
        /// Its type.
        kind: &'static str,
    },
    /// Its facts are gone.
    #[error("the facts of the login at seq {0} are sealed away: what was known cannot be shown")]
    Sealed(Seq),
    /// Later than the last event.
    #[error("history ends at seq {last}: there is no seq {seq}")]
    Beyond {
        /// As asked.
        seq: Seq,
        /// The last there is.
        last: Seq,
    },
}

/// Reads history up to the event to be explained.
#[derive(Debug)]
pub struct Explainer {
    plain: Rejudge,
    with: Option<Rejudge>,
    seq: Seq,
}

impl Explainer {
    /// Explains the login of event `seq` of a history that began so, and what another policy would have made of it.
    ///
    /// # Errors
    /// Names what cannot be used of the beginning, or why the candidate cannot stand in.
    pub fn new(begin: &Begin, seq: Seq, with: Option<(Candidate, Target)>) -> Result<Self, RejudgeError> {
        let standing = |(candidate, target)| Standing::new(candidate, target);
        let with = with.map(standing).transpose()?;
        let with = with.map(|standing| Rejudge::new(begin, Some(standing))).transpose()?;
        Ok(Self { plain: Rejudge::as_recorded(begin)?, with, seq })
    }

    /// Takes the next decision; the explanation once it is there.
    ///
    /// # Errors
    /// Where the event belongs to no login.
    pub fn decision(&mut self, decision: &Arc<Decision>) -> Result<Option<Explained>, ExplainError> {
        let first = self.plain.next_seq();
        let last = self.plain.state().seq().plus(decision.events.len() as u64);
        if self.seq <= last {
            return self.explain(first, decision).map(Some);
        }
        self.plain.fold(decision)?;
        if let Some(with) = &mut self.with {
            with.fold(decision)?;
        }
        Ok(None)
    }

    /// What is said where history ended before the event.
    #[must_use]
    pub fn beyond(&self) -> ExplainError {
        ExplainError::Beyond { seq: self.seq, last: self.plain.state().seq() }
    }

    fn explain(&mut self, first: Seq, decision: &Arc<Decision>) -> Result<Explained, ExplainError> {
        let Op::Login(op) = &decision.op else { return Err(self.no_login(first, decision)) };
        let facts = op.facts.plain().ok_or(ExplainError::Sealed(self.seq))?;
        let again = told(&mut self.plain, decision);
        if let Some(with) = &mut self.with {
            with.meet();
            let standing = with.standing();
            if let Some(standing) = standing.filter(|standing| standing.stood_in.is_empty()) {
                return Err(RejudgeError::from(standing.no_target(with.state())).into());
            }
        }
        let with = self.with.as_mut().map(|with| told(with, decision));
        let is_alike = again.decision.as_ref().is_ok_and(|again| self.plain.is_alike(decision, again));
        let state = self.plain.state();
        let decisions = [
            Some(decision),
            again.decision.as_ref().ok(),
            with.as_ref().and_then(|with| with.decision.as_ref().ok()),
        ];
        let ids = decisions.into_iter().flatten().flat_map(|decision| ids(decision, state)).collect();
        Ok(Explained {
            first,
            decision: Arc::clone(decision),
            facts: Arc::clone(facts),
            counted: counted(state, facts, decision),
            quotas: state.ready().quotas.iter().map(|quota| Arc::clone(&quota.quota)).collect(),
            ids,
            again,
            with,
            is_alike,
        })
    }

    fn no_login(&self, first: Seq, decision: &Decision) -> ExplainError {
        let index = usize::try_from(self.seq.0.saturating_sub(first.0)).unwrap_or(usize::MAX);
        let event = decision.events.get(index).or(decision.events.last());
        ExplainError::NoLogin { seq: self.seq, kind: event.map_or("nothing", type_of) }
    }
}

impl Explained {
    /// Whether the login, decided again, is what was recorded; what shadows said is left out.
    #[must_use]
    pub const fn is_as_recorded(&self) -> bool {
        self.is_alike
    }

    /// The id of a session that a decision names.
    #[must_use]
    pub fn id(&self, number: Seq) -> Option<&Arc<str>> {
        self.ids.iter().find(|(known, _)| *known == number).map(|(_, id)| id)
    }
}

pub(crate) fn told(rejudge: &mut Rejudge, decision: &Decision) -> Told {
    let mut hearing = Hearing::default();
    let again = rejudge.again(decision, Some(&mut hearing));
    let source = |policy: &PolicyRef| rejudge.source_of(policy);
    let (asked, limits) = hearing.told(source);
    Told { decision: again, asked, limits, missing: rejudge.texts().missing().cloned() }
}

/// Sessions that a decision names, with their ids.
pub(crate) fn ids(decision: &Decision, state: &State) -> Vec<(Seq, Arc<str>)> {
    use sledger_core::event::Judgement;
    let of_judged = decision.judged.iter().flat_map(|judged| match &judged.answer {
        Judgement::Evict { victims } => victims.clone(),
        Judgement::Deny { offer } => offer.clone(),
        Judgement::Allow => Vec::new(),
    });
    let of_events = decision.events.iter().filter_map(|event| match event {
        Event::Ended { session, .. } | Event::Resumed { session, .. } => Some(*session),
        Event::Conflicted { session, .. } => *session,
        _ => None,
    });
    let numbers = of_judged.chain(of_events);
    numbers
        .filter_map(|number| Some((number, Arc::from(state.session_numbered(number)?.facts.session()))))
        .collect()
}

pub(crate) fn counted(state: &State, facts: &Facts, decision: &Decision) -> Vec<Counted> {
    let quotas = state.ready().quotas.iter().zip(0u16..);
    let of_quota = quotas.flat_map(|(quota, index)| {
        let limit = quota.configured_limit(facts, decision.at).0;
        quota.keys_counting(facts).into_iter().map(move |key| Counted {
            quota: Arc::clone(&quota.name),
            used: state.key_count(index, &key),
            key: key_for_people(&key),
            limit,
        })
    });
    of_quota.collect()
}
