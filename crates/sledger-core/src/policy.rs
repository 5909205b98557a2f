//! Policies as the core sees them: a port that answers questions about an exhausted quota.
//!
//! A question owns what it shows, so that an engine may hand it to a script.
//! It must let go of it before it answers: the state is then changed in place.

use crate::config::Param;
use crate::event::{PolicyCode, PolicyMode, PolicyRef};
use crate::quota::ReadyQuota;
use crate::set::SessionSet;
use crate::{Facts, Limit, Millis, Seq};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who decides when a quota is exhausted.
pub trait Policies: Send {
    /// Revision of the engine: changes when equal questions may be answered differently.
    fn engine(&self) -> &str;

    /// The source of a policy that comes with the program.
    fn built_in(&self, name: &str) -> Option<&'static str>;

    /// Reads a policy without running it.
    ///
    /// # Errors
    /// Says where and why it cannot be used.
    fn check(&mut self, name: &str, source: &str) -> Result<(), PolicyFault>;

    /// Makes a policy ready to be asked under the revision it gets with these params. Binding what is
    /// bound already is cheap.
    ///
    /// # Errors
    /// Says why the source or the params cannot be used.
    fn bind(
        &mut self,
        name: &str,
        source: &str,
        params: &BTreeMap<String, Param>,
    ) -> Result<Bound, PolicyFault>;

    /// Told after each change of settings: the policies in force and on trial. An engine may forget all others.
    fn in_force(&mut self, policies: &[PolicyRef]) {
        let _ = policies;
    }

    /// Asks what to do about an exhausted quota. `spent` operations of the budget are used up already.
    fn ask(&mut self, policy: &PolicyRef, question: Question, spent: u32) -> Reply<Verdict>;

    /// Asks for the limit in force for a login; `Ok(None)` is the configured one.
    fn limit(&mut self, policy: &PolicyRef, question: LimitQuestion) -> Reply<Option<Limit>>;

    /// Whether what is on trial so on the quota at `quota` has its say. Only who decides again what was decided says
    /// no: what a shadow said is a record, and where another policy stands in, it stands in for everybody.
    fn heeds_trial(&self, _quota: u16, _mode: PolicyMode) -> bool {
        true
    }
}

/// A policy made ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Its name and revision.
    pub policy: PolicyRef,
    /// Whether it resolves the limit itself.
    pub has_limit: bool,
}

/// Why a policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy `{policy}`{}: {reason}", place(*.line, *.column))]
pub struct PolicyFault {
    /// The policy.
    pub policy: String,
    /// Where: line, 0 when nowhere.
    pub line: u32,
    /// And column.
    pub column: u32,
    /// What is wrong.
    pub reason: String,
}

/// `, line L, column C`; nothing where it is nowhere.
fn place(line: u32, column: u32) -> String {
    if line == 0 { String::new() } else { format!(", line {line}, column {column}") }
}

/// What a policy is asked when a key is exhausted.
#[derive(Clone, Debug)]
pub struct Question {
    /// The event's own time.
    pub at: Millis,
    /// The newcomer's facts, its user's attributes among them.
    pub login: Arc<Facts>,
    /// Seconds since this id was evicted, where it was and is remembered.
    pub evicted_ago: Option<i64>,
    /// The quota's name.
    pub quota: Arc<str>,
    /// The key, for people.
    pub key: Arc<str>,
    /// The limit in force.
    pub limit: u32,
    /// Live sessions under the key, the newcomer not among them.
    pub used: u32,
    /// The live sessions under the key that may be evicted, in (start, number) order.
    pub sessions: SessionSet,
    /// Every live session of the newcomer's user.
    pub all_sessions: SessionSet,
}

impl Question {
    /// How many must go: `used + 1 − limit`, at least 1.
    #[must_use]
    pub const fn excess(&self) -> u32 {
        let excess = self.used.saturating_add(1).saturating_sub(self.limit);
        if excess == 0 { 1 } else { excess }
    }
}

/// What a policy is asked at each login that its quota counts.
#[derive(Clone, Debug)]
pub struct LimitQuestion {
    /// The event's own time.
    pub at: Millis,
    /// The newcomer's facts.
    pub login: Arc<Facts>,
    /// Seconds since this id was evicted.
    pub evicted_ago: Option<i64>,
    /// The quota's name.
    pub quota: Arc<str>,
    /// The first key, for people.
    pub key: Arc<str>,
    /// The configured limit, overrides applied.
    pub limit: Limit,
}

/// What came of asking, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply<T> {
    /// The answer, or how the policy failed.
    pub answer: Result<T, Failure>,
    /// Operations charged by this evaluation.
    pub operations: u32,
}

/// How an evaluation failed. Raw engine text never leaves the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The documented code.
    pub code: PolicyCode,
    /// Where: line, 0 when unknown.
    pub line: u32,
    /// And column.
    pub column: u32,
}

/// What a policy decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What is to be done.
    pub choice: Choice,
    /// Why, for operators.
    pub reason: Option<Arc<str>>,
    /// For the person affected, instead of the configured message.
    pub told: Option<Arc<str>>,
    /// For the explanation.
    pub notes: Vec<Arc<str>>,
    /// Where in the source it decided.
    pub line: u32,
    /// And column.
    pub column: u32,
}

/// What is to be done about an exhausted key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Let the newcomer in over the limit: soft quotas only.
    Allow,
    /// Refuse the newcomer; the caller may offer to end one of these.
    Deny {
        /// Numbers of live sessions.
        offer: Vec<Seq>,
    },
    /// End these sessions.
    Evict {
        /// Their numbers, in order.
        victims: Vec<Seq>,
    },
}

/// The words a denial by `quota` uses for the person: the quota's own, else the general ones.
#[must_use]
pub fn message_for<'a>(quota: &'a ReadyQuota, general: &'a crate::config::Messages, denied: bool) -> &'a str {
    let (own, general) = if denied {
        (&quota.quota.messages.denied, &general.denied)
    } else {
        (&quota.quota.messages.evicted, &general.evicted)
    };
    own.as_deref().unwrap_or(general)
}
