//! `--since` and `--until`: which decisions of the past are told. Whole ones only: nobody sees a part of a decision.

use crate::exit::Usage;
use crate::whence::Whence;
use crate::zone::Zone;
use anyhow::Result;
use sledger::SystemClock;
use sledger_core::clock::Clock as _;
use sledger_core::decider::Recorded;
use sledger_core::{Millis, Seq};
use sledger_wire::values::{Moment, moment};

/// A bound of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    At(Millis),
    Seq(Seq),
}

/// From after one moment to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    since: Option<Bound>,
    until: Option<Bound>,
}

impl Range {
    /// Reads both ends.
    pub(super) fn of(since: Option<&str>, until: Option<&str>, whence: &Whence, zone: Zone) -> Result<Self> {
        let read =
            |flag: &str, text: Option<&str>| text.map(|text| bound(flag, text, whence, zone)).transpose();
        Ok(Self { since: read("--since", since)?, until: read("--until", until)? })
    }

    /// Whether it is everything.
    pub(super) const fn is_all(self) -> bool {
        self.since.is_none() && self.until.is_none()
    }

    /// Whether the decision lies in it: at `--since` or later, before `--until`; of a seq, after the one and up to the
    /// other. Ranges that meet have no decision in common, except the one that a seq lies within.
    pub(super) fn covers(self, recorded: &Recorded) -> bool {
        let (first, at) = (recorded.first, recorded.decision.at);
        let last = Seq(first.0 + (recorded.decision.events.len() as u64).saturating_sub(1));
        let is_after = match self.since {
            None => true,
            Some(Bound::At(since)) => at >= since,
            Some(Bound::Seq(since)) => last > since,
        };
        is_after && !self.is_past(first, at)
    }

    /// Whether a decision that begins so, and all after it, lie behind the range.
    pub(super) fn is_past(self, first: Seq, at: Millis) -> bool {
        match self.until {
            None => false,
            Some(Bound::At(until)) => at >= until,
            Some(Bound::Seq(until)) => first > until,
        }
    }
}

fn bound(flag: &str, text: &str, whence: &Whence, zone: Zone) -> Result<Bound> {
    let read = moment(text, zone.offset).map_err(|reason| Usage::error(format!("{flag}: {reason}")))?;
    let ago = |ms: u64| match whence {
        Whence::Recording(_) => {
            Err(Usage::error(format!("{flag}: a recording has no now: give a time, ms:N or seq:N")))
        }
        Whence::Data(_) | Whence::Connect(_) => {
            Ok(Bound::At(Millis(SystemClock.wall().0.saturating_sub(ms))))
        }
    };
    match read {
        Moment::At(at) => Ok(Bound::At(at)),
        Moment::Seq(seq) => Ok(Bound::Seq(seq)),
        Moment::Ago(span) => ago(span.as_millis()),
        Moment::Now => ago(0),
    }
}
