//! The past at one moment: where it lies in time, who was in, what happened until then.

use super::{Look, events, is_wide, overview, popups};
use crate::figure::{self, number, spark};
use crate::source::Position;
use crate::text;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

/// Draws it.
pub(super) fn render(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let Some(position) = look.app.past.position.as_deref() else {
        return reading(look, area, buffer);
    };
    if position.last.0 == 0 {
        let inner = look.frame("the past", "", None, area, buffer);
        return Look::lines(vec![Line::styled(" nothing is recorded yet", look.theme.dim)], inner, buffer);
    }
    let upper = if is_wide(area) { 8 } else { 6 };
    let heights = [Constraint::Length(upper), Constraint::Fill(1), Constraint::Fill(1)];
    let [time, state, below] = Layout::vertical(heights).areas(area);
    line_of_time(look, position, time, buffer);
    let beside = if is_wide(area) { 44 } else { 26 };
    let [left, right] = Layout::horizontal([Constraint::Fill(2), Constraint::Length(beside)]).areas(state);
    overview::users(look, left, buffer);
    match popups::differences(look).filter(|_| is_wide(area)) {
        Some((title, lines)) => {
            let [all, differing] =
                Layout::vertical([Constraint::Length(9), Constraint::Fill(1)]).areas(right);
            figures(look, all, buffer);
            let inner = look.frame(&title, "", None, differing, buffer);
            Look::lines(lines, inner, buffer);
        }
        None => figures(look, right, buffer),
    }
    events::render(look, "events until then", below, buffer);
}

fn reading(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let inner = look.frame("the past", "", None, area, buffer);
    let walk = &look.app.walk;
    let text = match (&walk.failed, walk.reading) {
        (Some(why), _) => format!(" cannot be shown: {why}"),
        (None, Some(seq)) => format!(" reading, event {}", number(seq)),
        (None, None) => " reading".to_owned(),
    };
    let style = if walk.failed.is_some() { look.theme.bad } else { look.theme.dim };
    let shown = text::cut(&text, usize::from(inner.width), &look.glyphs);
    Look::lines(vec![Line::styled(shown, style)], inner, buffer);
}

fn line_of_time(look: &Look<'_>, position: &Position, area: Rect, buffer: &mut Buffer) {
    let app = look.app;
    let zone = app.setup.zone_minutes;
    let (from, to) = app.window(position);
    let title = format!("time {}", stretch(from, to, zone));
    let seq = format!("seq {} of {}", number(position.seq.0), number(position.last.0));
    let inner = look.frame(&title, &seq, None, area, buffer);
    let width = usize::from(inner.width).saturating_sub(10);
    let shown = to.since(from).max(1);
    let place = |at: sledger_core::Millis| {
        let place = u128::from(at.since(from)) * (width.saturating_sub(1) as u128) / u128::from(shown);
        usize::try_from(place).unwrap_or(0).min(width.saturating_sub(1))
    };
    let mut cursor: Vec<char> = vec![look.glyphs.rule; width];
    for mark in app.walk.marks.iter().filter(|mark| mark.at >= from && mark.at <= to) {
        if let Some(cell) = cursor.get_mut(place(mark.at)) {
            *cell = mark.letter;
        }
    }
    if let Some(cell) = cursor.get_mut(place(position.at)) {
        *cell = 'O';
    }
    let row = |name: &str, values: &[u64]| {
        let values = resampled(values, position.span, (from, to), width);
        Line::raw(format!(" {name:<8} {}", spark(&values, width, &look.glyphs)))
    };
    let mut lines = vec![
        Line::from(vec![
            Span::raw(if position.is_down { " DOWN     " } else { " cursor   " }),
            Span::styled(cursor.into_iter().collect::<String>(), look.theme.focus),
        ]),
        row("density", &position.density),
        row("evicted", &position.ends),
    ];
    lines.push(state_line(look, position, usize::from(inner.width)));
    Look::lines(lines, inner, buffer);
}

/// From when to when, the day once where it is the same.
fn stretch(from: sledger_core::Millis, to: sledger_core::Millis, zone: i64) -> String {
    let (from, to) = (figure::moment(from, zone), figure::moment(to, zone));
    let second = |text: &str| text.get(..19).unwrap_or(text).to_owned();
    let is_same_day = from.get(..10) == to.get(..10);
    let until = if is_same_day { to.get(11..19).unwrap_or(&to).to_owned() } else { second(&to) };
    format!("{} -> {until}", second(&from))
}

fn state_line(look: &Look<'_>, position: &Position, width: usize) -> Line<'static> {
    let app = look.app;
    let text = match (app.walk.reading, app.is_looking()) {
        (Some(seq), _) => format!(" reading, event {}", number(seq)),
        (None, true) => " looking for it".to_owned(),
        (None, false) if position.counted < position.last => {
            format!(" counted up to event {} of {}", number(position.counted.0), number(position.last.0))
        }
        (None, false) if app.walk.marks.is_empty() => " m marks this moment, d compares with it".to_owned(),
        (None, false) => {
            let marks = app.walk.marks.iter().map(|mark| {
                format!("{} {}", mark.letter, figure::time_of_day(mark.at, app.setup.zone_minutes))
            });
            format!(" marks    {}", marks.collect::<Vec<_>>().join("  "))
        }
    };
    Line::styled(text::cut(&text, width, &look.glyphs), look.theme.dim)
}

/// Values of equal parts of `span`, as values of `width` parts of `window`.
fn resampled(
    values: &[u64],
    span: (sledger_core::Millis, sledger_core::Millis),
    window: (sledger_core::Millis, sledger_core::Millis),
    width: usize,
) -> Vec<u64> {
    let whole = u128::from(span.1.since(span.0).max(1));
    let parts = values.len() as u128;
    let shown = u128::from(window.1.since(window.0).max(1));
    let offset = u128::from(window.0.since(span.0));
    let value = |column: usize| {
        let from = (offset + shown * column as u128 / width.max(1) as u128) * parts / whole;
        let to = (offset + shown * (column as u128 + 1) / width.max(1) as u128) * parts / whole;
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(values.len());
        let to = usize::try_from(to).unwrap_or(usize::MAX).clamp(from, values.len()).max(from + 1);
        values.get(from..to.min(values.len())).map_or(0, |part| part.iter().sum())
    };
    (0..width).map(value).collect()
}

fn figures(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let inner = look.frame("all", "", None, area, buffer);
    let Some(top) = &look.app.past.top else { return };
    let line = |name: &str, value: String| Line::raw(format!(" {name:<11}{value:>12}"));
    let rate = |rate| figure::rate(figure::milli(rate));
    let lines = vec![
        line("sessions", number(top.sessions)),
        line("users", number(top.users)),
        line("at limit", number(top.at_limit)),
        line("near", number(top.near_limit)),
        line("admitted/s", rate(top.rates.admitted)),
        line("denied/s", rate(top.rates.denied)),
        line("evicted/s", rate(top.rates.evicted)),
    ];
    Look::lines(lines, inner, buffer);
}
