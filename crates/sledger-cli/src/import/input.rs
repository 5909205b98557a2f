//! One file of the past, line by line, time never running back within it.

use super::syslog::{self, NoTime, Years};
use super::windows::WindowsLog;
use super::{Past, Said};
use crate::exit::Usage;
use crate::lines::Lines;
use anyhow::{Result, bail};
use clap::ValueEnum;
use sledger_core::Millis;
use sledger_core::command::{Actor, Request};
use sledger_core::config::SessionSettings;
use sledger_wire::recording::{Malformed, Reading, parse};
use sledger_wire::values::Offset;
use std::path::Path;
use std::sync::Arc;

/// What the lines of a file are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// JSON lines, one command each.
    #[default]
    Recording,
    /// A system's log, with the sessions that PAM opens and closes.
    Syslog,
    /// A Windows Security log as XML or JSON, with logons and logoffs.
    Windows,
}

/// One file.
pub(crate) struct Input {
    actor: Actor,
    kind: Kind,
    skipped: u64,
    read: u64,
}

enum Kind {
    Recording { lines: Lines, reading: Reading, before: Millis },
    Syslog { lines: Lines, years: Years },
    Windows(Box<WindowsLog>),
}

impl Input {
    /// Opens `path` as a recording.
    pub(crate) fn recording(path: &Path) -> Result<Self> {
        let lines = Lines::open(path)?;
        // A section that a `configure` gives replaces that section, whatever the file says.
        let reading = Reading { actor: actor(path), sessions: SessionSettings::default() };
        Ok(Self::new(path, Kind::Recording { lines, reading, before: Millis(0) }))
    }

    /// Opens `path` as a system's log whose first line is of `year`.
    pub(crate) fn syslog(path: &Path, year: Option<u16>, offset: Offset) -> Result<Self> {
        let lines = Lines::open(path)?;
        Ok(Self::new(path, Kind::Syslog { lines, years: Years::new(year, offset) }))
    }

    /// Opens `path` as a Windows Security log; times without an offset are in `offset`.
    pub(crate) fn windows(path: &Path, offset: Offset) -> Result<Self> {
        Ok(Self::new(path, Kind::Windows(Box::new(WindowsLog::open(path, offset)?))))
    }

    fn new(path: &Path, kind: Kind) -> Self {
        Self { actor: actor(path), kind, skipped: 0, read: 0 }
    }

    /// Who the commands of this file come from.
    pub(crate) const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Bytes read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        match &self.kind {
            Kind::Recording { lines, .. } | Kind::Syslog { lines, .. } => lines.bytes_read,
            Kind::Windows(log) => log.bytes_read(),
        }
    }

    /// Lines or events read.
    pub(crate) fn read(&self) -> u64 {
        if let Kind::Windows(log) = &self.kind { log.read } else { self.read }
    }

    /// Lines or events that say nothing about a session.
    pub(crate) fn skipped(&self) -> u64 {
        if let Kind::Windows(log) = &self.kind { log.skipped } else { self.skipped }
    }

    /// Events about accounts of the system.
    pub(crate) fn of_system(&self) -> u64 {
        if let Kind::Windows(log) = &self.kind { log.of_system } else { 0 }
    }

    /// The next line that says something.
    pub(crate) fn next(&mut self) -> Result<Option<Past>> {
        loop {
            let (lines, said) = match &mut self.kind {
                Kind::Windows(log) => {
                    let logged = log.next()?;
                    return Ok(logged.map(|(at, line, logged)| Past { at, line, said: Said::Logon(logged) }));
                }
                Kind::Recording { lines, reading, before } => {
                    let Some((line, bytes)) = lines.next()? else { return Ok(None) };
                    let said = command(bytes, reading, before).map(Some);
                    (lines, (line, said))
                }
                Kind::Syslog { lines, years } => {
                    let Some((line, bytes)) = lines.next()? else { return Ok(None) };
                    let said = told(&String::from_utf8_lossy(bytes), years);
                    (lines, (line, said))
                }
            };
            self.read += 1;
            match said {
                (line, Ok(Some((at, said)))) => return Ok(Some(Past { at, line, said })),
                (_, Ok(None)) => self.skipped += 1,
                (line, Err(error)) => return Err(placed(&lines.name, line, &error)),
            }
        }
    }
}

fn actor(path: &Path) -> Actor {
    Actor::Import(Arc::from(path.display().to_string()))
}

fn placed(name: &str, line: u64, error: &anyhow::Error) -> anyhow::Error {
    let text = format!("{name}:{line}: {error}");
    if error.is::<Usage>() { Usage::error(text) } else { anyhow::Error::msg(text) }
}

fn command(bytes: &[u8], reading: &Reading, before: &mut Millis) -> Result<(Millis, Said)> {
    let line = parse(bytes, reading).map_err(|why| match why {
        Malformed::NotJson(_) => {
            anyhow::Error::msg(format!("{why}; a system's log is read with --format syslog or windows"))
        }
        why => why.into(),
    })?;
    if line.at.at < *before {
        return Err(Malformed::RunsBack { given: line.at.at.0, before: before.0 }.into());
    }
    *before = line.at.at;
    Ok((line.at.at, Said::Command(line.request)))
}

fn told(line: &str, years: &mut Years) -> Result<Option<(Millis, Said)>> {
    let (at, rest) = match years.time(line) {
        Ok(read) => read,
        Err(NoTime::NotALine) => return Ok(None),
        Err(NoTime::NoYear) => return Err(Usage::error("carries no year: say with --year which one begins")),
        Err(NoTime::NoSuchDay(reason)) => bail!("{reason}; is --year right?"),
    };
    Ok(syslog::session(rest).map(|told| (at, Said::Session(told))))
}

impl Said {
    /// As a request of `actor`, from `line`.
    pub(crate) fn from_line(mut request: Request, actor: &Actor, line: u64) -> Request {
        request.actor = actor.clone();
        request.request_id = Some(line.to_string());
        request
    }
}
