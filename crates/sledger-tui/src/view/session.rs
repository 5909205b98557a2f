//! One session: facts, deadlines, how it ended and why.

use super::{Look, events, is_wide, popups};
use crate::figure;
use crate::source::Found;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use sledger_core::Millis;
use sledger_wire::answer::{SessionObject, TombstoneObject};

/// Draws it.
pub(super) fn render(look: &Look<'_>, unique: &str, area: Rect, buffer: &mut Buffer) {
    let found = look.app.scene().session.as_deref();
    let facts = match found {
        None => Vec::new(),
        Some(Found::Unknown(_)) => {
            vec![("unknown", "no session of this id is live or remembered".to_owned())]
        }
        Some(Found::Live(session)) => live(look, session),
        Some(Found::Ended(ended)) => why(look, ended),
    };
    let facts: Vec<_> = facts.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let columns = if is_wide(area) || facts.len() < 3 { 1 } else { 2 };
    let rows = u16::try_from(facts.len().div_ceil(columns)).unwrap_or(u16::MAX).clamp(1, area.height / 2);
    let tail = if area.height < 18 { 0 } else { area.height / 5 };
    let heights = [Constraint::Length(rows + 2), Constraint::Fill(1), Constraint::Length(tail)];
    let [upper, middle, lower] = Layout::vertical(heights).areas(area);
    let inner = look.frame("session", unique, None, upper, buffer);
    if found.is_none() {
        waiting(look, inner, buffer);
    }
    in_columns(look, &facts, columns, inner, buffer);
    let about = look.app.why_wanted().unwrap_or_else(|| unique.to_owned());
    popups::reason(look, &about, middle, buffer);
    if lower.height > 2 {
        events::render(look, "its events", lower, buffer);
    }
}

/// Facts one below the other, in so many columns.
fn in_columns(
    look: &Look<'_>,
    facts: &[(&'static str, String)],
    columns: usize,
    area: Rect,
    buffer: &mut Buffer,
) {
    let rows = facts.len().div_ceil(columns).max(1);
    let areas = Layout::horizontal(vec![Constraint::Fill(1); columns]).split(area);
    for (column, area) in facts.chunks(rows).zip(areas.iter()) {
        let width = usize::from(area.width);
        let lines = column.iter().map(|(key, value)| look.fact(key, value, width)).collect();
        Look::lines(lines, *area, buffer);
    }
}

fn waiting(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    Look::lines(vec![Line::styled(" asking", look.theme.dim)], area, buffer);
}

fn shown(look: &Look<'_>, text: &str) -> String {
    match figure::read(text) {
        Some(Millis::NEVER) | None => text.to_owned(),
        Some(at) => {
            let moment = figure::moment(at, look.app.setup.zone_minutes);
            let now = look.app.moment();
            let (age, word) = if at <= now { (now.since(at), "ago") } else { (at.since(now), "from then") };
            let age = figure::age(age);
            // In half a narrow screen the year and the thousandths are left out.
            match moment.get(5..19).filter(|_| look.app.size.0 < 130) {
                Some(short) if at <= now => format!("{short} -{age}"),
                Some(short) => format!("{short} +{age}"),
                None => format!("{moment}  {age} {word}"),
            }
        }
    }
}

fn live(look: &Look<'_>, session: &SessionObject) -> Vec<(&'static str, String)> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let pairs = session.attributes.iter().map(|(key, value)| format!("{key}={value}"));
    vec![
        ("state", if session.retained { "disconnected and kept" } else { "live" }.to_owned()),
        ("id", session.session.clone()),
        ("number", session.number.to_string()),
        ("user", session.user.clone()),
        ("client", text(&session.client)),
        ("from", text(&session.ip)),
        ("now from", text(&session.seen_ip)),
        ("source", text(&session.source)),
        ("groups", session.groups.join(", ")),
        ("attributes", pairs.collect::<Vec<_>>().join(", ")),
        ("began", shown(look, &session.started)),
        ("last active", shown(look, &session.last_active)),
        ("ends by itself", shown(look, &session.expires)),
        ("generation", session.generation.to_string()),
    ]
}

/// Why a session ended, the chain from what was asked to what was told.
fn why(look: &Look<'_>, ended: &TombstoneObject) -> Vec<(&'static str, String)> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let by = match (&ended.by_session, ended.by_number) {
        (Some(by), Some(number)) => format!("{by}@{number}"),
        (Some(by), None) => by.clone(),
        (None, Some(number)) => format!("the session with number {number}"),
        (None, None) => String::new(),
    };
    vec![
        ("state", format!("ended: {}", ended.cause)),
        ("id", ended.session.clone()),
        ("number", ended.number.to_string()),
        ("user", ended.user.clone()),
        ("client", text(&ended.client)),
        ("source", text(&ended.source)),
        ("began", shown(look, &ended.started)),
        ("ended", shown(look, &ended.ended_at)),
        ("1 asked for by", by),
        ("2 quota", text(&ended.quota)),
        ("3 policy", text(&ended.policy)),
        ("4 decided", format!("#{} {}", ended.decision, text(&ended.code))),
        ("5 because", text(&ended.reason)),
        ("6 told", text(&ended.message)),
    ]
}
