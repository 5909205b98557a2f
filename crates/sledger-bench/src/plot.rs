//! Curves as an SVG: one panel under another, a logarithmic axis of live sessions.
//!
//! Plain text: shapes and words, no script, no font, nothing fetched. Colours are readable on light and on dark, and
//! the background is what the page has.
#![expect(clippy::float_arithmetic, reason = "figures are drawn, never stored or decided on")]

use crate::stats::plain;
use std::fmt::Write as _;

/// Units of the drawing.
const WIDTH: f64 = 720.0;
const PANEL: f64 = 300.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 56.0;
/// Parts of the upright axis.
const PARTS: u32 = 4;
/// Colours that stand out from white as well as from black.
const STYLE: &str = "text{font:13px sans-serif;fill:#777}.title{font-size:16px}.axis{stroke:#777}\
    .grid{stroke:#777;stroke-opacity:.25}.curve{stroke:#2a7de1;stroke-width:2.5;fill:none}circle{fill:#2a7de1}\
    .value{fill:#2a7de1}";

/// One curve: a value for each number of live sessions.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    title: &'static str,
    unit: &'static str,
    /// In rising order.
    points: Vec<(u64, f64)>,
}

/// Where a panel's values lie.
struct Scale {
    top: f64,
    few: f64,
    many: f64,
    most: f64,
}

impl Series {
    /// A curve through `points`, sorted by sessions.
    pub(crate) fn new(
        title: &'static str,
        unit: &'static str,
        points: impl Iterator<Item = (u64, f64)>,
    ) -> Self {
        let mut points: Vec<_> = points.collect();
        points.sort_unstable_by_key(|(live, _)| *live);
        Self { title, unit, points }
    }
}

/// All curves as one drawing.
pub(crate) fn svg(all: &[Series]) -> String {
    let height = PANEL * plain(all.len() as u64);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\"><title>sledger by live sessions</title><style>{STYLE}</style>\n"
    );
    let mut top = 0.0;
    for series in all {
        panel(&mut out, series, top);
        top += PANEL;
    }
    out.push_str("</svg>\n");
    out
}

fn panel(out: &mut String, series: &Series, top: f64) {
    let scale = Scale::of(series, top);
    text(out, (WIDTH / 2.0, top + 24.0), "middle", "title", series.title);
    upright(out, &scale, series.unit);
    across(out, &scale, series);
    curve(out, &scale, series);
}

fn upright(out: &mut String, scale: &Scale, unit: &str) {
    for part in 0..=PARTS {
        let value = scale.most * f64::from(part) / f64::from(PARTS);
        let y = scale.y(value);
        line(out, (LEFT, y), (WIDTH - RIGHT, y), if part == 0 { "axis" } else { "grid" });
        text(out, (LEFT - 8.0, y + 4.0), "end", "", &shown(value));
    }
    line(out, (LEFT, scale.y(0.0)), (LEFT, scale.y(scale.most)), "axis");
    text(out, (8.0, scale.y(scale.most) - 10.0), "start", "", unit);
}

fn across(out: &mut String, scale: &Scale, series: &Series) {
    let bottom = scale.y(0.0);
    for (live, _) in &series.points {
        let x = scale.x(*live);
        line(out, (x, bottom), (x, bottom + 5.0), "axis");
        text(out, (x, bottom + 20.0), "middle", "", &grouped(*live));
    }
    text(out, (LEFT.midpoint(WIDTH - RIGHT), bottom + 42.0), "middle", "", "live sessions, logarithmic");
}

fn curve(out: &mut String, scale: &Scale, series: &Series) {
    let at = |(live, value): &(u64, f64)| (scale.x(*live), scale.y(*value));
    let places: Vec<String> = series.points.iter().map(at).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    // Writing to a text cannot fail, here and below.
    let _written = writeln!(out, "<polyline class=\"curve\" points=\"{}\"/>", places.join(" "));
    for point in &series.points {
        let (x, y) = at(point);
        let _written = writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>");
        text(out, (x, y - 9.0), "middle", "value", &shown(point.1));
    }
}

impl Scale {
    fn of(series: &Series, top: f64) -> Self {
        let ends = [series.points.first(), series.points.last()]
            .map(|end| plain(end.map_or(1, |end| end.0)).log10());
        let most = series.points.iter().fold(0.0, |most: f64, (_, value)| most.max(*value));
        let [few, many] = ends;
        Self { top, few, many, most: round_up(most) }
    }

    fn x(&self, live: u64) -> f64 {
        let (wide, inner) = (self.many - self.few, WIDTH - LEFT - RIGHT - 60.0);
        let part = if wide > 0.0 { (plain(live).log10() - self.few) / wide } else { 0.5 };
        LEFT + 30.0 + part * inner
    }

    fn y(&self, value: f64) -> f64 {
        let inner = PANEL - TOP - BOTTOM - 20.0;
        self.top + TOP + 20.0 + inner * (1.0 - value / self.most)
    }
}

/// The next of 1, 2, 4, 8 times a power of ten: parts of it are short numbers.
fn round_up(most: f64) -> f64 {
    let power = 10_f64.powf(most.max(1e-9).log10().floor());
    [1.0, 2.0, 4.0, 8.0, 10.0]
        .into_iter()
        .map(|times| times * power)
        .find(|round| *round >= most)
        .unwrap_or(most)
}

fn shown(value: f64) -> String {
    let digits = match value {
        value if value >= 100.0 || value == 0.0 => 0,
        value if value >= 1.0 => 1,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// Thousands kept apart by a thin space.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 3 == first {
            out.push('\u{2009}');
        }
        out.push(digit);
    }
    out
}

fn line(out: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
    let _written = writeln!(
        out,
        "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
    );
}

/// All words are this program's own: nothing in them needs escaping.
fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, class: &str, words: &str) {
    let _written = writeln!(
        out,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn higher_values_stand_higher_and_more_sessions_further_right() {
        let series = Series::new("t", "us", [(1000, 10.0), (100, 5.0), (10_000, 2.0)].into_iter());
        let scale = Scale::of(&series, 0.0);
        assert!(scale.y(10.0) < scale.y(5.0) && scale.y(5.0) < scale.y(0.0));
        // Equal factors are equal distances.
        let steps = [100, 1000, 10_000].map(|live| scale.x(live));
        assert!((steps[1] - steps[0] - (steps[2] - steps[1])).abs() < 1e-6, "{steps:?}");
        assert!(scale.y(10.0) >= TOP && scale.y(0.0) <= PANEL - BOTTOM);
    }

    #[test]
    fn drawing_names_title_unit_and_both_axes() {
        let series = Series::new("Memory for each live session", "bytes", [(1_000_000, 250.0)].into_iter());
        let drawn = svg(&[series]);
        for words in [
            "Memory for each live session",
            ">bytes<",
            "live sessions, logarithmic",
            "1\u{2009}000\u{2009}000",
        ] {
            assert!(drawn.contains(words), "{words}: {drawn}");
        }
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
    }

    #[test]
    fn axis_ends_at_a_short_number_above_all_values() {
        for (most, end) in [(0.9, 1.0), (3.0, 4.0), (250.0, 400.0), (8.5, 10.0)] {
            assert!((round_up(most) - end).abs() < 1e-9, "{most}");
        }
    }
}
