//! Taking a snapshot: what is given already, and what is saved before it changes.

use super::row::{CommandRow, HeadRow, SessionRow, StormRow};
use crate::State;
use crate::answer::Tombstone;
use crate::event::Part;
use crate::evolve::{hash_of, split};
use crate::state::{Holds, Kind, Sources, Tables, Trips};
use std::ops::Range;
use std::sync::Arc;

/// Rows saved and not yet fetched beyond which a snapshot is given up: whoever takes it is too slow.
const SAVED_MAX: usize = 65_536;
/// Places looked at for each row that may be given: bounds the work where most places are empty.
const LOOKS_PER_ROW: usize = 16;

/// Everything small, as it was when the snapshot began.
#[derive(Clone, Debug)]
pub struct Beginning {
    pub(crate) head: HeadRow,
    pub(crate) settings: Arc<[([u8; 32], Part)]>,
    pub(crate) policies: Vec<(Arc<str>, Sources)>,
    pub(crate) parts: Vec<([u8; 32], Part)>,
    pub(crate) trips: Trips,
    pub(crate) holds: Holds,
}

impl Beginning {
    /// The last event that is in it.
    #[must_use]
    pub fn seq(&self) -> crate::Seq {
        self.head.seq
    }

    /// Time of the last decision that is in it.
    #[must_use]
    pub fn at(&self) -> crate::Millis {
        self.head.at
    }

    /// Live sessions in it.
    #[must_use]
    pub fn session_count(&self) -> u64 {
        self.head.sessions
    }
}

/// Some rows.
#[derive(Clone, Debug, Default)]
pub struct Slice {
    pub(crate) sessions: Vec<SessionRow>,
    pub(crate) tombstones: Vec<Arc<Tombstone>>,
    pub(crate) commands: Vec<CommandRow>,
    pub(crate) storms: Vec<StormRow>,
    /// Nothing comes after it.
    pub last: bool,
}

impl Slice {
    /// How many rows it has.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.sessions.len() + self.tombstones.len() + self.commands.len() + self.storms.len()
    }
}

/// Takes a snapshot of a state, bit by bit; at most one at a time.
pub struct Taker<'a>(&'a mut State);

impl<'a> Taker<'a> {
    /// On `state`, which changes in between.
    pub fn on(state: &'a mut State) -> Self {
        Self(state)
    }

    /// Begins: the snapshot is of the state as it is now. One that was being taken is given up.
    pub fn begin(&mut self) -> Beginning {
        let tables = self.0.change();
        tables.taking = Some(Box::new(Taking::new(tables)));
        beginning(tables)
    }

    /// Up to about `rows_max` rows more; `None` when no snapshot is being taken, or the one that was had to be given
    /// up: settings changed, or more changed than was fetched.
    pub fn slice(&mut self, rows_max: usize) -> Option<Slice> {
        self.0.tables().taking.as_ref()?;
        let tables = self.0.change();
        let mut taking = tables.taking.take()?;
        let slice = taking.slice(tables, rows_max);
        if !slice.last {
            tables.taking = Some(taking);
        }
        Some(slice)
    }

    /// Gives up the snapshot that is being taken.
    pub fn give_up(&mut self) {
        if self.is_taking() {
            self.0.change().taking = None;
        }
    }

    /// Whether a snapshot is being taken.
    #[must_use]
    pub fn is_taking(&self) -> bool {
        self.0.tables().taking.is_some()
    }
}

/// The parts in force; those of settings that no event records are made for it.
fn settings_of(tables: &Tables) -> Arc<[([u8; 32], Part)]> {
    let in_force = tables.parts.in_force();
    if in_force.is_empty() {
        return split(&tables.ready.settings).into_iter().map(|part| (hash_of(&part), part)).collect();
    }
    Arc::clone(in_force)
}

fn beginning(tables: &Tables) -> Beginning {
    let policies = tables.policies.iter().map(|(name, sources)| (Arc::clone(name), sources.clone()));
    Beginning {
        head: HeadRow {
            seq: tables.seq,
            at: tables.at,
            epoch: tables.epoch,
            sessions: tables.sessions.len() as u64,
            users: tables.users.len() as u64,
            keys: tables.keys.len() as u64,
            key_next: tables.key_next,
            engine: tables.engine.clone(),
            file: tables.file,
            bindings: tables.bindings.to_vec(),
        },
        settings: settings_of(tables),
        policies: policies.collect(),
        parts: tables.parts.waiting().map(|(hash, part)| (*hash, part.clone())).collect(),
        trips: tables.trips.clone(),
        holds: tables.holds.clone(),
    }
}

/// Which of the places from `next` to `end` are done; those outside are.
#[derive(Clone, Debug)]
struct Todo {
    first: u64,
    places: Range<u64>,
    done: Vec<u64>,
}

