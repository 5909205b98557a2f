//! One file of the past, line by line, time never running back within it.

use super::guess::format_of;
use super::opened::Opened;
use super::radius::Detail;
use super::remarks::{Remarks, unrotated};
use super::syslog::{self, NoTime, Years};
use super::utmp::UtmpLog;
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

/// Bytes of a source's name that is made from a file's.
const SOURCE_BYTES_MAX: usize = 128;

/// What the lines of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// JSON lines, one command each.
    Recording,
    /// A system's log, with the sessions that PAM opens and closes.
    Syslog,
    /// A Windows Security log as XML or JSON, with logons and logoffs.
    Windows,
    /// Binary records of who is on which line: `utmp`, `wtmp`.
    Utmp,
    /// Accounting records of RADIUS, as in the `detail` files of `FreeRADIUS`.
    Radius,
}

impl LogFormat {
    /// All of them.
    pub(super) const ALL: [Self; 5] =
        [Self::Recording, Self::Syslog, Self::Windows, Self::Utmp, Self::Radius];

    /// As it is written behind `--format`.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::Syslog => "syslog",
            Self::Windows => "windows",
            Self::Utmp => "utmp",
            Self::Radius => "radius",
        }
    }
}

/// How files are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    /// What they are; told from their beginning where nobody says so.
    pub(crate) format: Option<LogFormat>,
    /// The year of the first line, where lines carry none.
    pub(crate) year: Option<u16>,
    /// Where times carry no offset.
    pub(crate) offset: Offset,
}

/// What was read of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Lines, events or records.
    pub(crate) read: u64,
    /// Those that say nothing of sessions.
    pub(crate) skipped: u64,
    /// Those about accounts of the system.
    pub(crate) of_system: u64,
    /// Those that cannot be used.
    pub(crate) broken: u64,
    /// Those whose time lies before that of those before them.
    pub(crate) moved: u64,
    /// What there is to say of single ones.
    pub(crate) remarks: Remarks,
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
    Utmp(Box<UtmpLog>),
    Radius(Box<Detail>),
}

impl Input {
    /// Opens `path`; `say` hears what it is taken for, where that was told from its beginning.
    pub(crate) fn open(path: &Path, how: How, say: &mut dyn FnMut(&str)) -> Result<Self> {
        let opened = Opened::open(path)?;
        let format = how.format.map_or_else(|| told_from(&opened, say), Ok)?;
        let actor = Actor::Import(Arc::from(opened.name.as_str()));
        let kind = match format {
            LogFormat::Recording => {
                // A section that a `configure` gives replaces that section, whatever the file says.
                let reading = Reading { actor: actor.clone(), sessions: SessionSettings::default() };
                Kind::Recording { lines: lines(opened), reading, before: Millis(0) }
            }
            LogFormat::Syslog => {
                Kind::Syslog { lines: lines(opened), years: Years::new(how.year, how.offset) }
            }
            LogFormat::Windows => Kind::Windows(Box::new(WindowsLog::new(opened, how.offset)?)),
            LogFormat::Utmp => Kind::Utmp(Box::new(UtmpLog::new(opened, &source(path))?)),
            LogFormat::Radius => Kind::Radius(Box::new(Detail::new(opened, how.offset))),
        };
        Ok(Self { actor, kind, skipped: 0, read: 0 })
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
            Kind::Utmp(log) => log.bytes_read,
            Kind::Radius(detail) => detail.bytes_read(),
        }
    }

    /// What was read so far.
    pub(crate) fn counts(&self) -> Counts {
        let counts = |read, skipped| Counts { read, skipped, ..Counts::default() };
        match &self.kind {
            Kind::Recording { .. } | Kind::Syslog { .. } => counts(self.read, self.skipped),
            Kind::Windows(log) => Counts { of_system: log.of_system, ..counts(log.read, log.skipped) },
            Kind::Utmp(log) => Counts {
                broken: log.broken,
                moved: log.moved,
                remarks: log.remarks.clone(),
                ..counts(log.read, log.skipped)
            },
            Kind::Radius(detail) => Counts {
                broken: detail.broken,
                moved: detail.moved,
                remarks: detail.remarks.clone(),
                ..counts(detail.read, detail.skipped)
            },
        }
    }

    /// The next line that says something.
    pub(crate) fn next(&mut self) -> Result<Option<Past>> {
        Ok(match &mut self.kind {
            Kind::Recording { .. } | Kind::Syslog { .. } => return self.next_line(),
            Kind::Windows(log) => {
                log.next()?.map(|(at, line, said)| Past { at, line, said: Said::Logon(said) })
            }
            Kind::Utmp(log) => {
                log.next()?.map(|(at, line, said)| Past { at, line, said: Said::Terminal(said) })
            }
            Kind::Radius(detail) => {
                detail.next()?.map(|(at, line, said)| Past { at, line, said: Said::Account(said) })
            }
        })
    }

    /// The next line that says something, of a file of lines.
    fn next_line(&mut self) -> Result<Option<Past>> {
        loop {
            let (lines, said) = match &mut self.kind {
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
                Kind::Windows(_) | Kind::Utmp(_) | Kind::Radius(_) => return Ok(None),
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

/// What a file is, as its beginning tells; and says so.
fn told_from(opened: &Opened, say: &mut dyn FnMut(&str)) -> Result<LogFormat> {
    let format = format_of(&opened.name, opened.beginning())?;
    let name = sledger_wire::escape(&opened.name);
    say(&format!("{name}: read as {}; --format says otherwise", format.word()));
    Ok(format)
}

fn lines(opened: Opened) -> Lines {
    Lines::of(opened.name.clone(), opened.into_input())
}

/// The system that a binary log speaks of: the log's own name, which rotation does not change.
fn source(path: &Path) -> String {
    let name = unrotated(path);
    let cut = name.len().saturating_sub(SOURCE_BYTES_MAX);
    let from = (cut..=name.len()).find(|at| name.is_char_boundary(*at)).unwrap_or(cut);
    name.get(from..).unwrap_or_default().to_owned()
}

fn placed(name: &str, line: u64, error: &anyhow::Error) -> anyhow::Error {
    let text = format!("{name}:{line}: {error}");
    if error.is::<Usage>() { Usage::error(text) } else { anyhow::Error::msg(text) }
}

fn command(bytes: &[u8], reading: &Reading, before: &mut Millis) -> Result<(Millis, Said)> {
    let line = parse(bytes, reading).map_err(|why| match why {
        Malformed::NotJson(_) => anyhow::Error::msg(format!(
            "{why}; a system's log is read with --format syslog, windows or radius"
        )),
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
