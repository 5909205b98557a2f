//! `--tz`: the offset in which times are read and, as text, shown.

use sledger_core::Millis;
use sledger_wire::values::{Moment, Offset, Reason, moment};
use std::str::FromStr;

/// An offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    /// For reading.
    pub(crate) offset: Offset,
    /// For showing: minutes east of Greenwich.
    minutes: i64,
}

impl FromStr for Zone {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Reason> {
        let offset: Offset = text.parse()?;
        // An hour of the first day that all offsets have, read in the offset, tells the offset.
        let noon = Millis(86_400_000 * 2);
        let minutes = match moment("1970-01-03 00:00", offset)? {
            Moment::At(at) => {
                (i64::try_from(noon.0).unwrap_or(0) - i64::try_from(at.0).unwrap_or(0)) / 60_000
            }
            Moment::Ago(_) | Moment::Now | Moment::Seq(_) => 0,
        };
        Ok(Self { offset, minutes })
    }
}

impl Zone {
    /// Minutes east of Greenwich.
    pub(crate) const fn minutes(self) -> i64 {
        self.minutes
    }

    /// The time with its offset.
    pub(crate) fn shown(self, at: Millis) -> String {
        let text = Millis(at.0.saturating_add_signed(self.minutes * 60_000)).rfc3339();
        match (self.minutes, text.strip_suffix('Z')) {
            (0, _) | (_, None) => text,
            (minutes, Some(text)) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                format!("{text}{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        }
    }

    /// A time that is written in UTC, shown here; as it is where it is none.
    pub(crate) fn reshown(self, text: &str) -> String {
        sledger_wire::values::time(text).map_or_else(|_| text.to_owned(), |at| self.shown(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_offset_asked_for() {
        let shown = |zone: &str| zone.parse::<Zone>().unwrap().shown(Millis(1_795_176_271_207));
        assert_eq!(shown("UTC"), "2026-11-20T12:04:31.207Z");
        assert_eq!(shown("+01:00"), "2026-11-20T13:04:31.207+01:00");
        assert_eq!(shown("-05:30"), "2026-11-20T06:34:31.207-05:30");
        assert!("Europe/Oslo".parse::<Zone>().unwrap_err().0.contains("+01:00"));
    }
}
