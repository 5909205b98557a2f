//! Sessions in `utmp`, `wtmp` and the like: records of one size, as login programs and init write them.
//!
//! What becomes of a record:
//!
//! | record | session |
//! |---|---|
//! | `USER_PROCESS` with a user | begins on its line; what was open there is assumed to have ended |
//! | `DEAD_PROCESS`, or `USER_PROCESS` without a user | ends what is open on its line; without a line, what has its id |
//! | `BOOT_TIME`, a shutdown, run level 0 or 6 | ends everything of its file: a source that says none is live |
//! | others | nothing |
//!
//! | of the record | of the session |
//! |---|---|
//! | user | user |
//! | file, line, time | id: `wtmp/pts/0/2026-11-20T08:00:00.000Z` |
//! | line without its digits | client: `tty`, `pts` |
//! | host | attribute `host` |
//! | address | ip |
//! | file without what its rotation adds | source |
//!
//! In a `wtmp` records lie in the order in which they were written, whatever their times: a time that runs back is
//! taken to be that of the record before, and counted. A `utmp` has a place for each line, and the order of places
//! says nothing: such a file is put in order by time.
//!
//! **Invariant:** every record is a session's, counted as saying nothing, or named as broken.

mod layout;
mod terminals;
#[cfg(test)]
mod tests;

pub(crate) use terminals::Terminals;

use super::opened::Opened;
use super::remarks::Remarks;
use anyhow::{Context, Result};
use layout::{Layout, Raw, TYPES};
use sledger_core::Millis;
use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead, Read as _};
use std::sync::Arc;

/// Records held to tell whether a file has an order.
const HELD_MAX: usize = 4096;

/// What a record says of sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The system: its log's name.
    pub(crate) source: Arc<str>,
    /// What happened.
    pub(crate) what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Somebody logged in.
    Begun {
        /// Who.
        user: String,
        /// Where.
        line: String,
        /// The short name of that.
        id: String,
        /// From which host, as it was told.
        host: String,
        /// From which address.
        ip: Option<String>,
    },
    /// Whoever was there is gone.
    Gone {
        /// Where.
        line: String,
        /// The short name of that.
        id: String,
    },
    /// The system started or stopped: nobody is in.
    Down,
}

/// One file of records.
pub(crate) struct UtmpLog {
    name: String,
    source: Arc<str>,
    input: Box<dyn BufRead + Send>,
    layout: Layout,
    held: VecDeque<(u64, Option<Raw>)>,
    before: Millis,
    /// Records read.
    pub(crate) read: u64,
    /// Records that say nothing about a session.
    pub(crate) skipped: u64,
    /// Records that are none.
    pub(crate) broken: u64,
    /// Records whose time lies before that of the record before.
    pub(crate) moved: u64,
    /// What there is to say of single records.
    pub(crate) remarks: Remarks,
    /// Bytes read so far.
    pub(crate) bytes_read: u64,
}

/// Whether a file that begins so can be one of records.
pub(super) fn fits(beginning: &[u8]) -> bool {
    beginning.len() >= 384 && Layout::of(beginning).is_some()
}

impl UtmpLog {
    /// Reads `opened`, a log of `source`.
    pub(crate) fn new(opened: Opened, source: &str) -> Result<Self> {
        let name = opened.name.clone();
        let layout = Layout::of(opened.beginning()).with_context(|| {
            format!("{name}: is no utmp: records of 384 or 400 bytes, in either byte order, do not fit it")
        })?;
        let mut log = Self {
            name,
            source: source.into(),
            input: opened.into_input(),
            layout,
            held: VecDeque::new(),
            before: Millis(0),
            read: 0,
            skipped: 0,
            broken: 0,
            moved: 0,
            remarks: Remarks::default(),
            bytes_read: 0,
        };
        log.hold()?;
        Ok(log)
    }

