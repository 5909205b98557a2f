//! A terminal's screen as a picture: SVG of the cells, with their colours, as `tmux capture-pane -e` tells them.
//!
//! Known: the sixteen colours, bold, dim, underlined, reversed. Anything else is drawn plain.

use std::fmt::Write as _;

/// A cell, in hundredths of a unit: whole numbers, so that a picture drawn twice is the same.
const CELL: (usize, usize) = (840, 1700);
const MARGIN: usize = 1000;
/// What stands where no colour is said.
const PAPER: &str = "#14161b";
const INK: &str = "#d5d8de";
/// The sixteen colours.
const COLOURS: [&str; 16] = [
    "#3b4048", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d5d8de", "#6b7280",
    "#ff7b85", "#b5e08f", "#ffd88a", "#82c4ff", "#dd93ee", "#7fd3de", "#ffffff",
];

#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a terminal switches each by itself")]
struct Style {
    ink: Option<usize>,
    paper: Option<usize>,
    is_bold: bool,
    is_dim: bool,
    is_underlined: bool,
    is_reversed: bool,
}

impl Style {
    /// What the numbers of a control sequence change.
    fn change(&mut self, numbers: &str) {
        let mut numbers = numbers.split(';').map(|number| number.parse::<usize>().unwrap_or(0));
        while let Some(number) = numbers.next() {
            match number {
                // `38;5;N`: one of the palette, of which the first sixteen are known here.
                38 | 48 => {
                    let colour = numbers.nth(1).filter(|colour| *colour < COLOURS.len());
                    if number == 38 { self.ink = colour } else { self.paper = colour }
                }
                0 => *self = Self::default(),
                1 => self.is_bold = true,
                2 => self.is_dim = true,
                4 => self.is_underlined = true,
                7 => self.is_reversed = true,
                22 => (self.is_bold, self.is_dim) = (false, false),
                24 => self.is_underlined = false,
                27 => self.is_reversed = false,
                colour @ 30..=37 => self.ink = Some(colour - 30),
                39 => self.ink = None,
                colour @ 40..=47 => self.paper = Some(colour - 40),
                49 => self.paper = None,
                colour @ 90..=97 => self.ink = Some(colour - 82),
                colour @ 100..=107 => self.paper = Some(colour - 92),
                _ => {}
            }
        }
    }

    fn colours(self) -> (&'static str, &'static str) {
        let colour = |place: usize| COLOURS.get(place).copied().unwrap_or(INK);
        let (ink, paper) = (self.ink.map_or(INK, colour), self.paper.map_or(PAPER, colour));
        if self.is_reversed { (paper, ink) } else { (ink, paper) }
    }
}

/// The screen of `columns` and `rows` as SVG.
#[must_use]
pub fn svg(screen: &str, (columns, rows): (u16, u16)) -> String {
    let size = |cells: u16, cell: usize| hundredths(usize::from(cells) * cell + 2 * MARGIN);
    let (width, height) = (size(columns, CELL.0), size(rows, CELL.1));
    let mut to = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"{PAPER}\"/>\n\
         <g font-family=\"'DejaVu Sans Mono','Cascadia Mono',Menlo,Consolas,monospace\" font-size=\"14\" xml:space=\"preserve\">\n"
    );
    for (row, line) in screen.lines().enumerate() {
        for (column, text, style) in runs(line) {
            run(&mut to, (column, row), &text, style);
        }
    }
    to.push_str("</g>\n</svg>\n");
    to
}

/// Text of one style, with the column where it begins.
fn runs(line: &str) -> Vec<(usize, String, Style)> {
    let mut runs: Vec<(usize, String, Style)> = Vec::new();
    let (mut style, mut column) = (Style::default(), 0);
    let mut rest = line;
    while let Some(letter) = rest.chars().next() {
        let sequence = rest.strip_prefix("\u{1b}[").and_then(|behind| behind.split_once('m'));
        if let Some((numbers, behind)) = sequence {
            style.change(numbers);
            rest = behind;
            continue;
        }
        match runs.last_mut() {
            Some((_, text, known)) if *known == style => text.push(letter),
            _ => runs.push((column, letter.to_string(), style)),
        }
        column += 1;
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
    }
    runs
}

fn run(to: &mut String, (column, row): (usize, usize), text: &str, style: Style) {
    let (ink, paper) = style.colours();
    let cells = text.chars().count();
    let (x, y) = (MARGIN + column * CELL.0, MARGIN + row * CELL.1);
    let (left, width) = (hundredths(x), hundredths(cells * CELL.0));
    // Writing to memory does not fail.
    if paper != PAPER {
        let (top, height) = (hundredths(y), hundredths(CELL.1));
        let _always = writeln!(
            to,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"{paper}\"/>"
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let base = hundredths(y + CELL.1 * 3 / 4);
    let mut how = String::new();
    for (is_so, attribute) in [
        (style.is_bold, " font-weight=\"bold\""),
        (style.is_dim, " opacity=\"0.6\""),
        (style.is_underlined, " text-decoration=\"underline\""),
    ] {
        how.push_str(if is_so { attribute } else { "" });
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _always = writeln!(
        to,
        "<text x=\"{left}\" y=\"{base}\" textLength=\"{width}\" fill=\"{ink}\"{how}>{text}</text>"
    );
}

fn hundredths(value: usize) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_places_are_kept_and_text_is_escaped() {
        assert!(svg("\u{1b}[38;5;2mgreen", (9, 1)).contains("fill=\"#98c379\">green"));
        let shown = svg("a\u{1b}[31;1m<b>\u{1b}[0m c\n\u{1b}[7mrev\u{1b}[27m", (10, 2));
        assert!(shown.contains("fill=\"#e06c75\" font-weight=\"bold\">&lt;b&gt;</text>"), "{shown}");
        assert!(shown.contains("<text x=\"18.40\" y=\"22.75\" textLength=\"25.20\""), "{shown}");
        assert!(shown.contains("fill=\"#14161b\">rev</text>"), "reversed: {shown}");
        assert!(shown.starts_with("<svg") && shown.ends_with("</svg>\n"));
    }
}
