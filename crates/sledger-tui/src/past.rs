//! A past that is walked: decisions folded up to a moment, forth and back.
//!
//! Promise: what is told of a moment is the state after the last decision until then, whichever way one came there.
//! Invariants: at most `KEPT_MAX` states are remembered, spread over the whole; the events and counts kept beside them
//! have bounds of their own. Absent on purpose: writing, clocks.

mod answers;
mod index;
mod minute;

use crate::source::{Ask, Failed, Kind, Move, Position, Source, Told};
use index::Index;
use minute::Minute;
use sledger_core::decider::Recorded;
use sledger_core::event::{Cause, Decision, Event, PolicyRef};
use sledger_core::{Millis, Seq, State, refold};
use sledger_projector::{Projection, Told as ToldEvent, tell};
use sledger_replay::lines::event_line;
use sledger_wire::values::Moment;
use sledger_wire::why::Why;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// States remembered at most.
const KEPT_MAX: usize = 16;
/// Decisions between two remembered states, to begin with.
const APART: u64 = 10_000;
/// Events kept before the moment.
const EVENTS_MAX: usize = 200;
/// Revisions of policies whose fate is counted.
const FARED_MAX: usize = 1_024;
/// Further than this many decisions, the views are made anew.
const FOLLOWED_MAX: u64 = 10_000;
/// After so many decisions it is said how far reading has come.
const SAID_EVERY: u64 = 50_000;
/// Rates look back on this long.
const MINUTE_MS: u64 = 60_000;

/// Decisions as they are read.
pub type Decisions = Box<dyn Iterator<Item = Result<Arc<Decision>, String>> + Send>;

/// A history that can be read from its beginning, and from any decision on.
pub trait History: Send {
    /// The state before the first decision.
    ///
    /// # Errors
    /// Says why it cannot be read.
    fn begin(&mut self) -> Result<State, String>;

    /// The decisions from the one whose first event is `from`.
    ///
    /// # Errors
    /// Says why it cannot be read.
    fn read(&mut self, from: Seq) -> Result<Decisions, String>;

    /// Why something is as it is: a session or an event, as `SESSION@SEQ` or `seq:N`.
    ///
    /// # Errors
    /// Says why it cannot be told.
    fn why(&mut self, about: &str) -> Result<Why, String>;
}

/// What is folded beside the state.
#[derive(Clone, Debug, Default)]
struct Beside {
    /// Decisions so far.
    decisions: u64,
    /// The first event of the last decision.
    first: Seq,
    /// Failures and differences by revision.
    fared: BTreeMap<PolicyRef, (u64, u64)>,
}

/// A state that is remembered.
#[derive(Clone, Debug)]
struct Kept {
    state: State,
    beside: Beside,
}

/// A past, at one moment.
pub struct Past<H> {
    history: H,
    /// From this share of a limit on, in percent, a user is near it.
    near: u32,
    /// After the last decision folded.
    state: Option<State>,
    beside: Beside,
    /// The moment; no earlier than the last decision.
    clock: Millis,
    /// What comes next, where it is being read.
    ahead: Option<Decisions>,
    /// Read, and not folded yet.
    next: Option<Arc<Decision>>,
    kept: Vec<Kept>,
    apart: u64,
    index: Index,
    is_indexed: bool,
    minute: Minute,
    recent: VecDeque<ToldEvent>,
    /// The views of the state, where they are made.
    views: Option<Projection>,
}

/// Where reading ends.
#[derive(Clone, Copy, Debug)]
enum Until {
    Seq(Seq),
    At(Millis),
    Decisions(u64),
    End,
    Whole,
}

impl<H: History> Past<H> {
    /// A past of which nothing is read yet; users are near their limit from `near` percent on.
    pub fn new(history: H, near: u32) -> Self {
        Self {
            history,
            near,
            state: None,
            beside: Beside::default(),
            clock: Millis(0),
            ahead: None,
            next: None,
            kept: Vec::new(),
            apart: APART,
            index: Index::default(),
            is_indexed: false,
            minute: Minute::default(),
            recent: VecDeque::new(),
            views: None,
        }
    }

