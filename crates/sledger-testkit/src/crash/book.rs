//! What a log says, kept so that acknowledgements can be looked up in it.
//!
//! Every decision is looked at for being whole; who is live is admissions minus ends, nothing else.

use super::{Ack, Asked, SHORT, payload};
use sledger_core::answer::Outcome;
use sledger_core::event::{Cause, Decision, Event, LoginOp, Op};
use sledger_core::{Facts, Personal, Seq};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A live session, as the book knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// Its number.
    pub number: Seq,
    /// Its id.
    pub session: String,
    /// Its user.
    pub user: String,
}

#[derive(Debug)]
struct Entry {
    first: Seq,
    last: Seq,
    decision: Arc<Decision>,
}

/// A session and what ended it.
#[derive(Debug)]
struct Known {
    facts: Arc<Facts>,
    /// Index of the entry, and why.
    ended: Option<(usize, Cause)>,
}

/// The decisions of a log, in order.
#[derive(Debug, Default)]
pub struct Book {
    entries: Vec<Entry>,
    by_last: BTreeMap<Seq, usize>,
    commands: BTreeSet<Box<str>>,
    sessions: BTreeMap<Seq, Known>,
}

impl Book {
    /// Notes the next decision, whose first event is `first`.
    ///
    /// # Errors
    /// Says what is not whole about it.
    pub fn note(&mut self, first: Seq, decision: &Arc<Decision>) -> Result<(), String> {
        let next = self.entries.last().map_or(Seq(1), |entry| entry.last.next());
        if first != next {
            return Err(format!("seq {first} follows seq {next}, which is not there"));
        }
        let index = self.entries.len();
        let events = decision.events.len() as u64;
        for (event, seq) in decision.events.iter().zip(first.0..) {
            self.event(index, Seq(seq), event, decision).map_err(|why| format!("seq {seq}: {why}"))?;
        }
        shape(decision).map_err(|why| format!("seq {first}: {why}"))?;
        if let Some(mark) = &decision.command
            && !self.commands.insert(mark.id.clone())
        {
            return Err(format!("seq {first}: command `{}` was decided twice", mark.id));
        }
        let last = Seq(first.0 + events.saturating_sub(1));
        self.by_last.insert(last, index);
        self.entries.push(Entry { first, last, decision: Arc::clone(decision) });
        Ok(())
    }

