//! WHEN on a command line.
//!
//! RFC 3339, `2026-11-20 12:04[:31]` in a given offset, `-2h`, `now`, `seq:N`, or
//! `ms:N` for recordings that count. A bare integer is refused: it could be
//! seconds, milliseconds or a seq.

use super::time::from_datetime;
use super::{Reason, span};
use crate::escape::brief;
use ::time::macros::format_description;
use ::time::{PrimitiveDateTime, UtcOffset};
use sledger_core::{Millis, Seq, Span};

/// A moment in the ledger's history, as somebody named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A point in ledger time.
    At(Millis),
    /// So long before now.
    Ago(Span),
    /// Now.
    Now,
    /// Right after this event.
    Seq(Seq),
}

/// An offset from UTC, for times written without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset(UtcOffset);

impl Default for Offset {
    fn default() -> Self {
        Self(UtcOffset::UTC)
    }
}

impl std::str::FromStr for Offset {
    type Err = Reason;

    /// `UTC`, `Z` or `±HH:MM`.
    fn from_str(text: &str) -> Result<Self, Reason> {
        if matches!(text, "UTC" | "utc" | "Z" | "z") {
            return Ok(Self::default());
        }
        if let Some(offset) = numeric(text) {
            return Ok(Self(offset));
        }
        let shown = brief(text);
        if text.contains('/') || (!text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphabetic()))
        {
            return Err(format!("`{shown}` is a zone by name, and their tables are not carried here: write its offset, e.g. `+01:00`").into());
        }
        Err(format!("`{shown}` is no offset: write `UTC` or e.g. `+01:00`").into())
    }
}

fn numeric(text: &str) -> Option<UtcOffset> {
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let two = |part: &str| {
        let digits = part.len() == 2 && part.chars().all(|letter| letter.is_ascii_digit());
        digits.then(|| part.parse::<i8>().ok()).flatten()
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (minutes < 60).then(|| UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()).flatten()
}

/// Reads a moment; `offset` is for times written without one.
///
/// # Errors
/// When it is none of the forms above, or a bare integer.
pub fn moment(text: &str, offset: Offset) -> Result<Moment, Reason> {
    if text == "now" {
        return Ok(Moment::Now);
    }
    if let Some(number) = text.strip_prefix("seq:") {
        return number.parse().map(|seq| Moment::Seq(Seq(seq))).map_err(|_| not_counted(text, "seq:1204880"));
    }
    if let Some(number) = text.strip_prefix("ms:") {
        return number.parse().map(|ms| Moment::At(Millis(ms))).map_err(|_| not_counted(text, "ms:60000"));
    }
    if !text.is_empty() && text.trim_start_matches('-').chars().all(|letter| letter.is_ascii_digit()) {
        let digits = brief(text.trim_start_matches('-'));
        return Err(
            format!("`{}` is ambiguous: write `seq:{digits}`, `ms:{digits}` or a time", brief(text)).into()
        );
    }
    if let Some(ago) = text.strip_prefix('-') {
        return span(ago).map(Moment::Ago);
    }
    written(text, offset).map(Moment::At)
}

fn not_counted(text: &str, example: &str) -> Reason {
    format!("`{}` has no number: write e.g. `{example}`", brief(text)).into()
}

fn written(text: &str, offset: Offset) -> Result<Millis, Reason> {
    let minutes = format_description!("[year]-[month]-[day] [hour]:[minute]");
    let seconds = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let civil =
        PrimitiveDateTime::parse(text, &minutes).or_else(|_| PrimitiveDateTime::parse(text, &seconds));
    match civil {
        Ok(civil) => from_datetime(civil.assume_offset(offset.0), text),
        Err(_) => super::time(text).map_err(|reason| refused(text, reason)),
    }
}

fn refused(text: &str, reason: Reason) -> Reason {
    if reason.0.contains("1970") {
        return reason;
    }
    format!("`{}` is no moment: write e.g. `2026-11-20 12:04`, `-2h`, `now` or `seq:1204880`", brief(text))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_moment_is_read() {
        let oslo: Offset = "+01:00".parse().unwrap();
        let utc = Offset::default();
        let cases = [
            ("now", utc, Moment::Now),
            ("-2h", utc, Moment::Ago(Span::seconds(7200))),
            ("seq:17", utc, Moment::Seq(Seq(17))),
            ("ms:60000", utc, Moment::At(Millis(60_000))),
            ("2026-11-20 12:04", utc, Moment::At(Millis(1_795_176_240_000))),
            ("2026-11-20 12:04:31", utc, Moment::At(Millis(1_795_176_271_000))),
            ("2026-11-20 13:04:31", oslo, Moment::At(Millis(1_795_176_271_000))),
            ("2026-11-20T12:04:31Z", oslo, Moment::At(Millis(1_795_176_271_000))),
        ];
        for (text, offset, expected) in cases {
            assert_eq!(moment(text, offset), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused_with_what_to_write() {
        let cases = [
            ("1204880", "`1204880` is ambiguous: write `seq:1204880`, `ms:1204880` or a time"),
            ("-5", "`-5` is ambiguous: write `seq:5`, `ms:5` or a time"),
            ("seq:x", "`seq:x` has no number: write e.g. `seq:1204880`"),
            ("ms:", "`ms:` has no number: write e.g. `ms:60000`"),
            ("-2 weeks", "`2 weeks` has the unknown unit ` weeks`: known are `ms`, `s`, `m`, `h`, `d`"),
            ("", "`` is no moment: write e.g. `2026-11-20 12:04`, `-2h`, `now` or `seq:1204880`"),
            (
                "yesterday",
                "`yesterday` is no moment: write e.g. `2026-11-20 12:04`, `-2h`, `now` or `seq:1204880`",
            ),
            ("1960-01-01 00:00", "`1960-01-01 00:00` lies before 1970"),
        ];
        for (text, reason) in cases {
            assert_eq!(moment(text, Offset::default()), Err(reason.into()), "{text}");
        }
    }

    #[test]
    fn zones_by_name_are_refused_with_the_way_out() {
        assert_eq!(
            "Europe/Oslo".parse::<Offset>(),
            Err("`Europe/Oslo` is a zone by name, and their tables are not carried here: write its offset, e.g. `+01:00`".into())
        );
        assert_eq!("1:00".parse::<Offset>(), Err("`1:00` is no offset: write `UTC` or e.g. `+01:00`".into()));
        assert!("+25:99".parse::<Offset>().is_err());
        assert!("-05:30".parse::<Offset>().is_ok());
    }
}