    /// The next record that says something of sessions, with its time, which never runs back, and its number.
    pub(crate) fn next(&mut self) -> Result<Option<(Millis, u64, Told)>> {
        loop {
            let held = if self.held.is_empty() { self.record()? } else { self.held.pop_front() };
            let Some((number, raw)) = held else { return Ok(None) };
            // What is broken was named when it was read.
            let Some(raw) = raw else { continue };
            let Some((at, what)) = raw.at.zip(what(raw)) else {
                self.skipped += 1;
                continue;
            };
            let at = self.in_order(at, number);
            return Ok(Some((at, number, Told { source: Arc::clone(&self.source), what })));
        }
    }

    /// Holds the beginning, in order of time where the file is one of places.
    fn hold(&mut self) -> Result<()> {
        while self.held.len() < HELD_MAX {
            let Some(record) = self.record()? else {
                if is_of_places(&self.held) {
                    let by_time =
                        |(number, raw): &(u64, Option<Raw>)| (raw.as_ref().and_then(|raw| raw.at), *number);
                    self.held.make_contiguous().sort_by_key(by_time);
                }
                return Ok(());
            };
            self.held.push_back(record);
        }
        Ok(())
    }

    /// Reads one record; no record where it is broken.
    fn record(&mut self) -> Result<Option<(u64, Option<Raw>)>> {
        let mut bytes = Vec::with_capacity(self.layout.record_bytes);
        let read = (&mut self.input).take(self.layout.record_bytes as u64).read_to_end(&mut bytes);
        read.with_context(|| format!("cannot read `{}`", self.name))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let place = self.bytes_read;
        self.bytes_read += bytes.len() as u64;
        self.read += 1;
        let raw = self.checked(&bytes);
        if let Err(reason) = &raw {
            self.broken += 1;
            self.remarks.add(&format!("{}: record {} (byte {place}) {reason}", self.name, self.read));
        }
        Ok(Some((self.read, raw.ok())))
    }

    fn checked(&self, bytes: &[u8]) -> Result<Raw, String> {
        let whole = self.layout.record_bytes;
        if bytes.len() < whole {
            return Err(format!("is cut off after {} of {whole} bytes: passed over", bytes.len()));
        }
        let raw = self.layout.read(bytes);
        if raw.kind >= TYPES {
            return Err(format!("has the type {}, which there is not: passed over", raw.kind));
        }
        if raw.at.is_none() {
            return Err("has a time that cannot be: passed over".to_owned());
        }
        Ok(raw)
    }

    fn in_order(&mut self, at: Millis, number: u64) -> Millis {
        if at < self.before {
            self.moved += 1;
            self.remarks.add(&format!(
                "{}: record {number} is of {}, before the one before it: taken at {}",
                self.name,
                at.rfc3339(),
                self.before.rfc3339()
            ));
        }
        self.before = self.before.max(at);
        self.before
    }
}

/// Whether the records are places of a `utmp`: each id stands there once, and the start of the system first.
fn is_of_places(held: &VecDeque<(u64, Option<Raw>)>) -> bool {
    let said = held.iter().filter_map(|(_, raw)| raw.as_ref()).filter(|raw| raw.kind != 0);
    let mut ids = BTreeSet::new();
    said.enumerate().all(|(index, raw)| match raw.kind {
        2 => index == 0,
        5..=8 => ids.insert((0, raw.id.as_str(), raw.line.as_str())),
        other => ids.insert((other, "", "")),
    })
}

/// What a record says of sessions.
fn what(raw: Raw) -> Option<What> {
    // The low byte of a run level's process is the level, as a digit.
    let is_halt = || raw.user == "shutdown" || matches!(raw.process & 0xff, 0x30 | 0x36);
    match raw.kind {
        2 => Some(What::Down),
        1 if is_halt() => Some(What::Down),
        7 if !raw.user.is_empty() => Some(What::Begun {
            user: raw.user,
            line: raw.line,
            id: raw.id,
            host: raw.host,
            ip: raw.ip.map(|ip| ip.to_string()),
        }),
        7 | 8 => Some(What::Gone { line: raw.line, id: raw.id }),
        _ => None,
    }
}
