//! Going from moment to moment: where to begin, and how far to fold.

use super::index::is_end;
use super::place::{EVENTS_MAX, MINUTE_MS, Place};
use super::reading::Reading;
use super::{History, Past};
use crate::source::{Move, Told};
use sledger_core::event::Decision;
use sledger_core::{Millis, Seq, State};
use sledger_replay::at::When;
use sledger_wire::values::Moment;
use std::sync::Arc;

/// Decisions between two places that are kept; more where a state is so large that copying it costs more.
const APART: u64 = 4_096;
/// Between the last ones before the place that is gone to.
const APART_MIN: u64 = 256;
/// After so many decisions it is said how far reading has come.
pub(super) const SAID_EVERY: u64 = 50_000;
/// Events looked through at once, to begin with, for what lies behind.
const STRETCH: u64 = 4_096;

/// Where folding ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    Seq(Seq),
    At(Millis),
    Decisions(u64),
    End,
    Whole,
}

impl Until {
    fn is_reached(self, state: &State, next: &Decision, count: u64) -> bool {
        match self {
            Self::Seq(seq) => state.seq() >= seq,
            Self::At(at) => next.at > at,
            Self::Decisions(decisions) => count >= decisions,
            Self::End | Self::Whole => false,
        }
    }
}

impl From<When> for Until {
    fn from(when: When) -> Self {
        match when {
            When::At(at) => Self::At(at),
            When::After(seq) => Self::Seq(seq),
        }
    }
}

impl<H: History> Past<H> {
    /// Moves; `is_new` where all there is was read right now.
    pub(super) fn step(
        &mut self,
        to: &Move,
        is_new: bool,
        meanwhile: &mut dyn FnMut(Told),
    ) -> Result<(), String> {
        match *to {
            Move::To(Moment::Now) => {
                self.seek(When::After(self.last), meanwhile)?;
                if !is_new {
                    // A served ledger has gone on since.
                    self.reading = Reading::default();
                    self.on(Until::Whole, meanwhile)?;
                }
                Ok(())
            }
            Move::To(Moment::Seq(seq)) => self.seek(When::After(seq.min(self.last)), meanwhile),
            Move::To(Moment::At(at)) => self.seek(When::At(at), meanwhile),
            Move::To(Moment::Ago(span)) => {
                let at = self.span.1.0.saturating_sub(span.as_millis());
                self.seek(When::At(Millis(at)), meanwhile)
            }
            Move::On(count) => self.on(Until::Decisions(count), meanwhile),
            Move::Back(count) => self.back(count, meanwhile),
            Move::NextEnd => self.on(Until::End, meanwhile),
            Move::PreviousEnd => self.previous_end(meanwhile),
            Move::Millis(millis) => {
                let at = self.moment()?.0.saturating_add(millis);
                self.seek(When::At(Millis(at)), meanwhile)
            }
        }
    }

    /// Folds on; the moment is right after what was folded last, or stays what it was.
    fn on(&mut self, until: Until, meanwhile: &mut dyn FnMut(Told)) -> Result<(), String> {
        if self.fold(until, meanwhile)? > 0 {
            self.when = When::After(self.here()?.state.seq());
        }
        Ok(())
    }

    /// To a moment, or to the first or last one there is.
    pub(super) fn seek(&mut self, when: When, meanwhile: &mut dyn FnMut(Told)) -> Result<(), String> {
        let when = match when {
            When::At(at) => When::At(at.min(self.span.1).max(self.begun.1)),
            When::After(seq) => When::After(seq),
        };
        self.approach(when, None)?;
        self.fold(when.into(), meanwhile)?;
        let (seq, recorded) = (self.here()?.state.seq(), self.here()?.state.at());
        let at = if let When::At(at) = when { at } else { recorded };
        if !self.here()?.is_whole(seq, at) {
            self.approach(when, Some((seq, at)))?;
            self.fold(when.into(), meanwhile)?;
        }
        self.shown = None;
        self.when = if let When::At(_) = when { when } else { When::After(seq) };
        Ok(())
    }

    /// To the best place to go on from to a moment; to one from which all that is told there is known, where it is
    /// known which event and time that is.
    pub(super) fn approach(&mut self, when: When, whole: Option<(Seq, Millis)>) -> Result<(), String> {
        let will_do =
            |place: &Place| place.is_before(when) && whole.is_none_or(|(seq, at)| place.is_whole(seq, at));
        let here = self.here.as_ref().filter(|place| will_do(place)).map(|place| place.state.seq());
        let kept = self.kept.last(will_do).cloned();
        let best = here.max(kept.as_ref().map(|place| place.state.seq()));
        let after = best.unwrap_or(self.begun.0);
        if let Some(place) = self.snapshot((when, whole), after)? {
            self.kept.keep(place.clone());
            self.put(place);
        } else if here.is_none() || here < best {
            let place = kept.map_or_else(|| self.beginning(), Ok)?;
            self.put(place);
        }
        Ok(())
    }

