//! WHEN, and the ledger as it was then.

use crate::args::Global;
use crate::exit::Usage;
use crate::output::Output;
use crate::past::Past;
use crate::verbs::ledger::not_served;
use crate::whence::Whence;
use crate::zone::Zone;
use anyhow::Result;
use sledger::SystemClock;
use sledger_core::clock::Clock as _;
use sledger_core::{Millis, Seq};
use sledger_log::Reader;
use sledger_replay::at::{At, Begin, Found, Walk, When, of_ledger, stopped_never};
use sledger_replay::export::begun;
use sledger_wire::values::{Moment, moment};
use std::path::Path;

/// What is said where a recording is asked for its now.
const NO_NOW: &str = "a recording has no now: give a time, ms:N or seq:N";

/// Reads WHEN. A recording has no now.
pub(super) fn when(text: &str, zone: Zone, whence: &Whence) -> Result<When> {
    let read = moment(text, zone.offset).map_err(|reason| Usage::error(format!("WHEN: {reason}")))?;
    let is_recording = matches!(whence, Whence::Recording(_));
    let now = SystemClock.wall();
    match read {
        Moment::At(at) => Ok(When::At(at)),
        Moment::Seq(seq) => Ok(When::After(seq)),
        Moment::Now | Moment::Ago(_) if is_recording => Err(Usage::error(format!("WHEN: {NO_NOW}"))),
        Moment::Now => Ok(When::At(now)),
        Moment::Ago(span) => Ok(When::At(Millis(now.0.saturating_sub(span.as_millis())))),
    }
}

/// A moment as it is asked for over HTTP.
pub(super) fn text(when: When) -> String {
    match when {
        When::At(at) => format!("ms:{}", at.0),
        When::After(seq) => format!("seq:{seq}"),
    }
}

/// A stretch of the past, as `--since` and `--until` name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// From here on; right after this event.
    pub(super) since: Option<When>,
    /// Up to here, the moment itself or the event among it.
    pub(super) until: Option<When>,
}

impl Window {
    /// Reads both ends.
    pub(super) fn read(ends: [Option<&str>; 2], zone: Zone, whence: &Whence) -> Result<Self> {
        let [since, until] = ends.map(|text| text.map(|text| when(text, zone, whence)).transpose());
        Ok(Self { since: since?, until: until? })
    }

    /// Whether an event lies in it.
    pub(super) fn covers(&self, seq: Seq, at: Millis) -> bool {
        let begun = match self.since {
            Some(When::At(since)) => at >= since,
            Some(When::After(since)) => seq > since,
            None => true,
        };
        begun && !self.is_over(seq, at)
    }

    /// Whether nothing that comes now lies in it.
    pub(super) fn is_over(&self, seq: Seq, at: Millis) -> bool {
        match self.until {
            Some(When::At(until)) => at > until,
            Some(When::After(until)) => seq > until,
            None => false,
        }
    }
}

/// The ledger at a moment, at rest or recorded.
pub(super) fn at(
    when: When,
    snapshots: bool,
    (whence, global): (&Whence, &Global),
    out: &mut Output<'_>,
) -> Result<At> {
    let at = match whence {
        Whence::Data(dir) => of_data(dir, when, snapshots, out)?,
        _ => of_past(when, Past::open(whence, global, out)?)?,
    };
    told(&at, when, (whence, global.tz), out)?;
    Ok(at)
}

fn of_data(dir: &Path, when: When, snapshots: bool, out: &mut Output<'_>) -> Result<At> {
    not_served(dir)?;
    let reader = Reader::open(dir)?;
    let begin = Begin { snapshots, upto: None, is_stopped: &stopped_never };
    let Found { at, snapshot, passed } = of_ledger(&reader, dir, when, begin)?;
    for one in passed {
        out.say(&format!("note: {} is passed over: {}", one.path.display(), one.reason));
    }
    if let Some(seq) = snapshot {
        out.say(&format!("note: folded from the snapshot of seq {seq}; --no-snapshots folds everything"));
    }
    Ok(at)
}

fn of_past(when: When, past: Past) -> Result<At> {
    let mut walk = Walk::new(begun(&past.begin)?, when, false);
    past.batches(&mut |decisions| Ok(walk.take(decisions)))?;
    Ok(walk.finish())
}

/// Says where the moment lies, as far as the answer does not.
fn told(at: &At, when: When, (whence, zone): (&Whence, Zone), out: &mut Output<'_>) -> Result<()> {
    let last = match when {
        When::After(seq) if at.end().is_some_and(|end| end < seq) => return Err(beyond(seq, at.seq())),
        When::After(_) => None,
        When::At(_) => at.end(),
    };
    let recorded = zone.shown(at.recorded());
    if at.seq() == Seq(0) {
        out.say("note: this is before the first event: nobody is in");
        return Ok(());
    }
    if last.is_some() && !matches!(whence, Whence::Recording(_)) && at.at() > SystemClock.wall() {
        let shown = zone.shown(at.at());
        return Err(Usage::error(format!(
            "WHEN: {shown} is yet to come: the last event, seq {}, is of {recorded}",
            at.seq()
        )));
    }
    if at.is_down() {
        out.say(&format!("note: the ledger was down then, from {recorded} on: idle time did not run"));
    } else if last.is_some() && at.at() > at.recorded() {
        out.say(&format!(
            "note: the last event, seq {}, is of {recorded}: sessions that were over by themselves since are left out",
            at.seq()
        ));
    }
    Ok(())
}

fn beyond(seq: Seq, last: Seq) -> anyhow::Error {
    Usage::error(format!("WHEN: there is no seq {seq} yet: the last event is seq {last}"))
}
