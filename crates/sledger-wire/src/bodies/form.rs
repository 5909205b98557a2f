//! The one body that is no JSON: the form of an introspection (RFC 7662, section 2.1).

use crate::escape::brief;
use sledger_core::command::Rejection;

/// The token that `POST /v1/introspect` asks about: a session's id. A `token_type_hint`, and whatever else a client
/// sends along, means nothing here, as the standard allows.
///
/// # Errors
/// Names what is wrong with `token`: missing, empty, or given twice, so that nobody can tell which was meant.
pub fn token_from_form(body: &[u8]) -> Result<String, Rejection> {
    let mut tokens = form_urlencoded::parse(body).filter(|(key, _)| key == "token").map(|(_, token)| token);
    match (tokens.next(), tokens.next()) {
        (Some(token), None) if !token.is_empty() => Ok(token.into_owned()),
        (Some(_), None) => Err(Rejection::new("token", "is empty")),
        (Some(first), Some(_)) => {
            Err(Rejection::new("token", format!("is given more than once, first as `{}`", brief(&first))))
        }
        (None, _) => Err(Rejection::new("token", "is missing")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_read_and_the_rest_is_passed_over() {
        for body in
            ["token=a%2Fb+c", "token_type_hint=access_token&token=a/b%20c&x=%ff&&=", "token=a%2fb+c&token_"]
        {
            assert_eq!(token_from_form(body.as_bytes()), Ok("a/b c".to_owned()), "{body}");
        }
    }

    #[test]
    fn a_form_without_exactly_one_token_is_refused() {
        let cases = [
            ("", "is missing"),
            ("Token=a", "is missing"),
            (r#"{"token":"a"}"#, "is missing"),
            ("token=", "is empty"),
            ("token=a&token=b", "is given more than once, first as `a`"),
        ];
        for (body, reason) in cases {
            assert_eq!(token_from_form(body.as_bytes()), Err(Rejection::new("token", reason)), "{body}");
        }
    }
}
