//! Sessions in RADIUS accounting, as `FreeRADIUS` writes it into its `detail` files.
//!
//! Grammar: records with an empty line between them. A record is a line with its date (`Fri Nov 20 08:00:00 2026`),
//! then indented lines `Name = value`. Lists of attributes without a date, and lines of remark behind `#`, are read too;
//! what is compared (`==`) is not part of a record.
//!
//! | `Acct-Status-Type` | what becomes of it |
//! |---|---|
//! | `Start` | login; a session of somebody else under the same id is assumed to have ended |
//! | `Interim-Update` | touch; of a session that never began here: adoption, begun `Acct-Session-Time` before |
//! | `Stop` | logout; one that never began here is counted and named |
//! | `Accounting-On`, `Accounting-Off` | the server has no sessions: a reconcile with none live |
//! | `Failed`, tunnels and others | nothing |
//!
//! | of the record | of the session |
//! |---|---|
//! | `User-Name` | user |
//! | `NAS-IP-Address`, else `NAS-IPv6-Address`, else `NAS-Identifier` | source |
//! | source and `Acct-Session-Id` | id: `192.0.2.10/0000002A` |
//! | `Framed-IP-Address`, else `Framed-IPv6-Address` | ip |
//! | `NAS-Port-Type` | client, in lower case |
//! | `Calling-Station-Id` | attribute `calling_station` |
//!
//! `FreeRADIUS` tells sessions apart by a hash of user, session id, server and port: server and session id are what of it
//! tells one from another, and stay readable. An id that comes again after its end is another session.
//!
//! Records a little out of order are put in order by time; one that comes later than that is taken at the time
//! reached, and counted.
//!
//! **Invariant:** every record is a session's, counted as saying nothing, or named as broken. A line that is none stops
//! the reading.

mod accounts;
mod attributes;
#[cfg(test)]
mod tests;
mod times;

pub(crate) use accounts::Accounts;

use super::opened::Opened;
use super::remarks::Remarks;
use crate::lines::Lines;
use anyhow::{Result, anyhow, bail};
use attributes::Attribute;
use sledger_core::Millis;
use sledger_wire::values::Offset;
use std::collections::BTreeMap;

/// Attributes of one record.
const ATTRIBUTES_MAX: usize = 1024;
/// Records held to put them in order.
const HELD_MAX: usize = 4096;

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// A session began.
    Start,
    /// It goes on.
    Interim,
    /// It ended.
    Stop,
    /// Its server started or stopped.
    Reset,
}

/// One accounting record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accounted {
    /// What it says.
    pub(crate) status: Status,
    /// The server that reports.
    pub(crate) nas: String,
    /// Its id for the session; empty on a reset.
    pub(crate) session: String,
    /// The user; empty where there is none.
    pub(crate) user: String,
    /// The user's address.
    pub(crate) ip: Option<String>,
    /// How the user is connected.
    pub(crate) client: Option<String>,
    /// From where.
    pub(crate) station: Option<String>,
    /// How long the session is open.
    pub(crate) session_ms: u64,
    /// Why it ended.
    pub(crate) cause: Option<String>,
    /// Where it stands.
    pub(crate) place: String,
}

/// One file of records.
pub(crate) struct Detail {
    lines: Lines,
    zone: Offset,
    held: BTreeMap<(Millis, u64), (u64, Accounted)>,
    given: Millis,
    is_over: bool,
    /// Records read.
    pub(crate) read: u64,
    /// Records that say nothing about a session.
    pub(crate) skipped: u64,
    /// Records that cannot be used.
    pub(crate) broken: u64,
    /// Records that came too late to be put in order.
    pub(crate) moved: u64,
    /// What there is to say of single records.
    pub(crate) remarks: Remarks,
}

/// A record as it stands there.
#[derive(Default)]
struct Block {
    line: u64,
    heading: Option<String>,
    attributes: Vec<Attribute>,
    is_cut: bool,
}

/// Whether a file that begins so can be one of accounting records.
pub(super) fn fits(beginning: &[u8]) -> bool {
    let mut lines = beginning.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let says_something = |line: &&[u8]| !line.is_empty() && !line.starts_with(b"#");
    let Some(first) = lines.find(says_something) else { return false };
    let is_heading = times::heading(&String::from_utf8_lossy(first), Offset::default()).is_some();
    let first = if is_heading { lines.find(says_something).unwrap_or_default() } else { first };
    let mut all = std::iter::once(first).chain(lines).map_while(Attribute::read);
    all.any(|attribute| attribute.is("Acct-Status-Type"))
}

impl Detail {
    /// Reads `opened`; times without a zone are in `zone`.
    pub(crate) fn new(opened: Opened, zone: Offset) -> Self {
        Self {
            lines: Lines::of(opened.name.clone(), opened.into_input()),
            zone,
            held: BTreeMap::new(),
            given: Millis(0),
            is_over: false,
            read: 0,
            skipped: 0,
            broken: 0,
            moved: 0,
            remarks: Remarks::default(),
        }
    }

