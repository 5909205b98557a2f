//! Durations: `250ms 30s 5m 2h 1d never`, or whole seconds.

use super::Reason;
use crate::escape::brief;
use sledger_core::Span;

/// Milliseconds per unit.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads a duration with its unit, or `never`.
///
/// # Errors
/// When there is no unit, an unknown one, a fraction, or more time than can be counted.
pub fn span(text: &str) -> Result<Span, Reason> {
    if text == "never" {
        return Ok(Span::NEVER);
    }
    let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    if digits == 0 {
        return Err(format!(
            "`{}` is no duration: write e.g. `250ms`, `30s`, `5m`, `2h`, `1d` or `never`",
            brief(text)
        )
        .into());
    }
    if unit.is_empty() {
        return Err(format!(
            "`{}` has no unit: write `{}s`, or the number without quotes",
            brief(text),
            brief(text)
        )
        .into());
    }
    let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
    let Some(factor) = factor else {
        return Err(unknown_unit(text, unit));
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .filter(|ms| *ms < Span::NEVER.as_millis())
        .map(Span::millis)
        .ok_or_else(|| too_long(text))
}

/// A duration given as whole seconds.
///
/// # Errors
/// When it is negative or more than can be counted.
pub fn span_seconds(seconds: i128) -> Result<Span, Reason> {
    if seconds < 0 {
        return Err(format!("`{seconds}` is negative: write seconds from 0 on, or `never`").into());
    }
    u64::try_from(seconds)
        .ok()
        .and_then(|seconds| seconds.checked_mul(1000))
        .filter(|ms| *ms < Span::NEVER.as_millis())
        .map(Span::millis)
        .ok_or_else(|| too_long(&seconds.to_string()))
}

fn unknown_unit(text: &str, unit: &str) -> Reason {
    if unit.starts_with('.') {
        return format!("`{}` is a fraction: write whole numbers of a smaller unit, e.g. `90m`", brief(text))
            .into();
    }
    format!("`{}` has the unknown unit `{}`: known are `ms`, `s`, `m`, `h`, `d`", brief(text), brief(unit))
        .into()
}

fn too_long(text: &str) -> Reason {
    format!("`{}` is longer than can be counted: write `never`", brief(text)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_every_unit() {
        let cases = [
            ("250ms", Span::millis(250)),
            ("30s", Span::seconds(30)),
            ("5m", Span::seconds(300)),
            ("2h", Span::seconds(7200)),
            ("1d", Span::seconds(86_400)),
            ("0s", Span::ZERO),
            ("never", Span::NEVER),
        ];
        for (text, expected) in cases {
            assert_eq!(span(text), Ok(expected));
            assert_eq!(span(&expected.to_string()), Ok(expected), "shown and read back");
        }
        assert_eq!(span_seconds(90), Ok(Span::seconds(90)));
    }

    #[test]
    fn each_bad_duration_is_answered_with_its_own_reason() {
        let cases = [
            ("", "`` is no duration: write e.g. `250ms`, `30s`, `5m`, `2h`, `1d` or `never`"),
            ("-5m", "`-5m` is no duration: write e.g. `250ms`, `30s`, `5m`, `2h`, `1d` or `never`"),
            ("30", "`30` has no unit: write `30s`, or the number without quotes"),
            ("30min", "`30min` has the unknown unit `min`: known are `ms`, `s`, `m`, `h`, `d`"),
            ("1.5h", "`1.5h` is a fraction: write whole numbers of a smaller unit, e.g. `90m`"),
            ("999999999999999999d", "`999999999999999999d` is longer than can be counted: write `never`"),
        ];
        for (text, reason) in cases {
            assert_eq!(span(text), Err(reason.into()), "{text}");
        }
        assert_eq!(span_seconds(-1), Err("`-1` is negative: write seconds from 0 on, or `never`".into()));
    }
}
