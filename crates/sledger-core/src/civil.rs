//! Civil time: what hour, weekday and date a [`Millis`] falls on. Proleptic Gregorian, UTC, no leap seconds.

use crate::Millis;
use time::OffsetDateTime;
use time::macros::format_description;

/// The civil date and time at `at`, or `None` past the year 9999.
#[must_use]
pub fn datetime(at: Millis) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000).ok()
}

/// RFC 3339 with milliseconds and `Z`; `never` past the year 9999.
#[must_use]
pub fn rfc3339(at: Millis) -> String {
    let shape = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    datetime(at).and_then(|when| when.format(&shape).ok()).unwrap_or_else(|| "never".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_written_as_rfc_3339() {
        assert_eq!(rfc3339(Millis(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(Millis(1_795_176_271_207)), "2026-11-20T12:04:31.207Z");
        assert_eq!(rfc3339(Millis::NEVER), "never");
    }
}