impl Todo {
    fn new(places: Range<u64>) -> Self {
        let words = places.end.saturating_sub(places.start).div_ceil(64);
        Self { first: places.start, places, done: vec![0; usize::try_from(words).unwrap_or(0)] }
    }

    /// Marks a place as done; whether it was not.
    fn finish(&mut self, place: u64) -> bool {
        if !self.places.contains(&place) {
            return false;
        }
        let at = place.saturating_sub(self.first);
        let word = usize::try_from(at / 64).ok().and_then(|word| self.done.get_mut(word));
        let bit = 1 << (at % 64);
        word.is_some_and(|word| {
            let open = *word & bit == 0;
            *word |= bit;
            open
        })
    }

    /// The next place that is not done; it is then. Looks at no more than `looks` places.
    fn next(&mut self, looks: &mut usize) -> Option<u64> {
        while *looks > 0 && !self.places.is_empty() {
            *looks -= 1;
            let place = self.places.start;
            let open = self.finish(place);
            self.places.start = place.saturating_add(1);
            if open {
                return Some(place);
            }
        }
        None
    }
}

/// A snapshot being taken, as the state carries it.
#[derive(Clone, Debug)]
pub(crate) struct Taking {
    /// By slot; slots from beyond the end are of sessions that came later.
    sessions: Todo,
    tombstones: Range<u64>,
    commands: Range<u64>,
    /// By position in the order of beginnings.
    storms: Todo,
    /// Rows saved before they changed, not fetched yet.
    saved: Slice,
}

impl Taking {
    fn new(tables: &Tables) -> Self {
        Self {
            sessions: Todo::new(0..tables.sessions.capacity() as u64),
            tombstones: tables.tombs.positions(),
            commands: tables.commands.positions(),
            storms: Todo::new(tables.storms.positions()),
            saved: Slice::default(),
        }
    }

    fn slice(&mut self, tables: &Tables, rows_max: usize) -> Slice {
        let mut slice = std::mem::take(&mut self.saved);
        let mut looks = rows_max.saturating_mul(LOOKS_PER_ROW);
        let room = |slice: &Slice| slice.row_count() < rows_max;
        while room(&slice)
            && let Some(place) = self.storms.next(&mut looks)
        {
            slice.storms.extend(tables.storms.at(place).map(|(kind, recent)| (kind.clone(), recent)));
        }
        while room(&slice)
            && let Some(place) = self.sessions.next(&mut looks)
        {
            slice.sessions.extend(u32::try_from(place).ok().and_then(|slot| SessionRow::of(tables, slot)));
        }
        while room(&slice)
            && let Some(place) = next(&mut self.tombstones, &mut looks)
        {
            slice.tombstones.extend(tables.tombs.at(place).cloned());
        }
        while room(&slice)
            && let Some(place) = next(&mut self.commands, &mut looks)
        {
            slice.commands.extend(command(tables, place));
        }
        slice.last = self.is_done();
        slice
    }

    fn is_done(&self) -> bool {
        self.storms.places.is_empty()
            && self.sessions.places.is_empty()
            && self.tombstones.is_empty()
            && self.commands.is_empty()
    }
}

fn next(places: &mut Range<u64>, looks: &mut usize) -> Option<u64> {
    *looks = looks.checked_sub(1)?;
    places.next()
}

fn command(tables: &Tables, position: u64) -> Option<CommandRow> {
    let (id, found) = tables.commands.at(position)?;
    Some(CommandRow { id: id.into(), mark: found.mark, at: found.at, answer: Arc::clone(&found.answer) })
}

/// Notes that the session in `slot` came after the beginning.
pub(crate) fn is_new(tables: &mut Tables, slot: u32) {
    if let Some(taking) = &mut tables.taking {
        taking.sessions.finish(u64::from(slot));
    }
}

/// Saves the session in `slot`, which is about to change or end, unless the snapshot has it.
pub(crate) fn before_change(tables: &mut Tables, slot: u32) {
    let Some(mut taking) = tables.taking.take() else { return };
    if taking.sessions.finish(u64::from(slot)) {
        taking.saved.sessions.extend(SessionRow::of(tables, slot));
    }
    tables.taking = Some(taking).filter(|taking| taking.saved.row_count() <= SAVED_MAX);
}

/// Saves what is known of a kind of denial, of which there is about to be one more, unless the snapshot has it.
pub(crate) fn before_denial(tables: &mut Tables, kind: &Kind) {
    let Some(taking) = &mut tables.taking else { return };
    let Some(recent) = tables.storms.get(kind) else { return };
    if taking.storms.finish(recent.position()) {
        taking.saved.storms.push((kind.clone(), recent));
    }
}
