//! The events of a history that are about somebody: from a ledger's filters where it has them, else from a fold of
//! everything.

use super::timeline::Next;
use crate::args::Global;
use crate::exit::Usage;
use crate::output::Output;
use crate::past::Past;
use crate::verbs::ledger::not_served;
use crate::whence::Whence;
use anyhow::Result;
use sledger_core::command::Rejection;
use sledger_core::decide::edge::user_key;
use sledger_core::{Seq, State};
use sledger_log::Reader;
use sledger_projector::{Told, tell};
use sledger_replay::at::{Begin, stopped_never};
use sledger_replay::lines::event_line;
use sledger_replay::timeline::{
    Asked, FindError, Finder, InLedger, LastSession, Resolved, SparseError, Subject, Who, of_ledger, resolve,
};
use sledger_wire::events::EventLine;
use std::fmt;
use std::path::Path;

/// Gets each line that is asked for.
type See<'s> = &'s mut dyn FnMut(&EventLine) -> Result<Next>;

/// A history that can be read again and again.
pub(super) struct History<'g> {
    whence: &'g Whence,
    global: &'g Global,
    /// A ledger at rest, read by its filters.
    reader: Option<Reader>,
}

const BEGIN: Begin<'static> = Begin { snapshots: false, upto: None, is_stopped: &stopped_never };

impl<'g> History<'g> {
    pub(super) fn open(whence: &'g Whence, global: &'g Global, filters: bool) -> Result<Self> {
        let reader = match whence {
            Whence::Data(dir) => {
                not_served(dir)?;
                filters.then(|| Reader::open(dir)).transpose()?
            }
            Whence::Connect(_) | Whence::Recording(_) => None,
        };
        Ok(Self { whence, global, reader })
    }

    /// Finds out who is asked about.
    pub(super) fn resolve(&self, who: Option<&Who>, out: &mut Output<'_>) -> Result<Resolved> {
        match &self.reader {
            Some(reader) => resolve(who, &mut InLedger { reader, begin: BEGIN }).map_err(told),
            None => resolve(who, &mut InPast { history: self, out }),
        }
    }

    fn past(&self, out: &mut Output<'_>) -> Result<Past> {
        if matches!(self.whence, Whence::Recording(file) if file == Path::new("-")) {
            return Err(Usage::error("a timeline reads the past more than once: give a file, not -"));
        }
        Past::open(self.whence, self.global, out)
    }

    /// Writes the lines asked for; how many events were about whom is asked about.
    pub(super) fn events(
        &self,
        (asked, user): (&Asked, Option<&str>),
        see: See<'_>,
        out: &mut Output<'_>,
    ) -> Result<u64> {
        let mut lines = Lines { asked: asked.clone(), see, found: 0, last: Seq(0) };
        let Some(reader) = &self.reader else { return self.all(user, lines, out) };
        let sparse = of_ledger(reader, asked, BEGIN, |told, _| lines.told(told, out));
        match sparse {
            Ok(_) => Ok(lines.found),
            Err(error) if matches!(error.downcast_ref(), Some(SparseError::TooForeign)) => {
                self.all(user, lines, out)
            }
            Err(error) => Err(error),
        }
    }

    /// The same by folding everything.
    fn all(&self, user: Option<&str>, mut lines: Lines<'_>, out: &mut Output<'_>) -> Result<u64> {
        let past = self.past(out)?;
        let mut goes_on = true;
        let read = past.read(&mut |recorded, state| {
            if let Some(user) = user {
                lines.user(user, state)?;
            }
            goes_on = goes_on && lines.told(&tell(state, recorded), out)?;
            // Whoever has seen enough reads no further; this is no error, and told apart below.
            if goes_on { Ok(()) } else { Err(Enough.into()) }
        });
        match read {
            Err(error) if !error.is::<Enough>() => Err(error),
            _ => Ok(lines.found),
        }
    }
}

/// A name that is none is a matter of usage.
fn told(error: FindError) -> anyhow::Error {
    match error {
        FindError::Name(why) => Usage::error(why),
        other => other.into(),
    }
}

/// Looks up in a history that is folded from its beginning.
struct InPast<'h, 'g, 'o, 'w> {
    history: &'h History<'g>,
    out: &'o mut Output<'w>,
}

impl Finder for InPast<'_, '_, '_, '_> {
    type Error = anyhow::Error;

    /// His key follows from the settings in force at each event.
    fn key(&mut self, user: &str) -> Result<String> {
        Ok(user.to_owned())
    }

    fn is_known(&mut self, user: &str, key: &str) -> Result<bool> {
        let asked = Asked { subject: Subject::User(key.to_owned()), changes: false };
        let see: See<'_> = &mut |_| Ok(Next::Over);
        Ok(self.history.events((&asked, Some(user)), see, self.out)? > 0)
    }

    fn last(&mut self, id: &str) -> Result<LastSession> {
        let mut last = LastSession::default();
        self.history.past(self.out)?.read(&mut |recorded, _| {
            last.note(id, recorded.first, &recorded.decision);
            Ok(())
        })?;
        Ok(last)
    }
}

/// Nothing more is asked for.
#[derive(Debug)]
struct Enough;

impl fmt::Display for Enough {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("enough was seen")
    }
}

impl std::error::Error for Enough {}

fn refused(why: &Rejection) -> anyhow::Error {
    Usage::error(format!("USER {}", why.reason))
}

/// Lines as they are picked.
struct Lines<'s> {
    asked: Asked,
    see: See<'s>,
    found: u64,
    /// Events up to here were shown already.
    last: Seq,
}

impl Lines<'_> {
    fn user(&mut self, user: &str, state: &State) -> Result<()> {
        let key = user_key(user, &state.ready().settings.users).map_err(|why| refused(&why))?;
        self.asked.subject = Subject::User(key);
        Ok(())
    }

    /// False when enough was seen.
    fn told(&mut self, told: &[Told], out: &mut Output<'_>) -> Result<bool> {
        for one in told {
            if one.seq <= self.last || !self.asked.wants(one) {
                continue;
            }
            self.last = one.seq;
            self.found += 1;
            match (self.see)(&event_line(one))? {
                Next::Text(text) => out.text(&text)?,
                Next::Skip => {}
                Next::Over => return Ok(false),
            }
        }
        Ok(true)
    }
}
