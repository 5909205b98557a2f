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

/// The most sessions that there were at once, in each column.
fn used(look: &Look<'_>, rows: &[SessionRow], span: Span, names: usize) -> Line<'static> {
    let counts = at_once(rows, span);
    let most = counts.iter().max().copied().unwrap_or(0);
    let name = text::left(&format!("at once <= {most}"), names, &look.glyphs);
    let shown = figure::spark(&counts, span.wide, &look.glyphs);
    Line::styled(format!(" {name} {shown}"), look.theme.focus)
}

/// A column holds many moments: counted is how many there were at one of them, never how many came by. Who makes room
/// goes before the newcomer comes.
fn at_once(rows: &[SessionRow], span: Span) -> Vec<u64> {
    let mut changes: Vec<(Millis, bool)> = rows.iter().map(|row| (row.started, true)).collect();
    changes.extend(rows.iter().filter_map(|row| row.ended.as_ref().map(|(at, _)| (*at, false))));
    changes.sort_unstable();
    let mut counts = vec![0_u64; span.wide];
    let (mut now, mut from) = (0_u64, 0);
    let apply = |now: u64, is_begin| if is_begin { now + 1 } else { now.saturating_sub(1) };
    for (at, is_begin) in changes.into_iter().filter(|(at, _)| *at <= span.until) {
        if at >= span.from {
            let to = span.clamped(at);
            raise(&mut counts, from..=to, now);
            from = to;
        }
        now = apply(now, is_begin);
        if at >= span.from {
            raise(&mut counts, from..=from, now);
        }
    }
    raise(&mut counts, from..=span.wide.saturating_sub(1), now);
    counts
}

fn raise(counts: &mut [u64], columns: std::ops::RangeInclusive<usize>, to: u64) {
    counts.get_mut(columns).unwrap_or_default().iter_mut().for_each(|count| *count = (*count).max(to));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u64, from: u64, to: Option<u64>) -> SessionRow {
        let ended = to.map(|to| (Millis(to), "evicted".to_owned()));
        SessionRow { number, started: Millis(from), ended, ..SessionRow::default() }
    }

    #[test]
    fn a_column_shows_how_many_there_were_at_one_moment_and_not_how_many_came_by() {
        let span = Span { from: Millis(0), until: Millis(1_000), wide: 11 };
        // Two at most, each making room for the next within one column.
        let mut rows: Vec<SessionRow> = (0..20).map(|n| row(n, n, Some(n + 2))).collect();
        rows.push(row(20, 500, None));
        let counts = at_once(&rows, span);
        assert_eq!(counts.iter().max(), Some(&2), "{counts:?}");
        assert_eq!((counts[0], counts[3], counts[6], counts[10]), (2, 0, 1, 1), "{counts:?}");
    }

    #[test]
    fn what_lies_before_and_behind_what_is_shown_counts_where_it_reaches_into_it() {
        let span = Span { from: Millis(500), until: Millis(1_000), wide: 6 };
        let rows =
            [row(1, 0, Some(400)), row(2, 100, Some(700)), row(3, 900, Some(2_000)), row(4, 1_500, None)];
        assert_eq!(at_once(&rows, span), [1, 1, 1, 0, 1, 1]);
    }
}