    fn go(&mut self, to: &Move, meanwhile: &mut dyn FnMut(Told)) -> Result<Told, String> {
        if !self.is_indexed {
            self.begin()?;
            self.fold(Until::Whole, meanwhile)?;
            self.is_indexed = true;
        }
        match *to {
            Move::To(Moment::Now) => {
                self.jump(self.index.last, meanwhile)?;
                // A served ledger has gone on since.
                self.ahead = None;
                self.fold(Until::Whole, meanwhile)?;
            }
            Move::To(Moment::Seq(seq)) => self.jump(seq.min(self.index.last), meanwhile)?,
            Move::To(Moment::At(at)) => self.seek_time(at, meanwhile)?,
            Move::To(Moment::Ago(span)) => {
                let at = self.index.span.1.0.saturating_sub(span.as_millis());
                self.seek_time(Millis(at), meanwhile)?;
            }
            Move::On(count) => self.fold(Until::Decisions(self.beside.decisions + count), meanwhile)?,
            Move::Back(count) => {
                for _ in 0..count.min(EVENTS_MAX as u64) {
                    let before = Seq(self.beside.first.0.saturating_sub(1));
                    self.jump(before, meanwhile)?;
                }
            }
            Move::NextEnd => self.fold(Until::End, meanwhile)?,
            Move::PreviousEnd => self.seek_previous_end(meanwhile)?,
            Move::Millis(millis) => {
                let clock = Millis(self.clock.0.saturating_add(millis).min(self.index.span.1.0));
                self.fold(Until::At(clock), meanwhile)?;
                self.clock = clock;
            }
        }
        Ok(Told::At(Box::new(self.position())))
    }

    fn begin(&mut self) -> Result<(), String> {
        let state = self.history.begin()?;
        self.put(Kept { state, beside: Beside::default() });
        self.kept = vec![self.keep()?];
        Ok(())
    }

    fn state(&self) -> Result<&State, String> {
        self.state.as_ref().ok_or_else(|| "nothing of the past was read yet".to_owned())
    }

    fn keep(&self) -> Result<Kept, String> {
        Ok(Kept { state: self.state()?.clone(), beside: self.beside.clone() })
    }

    /// Goes on from a remembered state.
    fn put(&mut self, kept: Kept) {
        self.clock = kept.state.at();
        (self.state, self.beside) = (Some(kept.state), kept.beside);
        (self.ahead, self.next, self.views) = (None, None, None);
        self.minute = Minute::default();
        self.recent.clear();
    }

    fn seek_time(&mut self, at: Millis, meanwhile: &mut dyn FnMut(Told)) -> Result<(), String> {
        let is_ahead = self.state()?.at() <= at && self.clock <= at;
        if !is_ahead {
            self.back_to(|kept| kept.state.at().0.saturating_add(MINUTE_MS) <= at.0);
        }
        self.fold(Until::At(at), meanwhile)?;
        self.clock = at.min(self.index.span.1).max(self.state()?.at());
        Ok(())
    }

    /// To right after the decision that holds `seq`.
    fn jump(&mut self, seq: Seq, meanwhile: &mut dyn FnMut(Told)) -> Result<(), String> {
        if seq < self.state()?.seq() || seq == Seq(0) {
            // One decision at least is folded, so that it is known where the last one began.
            let at = self.time_before(seq);
            self.back_to(|kept| {
                kept.state.seq() < seq && kept.state.at().0.saturating_add(MINUTE_MS) <= at.0
            });
        }
        self.fold(Until::Seq(seq), meanwhile)?;
        self.clock = self.state()?.at();
        Ok(())
    }

    /// No event until `seq` is earlier than this, as far as remembered states tell.
    fn time_before(&self, seq: Seq) -> Millis {
        let before = self.kept.iter().rev().find(|kept| kept.state.seq() < seq);
        before.map_or(Millis(0), |kept| kept.state.at())
    }

    /// To the last remembered state that will do; the first always does.
    fn back_to(&mut self, will_do: impl Fn(&Kept) -> bool) {
        let place = self.kept.iter().rposition(will_do).unwrap_or(0);
        if let Some(kept) = self.kept.get(place).cloned() {
            self.put(kept);
        }
    }

    /// To the last eviction or refusal before the decision that was folded last.
    fn seek_previous_end(&mut self, meanwhile: &mut dyn FnMut(Told)) -> Result<(), String> {
        let here = self.beside.first;
        let places: Vec<Seq> =
            self.kept.iter().map(|kept| kept.state.seq()).filter(|seq| *seq < here).collect();
        let mut until = here;
        for from in places.into_iter().rev() {
            let (mut first, mut found) = (from.next(), None);
            for decision in self.history.read(first)? {
                let decision = decision?;
                if first >= until {
                    break;
                }
                let next = first.plus(decision.events.len() as u64);
                if is_end(&decision) {
                    found = Some(Seq(next.0 - 1));
                }
                first = next;
            }
            if let Some(found) = found {
                return self.jump(found, meanwhile);
            }
            until = from.next();
        }
        Ok(())
    }

