//! One user: sessions, the drawn time line, what happened.

use super::parts::{Cells, RowShown, head};
use super::{Look, events, is_wide, lanes, popups};
use crate::app::Pane;
use crate::app::SESSION_COLUMNS;
use crate::figure::{self, gauge};
use crate::keys::Action;
use crate::scene::{SessionRow, limit_of, limit_word};
use crate::source::Side;
use crate::text;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use sledger_core::Millis;
use sledger_wire::events::EventLine;

/// Draws it.
pub(super) fn render(look: &Look<'_>, name: &str, area: Rect, buffer: &mut Buffer) {
    let rows = look.app.session_rows();
    let is_small = area.height < 18;
    let list = u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_add(3).clamp(5, area.height / 2);
    let drawn = if is_small { 0 } else { (area.height - 2 - list).min(if is_wide(area) { 16 } else { 9 }) };
    let heights =
        [Constraint::Length(2), Constraint::Length(list), Constraint::Length(drawn), Constraint::Fill(1)];
    let [facts, sessions, timeline, below] = Layout::vertical(heights).areas(area);
    summary(look, name, facts, buffer);
    table(look, &rows, sessions, buffer);
    if drawn > 4 {
        lanes::render(look, &rows, timeline, buffer);
    }
    let ending = ending_of_chosen(look).filter(|_| is_wide(area));
    if let Some(ending) = ending {
        let [left, right] = Layout::horizontal([Constraint::Fill(3), Constraint::Fill(2)]).areas(below);
        events::render(look, &since(look), left, buffer);
        end_of_chosen(look, ending, right, buffer);
    } else if below.height > 2 {
        events::render(look, &since(look), below, buffer);
    }
}

fn ending_of_chosen<'a>(look: &Look<'a>) -> Option<&'a EventLine> {
    look.app.sessions.chosen.and_then(|number| look.app.ending(number))
}

/// What the event that ended the chosen session says.
fn end_of_chosen(look: &Look<'_>, ending: &EventLine, area: Rect, buffer: &mut Buffer) {
    let key = look.app.setup.keys.hint(Action::Why);
    let inner = look.frame("how it ended", &format!("{key} asks the history why"), None, area, buffer);
    let width = usize::from(inner.width);
    let facts = popups::of_event(look, ending).into_iter().filter(|(_, value)| !value.is_empty());
    Look::lines(facts.map(|(key, value)| look.fact(key, &value, width)).collect(), inner, buffer);
}

fn since(look: &Look<'_>) -> String {
    match (look.app.side, look.app.scene().timeline.since) {
        (Side::Live, Some(since)) => {
            format!("events since {}", figure::time_of_day(since, look.app.setup.zone_minutes))
        }
        _ => "events".to_owned(),
    }
}

fn summary(look: &Look<'_>, name: &str, area: Rect, buffer: &mut Buffer) {
    let scene = look.app.scene();
    let width = usize::from(area.width);
    let detail = scene.user.as_ref().filter(|user| user.user == name);
    let first = match detail {
        None => format!(" {}  asking", sledger_wire::escape(name)),
        Some(user) => {
            let limit = limit_of(user.limit.as_ref());
            let bar = gauge(u64::from(user.active), limit, 12, &look.glyphs);
            let name = text::cut(name, 40, &look.glyphs);
            format!(" {name}  used {}/{} {bar}", user.active, limit_word(user.limit.as_ref()))
        }
    };
    let count =
        |kinds: &[&str]| look.app.timeline().filter(|event| kinds.contains(&event.kind.as_str())).count();
    let second = format!(
        " {}: login {}  denied {}  evicted {}  ended {}",
        since(look),
        count(&["login.admitted", "login.resumed"]),
        count(&["login.denied"]),
        count(&["session.evicted"]),
        count(&["session.ended"]),
    );
    let first = Line::styled(text::left_escaped(&first, width), look.theme.strong);
    let second = Line::styled(text::cut(&second, width, &look.glyphs), look.theme.dim);
    Look::lines(vec![first, second], area, buffer);
}

fn table(look: &Look<'_>, rows: &[SessionRow], area: Rect, buffer: &mut Buffer) {
    let app = look.app;
    let right = if app.filter.is_empty() { String::new() } else { format!("filter: {}", app.filter.text) };
    let inner = look.frame("sessions", &right, Some(Pane::Sessions), area, buffer);
    let numbers: Vec<u64> = rows.iter().map(|row| row.number).collect();
    let height = usize::from(inner.height).saturating_sub(1);
    let offset = app.sessions.offset(&numbers, height);
    let columns = columns(look, usize::from(inner.width));
    let shown = rows.iter().skip(offset).take(height).map(|row| {
        let style = match (&row.ended, row.retained) {
            (Some((_, cause)), _) if cause == "evicted" => look.theme.warn,
            (Some(_), _) | (None, true) => look.theme.dim,
            (None, false) => look.theme.plain,
        };
        let cells = columns.iter().map(|(index, _)| cell(look, row, *index)).collect();
        RowShown { cells, style, is_chosen: app.sessions.chosen == Some(row.number) }
    });
    let shown = shown.collect();
    let cells: Vec<Cells> = columns.into_iter().map(|(_, cells)| cells).collect();
    look.table(&cells, shown, inner, buffer);
}

/// The columns for which there is room, the most telling first; the first takes what is left.
fn columns(look: &Look<'_>, width: usize) -> Vec<(usize, Cells)> {
    const BY_WORTH: [(usize, usize); 8] =
        [(8, 14), (3, 16), (1, 9), (4, 10), (5, 7), (6, 7), (7, 10), (2, 10)];
    let mut left = width.saturating_sub(2 + 14);
    let mut kept = Vec::new();
    for (index, wide) in BY_WORTH {
        if look.app.shows(Pane::Sessions, index) && wide < left {
            left -= wide + 1;
            kept.push((index, wide));
        }
    }
    kept.push((0, 14 + left.min(20)));
    kept.sort_unstable();
    let order = look.app.sessions_order;
    let named = kept.into_iter().map(|(index, wide)| {
        let name = SESSION_COLUMNS.get(index).map_or("", |column| column.head);
        (index, Cells::text(&head(name, index, order), wide))
    });
    named.collect()
}

fn cell(look: &Look<'_>, row: &SessionRow, index: usize) -> String {
    let zone = look.app.setup.zone_minutes;
    let now = look.app.moment();
    let until = row.ended.as_ref().map_or(now, |(at, _)| *at);
    match index {
        0 => row.session.clone(),
        1 => row.client.clone(),
        2 => row.source.clone(),
        3 => row.ip.clone(),
        4 => figure::time_of_day(row.started, zone),
        5 => figure::age(until.since(row.started)),
        6 => figure::age(until.since(row.last_active)),
        7 if row.expires == Millis::NEVER => "never".to_owned(),
        7 => figure::time_of_day(row.expires, zone),
        _ => match &row.ended {
            Some((at, cause)) => format!("{cause} {}", figure::time_of_day(*at, zone).get(..5).unwrap_or("")),
            None => row.state().to_owned(),
        },
    }
}
