//! What lies over a view: help, choices, why, differences, confirmations.

use super::Look;
use crate::app::{COMMANDS, Confirm, Pane, Popup, SESSION_COLUMNS, USER_COLUMNS};
use crate::chain;
use crate::figure;
use crate::keys::{ACTIONS, Action};
use crate::source::Differences;
use crate::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph, Widget as _, Wrap};
use sledger_wire::answer::SessionObject;
use sledger_wire::escape::brief;
use sledger_wire::events::EventLine;
use sledger_wire::why::Why;

/// Sessions or changes of one kind in a list of differences.
const DIFFERING_MAX: usize = 8;

/// Draws what lies over the view, where something does.
pub(super) fn render(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    match &look.app.popup {
        None if look.app.pane == Pane::Alerts => alerts(look, area, buffer),
        None => {}
        Some(Popup::Help(at)) => help(look, *at, area, buffer),
        Some(Popup::Sort(at)) => columns(look, "sort by", *at, area, buffer),
        Some(Popup::Columns(at)) => columns(look, "columns", *at, area, buffer),
        Some(Popup::Why(about, at)) => why(look, about, *at, area, buffer),
        Some(Popup::Diff) => diff(look, area, buffer),
        Some(Popup::Confirm(confirm)) => ask(look, confirm, area, buffer),
    }
}

/// A frame in the middle, as large as it may be.
fn boxed(look: &Look<'_>, title: &str, (width, height): (u16, u16), area: Rect, buffer: &mut Buffer) -> Rect {
    let width = width.min(area.width);
    let height = height.min(area.height);
    let place =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(place, buffer);
    look.frame(title, "", Some(look.app.pane), place, buffer)
}

