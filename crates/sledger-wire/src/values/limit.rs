//! Limits: a number from 1 on, `unlimited` or `banned`.

use super::Reason;
use crate::escape::brief;
use crate::suggest::nearest;
use serde::{Deserialize, Serialize};
use sledger_core::Limit;

/// A limit in JSON: a number, or one of the two words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LimitWord {
    /// At most this many.
    Number(u32),
    /// `unlimited` or `banned`.
    Word(String),
}

impl From<Limit> for LimitWord {
    fn from(limit: Limit) -> Self {
        limit.number().map_or_else(|| Self::Word(limit.to_string()), Self::Number)
    }
}

impl LimitWord {
    /// The core's limit.
    ///
    /// # Errors
    /// When it is 0 or an unknown word.
    pub fn to_limit(&self) -> Result<Limit, Reason> {
        match self {
            Self::Number(number) => limit_number(i128::from(*number)),
            Self::Word(word) => limit(word),
        }
    }
}

impl std::fmt::Display for LimitWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// Reads a limit from a command line: digits or a word.
///
/// # Errors
/// When it is 0, negative, too large, or an unknown word.
pub fn limit(text: &str) -> Result<Limit, Reason> {
    match text {
        "unlimited" => return Ok(Limit::Unlimited),
        "banned" => return Ok(Limit::Banned),
        _ => {}
    }
    if let Ok(number) = text.parse::<i128>() {
        return limit_number(number);
    }
    let meant = foreign(text).or_else(|| nearest(text, ["unlimited", "banned"]));
    let hint = meant.map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
    Err(format!("`{}` is no limit: write a number from 1 on, `unlimited` or `banned`{hint}", brief(text))
        .into())
}

/// A limit given as a number.
///
/// # Errors
/// When it is below 1, which means different things in different products, or does not fit.
pub fn limit_number(number: i128) -> Result<Limit, Reason> {
    match number {
        0 => Err("0 is unlimited in OpenAM and Avi, a ban in EMQX: write `unlimited` or `banned`".into()),
        -1 => Err("-1 is unlimited in AWX: write `unlimited`".into()),
        ..0 => {
            Err(format!("`{number}` is negative: write a number from 1 on, `unlimited` or `banned`").into())
        }
        _ => u32::try_from(number)
            .ok()
            .and_then(Limit::at_most)
            .ok_or_else(|| Reason::new(format!("`{number}` is above {}: write `unlimited`", u32::MAX))),
    }
}

fn foreign(word: &str) -> Option<&'static str> {
    match word.to_ascii_lowercase().as_str() {
        "infinity" | "infinite" | "inf" | "none" | "never" | "no_limit" | "nolimit" => Some("unlimited"),
        "ban" | "blocked" | "block" | "deny" | "denied" | "disabled" => Some("banned"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_numbers_or_two_words() {
        assert_eq!(limit("5"), Ok(Limit::at_most(5).unwrap()));
        assert_eq!(limit("unlimited"), Ok(Limit::Unlimited));
        assert_eq!(limit("banned"), Ok(Limit::Banned));
        for word in [Limit::Unlimited, Limit::Banned, Limit::at_most(7).unwrap()] {
            assert_eq!(LimitWord::from(word).to_limit(), Ok(word));
        }
    }

    #[test]
    fn foreign_numbers_and_words_are_answered_with_ours() {
        let cases = [
            ("0", "0 is unlimited in OpenAM and Avi, a ban in EMQX: write `unlimited` or `banned`"),
            ("-1", "-1 is unlimited in AWX: write `unlimited`"),
            ("-7", "`-7` is negative: write a number from 1 on, `unlimited` or `banned`"),
            ("4294967296", "`4294967296` is above 4294967295: write `unlimited`"),
            (
                "infinity",
                "`infinity` is no limit: write a number from 1 on, `unlimited` or `banned`; did you mean `unlimited`?",
            ),
            (
                "baned",
                "`baned` is no limit: write a number from 1 on, `unlimited` or `banned`; did you mean `banned`?",
            ),
            ("many", "`many` is no limit: write a number from 1 on, `unlimited` or `banned`"),
        ];
        for (text, reason) in cases {
            assert_eq!(limit(text), Err(reason.into()), "{text}");
        }
    }
}
