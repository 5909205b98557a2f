//! Durations as policies write them: `"90s"`, `"5m"`, `"2h"`, `"1d"`, in whole seconds.

/// The seconds of `text`, `None` when it is no duration of whole seconds.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: i64 = number.parse().ok()?;
    match unit {
        "ms" => (number % 1000 == 0).then_some(number / 1000),
        "s" => Some(number),
        "m" => number.checked_mul(60),
        "h" => number.checked_mul(3600),
        "d" => number.checked_mul(86_400),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn durations_are_whole_seconds_with_a_unit() {
        let known = [("90s", 90), ("5m", 300), ("2h", 7200), ("1d", 86_400), ("2000ms", 2), ("0s", 0)];
        for (text, expected) in known {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in ["", "5", "m", "250ms", "-5m", "5 m", "5w", "99999999999999999d", "never"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
