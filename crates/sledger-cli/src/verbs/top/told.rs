//! A view for people who read no screens: a line a fact, tables without frames.

use crate::show;
use crate::verbs::policy::list::failure;
use crate::zone::Zone;
use sledger_tui::app::{Alert, App, View};
use sledger_tui::chain;
use sledger_tui::scene::SessionRow;
use sledger_tui::source::{Found, Side};
use sledger_wire::answer::TombstoneObject;
use sledger_wire::escape;
use sledger_wire::pages::{LedgerStats, LoginCount, Quantiles, Top as Figures};
use sledger_wire::policies::{PolicyObject, PolicyUse};

pub(super) fn lines(app: &App, zone: Zone) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(position) = app.past.position.as_ref().filter(|_| app.side == Side::Past) {
        let down = if position.is_down { ", the ledger was down" } else { "" };
        lines.push(format!(
            "at {}, seq {} of {}{down}",
            zone.shown(position.at),
            position.seq,
            position.last
        ));
    }
    lines.extend(match app.view() {
        View::Overview => overview(app),
        View::Replay => replay(app),
        View::User(name) => user(app, name, zone),
        View::Session(_) => session(app, zone),
        View::Policies => policies(app, zone),
    });
    let events = app.event_rows();
    if !events.is_empty() {
        lines.push("events, newest first:".to_owned());
        lines.extend(events.iter().map(|event| show::event(event, zone)));
    }
    lines
}

fn overview(app: &App) -> Vec<String> {
    let scene = app.scene();
    let mut lines: Vec<String> = app.alert_rows().iter().map(alert).collect();
    lines.extend(scene.top.as_deref().map(figures).unwrap_or_default());
    lines.extend(scene.ledger.as_deref().map(ledger));
    lines.extend(show::users(&app.user_rows()));
    lines
}

fn alert(alert: &Alert) -> String {
    format!("! {} -> {}", escape(&alert.what), escape(&alert.todo))
}

fn ledger(ledger: &LedgerStats) -> String {
    let free = ledger.disk_free.map_or_else(String::new, |free| format!(", {free} bytes free"));
    let snapshot = ledger.snapshot_age_s.map_or_else(String::new, |age| format!(", snapshot {age} s old"));
    format!(
        "ledger {}: durable up to seq {}, {} bytes in {} volumes{free}{snapshot}",
        escape(&ledger.name),
        ledger.head,
        ledger.bytes,
        ledger.volumes
    )
}

fn replay(app: &App) -> Vec<String> {
    let mut lines = app.past.top.as_deref().map(figures).unwrap_or_default();
    lines.extend(show::users(&app.user_rows()));
    lines
}

/// The figures for people.
pub(super) fn figures(figures: &Figures) -> Vec<String> {
    let mut lines = vec![format!(
        "seq {}: {} sessions of {} users, {} at their limit, {} near it or at it",
        figures.seq, figures.sessions, figures.users, figures.at_limit, figures.near_limit
    )];
    lines.push(format!("per second: {}", rates(figures)));
    lines.push(format!(
        "answered in {}; decided in {}",
        times(&figures.latency_us),
        times(&figures.decide_us)
    ));
    if let Some(sync) = &figures.sync_us {
        lines.push(format!("synced in {}", times(sync)));
    }
    lines.extend(figures.logins.iter().map(kind));
    lines
}

fn kind(kind: &LoginCount) -> String {
    let text = |text: &Option<String>| escape(text.as_deref().unwrap_or("-")).into_owned();
    let (quota, code) = (text(&kind.quota), text(&kind.code));
    format!("since its start: {} {} by {quota}, {code}", kind.count, kind.outcome)
}

fn rates(figures: &Figures) -> String {
    let rates = &figures.rates;
    let named = [
        ("admitted", rates.admitted),
        ("denied", rates.denied),
        ("resumed", rates.resumed),
        ("evicted", rates.evicted),
        ("expired", rates.expired),
        ("ended", rates.ended),
    ];
    let told = named.map(|(name, rate)| match rate {
        Some(rate) => format!("{name} {rate:.1}"),
        None => format!("{name} -"),
    });
    told.join(", ")
}

fn times(quantiles: &Quantiles) -> String {
    match (quantiles.p50, quantiles.p99, quantiles.p999, quantiles.max) {
        (Some(p50), Some(p99), Some(p999), Some(max)) => {
            format!("{p50} µs (p99 {p99}, p99.9 {p999}, longest {max})")
        }
        _ => "-".to_owned(),
    }
}

