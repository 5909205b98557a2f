//! A live session as the state keeps it: frozen facts, and the little that changes.

use crate::answer::SessionView;
use crate::event::Cause;
use crate::{Facts, Millis, Seq, Span};
use smallvec::SmallVec;
use std::sync::Arc;

/// A live session.
#[derive(Clone, Debug)]
pub struct Session {
    /// What it is.
    pub facts: Arc<Facts>,
    /// Its number: the seq of its admission.
    pub number: Seq,
    /// Seq of its last admission or resume.
    pub generation: Seq,
    /// Last recorded activity.
    pub last_active: Millis,
    /// Last activity, recorded or not; not part of the folded state.
    pub(crate) last_seen: Millis,
    /// When it was disconnected; `None` while connected.
    pub disconnected: Option<Millis>,
    /// Milliseconds by which its idle deadline moved while the ledger was down.
    pub(crate) idle_shift: u64,
    /// What few sessions have.
    pub(crate) rare: Option<Box<Rare>>,
    /// Slots of the quota keys that count it, in the order of quotas.
    pub(crate) keys: SmallVec<[u32; 4]>,
    pub(crate) user: u32,
}

/// What few sessions have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rare {
    pub(crate) seen_ip: Option<Arc<str>>,
    pub(crate) seen_client: Option<Arc<str>>,
    /// Retention in force, where a resume changed it.
    pub(crate) retention: Option<Span>,
    /// When it was adopted: later than its last activity may have been.
    pub(crate) adopted: Option<Millis>,
}

impl Session {
    pub(crate) fn new(facts: Arc<Facts>, number: Seq, last_active: Millis, user: u32) -> Self {
        Self {
            facts,
            number,
            generation: number,
            last_active,
            last_seen: last_active,
            disconnected: None,
            idle_shift: 0,
            rare: None,
            keys: SmallVec::new(),
            user,
        }
    }

    /// How long it is retained after a disconnect.
    #[must_use]
    pub fn retention(&self) -> Span {
        self.rare.as_ref().and_then(|rare| rare.retention).unwrap_or(self.facts.retention)
    }

    /// Whether it is disconnected and kept.
    #[must_use]
    pub const fn is_retained(&self) -> bool {
        self.disconnected.is_some()
    }

    /// When it will be over by what is recorded; equality is over.
    #[must_use]
    pub fn deadline(&self) -> Millis {
        self.facts.ends_at().min(self.patience_ends())
    }

    /// The deadline of idleness or of retention, whichever runs.
    fn patience_ends(&self) -> Millis {
        match self.disconnected {
            Some(at) => at.plus(self.retention()),
            None => self.last_active.plus(self.facts.idle).plus(Span::millis(self.idle_shift)),
        }
    }

    /// Why it is over at its deadline; ttl where both fall together.
    #[must_use]
    pub fn cause_at_deadline(&self) -> Cause {
        if self.facts.ends_at() <= self.patience_ends() {
            Cause::Ttl
        } else if self.is_retained() {
            Cause::Retention
        } else {
            Cause::Idle
        }
    }

    /// Whether its idle deadline is as its facts say: nothing moved it, and it is connected.
    pub(crate) const fn is_regular(&self) -> bool {
        self.disconnected.is_none() && self.idle_shift == 0
    }

    /// When the ledger last heard of it: admission, adoption, resume, touch.
    #[must_use]
    pub fn last_news(&self) -> Millis {
        let adopted = self.rare.as_ref().and_then(|rare| rare.adopted).unwrap_or_default();
        self.last_seen.max(self.last_active).max(adopted)
    }

    /// What is known of it now.
    #[must_use]
    pub fn view(&self) -> SessionView {
        SessionView {
            facts: Arc::clone(&self.facts),
            number: self.number,
            generation: self.generation,
            last_active: self.last_active,
            expires: self.deadline(),
            retained: self.is_retained(),
            seen_ip: self.rare.as_ref().and_then(|rare| rare.seen_ip.clone()),
            seen_client: self.rare.as_ref().and_then(|rare| rare.seen_client.clone()),
        }
    }
}
