//! Names: of sessions, quotas and policies.

use super::Reason;
use crate::escape::brief;
use sledger_core::Seq;
use sledger_core::event::PolicyRef;

/// Bytes of a quota's or policy's name.
const NAME_BYTES_MAX: usize = 64;

/// A session as somebody names it: `id`, or `id@SEQ` for one of several that had the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionName {
    /// The text as given: an id may itself end in `@` and digits, so a live session of this whole id comes first.
    pub text: String,
    /// The id before the `@`.
    pub id: String,
    /// The session's number.
    pub number: Option<Seq>,
}

impl SessionName {
    /// Reads `id` or `id@SEQ`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let numbered = text.rsplit_once('@').and_then(|(id, number)| {
            let digits =
                !id.is_empty() && !number.is_empty() && number.chars().all(|letter| letter.is_ascii_digit());
            digits.then(|| number.parse().ok()).flatten().map(|number| (id, Seq(number)))
        });
        match numbered {
            Some((id, number)) => Self { text: text.to_owned(), id: id.to_owned(), number: Some(number) },
            None => Self { text: text.to_owned(), id: text.to_owned(), number: None },
        }
    }
}

/// Checks a policy's name: `[a-z0-9_]+`, at most 64 bytes.
///
/// # Errors
/// When it is not of that shape.
pub fn policy_name(text: &str) -> Result<&str, Reason> {
    let shape = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.chars().all(shape) {
        return Ok(text);
    }
    Err(format!("`{}` is no policy name: write lower-case letters, digits and `_`, at most 64", brief(text))
        .into())
}

/// Checks a quota's name: letters, digits, `-`, `_` and `.`, at most 64, beginning with a letter or digit.
///
/// # Errors
/// When it is not of that shape.
pub fn quota_name(text: &str) -> Result<&str, Reason> {
    let shape = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let begins = text.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    if begins && text.len() <= NAME_BYTES_MAX && text.chars().all(shape) {
        return Ok(text);
    }
    Err(format!("`{}` is no quota name: write letters, digits, `-`, `_` and `.`, at most 64", brief(text))
        .into())
}

/// Reads a policy with its revision: `destroy_oldest@3f9a12c0`.
///
/// # Errors
/// When it is not a name, `@` and eight hex digits.
pub fn policy_ref(text: &str) -> Result<PolicyRef, Reason> {
    let parts =
        text.rsplit_once('@').filter(|(_, hex)| hex.len() == 8 && hex.chars().all(|c| c.is_ascii_hexdigit()));
    let revision = parts.and_then(|(_, hex)| u32::from_str_radix(hex, 16).ok()).map(u32::to_be_bytes);
    match (parts, revision) {
        (Some((name, _)), Some(revision)) => Ok(PolicyRef { name: policy_name(name)?.into(), revision }),
        _ => Err(format!("`{}` is no revision: write e.g. `destroy_oldest@3f9a12c0`", brief(text)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_named_by_id_or_by_id_and_number() {
        let named = |text| {
            let name = SessionName::parse(text);
            (name.id, name.number.map(|seq| seq.0))
        };
        assert_eq!(named("a"), ("a".to_owned(), None));
        assert_eq!(named("a@31002"), ("a".to_owned(), Some(31_002)));
        assert_eq!(named("a@b@7"), ("a@b".to_owned(), Some(7)));
        for text in ["a@b", "@7", "a@", "a@-1", "a@99999999999999999999"] {
            assert_eq!(named(text), (text.to_owned(), None));
        }
    }

    #[test]
    fn policies_are_shown_and_read_alike() {
        let policy = policy_ref("destroy_oldest@3f9a12c0").unwrap();
        assert_eq!(policy.to_string(), "destroy_oldest@3f9a12c0");
        for text in ["destroy_oldest", "x@3f9a12c", "X@3f9a12c0", "@3f9a12c0", "x@3f9a12cg"] {
            assert!(policy_ref(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_of_another_shape_are_refused() {
        assert!(quota_name("per-user").is_ok());
        for text in ["", "-x", "a b", "per/user", "ünits"] {
            let reason =
                format!("`{text}` is no quota name: write letters, digits, `-`, `_` and `.`, at most 64");
            assert_eq!(quota_name(text), Err(reason.into()));
        }
        let reason = "`Bad` is no policy name: write lower-case letters, digits and `_`, at most 64";
        assert_eq!(policy_name("Bad"), Err(reason.into()));
    }
}
