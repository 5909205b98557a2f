//! The past: going there, walking in it, coming back.

use super::alerts::Seen;
use super::{App, Effect, Popup, View};
use crate::keys::Action;
use crate::source::{Ask, Differences, Kind, Move, Position, Side};
use sledger_core::{Millis, Seq};
use sledger_wire::values::Moment;
use std::collections::VecDeque;

/// Marks at most.
const MARKS_MAX: usize = 26;
/// Steps that wait at most: keys pressed faster than the past is read.
const STEPS_MAX: usize = 16;
/// How often a time line can be halved.
const ZOOM_MAX: u32 = 12;
/// How often it is looked how far the past is counted, in milliseconds.
const COUNTED_MS: u64 = 500;
/// Decisions played at once where the speed is without bound.
const AT_ONCE: u64 = 1_000;

/// How fast the past is played: so many seconds a second; 0 is as fast as it can be read.
pub type Speed = u64;

/// The speeds.
pub const SPEEDS: [Speed; 4] = [1, 4, 16, 0];

/// A moment that is remembered, with what is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its letter.
    pub letter: char,
    /// After this event.
    pub seq: Seq,
    /// When.
    pub at: Millis,
    /// Live sessions then.
    pub sessions: u64,
    /// Users then.
    pub users: u64,
}

/// How the past is walked.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// Index into [`SPEEDS`].
    pub speed: usize,
    /// Whether it is being played, and since when nothing was asked for.
    pub playing: Option<Millis>,
    /// Steps that wait for the one before.
    pub steps: VecDeque<Move>,
    /// How far reading has come.
    pub reading: Option<u64>,
    /// Why the past cannot be shown.
    pub failed: Option<String>,
    /// Whether it is only asked how far the past is counted.
    pub(super) is_counting: bool,
    /// Marks, oldest first.
    pub marks: Vec<Mark>,
    /// The mark that is compared with.
    pub compared: Option<char>,
    /// How far the time line is zoomed in: 0 shows all, each step half of it.
    pub zoom: u32,
    /// How far a user's time line is moved back from now, in tenths of what it shows.
    pub pan: u64,
    /// What the feed said that stands for a while.
    pub seen: Seen,
}

impl App {
    /// The past as it is right now.
    pub(super) fn travel_now(&mut self, effects: &mut Vec<Effect>) {
        if self.side == Side::Live {
            self.travel(Move::To(Moment::Now), effects);
        }
        if self.side == Side::Past {
            self.show(View::Replay, effects);
            if self.past.position.is_none() {
                // It could not be shown: tried again.
                self.walk.failed = None;
                self.go(Move::To(Moment::Now), effects);
            }
        }
    }

    /// Goes to another moment, from the present too.
    pub(super) fn travel(&mut self, to: Move, effects: &mut Vec<Effect>) {
        if !self.setup.has_past {
            self.say("there is no past to walk here");
            return;
        }
        if self.side == Side::Live {
            self.side = Side::Past;
            self.frozen = None;
            let user = self.user_view().clone();
            self.views = vec![View::Replay];
            if let View::User(name) = user {
                self.past.timeline.user.clear();
                self.enter(View::User(name), effects);
            } else {
                self.enter(View::Replay, effects);
            }
        }
        self.walk.failed = None;
        self.go(to, effects);
    }

    pub(super) fn return_to_the_present(&mut self, effects: &mut Vec<Effect>) {
        self.side = Side::Live;
        self.message = None;
        self.walk.playing = None;
        self.show(View::Overview, effects);
    }

    /// Asks for another moment; once the one is found that is being looked for, where one is.
    fn go(&mut self, to: Move, effects: &mut Vec<Effect>) {
        if !self.is_asking(Side::Past, Kind::Move) {
            self.ask(Side::Past, Ask::Move(to), effects);
        } else if self.walk.steps.len() < STEPS_MAX {
            self.walk.steps.push_back(to);
        }
    }

    pub(super) fn arrived(&mut self, position: Box<Position>, effects: &mut Vec<Effect>) {
        self.walk.reading = None;
        self.walk.failed = None;
        self.walk.is_counting = false;
        if position.seq >= position.last {
            self.walk.playing = None;
        }
        let place = |position: &Position| (position.seq, position.at);
        let is_same = self.past.position.as_deref().map(place) == Some(place(&position));
        self.past.position = Some(position);
        if !is_same {
            self.forget_past();
            self.events.clear();
        }
        if let Some(next) = self.walk.steps.pop_front() {
            self.ask(Side::Past, Ask::Move(next), effects);
        }
    }

