//! A past that is walked: decisions folded up to a moment, forth and back.
//!
//! Promise: what is told of a moment is what `sledger_replay::at` tells of it, whichever way one came there. A history
//! at rest is begun at its nearest snapshot, so that nobody waits for all of it, and counted by a thread of its own;
//! any other is folded from its beginning once, and counted by the way.
//!
//! Invariants: places to go back to are at most 16, with 200,000 live sessions in all of them (or one alone that has
//! more); the events, counts and the timeline kept beside them have bounds of their own. A moment is shown from the
//! state at the cursor itself, which is copied only where touches or a pause written down later belong to it.
//!
//! Absent on purpose: writing, clocks. How policies fared is not told where that is not known: before it is counted
//! so far, and behind more failures and differences than are remembered.

mod answers;
mod counting;
mod differing;
mod index;
mod kept;
mod minute;
mod place;
mod reading;
mod rows;
mod session;
mod shown;
mod steps;
mod timeline;

use crate::source::{Ask, Failed, Kind, Move, Position, Source, Told};
use counting::Counting;
use kept::Kept;
use place::Place;
use reading::Reading;
use shown::Shown;
use sledger_core::event::Decision;
use sledger_core::{Millis, Seq, State};
use sledger_projector::Told as ToldEvent;
use sledger_replay::at::When;
use sledger_replay::lines::event_line;
use sledger_replay::timeline::Asked;
use sledger_wire::why::Why;
use std::sync::Arc;
use steps::Until;
use timeline::Life;

/// Decisions as they are read, each with its first event.
pub type Decisions = Box<dyn Iterator<Item = Result<(Seq, Arc<Decision>), String>> + Send>;

/// A history that can be read from its beginning, and from any event on.
pub trait History: Send {
    /// The state before the first decision.
    ///
    /// # Errors
    /// Says why it cannot be read.
    fn begin(&mut self) -> Result<State, String>;

    /// The decisions from the one that holds the event `from` on.
    ///
    /// # Errors
    /// Says why it cannot be read.
    fn read(&mut self, from: Seq) -> Result<Decisions, String>;

    /// Why something is as it is: a session or an event, as `SESSION@SEQ` or `seq:N`.
    ///
    /// # Errors
    /// Says why it cannot be told.
    fn why(&mut self, about: &str) -> Result<Why, String>;

    /// The last event as far as it is known beforehand, of a history at rest: one that does not go on, and that costs
    /// nobody anything when it is read twice.
    ///
    /// # Errors
    /// Says why it cannot be read.
    fn rest(&mut self) -> Result<Option<Seq>, String> {
        Ok(None)
    }

    /// The newest state that was kept at or before a moment; none where none is so far behind the event given that it
    /// is worth loading.
    ///
    /// # Errors
    /// Says why it cannot be read.
    fn nearest(&mut self, _when: When, _after: Seq) -> Result<Option<State>, String> {
        Ok(None)
    }

    /// Shows the events of every decision that may concern whom is asked about, without folding what does not. False
    /// where only folding everything tells, whatever was shown by then.
    ///
    /// # Errors
    /// Says why it cannot be read.
    fn concerning(&mut self, _asked: &Asked, _see: &mut dyn FnMut(&[ToldEvent])) -> Result<bool, String> {
        Ok(false)
    }
}

/// A past, at one moment.
#[derive(Debug)]
pub struct Past<H> {
    history: H,
    /// From this share of a limit on, in percent, a user is near it.
    near: u32,
    /// After the last decision at or before the moment.
    here: Option<Place>,
    /// The moment; the next decision lies behind it.
    when: When,
    reading: Reading,
    kept: Kept,
    /// Decisions folded since a place was kept.
    since: u64,
    counting: Counting,
    is_at_rest: bool,
    is_open: bool,
    /// The last event and time before the first decision.
    begun: (Seq, Millis),
    last: Seq,
    /// The time of the first and of the last decision.
    span: (Millis, Millis),
    /// What is shown of the moment, where it was asked for.
    shown: Option<Shown>,
    life: Option<Life>,
}

