//! A user's time line: each session's life as a line, how many there were at once, who was refused when.

use super::Look;
use crate::app::App;
use crate::figure;
use crate::scene::SessionRow;
use crate::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use sledger_core::Millis;

/// Columns of the names at most.
const NAMES: usize = 14;
/// From this many rows on there is one for what was refused.
const ROWS_FOR_DENIALS: usize = 4;

/// What is shown of time, and in how many columns.
#[derive(Clone, Copy)]
struct Span {
    from: Millis,
    until: Millis,
    wide: usize,
}

impl Span {
    /// The column of a moment; none where it is not shown.
    fn column(self, at: Millis) -> Option<usize> {
        (self.from <= at && at <= self.until).then(|| self.clamped(at))
    }

    /// The column of a moment, or the one at the end where it lies beyond.
    fn clamped(self, at: Millis) -> usize {
        let last = self.wide.saturating_sub(1);
        let shown = u128::from(self.until.since(self.from).max(1));
        let at = at.clamp(self.from, self.until);
        let place = u128::from(at.since(self.from)) * last as u128 / shown;
        usize::try_from(place).unwrap_or(last).min(last)
    }
}

/// Draws it.
pub(super) fn render(look: &Look<'_>, rows: &[SessionRow], area: Rect, buffer: &mut Buffer) {
    let app = look.app;
    let zone = app.setup.zone_minutes;
    let begin = rows.iter().map(|row| row.started).min().unwrap_or_else(|| app.moment());
    let (from, until) = app.user_window(begin);
    let title =
        format!("timeline {} -> {}", figure::time_of_day(from, zone), figure::time_of_day(until, zone));
    let inner = look.frame(&title, "x evicted > live . expired | ended ! denied", None, area, buffer);
    let width = usize::from(inner.width);
    let names = NAMES.min(width / 3);
    let span = Span { from, until, wide: width.saturating_sub(names + 3) };
    let height = usize::from(inner.height);
    let below = if height > ROWS_FOR_DENIALS { 2 } else { 1 };
    let lanes = height.saturating_sub(below);
    let numbers: Vec<u64> = rows.iter().map(|row| row.number).collect();
    let offset = app.sessions.offset(&numbers, lanes);
    let mut lines: Vec<_> =
        rows.iter().skip(offset).take(lanes).map(|row| lane(look, row, span, names)).collect();
    lines.resize(lanes.min(height), Line::default());
    lines.push(used(look, rows, span, names));
    if below > 1 {
        lines.push(denied(look, span, names));
    }
    Look::lines(lines, inner, buffer);
}

/// One session's life.
fn lane(look: &Look<'_>, row: &SessionRow, span: Span, names: usize) -> Line<'static> {
    let (end, mark) = match &row.ended {
        Some((at, cause)) => (*at, end_mark(cause)),
        None => (span.until, '>'),
    };
    let name = text::left(&row.session, names, &look.glyphs);
    let chosen = if look.app.sessions.chosen == Some(row.number) { look.glyphs.cursor } else { ' ' };
    let style = if row.ended.is_some() { look.theme.dim } else { look.theme.plain };
    let begin = format!("{chosen}{name} ");
    if end < span.from || row.started > span.until {
        return Line::styled(begin, style);
    }
    let (first, last) = (span.clamped(row.started), span.clamped(end));
    let life: String = std::iter::repeat_n(look.glyphs.life, last.saturating_sub(first)).collect();
    // What goes on beyond what is shown has no end here.
    let mark = if end > span.until { look.glyphs.life } else { mark };
    Line::styled(format!("{begin}{}{life}{mark}", " ".repeat(first)), style)
}

const fn end_mark(cause: &str) -> char {
    match cause.as_bytes() {
        b"evicted" => 'x',
        b"ttl" | b"idle" | b"retention" => '.',
        _ => '|',
    }
}

/// How many sessions there were at once, in each column.
fn used(look: &Look<'_>, rows: &[SessionRow], span: Span, names: usize) -> Line<'static> {
    let mut counts = vec![0_u64; span.wide];
    for row in rows {
        let end = row.ended.as_ref().map_or(span.until, |(at, _)| *at);
        if end < span.from || row.started > span.until {
            continue;
        }
        let lived = span.clamped(row.started)..=span.clamped(end);
        counts.get_mut(lived).unwrap_or_default().iter_mut().for_each(|count| *count += 1);
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    let name = text::left(&format!("at once <= {most}"), names, &look.glyphs);
    let shown = figure::spark(&counts, span.wide, &look.glyphs);
    Line::styled(format!(" {name} {shown}"), look.theme.focus)
}

/// When somebody was refused.
fn denied(look: &Look<'_>, span: Span, names: usize) -> Line<'static> {
    let mut cells = vec![' '; span.wide];
    let mut count = 0;
    for at in refusals(look.app) {
        if let Some(cell) = span.column(at).and_then(|place| cells.get_mut(place)) {
            *cell = '!';
            count += 1;
        }
    }
    let name = text::left(&format!("denied {count}"), names, &look.glyphs);
    Line::styled(format!(" {name} {}", cells.into_iter().collect::<String>()), look.theme.bad)
}

fn refusals(app: &App) -> impl Iterator<Item = Millis> {
    let denied = app.timeline().filter(|event| event.kind == "login.denied");
    denied.filter_map(|event| figure::read(&event.at))
}
