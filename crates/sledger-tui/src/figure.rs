//! Figures as people read them: numbers, times, ages, shares, bars.
//!
//! Invariant: nothing here is wider than it says, whatever it is given.

use crate::glyphs::Glyphs;
use sledger_core::Millis;

/// Thousandths of a rate; none where there is none.
#[must_use]
#[expect(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates come as JSON numbers; out of bounds saturates"
)]
pub fn milli(rate: Option<f64>) -> Option<u64> {
    rate.filter(|rate| rate.is_finite()).map(|rate| (rate * 1000.0) as u64)
}

/// `1,204,880`.
#[must_use]
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// At most five characters: `999`, `12.3k`, `4.1M`, `77G`.
#[must_use]
pub fn short(value: u64) -> String {
    const UNITS: [(u64, char); 4] =
        [(1_000_000_000_000, 'T'), (1_000_000_000, 'G'), (1_000_000, 'M'), (1_000, 'k')];
    if value < 10_000 {
        return value.to_string();
    }
    for (unit, letter) in UNITS {
        let (whole, tenth) = (value / unit, value % unit / (unit / 10));
        match whole {
            0 => {}
            1..=99 => return format!("{whole}.{tenth}{letter}"),
            _ => return format!("{}{letter}", whole.min(9_999)),
        }
    }
    value.to_string()
}

/// A rate per second: `0.3`, `212`, `12.3k`; `-` at rest.
#[must_use]
pub fn rate(milli: Option<u64>) -> String {
    match milli {
        None => "-".to_owned(),
        Some(0) => "0".to_owned(),
        Some(milli) if milli < 10_000 => format!("{}.{}", milli / 1000, milli % 1000 / 100),
        Some(milli) => short(milli / 1000),
    }
}

/// Microseconds: `11us`, `1.9ms`, `2.0s`; `-` where nothing was measured.
#[must_use]
pub fn micros(value: Option<u64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(us @ 0..=999) => format!("{us}us"),
        Some(us @ 1_000..=9_999) => format!("{}.{}ms", us / 1_000, us % 1_000 / 100),
        Some(us @ 10_000..=999_999) => format!("{}ms", us / 1_000),
        Some(us @ 1_000_000..=9_999_999) => format!("{}.{}s", us / 1_000_000, us % 1_000_000 / 100_000),
        Some(us) => format!("{}s", short(us / 1_000_000)),
    }
}

/// An age: `3s`, `2m`, `3h03m`, `12d`.
#[must_use]
pub fn age(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d", short(seconds / 86_400)),
    }
}

/// Bytes: `512 B`, `12.3 MiB`.
#[must_use]
pub fn bytes(value: u64) -> String {
    const UNITS: [(u32, &str); 4] = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    for (shift, unit) in UNITS {
        let whole = value >> shift;
        if whole > 0 {
            let tenth = (value >> (shift - 10)) % 1024 * 10 / 1024;
            return format!("{whole}.{tenth} {unit}");
        }
    }
    format!("{value} B")
}

/// The share of `used` in `of`, in percent; more than there is, is more than 100.
#[must_use]
pub fn percent(used: u64, of: u64) -> u64 {
    used.saturating_mul(100).checked_div(of).unwrap_or(0)
}

/// A time of day, `12:04:31`, `minutes` east of Greenwich.
#[must_use]
pub fn time_of_day(at: Millis, minutes: i64) -> String {
    part(at, minutes, 11, 19)
}

/// `12:04:31.207`.
#[must_use]
pub fn time_to_millis(at: Millis, minutes: i64) -> String {
    part(at, minutes, 11, 23)
}

/// `2026-11-20 12:04:31.207`.
#[must_use]
pub fn moment(at: Millis, minutes: i64) -> String {
    part(at, minutes, 0, 23).replace('T', " ")
}

fn part(at: Millis, minutes: i64, from: usize, to: usize) -> String {
    if at == Millis::NEVER {
        return "never".to_owned();
    }
    let text = Millis(at.0.saturating_add_signed(minutes * 60_000)).rfc3339();
    text.get(from..to).unwrap_or(&text).to_owned()
}