    /// Folds on.
    fn fold(&mut self, until: Until, meanwhile: &mut dyn FnMut(Told)) -> Result<(), String> {
        let mut count = 0_u64;
        while let Some(decision) = self.peek()? {
            let state = self.state()?;
            let is_enough = match until {
                Until::Seq(seq) => state.seq() >= seq,
                Until::At(at) => decision.at > at,
                Until::Decisions(decisions) => self.beside.decisions >= decisions,
                Until::End | Until::Whole => false,
            };
            if is_enough {
                break;
            }
            self.next = None;
            self.one(&decision, matches!(until, Until::Whole))?;
            count += 1;
            if count == FOLLOWED_MAX {
                self.views = None;
            }
            if count.is_multiple_of(SAID_EVERY) {
                meanwhile(Told::Reading { seq: self.state()?.seq().0 });
            }
            if matches!(until, Until::End) && is_end(&decision) {
                break;
            }
        }
        self.clock = self.clock.max(self.state()?.at());
        Ok(())
    }

    fn peek(&mut self) -> Result<Option<Arc<Decision>>, String> {
        if self.next.is_none() {
            if self.ahead.is_none() {
                self.ahead = Some(self.history.read(self.state()?.seq().next())?);
            }
            self.next = self.ahead.as_mut().and_then(Iterator::next).transpose()?;
        }
        Ok(self.next.clone())
    }

    fn one(&mut self, decision: &Arc<Decision>, is_new: bool) -> Result<(), String> {
        let Some(state) = &mut self.state else { return Err("nothing of the past was read yet".to_owned()) };
        let first = state.seq().next();
        let effects = refold(state, first, decision);
        let recorded = Recorded { first, decision: Arc::clone(decision), effects };
        self.recent.extend(tell(&*state, &recorded));
        let over = self.recent.len().saturating_sub(EVENTS_MAX);
        self.recent.drain(..over);
        let (at, seq) = (state.at(), state.seq());
        if let Some(views) = &mut self.views {
            views.apply(&recorded);
        }
        self.minute.add(at, decision);
        self.beside.count(first, decision);
        // Read before, and no more: what is remembered then is enough.
        if is_new && seq > self.index.last {
            self.index.add(at, seq, is_end(decision));
            self.remember()?;
        }
        Ok(())
    }

    fn remember(&mut self) -> Result<(), String> {
        let since = self.kept.last().map_or(0, |kept| kept.beside.decisions);
        if self.beside.decisions < since + self.apart {
            return Ok(());
        }
        if self.kept.len() == KEPT_MAX {
            let mut place = 0_usize;
            self.kept.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.apart = self.apart.saturating_mul(2);
            return Ok(());
        }
        let kept = self.keep()?;
        self.kept.push(kept);
        Ok(())
    }

    fn position(&self) -> Position {
        let seq = self.state.as_ref().map_or(Seq(0), State::seq);
        let (density, ends) = self.index.parts();
        Position {
            seq,
            at: self.clock,
            last: self.index.last,
            span: self.index.span,
            events: self.recent.iter().rev().map(event_line).collect(),
            density,
            ends,
            is_down: false,
            counted: self.index.last,
        }
    }
}

impl Beside {
    fn count(&mut self, first: Seq, decision: &Decision) {
        (self.first, self.decisions) = (first, self.decisions + 1);
        for event in &decision.events {
            let (policy, is_failure) = match event {
                Event::PolicyFailed { failure, .. } => (Some(&failure.policy), true),
                Event::PolicyDiffered { shadow, .. } => (shadow.policy.as_ref(), false),
                _ => continue,
            };
            let Some(policy) = policy else { continue };
            if self.fared.len() < FARED_MAX || self.fared.contains_key(policy) {
                let fared = self.fared.entry(policy.clone()).or_default();
                if is_failure { fared.0 += 1 } else { fared.1 += 1 }
            }
        }
    }
}

/// Whether somebody was evicted or refused.
fn is_end(decision: &Decision) -> bool {
    let is_it = |event: &Event| {
        matches!(event, Event::Denied { .. } | Event::DenialsCounted { .. })
            || matches!(event, Event::Ended { cause: Cause::Evicted, .. })
    };
    decision.events.iter().any(is_it)
}

impl<H: History> Source for Past<H> {
    fn answer(&mut self, ask: Ask, meanwhile: &mut dyn FnMut(Told)) -> Result<Told, Failed> {
        let kind = ask.kind();
        let told = match &ask {
            Ask::Move(to) => self.go(to, meanwhile),
            Ask::Timeline(user) => self.timeline(user, meanwhile),
            Ask::Why(about) => {
                let why = self.history.why(about);
                why.map(|why| Told::Why { about: about.clone(), why: Box::new(why) })
            }
            _ => self.asked(&ask),
        };
        if told.is_err() && kind == Kind::Move {
            // What is read after damage would be told wrongly: begun anew with the next question.
            (self.ahead, self.next) = (None, None);
        }
        told.map_err(|why| Failed { kind, is_connection: false, why })
    }
}