    /// A snapshot that will do, behind the event `after`.
    fn snapshot(
        &mut self,
        (when, whole): (When, Option<(Seq, Millis)>),
        after: Seq,
    ) -> Result<Option<Place>, String> {
        let by_seq = |seq: Seq| When::After(Seq(seq.0.saturating_sub(EVENTS_MAX as u64)));
        let by_time = |at: Millis| When::At(Millis(at.0.saturating_sub(MINUTE_MS)));
        let looked_for = match (when, whole) {
            (_, Some((seq, at))) => vec![by_time(at), by_seq(seq)],
            (When::After(seq), None) => vec![by_seq(seq)],
            (When::At(at), None) => vec![by_time(at)],
        };
        for when in looked_for {
            let Some(state) = self.history.nearest(when, after)? else { continue };
            let place = Place::between(state);
            if whole.is_none_or(|(seq, at)| place.is_whole(seq, at)) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    pub(super) fn beginning(&mut self) -> Result<Place, String> {
        self.history.begin().map(Place::beginning)
    }

    /// Goes on from another place.
    pub(super) fn put(&mut self, place: Place) {
        self.here = Some(place);
        (self.reading, self.since, self.shown) = (Reading::default(), 0, None);
    }

    fn back(&mut self, count: u64, meanwhile: &mut dyn FnMut(Told)) -> Result<(), String> {
        let mut left = usize::try_from(count).unwrap_or(EVENTS_MAX).min(EVENTS_MAX);
        while left > 0 {
            let firsts = &self.here()?.firsts;
            let step = left.min(firsts.len());
            let Some(first) = firsts.get(firsts.len() - step).filter(|_| step > 0).copied() else { break };
            self.seek(When::After(Seq(first.0.saturating_sub(1))), meanwhile)?;
            left -= step;
        }
        Ok(())
    }

    /// To the last eviction or refusal before the decision that was folded last.
    fn previous_end(&mut self, meanwhile: &mut dyn FnMut(Told)) -> Result<(), String> {
        let Some(mut until) = self.here()?.firsts.back().copied() else { return Ok(()) };
        let (first, mut stretch) = (self.begun.0.next(), STRETCH);
        while until > first {
            let from = Seq(until.0.saturating_sub(stretch)).max(first);
            if let Some(found) = self.last_end(from, until)? {
                return self.seek(When::After(found), meanwhile);
            }
            (until, stretch) = (from, stretch.saturating_mul(4));
        }
        Ok(())
    }

    fn last_end(&mut self, from: Seq, until: Seq) -> Result<Option<Seq>, String> {
        let mut found = None;
        for one in self.history.read(from)? {
            let (first, decision) = one?;
            if first >= until {
                break;
            }
            if is_end(&decision) {
                found = Some(first);
            }
        }
        Ok(found)
    }

    /// Folds on; how many decisions.
    pub(super) fn fold(&mut self, until: Until, meanwhile: &mut dyn FnMut(Told)) -> Result<u64, String> {
        let mut count = 0_u64;
        loop {
            let next = self.here()?.state.seq().next();
            let Some(decision) = self.reading.next(&mut self.history, next)? else { break };
            if until.is_reached(&self.here()?.state, &decision, count) {
                break;
            }
            self.one(&decision)?;
            count += 1;
            self.keep(until)?;
            if count.is_multiple_of(SAID_EVERY) {
                meanwhile(Told::Reading { seq: self.here()?.state.seq().0 });
            }
            if matches!(until, Until::End) && is_end(&decision) {
                break;
            }
        }
        Ok(count)
    }

    fn one(&mut self, decision: &Arc<Decision>) -> Result<(), String> {
        // What is shown shares the state, which would be copied.
        self.shown = None;
        let Some(here) = &mut self.here else { return Err("nothing of the past was read yet".to_owned()) };
        let first = here.state.seq().next();
        here.fold(decision);
        self.reading.pass();
        let (seq, at) = (here.state.seq(), here.state.at());
        if seq > self.last {
            if !self.is_at_rest {
                self.counting.index().add(first, decision);
                self.span.0 = if self.last == self.begun.0 { at } else { self.span.0 };
            }
            (self.last, self.span.1) = (seq, self.span.1.max(at));
        }
        Ok(())
    }

    /// Keeps the place now and then: the nearer to where it goes, the closer.
    fn keep(&mut self, until: Until) -> Result<(), String> {
        self.since += 1;
        if self.since < APART_MIN {
            return Ok(());
        }
        let here = self.here()?;
        let sessions = here.state.session_count() as u64;
        let far = APART.max(sessions);
        let apart = match until {
            Until::Seq(to) => {
                far.min(to.0.saturating_sub(here.state.seq().0).max(APART_MIN).max(sessions / 16))
            }
            _ => far,
        };
        if self.since >= apart {
            let place = here.clone();
            self.kept.keep(place);
            self.since = 0;
        }
        Ok(())
    }
}
