//! Amounts of bytes: `256MiB`, or a whole number of bytes.

use super::Reason;
use crate::escape::brief;

const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// Reads an amount of bytes with its unit.
///
/// # Errors
/// When there is no number, an unknown unit, or more than fits into 64 bits.
pub fn bytes(text: &str) -> Result<u64, Reason> {
    let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start();
    if digits == 0 {
        return Err(format!("`{}` is no amount of bytes: write e.g. `256MiB`", brief(text)).into());
    }
    let factor = if unit.is_empty() { Some(1) } else { factor(unit) };
    let Some(factor) = factor else {
        return Err(format!(
            "`{}` has the unknown unit `{}`: known are `B`, `KiB`, `MiB`, `GiB`, `TiB`",
            brief(text),
            brief(unit)
        )
        .into());
    };
    let amount = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    amount.ok_or_else(|| format!("`{}` is more than can be counted", brief(text)).into())
}

fn factor(unit: &str) -> Option<u64> {
    UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, factor)| *factor)
}

/// `count` in the largest binary unit that divides it.
#[must_use]
pub fn bytes_text(count: u64) -> String {
    let unit = UNITS.iter().take(4).find(|(_, factor)| count > 0 && count.is_multiple_of(*factor));
    match unit {
        Some((name, factor)) => format!("{}{name}", count / factor),
        None => format!("{count}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_shown_alike() {
        for (text, count) in [("256MiB", 256 << 20), ("1GiB", 1 << 30), ("1000B", 1000), ("0B", 0)] {
            assert_eq!(bytes(text), Ok(count));
            assert_eq!(bytes_text(count), text);
        }
        assert_eq!(bytes("5MB"), Ok(5_000_000));
        assert_eq!(bytes("12"), Ok(12));
    }

    #[test]
    fn bad_amounts_are_refused() {
        assert_eq!(bytes("much"), Err("`much` is no amount of bytes: write e.g. `256MiB`".into()));
        assert_eq!(
            bytes("5 pigs"),
            Err("`5 pigs` has the unknown unit `pigs`: known are `B`, `KiB`, `MiB`, `GiB`, `TiB`".into())
        );
        assert_eq!(bytes("99999999999TiB"), Err("`99999999999TiB` is more than can be counted".into()));
    }
}
