//! The units of the domain: points in time, spans, numbers.
//!
//! Each has a type of its own, so that a session's number is never added to a
//! time and a limit of zero cannot be written down at all.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A point in ledger time: milliseconds since the Unix epoch, in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Millis(pub u64);

impl Millis {
    /// Later than every time that can be recorded: the deadline of what never ends.
    pub const NEVER: Self = Self(u64::MAX);

    /// This time moved forward by `span`; [`Millis::NEVER`] when the span is `never` or the sum does not fit.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// Milliseconds from `earlier` to this time, 0 when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole Unix seconds, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        #[expect(clippy::cast_possible_wrap, reason = "u64::MAX / 1000 fits in an i64")]
        let seconds = (self.0 / 1000) as i64;
        seconds
    }

    /// RFC 3339 in UTC with milliseconds, e.g. `2026-11-20T12:04:31.207Z`; `never` past the year 9999.
    #[must_use]
    pub fn rfc3339(self) -> String {
        crate::civil::rfc3339(self)
    }
}

/// A length of time in milliseconds, or `never` (no end).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span(u64);

impl Span {
    /// No end: longer than every other span.
    pub const NEVER: Self = Self(u64::MAX);
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of `ms` milliseconds; `u64::MAX` is `never`.
    #[must_use]
    pub const fn millis(ms: u64) -> Self {
        Self(ms)
    }

    /// A span of `seconds` seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds; `u64::MAX` for `never`.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whether this is `never`.
    #[must_use]
    pub const fn is_never(self) -> bool {
        self.0 == u64::MAX
    }

    /// Whether no time passes at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Span {
    /// The largest unit that divides it: `2h`, `90s`, `250ms`, `never`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
        if self.is_never() {
            return f.write_str("never");
        }
        if self.0 == 0 {
            return f.write_str("0s");
        }
        for (unit, name) in UNITS {
            if self.0.is_multiple_of(unit) {
                return write!(f, "{}{name}", self.0 / unit);
            }
        }
        write!(f, "{}ms", self.0)
    }
}

/// Position of an event in the ledger: 1 for the first, no gaps. 0 means "before the first".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seq(pub u64);

impl Seq {
    /// The next position.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The position `count` events further on.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a user without saying who it is: the number of the session that brought the user into the ledger.
///
/// A user who has no session left, and whose sessions are all forgotten, gets a new number on return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UserNo(pub u64);

/// Names one quota key (`ann` of `per-user`) without saying what it is; given in the order of first use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyNo(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_show_the_largest_unit_that_divides_them() {
        let shown = [
            (Span::seconds(7200), "2h"),
            (Span::seconds(90), "90s"),
            (Span::millis(250), "250ms"),
            (Span::ZERO, "0s"),
            (Span::NEVER, "never"),
            (Span::seconds(86_400 * 7), "7d"),
        ];
        for (span, text) in shown {
            assert_eq!(span.to_string(), text);
        }
    }

    #[test]
    fn never_is_later_than_any_sum() {
        assert_eq!(Millis(5).plus(Span::NEVER), Millis::NEVER);
        assert_eq!(Millis(u64::MAX - 1).plus(Span::millis(9)), Millis::NEVER);
    }
}
