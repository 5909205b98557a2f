//! From frames to a state. Total: whatever the bytes are, there is a state or a reason.

use super::reading::rows;
use super::row::{CommandRow, HeadRow, SessionRow, StormRow};
use super::{Counts, Kind};
use crate::State;
use crate::answer::Tombstone;
use crate::event::{CommandMark, Counted, Part, PolicyRef};
use crate::evolve::{assemble, key_texts};
use crate::quota::Ready;
use crate::state::{Holds, Sources, Tables, Trip};
use crate::{Limit, Seq};
use smallvec::SmallVec;
use std::sync::Arc;

/// No session takes fewer bytes: bounds the room made for those that are announced.
const SESSION_BYTES_MIN: u64 = 16;

/// Why frames are no snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// A row that is not one.
    #[error("a row cannot be read: {reason}")]
    Undecodable {
        /// What the decoder says.
        reason: String,
    },
    /// Rows of a kind that there is not.
    #[error("rows of kind `{kind}` are not known")]
    Kind {
        /// As written.
        kind: u8,
    },
    /// Frames that do not come in their order.
    #[error("its frames are not in order")]
    Order,
    /// Settings that cannot be used.
    #[error("its settings cannot be used: {reason}")]
    Settings {
        /// Why not.
        reason: String,
    },
    /// Rows are missing, or there are too many.
    #[error("it has `{found}` {what} where `{said}` are said")]
    Count {
        /// Of what.
        what: &'static str,
        /// As announced.
        said: u64,
        /// As found.
        found: u64,
    },
    /// A session is in it twice.
    #[error("session `{number}` is in it twice")]
    Twice {
        /// Its number.
        number: Seq,
    },
}

/// The rows of one frame.
#[derive(Debug)]
pub struct Rows(Decoded);

#[derive(Debug)]
enum Decoded {
    Head(Vec<HeadRow>),
    Settings(Vec<Part>),
    Policies(Vec<(Arc<str>, Sources)>),
    Parts(Vec<([u8; 32], Part)>),
    Trips(Vec<((u16, PolicyRef), Trip)>),
    Sessions(Vec<SessionRow>),
    Tombstones(Vec<Arc<Tombstone>>),
    Commands(Vec<CommandRow>),
    Storms(Vec<StormRow>),
    Holds(Vec<Holds>),
    End(Vec<Counts>),
}

impl Rows {
    /// Reads the rows of a frame; needs no state, so that it can be done beside the loading.
    ///
    /// # Errors
    /// Names the kind that is not known, or says why a row cannot be read.
    pub fn decode(kind: u8, body: &[u8]) -> Result<Self, LoadError> {
        Ok(Self(match Kind::numbered(kind).ok_or(LoadError::Kind { kind })? {
            Kind::Head => Decoded::Head(rows(body)?),
            Kind::Setting => Decoded::Settings(rows(body)?),
            Kind::Policy => Decoded::Policies(rows(body)?),
            Kind::Part => Decoded::Parts(rows(body)?),
            Kind::Trip => Decoded::Trips(rows(body)?),
            Kind::Session => Decoded::Sessions(rows(body)?),
            Kind::Tombstone => Decoded::Tombstones(rows(body)?),
            Kind::Command => Decoded::Commands(rows(body)?),
            Kind::Storm => Decoded::Storms(rows(body)?),
            Kind::Hold => Decoded::Holds(rows(body)?),
            Kind::End => Decoded::End(rows(body)?),
        }))
    }
}

/// Makes a state of frames.
pub struct Loader {
    seed: u64,
    bytes: u64,
    head: Option<HeadRow>,
    settings: Vec<Part>,
    /// From the first row on that needs the settings.
    tables: Option<Tables>,
    storms: Vec<StormRow>,
    counts: Counts,
    end: Option<Counts>,
}

impl Loader {
    /// Of a snapshot of `bytes` bytes. `seed` keys the hash tables: it changes nothing that is decided.
    #[must_use]
    pub fn new(seed: u64, bytes: u64) -> Self {
        Self {
            seed,
            bytes,
            head: None,
            settings: Vec::new(),
            tables: None,
            storms: Vec::new(),
            counts: Counts::default(),
            end: None,
        }
    }

    /// Takes the rows of the next frame.
    ///
    /// # Errors
    /// Says what cannot be.
    pub fn take(&mut self, Rows(rows): Rows) -> Result<(), LoadError> {
        if self.end.is_some() {
            return Err(LoadError::Order);
        }
        match rows {
            Decoded::Head(rows) => self.take_head(rows)?,
            Decoded::Settings(rows) => self.take_settings(rows)?,
            Decoded::Policies(rows) => {
                self.counts.add(Kind::Policy, rows.len());
                self.tables()?.policies.extend(rows);
            }
            Decoded::Parts(rows) => {
                self.counts.add(Kind::Part, rows.len());
                let tables = self.tables()?;
                for (hash, part) in &rows {
                    tables.parts.note(*hash, part);
                }
            }
            Decoded::Trips(rows) => {
                self.counts.add(Kind::Trip, rows.len());
                let tables = self.tables()?;
                for (key, trip) in rows {
                    tables.trips.restore(key, trip);
                }
            }
            Decoded::Sessions(rows) => self.take_sessions(rows)?,
            Decoded::Tombstones(rows) => self.take_tombstones(rows)?,
            Decoded::Commands(rows) => self.take_commands(rows)?,
            Decoded::Storms(rows) => {
                self.counts.add(Kind::Storm, rows.len());
                self.storms.extend(rows);
            }
            Decoded::Holds(rows) => self.tables()?.holds = one(rows)?,
            Decoded::End(rows) => self.end = Some(one(rows)?),
        }
        Ok(())
    }

