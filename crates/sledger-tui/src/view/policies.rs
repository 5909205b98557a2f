//! The policies: where each decides or is tried, and how it fares.

use super::parts::{Cells, RowShown};
use super::{Look, events, is_wide};
use crate::app::Pane;
use crate::figure;
use crate::keys::Action;
use crate::source::Side;
use crate::text;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use sledger_wire::policies::{PolicyFailed, PolicyObject, PolicyUse};

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
    let counted = match app.side {
        Side::Live => "counts and times since start",
        Side::Past => "failures and differences until then",
    };
    let inner = look.frame("policies", counted, Some(Pane::Policies), area, buffer);
    let (rows, keys) = (app.policy_rows(), app.policy_keys());
    let height = usize::from(inner.height).saturating_sub(1);
    let offset = app.policies.offset(&keys, height);
    let columns = columns(usize::from(inner.width).saturating_sub(2), app.side);
    let shown = rows.iter().zip(&keys).skip(offset).take(height).map(|((policy, used), key)| {
        let cells = columns.iter().map(|(column, _)| cell(*column, policy, *used)).collect();
        let style = match used {
            Some(used) if used.failures > 0 => look.theme.bad,
            Some(used) if used.differences > 0 => look.theme.warn,
            Some(_) => look.theme.plain,
            None => look.theme.dim,
        };
        RowShown { cells, style, is_chosen: app.policies.chosen.as_ref() == Some(key) }
    });
    let shown = shown.collect();
    let cells: Vec<Cells> = columns.into_iter().map(|(_, cells)| cells).collect();
    look.table(&cells, shown, inner, buffer);
}

/// What is told of a policy on a quota.
#[derive(Clone, Copy)]
enum Column {
    Policy,
    Quota,
    State,
    Asked,
    Allowed,
    Denied,
    Evicted,
    Failed,
    Differs,
    P50,
    P99,
    Since,
    By,
}

/// The columns for which there is room; the first takes what is left.
fn columns(room: usize, side: Side) -> Vec<(Column, Cells)> {
    let (text, number) = (Cells::text, Cells::number);
    let quota = if room > 110 { 16 } else { 9 };
    // From how many columns on, and what.
    let all = [
        (74, Column::Quota, text("QUOTA", quota)),
        (0, Column::State, text("STATE", 8)),
        (0, Column::Asked, number("ASKED", 6)),
        (111, Column::Allowed, number("ALLOWED", 7)),
        (111, Column::Denied, number("DENIED", 6)),
        (111, Column::Evicted, number("EVICTED", 7)),
        (0, Column::Failed, number("FAILED", 6)),
        (74, Column::Differs, number("DIFFERS", 7)),
        (74, Column::P50, number("P50", 6)),
        (0, Column::P99, number("P99", 6)),
        (111, Column::Since, text("SINCE", 10)),
        (111, Column::By, text("BY", 12)),
    ];
    let mut kept: Vec<(Column, Cells)> = Vec::new();
    // What policies answered and how long they took is known of the present only.
    let is_known = |column: &Column| match column {
        Column::Asked | Column::Allowed | Column::Denied | Column::Evicted | Column::P50 | Column::P99 => {
            side == Side::Live
        }
        _ => true,
    };
    let shown = all.into_iter().filter(|(from, column, _)| room >= *from && is_known(column));
    kept.extend(shown.map(|(_, column, cells)| (column, cells)));
    let taken: usize = kept.iter().map(|(_, cells)| cells.width + 1).sum();
    kept.insert(0, (Column::Policy, text("POLICY", room.saturating_sub(taken).max(8))));
    kept
}

fn cell(column: Column, policy: &PolicyObject, used: Option<&PolicyUse>) -> String {
    let text = |text: Option<&String>| text.cloned().unwrap_or_else(|| "-".to_owned());
    let count =
        |of: fn(&PolicyUse) -> u64| used.map_or_else(|| "-".to_owned(), |used| figure::short(of(used)));
    match column {
        Column::Policy => used.map_or_else(|| policy.name.clone(), |used| used.policy.clone()),
        Column::Quota => text(used.map(|used| &used.quota)),
        Column::State => used.map_or("not used".to_owned(), |used| match used.share {
            Some(share) => format!("{share}%"),
            None => used.state.clone(),
        }),
        Column::Asked => count(|used| used.asked),
        Column::Allowed => count(|used| used.allowed),
        Column::Denied => count(|used| used.denied),
        Column::Evicted => count(|used| used.evicted),
        Column::Failed => count(|used| used.failures),
        Column::Differs => count(|used| used.differences),
        Column::P50 => figure::micros(used.and_then(|used| used.us.p50)),
        Column::P99 => figure::micros(used.and_then(|used| used.us.p99)),
        Column::Since => {
            let since = used.and_then(|used| used.since.as_ref()).or(policy.since.as_ref());
            since.and_then(|since| since.get(..10)).unwrap_or("-").to_owned()
        }
        Column::By => text(used.and_then(|used| used.actor.as_ref()).or(policy.actor.as_ref())),
    }
}

/// The policy on a quota that is chosen.
fn chosen_use<'a>(look: &Look<'a>) -> Option<&'a PolicyUse> {
    let key = look.app.policies.chosen.as_ref()?;
    let place = look.app.policy_keys().iter().position(|known| known == key)?;
    look.app.policy_rows().into_iter().nth(place)?.1
}

/// What it answered, where there is no room for columns too.
fn answers(used: &PolicyUse) -> String {
    let PolicyUse { asked, allowed, denied, evicted, us, .. } = used;
    let by = used.actor.as_deref().unwrap_or("-");
    let since = used.since.as_deref().and_then(|since| since.get(..10)).unwrap_or("-");
    let longest = figure::micros(us.max);
    format!(
        " asked {asked}: allowed {allowed}, denied {denied}, evicted {evicted}; at most {longest}; {by}, {since}"
    )
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
    let used = chosen_use(look);
    if let Some(used) = used.filter(|_| app.side == Side::Live) {
        lines.push(Line::styled(text::cut(&answers(used), width, &look.glyphs), look.theme.strong));
    }
    let failed = used.and_then(|used| used.last_failure.as_ref());
    if let Some(failed) = failed {
        lines.push(Line::styled(text::cut(&failure(look, failed), width, &look.glyphs), look.theme.bad));
    }
    if let Some(reason) = &policy.reason {
        lines.push(look.fact("because", reason, width));
    }
    let wrong = failed.map_or(0, |failed| failed.line);
    let numbered = policy.text.as_deref().unwrap_or("").lines().zip(1_u32..).map(|(text, number)| {
        let is_wrong = wrong == number;
        let mark = if is_wrong { '!' } else { ' ' };
        let style = if is_wrong { look.theme.bad } else { look.theme.plain };
        let text = text::cut(text, width.saturating_sub(7), &look.glyphs);
        Line::styled(format!("{number:>4}{mark} {text}"), style)
    });
    lines.extend(numbered.skip(app.source_line).take(usize::from(inner.height)));
    Look::lines(lines, inner, buffer);
}

fn failure(look: &Look<'_>, failed: &PolicyFailed) -> String {
    let at = figure::read(&failed.at).map(|at| figure::moment(at, look.app.setup.zone_minutes));
    let at = at.unwrap_or_else(|| failed.at.clone());
    let line = if failed.line == 0 { String::new() } else { format!(" line {}", failed.line) };
    format!(" failed last at {at}, #{} {}{line}: {}", failed.seq, failed.code, failed.message)
}
