//! A monitor with a made-up ledger.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use sledger_core::Millis;
use sledger_tui::app::{App, Effect, Msg, Setup};
use sledger_tui::keys::{Key, Keymap};
use sledger_tui::source::{Ask, Fed, Side, Told};
use sledger_tui::theme::ThemeName;
use sledger_tui::view;
use sledger_wire::answer::{SessionObject, TombstoneObject};
use sledger_wire::events::EventLine;
use sledger_wire::pages::{LatencyClass, LedgerStats, LoginCount, Quantiles, Rates, Top, TopRow, UserDetail};
use sledger_wire::policies::{PoliciesPage, PolicyFailed, PolicyObject, PolicyUse};
use sledger_wire::values::{LimitWord, Offset};
use sledger_wire::why::{Why, WhyCore, WhyStep};
use std::fmt::Write as _;

/// 2026-11-20T12:04:31.207Z.
pub(crate) const NOW: u64 = 1_795_176_271_207;

pub(crate) fn setup() -> Setup {
    Setup {
        target: "127.0.0.1:7070".to_owned(),
        allow_actions: false,
        near: 80,
        keys: Keymap::default(),
        theme: ThemeName::Dark,
        ascii: true,
        zone_minutes: 0,
        offset: Offset::default(),
        has_live: true,
        has_past: false,
    }
}

/// A monitor that runs since a moment.
pub(crate) fn begun(setup: Setup) -> App {
    let mut app = App::new(setup);
    app.update(Msg::Tick(Millis(NOW)));
    app
}

pub(crate) fn keys(app: &mut App, text: &str) -> Vec<Effect> {
    text.split(' ').flat_map(|key| app.update(Msg::Key(Key::read(key).unwrap()))).collect()
}

pub(crate) fn typed(app: &mut App, text: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for letter in text.chars() {
        effects.extend(app.update(Msg::Key(Key::char(letter))));
    }
    effects.extend(keys(app, "enter"));
    effects
}

pub(crate) fn told(app: &mut App, told: Told) -> Vec<Effect> {
    app.update(Msg::Told(Side::Live, told))
}

pub(crate) fn asks(effects: &[Effect]) -> Vec<Ask> {
    let ask = |effect: &Effect| match effect {
        Effect::Ask(_, ask) => Some(ask.clone()),
        _ => None,
    };
    effects.iter().filter_map(ask).collect()
}

pub(crate) fn top(users: &[(&str, u32, u32)]) -> Top {
    let row = |(user, active, limit): &(&str, u32, u32)| TopRow {
        user: (*user).to_owned(),
        active: *active,
        limit: Some(LimitWord::Number(*limit)),
        quota: Some("per-user".to_owned()),
    };
    Top {
        seq: 1_204_881,
        sessions: 18_204,
        users: 9_771,
        at_limit: 412,
        near_limit: 1_030,
        durability: "durable".to_owned(),
        top: users.iter().map(row).collect(),
        rates: Rates {
            admitted: Some(212.4),
            denied: Some(9.0),
            resumed: Some(0.0),
            evicted: Some(31.2),
            expired: Some(18.0),
            ended: Some(140.5),
        },
        latency_us: Quantiles { p50: Some(850), p99: Some(2_400), p999: Some(9_100), max: Some(48_000) },
        decide_us: Quantiles { p50: Some(2), p99: Some(11), p999: Some(48), max: Some(210) },
        sync_us: Some(Quantiles { p50: Some(700), p99: Some(1_900), p999: Some(8_000), max: Some(40_000) }),
        latency_shape: [(Some(256), 12), (Some(1_024), 9_000), (Some(4_096), 700), (None, 3)]
            .map(|(at_most_us, count)| LatencyClass { at_most_us, count })
            .to_vec(),
        ..Top::default()
    }
}

pub(crate) fn event(seq: u64, kind: &str, user: &str, session: &str) -> EventLine {
    EventLine {
        seq,
        at: Millis(NOW - 1_000).rfc3339(),
        kind: kind.to_owned(),
        decision: seq,
        actor: "token:web-1".to_owned(),
        user: Some(user.to_owned()),
        session: Some(session.to_owned()),
        number: Some(seq - 100),
        client: Some("vpn".to_owned()),
        ip: Some("203.0.113.9".to_owned()),
        ..EventLine::default()
    }
}

pub(crate) fn evicted(seq: u64, user: &str, session: &str, by: &str) -> EventLine {
    EventLine {
        code: Some("SESSION_QUOTA_EXCEEDED".to_owned()),
        by_session: Some(by.to_owned()),
        quota: Some("per-user".to_owned()),
        key: Some(user.to_owned()),
        limit: Some(LimitWord::Number(5)),
        active: Some(5),
        policy: Some("destroy_oldest@3f9a12c0".to_owned()),
        line: Some(9),
        cause: Some("evicted".to_owned()),
        reason: Some("oldest".to_owned()),
        message: Some("You were signed out because your account signed in elsewhere.".to_owned()),
        started: Some(Millis(NOW - 10_983_000).rfc3339()),
        ended_at: Some(Millis(NOW - 1_000).rfc3339()),
        ..event(seq, "session.evicted", user, session)
    }
}

