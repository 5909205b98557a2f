//! What policies were asked, what they knew, and what ran.

use crate::rejudge::Hear;
use sledger_core::event::PolicyRef;
use sledger_core::policy::{LimitQuestion, Question, Verdict};
use sledger_core::state::Session;
use sledger_core::{Facts, Limit, Millis, Seq};
use sledger_policy::Trace;
use std::sync::Arc;

/// Sessions kept of those a policy knew.
pub const KNOWN_MAX: usize = 1000;

/// One exhausted key that policies were asked about.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The quota.
    pub quota: Arc<str>,
    /// The key, for people.
    pub key: Arc<str>,
    /// The limit in force.
    pub limit: u32,
    /// Live sessions under the key, when first asked.
    pub used: u32,
    /// How many had to go.
    pub excess: u32,
    /// Seconds since the newcomer's id was evicted.
    pub evicted_ago: Option<i64>,
    /// Those that could be evicted, in (start, number) order, the first so many.
    pub known: Vec<Known>,
    /// How many those were.
    pub known_count: usize,
    /// Every time that a policy was asked.
    pub rounds: Vec<Round>,
}

/// A session that a policy knew.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its facts.
    pub facts: Arc<Facts>,
    /// Its number.
    pub number: Seq,
    /// Last recorded activity.
    pub last_active: Millis,
    /// When it would have been over.
    pub deadline: Millis,
    /// Whether it was disconnected and kept.
    pub retained: bool,
}

/// One asking.
#[derive(Clone, Debug)]
pub struct Round {
    /// Who was asked.
    pub policy: PolicyRef,
    /// Its source, where it is known.
    pub source: Option<Arc<str>>,
    /// What it answered, and the lines that ran.
    pub trace: Trace<Verdict>,
}

/// A policy asked for the limit of the login.
#[derive(Clone, Debug)]
pub struct LimitAsked {
    /// The quota.
    pub quota: Arc<str>,
    /// The limit by settings and overrides.
    pub configured: Limit,
    /// Who was asked.
    pub policy: PolicyRef,
    /// Its source, where it is known.
    pub source: Option<Arc<str>>,
    /// What it answered, and the lines that ran.
    pub trace: Trace<Option<Limit>>,
}

/// Hears what policies are asked.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    asked: Vec<Asked>,
    limits: Vec<LimitAsked>,
}

impl Hearing {
    /// What was heard, with the sources of who was asked.
    pub(super) fn told(
        mut self,
        source: impl Fn(&PolicyRef) -> Option<Arc<str>>,
    ) -> (Vec<Asked>, Vec<LimitAsked>) {
        for round in self.asked.iter_mut().flat_map(|asked| &mut asked.rounds) {
            round.source = source(&round.policy);
        }
        for asked in &mut self.limits {
            asked.source = source(&asked.policy);
        }
        (self.asked, self.limits)
    }
}

impl Hear for Hearing {
    fn asked(&mut self, policy: &PolicyRef, question: &Question, trace: Trace<Verdict>) {
        let round = Round { policy: policy.clone(), source: None, trace };
        let last = self.asked.last_mut();
        let same = last.filter(|last| (&last.quota, &last.key) == (&question.quota, &question.key));
        match same {
            Some(asked) => asked.rounds.push(round),
            None => self.asked.push(Asked { rounds: vec![round], ..asked(question) }),
        }
    }

    fn limit(&mut self, policy: &PolicyRef, question: &LimitQuestion, trace: Trace<Option<Limit>>) {
        self.limits.push(LimitAsked {
            quota: Arc::clone(&question.quota),
            configured: question.limit,
            policy: policy.clone(),
            source: None,
            trace,
        });
    }
}

fn asked(question: &Question) -> Asked {
    let slots = question.sessions.slots();
    let sessions = slots.iter().take(KNOWN_MAX).filter_map(|slot| question.sessions.session(*slot));
    Asked {
        quota: Arc::clone(&question.quota),
        key: Arc::clone(&question.key),
        limit: question.limit,
        used: question.used,
        excess: question.excess(),
        evicted_ago: question.evicted_ago,
        known: sessions.map(known).collect(),
        known_count: slots.len(),
        rounds: Vec::new(),
    }
}

fn known(session: &Session) -> Known {
    Known {
        facts: Arc::clone(&session.facts),
        number: session.number,
        last_active: session.last_active,
        deadline: session.deadline(),
        retained: session.is_retained(),
    }
}
