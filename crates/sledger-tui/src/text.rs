//! Strangers' text in columns: escaped, measured by what a terminal shows, cut to fit.

use crate::glyphs::Glyphs;
use sledger_wire::escape;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// How many columns a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text`, escaped and cut to at most `width` columns.
#[must_use]
pub fn cut(text: &str, width: usize, glyphs: &Glyphs) -> String {
    let shown = escape(text);
    if shown.width() <= width {
        return shown.into_owned();
    }
    let mut kept = String::new();
    let mut room = width.saturating_sub(1);
    for letter in shown.chars() {
        let taken = letter.width().unwrap_or(0);
        if taken > room {
            break;
        }
        room -= taken;
        kept.push(letter);
    }
    if width > 0 {
        kept.push(glyphs.cut);
    }
    kept
}

/// `text`, escaped, in exactly `width` columns, at their left.
#[must_use]
pub fn left(text: &str, width: usize, glyphs: &Glyphs) -> String {
    let mut shown = cut(text, width, glyphs);
    let pad = width.saturating_sub(shown.width());
    shown.extend(std::iter::repeat_n(' ', pad));
    shown
}

/// `text`, escaped, in exactly `width` columns, at their right.
#[must_use]
pub fn right(text: &str, width: usize, glyphs: &Glyphs) -> String {
    let shown = cut(text, width, glyphs);
    let pad = width.saturating_sub(shown.width());
    format!("{}{shown}", " ".repeat(pad))
}

/// What is escaped already, in exactly `width` columns where it is shorter.
#[must_use]
pub fn left_escaped(shown: &str, width: usize) -> String {
    let pad = width.saturating_sub(shown.width());
    format!("{shown}{}", " ".repeat(pad))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wide_characters_are_measured_by_what_they_take() {
        let ascii = Glyphs::ascii();
        assert_eq!(left("李雷", 5, &ascii), "李雷 ");
        assert_eq!(left("李雷韩梅梅", 5, &ascii), "李雷~");
        assert_eq!(left("李雷韩", 4, &ascii), "李~ ");
        assert_eq!(right("ann", 5, &ascii), "  ann");
        assert_eq!(cut("ann", 0, &ascii), "");
    }

    #[test]
    fn what_moves_a_terminal_is_written_out() {
        assert_eq!(left("\u{1b}[2J", 12, &Glyphs::ascii()), "\\u{1b}[2J   ");
    }

    proptest! {
        #[test]
        fn any_text_takes_exactly_the_columns_it_gets(text in "\\PC{0,40}|(?s).{0,40}", width in 0_usize..60) {
            let shown = left(&text, width, &Glyphs::unicode());
            prop_assert_eq!(shown.width(), width);
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
