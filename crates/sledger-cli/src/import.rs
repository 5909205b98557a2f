//! The past, read from files and replayed into a ledger of its own.
//!
//! Promise: lines of all files are taken in order of (time, file, line); ledger time is the time of the line;
//! every event names the file it comes from as its actor and the line, or the number of a record, as its request id. No
//! end is invented unless it is asked for, or somebody else is there now. What cannot be used is named by its place.
//!
//! Absent on purpose: any ledger but a new one. The past cannot be mixed into a present.

mod assume;
mod clock;
mod feeder;
mod guess;
mod input;
mod merge;
mod opened;
mod pairing;
mod radius;
mod remarks;
mod report;
mod syslog;
mod tracker;
mod utmp;
mod windows;

pub(crate) use assume::AssumeEnd;
pub(crate) use clock::PastClock;
pub(crate) use feeder::Feeder;
pub(crate) use input::{Counts, How, Input, LogFormat};
pub(crate) use merge::Merge;
pub(crate) use pairing::Pairing;
pub(crate) use report::Report;
use tracker::Tracker;

use sledger_core::Millis;
use sledger_core::command::Request;

/// What a line of the past says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// A command of a recording.
    Command(Request),
    /// A session was opened or closed, as a system's log tells it.
    Session(syslog::Told),
    /// Somebody logged on or off, as a Windows Security log tells it.
    Logon(windows::Logged),
    /// Somebody came to or left a line, or the system started or stopped, as a `utmp` tells it.
    Terminal(utmp::Told),
    /// A session began, goes on or ended, as an accounting record tells it.
    Account(radius::Accounted),
}

/// One line of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Past {
    /// When.
    pub(crate) at: Millis,
    /// The line in its file, or the number of the record.
    pub(crate) line: u64,
    /// What it says.
    pub(crate) said: Said,
}
