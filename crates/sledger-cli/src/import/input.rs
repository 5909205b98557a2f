//! One file of the past, line by line, time never running back within it.

use super::syslog::{self, NoTime, Years};
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
}

/// One file.
pub(crate) struct Input {
    lines: Lines,
    actor: Actor,
    kind: Kind,
    /// Lines that say nothing about a session.
    pub(crate) skipped: u64,
    /// Lines read.
    pub(crate) read: u64,
}

enum Kind {
    Recording { reading: Reading, before: Millis },
    Syslog(Years),
}

impl Input {
    /// Opens `path` as a recording; `sessions` are the settings that a `configure` builds on.
    pub(crate) fn recording(path: &Path, sessions: &SessionSettings) -> Result<Self> {
        let lines = Lines::open(path)?;
        let actor = Actor::Import(Arc::from(lines.name.as_str()));
        let reading = Reading { actor: actor.clone(), sessions: sessions.clone() };
        let kind = Kind::Recording { reading, before: Millis(0) };
        Ok(Self { lines, actor, kind, skipped: 0, read: 0 })
    }

    /// Opens `path` as a system's log whose first line is of `year`.
    pub(crate) fn syslog(path: &Path, year: Option<u16>, offset: Offset) -> Result<Self> {
        let lines = Lines::open(path)?;
        let actor = Actor::Import(Arc::from(lines.name.as_str()));
        Ok(Self { lines, actor, kind: Kind::Syslog(Years::new(year, offset)), skipped: 0, read: 0 })
    }

    /// Who the commands of this file come from.
    pub(crate) const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Bytes read so far.
    pub(crate) const fn bytes_read(&self) -> u64 {
        self.lines.bytes_read
    }

    /// The next line that says something.
    pub(crate) fn next(&mut self) -> Result<Option<Past>> {
        loop {
            let Some((line, bytes)) = self.lines.next()? else { return Ok(None) };
            self.read += 1;
            let said = match &mut self.kind {
                Kind::Recording { reading, before } => command(bytes, reading, before).map(Some),
                Kind::Syslog(years) => told(&String::from_utf8_lossy(bytes), years),
            };
            match said {
                Ok(Some((at, said))) => return Ok(Some(Past { at, line, said })),
                Ok(None) => self.skipped += 1,
                Err(error) => return Err(placed(&self.lines.name, line, &error)),
            }
        }
    }
}

fn placed(name: &str, line: u64, error: &anyhow::Error) -> anyhow::Error {
    let text = format!("{name}:{line}: {error}");
    if error.is::<Usage>() { Usage::error(text) } else { anyhow::Error::msg(text) }
}

fn command(bytes: &[u8], reading: &Reading, before: &mut Millis) -> Result<(Millis, Said)> {
    let line = parse(bytes, reading).map_err(|why| match why {
        Malformed::NotJson(_) => {
            anyhow::Error::msg(format!("{why}; a system's log is read with --format syslog"))
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