pub(crate) fn session(number: u64, id: &str, user: &str) -> SessionObject {
    SessionObject {
        session: id.to_owned(),
        number,
        user: user.to_owned(),
        client: Some("web".to_owned()),
        source: Some("portal".to_owned()),
        ip: Some("192.0.2.10".to_owned()),
        started: Millis(NOW - number * 60_000).rfc3339(),
        last_active: Millis(NOW - 5_000).rfc3339(),
        expires: Millis(NOW + 1_800_000).rfc3339(),
        generation: number,
        ..SessionObject::default()
    }
}

pub(crate) fn detail(user: &str, sessions: &[(u64, &str)]) -> UserDetail {
    UserDetail {
        user: user.to_owned(),
        active: u32::try_from(sessions.len()).unwrap(),
        limit: Some(LimitWord::Number(5)),
        sessions: sessions.iter().map(|(number, id)| session(*number, id, user)).collect(),
    }
}

pub(crate) fn policies() -> PoliciesPage {
    let used = |quota: &str, policy: &str, state: &str, failures, differences| PolicyUse {
        quota: quota.to_owned(),
        policy: policy.to_owned(),
        state: state.to_owned(),
        since: Some("2026-11-12T10:00:00.000Z".to_owned()),
        actor: Some("token:kim".to_owned()),
        failures,
        differences,
        asked: 4_812,
        allowed: 4_764,
        denied: 17,
        evicted: 31,
        us: Quantiles { p50: Some(11), p99: Some(48), p999: Some(90), max: Some(210) },
        last_failure: (failures > 0).then(|| PolicyFailed {
            seq: 1_177,
            at: Millis(NOW - 100_000).rfc3339(),
            code: "POLICY_ERROR".to_owned(),
            message: "the script broke off".to_owned(),
            line: 3,
        }),
        ..PolicyUse::default()
    };
    let policy = |name: &str, uses| PolicyObject {
        name: name.to_owned(),
        origin: Some("built_in".to_owned()),
        kept: 1,
        uses,
        ..PolicyObject::default()
    };
    PoliciesPage {
        seq: 1,
        policies: vec![
            policy("deny", vec![]),
            policy("destroy_oldest", vec![used("per-user", "destroy_oldest@3f9a12c0", "active", 0, 0)]),
            policy("strict", vec![used("per-user", "strict@9f31c0de", "shadow", 2, 17)]),
        ],
    }
}

pub(crate) fn ledger() -> LedgerStats {
    LedgerStats {
        name: "prod".to_owned(),
        seq: 1_204_881,
        head: 1_204_881,
        volumes: 3,
        bytes: 700_000_000,
        disk_free: Some(16_000_000_000),
        snapshot_age_s: Some(250),
        durability: "durable".to_owned(),
        ..LedgerStats::default()
    }
}

fn kinds(counts: [u64; 3]) -> Vec<LoginCount> {
    let [evicted, denied, banned] = counts;
    let kind = |outcome: &str, quota: &str, code: &str, count| LoginCount {
        outcome: outcome.to_owned(),
        quota: Some(quota.to_owned()),
        code: Some(code.to_owned()),
        count,
    };
    vec![
        kind("admitted", "per-user", "SESSION_QUOTA_EXCEEDED", evicted),
        kind("denied", "per-ip", "SESSION_QUOTA_EXCEEDED", denied),
        kind("denied", "per-user", "USER_BANNED", banned),
    ]
}

/// An overview in full.
pub(crate) fn overview() -> App {
    let mut app = begun(setup());
    let before = Top { logins: kinds([1_000, 500, 7]), ..top(&[]) };
    app.update(Msg::Tick(Millis(NOW - 240_000)));
    told(&mut app, Told::Top(Box::new(before)));
    app.update(Msg::Tick(Millis(NOW)));
    let users = [("alice", 5, 5), ("svc-etl", 199, 200), ("bob", 4, 5), ("carol", 9, 12), ("dave", 1, 5)];
    let figures = Top { logins: kinds([1_610, 800, 97]), ..top(&users) };
    told(&mut app, Told::Top(Box::new(figures)));
    told(&mut app, Told::Policies(policies()));
    told(&mut app, Told::Ledger(Box::new(ledger())));
    let denied = EventLine {
        code: Some("SESSION_QUOTA_EXCEEDED".to_owned()),
        quota: Some("per-user".to_owned()),
        limit: Some(LimitWord::Number(200)),
        active: Some(200),
        policy: Some("deny@11aa22bb".to_owned()),
        reason: Some("full".to_owned()),
        session: None,
        number: None,
        ..event(1_204_870, "login.denied", "svc-etl", "")
    };
    let events = vec![denied, evicted(1_204_880, "alice", "s-91c2", "s-a77f")];
    app.update(Msg::Fed(None, Fed::Events { events, skipped: 0 }));
    app
}