    /// The state, once all frames were taken.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn finish(mut self) -> Result<State, LoadError> {
        self.tables()?;
        let (Some(mut tables), Some(end), Some(head)) = (self.tables, self.end, self.head) else {
            return Err(LoadError::Order);
        };
        for kind in [Kind::Setting, Kind::Policy, Kind::Part, Kind::Trip] {
            count("settings", end.of(kind), self.counts.of(kind))?;
        }
        count("sessions", head.sessions, self.counts.of(Kind::Session))?;
        count("users", head.users, tables.users.len() as u64)?;
        count("keys", head.keys, tables.keys.len() as u64)?;
        count("tombstones", end.of(Kind::Tombstone), self.counts.of(Kind::Tombstone))?;
        count("command ids", end.of(Kind::Command), self.counts.of(Kind::Command))?;
        count("kinds of denials", end.of(Kind::Storm), self.counts.of(Kind::Storm))?;
        self.storms.sort_by_key(|(_, recent)| recent.position());
        for (kind, recent) in self.storms {
            tables.storms.restore(kind, recent);
        }
        tables.key_next = head.key_next;
        Ok(State::of(tables))
    }

    fn take_head(&mut self, rows: Vec<HeadRow>) -> Result<(), LoadError> {
        if self.head.is_some() {
            return Err(LoadError::Order);
        }
        self.counts.add(Kind::Head, 1);
        self.head = Some(one(rows)?);
        Ok(())
    }

    fn take_settings(&mut self, rows: Vec<Part>) -> Result<(), LoadError> {
        if self.head.is_none() || self.tables.is_some() {
            return Err(LoadError::Order);
        }
        self.counts.add(Kind::Setting, rows.len());
        self.settings.extend(rows);
        Ok(())
    }

    /// The tables, made when all settings are known.
    fn tables(&mut self) -> Result<&mut Tables, LoadError> {
        let tables = match self.tables.take() {
            Some(tables) => tables,
            None => self.make_tables()?,
        };
        Ok(self.tables.insert(tables))
    }

    fn make_tables(&mut self) -> Result<Tables, LoadError> {
        let head = self.head.as_ref().ok_or(LoadError::Order)?;
        let parts = std::mem::take(&mut self.settings);
        let ready =
            Ready::new(assemble(parts.clone())).map_err(|r| LoadError::Settings { reason: r.reason })?;
        let mut tables = Tables::new(ready, head.bindings.clone(), self.seed);
        (tables.seq, tables.at, tables.epoch) = (head.seq, head.at, head.epoch);
        tables.parts.set_in_force(&parts);
        (tables.engine, tables.file) = (head.engine.clone(), head.file);
        let room = |said: u64| usize::try_from(said.min(self.bytes / SESSION_BYTES_MIN)).unwrap_or(0);
        tables.reserve(room(head.sessions), room(head.users), room(head.keys));
        Ok(tables)
    }

    fn take_sessions(&mut self, rows: Vec<SessionRow>) -> Result<(), LoadError> {
        self.counts.add(Kind::Session, rows.len());
        let tables = self.tables()?;
        rows.into_iter().try_for_each(|row| insert(tables, row))
    }

    fn take_tombstones(&mut self, rows: Vec<Arc<Tombstone>>) -> Result<(), LoadError> {
        self.counts.add(Kind::Tombstone, rows.len());
        let tables = self.tables()?;
        let most = tables.ready.settings.sessions.tombstones_max as usize;
        for tombstone in rows {
            tables.tombs.push(&tables.hasher, tombstone, most);
        }
        Ok(())
    }

    fn take_commands(&mut self, rows: Vec<CommandRow>) -> Result<(), LoadError> {
        self.counts.add(Kind::Command, rows.len());
        let tables = self.tables()?;
        for CommandRow { id, mark, at, answer } in rows {
            tables.commands.put(&CommandMark { id, mark }, at, answer, true);
        }
        Ok(())
    }
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loader")
            .field("head", &self.head)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

fn one<T>(mut rows: Vec<T>) -> Result<T, LoadError> {
    if rows.len() > 1 {
        return Err(LoadError::Order);
    }
    rows.pop().ok_or(LoadError::Order)
}

fn count(what: &'static str, said: u64, found: u64) -> Result<(), LoadError> {
    if said == found { Ok(()) } else { Err(LoadError::Count { what, said, found }) }
}

/// Puts a session in as its admission did.
fn insert(tables: &mut Tables, row: SessionRow) -> Result<(), LoadError> {
    if tables.find_number(row.number).is_some() {
        return Err(LoadError::Twice { number: row.number });
    }
    let user = tables.user_slot(row.facts.user(), row.user);
    let counted: SmallVec<[Counted; 2]> = row
        .keys
        .iter()
        .map(|&(quota, key)| Counted { quota, key, limit: Limit::Unlimited, count: 0 })
        .collect();
    let name = tables.users.get(user as usize).map(|user| &user.name);
    let texts = key_texts(&tables.ready, name, &row.facts, &counted);
    tables.insert(row.session(user), &counted, &texts);
    Ok(())
}
