//! The overview: all in one.

use super::parts::{Cells, RowShown, head};
use super::{Look, events, is_wide};
use crate::app::Pane;
use crate::figure::{self, gauge, micros, number, spark};
use crate::live::is_busy;
use crate::scene::{self, Sample};
use crate::source::Side;
use crate::text;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use sledger_wire::pages::{LatencyClass, LedgerStats, LoginCount, Quantiles, UserRow};

/// Columns of a name at least, where another column can go for it.
const NAME_LEAST: usize = 16;

/// Draws it.
pub(super) fn render(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    if is_wide(area) {
        return wide(look, area, buffer);
    }
    let is_full = area.height >= 21;
    let heights = if is_full {
        [Constraint::Length(7), Constraint::Length(4), Constraint::Fill(3), Constraint::Fill(2)]
    } else {
        [Constraint::Length(6), Constraint::Length(0), Constraint::Fill(1), Constraint::Length(0)]
    };
    let [upper, middle, users_area, tail] = Layout::vertical(heights).areas(area);
    let halves = |area| Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas::<2>(area);
    let [left, right] = halves(upper);
    now(look, left, buffer);
    rates(look, right, buffer);
    if is_full {
        let [left, right] = halves(middle);
        latency(look, left, buffer);
        causes(look, right, buffer);
    }
    users(look, users_area, buffer);
    if tail.height > 2 {
        events::render(look, tail_title(look), tail, buffer);
    }
}

fn wide(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let heights = [Constraint::Length(9), Constraint::Fill(4), Constraint::Fill(3)];
    let [upper, middle, tail] = Layout::vertical(heights).areas(area);
    let thirds = [Constraint::Fill(1), Constraint::Fill(1), Constraint::Fill(1)];
    let [left, centre, right] = Layout::horizontal(thirds).areas(upper);
    now(look, left, buffer);
    rates(look, centre, buffer);
    latency(look, right, buffer);
    let [left, right] = Layout::horizontal([Constraint::Fill(2), Constraint::Fill(1)]).areas(middle);
    users(look, left, buffer);
    let [reasons, health_area] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(right);
    causes(look, reasons, buffer);
    health(look, health_area, buffer);
    events::render(look, tail_title(look), tail, buffer);
}

