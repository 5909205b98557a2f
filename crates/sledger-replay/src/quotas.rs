//! Quota safety by a linear fold over events that knows nothing of policies, deadlines or orders (RULES 1).
//!
//! For every admission and every key that counts it, the count recorded must be
//! one more than what the events before it leave under the key; and where the
//! quota is hard, no more than the limit recorded with it. Only keys' numbers and
//! sessions' numbers are looked at, so the fold holds for sealed facts too. Where settings changed while sessions were
//! live that are sealed away since, counts are held within the number of sessions live then, until those are over.

use sledger_core::config::Level;
use sledger_core::event::{Counted, Decision, Event};
use sledger_core::evolve::Parts;
use sledger_core::quota::Ready;
use sledger_core::{KeyNo, Limit, Seq, State};
use std::collections::{BTreeSet, HashMap};

/// Counts by key number, and which keys each live session is counted under.
#[derive(Debug, Default)]
pub struct QuotaFold {
    counts: HashMap<KeyNo, u32>,
    sessions: HashMap<Seq, Vec<KeyNo>>,
    hard: Vec<bool>,
    parts: Parts,
    /// Sessions that count under keys nobody can name any more: a change of settings counted them anew, and some of
    /// those live then are sealed away. While there are any, counts are known up to their number.
    unknown: BTreeSet<Seq>,
}

/// An event that breaks quota safety.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A count recorded is not what the events before it give.
    #[error("seq {seq}: quota {quota} records count {recorded} under key {}, the events before it give {found}", key.0)]
    Count {
        /// The event.
        seq: Seq,
        /// Index of the quota.
        quota: u16,
        /// The key.
        key: KeyNo,
        /// As recorded.
        recorded: u32,
        /// By the fold.
        found: u32,
    },
    /// A hard limit is passed.
    #[error("seq {seq}: hard quota {quota} holds {count} under key {}, its limit is {limit}", key.0)]
    Limit {
        /// The event.
        seq: Seq,
        /// Index of the quota.
        quota: u16,
        /// The key.
        key: KeyNo,
        /// As recorded.
        count: u32,
        /// As recorded.
        limit: Limit,
    },
    /// A session that is not live ended.
    #[error("seq {seq}: session {session} ended and is not live")]
    NotLive {
        /// The event.
        seq: Seq,
        /// The session.
        session: Seq,
    },
}

impl Broken {
    /// The event.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        match self {
            Self::Count { seq, .. } | Self::Limit { seq, .. } | Self::NotLive { seq, .. } => *seq,
        }
    }
}

impl QuotaFold {
    /// A fold over a ledger that begins under `ready`.
    #[must_use]
    pub fn new(ready: &Ready) -> Self {
        Self { hard: hard(ready), ..Self::default() }
    }

    /// A fold that goes on from `state`, whose sessions are counted as they are.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let mut fold = Self { parts: state.parts().clone(), ..Self::new(state.ready()) };
        fold.recount(state);
        fold
    }

    /// Folds a decision whose first event is `first`. `after` is the state after it: only a change of configuration
    /// looks there, for the keys that then count each session.
    ///
    /// # Errors
    /// The first event that breaks quota safety.
    pub fn fold(&mut self, first: Seq, decision: &Decision, after: &State) -> Result<(), Broken> {
        for (event, seq) in decision.events.iter().zip(first.0..) {
            self.event(Seq(seq), event, after)?;
        }
        Ok(())
    }

    fn event(&mut self, seq: Seq, event: &Event, after: &State) -> Result<(), Broken> {
        match event {
            Event::Admitted { counted, .. } => self.enter(seq, counted, true),
            Event::Adopted { counted, .. } => self.enter(seq, counted, false),
            Event::Ended { session, .. } => self.leave(seq, *session),
            Event::ConfigPart { hash, part } => {
                self.parts.note(*hash, part);
                Ok(())
            }
            Event::ConfigApplied { parts, .. } => {
                if let Some(ready) = self.parts.apply(parts) {
                    self.hard = hard(&ready);
                    self.recount(after);
                }
                Ok(())
            }
            Event::UserErased { .. } => {
                self.recount(after);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn enter(&mut self, seq: Seq, counted: &[Counted], bounded: bool) -> Result<(), Broken> {
        for &Counted { quota, key, limit, count } in counted {
            let found = self.counts.get(&key).copied().unwrap_or(0).saturating_add(1);
            let most = found.saturating_add(u32::try_from(self.unknown.len()).unwrap_or(u32::MAX));
            if count < found || count > most {
                return Err(Broken::Count { seq, quota, key, recorded: count, found });
            }
            let hard = self.hard.get(usize::from(quota)).copied().unwrap_or(false);
            if bounded && hard && !limit.holds(count) {
                return Err(Broken::Limit { seq, quota, key, count, limit });
            }
            self.counts.insert(key, found);
        }
        self.sessions.insert(seq, counted.iter().map(|counted| counted.key).collect());
        Ok(())
    }

    fn leave(&mut self, seq: Seq, session: Seq) -> Result<(), Broken> {
        let keys = self.sessions.remove(&session).ok_or(Broken::NotLive { seq, session })?;
        self.unknown.remove(&session);
        for key in keys {
            if let Some(count) = self.counts.get_mut(&key) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.counts.remove(&key);
                }
            }
        }
        Ok(())
    }

    /// A configuration, and an erasure, recount and end nobody.
    fn recount(&mut self, after: &State) {
        self.counts.clear();
        self.unknown.clear();
        if after.sealed_session_count() > 0 {
            self.unknown.extend(after.sessions().iter().map(|session| session.number));
            self.sessions = self.unknown.iter().map(|number| (*number, Vec::new())).collect();
            return;
        }
        for session in after.sessions() {
            let keys: Vec<KeyNo> = after.keys_of(session).into_iter().map(|(_, key, _)| key).collect();
            for key in &keys {
                let count = self.counts.entry(*key).or_default();
                *count = count.saturating_add(1);
            }
            self.sessions.insert(session.number, keys);
        }
    }

    /// Begins anew from the counts of `after`: to go on behind what broke the fold.
    pub fn begin_anew(&mut self, after: &State) {
        self.sessions.clear();
        self.hard = hard(after.ready());
        self.recount(after);
    }

    /// Live sessions by the fold.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }
}

fn hard(ready: &Ready) -> Vec<bool> {
    ready.quotas.iter().map(|quota| quota.quota.level == Level::Hard).collect()
}
