//! What is drawn: a pure function of what is known and how late it is.
//!
//! Promise: complete at 80×24, more where there is room, a word about it where there is none. Names of strangers are
//! escaped and cut by the columns they take. Every state is a word, not only a colour.

mod events;
mod lanes;
mod overview;
mod parts;
mod policies;
mod popups;
mod replay;
mod session;
mod user;

use crate::app::{App, Link, View};
use crate::figure;
use crate::glyphs::Glyphs;
use crate::keys::Action;
use crate::source::Side;
use crate::text;
use crate::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget as _};
use sledger_wire::escape::brief;

/// Least columns and rows.
pub const LEAST: (u16, u16) = (60, 15);
/// From this size on there is room for more.
const WIDE: (u16, u16) = (130, 36);

/// What drawing needs to know.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) app: &'a App,
    pub(crate) theme: Theme,
    pub(crate) glyphs: Glyphs,
}

/// Draws everything into `area`.
pub fn render(app: &App, area: Rect, buffer: &mut Buffer) {
    let look = Look { app, theme: Theme::of(app.theme), glyphs: Glyphs::of(app.setup.ascii) };
    Clear.render(area, buffer);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(area, buffer);
        return;
    }
    let row = |y: u16| Rect { y: area.y + y, height: 1, ..area };
    look.header().render(row(0), buffer);
    look.banner().render(row(1), buffer);
    let body = Rect { y: area.y + 2, height: area.height - 3, ..area };
    match app.view() {
        View::Overview => overview::render(&look, body, buffer),
        View::User(name) => user::render(&look, name, body, buffer),
        View::Session(unique) => session::render(&look, unique, body, buffer),
        View::Replay => replay::render(&look, body, buffer),
        View::Policies => policies::render(&look, body, buffer),
    }
    look.footer(area.width).render(row(area.height - 1), buffer);
    popups::render(&look, body, buffer);
}

/// Whether there is room for more than what must be there.
pub(crate) const fn is_wide(area: Rect) -> bool {
    area.width >= WIDE.0 && area.height >= WIDE.1 - 3
}

fn too_small(area: Rect, buffer: &mut Buffer) {
    let text = format!("{}x{} is too small: {}x{} needed", area.width, area.height, LEAST.0, LEAST.1);
    let shown = text::cut(&text, usize::from(area.width), &Glyphs::ascii());
    Line::from(shown).render(Rect { height: area.height.min(1), ..area }, buffer);
}