/// What the tail leaves out is said.
fn tail_title(look: &Look<'_>) -> &'static str {
    let is_busy = look.app.scene().top.as_ref().is_some_and(|top| is_busy(&top.rates));
    if is_busy && look.app.side == Side::Live {
        "event tail: refusals, evictions, changes"
    } else {
        "event tail"
    }
}

fn pair(look: &Look<'_>, key: &str, value: &str, width: usize) -> Vec<Span<'static>> {
    let key = text::left(key, 11, &look.glyphs);
    let value = text::left(value, width.saturating_sub(12), &look.glyphs);
    vec![Span::styled(format!(" {key}"), look.theme.dim), Span::raw(value)]
}

fn now(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let inner = look.frame("now", "", None, area, buffer);
    let scene = look.app.scene();
    let Some(top) = &scene.top else {
        let waiting =
            if look.app.side == Side::Past { " reading the past" } else { " waiting for the first answer" };
        return Look::lines(vec![Line::styled(waiting, look.theme.dim)], inner, buffer);
    };
    let half = usize::from(inner.width) / 2;
    let two = |left: (&str, String), right: (&str, String)| {
        let mut spans = pair(look, left.0, &left.1, half);
        spans.extend(pair(look, right.0, &right.1, half));
        Line::from(spans)
    };
    if half < 18 {
        let one =
            |key: &str, value: u64| Line::from(pair(look, key, &number(value), usize::from(inner.width)));
        let lines = vec![
            one("sessions", top.sessions),
            one("users", top.users),
            one("at limit", top.at_limit),
            one("near", top.near_limit),
        ];
        return Look::lines(lines, inner, buffer);
    }
    let mut at_limit = two(("at limit", number(top.at_limit)), ("near", number(top.near_limit)));
    if top.at_limit > 0 {
        at_limit = at_limit.style(look.theme.warn);
    }
    let differences: u64 = scene.policies.iter().flat_map(|one| &one.uses).map(|used| used.differences).sum();
    let failures: u64 = scene.policies.iter().flat_map(|one| &one.uses).map(|used| used.failures).sum();
    let mut wrong = two(("failures", number(failures)), ("differs", number(differences)));
    if failures > 0 {
        wrong = wrong.style(look.theme.bad);
    }
    let ledger = scene.ledger.as_deref();
    let snapshot = ledger.and_then(|ledger| ledger.snapshot_age_s).map(|age| figure::age(age * 1000));
    let mut lines = vec![
        two(("sessions", number(top.sessions)), ("users", number(top.users))),
        at_limit,
        wrong,
        two(("queue", queue(look)), ("sync p99", sync(look))),
        two(
            ("disk free", ledger.map_or_else(|| "-".to_owned(), brief_disk)),
            ("snapshot", snapshot.unwrap_or_else(|| "-".to_owned())),
        ),
    ];
    if inner.height > 5 {
        let near = format!(">= {}%", look.app.setup.near);
        lines.push(two(("durability", top.durability.clone()), ("near is", near)));
    }
    Look::lines(lines, inner, buffer);
}

fn queue(look: &Look<'_>) -> String {
    look.app.scene().ledger.as_ref().map_or_else(|| "-".to_owned(), |ledger| number(ledger.queue_length))
}

/// A rate: its name, what it is, what it was, how it is drawn.
type Rated = (&'static str, Option<f64>, fn(&Sample) -> u64, Style);

fn rates(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let inner = look.frame("rates/s", "60s", None, area, buffer);
    let scene = look.app.scene();
    let samples: Vec<Sample> = scene.samples.iter().copied().collect();
    let rates = scene.top.as_ref().map(|top| top.rates.clone()).unwrap_or_default();
    let kinds: [Rated; 6] = [
        ("admit", rates.admitted, |one| one.admitted, look.theme.good),
        ("deny", rates.denied, |one| one.denied, look.theme.bad),
        ("evict", rates.evicted, |one| one.evicted, look.theme.warn),
        ("expire", rates.expired, |one| one.expired, look.theme.plain),
        ("end", rates.ended, |one| one.ended, look.theme.plain),
        ("resume", rates.resumed, |one| one.resumed, look.theme.plain),
    ];
    let width = usize::from(inner.width).saturating_sub(17);
    let line = |(name, rate, value, style): Rated| {
        let shown = figure::rate(figure::milli(rate));
        let values: Vec<u64> = samples.iter().map(value).collect();
        let bars = spark(&values, width.min(60), &look.glyphs);
        Line::from(vec![Span::raw(format!(" {name:<7}{shown:>6}  ")), Span::styled(bars, style)])
    };
    Look::lines(kinds.map(line).to_vec(), inner, buffer);
}

/// How long deciding and answering took: in percentiles, and how they are spread.
fn latency(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let inner = look.frame("p50/p99/p99.9, shape", "since start", None, area, buffer);
    let Some(top) = &look.app.scene().top else { return };
    let width = usize::from(inner.width);
    let mut lines = vec![
        timed(look, "decide", &top.decide_us, &top.decide_shape, width),
        timed(look, "answer", &top.latency_us, &top.latency_shape, width),
    ];
    let room = usize::from(inner.height).saturating_sub(lines.len());
    lines.extend(bars(look, &top.latency_shape, width).into_iter().take(room));
    Look::lines(lines, inner, buffer);
}

fn timed(
    look: &Look<'_>,
    name: &str,
    times: &Quantiles,
    shape: &[LatencyClass],
    width: usize,
) -> Line<'static> {
    let text = format!(" {name} {}/{}/{}", micros(times.p50), micros(times.p99), micros(times.p999));
    // A class has fewer the further it lies from the middle: by their number of digits small ones are seen too.
    let heights: Vec<u64> =
        shape.iter().map(|class| u64::from(class.count.checked_ilog2().map_or(0, |log| log + 1))).collect();
    let shown = spark(&heights, heights.len(), &look.glyphs);
    let room = width.saturating_sub(heights.len() + 1);
    let text = text::left(&text, room.max(20).min(width), &look.glyphs);
    Line::from(vec![Span::raw(text), Span::raw(" "), Span::styled(shown, look.theme.focus)])
}

/// How many answers took how long, a bar each; those in which nothing fell at both ends are left out.
fn bars(look: &Look<'_>, shape: &[LatencyClass], width: usize) -> Vec<Line<'static>> {
    let is_met = |class: &LatencyClass| class.count > 0;
    let (Some(first), Some(last)) = (shape.iter().position(is_met), shape.iter().rposition(is_met)) else {
        return Vec::new();
    };
    let classes = shape.get(first..=last).unwrap_or_default();
    let most = classes.iter().map(|class| class.count).max().unwrap_or(1).max(1);
    let total: u64 = shape.iter().map(|class| class.count).sum();
    let line = |class: &LatencyClass| {
        let until = class.at_most_us.map_or_else(|| "more".to_owned(), |us| format!("<{}", micros(Some(us))));
        let share = figure::percent(class.count, total);
        let room = width.saturating_sub(15);
        let filled =
            usize::try_from(class.count.saturating_mul(room as u64) / most).unwrap_or(room).min(room);
        // One that was met is seen.
        let bar = look.glyphs.full.repeat(filled.max(usize::from(class.count > 0)));
        Line::from(vec![Span::raw(format!(" {until:>7} {share:>3}% ")), Span::styled(bar, look.theme.focus)])
    };
    classes.iter().map(line).collect()
}

/// Why logins were refused or made room: as the server counts them, else of the events that are kept.
fn causes(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let (counts, of) = match look.app.scene().codes() {
        Some((kinds, since)) => {
            let span = figure::age(look.app.moment().since(since));
            (kinds.iter().map(|kind| (kind_of(kind), kind.count)).collect(), span)
        }
        None => of_events(look),
    };
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    let inner = look.frame("why refused or made room", &of, None, area, buffer);
    let width = usize::from(inner.width);
    let line = |(name, count): (String, u64)| {
        let share = format!(" {:>3}% {:>5} ", figure::percent(count, total), figure::short(count));
        let name = text::cut(&name, width.saturating_sub(share.len()), &look.glyphs);
        Line::raw(format!("{share}{name}"))
    };
    let lines: Vec<_> = counts.into_iter().take(usize::from(inner.height)).map(line).collect();
    if lines.is_empty() {
        return Look::lines(vec![Line::styled(" nobody was", look.theme.dim)], inner, buffer);
    }
    Look::lines(lines, inner, buffer);
}

fn kind_of(kind: &LoginCount) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    format!("{} {} {}", kind.outcome, text(&kind.quota), text(&kind.code))
}

fn of_events(look: &Look<'_>) -> (Vec<(String, u64)>, String) {
    let events = look.app.event_rows();
    let mut counts: Vec<(String, u64)> = Vec::new();
    for event in &events {
        let word = match event.kind.as_str() {
            "login.denied" => "denied",
            "session.evicted" => "evicted",
            _ => continue,
        };
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let name = format!("{word} {} {}", text(&event.quota), text(&event.code));
        let count = event.count.unwrap_or(1);
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known += count,
            None => counts.push((name, count)),
        }
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    (counts, format!("of {} events", events.len()))
}

fn health(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let inner = look.frame("ledger", "", None, area, buffer);
    let width = usize::from(inner.width);
    let Some(ledger) = &look.app.scene().ledger else {
        return Look::lines(vec![Line::styled(" -", look.theme.dim)], inner, buffer);
    };
    let behind = ledger.head.saturating_sub(ledger.seq);
    let facts = [
        ("name", ledger.name.clone()),
        ("durable up to", format!("{}, {behind} not yet shown", number(ledger.head))),
        ("on disk", format!("{} in {} volumes", figure::bytes(ledger.bytes), ledger.volumes)),
        ("disk free", disk(ledger)),
        ("sync p99", sync(look)),
        (
            "snapshot",
            ledger.snapshot_age_s.map_or_else(|| "none yet".to_owned(), |age| figure::age(age * 1000)),
        ),
    ];
    let lines = facts.iter().map(|(key, value)| look.fact(key, value, width)).collect();
    Look::lines(lines, inner, buffer);
}

/// `14.9G`, for few columns.
fn brief_disk(ledger: &LedgerStats) -> String {
    let free = ledger.disk_free.map_or_else(|| "-".to_owned(), figure::bytes);
    free.replace(' ', "").trim_end_matches("iB").to_owned()
}

fn disk(ledger: &LedgerStats) -> String {
    let free = ledger.disk_free.map_or_else(|| "-".to_owned(), figure::bytes);
    if ledger.disk_full { format!("{free}: its reserve is reached") } else { free }
}

fn sync(look: &Look<'_>) -> String {
    let sync = look.app.scene().top.as_ref().and_then(|top| top.sync_us);
    micros(sync.and_then(|sync| sync.p99))
}

/// What a filter does to the list of users, where that is not plain.
fn narrowed(look: &Look<'_>, rows: &[UserRow]) -> String {
    let app = look.app;
    match (&app.scene().found, rows.first()) {
        (Some((sessions, false)), _) => format!(", of the first {} sessions", number(sessions.len() as u64)),
        (Some((_, true)), _) => ", whose sessions are such".to_owned(),
        (None, Some(row)) if app.filter.is_partly_about(&scene::looked_user(row)) => {
            " (partly not about users)".to_owned()
        }
        (None, _) => String::new(),
    }
}

/// The list of users.
pub(super) fn users(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let app = look.app;
    let rows = app.user_rows();
    let mut right = String::new();
    if !app.filter.is_empty() {
        right = format!("filter: {}", app.filter.text);
        right.push_str(&narrowed(look, &rows));
    }
    if app.scene().found.is_none() && app.scene().users.is_some() && app.scene().more_users {
        right.push_str(if right.is_empty() { "first 200" } else { ", first 200" });
    }
    let inner = look.frame("users by use of their limit", &right, Some(Pane::Users), area, buffer);
    let names: Vec<String> = rows.iter().map(|row| row.user.clone()).collect();
    let height = usize::from(inner.height).saturating_sub(1);
    let offset = app.users.offset(&names, height);
    let columns = columns(look, usize::from(inner.width));
    let shown = rows.iter().skip(offset).take(height).map(|row| user_row(look, row, &columns)).collect();
    look.table(&columns.iter().map(|(_, cells)| cells.copied()).collect::<Vec<_>>(), shown, inner, buffer);
}

impl Cells {
    fn copied(&self) -> Self {
        Self { head: self.head.clone(), width: self.width, is_number: self.is_number }
    }
}

/// The columns that are shown, by index; the first takes what is left.
fn columns(look: &Look<'_>, width: usize) -> Vec<(usize, Cells)> {
    let order = look.app.users_order;
    let fixed = [
        (1, Cells::number(&head("USED", 1, order), 7)),
        (2, Cells::number(&head("LIMIT", 2, order), 9)),
        (3, Cells::text(&head("SHARE", 3, order), 19)),
        (4, Cells::text(&head("QUOTA", 4, order), if width > 90 { 24 } else { 12 })),
    ];
    let mut columns: Vec<(usize, Cells)> =
        fixed.into_iter().filter(|(index, _)| look.app.shows(Pane::Users, *index)).collect();
    let taken = |columns: &[(usize, Cells)]| columns.iter().map(|(_, cells)| cells.width + 1).sum::<usize>();
    // A name must be told from another; the quota stands in the view of the user too.
    if width < taken(&columns) + NAME_LEAST {
        columns.retain(|(index, _)| *index != 4);
    }
    let taken = taken(&columns);
    let room = width.saturating_sub(taken + 2).clamp(4, 64);
    columns.insert(0, (0, Cells::text(&head("USER", 0, order), room)));
    columns
}

fn user_row(look: &Look<'_>, row: &UserRow, columns: &[(usize, Cells)]) -> RowShown {
    let share = scene::used(row);
    let limit = scene::limit_of(row.limit.as_ref());
    let cell = |(index, _): &(usize, Cells)| match index {
        0 => row.user.clone(),
        1 => row.active.to_string(),
        2 => scene::limit_word(row.limit.as_ref()),
        3 => format!("{} {share:>4}%", gauge(u64::from(row.active), limit, 12, &look.glyphs)),
        _ => row.quota.clone().unwrap_or_else(|| "-".to_owned()),
    };
    let style = match share {
        _ if limit.is_none() => look.theme.plain,
        100.. => look.theme.bad,
        share if share >= look.app.setup.near => look.theme.warn,
        _ => look.theme.plain,
    };
    let is_chosen = look.app.users.chosen.as_deref() == Some(row.user.as_str());
    RowShown { cells: columns.iter().map(cell).collect(), style, is_chosen }
}