    pub(super) fn walk_action(&mut self, action: Action, effects: &mut Vec<Effect>) {
        if action == Action::Travel {
            self.travel_from_here(effects);
            return;
        }
        if self.side == Side::Live && matches!(self.view(), View::User(_)) && self.look_closer(action) {
            return;
        }
        if self.side == Side::Live {
            self.say(format!("this walks in the past: {} goes there", self.setup.keys.hint(Action::Travel)));
            return;
        }
        match action {
            Action::Freeze => {
                self.walk.playing = if self.walk.playing.is_some() { None } else { Some(self.now) };
            }
            Action::Next => self.go(Move::On(1), effects),
            Action::Previous => self.go(Move::Back(1), effects),
            Action::NextEnd => self.go(Move::NextEnd, effects),
            Action::PreviousEnd => self.go(Move::PreviousEnd, effects),
            Action::PanLeft => self.pan(false, effects),
            Action::PanRight => self.pan(true, effects),
            Action::ZoomIn | Action::ZoomOut => drop(self.look_closer(action)),
            Action::Faster => self.walk.speed = (self.walk.speed + 1).min(SPEEDS.len() - 1),
            Action::Slower => self.walk.speed = self.walk.speed.saturating_sub(1),
            Action::Mark => self.mark(),
            Action::Diff => self.compare(),
            Action::NextMark => self.jump_to_mark(true, effects),
            Action::PreviousMark => self.jump_to_mark(false, effects),
            _ => {}
        }
    }

    /// Back in time from the row that is chosen: an event to right after it, a session to its end or begin.
    fn travel_from_here(&mut self, effects: &mut Vec<Effect>) {
        let event = self.chosen_event().map(|event| Moment::Seq(Seq(event.seq)));
        let session = self
            .chosen_session()
            .map(|row| Moment::At(row.ended.as_ref().map_or(row.started, |(at, _)| *at)));
        let to = event.or(session).unwrap_or(Moment::Now);
        let user = self.users.chosen.clone().filter(|_| matches!(self.view(), View::Overview));
        self.travel(Move::To(to), effects);
        if let Some(user) = user.filter(|_| self.side == Side::Past) {
            self.enter(View::User(user), effects);
        }
    }

    /// A tenth of what the time line shows, earlier or later.
    fn pan(&mut self, is_later: bool, effects: &mut Vec<Effect>) {
        let Some(position) = &self.past.position else { return };
        let (first, last) = self.window(position);
        let step = (last.since(first) / 10).max(1);
        let at = position.at.0;
        let to = if is_later { at.saturating_add(step) } else { at.saturating_sub(step) };
        let (first, last) = position.span;
        self.go(Move::To(Moment::At(Millis(to.clamp(first.0, last.0)))), effects);
    }

    /// A user's time line, closer or moved; false where the key does something else.
    fn look_closer(&mut self, action: Action) -> bool {
        match action {
            Action::ZoomIn => self.walk.zoom = (self.walk.zoom + 1).min(ZOOM_MAX),
            Action::ZoomOut => self.walk.zoom = self.walk.zoom.saturating_sub(1),
            Action::PanLeft => self.walk.pan = (self.walk.pan + 1).min(10 << self.walk.zoom),
            Action::PanRight => self.walk.pan = self.walk.pan.saturating_sub(1),
            _ => return false,
        }
        if self.walk.zoom == 0 {
            self.walk.pan = 0;
        }
        true
    }

    /// What a user's time line shows, of what began at `begin`.
    #[must_use]
    pub fn user_window(&self, begin: Millis) -> (Millis, Millis) {
        let moment = self.moment();
        let shown = (moment.since(begin) >> self.walk.zoom).max(1);
        let back = if self.side == Side::Live { shown.saturating_mul(self.walk.pan) / 10 } else { 0 };
        let until = moment.0.saturating_sub(back).max(begin.0.saturating_add(shown)).min(moment.0.max(1));
        (Millis(until.saturating_sub(shown)), Millis(until))
    }