/// A time in the contract's words as one of ours.
#[must_use]
pub fn read(text: &str) -> Option<Millis> {
    if text == "never" { Some(Millis::NEVER) } else { sledger_wire::values::time(text).ok() }
}

/// `[#####.....]`, of `width` characters in all.
#[must_use]
pub fn gauge(used: u64, of: Option<u64>, width: usize, glyphs: &Glyphs) -> String {
    let inner = width.saturating_sub(2);
    let filled = match of {
        Some(0) => inner,
        Some(of) => usize::try_from(used.saturating_mul(inner as u64) / of).unwrap_or(inner).min(inner),
        None => 0,
    };
    // One that is not at its limit does not look full.
    let filled = if of.is_some_and(|of| used < of) { filled.min(inner.saturating_sub(1)) } else { filled };
    format!("[{}{}]", glyphs.full.repeat(filled), glyphs.empty.repeat(inner - filled))
}

/// The newest `width` of `values` as a line of steps; the highest has the highest step.
#[must_use]
pub fn spark(values: &[u64], width: usize, glyphs: &Glyphs) -> String {
    let shown = values.get(values.len().saturating_sub(width)..).unwrap_or_default();
    let most = shown.iter().copied().max().unwrap_or(0);
    let last = (glyphs.steps.len() - 1) as u64;
    let step = |value: &u64| {
        let place = if most == 0 { 0 } else { (value.saturating_mul(last)).div_ceil(most) };
        usize::try_from(place).ok().and_then(|place| glyphs.steps.get(place)).copied().unwrap_or(' ')
    };
    let pad = width.saturating_sub(shown.len());
    format!("{}{}", " ".repeat(pad), shown.iter().map(step).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_shortened() {
        assert_eq!((number(7), number(1_204_880)), ("7".to_owned(), "1,204,880".to_owned()));
        let shorts = [(999, "999"), (12_345, "12.3k"), (123_456, "123k"), (4_100_000, "4.1M")];
        for (value, shown) in shorts {
            assert_eq!(short(value), shown);
        }
        assert!(short(u64::MAX).len() <= 5);
        assert_eq!(
            (rate(None), rate(Some(312)), rate(Some(212_000))),
            ("-".into(), "0.3".into(), "212".into())
        );
    }

    #[test]
    fn durations_are_told_in_their_own_size() {
        let ages = [(2_400, "2s"), (119_000, "1m"), (10_983_000, "3h03m"), (1_036_800_000, "12d")];
        for (millis, shown) in ages {
            assert_eq!(age(millis), shown);
        }
        let times = [(11, "11us"), (1_940, "1.9ms"), (48_000, "48ms"), (2_000_000, "2.0s")];
        for (us, shown) in times {
            assert_eq!(micros(Some(us)), shown);
        }
        assert_eq!(bytes(12_900_000), "12.3 MiB");
    }

    #[test]
    fn a_gauge_is_full_at_the_limit_only() {
        let ascii = Glyphs::ascii();
        assert_eq!(gauge(5, Some(5), 12, &ascii), "[##########]");
        assert_eq!(gauge(199, Some(200), 12, &ascii), "[#########.]");
        assert_eq!(gauge(0, None, 12, &ascii), "[..........]");
        assert_eq!(gauge(9, Some(0), 4, &ascii), "[##]");
        assert_eq!(gauge(u64::MAX, Some(3), 0, &ascii), "[]");
    }

    #[test]
    fn a_line_of_steps_shows_the_newest_and_is_as_wide_as_asked() {
        let ascii = Glyphs::ascii();
        assert_eq!(spark(&[0, 5, 10], 5, &ascii), "  _=#");
        assert_eq!(spark(&[9, 9, 0, 0], 2, &ascii), "__");
        assert_eq!(spark(&[], 3, &ascii), "   ");
    }

    #[test]
    fn times_are_shown_in_the_offset_and_never_is_a_word() {
        let at = Millis(1_795_176_271_207);
        assert_eq!(time_to_millis(at, 60), "13:04:31.207");
        assert_eq!(moment(at, 0), "2026-11-20 12:04:31.207");
        assert_eq!(time_of_day(Millis::NEVER, 0), "never");
    }
}
