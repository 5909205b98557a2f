//! Lists of events.

use super::Look;
use crate::app::Pane;
use crate::figure;
use crate::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use sledger_wire::events::EventLine;

/// Draws the events that are shown, newest first.
pub(super) fn render(look: &Look<'_>, title: &str, area: Rect, buffer: &mut Buffer) {
    let app = look.app;
    let rows = app.event_rows();
    let skipped = app.scene().tail.skipped;
    let mut right = if skipped > 0 { format!("skipped {}", figure::number(skipped)) } else { String::new() };
    if !app.filter.is_empty() {
        let space = if right.is_empty() { "" } else { " " };
        right = format!("filter: {}{space}{right}", app.filter.text);
    }
    let inner = look.frame(title, &right, Some(Pane::Events), area, buffer);
    if rows.is_empty() {
        return Look::lines(vec![Line::styled(" nothing yet", look.theme.dim)], inner, buffer);
    }
    let seqs: Vec<u64> = rows.iter().map(|event| event.seq).collect();
    let height = usize::from(inner.height);
    let offset = app.events.offset(&seqs, height);
    let width = usize::from(inner.width);
    let line = |event: &&EventLine| look.event(event, width, app.events.chosen == Some(event.seq));
    Look::lines(rows.iter().skip(offset).take(height).map(line).collect(), inner, buffer);
}

impl Look<'_> {
    /// One event in one line.
    pub(super) fn event(&self, event: &EventLine, width: usize, is_chosen: bool) -> Line<'static> {
        let at = figure::read(&event.at).unwrap_or_default();
        let at = figure::time_to_millis(at, self.app.setup.zone_minutes);
        let (word, style) = self.word(event);
        let user =
            text::left(event.user.as_deref().unwrap_or("-"), if width > 110 { 24 } else { 12 }, &self.glyphs);
        let mark = if is_chosen { self.glyphs.cursor } else { ' ' };
        let rest = rest(event);
        let begin = format!("{mark}{at} ");
        let room = width.saturating_sub(begin.len() + 8 + text::width(&user) + 1);
        let rest = text::left(&rest, room, &self.glyphs);
        let spans = vec![
            Span::raw(begin),
            Span::styled(text::left(&word, 8, &self.glyphs), style),
            Span::raw(format!("{user} ")),
            Span::raw(rest),
        ];
        let line = Line::from(spans);
        if is_chosen { line.style(self.theme.chosen) } else { line }
    }

    /// What it is, in a word.
    fn word(&self, event: &EventLine) -> (String, Style) {
        let theme = &self.theme;
        let (word, style) = match event.kind.as_str() {
            "login.admitted" => ("LOGIN", theme.good),
            "login.resumed" => ("RESUME", theme.good),
            "login.denied" => ("DENY", theme.bad),
            "login.conflict" => ("CONFL", theme.warn),
            "session.evicted" => ("EVICT", theme.warn),
            "session.ended" => match event.cause.as_deref() {
                Some("ttl" | "idle" | "retention") => ("EXPIRE", theme.plain),
                Some("logout") => ("LOGOUT", theme.plain),
                _ => ("END", theme.plain),
            },
            "session.touched" => ("TOUCH", theme.dim),
            "policy.failed" | "policy.tripped" => ("POLICY!", theme.bad),
            "policy.differed" => ("SHADOW", theme.warn),
            other => {
                let word = other.split('.').next().unwrap_or(other);
                return (word.to_uppercase(), theme.strong);
            }
        };
        (word.to_owned(), style)
    }
}

/// What else there is to say, the most telling first.
fn rest(event: &EventLine) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut part = |text: String| parts.push(text);
    if let Some(session) = &event.session {
        part(session.clone());
    }
    if let Some(by) = &event.by_session {
        part(format!("<- by {by}"));
    }
    if !event.kind.starts_with("login.") && !event.kind.starts_with("session.") {
        part(event.kind.clone());
    }
    if let (Some(active), Some(limit)) = (event.active, &event.limit) {
        part(format!("{active}/{}", crate::scene::limit_word(Some(limit))));
    }
    if let Some(count) = event.count.filter(|count| *count > 1) {
        part(format!("{count} times"));
    }
    let cause = event.cause.as_ref().filter(|cause| *cause != "evicted" && *cause != "logout");
    for text in [&event.policy, &event.client, &event.ip].into_iter().flatten().chain(cause) {
        part(text.clone());
    }
    for text in [&event.reason, &event.quota, &event.source].into_iter().flatten() {
        part(text.clone());
    }
    if parts.len() <= 1 && !event.details.is_empty() {
        parts.extend(event.details.iter().take(3).map(|(key, value)| format!("{key}={value}")));
    }
    parts.join(" ")
}
