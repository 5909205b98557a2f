//! The JSON of the feed on one line that every reader takes for one.

use crate::escape::escape;
use crate::events::EventLine;
use std::fmt::Write as _;

/// How every line begins; the seq follows.
pub(super) const BEGIN: &str = r#"{"seq":"#;

/// The same value as [`EventLine::to_json`], with characters that do not show as themselves written as `\uXXXX`.
///
/// Some readers end a line at U+2028 or U+0085, and terminals act on C1 controls and on what turns the direction of
/// writing; such characters stand within strings only, where the escape means the same.
pub(super) fn line(event: &EventLine) -> String {
    let json = event.to_json();
    if matches!(escape(&json), std::borrow::Cow::Borrowed(_)) {
        return json;
    }
    let mut line = String::with_capacity(json.len() + 32);
    let mut letter_text = [0; 4];
    for letter in json.chars() {
        match escape(letter.encode_utf8(&mut letter_text)) {
            std::borrow::Cow::Borrowed(shown) => line.push_str(shown),
            std::borrow::Cow::Owned(_) => push_units(&mut line, letter),
        }
    }
    line
}

fn push_units(line: &mut String, letter: char) {
    for unit in letter.encode_utf16(&mut [0; 2]) {
        // Writing to memory does not fail.
        let _always = write!(line, "\\u{unit:04x}");
    }
}