    /// What the time line shows.
    #[must_use]
    pub fn window(&self, position: &Position) -> (Millis, Millis) {
        let (first, last) = position.span;
        let whole = last.since(first).max(1);
        let shown = (whole >> self.walk.zoom).max(1);
        let half = shown / 2;
        let from =
            position.at.0.saturating_sub(half).clamp(first.0, last.0.saturating_sub(shown).max(first.0));
        (Millis(from), Millis(from.saturating_add(shown)))
    }

    /// Whether another moment is being looked for.
    #[must_use]
    pub fn is_looking(&self) -> bool {
        self.is_asking(Side::Past, Kind::Move) && !self.walk.is_counting
    }

    /// Looks how far the past is counted, as long as it is.
    pub(super) fn count_on(&mut self, effects: &mut Vec<Effect>) {
        let is_counting =
            self.past.position.as_ref().is_some_and(|position| position.counted < position.last);
        let is_due = self.since_answered(Side::Past, Kind::Move).is_none_or(|since| since >= COUNTED_MS);
        let is_idle = self.walk.playing.is_none() && !self.is_asking(Side::Past, Kind::Move);
        if self.side == Side::Past && is_counting && is_due && is_idle {
            self.walk.is_counting = true;
            self.go(Move::On(0), effects);
        }
    }

    /// Plays on, where nothing is being looked for.
    pub(super) fn play(&mut self, before: Millis, effects: &mut Vec<Effect>) {
        let Some(since) = self.walk.playing else { return };
        self.dirty |= before != self.now;
        let passed = self.now.since(since);
        if self.side != Side::Past || passed < 100 || self.is_asking(Side::Past, Kind::Move) {
            return;
        }
        self.walk.playing = Some(self.now);
        let to = match SPEEDS.get(self.walk.speed) {
            Some(0) | None => Move::On(AT_ONCE),
            Some(speed) => Move::Millis(passed.saturating_mul(*speed)),
        };
        self.go(to, effects);
    }

    fn mark(&mut self) {
        let (Some(position), Some(top)) = (&self.past.position, &self.past.top) else { return };
        let letter =
            (b'a'..=b'z').map(char::from).find(|one| self.walk.marks.iter().all(|m| m.letter != *one));
        let Some(letter) = letter.filter(|_| self.walk.marks.len() < MARKS_MAX) else {
            self.say("there are 26 marks already");
            return;
        };
        let mark =
            Mark { letter, seq: position.seq, at: position.at, sessions: top.sessions, users: top.users };
        self.walk.compared = Some(letter);
        self.walk.marks.push(mark);
        self.walk.marks.sort_by_key(|mark| mark.seq);
        self.say(format!("mark {letter}"));
    }

    fn compare(&mut self) {
        if self.walk.marks.is_empty() {
            self.say(format!("nothing is marked yet: {} marks", self.setup.keys.hint(Action::Mark)));
        } else {
            self.forget(Side::Past, Kind::Diff);
            self.popup = Some(Popup::Diff);
        }
    }

    /// What differs between the mark that is compared with and the moment, where that is told.
    #[must_use]
    pub fn differences(&self) -> Option<&Differences> {
        let (mark, position) = self.compared().zip(self.past.position.as_deref())?;
        let of = (mark.seq, (position.seq, position.at));
        self.past.diff.as_deref().filter(|diff| (diff.from, diff.to) == of)
    }

    /// The mark that is compared with.
    #[must_use]
    pub fn compared(&self) -> Option<&Mark> {
        let letter = self.walk.compared?;
        self.walk.marks.iter().find(|mark| mark.letter == letter)
    }

    fn jump_to_mark(&mut self, is_next: bool, effects: &mut Vec<Effect>) {
        let Some(seq) = self.past.position.as_ref().map(|position| position.seq) else { return };
        let mark = if is_next {
            self.walk.marks.iter().find(|mark| mark.seq > seq)
        } else {
            self.walk.marks.iter().rev().find(|mark| mark.seq < seq)
        };
        let Some(to) = mark.map(|mark| mark.seq) else {
            self.say("no mark lies there");
            return;
        };
        self.go(Move::To(Moment::Seq(to)), effects);
    }
}
