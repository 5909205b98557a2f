//! Sessions in a Windows Security log: 4624 (logon), 4634 (logoff), 4647 (logoff asked for by the user).
//!
//! Grammar: `<Event>` elements, one behind the other or within `<Events>`, as `wevtutil qe Security /f:xml` gives
//! them; or JSON objects, one behind the other or in a list, as `winlogbeat`, `NXLog`, `evtx_dump` or
//! `Get-WinEvent … | ConvertTo-Json -Depth 3` give them. Text is UTF-8.
//!
//! What becomes of an event:
//!
//! | of the event | of the session |
//! |---|---|
//! | `TargetDomainName\TargetUserName` | user; `[users] strip_domain` and `fold` make one of several spellings |
//! | `Computer`, `TargetLogonId`, `LogonGuid` | id: `computer/0x1234/guid`; where there is no guid, the time of the logon |
//! | `LogonType` | client: `interactive`, `network`, `unlock`, `remote_interactive`, … |
//! | `IpAddress` | ip; none where it is `-`, `LOCAL` or a loopback address |
//! | `Computer` | source |
//!
//! Logon ids are unique between two starts of one computer only, so a logoff ends the latest logon of its computer,
//! logon id and name; its domain may be spelt otherwise. Accounts of the system and of machines are passed over.
//!
//! Events a little out of order are put in order, by time and record number.

mod accounts;
mod fields;
mod json;
mod logons;
mod xml;

pub(crate) use logons::Logons;

use super::opened::Opened;
use anyhow::{Context, Result, bail};
use fields::Kind;
use json::Objects;
use sledger_core::Millis;
use sledger_wire::values::Offset;
use std::collections::BTreeMap;
use std::io::{BufRead, Cursor};
use xml::Events;

/// Bytes of one event.
const EVENT_BYTES_MAX: usize = 1 << 20;
/// Events held to put them in order.
const HELD_MAX: usize = 4096;
/// An event that lies further back than this, behind all that is held, is not merely out of order.
const BACK_MAX_MS: u64 = 3_600_000;

/// A logon or logoff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Logged {
    /// What happened.
    pub(crate) kind: Kind,
    /// When, as written.
    pub(crate) at: Millis,
    /// The machine.
    pub(crate) computer: String,
    /// `DOMAIN\name`.
    pub(crate) user: String,
    /// The name alone.
    pub(crate) name: String,
    /// Unique between two starts of the machine.
    pub(crate) logon_id: String,
    /// Unique, where there is one.
    pub(crate) guid: Option<String>,
    /// How; on logons.
    pub(crate) client: Option<String>,
    /// From where; on logons.
    pub(crate) ip: Option<String>,
}

/// One file of events.
pub(crate) struct WindowsLog {
    name: String,
    form: Form,
    offset: Offset,
    held: BTreeMap<(Millis, u64, u64), (u64, Logged)>,
    given: Millis,
    /// Events read.
    pub(crate) read: u64,
    /// Events that say nothing about a session.
    pub(crate) skipped: u64,
    /// Sessions of the system and of machines.
    pub(crate) of_system: u64,
    is_over: bool,
}

enum Form {
    Xml(Box<Events>),
    Json(Objects),
    Empty,
}

/// Whether `text` begins with an event of such a log, as JSON.
pub(super) fn is_logon_log(text: &[u8]) -> bool {
    let is_json = text.starts_with(b"{") || text.starts_with(b"[");
    let first = || Objects::new(Box::new(Cursor::new(text.to_vec()))).next().1;
    is_json && first().is_ok_and(|event| event.is_some_and(|fields| fields.id != 0))
}

impl WindowsLog {
    /// Reads `opened`. Times without an offset are in `offset`.
    pub(crate) fn new(opened: Opened, offset: Offset) -> Result<Self> {
        let name = opened.name.clone();
        let mut input: Box<dyn BufRead> = opened.into_input();
        let form = form(&mut input).with_context(|| format!("cannot read `{name}`"))?;
        let form = match form {
            Some(b'<') => Form::Xml(Box::new(Events::new(input))),
            Some(b'{' | b'[') => Form::Json(Objects::new(input)),
            Some(0xFE | 0xFF | 0) => bail!("{name}:1: is UTF-16: convert it to UTF-8 first"),
            Some(_) => bail!("{name}:1: is neither XML nor JSON"),
            None => Form::Empty,
        };
        Ok(Self {
            name,
            form,
            offset,
            held: BTreeMap::new(),
            given: Millis(0),
            read: 0,
            skipped: 0,
            of_system: 0,
            is_over: false,
        })
    }

    /// Bytes read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        match &self.form {
            Form::Xml(events) => events.bytes_read(),
            Form::Json(objects) => objects.bytes_read,
            Form::Empty => 0,
        }
    }

    /// The next logon or logoff, with its time, which never runs back, and its line.
    pub(crate) fn next(&mut self) -> Result<Option<(Millis, u64, Logged)>> {
        while !self.is_over && self.held.len() < HELD_MAX {
            self.is_over = !self.take()?;
        }
        let Some((_, (line, logged))) = self.held.pop_first() else { return Ok(None) };
        if self.given.since(logged.at) > BACK_MAX_MS {
            let (at, before) = (logged.at.rfc3339(), self.given.rfc3339());
            bail!(
                "{}:{line}: time runs back from {before} to {at}: the oldest event must come first \
                 (`Get-WinEvent -Oldest`, `wevtutil qe /rd:false`)",
                self.name
            );
        }
        self.given = self.given.max(logged.at);
        Ok(Some((self.given, line, logged)))
    }

    /// Reads one event; false at the end.
    fn take(&mut self) -> Result<bool> {
        let (line, fields) = match &mut self.form {
            Form::Xml(events) => events.next(),
            Form::Json(objects) => objects.next(),
            Form::Empty => return Ok(false),
        };
        let placed = |error: anyhow::Error| anyhow::anyhow!("{}:{line}: {error}", self.name);
        let Some(fields) = fields.map_err(placed)? else { return Ok(false) };
        self.read += 1;
        match fields.logged(self.offset).map_err(placed)? {
            None => self.skipped += 1,
            Some(_) if fields.is_of_system() => self.of_system += 1,
            Some(logged) => {
                self.held.insert((logged.at, fields.record, self.read), (line, logged));
            }
        }
        Ok(true)
    }
}

/// The first byte that says what the file is. The mark that some editors put before it is taken off.
fn form(input: &mut Box<dyn BufRead>) -> std::io::Result<Option<u8>> {
    let start = input.fill_buf()?;
    if start.starts_with("\u{feff}".as_bytes()) {
        input.consume(3);
    }
    loop {
        let bytes = input.fill_buf()?;
        let blank = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        match bytes.get(blank) {
            Some(byte) => return Ok(Some(*byte)),
            None if blank == 0 => return Ok(None),
            None => input.consume(blank),
        }
    }
}

#[cfg(test)]
mod tests;
