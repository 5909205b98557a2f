//! Giving up what cannot be read: sessions sealed under keys that are lost or were destroyed.

use super::own_decision;
use crate::command::Actor;
use crate::config::ENDS_PER_DECISION_MAX;
use crate::event::{Cause, Decision, Event, Op};
use crate::{KeyNo, Millis, Personal, Seq, State};
use std::collections::BTreeMap;

/// Ends every live session that cannot be read, and records of each of their keys that it is gone.
#[must_use]
pub fn lost(state: &State, at: Millis) -> Vec<Decision> {
    let mut by_key: BTreeMap<u64, Vec<Seq>> = BTreeMap::new();
    for session in state.sessions() {
        if let Some(key) = session.facts.sealed_under() {
            by_key.entry(key).or_default().push(session.number);
        }
    }
    let keys_from = KeyNo(state.tables().key_next);
    by_key.iter().flat_map(|(key, sessions)| of_key(*key, sessions, keys_from, at)).collect()
}

fn of_key(key: u64, sessions: &[Seq], keys_from: KeyNo, at: Millis) -> Vec<Decision> {
    let ended =
        |session: &Seq| Event::Ended { session: *session, cause: Cause::Cleared, ended_at: at, judged: None };
    let mut all: Vec<Vec<Event>> =
        sessions.chunks(ENDS_PER_DECISION_MAX).map(|some| some.iter().map(ended).collect()).collect();
    if let Some(last) = all.last_mut() {
        last.push(Event::UserErased { key, reason: "its key is lost".into() });
    }
    // Nobody knows the name; the key says whose it was.
    let user = Personal::Sealed { key, nonce: [0; 24], bytes: Box::default() };
    let decision = |events| own_decision(Actor::Cli, at, Op::Erase { user: user.clone(), keys_from }, events);
    all.into_iter().map(decision).collect()
}