    fn event(&mut self, index: usize, seq: Seq, event: &Event, decision: &Decision) -> Result<(), String> {
        match event {
            Event::Admitted { .. } => {
                let facts = Arc::clone(facts(login(decision)?)?);
                self.sessions.insert(seq, Known { facts, ended: None });
            }
            Event::Ended { session, cause, .. } => {
                let known = self.live_mut(*session)?;
                known.ended = Some((index, *cause));
            }
            Event::Touched { session, .. } | Event::Resumed { session, .. } => {
                self.live_mut(*session)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn live_mut(&mut self, number: Seq) -> Result<&mut Known, String> {
        let known = self.sessions.get_mut(&number).filter(|known| known.ended.is_none());
        known.ok_or_else(|| format!("session {number} is not live"))
    }

    /// The sessions that are live at its end, in the order of their numbers.
    #[must_use]
    pub fn live(&self) -> Vec<Live> {
        let live = self.sessions.iter().filter(|(_, known)| known.ended.is_none());
        live.map(|(number, known)| Live {
            number: *number,
            session: known.facts.session().to_owned(),
            user: known.facts.user().to_owned(),
        })
        .collect()
    }

    /// Checks everything that was acknowledged against the book.
    ///
    /// # Errors
    /// The first acknowledgement that does not hold, or the first end that nobody can account for.
    pub fn check(&self, acks: &[Ack]) -> Result<(), String> {
        for ack in acks {
            self.ack(ack).map_err(|why| format!("`{}`: {why}", ack.line().trim_end()))?;
        }
        self.ends(acks)
    }

    fn ack(&self, ack: &Ack) -> Result<(), String> {
        let Some(seq) = ack.seq else { return self.unrecorded(ack) };
        let entry = self.by_last.get(&seq).and_then(|index| self.entries.get(*index));
        let entry = entry.ok_or("no decision of the log ends at its seq")?;
        let command = entry.decision.command.as_ref().map(|mark| &*mark.id);
        if command != Some(ack.command.as_str()) {
            return Err(format!("the log has command {command:?} there"));
        }
        self.verdict(ack, entry)?;
        for gone in &ack.gone {
            if !self.ended_in(entry).any(|facts| facts.session() == gone) {
                return Err(format!("the log does not end `{gone}` there"));
            }
        }
        Ok(())
    }

    /// Nothing was recorded: then it must be an answer that changes nothing.
    fn unrecorded(&self, ack: &Ack) -> Result<(), String> {
        let changes_nothing = [Outcome::Touched, Outcome::Ended, Outcome::Unknown, Outcome::Denied];
        // A logout of what was logged out already.
        let again = ack.is(Outcome::LoggedOut);
        if !again && !changes_nothing.iter().any(|outcome| ack.is(*outcome)) {
            return Err("it changed something and has no seq".to_owned());
        }
        if self.commands.contains(ack.command.as_str()) {
            return Err("it has no seq, and the log has its command".to_owned());
        }
        Ok(())
    }

    fn verdict(&self, ack: &Ack, entry: &Entry) -> Result<(), String> {
        let last = entry.decision.events.last().ok_or("no event")?;
        let (asked, user, session) = match &entry.decision.op {
            Op::Login(op) => {
                let facts = facts(op)?;
                (Asked::Login, facts.user(), facts.session())
            }
            Op::Touch { session } => {
                let facts = self.facts(*session)?;
                (Asked::Touch, facts.user(), facts.session())
            }
            Op::Logout { session } => {
                let facts = self.facts(*session)?;
                (Asked::Logout, facts.user(), facts.session())
            }
            op => return Err(format!("the log has another operation there: {op:?}")),
        };
        if (asked, user, session) != (ack.asked, ack.user.as_str(), ack.session.as_str()) {
            return Err(format!("the log has {asked:?} of `{user}` `{session}` there"));
        }
        let outcome = match last {
            Event::Admitted { .. } if ack.generation == Some(entry.last) => Outcome::Admitted,
            Event::Denied { .. } => Outcome::Denied,
            Event::Resumed { .. } => Outcome::Resumed,
            Event::Conflicted { .. } => Outcome::Conflict,
            Event::Touched { .. } => Outcome::Touched,
            Event::Ended { .. } => Outcome::LoggedOut,
            event => return Err(format!("the log has another event there: {event:?}")),
        };
        if ack.is(outcome) { Ok(()) } else { Err(format!("the log says `{}`", outcome.as_str())) }
    }

    /// Every end of a session is one that somebody was told of, or that nobody was told about at all.
    fn ends(&self, acks: &[Ack]) -> Result<(), String> {
        let told: BTreeMap<Seq, &Ack> = acks.iter().filter_map(|ack| Some((ack.seq?, ack))).collect();
        for (number, known) in &self.sessions {
            let Some((index, cause)) = known.ended else { continue };
            let Some(entry) = self.entries.get(index) else { continue };
            let id = known.facts.session();
            let is_accounted_for = match (&entry.decision.op, told.get(&entry.last)) {
                (Op::Expire, _) => cause == Cause::Ttl && known.facts.client() == Some(SHORT),
                (_, Some(ack)) => ack.gone.iter().any(|gone| gone == id) || ack.session == id,
                (_, None) => true,
            };
            if !is_accounted_for {
                return Err(format!(
                    "session {number} `{id}` ended at seq {} and nobody knows why",
                    entry.first
                ));
            }
        }
        Ok(())
    }

    fn ended_in<'a>(&'a self, entry: &'a Entry) -> impl Iterator<Item = &'a Arc<Facts>> {
        entry.decision.events.iter().filter_map(|event| match event {
            Event::Ended { session, .. } => self.facts(*session).ok(),
            _ => None,
        })
    }

    fn facts(&self, number: Seq) -> Result<&Arc<Facts>, String> {
        let known =
            self.sessions.get(&number).ok_or_else(|| format!("session {number} was never admitted"))?;
        Ok(&known.facts)
    }
}

/// Whether the events are those, and only those, that such a command leaves.
fn shape(decision: &Decision) -> Result<(), String> {
    let events = &decision.events;
    let ends = |events: &[Event]| events.iter().all(|event| matches!(event, Event::Ended { .. }));
    let is_whole = match &decision.op {
        Op::Login(op) => {
            let facts = facts(op)?;
            if facts.attribute("payload") != Some(payload(facts.session()).as_str()) {
                return Err(format!("the payload of session `{}` is not its own", facts.session()));
            }
            events.split_last().is_some_and(|(last, before)| ends(before) && is_verdict(last))
        }
        Op::Logout { session } => {
            let is = |event: &Event| matches!(event, Event::Ended { session: ended, cause: Cause::Logout, .. } if ended == session);
            events.len() == 1 && events.iter().all(is)
        }
        Op::Touch { session } => {
            let is = |event: &Event| matches!(event, Event::Touched { session: touched, .. } if touched == session);
            events.len() == 1 && events.iter().all(is)
        }
        Op::Expire => !events.is_empty() && ends(events),
        _ => !events.is_empty(),
    };
    if is_whole { Ok(()) } else { Err(format!("not a whole decision: {:?}", decision.events)) }
}

fn is_verdict(event: &Event) -> bool {
    matches!(
        event,
        Event::Admitted { .. } | Event::Denied { .. } | Event::Resumed { .. } | Event::Conflicted { .. }
    )
}

fn login(decision: &Decision) -> Result<&LoginOp, String> {
    match &decision.op {
        Op::Login(op) => Ok(op),
        op => Err(format!("an admission by {op:?}")),
    }
}

fn facts(op: &LoginOp) -> Result<&Arc<Facts>, String> {
    match &op.facts {
        Personal::Plain(facts) => Ok(facts),
        Personal::Sealed { .. } => Err("facts are sealed".to_owned()),
    }
}
