//! A live session as the state keeps it: frozen facts, and the little that changes.

use crate::answer::SessionView;
use crate::event::Cause;
use crate::{Facts, Millis, Seq, Span};
use serde::{Deserialize, Serialize};
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
    more: Option<Box<More>>,
    /// Slots of the first quota keys that count it, in the order of quotas.
    keys: [u32; 2],
    pub(crate) user: u32,
    /// Milliseconds by which its idle deadline moved while the ledger was down; what is beyond stands in `more`.
    idle_shift: u32,
}

/// A session's own bytes are what a million sessions cost.
const _: () = assert!(size_of::<Session>() <= 64);

/// Stands where there is no key.
const NO_KEY: u32 = u32::MAX;

/// What only some sessions have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct More {
    rare: Rare,
    /// When it was disconnected; `None` while connected.
    disconnected: Option<Millis>,
    idle_shift: u64,
    /// Slots of keys beyond those that stand in the session.
    keys: Vec<u32>,
}

/// What few sessions have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
            more: None,
            keys: [NO_KEY; 2],
            user,
            idle_shift: 0,
        }
    }

    /// What few sessions have, if it has any of it.
    pub(crate) fn rare(&self) -> Option<&Rare> {
        self.more.as_ref().map(|more| &more.rare).filter(|rare| **rare != Rare::default())
    }

    pub(crate) fn change_rare(&mut self, change: impl FnOnce(&mut Rare, &Facts)) {
        let facts = Arc::clone(&self.facts);
        self.change_more(|more| change(&mut more.rare, &facts));
    }

    /// Changes what only some sessions have; what is then nothing takes no room.
    fn change_more(&mut self, change: impl FnOnce(&mut More)) {
        let mut more = self.more.take().unwrap_or_default();
        change(&mut more);
        self.more = (*more != More::default()).then_some(more);
    }

    /// When it was disconnected; `None` while connected.
    #[must_use]
    pub fn disconnected(&self) -> Option<Millis> {
        self.more.as_ref().and_then(|more| more.disconnected)
    }

    pub(crate) fn set_disconnected(&mut self, at: Option<Millis>) {
        if self.more.is_some() || at.is_some() {
            self.change_more(|more| more.disconnected = at);
        }
    }

    /// Milliseconds by which its idle deadline moved while the ledger was down.
    pub(crate) fn idle_shift(&self) -> u64 {
        let more = self.more.as_ref().map_or(0, |more| more.idle_shift);
        more.saturating_add(u64::from(self.idle_shift))
    }

    pub(crate) fn set_idle_shift(&mut self, shift: u64) {
        self.idle_shift = u32::try_from(shift).unwrap_or(u32::MAX);
        let beyond = shift.saturating_sub(u64::from(self.idle_shift));
        if self.more.is_some() || beyond > 0 {
            self.change_more(|more| more.idle_shift = beyond);
        }
    }

    /// Slots of the quota keys that count it, in the order of quotas.
    pub(crate) fn keys(&self) -> impl Iterator<Item = u32> {
        let more = self.more.iter().flat_map(|more| more.keys.iter());
        self.keys.iter().chain(more).copied().filter(|key| *key != NO_KEY)
    }

    pub(crate) fn has_key(&self, key: u32) -> bool {
        self.keys().any(|other| other == key)
    }

    pub(crate) fn set_keys(&mut self, keys: &[u32]) {
        let at = |index: usize| keys.get(index).copied().unwrap_or(NO_KEY);
        self.keys = [at(0), at(1)];
        let more = keys.get(2..).unwrap_or_default();
        if self.more.is_some() || !more.is_empty() {
            self.change_more(|all| all.keys = more.to_vec());
        }
    }

    /// How long it is retained after a disconnect.
    #[must_use]
    pub fn retention(&self) -> Span {
        self.rare().and_then(|rare| rare.retention).unwrap_or(self.facts.retention)
    }

    /// Whether it is disconnected and kept.
    #[must_use]
    pub fn is_retained(&self) -> bool {
        self.disconnected().is_some()
    }

    /// When it will be over by what is recorded; equality is over.
    #[must_use]
    pub fn deadline(&self) -> Millis {
        self.facts.ends_at().min(self.patience_ends())
    }

    /// The deadline of idleness or of retention, whichever runs.
    fn patience_ends(&self) -> Millis {
        match self.disconnected() {
            Some(at) => at.plus(self.retention()),
            None => self.last_active.plus(self.facts.idle).plus(Span::millis(self.idle_shift())),
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
    pub(crate) fn is_regular(&self) -> bool {
        self.disconnected().is_none() && self.idle_shift == 0
    }

    /// When the ledger last heard of it: admission, adoption, resume, touch.
    #[must_use]
    pub fn last_news(&self) -> Millis {
        let adopted = self.rare().and_then(|rare| rare.adopted).unwrap_or_default();
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
            seen_ip: self.rare().and_then(|rare| rare.seen_ip.clone()),
            seen_client: self.rare().and_then(|rare| rare.seen_client.clone()),
        }
    }
}
