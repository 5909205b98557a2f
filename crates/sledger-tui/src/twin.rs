//! What a view shows, for programs and for people who read no screens: `top --once`, and what `o` writes to a file.
//!
//! Promise: asked and kept by the same reducer as the screen; what is filtered, frozen or past there is so here. A key
//! stands for each part of the view; what was not told is absent.

use crate::app::{App, Effect, Msg, View};
use crate::scene::SessionRow;
use crate::source::{Ask, Failed, Found, Kind, Side, Told};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sledger_core::Millis;
use std::collections::VecDeque;

/// Questions until a view has everything, at most.
const QUESTIONS_MAX: usize = 64;

/// Does what `effects` say and asks through `answer` whatever else the view of `app` needs, until there is nothing left
/// to ask.
///
/// # Errors
/// The first question that has no answer; why something is as it is may stay untold.
pub fn settle(
    app: &mut App,
    effects: Vec<Effect>,
    answer: &mut dyn FnMut(Side, Ask) -> Result<Told, Failed>,
) -> Result<(), Failed> {
    let mut effects: VecDeque<Effect> = effects.into();
    for _ in 0..QUESTIONS_MAX {
        let Some(effect) = effects.pop_front() else { return Ok(()) };
        let Effect::Ask(side, ask) = effect else { continue };
        let kind = ask.kind();
        let msg = match answer(side, ask) {
            Ok(told) => Msg::Told(side, told),
            Err(failed) if kind != Kind::Why => return Err(failed),
            Err(failed) => Msg::Failed(side, failed),
        };
        effects.extend(app.update(msg));
    }
    Ok(())
}

/// What the view shows.
#[must_use]
pub fn json(app: &App) -> Value {
    let mut shown = match app.view() {
        View::Overview => overview(app),
        View::User(name) => user(app, name),
        View::Session(unique) => session(app, unique),
        View::Replay => replay(app),
        View::Policies => policies(app),
    };
    if !app.filter.is_empty() {
        shown.insert("filter".to_owned(), json!(app.filter.text));
    }
    if app.side == Side::Past {
        shown.insert("position".to_owned(), position(app));
    }
    if let Some(frozen) = app.frozen.as_ref().filter(|_| app.side == Side::Live) {
        shown.insert("frozen_at".to_owned(), json!(frozen.at.rfc3339()));
    }
    Value::Object(shown)
}

fn put(to: &mut Map<String, Value>, key: &str, what: impl Serialize) {
    // Serialising what came as JSON does not fail; were it to, the part would be absent.
    if let Ok(value) = serde_json::to_value(what)
        && !value.is_null()
    {
        to.insert(key.to_owned(), value);
    }
}

/// The figures as the contract has them, and beside them what else stands on the screen.
fn overview(app: &App) -> Map<String, Value> {
    let scene = app.scene();
    let figures = scene.top.as_ref().and_then(|top| serde_json::to_value(top).ok());
    let mut shown = match figures {
        Some(Value::Object(figures)) => figures,
        _ => Map::new(),
    };
    put(&mut shown, "view", "overview");
    put(&mut shown, "alerts", alerts(app));
    put(&mut shown, "users_shown", app.user_rows());
    put(&mut shown, "ledger", &scene.ledger);
    put(&mut shown, "events", app.event_rows());
    shown
}

fn alerts(app: &App) -> Value {
    let rows = app.alert_rows();
    let one = |alert: &crate::app::Alert| json!({ "what": alert.what, "todo": alert.todo, "grave": alert.is_grave });
    rows.iter().map(one).collect()
}

fn named(view: &str) -> Map<String, Value> {
    let mut shown = Map::new();
    put(&mut shown, "view", view);
    shown
}

fn user(app: &App, name: &str) -> Map<String, Value> {
    let mut shown = named("user");
    let scene = app.scene();
    put(&mut shown, "user", name);
    let detail = scene.user.as_ref().filter(|user| user.user == name);
    put(&mut shown, "active", detail.map(|user| user.active));
    put(&mut shown, "limit", detail.and_then(|user| user.limit.clone()));
    put(&mut shown, "sessions", app.session_rows().iter().map(row).collect::<Value>());
    put(&mut shown, "events_since", scene.timeline.since.map(Millis::rfc3339));
    put(&mut shown, "events", app.event_rows());
    shown
}

fn row(row: &SessionRow) -> Value {
    let time = |at: Millis| (at != Millis::NEVER).then(|| at.rfc3339());
    json!({
        "session": row.session,
        "number": row.number,
        "client": row.client,
        "source": row.source,
        "ip": row.ip,
        "started": time(row.started),
        "last_active": time(row.last_active),
        "expires": time(row.expires),
        "state": row.state(),
        "ended_at": row.ended.as_ref().map(|(at, _)| at.rfc3339()),
        "by_session": row.by,
        "policy": row.policy,
    })
}

fn session(app: &App, unique: &str) -> Map<String, Value> {
    let mut shown = named("session");
    put(&mut shown, "asked", unique);
    match app.scene().session.as_deref() {
        Some(Found::Live(session)) => put(&mut shown, "session", session),
        Some(Found::Ended(ended)) => put(&mut shown, "ended", ended),
        Some(Found::Unknown(_)) | None => {}
    }
    match &app.why {
        Some((_, Ok(why))) => put(&mut shown, "why", why),
        Some((_, Err(reason))) => put(&mut shown, "why_not_told", reason),
        None => {}
    }
    put(&mut shown, "events", app.event_rows());
    shown
}

fn replay(app: &App) -> Map<String, Value> {
    let mut shown = named("replay");
    put(&mut shown, "figures", &app.past.top);
    put(&mut shown, "users", app.user_rows());
    put(&mut shown, "events", app.event_rows());
    shown
}

fn position(app: &App) -> Value {
    let Some(position) = &app.past.position else { return Value::Null };
    json!({
        "at": position.at.rfc3339(),
        "seq": position.seq.0,
        "last": position.last.0,
        "from": position.span.0.rfc3339(),
        "until": position.span.1.rfc3339(),
        "down": position.is_down,
    })
}

fn policies(app: &App) -> Map<String, Value> {
    let mut shown = named("policies");
    put(&mut shown, "policies", &app.scene().policies);
    if app.policies.chosen.is_some() {
        put(&mut shown, "policy", &app.scene().policy);
    }
    put(&mut shown, "events", app.event_rows());
    shown
}
