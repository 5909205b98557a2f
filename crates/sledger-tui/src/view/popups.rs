//! What lies over a view: help, choices, why, differences, confirmations.

use super::{Look, session};
use crate::app::{COMMANDS, Confirm, Pane, Popup, SESSION_COLUMNS, USER_COLUMNS, View};
use crate::figure;
use crate::keys::ACTIONS;
use crate::scene::SessionRow;
use crate::source::Found;
use crate::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget as _};
use sledger_wire::escape::brief;
use sledger_wire::events::EventLine;

/// Draws what lies over the view, where something does.
pub(super) fn render(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    match &look.app.popup {
        None => {}
        Some(Popup::Help(at)) => help(look, *at, area, buffer),
        Some(Popup::Sort(at)) => columns(look, "sort by", *at, area, buffer),
        Some(Popup::Columns(at)) => columns(look, "columns", *at, area, buffer),
        Some(Popup::Why) => why(look, area, buffer),
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
    let inner = boxed(look, "keys in force", (76, 60), area, buffer);
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

/// Why the chosen session ended, or what the chosen event says in full.
fn why(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let app = look.app;
    let row = app.chosen_session();
    let about = |event: &&&EventLine| {
        row.as_ref().is_some_and(|row| event.number == Some(row.number) && SessionRow::ended(event).is_some())
    };
    let events = app.event_rows();
    let is_live = || vec![("it is live", "it has not ended".to_owned())];
    let facts = if let (View::Session(_), Some(found)) = (app.view(), &app.scene().session) {
        match &**found {
            Found::Ended(ended) => session::why(look, ended),
            Found::Live(_) => is_live(),
            Found::Unknown(id) => vec![("unknown", brief(id))],
        }
    } else {
        let ending = app.timeline().find(|event| about(&event));
        let ending = ending.or_else(|| events.iter().find(about).copied()).or_else(|| app.chosen_event());
        ending.map_or_else(is_live, |event| of_event(look, event))
    };
    let facts: Vec<_> = facts.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let height = u16::try_from(facts.len()).unwrap_or(u16::MAX).saturating_add(2);
    let inner = boxed(look, "why", (area.width.min(110), height), area, buffer);
    let width = usize::from(inner.width);
    Look::lines(facts.iter().map(|(key, value)| look.fact(key, value, width)).collect(), inner, buffer);
}

/// The chain from what was asked to what was told.
fn of_event(look: &Look<'_>, event: &EventLine) -> Vec<(&'static str, String)> {
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
    let app = look.app;
    let (Some(mark), Some(top)) = (app.compared(), &app.past.top) else { return };
    let change = |name: &str, from: u64, to: u64| {
        let sign = if to >= from { '+' } else { '-' };
        let by = figure::number(to.abs_diff(from));
        Line::raw(format!(" {name:<10}{} -> {}  ({sign}{by})", figure::number(from), figure::number(to)))
    };
    let zone = app.setup.zone_minutes;
    let title = format!("mark {} {} -> cursor", mark.letter, figure::time_of_day(mark.at, zone));
    let mut lines =
        vec![change("sessions", mark.sessions, top.sessions), change("users", mark.users, top.users)];
    let now = app.past.user.as_deref();
    if let (Some((name, before)), Some(user)) = (&mark.user, now)
        && *name == user.user
    {
        let after: Vec<&String> = user.sessions.iter().map(|session| &session.session).collect();
        lines.push(change(&text::cut(name, 10, &look.glyphs), before.len() as u64, after.len() as u64));
        for id in after.iter().filter(|id| !before.contains(id)).take(20) {
            lines.push(Line::styled(format!("   + {}", brief(id)), look.theme.good));
        }
        for id in before.iter().filter(|id| !after.contains(id)).take(20) {
            lines.push(Line::styled(format!("   - {}", brief(id)), look.theme.warn));
        }
    }
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let inner = boxed(look, &title, (60, height), area, buffer);
    Look::lines(lines, inner, buffer);
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