impl<H: History> Past<H> {
    /// A past of which nothing is read yet; users are near their limit from `near` percent on.
    pub fn new(history: H, near: u32) -> Self {
        Self {
            history,
            near,
            here: None,
            when: When::After(Seq(0)),
            reading: Reading::default(),
            kept: Kept::default(),
            since: 0,
            counting: Counting::default(),
            is_at_rest: false,
            is_open: false,
            begun: (Seq(0), Millis(0)),
            last: Seq(0),
            span: (Millis(0), Millis(0)),
            shown: None,
            life: None,
        }
    }

    /// How many places are kept to go back to, and how many live sessions all of them hold.
    pub fn kept(&self) -> (usize, usize) {
        self.kept.size()
    }

    fn go(&mut self, to: &Move, meanwhile: &mut dyn FnMut(Told)) -> Result<Told, String> {
        let is_new = !self.is_open;
        if is_new {
            self.open(meanwhile)?;
        }
        // What the counting thread ran into is said once, instead of the next move.
        let failed = self.counting.index().failed.take_if(|_| !is_new);
        if let Some(why) = failed {
            return Err(why);
        }
        self.step(to, is_new, meanwhile)?;
        Ok(Told::At(Box::new(self.position()?)))
    }

    /// Goes to the end of what there is, by the shortest way.
    fn open(&mut self, meanwhile: &mut dyn FnMut(Told)) -> Result<(), String> {
        let end = self.history.rest()?;
        self.is_at_rest = end.is_some();
        if self.here.is_none() {
            let beginning = self.beginning()?;
            self.begun = (beginning.state.seq(), beginning.state.at());
            self.last = self.begun.0;
            self.kept.keep(beginning.clone());
            self.put(beginning);
        }
        let first = self.begun.0.next();
        if let Some(end) = end {
            let decision = self.history.read(first)?.next().transpose()?;
            self.span = decision.map_or(self.span, |(_, decision)| (decision.at, decision.at));
            self.approach(When::After(end), None)?;
        }
        self.fold(Until::Whole, meanwhile)?;
        if self.is_at_rest {
            self.counting = Counting::of(index::Index::over(self.span), self.history.read(first)?);
        }
        self.when = When::After(self.last);
        self.is_open = true;
        Ok(())
    }

    fn here(&self) -> Result<&Place, String> {
        self.here.as_ref().ok_or_else(|| "nothing of the past was read yet".to_owned())
    }

    /// When the moment is.
    fn moment(&self) -> Result<Millis, String> {
        Ok(match self.when {
            When::At(at) => at,
            When::After(_) => self.here()?.state.at(),
        })
    }

    /// What is read after damage would be told wrongly: the moment is where folding came to, and reading begins anew
    /// with the next question.
    fn stand_still(&mut self) {
        (self.reading, self.shown) = (Reading::default(), None);
        if let Some(here) = self.here.as_ref().filter(|_| self.is_open) {
            self.when = When::After(here.state.seq());
        }
    }

    fn position(&mut self) -> Result<Position, String> {
        let (seq, at, is_down) = {
            let at = &self.show()?.at;
            (at.seq(), at.at(), at.is_down())
        };
        let index = self.counting.index();
        let (density, ends) = index.parts(self.span.1);
        Ok(Position {
            seq,
            at,
            last: self.last,
            span: self.span,
            events: self.here()?.recent.iter().rev().map(event_line).collect(),
            is_down,
            counted: index.last,
            density,
            ends,
        })
    }
}

impl<H: History> Source for Past<H> {
    fn answer(&mut self, ask: Ask, meanwhile: &mut dyn FnMut(Told)) -> Result<Told, Failed> {
        let kind = ask.kind();
        let told = match &ask {
            Ask::Move(to) => self.go(to, meanwhile),
            Ask::Timeline(user) => self.timeline(user, meanwhile),
            Ask::Diff(from) => self.differences(*from, meanwhile),
            Ask::Why(about) => {
                let why = self.history.why(about);
                why.map(|why| Told::Why { about: about.clone(), why: Box::new(why) })
            }
            _ => self.asked(&ask, meanwhile),
        };
        if told.is_err() && matches!(kind, Kind::Move | Kind::Diff) {
            self.stand_still();
        }
        told.map_err(|why| Failed { kind, is_connection: false, why })
    }
}