fn user(app: &App, name: &str, zone: Zone) -> Vec<String> {
    let detail = app.scene().user.as_ref().filter(|user| user.user == name);
    let limit = detail.and_then(|user| user.limit.as_ref());
    let limit = limit.map_or_else(|| "no limit known".to_owned(), |limit| format!("limit {limit}"));
    let active = detail.map_or(0, |user| user.active);
    let mut lines = vec![format!("{}: {active} sessions, {limit}", escape(name))];
    let head = ["SESSION", "NUMBER", "CLIENT", "FROM", "SINCE", "STATE", "ENDED", "BY"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(app.session_rows().iter().map(|row| session_row(row, zone)));
    if rows.len() > 1 {
        lines.extend(show::table(&rows));
    }
    if let Some(since) = app.scene().timeline.since {
        lines.push(format!("only events since {} are known", zone.shown(since)));
    }
    lines
}

fn session_row(row: &SessionRow, zone: Zone) -> Vec<String> {
    let text = |text: &str| if text.is_empty() { "-".to_owned() } else { escape(text).into_owned() };
    vec![
        text(&row.session),
        row.number.to_string(),
        text(&row.client),
        text(&row.ip),
        zone.shown(row.started),
        row.state().to_owned(),
        row.ended.as_ref().map_or_else(|| "-".to_owned(), |(at, _)| zone.shown(*at)),
        text(row.by.as_deref().unwrap_or_default()),
    ]
}

fn session(app: &App, zone: Zone) -> Vec<String> {
    let mut lines = match app.scene().session.as_deref() {
        Some(Found::Live(session)) => show::sessions(std::slice::from_ref(session), zone),
        Some(Found::Ended(ended)) => vec![gone(ended, zone)],
        Some(Found::Unknown(_)) | None => Vec::new(),
    };
    match &app.why {
        Some((_, Ok(why))) => {
            let told = chain::lines(why, zone.minutes());
            lines.extend(told.iter().map(|line| escape(line).into_owned()));
        }
        Some((_, Err(reason))) => lines.push(format!("why is not told: {}", escape(reason))),
        None => {}
    }
    lines
}

fn gone(ended: &TombstoneObject, zone: Zone) -> String {
    format!(
        "{}@{} of {} ended ({}) at {}",
        escape(&ended.session),
        ended.number,
        escape(&ended.user),
        ended.cause,
        zone.reshown(&ended.ended_at)
    )
}

fn policies(app: &App, zone: Zone) -> Vec<String> {
    let head = ["POLICY", "QUOTA", "STATE", "ASKED", "FAILED", "DIFFERS", "P50 US", "P99 US", "SINCE", "BY"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(app.policy_rows().into_iter().map(|(policy, used)| policy_row(policy, used, zone)));
    let mut lines = show::table(&rows);
    let uses = app.scene().policies.iter().flat_map(|policy| &policy.uses);
    let failed = uses.filter_map(|used| Some(failure(used, used.last_failure.as_ref()?, zone)));
    lines.extend(failed);
    let text = app.scene().policy.as_ref().and_then(|policy| policy.text.as_deref());
    if let Some(text) = text.filter(|_| app.policies.chosen.is_some()) {
        let numbered = text.lines().zip(1..);
        lines.extend(numbered.map(|(line, number)| format!("{number:>4}  {}", escape(line))));
    }
    lines
}

fn policy_row(policy: &PolicyObject, used: Option<&PolicyUse>, zone: Zone) -> Vec<String> {
    let text = |text: Option<&String>| text.map_or_else(|| "-".to_owned(), |text| escape(text).into_owned());
    let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let since = used.and_then(|used| used.since.as_ref()).or(policy.since.as_ref());
    vec![
        text(used.map_or(Some(&policy.name), |used| Some(&used.policy))),
        text(used.map(|used| &used.quota)),
        used.map_or_else(|| "not used".to_owned(), |used| used.state.clone()),
        count(used.map(|used| used.asked)),
        count(used.map(|used| used.failures)),
        count(used.map(|used| used.differences)),
        count(used.and_then(|used| used.us.p50)),
        count(used.and_then(|used| used.us.p99)),
        since.map_or_else(|| "-".to_owned(), |since| zone.reshown(since)),
        text(used.and_then(|used| used.actor.as_ref()).or(policy.actor.as_ref())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_with_their_units_and_what_was_not_measured_is_a_dash() {
        let figures = Figures {
            sessions: 2,
            latency_us: Quantiles { p50: Some(1), p99: Some(2), p999: Some(3), max: Some(4) },
            ..Figures::default()
        };
        let shown = super::figures(&figures);
        assert_eq!(shown[0], "seq 0: 2 sessions of 0 users, 0 at their limit, 0 near it or at it");
        assert!(shown[1].starts_with("per second: admitted -, denied -"), "{}", shown[1]);
        assert_eq!(shown[2], "answered in 1 µs (p99 2, p99.9 3, longest 4); decided in -");
    }
}
