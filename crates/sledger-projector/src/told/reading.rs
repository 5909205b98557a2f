//! What a told event says, read from its decision.

use super::Told;
use sledger_core::event::{Cause, Code, Counted, Decision, Event, Judged, PolicyCode, PolicyRef};
use sledger_core::quota::key_for_people;
use sledger_core::{Facts, Limit, Millis, Seq};
use std::sync::Arc;

/// Denials counted instead of recorded one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Time of the first.
    pub first: Millis,
    /// Time of the last.
    pub last: Millis,
    /// How many.
    pub count: u64,
}

impl Told {
    /// The event itself.
    ///
    /// # Panics
    /// Never for what [`super::tell`] made.
    #[must_use]
    pub fn event(&self) -> &Event {
        self.decision.events.get(self.index).expect("a told event stands in its decision")
    }

    /// Ledger time of its decision.
    #[must_use]
    pub fn at(&self) -> Millis {
        self.decision.at
    }

    /// Its user.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        let user = match self.event() {
            Event::DenialsCounted { user, .. } => user.plain().map(|user| &**user),
            _ => self.session.as_deref().map(Facts::user),
        };
        user.filter(|user| !user.is_empty())
    }

    /// What a policy said, where it decided this, or where the login met an exhausted quota on its way.
    #[must_use]
    pub fn judged(&self) -> Option<&Judged> {
        judged(self.event(), &self.decision)
    }

    /// The quota key judged, for people.
    #[must_use]
    pub fn key(&self) -> Option<Arc<str>> {
        self.judged().and_then(|judged| judged.key.plain()).map(key_for_people)
    }

    /// The limit that was in force.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        match self.event() {
            Event::Denied { limit, .. }
            | Event::Conflicted { limit, .. }
            | Event::OverrideChanged { limit, .. } => *limit,
            event => self.judged().map(|judged| judged.limit).or(counted(event).map(|counted| counted.limit)),
        }
    }

    /// Live sessions under the quota key: where it was exhausted, before room was made.
    #[must_use]
    pub fn active(&self) -> Option<u32> {
        match self.event() {
            Event::Denied { active, .. } => Some(*active),
            event => {
                self.judged().map(|judged| judged.active).or(counted(event).map(|counted| counted.count))
            }
        }
    }

    /// The policy that decided, or that this is about.
    #[must_use]
    pub fn policy(&self) -> Option<&PolicyRef> {
        match self.event() {
            Event::DenialsCounted { policy, .. } => policy.as_ref(),
            Event::PolicyFailed { failure, .. } => Some(&failure.policy),
            Event::PolicyTripped { policy, .. }
            | Event::PolicyActivated { policy, .. }
            | Event::PolicyRolledBack { policy, .. }
            | Event::PolicyStopped { policy, .. } => Some(policy),
            _ => self.judged().and_then(|judged| judged.policy.as_ref()),
        }
    }

    /// The line of the policy's source that decided or failed.
    #[must_use]
    pub fn line(&self) -> Option<u32> {
        let line = match self.event() {
            Event::PolicyFailed { failure, .. } => Some(failure.line),
            _ => self.judged().map(|judged| judged.line),
        };
        line.filter(|line| *line > 0)
    }

    /// Why, for programs.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self.event() {
            Event::Denied { code, .. } | Event::DenialsCounted { code, .. } => Some(*code),
            Event::Conflicted { .. } => Some(Code::SessionConflict),
            Event::Admitted { .. } | Event::Resumed { .. } => {
                self.judged().map(|_| Code::SessionQuotaExceeded)
            }
            _ => self.ended.as_ref().and_then(|tombstone| tombstone.code),
        }
    }

    /// How a policy failed, here or on the way.
    #[must_use]
    pub fn policy_code(&self) -> Option<PolicyCode> {
        match self.event() {
            Event::PolicyFailed { failure, .. } => Some(failure.code),
            _ => self.judged().and_then(|judged| judged.failure.as_ref()).map(|failure| failure.code),
        }
    }

    /// Why a session ended, in one word.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        match self.event() {
            Event::Ended { cause, .. } => Some(*cause),
            _ => None,
        }
    }

    /// Why, for operators.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self.event() {
            Event::Denied { reason, .. } | Event::Conflicted { reason, .. } => Some(reason),
            Event::QuotaChanged { reason, .. }
            | Event::QuotaDeleted { reason, .. }
            | Event::OverrideChanged { reason, .. }
            | Event::PolicyInstalled { reason, .. } => reason.as_deref(),
            Event::HoldSet { reason, .. }
            | Event::NoticeFailed { reason, .. }
            | Event::UserErased { reason, .. } => Some(reason),
            Event::Ended { .. } => self.ended.as_ref().and_then(|tombstone| tombstone.reason.as_deref()),
            _ => self.judged().and_then(|judged| judged.reason.as_deref()),
        }
    }

    /// What the person affected is told: by configuration or policy where a session ended, by the policy where a login
    /// was refused or let in over a limit.
    #[must_use]
    pub fn message(&self) -> Option<&Arc<str>> {
        match &self.ended {
            Some(tombstone) => tombstone.message.as_ref(),
            None => self.refusal.as_ref().or_else(|| self.judged().and_then(|judged| judged.told.as_ref())),
        }
    }

    /// When the session began; on ends.
    #[must_use]
    pub fn started(&self) -> Option<Millis> {
        self.ended.as_ref().map(|tombstone| tombstone.facts.started)
    }

    /// When the session was over; on ends.
    #[must_use]
    pub fn ended_at(&self) -> Option<Millis> {
        match self.event() {
            Event::Ended { ended_at, .. } => Some(*ended_at),
            _ => None,
        }
    }

    /// What was counted instead of recorded.
    #[must_use]
    pub fn counts(&self) -> Option<Counts> {
        match self.event() {
            Event::DenialsCounted { first, last, count, .. } => {
                Some(Counts { first: *first, last: *last, count: *count })
            }
            _ => None,
        }
    }
}

