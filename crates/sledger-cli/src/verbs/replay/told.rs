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
    Asked, LastSession, SparseError, Subject, last_session, of_ledger, user_settings,
};
use sledger_wire::escape;
use sledger_wire::events::EventLine;
use sledger_wire::values::SessionName;
use std::fmt;
use std::net::IpAddr;
use std::path::Path;

/// Who is asked about, as somebody named him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    User(String),
    Session(SessionName),
    Ip(String),
    /// A user if there is one, else a session.
    Word(String),
}

impl Who {
    /// Reads `user:X`, `session:X`, `ip:X`, an address, or a word.
    pub(super) fn parse(text: &str) -> Self {
        if let Some(user) = text.strip_prefix("user:") {
            return Self::User(user.to_owned());
        }
        if let Some(session) = text.strip_prefix("session:") {
            return Self::Session(SessionName::parse(session));
        }
        match (text.strip_prefix("ip:"), text.parse::<IpAddr>()) {
            (Some(ip), _) => Self::Ip(canonical(ip)),
            (None, Ok(ip)) => Self::Ip(ip.to_canonical().to_string()),
            (None, Err(_)) => Self::Word(text.to_owned()),
        }
    }
}

fn canonical(ip: &str) -> String {
    ip.parse::<IpAddr>().map_or_else(|_| ip.to_owned(), |ip| ip.to_canonical().to_string())
}

/// A question that is tried.
pub(super) struct Candidate {
    asked: Asked,
    /// The user as he was named, where his key follows from the settings in force.
    user: Option<String>,
    /// What is said once it is the one.
    said: Option<String>,
    is_last: bool,
}

impl Candidate {
    fn new(subject: Subject, changes: bool) -> Self {
        Self { asked: Asked { subject, changes }, user: None, said: None, is_last: true }
    }

    /// Whether lines say of whom they are.
    pub(super) const fn names_users(&self) -> bool {
        !matches!(self.asked.subject, Subject::User(_))
    }

    /// Whether nothing else is tried.
    pub(super) const fn is_last(&self) -> bool {
        self.is_last
    }

    /// Says what the argument was taken for, and whether there was nothing.
    pub(super) fn say(&self, found: u64, out: &mut Output<'_>) {
        if let Some(said) = &self.said {
            out.say(&format!("note: {}", escape(said)));
        }
        if found == 0 {
            out.say("note: nothing is recorded about it");
        }
    }
}

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

    /// What the argument may stand for, in the order in which it is tried.
    pub(super) fn candidates(
        &self,
        who: Option<&Who>,
        changes: bool,
        out: &mut Output<'_>,
    ) -> Result<Vec<Candidate>> {
        Ok(match who {
            None => vec![Candidate::new(Subject::Everybody, changes)],
            Some(Who::Ip(ip)) => vec![Candidate::new(Subject::Ip(ip.clone()), changes)],
            Some(Who::User(user)) => vec![self.user(user, changes)?],
            Some(Who::Session(name)) => vec![self.session(name, changes, out)?],
            Some(Who::Word(word)) => {
                let mut user = self.user(word, changes)?;
                user.said = Some(format!("`{word}` is taken as a user; session:{word} asks for a session"));
                user.is_last = false;
                if self.is_user(&user, out)? {
                    return Ok(vec![Candidate { is_last: true, ..user }]);
                }
                let mut session = self.session(&SessionName::parse(word), changes, out)?;
                let known = session.said.take().map(|said| format!("; {said}")).unwrap_or_default();
                session.said = Some(format!("no user `{word}` is recorded: it is taken as a session{known}"));
                vec![session]
            }
        })
    }

    /// Whether anything is recorded about a user, without its changes of settings.
    fn is_user(&self, user: &Candidate, out: &mut Output<'_>) -> Result<bool> {
        let asked = Asked { changes: false, ..user.asked.clone() };
        let alone = Candidate { asked, user: user.user.clone(), said: None, is_last: false };
        Ok(self.events(&alone, &mut |_| Ok(Next::Over), out)? > 0)
    }

    fn user(&self, user: &str, changes: bool) -> Result<Candidate> {
        let key = match &self.reader {
            Some(reader) => user_key(user, &user_settings(reader)?).map_err(|why| refused(&why))?,
            None => user.to_owned(),
        };
        Ok(Candidate { user: Some(user.to_owned()), ..Candidate::new(Subject::User(key), changes) })
    }

    fn session(&self, name: &SessionName, changes: bool, out: &mut Output<'_>) -> Result<Candidate> {
        if let Some(number) = name.number {
            return Ok(Candidate::new(Subject::Number(number), changes));
        }
        let last = self.last_session(&name.id, out)?;
        let Some(number) = last.number else {
            return Ok(Candidate::new(Subject::Id(name.id.clone()), changes));
        };
        let many = last.count > 1;
        let said = many.then(|| {
            let (id, count) = (&name.id, last.count);
            format!("{count} sessions bore the id `{id}`: the last one is shown, {id}@{number}")
        });
        Ok(Candidate { said, ..Candidate::new(Subject::Number(number), changes) })
    }

    fn last_session(&self, id: &str, out: &mut Output<'_>) -> Result<LastSession> {
        if let Some(reader) = &self.reader {
            return Ok(last_session(reader, id, BEGIN)?);
        }
        let mut last = LastSession::default();
        self.past(out)?.read(&mut |recorded, _| {
            last.note(id, recorded.first, &recorded.decision);
            Ok(())
        })?;
        Ok(last)
    }

    fn past(&self, out: &mut Output<'_>) -> Result<Past> {
        if matches!(self.whence, Whence::Recording(file) if file == Path::new("-")) {
            return Err(Usage::error("a timeline reads the past more than once: give a file, not -"));
        }
        Past::open(self.whence, self.global, out)
    }

    /// Writes the lines asked for; how many events were about whom is asked about.
    pub(super) fn events(&self, one: &Candidate, see: See<'_>, out: &mut Output<'_>) -> Result<u64> {
        let mut lines = Lines { asked: one.asked.clone(), see, found: 0, last: Seq(0) };
        let Some(reader) = &self.reader else { return self.all(one, lines, out) };
        let sparse = of_ledger(reader, &one.asked, BEGIN, |told, _| lines.told(told, out));
        match sparse {
            Ok(_) => Ok(lines.found),
            Err(error) if matches!(error.downcast_ref(), Some(SparseError::TooForeign)) => {
                self.all(one, lines, out)
            }
            Err(error) => Err(error),
        }
    }

    /// The same by folding everything.
    fn all(&self, one: &Candidate, mut lines: Lines<'_>, out: &mut Output<'_>) -> Result<u64> {
        let past = self.past(out)?;
        let mut goes_on = true;
        let read = past.read(&mut |recorded, state| {
            if let Some(user) = &one.user {
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
