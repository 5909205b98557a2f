//! The characters that things are drawn with: boxes, bars, steps; all ASCII where a terminal knows no more.

use ratatui::symbols::border;

/// A set of characters, each one column wide.
#[derive(Clone, Copy, Debug)]
pub struct Glyphs {
    /// Frames.
    pub border: border::Set<'static>,
    /// A filled part of a gauge.
    pub full: &'static str,
    /// An empty part of a gauge.
    pub empty: &'static str,
    /// Heights, from none to full.
    pub steps: &'static [char],
    /// A life on a time line.
    pub life: char,
    /// What stands for text that was cut.
    pub cut: char,
    /// Where the chosen row is.
    pub cursor: char,
    /// A line between.
    pub rule: char,
}

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

impl Glyphs {
    /// For terminals that show ASCII only.
    #[must_use]
    pub const fn ascii() -> Self {
        Self {
            border: ASCII_BORDER,
            full: "#",
            empty: ".",
            steps: &['_', '.', '-', '=', '*', '#'],
            life: '=',
            cut: '~',
            cursor: '>',
            rule: '-',
        }
    }

    /// For all others.
    #[must_use]
    pub const fn unicode() -> Self {
        Self {
            border: border::PLAIN,
            full: "█",
            empty: "░",
            steps: &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            life: '━',
            cut: '…',
            cursor: '▶',
            rule: '─',
        }
    }

    /// Those asked for.
    #[must_use]
    pub const fn of(ascii: bool) -> Self {
        if ascii { Self::ascii() } else { Self::unicode() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthChar as _;

    #[test]
    fn every_character_takes_one_column_and_ascii_is_ascii() {
        for (glyphs, is_ascii) in [(Glyphs::ascii(), true), (Glyphs::unicode(), false)] {
            let set = glyphs.border;
            let texts = [set.top_left, set.horizontal_top, set.vertical_left, glyphs.full, glyphs.empty];
            let letters = texts.iter().flat_map(|text| text.chars());
            let others = [glyphs.life, glyphs.cut, glyphs.cursor, glyphs.rule];
            for letter in letters.chain(others).chain(glyphs.steps.iter().copied()) {
                assert_eq!(letter.width(), Some(1), "{letter}");
                assert!(!is_ascii || letter.is_ascii(), "{letter}");
            }
        }
    }
}
