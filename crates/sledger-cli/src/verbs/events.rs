//! `events`: what happened, one line or one JSON object per event.

use super::asking::Asking;
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::past::Past;
use crate::show;
use crate::whence::Whence;
use crate::zone::Zone;
use anyhow::Result;
use clap::Args;
use sledger::SystemClock;
use sledger_core::clock::Clock as _;
use sledger_core::decide::edge::user_key;
use sledger_core::{Millis, Seq, Span, State};
use sledger_projector::{Told, tell};
use sledger_replay::lines::event_line;
use sledger_wire::events::EventLine;
use sledger_wire::queries::EventsQuery;
use sledger_wire::values::{Moment, moment, time};

/// Show events, oldest first
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Go on with what happens, until interrupted
    #[arg(long)]
    follow: bool,
    /// From here on: a time, -2h, now, seq:N (after that event) or ms:N
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    since: Option<String>,
    /// Only these types, by glob, e.g. login.*; several with commas
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only about this user
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

/// From where on events are shown.
#[derive(Clone, Copy, Debug)]
enum Since {
    Begin,
    After(Seq),
    At(Millis),
    Ago(Span),
}

impl Events {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let whence = Whence::of(global)?;
        if self.follow && !matches!(whence, Whence::Connect(_)) {
            return Err(Usage::error("--follow asks a served ledger: use --connect URL"));
        }
        let since = self.since(global.tz)?;
        match whence {
            Whence::Connect(url) => self.of_served(&Asking::new(&url)?, since, global.tz, out)?,
            whence => self.of_past(&whence, since, global, out)?,
        }
        Ok(Exit::Ok)
    }

    fn of_past(&self, whence: &Whence, since: Since, global: &Global, out: &mut Output<'_>) -> Result<()> {
        let since = match (whence, since) {
            (Whence::Recording(_), Since::Ago(_)) => {
                return Err(Usage::error("--since: a recording has no now: give a time, ms:N or seq:N"));
            }
            (_, since) => now_or_later(since, SystemClock.wall()),
        };
        let past = Past::open(whence, global, out)?;
        past.read(&mut |recorded, state| {
            tell(state, recorded).iter().try_for_each(|told| self.see(told, state, since, global.tz, out))
        })?;
        Ok(())
    }

    fn since(&self, zone: Zone) -> Result<Since> {
        let Some(text) = &self.since else { return Ok(Since::Begin) };
        let read = moment(text, zone.offset).map_err(|reason| Usage::error(format!("--since: {reason}")))?;
        Ok(match read {
            Moment::At(at) => Since::At(at),
            Moment::Ago(span) => Since::Ago(span),
            Moment::Now => Since::Ago(Span::ZERO),
            Moment::Seq(seq) => Since::After(seq),
        })
    }

    fn see(&self, told: &Told, state: &State, since: Since, zone: Zone, out: &mut Output<'_>) -> Result<()> {
        let key = self.user.as_deref().map(|user| user_key(user, &state.ready().settings.users));
        let key =
            key.transpose().map_err(|rejection| Usage::error(format!("--user {}", rejection.reason)))?;
        let is_theirs = key.as_deref().is_none_or(|key| told.user() == Some(key));
        if !is_theirs || !since.covers(told.seq.0, told.at()) {
            return Ok(());
        }
        self.print(&event_line(told), zone, out)
    }

    /// A line, if it is of a type asked for.
    fn print(&self, line: &EventLine, zone: Zone, out: &mut Output<'_>) -> Result<()> {
        let query = EventsQuery { kind: self.kind.clone(), ..EventsQuery::default() };
        if !query.wants(&line.kind) {
            return Ok(());
        }
        if out.is_json() { out.json(line) } else { out.line(&show::event(line, zone)) }
    }

    fn of_served(&self, asking: &Asking, since: Since, zone: Zone, out: &mut Output<'_>) -> Result<()> {
        let since = now_or_later(since, SystemClock.wall());
        let head = asking.head()?;
        let from = match since {
            Since::Begin if self.follow && self.since.is_none() => None,
            Since::After(seq) if seq.0 >= head && !self.follow => return Ok(()),
            Since::After(seq) => Some(seq.0.saturating_add(1)),
            Since::Begin | Since::At(_) | Since::Ago(_) => Some(1),
        };
        if !self.follow && head == 0 {
            return Ok(());
        }
        let until = (!self.follow).then_some(head);
        // The user is asked for by name only while following: else the end could not be told from silence.
        let user = self.user.as_deref().filter(|_| self.follow);
        asking.events(from, user, |line| {
            let at = time(&line.at).unwrap_or_default();
            let is_theirs = self.follow || self.user.is_none() || self.user == line.user;
            if is_theirs && since.covers(line.seq, at) {
                self.print(&line, zone, out)?;
                if self.follow {
                    out.flush()?;
                }
            }
            Ok(until.is_none_or(|until| line.seq < until))
        })
    }
}

/// `-2h` as a time.
fn now_or_later(since: Since, now: Millis) -> Since {
    match since {
        Since::Ago(span) => Since::At(Millis(now.0.saturating_sub(span.as_millis()))),
        other => other,
    }
}

impl Since {
    fn covers(self, seq: u64, at: Millis) -> bool {
        match self {
            Self::Begin | Self::Ago(_) => true,
            Self::After(after) => seq > after.0,
            Self::At(from) => at >= from,
        }
    }
}
