//! Points in time: RFC 3339 with `Z` or an offset.

use super::Reason;
use crate::escape::brief;
use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;
use sledger_core::Millis;

/// Reads a point in time; what is finer than a millisecond is cut off.
///
/// # Errors
/// When it is not RFC 3339, has no offset, or lies before 1970.
pub fn time(text: &str) -> Result<Millis, Reason> {
    let when = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| {
        Reason::new(format!("`{}` is no time: write e.g. `2026-11-20T12:04:31Z`", brief(text)))
    })?;
    from_datetime(when, text)
}

/// The last millisecond of the year 9999: later times cannot be written as RFC 3339.
const LAST: u64 = 253_402_300_799_999;

/// A point in time given as whole milliseconds since 1970.
///
/// # Errors
/// When it lies before 1970 or after the year 9999.
pub fn time_millis(number: i128) -> Result<Millis, Reason> {
    match u64::try_from(number) {
        Ok(ms) if ms <= LAST => Ok(Millis(ms)),
        Ok(_) => Err(format!("`{number}` lies after the year 9999").into()),
        Err(_) => Err(format!("`{number}` lies before 1970").into()),
    }
}

/// The time in milliseconds since 1970.
pub(super) fn from_datetime(when: OffsetDateTime, text: &str) -> Result<Millis, Reason> {
    u64::try_from(when.unix_timestamp_nanos().div_euclid(1_000_000))
        .map(Millis)
        .map_err(|_| format!("`{}` lies before 1970", brief(text)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_z_and_with_an_offset() {
        for text in
            ["2026-11-20T12:04:31.207Z", "2026-11-20T13:04:31.2079+01:00", "2026-11-20T06:34:31.207-05:30"]
        {
            assert_eq!(time(text), Ok(Millis(1_795_176_271_207)), "{text}");
        }
        assert_eq!(time("1970-01-01T00:00:00Z"), Ok(Millis(0)));
    }

    #[test]
    fn bad_times_are_refused() {
        let cases = [
            ("2026-11-20", "`2026-11-20` is no time: write e.g. `2026-11-20T12:04:31Z`"),
            ("2026-11-20T12:04:31", "`2026-11-20T12:04:31` is no time: write e.g. `2026-11-20T12:04:31Z`"),
            ("2026-13-20T12:04:31Z", "`2026-13-20T12:04:31Z` is no time: write e.g. `2026-11-20T12:04:31Z`"),
            ("1969-12-31T23:59:59Z", "`1969-12-31T23:59:59Z` lies before 1970"),
        ];
        for (text, reason) in cases {
            assert_eq!(time(text), Err(reason.into()), "{text}");
        }
    }
}
