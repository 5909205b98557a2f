//! What stands for what is sealed away, and how a state forgets a person.
//!
//! INVARIANT(forgotten): a state that knew a person and folds the erasure equals one that never could read what was
//! sealed under the key: stand-ins follow from the numbers of keys and sessions alone, and live sessions' quota keys
//! are numbered anew from a number that is recorded.

use super::{Effect, Happened};
use crate::answer::Tombstone;
use crate::event::Op;
use crate::state::Tables;
use crate::{Facts, Millis, Personal, Seq, Texts};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Begins the names of stand-ins. No control character passes the edge, so it is nobody's name.
const MARK: &str = "\u{1f}sealed:";

/// Stands where a name was, for people.
const ERASED: &str = "(erased)";

/// Stands for the user whose values are sealed under `key`: two keys are two users.
#[must_use]
pub fn sealed_user(key: u64) -> String {
    format!("{MARK}{key:016x}")
}

/// A name as people read it: of what is sealed there is none.
#[must_use]
pub fn shown(name: &str) -> &str {
    if name.starts_with(MARK) { ERASED } else { name }
}

impl Facts {
    /// Stands for the facts of session `number`, sealed under `key` and admitted at `at`.
    #[must_use]
    pub fn sealed(key: u64, number: Seq, at: Millis) -> Self {
        let (user, session) = (sealed_user(key), format!("{MARK}{number}"));
        let texts = Texts { user: &user, session: &session, ..Texts::default() };
        let mut facts = Self::new(texts);
        facts.started = at;
        facts
    }

    /// The key under which they are sealed, where they only stand for facts.
    #[must_use]
    pub fn sealed_under(&self) -> Option<u64> {
        self.user().strip_prefix(MARK).and_then(|key| u64::from_str_radix(key, 16).ok())
    }

    /// Whether they only stand for facts that are sealed, since their key is gone or not at hand.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.user().starts_with(MARK)
    }
}

/// The facts, or what stands for them.
pub(super) fn facts_of(facts: &Personal<Arc<Facts>>, number: Seq, at: Millis) -> Arc<Facts> {
    match facts {
        Personal::Plain(facts) => Arc::clone(facts),
        Personal::Sealed { key, .. } => Arc::new(Facts::sealed(*key, number, at)),
    }
}

/// What a tombstone keeps of a session: of a sealed one nothing that an erasure would not leave.
pub(super) fn kept_of(facts: Arc<Facts>) -> Arc<Facts> {
    if !facts.is_sealed() {
        return facts;
    }
    let mut kept = facts;
    Arc::make_mut(&mut kept).started = Millis(0);
    kept
}

/// Forgets whose key is destroyed. Its sessions ended before; whoever was remembered by a command id is asked anew.
pub(super) fn erased(tables: &mut Tables, happened: Happened<'_>, key: u64) -> Effect {
    let Op::Erase { user, keys_from } = &happened.decision.op else { return Effect::Nothing };
    tables.taking = None;
    if let Some(name) = user.plain() {
        let stand_in = sealed_user(key);
        tables.met.retain(|(_, facts)| facts.user() != &**name);
        tables.storms.rename(name, &Arc::from(stand_in));
        let forgetting = Forgetting::new(name, key, tables.tombs.iter());
        tables.tombs.change(&tables.hasher, |tombstone| forgetting.apply(tombstone));
    }
    tables.commands.clear();
    (tables.partial, tables.said) = (None, None);
    tables.key_next = keys_from.0;
    tables.recount();
    Effect::Nothing
}

/// What tombstones forget of a person whose key is destroyed.
#[derive(Debug)]
pub struct Forgetting<'a> {
    name: &'a str,
    key: u64,
    /// Sessions of theirs that tombstones remember: whoever made room for one of them is remembered longer.
    numbers: BTreeSet<Seq>,
}

impl<'a> Forgetting<'a> {
    /// Forgets `name`, whose key was `key`, of these tombstones.
    pub fn new<'t>(name: &'a str, key: u64, all: impl Iterator<Item = &'t Arc<Tombstone>>) -> Self {
        let theirs = all.filter(|tombstone| tombstone.facts.user() == name);
        Self { name, key, numbers: theirs.map(|tombstone| tombstone.number).collect() }
    }

    /// Takes out of a tombstone what is to be forgotten; its session's id may change with it.
    pub fn apply(&self, tombstone: &mut Arc<Tombstone>) {
        let is_own = tombstone.facts.user() == self.name;
        let is_by = tombstone.by_session.is_some_and(|by| self.numbers.contains(&by));
        if !is_own && !is_by {
            return;
        }
        let changed = Arc::make_mut(tombstone);
        if is_own {
            changed.facts = Arc::new(Facts::sealed(self.key, changed.number, Millis(0)));
        }
        // The words for whoever made room may name the newcomer's client.
        changed.message = changed.message.take().filter(|_| !is_by);
    }
}
