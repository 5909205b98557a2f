//! The policies: where each decides or is tried, and how it fares.

use super::parts::{Cells, RowShown};
use super::{Look, events, is_wide};
use crate::app::Pane;
use crate::figure;
use crate::keys::Action;
use crate::text;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

/// Draws it.
pub(super) fn render(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let [upper, lower] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
    table(look, upper, buffer);
    let title = "failures, differences and changes";
    if is_wide(area) {
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(lower);
        source(look, left, buffer);
        events::render(look, title, right, buffer);
    } else if look.app.pane == Pane::Events {
        events::render(look, title, lower, buffer);
    } else {
        source(look, lower, buffer);
    }
}

fn table(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let app = look.app;
    let inner =
        look.frame("policies", "failures and differences since start", Some(Pane::Policies), area, buffer);
    let (rows, keys) = (app.policy_rows(), app.policy_keys());
    let height = usize::from(inner.height).saturating_sub(1);
    let offset = app.policies.offset(&keys, height);
    let room = usize::from(inner.width).saturating_sub(2);
    let wide = room > 110;
    let mut columns = vec![
        Cells::text("POLICY", if wide { 34 } else { 26 }),
        Cells::text("QUOTA", if wide { 24 } else { 14 }),
        Cells::text("STATE", 10),
        Cells::number("FAILED", 8),
        Cells::number("DIFFERS", 8),
    ];
    if wide {
        columns.extend([Cells::text("SINCE", 20), Cells::text("BY", 18)]);
    }
    let shown = rows.iter().zip(&keys).skip(offset).take(height).map(|((policy, used), key)| {
        let text = |text: Option<&String>| text.cloned().unwrap_or_else(|| "-".to_owned());
        let state = used.map_or("not used".to_owned(), |used| match used.share {
            Some(share) => format!("{share}%"),
            None => used.state.clone(),
        });
        let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), figure::number);
        let since = used.and_then(|used| used.since.as_ref()).or(policy.since.as_ref());
        let cells = vec![
            used.map_or_else(|| policy.name.clone(), |used| used.policy.clone()),
            text(used.map(|used| &used.quota)),
            state,
            count(used.map(|used| used.failures)),
            count(used.map(|used| used.differences)),
            since.and_then(|since| since.get(..19)).unwrap_or("-").replace('T', " "),
            text(used.and_then(|used| used.actor.as_ref()).or(policy.actor.as_ref())),
        ];
        let style = match used {
            Some(used) if used.failures > 0 => look.theme.bad,
            Some(used) if used.differences > 0 => look.theme.warn,
            Some(_) => look.theme.plain,
            None => look.theme.dim,
        };
        RowShown { cells, style, is_chosen: app.policies.chosen.as_ref() == Some(key) }
    });
    look.table(&columns, shown.collect(), inner, buffer);
}

fn source(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let app = look.app;
    let chosen = app.policies.chosen.as_ref().map(|(name, _)| name.as_str());
    let policy = app.scene().policy.as_deref().filter(|policy| Some(policy.name.as_str()) == chosen);
    let title = chosen.map_or_else(|| "source".to_owned(), |name| format!("source of {name}"));
    let key = |action| app.setup.keys.hint(action);
    let keys = format!("{} reads it, {} its events", key(Action::Open), key(Action::NextPane));
    let kept = policy.map_or_else(|| keys.clone(), |policy| format!("{} kept; {keys}", policy.kept));
    let inner = look.frame(&title, &kept, Some(Pane::Source), area, buffer);
    let width = usize::from(inner.width);
    let Some(policy) = policy else {
        let text = if chosen.is_some() { " asking" } else { " choose a policy with j and k" };
        return Look::lines(vec![Line::styled(text, look.theme.dim)], inner, buffer);
    };
    let mut lines = Vec::new();
    if let Some(reason) = &policy.reason {
        lines.push(look.fact("because", reason, width));
    }
    let numbered = policy.text.as_deref().unwrap_or("").lines().enumerate().map(|(place, text)| {
        let room = width.saturating_sub(6);
        Line::raw(format!("{:>4}  {}", place + 1, text::cut(text, room, &look.glyphs)))
    });
    lines.extend(numbered.skip(app.source_line).take(usize::from(inner.height)));
    Look::lines(lines, inner, buffer);
}