impl Look<'_> {
    /// What is looked at, where one is, and when.
    fn header(&self) -> Line<'static> {
        let app = self.app;
        let width = usize::from(app.size.0);
        let room = match width {
            100.. => 40,
            80.. => 16,
            // Where there is little room, where one is counts more.
            _ => 0,
        };
        let target = text::cut(&app.setup.target, room, &self.glyphs);
        let access = if app.setup.allow_actions && app.setup.has_live { "RW" } else { "RO" };
        let status = self.status();
        let taken: usize = status.iter().map(|span| text::width(&span.content)).sum();
        let left = format!(" sledger {target} {access} | {}", self.crumbs());
        let left = text::left(&left, width.saturating_sub(taken), &self.glyphs);
        let mut spans = vec![Span::styled(left, self.theme.strong)];
        spans.extend(status);
        Line::from(spans)
    }

    /// Where one is, and how one came there.
    fn crumbs(&self) -> String {
        let names = self.app.views.iter().map(|view| match view {
            View::Overview => "1 Overview".to_owned(),
            View::User(name) => format!("2 User > {}", brief(name)),
            View::Session(unique) => format!("Session > {}", brief(unique)),
            View::Replay => "3 Replay".to_owned(),
            View::Policies => "4 Policies".to_owned(),
        });
        let all: Vec<String> = names.collect();
        let last = all.last().cloned().unwrap_or_default();
        let before = all.len().saturating_sub(1);
        let before: Vec<&str> =
            all.iter().take(before).map(|name| name.split(' ').next().unwrap_or("")).collect();
        if before.is_empty() { last } else { format!("{} > {last}", before.join(" > ")) }
    }

    /// Now, or then; and whether it answers.
    fn status(&self) -> Vec<Span<'static>> {
        let app = self.app;
        let seq = if app.size.0 < 80 {
            String::new()
        } else {
            format!("seq {}  ", figure::number(app.scene().seq()))
        };
        match app.side {
            Side::Past => self.past_status(),
            Side::Live => match &app.link {
                Link::Starting => vec![Span::styled("CONNECTING ", self.theme.warn)],
                Link::Lost { since, .. } => {
                    let age = figure::age(app.now.since(*since));
                    vec![Span::styled(format!("RECONNECTING {age} "), self.theme.bad), Span::raw(seq)]
                }
                Link::Up => {
                    let age = app.now.since(app.live.top_at);
                    let (word, style) = if age > 3_000 {
                        (format!("SLOW {}", figure::age(age)), self.theme.warn)
                    } else {
                        (format!("LIVE lag {}ms", app.live.lag.min(99_999)), self.theme.live)
                    };
                    let poisoned = app.live.top.as_ref().is_some_and(|top| top.poisoned);
                    let (state, of) = match app.alert_rows().len() {
                        _ if poisoned => ("POISONED".to_owned(), self.theme.bad),
                        0 => ("ok".to_owned(), self.theme.good),
                        1 => ("1 alert".to_owned(), self.theme.warn),
                        count => (format!("{count} alerts"), self.theme.warn),
                    };
                    vec![
                        Span::styled(word, style),
                        Span::raw(format!("  {seq}")),
                        Span::styled(format!("{state} "), of),
                    ]
                }
            },
        }
    }

    fn past_status(&self) -> Vec<Span<'static>> {
        let app = self.app;
        let speed = match crate::app::SPEEDS.get(app.walk.speed) {
            Some(0) | None => "max".to_owned(),
            Some(speed) => format!("{speed}x"),
        };
        let state = match (app.walk.playing, app.is_looking()) {
            (Some(_), _) => format!(" |> {speed} "),
            (None, true) => " ... ".to_owned(),
            (None, false) => format!(" || {speed} "),
        };
        match &app.past.position {
            None => {
                return vec![Span::styled(" AT - ", self.theme.past), Span::styled(state, self.theme.warn)];
            }
            Some(position) if position.last.0 == 0 => {
                return vec![Span::styled(" AT no event yet ", self.theme.past)];
            }
            Some(_) => {}
        }
        let at = figure::moment(app.moment(), app.setup.zone_minutes);
        let seq = app.past.position.as_ref().map(|position| position.seq.0);
        let seq = seq.filter(|_| app.size.0 >= 100).map(|seq| format!("seq {} ", figure::number(seq)));
        let at = format!(" AT {at} {}", seq.unwrap_or_default());
        vec![Span::styled(at, self.theme.past), Span::styled(state, self.theme.warn)]
    }

    /// One line: what is typed, what is frozen, what was said, what is wrong.
    fn banner(&self) -> Line<'static> {
        let app = self.app;
        let width = usize::from(app.size.0);
        if let Some(prompt) = &app.prompt {
            let room = width.saturating_sub(3);
            // Of a long line its end is seen, where it is typed.
            let mut shown = sledger_wire::escape(&prompt.text).into_owned();
            while text::width(&shown) > room {
                shown.remove(0);
            }
            return Line::from(vec![
                Span::styled(format!("{}{shown}", prompt.sign), self.theme.strong),
                Span::styled("_", self.theme.focus),
            ]);
        }
        if let Some(frozen) = app.frozen.as_ref().filter(|_| app.side == Side::Live) {
            let age = figure::age(app.now.since(frozen.at));
            let missed = figure::number(app.live.seq().saturating_sub(frozen.scene.seq()));
            let key = app.setup.keys.hint(Action::Freeze);
            let text = match &app.message {
                Some((_, message)) => format!(" FROZEN {age} ago: {}", sledger_wire::escape(message)),
                None => format!(" FROZEN {age} ago, {missed} events since; {key} goes on "),
            };
            return Line::styled(text::left(&text, width, &self.glyphs), self.theme.frozen);
        }
        if let Some((_, message)) = &app.message {
            return Line::styled(text::cut(message, width, &self.glyphs), self.theme.strong);
        }
        self.alert_line(width)
    }

    fn alert_line(&self, width: usize) -> Line<'static> {
        let app = self.app;
        let alerts = app.alert_rows();
        let chosen =
            alerts.iter().position(|alert| Some(&alert.key) == app.alerts.chosen.as_ref()).unwrap_or(0);
        let Some(alert) = alerts.get(chosen) else {
            return Line::styled(self.glyphs.rule.to_string().repeat(width), self.theme.frame);
        };
        let has_keys = app.pane == crate::app::Pane::Alerts;
        let count =
            if alerts.len() > 1 { format!("{}/{} ", chosen + 1, alerts.len()) } else { String::new() };
        let mark = if has_keys { self.glyphs.cursor } else { ' ' };
        let what = format!("{mark}! {count}{}", alert.what);
        // What to do is worth as much as what is wrong.
        let least = text::width(&alert.todo).min(width * 2 / 5) + 4;
        let what = text::cut(&what, width.saturating_sub(least), &self.glyphs);
        let room = width.saturating_sub(text::width(&what));
        let todo = text::cut(&format!(" -> {}", alert.todo), room, &self.glyphs);
        let style = if alert.is_grave { self.theme.bad } else { self.theme.warn };
        let style = if has_keys { style.patch(self.theme.chosen) } else { style };
        Line::from(vec![Span::styled(what, style), Span::styled(todo, self.theme.plain)])
    }

    fn footer(&self, width: u16) -> Line<'static> {
        let app = self.app;
        let key = |action| app.setup.keys.hint(action);
        let mut hints = vec![format!("{} help", key(Action::Help))];
        hints.extend(match (app.side, app.view()) {
            (Side::Past, View::Replay) => vec![
                format!("{} play", key(Action::Freeze)),
                format!("{}/{} event", key(Action::Next), key(Action::Previous)),
                format!("{}/{} eviction", key(Action::NextEnd), key(Action::PreviousEnd)),
                format!("{} mark", key(Action::Mark)),
                format!("{} diff", key(Action::Diff)),
                format!("{} why", key(Action::Why)),
            ],
            (_, View::Overview) => vec![
                format!("{} filter", key(Action::Filter)),
                format!("{} command", key(Action::Command)),
                format!("{} sort", key(Action::Sort)),
                format!("{} freeze", key(Action::Freeze)),
                format!("{} travel", key(Action::Travel)),
                format!("{} open", key(Action::Open)),
            ],
            _ => vec![
                format!("{} back", key(Action::Back)),
                format!("{} pane", key(Action::NextPane)),
                format!("{} open", key(Action::Open)),
                format!("{} why", key(Action::Why)),
                format!("{} travel", key(Action::Travel)),
                format!("{} copy", key(Action::Copy)),
            ],
        });
        hints.push(format!("{} quit", key(Action::Quit)));
        Line::styled(text::cut(&hints.join("  "), usize::from(width), &self.glyphs), self.theme.dim)
    }
}
