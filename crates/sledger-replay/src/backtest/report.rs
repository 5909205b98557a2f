//! What came of a backtest.

use super::Buckets;
use crate::rejudge::{Kind, Outcome, Unable};
use sledger_core::event::{Cause, Decision, Event, Op, PolicyCode};
use sledger_core::{Millis, Seq};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Groups counted by name; changes of further ones are counted together.
pub const GROUPS_MAX: usize = 256;
/// Deciding lines told apart: more than a policy has.
pub const LINES_MAX: usize = 4096;
/// Changes kept to be looked at.
pub const EXAMPLES_MAX: usize = 1000;

/// What came of a backtest.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Events read.
    pub events: u64,
    /// Logins decided in the window.
    pub decisions: u64,
    /// Those that met one of the quotas exhausted, then or with the new policy.
    pub exhausted: u64,
    /// Those that the new policy changes.
    pub changed: u64,
    /// Changes by what they were and would be. `evict` to `evict`: other sessions end. Otherwise equal kinds: the
    /// login's end is another one.
    pub changes: BTreeMap<Change, u64>,
    /// Changes by the newcomer's groups: one in several counts in each, one without under the empty name.
    pub groups: BTreeMap<Arc<str>, u64>,
    /// Changes of newcomers whose groups there was no room for.
    pub groups_beyond: u64,
    /// Changes by the line that decided, 0 where none did, and by what they change to.
    pub lines: BTreeMap<(u32, Kind), u64>,
    /// The first changes.
    pub examples: Vec<Example>,
    /// Failures of the new policy.
    pub failures: BTreeMap<PolicyCode, u64>,
    /// Denials that were only counted, in a storm: they carry no command.
    pub aggregated: u64,
    /// Logins that cannot be decided again.
    pub unable: BTreeMap<Unable, u64>,
    /// As it was.
    pub before: Totals,
    /// As it would be.
    pub after: Totals,
    /// Over time.
    pub buckets: Buckets,
    /// The quotas it stood in for.
    pub quotas: BTreeSet<String>,
    /// Time of the first login in the window.
    pub first: Option<Millis>,
    /// And of the last.
    pub last: Option<Millis>,
    examples_max: usize,
}

/// From what to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// As it was.
    pub from: Kind,
    /// As it would be.
    pub to: Kind,
}

/// What a policy costs those concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Logins denied, denials counted in storms not among them.
    pub denied: u64,
    /// Sessions evicted.
    pub evicted: u64,
}

/// A change to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// First event of the decision.
    pub seq: Seq,
    /// When.
    pub at: Millis,
    /// Who came.
    pub user: Arc<str>,
    /// As it was.
    pub was: Outcome,
    /// As it would be.
    pub is: Outcome,
}

impl Report {
    pub(super) fn new(examples: usize) -> Self {
        Self { examples_max: examples.min(EXAMPLES_MAX), ..Self::default() }
    }

    /// Counts a login in the window.
    pub(super) fn seen(&mut self, decision: &Decision) {
        self.decisions += 1;
        self.first = self.first.or(Some(decision.at));
        self.last = Some(decision.at);
        let (denied, evicted) = totals(decision);
        for totals in [&mut self.before, &mut self.after] {
            totals.denied += denied;
            totals.evicted += evicted;
        }
    }

    pub(super) fn unable(&mut self, unable: Unable) {
        *self.unable.entry(unable).or_default() += 1;
    }

    /// Counts a login that was decided again.
    pub(super) fn compared(&mut self, login: (Seq, &Decision), was: &Outcome, is: &Outcome) {
        let (seq, decision) = login;
        let (denied, evicted) = totals(decision);
        // What was recorded counts already; compared with another policy, both are decided again.
        for (totals, outcome) in [(&mut self.before, was), (&mut self.after, is)] {
            totals.denied = totals.denied.saturating_sub(denied) + u64::from(!outcome.admitted);
            totals.evicted = totals.evicted.saturating_sub(evicted) + u64::from(outcome.evicted);
        }
        self.exhausted += u64::from(was.exhausted || is.exhausted);
        if let Some(failure) = is.failure {
            *self.failures.entry(failure).or_default() += 1;
        }
        let is_change = was.differs(is);
        self.buckets.count(decision.at, is_change.then_some(is.kind));
        if is_change {
            self.change((seq, decision), was, is);
        }
    }

    fn change(&mut self, (seq, decision): (Seq, &Decision), was: &Outcome, is: &Outcome) {
        self.changed += 1;
        *self.changes.entry(Change { from: was.kind, to: is.kind }).or_default() += 1;
        let line = (is.line, is.kind);
        if self.lines.len() < LINES_MAX || self.lines.contains_key(&line) {
            *self.lines.entry(line).or_default() += 1;
        }
        let Op::Login(op) = &decision.op else { return };
        let Some(facts) = op.facts.plain() else { return };
        let mut groups = facts.groups().peekable();
        if groups.peek().is_none() {
            self.group("");
        }
        for group in facts.groups() {
            self.group(group);
        }
        if self.examples.len() < self.examples_max {
            let (user, at) = (Arc::from(facts.user()), decision.at);
            self.examples.push(Example { seq, at, user, was: was.clone(), is: is.clone() });
        }
    }

    fn group(&mut self, group: &str) {
        if let Some(count) = self.groups.get_mut(group) {
            *count += 1;
        } else if self.groups.len() < GROUPS_MAX {
            self.groups.insert(Arc::from(group), 1);
        } else {
            self.groups_beyond += 1;
        }
    }

    /// Changes to `kind`.
    #[must_use]
    pub fn changed_to(&self, kind: Kind) -> u64 {
        self.changes.iter().filter(|(change, _)| change.to == kind).map(|(_, count)| *count).sum()
    }
}

/// Denials and evictions of one decision.
fn totals(decision: &Decision) -> (u64, u64) {
    let evicted = |event: &&Event| matches!(event, Event::Ended { cause: Cause::Evicted, .. });
    let denied = matches!(decision.events.last(), Some(Event::Denied { .. }));
    (u64::from(denied), decision.events.iter().filter(evicted).count() as u64)
}