pub(crate) fn drawn(app: &App, columns: u16, rows: u16) -> Buffer {
    let mut app = app.clone();
    app.update(Msg::Resize(columns, rows));
    let area = Rect::new(0, 0, columns, rows);
    let mut buffer = Buffer::empty(area);
    view::render(&app, area, &mut buffer);
    buffer
}

/// The text, every column of it, and where it is not plain.
pub(crate) fn dump(buffer: &Buffer) -> String {
    let mut text = String::new();
    let mut styles = String::new();
    for y in 0..buffer.area.height {
        let mut run: Option<(u16, Style)> = None;
        let mut skip = 0;
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            if skip > 0 {
                skip -= 1;
            } else {
                text.push_str(cell.symbol());
                skip = sledger_tui::text::width(cell.symbol()).saturating_sub(1);
            }
            let style = Style::new().fg(cell.fg).bg(cell.bg).add_modifier(cell.modifier);
            if run.is_none_or(|(_, known)| known != style) {
                end(&mut styles, run, x, y);
                run = Some((x, style));
            }
        }
        end(&mut styles, run, buffer.area.width, y);
        text.push_str("|\n");
    }
    format!("{text}\n{styles}")
}

fn end(styles: &mut String, run: Option<(u16, Style)>, x: u16, y: u16) {
    let Some((from, style)) = run else { return };
    let colour = style.fg.filter(|colour| *colour != Color::Reset);
    if colour.is_none() && style.add_modifier.is_empty() {
        return;
    }
    let modifier = Modifier::iter_names(&style.add_modifier).map(|(name, _)| name.to_lowercase());
    let colour = colour.map(|colour| colour.to_string().to_lowercase());
    let words: Vec<String> = colour.into_iter().chain(modifier).collect();
    writeln!(styles, "{y}:{from}-{} {}", x - 1, words.join(" ")).unwrap();
}

/// Why a session made room for another.
pub(crate) fn why(user: &str, session: &str, by: &str) -> Why {
    let step = |step: &str, says: String| WhyStep { step: step.to_owned(), says };
    let core = |policy: &str, outcome: &str, evicted: &[&str], reason: &str, same| WhyCore {
        policy: policy.to_owned(),
        outcome: outcome.to_owned(),
        admitted: outcome != "deny",
        evicted: evicted.iter().map(|id| (*id).to_owned()).collect(),
        reason: Some(reason.to_owned()),
        same,
    };
    Why {
        session: Some(session.to_owned()),
        user: Some(user.to_owned()),
        outcome: "evicted".to_owned(),
        ended_at: Some(Millis(NOW - 1_000).rfc3339()),
        cause: Some("evicted".to_owned()),
        code: Some("SESSION_QUOTA_EXCEEDED".to_owned()),
        seq: 1_204_880,
        at: Millis(NOW - 1_000).rfc3339(),
        chain: vec![
            step("command", format!("a login of {user} as session {by} ip 203.0.113.9")),
            step("quota", format!("quota per-user counts it under key {user}: 5 of 5 were in")),
            step("policy", format!("policy destroy_oldest@3f9a12c0 was asked: evict {session}")),
            step("line", "line 9: evict(sessions.oldest(quota.excess)).because(\"oldest\")".to_owned()),
            step("decision", format!("seq 1204880: evicted session {session} for session {by}")),
            step("told", "no notice of it is recorded: nobody is known to have been told".to_owned()),
        ],
        core: vec![
            core("deny_access", "deny", &[], "the limit is reached", false),
            core("destroy_oldest", "evict", &[session], "oldest", true),
            core(
                "destroy_all_others",
                "evict",
                &[session, "s-a001", "s-b7e0"],
                "replaced by a new login",
                false,
            ),
        ],
        as_recorded: Some(true),
        ..Why::default()
    }
}

/// A session that ended.
pub(crate) fn ended(number: u64, id: &str, user: &str, by: &str) -> TombstoneObject {
    TombstoneObject {
        session: id.to_owned(),
        number,
        user: user.to_owned(),
        client: Some("vpn".to_owned()),
        started: Millis(NOW - 10_983_000).rfc3339(),
        ended_at: Millis(NOW - 1_000).rfc3339(),
        cause: "evicted".to_owned(),
        by_session: Some(by.to_owned()),
        quota: Some("per-user".to_owned()),
        policy: Some("destroy_oldest@3f9a12c0".to_owned()),
        code: Some("SESSION_QUOTA_EXCEEDED".to_owned()),
        reason: Some("oldest".to_owned()),
        message: Some("You were signed out because your account signed in elsewhere.".to_owned()),
        ..TombstoneObject::default()
    }
}