/// Everything that is wrong, and what to do about each, the chosen one first; long texts are broken between words.
fn alerts(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let rows = look.app.alert_rows();
    let keys: Vec<String> = rows.iter().map(|alert| alert.key.clone()).collect();
    let chosen = look.app.alerts.place(&keys).unwrap_or(0);
    let width = usize::from(area.width.saturating_sub(2)).max(1);
    let lines: Vec<Line<'static>> = rows
        .iter()
        .enumerate()
        .flat_map(|(place, alert)| {
            let mark = if place == chosen { look.glyphs.cursor } else { ' ' };
            let style = if alert.is_grave { look.theme.bad } else { look.theme.warn };
            let style = if place == chosen { style.patch(look.theme.chosen) } else { style };
            let what = format!("{mark} {}", sledger_wire::escape(&alert.what));
            let todo = format!("    -> {}", sledger_wire::escape(&alert.todo));
            [Line::styled(what, style), Line::styled(todo, look.theme.plain)]
        })
        .collect();
    let taken =
        |lines: &[Line<'_>]| -> usize { lines.iter().map(|line| line.width().max(1).div_ceil(width)).sum() };
    let height = u16::try_from(taken(&lines).max(1)).unwrap_or(u16::MAX).saturating_add(3);
    let place = Rect { height: height.min(area.height), ..area };
    Clear.render(place, buffer);
    let hint = format!("{} goes there", look.app.setup.keys.hint(Action::Open));
    let inner = look.frame("what is wrong", &hint, Some(Pane::Alerts), place, buffer);
    if lines.is_empty() {
        return Look::lines(vec![Line::styled(" nothing", look.theme.good)], inner, buffer);
    }
    // Where not all have room, the list begins with the chosen one.
    let is_short = taken(&lines) > usize::from(inner.height);
    let from = if is_short { chosen * 2 } else { 0 };
    broken(lines.into_iter().skip(from).collect(), 0, inner, buffer);
}

fn help(look: &Look<'_>, at: usize, area: Rect, buffer: &mut Buffer) {
    let keys = &look.app.setup.keys;
    let bound = ACTIONS.iter().map(|one| format!(" {:<14}{}", keys.keys_of(one.action), one.does));
    let commands = COMMANDS.iter().map(|(text, does)| format!(" {text:<22}{does}"));
    let filter = [
        " /user:ali used>80% state:evicted ip:10.0.0.0/8 quota:per-ip".to_owned(),
        " also session client source policy code type, active>N, any word".to_owned(),
        " Shift-drag selects text where the mouse is on (--mouse)".to_owned(),
    ];
    let lines: Vec<String> = bound.chain(commands).chain(filter).collect();
    let inner = boxed(look, "keys in force; j and k scroll", (76, 60), area, buffer);
    let height = usize::from(inner.height);
    let from = at.min(lines.len().saturating_sub(height));
    let width = usize::from(inner.width);
    let shown =
        lines.iter().skip(from).take(height).map(|line| Line::raw(text::cut(line, width, &look.glyphs)));
    Look::lines(shown.collect(), inner, buffer);
}

fn columns(look: &Look<'_>, title: &str, at: usize, area: Rect, buffer: &mut Buffer) {
    let (pane, columns) = match look.app.pane {
        Pane::Sessions => (Pane::Sessions, SESSION_COLUMNS),
        _ => (Pane::Users, USER_COLUMNS),
    };
    let height = u16::try_from(columns.len()).unwrap_or(u16::MAX).saturating_add(2);
    let inner = boxed(look, title, (24, height), area, buffer);
    let line = |(index, column): (usize, &crate::app::Column)| {
        let state = match (title, look.app.shows(pane, index)) {
            ("columns", true) => "[x] ",
            ("columns", false) => "[ ] ",
            _ => "",
        };
        let mark = if index == at { look.glyphs.cursor } else { ' ' };
        let style = if index == at { look.theme.chosen } else { look.theme.plain };
        let text = format!("{mark} {state}{}", column.head);
        Line::styled(text::left(&text, usize::from(inner.width), &look.glyphs), style)
    };
    Look::lines(columns.iter().enumerate().map(line).collect(), inner, buffer);
}

/// Why something is as it is; until that is told, what its event says.
fn why(look: &Look<'_>, about: &str, at: usize, area: Rect, buffer: &mut Buffer) {
    let width = area.width.min(110);
    let lines = reasons(look, about, usize::from(width));
    let room = usize::from(width.saturating_sub(2)).max(1);
    let rows: usize = lines.iter().map(|line| line.width().max(1).div_ceil(room)).sum();
    // Words are not cut: where lines are broken one more may be needed.
    let spare = if rows > lines.len() { 3 } else { 2 };
    let height = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(spare);
    let inner = boxed(look, &format!("why {}", brief(about)), (width, height), area, buffer);
    broken(lines, at, inner, buffer);
}

/// The same as a part of a view.
pub(super) fn reason(look: &Look<'_>, about: &str, area: Rect, buffer: &mut Buffer) {
    let key = look.app.setup.keys.hint(Action::Why);
    let inner = look.frame("why", &format!("{key} shows all of it"), None, area, buffer);
    let lines = reasons(look, about, usize::from(inner.width));
    broken(lines, 0, inner, buffer);
}

/// Lines from `at` on, long ones broken between words.
fn broken(lines: Vec<Line<'static>>, at: usize, area: Rect, buffer: &mut Buffer) {
    let first = u16::try_from(at).unwrap_or(u16::MAX);
    Paragraph::new(lines).wrap(Wrap { trim: false }).scroll((first, 0)).render(area, buffer);
}

fn reasons(look: &Look<'_>, about: &str, width: usize) -> Vec<Line<'static>> {
    let known = look.app.why.as_ref().filter(|(known, _)| known == about).map(|(_, answer)| answer);
    let first = match known {
        Some(Ok(why)) => return chained(look, why),
        Some(Err(reason)) => Line::styled(format!(" {}", sledger_wire::escape(reason)), look.theme.bad),
        None => Line::styled(" asking the history", look.theme.dim),
    };
    std::iter::once(first).chain(seen(look, about, width)).collect()
}

fn chained(look: &Look<'_>, why: &Why) -> Vec<Line<'static>> {
    let style = |place: usize, line: &str| match place {
        0 => look.theme.strong,
        _ if line.starts_with("DIFFERS") => look.theme.bad,
        _ if line.ends_with("as it was") => look.theme.good,
        _ => look.theme.plain,
    };
    let lines = chain::lines(why, look.app.setup.zone_minutes);
    let shown = lines.iter().enumerate();
    shown
        .map(|(place, line)| Line::styled(format!(" {}", sledger_wire::escape(line)), style(place, line)))
        .collect()
}

/// What is known of it without asking.
fn seen(look: &Look<'_>, about: &str, width: usize) -> Vec<Line<'static>> {
    let app = look.app;
    let seq = about.strip_prefix("seq:").and_then(|seq| seq.parse::<u64>().ok());
    let events = app.event_rows();
    let event = seq.and_then(|seq| {
        let is_it = |event: &&EventLine| event.seq == seq;
        app.timeline().find(is_it).or_else(|| events.iter().copied().find(is_it))
    });
    let facts = event
        .map(|event| of_event(look, event))
        .unwrap_or_default()
        .into_iter()
        .filter(|(_, value)| !value.is_empty());
    facts.map(|(key, value)| look.fact(key, &value, width.saturating_sub(2))).collect()
}

/// The chain from what was asked to what was told.
pub(super) fn of_event(look: &Look<'_>, event: &EventLine) -> Vec<(&'static str, String)> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let at = figure::read(&event.at).unwrap_or_default();
    let used = match (event.active, &event.limit) {
        (Some(active), Some(limit)) => format!("{active} of {}", crate::scene::limit_word(Some(limit))),
        _ => String::new(),
    };
    let line = event.line.map(|line| format!(" line {line}")).unwrap_or_default();
    let policy = event.policy.as_ref().map(|policy| format!("{policy}{line}")).unwrap_or_default();
    let by = event.by_session.as_ref().map(|by| format!("by {by}")).unwrap_or_default();
    let details = event.details.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>();
    vec![
        ("what", format!("#{} {}", event.seq, event.kind)),
        ("when", figure::moment(at, look.app.setup.zone_minutes)),
        ("user", text(&event.user)),
        ("session", text(&event.session)),
        ("from", [text(&event.client), text(&event.ip), text(&event.source)].join(" ").trim().to_owned()),
        ("1 asked for", if by.is_empty() { event.actor.clone() } else { format!("{by}, {}", event.actor) }),
        ("2 quota", [text(&event.quota), text(&event.key)].join(" ").trim().to_owned()),
        ("  used", used),
        ("3 policy", policy),
        ("4 decided", format!("#{} {}", event.decision, text(&event.code)).trim().to_owned()),
        ("5 because", [text(&event.cause), text(&event.reason)].join(" ").trim().to_owned()),
        ("6 told", text(&event.message)),
        ("details", details.join(" ")),
    ]
}

fn diff(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let Some((title, lines)) = differences(look) else { return };
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let inner = boxed(look, &title, (60, height), area, buffer);
    Look::lines(lines, inner, buffer);
}

/// What differs from the mark that is compared with.
pub(super) fn differences(look: &Look<'_>) -> Option<(String, Vec<Line<'static>>)> {
    let app = look.app;
    let (mark, top) = app.compared().zip(app.past.top.as_ref())?;
    let change = |name: &str, from: u64, to: u64| {
        let sign = if to >= from { '+' } else { '-' };
        let by = figure::number(to.abs_diff(from));
        Line::raw(format!(" {name:<10}{} -> {}  ({sign}{by})", figure::number(from), figure::number(to)))
    };
    let zone = app.setup.zone_minutes;
    let title = format!("mark {} {} -> cursor", mark.letter, figure::time_of_day(mark.at, zone));
    let mut lines =
        vec![change("sessions", mark.sessions, top.sessions), change("users", mark.users, top.users)];
    match app.differences() {
        Some(told) => lines.extend(told_apart(look, told)),
        None if matches!(app.popup, Some(Popup::Diff)) => {
            lines.push(Line::styled(" comparing", look.theme.dim));
        }
        None => {}
    }
    Some((title, lines))
}

/// Who came and went, and what was changed of what decides.
fn told_apart(look: &Look<'_>, told: &Differences) -> Vec<Line<'static>> {
    let signed = |sign: char, sessions: &[SessionObject], count: usize, style: Style| {
        let line = move |session: &SessionObject| {
            let (user, id) = (brief(&session.user), brief(&session.session));
            Line::styled(format!(" {sign} {user} {id}@{}", session.number), style)
        };
        let mut lines: Vec<Line<'static>> = sessions.iter().take(DIFFERING_MAX).map(line).collect();
        let more = count.saturating_sub(lines.len());
        if more > 0 {
            lines.push(Line::styled(format!(" {sign} and {} more", figure::number(more as u64)), style));
        }
        lines
    };
    let changed = |change: &String| Line::raw(format!(" {}", sledger_wire::escape(change)));
    let mut lines: Vec<Line<'static>> = told.changes.iter().take(DIFFERING_MAX).map(changed).collect();
    lines.extend(signed('-', &told.gone, told.counts.1, look.theme.warn));
    lines.extend(signed('+', &told.came, told.counts.0, look.theme.good));
    lines
}

fn ask(look: &Look<'_>, confirm: &Confirm, area: Rect, buffer: &mut Buffer) {
    let inner = boxed(look, "confirm", (72, 6), area, buffer);
    let width = usize::from(inner.width);
    let what = text::cut(&format!(" {}?", confirm.what), width, &look.glyphs);
    let lines = vec![
        Line::styled(what, look.theme.bad),
        Line::raw(" type yes and Enter; Esc leaves everything as it is"),
        Line::raw(""),
        Line::styled(format!(" > {}_", brief(&confirm.typed)), look.theme.strong),
    ];
    Look::lines(lines, inner, buffer);
}
