//! Everything that happened to a user, from the beginning to the end; of very much the newest.

use super::steps::SAID_EVERY;
use super::{History, Past};
use crate::scene::TIMELINE_MAX;
use crate::source::Told;
use sledger_core::decider::Recorded;
use sledger_core::{Seq, State, refold};
use sledger_projector::{Told as ToldEvent, tell};
use sledger_replay::lines::event_line;
use sledger_replay::timeline::{Asked, Subject};
use sledger_wire::events::EventLine;
use std::collections::VecDeque;

/// A user's timeline, as it was told last.
#[derive(Debug)]
pub(super) struct Life {
    user: String,
    /// The last event that there was.
    last: Seq,
    lines: VecDeque<EventLine>,
    is_whole: bool,
}

impl Life {
    /// The event that ended a session.
    pub(super) fn end_of(&self, number: Seq) -> Option<&EventLine> {
        self.lines.iter().rev().find(|line| line.number == Some(number.0) && line.ended_at.is_some())
    }

    fn take(&mut self, asked: &Asked, told: &[ToldEvent]) {
        self.lines.extend(told.iter().filter(|one| asked.wants(one)).map(event_line));
        let over = self.lines.len().saturating_sub(TIMELINE_MAX);
        self.lines.drain(..over);
        self.is_whole &= over == 0;
    }
}

impl<H: History> Past<H> {
    pub(super) fn timeline(&mut self, user: &str, meanwhile: &mut dyn FnMut(Told)) -> Result<Told, String> {
        let life = self.life(user, meanwhile)?;
        let events = life.lines.iter().cloned().collect();
        Ok(Told::Timeline { user: user.to_owned(), events, is_whole: life.is_whole })
    }

    /// What is remembered, where nothing has happened since.
    pub(super) fn life(&mut self, user: &str, meanwhile: &mut dyn FnMut(Told)) -> Result<&Life, String> {
        let last = self.last;
        let known = self.life.take().filter(|life| life.user == user && life.last == last);
        let life = match known {
            Some(life) => life,
            None => self.read_life(user, meanwhile)?,
        };
        Ok(self.life.insert(life))
    }

    fn read_life(&mut self, user: &str, meanwhile: &mut dyn FnMut(Told)) -> Result<Life, String> {
        let asked = Asked { subject: Subject::User(user.to_owned()), changes: false };
        let empty = || Life {
            user: user.to_owned(),
            last: self.last,
            lines: VecDeque::new(),
            is_whole: self.begun.0 == Seq(0),
        };
        let (mut life, again) = (empty(), empty());
        if self.history.concerning(&asked, &mut |told| life.take(&asked, told))? {
            return Ok(life);
        }
        self.folded_life(&asked, again, meanwhile)
    }

    /// The same by folding everything.
    fn folded_life(
        &mut self,
        asked: &Asked,
        mut life: Life,
        meanwhile: &mut dyn FnMut(Told),
    ) -> Result<Life, String> {
        let mut state: State = self.history.begin()?;
        for (count, one) in (1_u64..).zip(self.history.read(state.seq().next())?) {
            let (_, decision) = one?;
            let first = state.seq().next();
            let effects = refold(&mut state, first, &decision);
            life.take(asked, &tell(&state, &Recorded { first, decision, effects }));
            if count.is_multiple_of(SAID_EVERY) {
                meanwhile(Told::Reading { seq: state.seq().0 });
            }
        }
        Ok(life)
    }
}