/// The number of the session that an event is about.
pub(super) fn number(event: &Event, seq: Seq) -> Option<Seq> {
    match event {
        Event::Admitted { .. } | Event::Adopted { .. } => Some(seq),
        Event::Resumed { session, .. }
        | Event::Touched { session, .. }
        | Event::Disconnected { session }
        | Event::Ended { session, .. } => Some(*session),
        Event::Conflicted { session, .. } => *session,
        _ => None,
    }
}

/// The index of the quota that an event is about: the one judged, else the first that counts the session.
pub(super) fn quota(event: &Event, decision: &Decision) -> Option<u16> {
    match event {
        Event::Denied { quota, .. }
        | Event::Conflicted { quota, .. }
        | Event::DenialsCounted { quota, .. } => *quota,
        Event::PolicyFailed { quota, .. }
        | Event::PolicyTripped { quota, .. }
        | Event::PolicyDiffered { quota, .. } => Some(*quota),
        _ => {
            judged(event, decision).map(|judged| judged.quota).or(counted(event).map(|counted| counted.quota))
        }
    }
}

fn judged<'a>(event: &'a Event, decision: &'a Decision) -> Option<&'a Judged> {
    match event {
        Event::Ended { judged, .. } | Event::Denied { judged, .. } | Event::PolicyFailed { judged, .. } => {
            judged.and_then(|index| decision.judged.get(usize::from(index)))
        }
        Event::PolicyDiffered { shadow, .. } => Some(shadow),
        Event::Admitted { .. } | Event::Resumed { .. } => {
            decision.judged.iter().rev().find(|judged| judged.enforced)
        }
        _ => None,
    }
}

fn counted(event: &Event) -> Option<&Counted> {
    match event {
        Event::Admitted { counted, .. } | Event::Adopted { counted, .. } => counted.first(),
        _ => None,
    }
}
