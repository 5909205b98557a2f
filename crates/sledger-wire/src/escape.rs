//! Showing text that comes from strangers.
//!
//! User names, ids and attributes may hold what moves a terminal's cursor, turns
//! the direction of writing or takes no room at all. What is shown goes through
//! [`escape`]; what is stored or sent as JSON does not.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Characters of a stranger's text that an error shows at most.
const SHOWN_CHARS_MAX: usize = 60;

/// `text` with everything that would not show as itself written as `\n`, `\t`, `\r` or `\u{…}`.
///
/// Borrowed where nothing had to be done. A backslash stays as it is: `DOMAIN\ann` is read by people.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    text.chars().for_each(|letter| push(&mut shown, letter));
    Cow::Owned(shown)
}

/// [`escape`], cut to what fits into one line of an error.
#[must_use]
pub fn brief(text: &str) -> String {
    let mut shown = String::new();
    for (count, letter) in text.chars().enumerate() {
        if count == SHOWN_CHARS_MAX {
            shown.push('…');
            break;
        }
        push(&mut shown, letter);
    }
    shown
}

fn push(shown: &mut String, letter: char) {
    match letter {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        other if is_hostile(other) => {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(other));
        }
        other => shown.push(other),
    }
}

/// Whether a character does not show as itself: control, direction, no width, line breaks, no character at all.
fn is_hostile(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
                | '\u{f0000}'..='\u{10ffff}'
        )
        || (u32::from(letter) & 0xfffe) == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmless_text_is_borrowed() {
        for text in ["ann", "Åse Ødegård", "李雷", "DOMAIN\\ann", "a b", ""] {
            assert!(matches!(escape(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn what_does_not_show_as_itself_is_written_out() {
        let cases = [
            ("a\nb", "a\\nb"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("ann\u{202e}nimda", "ann\\u{202e}nimda"),
            ("a\u{200b}b", "a\\u{200b}b"),
            ("\u{9b}x", "\\u{9b}x"),
            ("\u{e0041}", "\\u{e0041}"),
            ("\u{feff}", "\\u{feff}"),
        ];
        for (text, shown) in cases {
            assert_eq!(escape(text), shown);
        }
    }

    #[test]
    fn long_text_is_cut_in_errors() {
        assert_eq!(brief(&"x".repeat(500)).chars().count(), SHOWN_CHARS_MAX + 1);
    }
}