    /// Bytes read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.lines.bytes_read
    }

    /// The next record about sessions, with its time, which never runs back, and its line.
    pub(crate) fn next(&mut self) -> Result<Option<(Millis, u64, Accounted)>> {
        while !self.is_over && self.held.len() < HELD_MAX {
            self.is_over = !self.take()?;
        }
        let Some(((at, _), (line, accounted))) = self.held.pop_first() else { return Ok(None) };
        if at < self.given {
            self.moved += 1;
            let (at, given) = (at.rfc3339(), self.given.rfc3339());
            self.remarks.add(&format!(
                "{}: is of {at}, too late to be put in order: taken at {given}",
                accounted.place
            ));
        }
        self.given = self.given.max(at);
        Ok(Some((self.given, line, accounted)))
    }

    /// Reads one record; false at the end.
    fn take(&mut self) -> Result<bool> {
        let Some(block) = self.block()? else { return Ok(false) };
        self.read += 1;
        let place = format!("{}:{}", self.lines.name, block.line);
        match block.accounted(self.zone, &place) {
            Ok(None) => self.skipped += 1,
            Ok(Some((at, accounted))) => {
                self.held.insert((at, self.read), (block.line, accounted));
            }
            Err(reason) => {
                self.broken += 1;
                self.remarks.add(&format!("{place}: {reason}: passed over"));
            }
        }
        Ok(true)
    }

    /// The lines up to the next empty one.
    fn block(&mut self) -> Result<Option<Block>> {
        let mut block = Block::default();
        while let Some((number, line)) = self.lines.next_or_blank()? {
            let added = match line {
                [b'#', ..] => Ok(()),
                [] if block.line == 0 => Ok(()),
                [] => break,
                line => block.add(number, line, self.zone),
            };
            block.is_cut = self.lines.is_cut();
            // A line without an end need not be whole: its record is told to be cut off.
            if !block.is_cut {
                added.map_err(|reason| anyhow!("{}:{number}: {reason}", self.lines.name))?;
            }
        }
        Ok((block.line > 0).then_some(block))
    }
}

impl Block {
    fn add(&mut self, number: u64, line: &[u8], zone: Offset) -> Result<()> {
        let is_first = self.line == 0;
        if is_first {
            self.line = number;
        }
        if let Some(attribute) = Attribute::read(line) {
            if self.attributes.len() >= ATTRIBUTES_MAX {
                bail!("a record has more than {ATTRIBUTES_MAX} attributes");
            }
            self.attributes.push(attribute);
            return Ok(());
        }
        let line = String::from_utf8_lossy(line);
        if is_first && times::heading(&line, zone).is_some() {
            self.heading = Some(line.into_owned());
            return Ok(());
        }
        bail!("`{}` is no attribute: write `Name = value`", sledger_wire::escape::brief(&line))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut set = self.attributes.iter().filter(|attribute| attribute.is_set);
        set.find(|attribute| attribute.is(name)).map(|attribute| attribute.value.as_str())
    }

    fn first_of(&self, names: &[&str]) -> Option<String> {
        let found = names.iter().find_map(|name| self.get(name).filter(|value| !value.is_empty()));
        found.map(str::to_owned)
    }

    /// What it says of a session; `None` where it says nothing.
    fn accounted(&self, zone: Offset, place: &str) -> Result<Option<(Millis, Accounted)>, String> {
        if self.is_cut {
            return Err("is cut off".to_owned());
        }
        let Some(status) = self.get("Acct-Status-Type") else { return Ok(None) };
        let Some(status) = status_of(status)? else { return Ok(None) };
        let nas = self.first_of(&["NAS-IP-Address", "NAS-IPv6-Address", "NAS-Identifier"]);
        let nas =
            nas.ok_or("names no server: NAS-IP-Address, NAS-IPv6-Address and NAS-Identifier are missing")?;
        let session = self.first_of(&["Acct-Session-Id"]).unwrap_or_default();
        if session.is_empty() && status != Status::Reset {
            return Err("has no Acct-Session-Id".to_owned());
        }
        let said = times::Said {
            event: self.get("Event-Timestamp"),
            received: self.get("Timestamp"),
            delay: self.get("Acct-Delay-Time"),
            heading: self.heading.as_deref(),
        };
        let at = said.at(zone).ok_or("has no time")?;
        let seconds = self.get("Acct-Session-Time").and_then(|text| text.parse::<u64>().ok());
        Ok(Some((
            at,
            Accounted {
                status,
                nas,
                session,
                user: self.first_of(&["User-Name"]).unwrap_or_default(),
                ip: self.first_of(&["Framed-IP-Address", "Framed-IPv6-Address"]),
                client: self.first_of(&["NAS-Port-Type"]).map(|kind| kind.to_ascii_lowercase()),
                station: self.first_of(&["Calling-Station-Id"]),
                session_ms: seconds.unwrap_or(0).saturating_mul(1000),
                cause: self.first_of(&["Acct-Terminate-Cause"]),
                place: place.to_owned(),
            },
        )))
    }
}

/// A status by name or number; `None` for those that say nothing of a session.
fn status_of(text: &str) -> Result<Option<Status>, String> {
    Ok(match text.trim_start_matches("::") {
        "Start" | "1" => Some(Status::Start),
        "Interim-Update" | "Alive" | "3" => Some(Status::Interim),
        "Stop" | "2" => Some(Status::Stop),
        "Accounting-On" | "Accounting-Off" | "7" | "8" => Some(Status::Reset),
        "Failed" | "9" | "10" | "11" | "12" | "13" | "14" | "15" => None,
        tunnel if tunnel.starts_with("Tunnel-") || tunnel.starts_with("Subsystem-") => None,
        other => {
            return Err(format!(
                "has the Acct-Status-Type `{}`, which there is not",
                sledger_wire::escape::brief(other)
            ));
        }
    })
}
