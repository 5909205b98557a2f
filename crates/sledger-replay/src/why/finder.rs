//! Which event is meant, found by reading decisions without folding them.

use sledger_core::event::{Decision, Event, Op};
use sledger_core::{Facts, Seq};
use sledger_wire::events::EventLine;
use sledger_wire::why::About;
use std::collections::BTreeSet;

/// Notices kept of one event.
const TOLD_MAX: usize = 64;

/// The event meant, and who was told of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The event.
    pub seq: Seq,
    /// Notices about it.
    pub told: Vec<EventLine>,
}

/// Looks for the event meant.
///
/// Invariant: memory is the live sessions of one user or of one id.
#[derive(Debug)]
pub struct Finder {
    about: About,
    /// Live sessions that match.
    live: BTreeSet<Seq>,
    /// The latest end or refusal.
    over: Option<Seq>,
    /// The admission of the one that was admitted last.
    admitted: Option<Seq>,
    last: Seq,
    told: Vec<(Seq, EventLine)>,
}

/// Nothing is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Nothing {
    /// Later than the last event.
    #[error("history ends at seq {last}: there is no seq {seq}")]
    Beyond {
        /// As asked.
        seq: Seq,
        /// The last there is.
        last: Seq,
    },
    /// No such session.
    #[error("no session `{0}` was ever admitted or refused in this history")]
    Session(String),
    /// No such user.
    #[error("nothing is recorded of a user `{0}` in this history")]
    User(String),
}

impl Finder {
    /// Looks for what is meant.
    #[must_use]
    pub const fn new(about: About) -> Self {
        Self { about, live: BTreeSet::new(), over: None, admitted: None, last: Seq(0), told: Vec::new() }
    }

    /// Looks at the decision whose first event is `first`.
    pub fn decision(&mut self, first: Seq, decision: &Decision) {
        let op = match &decision.op {
            Op::Login(op) => op.facts.plain().map(|facts| &**facts),
            _ => None,
        };
        for (event, seq) in decision.events.iter().zip(first.0..) {
            self.event(Seq(seq), event, op, decision);
        }
        self.last = Seq(first.0 + decision.events.len() as u64 - 1);
    }

    fn event(&mut self, seq: Seq, event: &Event, login: Option<&Facts>, decision: &Decision) {
        match event {
            Event::Admitted { .. } => self.admitted(seq, login),
            Event::Adopted { facts, .. } => self.admitted(seq, facts.plain().map(|facts| &**facts)),
            Event::Resumed { session, .. } if self.live.contains(session) => self.admitted = Some(seq),
            Event::Ended { session, .. } if self.live.remove(session) => self.over = Some(seq),
            Event::Denied { .. } | Event::Conflicted { .. }
                if login.is_some_and(|facts| self.is_meant(facts, None)) =>
            {
                self.refused(seq);
            }
            Event::NoticeDelivered { about, .. } | Event::NoticeFailed { about, .. } => {
                self.note(*about, seq, event, decision);
            }
            _ => {}
        }
    }

    fn admitted(&mut self, seq: Seq, facts: Option<&Facts>) {
        if facts.is_some_and(|facts| self.is_meant(facts, Some(seq))) {
            self.live.insert(seq);
            self.admitted = Some(seq);
        }
    }

    /// A refused login is meant by a user's name, and by its id where no session ever had it.
    fn refused(&mut self, seq: Seq) {
        if matches!(self.about, About::User(_)) || self.admitted.is_none() {
            self.over = Some(seq);
        }
    }

    fn is_meant(&self, facts: &Facts, number: Option<Seq>) -> bool {
        match &self.about {
            About::Seq(_) => false,
            About::User(name) => facts.user() == name,
            About::Session(name) if facts.session() == name.text => true,
            About::Session(name) => {
                name.number.is_some() && facts.session() == name.id && number == name.number
            }
        }
    }

    fn note(&mut self, about: Seq, seq: Seq, event: &Event, decision: &Decision) {
        let is_wanted = match self.about {
            About::Seq(wanted) => about == wanted,
            _ => self.over == Some(about),
        };
        if is_wanted && self.told.len() < TOLD_MAX {
            self.told.push((about, notice(seq, event, decision)));
        }
    }

    /// The event meant, after the last decision.
    ///
    /// # Errors
    /// Where there is none.
    pub fn found(self) -> Result<Found, Nothing> {
        let live = self.live.last().copied();
        let seq = match self.about {
            About::Seq(seq) if seq <= self.last => seq,
            About::Seq(seq) => return Err(Nothing::Beyond { seq, last: self.last }),
            // How somebody came out, or did not come in, is what is asked of a user.
            About::User(name) => self.over.or(self.admitted).ok_or(Nothing::User(name))?,
            About::Session(name) => {
                let came = live.and(self.admitted);
                came.or(self.over).or(self.admitted).ok_or(Nothing::Session(name.text))?
            }
        };
        let told = self.told.into_iter().filter(|(about, _)| *about == seq).map(|(_, line)| line);
        Ok(Found { seq, told: told.collect() })
    }
}

fn notice(seq: Seq, event: &Event, decision: &Decision) -> EventLine {
    EventLine::of(&sledger_wire::events::Told {
        seq,
        at: decision.at,
        decision: seq,
        actor: &decision.actor,
        request_id: None,
        event,
        facts: None,
        user: None,
        by_session: None,
        judged: None,
        quota: None,
        message: None,
    })
}
