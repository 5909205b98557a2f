//! `GET /v1/replay/at|timeline|diff`: the past, folded here, so that nobody has to fetch all of it.
//!
//! Promise: an answer is of what was durable when it was asked for; each look is recorded as `history.read` before
//! anything is answered. Folding has a thread of its own, at most so many at a time, and ends when nobody waits any more.
//! What could not be read to its end breaks off the connection and does not look whole.
//!
//! Absent on purpose: any effect on what is decided.

mod fold;
mod look;

use crate::app::App;
use crate::extract::{Asked, RequestId};
use crate::openapi::Views;
use crate::reply::{Refusal, Reply};
use axum::extract::State;
use look::{Look, Window, when};
use sledger_wire::answer::Problem;
use sledger_wire::pages::{ReplayAt, TimelinePage};
use sledger_wire::past::ReplayDiff;
use sledger_wire::queries::{AtQuery, DiffQuery, TimelineQuery};
use std::sync::Arc;

/// `GET /v1/replay/at`.
#[utoipa::path(
    get,
    path = "/v1/replay/at",
    tag = "history",
    operation_id = "replay_at",
    summary = "Who was in at a moment",
    description = "With counts and limits as they were. Each look is recorded.",
    params(AtQuery, RequestId),
    responses(
        (status = 200, description = "everybody who was in, by name", body = ReplayAt),
        (status = 404, description = "the ledger is in memory: it keeps no past"),
        (status = 422, description = "a parameter is refused by name"),
        Views,
    )
)]
pub(crate) async fn at(
    State(app): State<Arc<App>>,
    RequestId(request_id): RequestId,
    Asked(query): Asked<AtQuery>,
) -> Reply {
    let when = when("when", query.when.as_deref().unwrap_or("now"))?;
    let about = query.user.clone().unwrap_or_default();
    let look = Look::begin(&app, ("at", about, request_id)).await?;
    look.run(move |look| fold::at(look, when, &query)).await
}

/// `GET /v1/replay/timeline`.
#[utoipa::path(
    get,
    path = "/v1/replay/timeline",
    tag = "history",
    operation_id = "replay_timeline",
    summary = "Every event about a user, a session or an address",
    description = "A page; `next` is the `after` of the one behind it. Each look is recorded.",
    params(TimelineQuery, RequestId),
    responses(
        (status = 200, description = "a page of events, in order", body = TimelinePage),
        (status = 404, description = "the ledger is in memory: it keeps no past"),
        (status = 422, description = "a parameter is refused by name"),
        Views,
    )
)]
pub(crate) async fn timeline(
    State(app): State<Arc<App>>,
    RequestId(request_id): RequestId,
    Asked(query): Asked<TimelineQuery>,
) -> Reply {
    let window = Window::read(&query)?;
    let about = query.who.clone().or(query.actor.clone()).unwrap_or_default();
    let look = Look::begin(&app, ("timeline", about, request_id)).await?;
    look.run(move |look| fold::timeline(look, &window, &query)).await
}

/// `GET /v1/replay/diff`.
#[utoipa::path(
    get,
    path = "/v1/replay/diff",
    tag = "history",
    operation_id = "replay_diff",
    summary = "What differs between two moments",
    description = "Sessions that came and went, users, quotas, overrides, groups, policies. Each look is recorded.",
    params(DiffQuery, RequestId),
    responses(
        (status = 200, description = "what differs", body = ReplayDiff),
        (status = 404, description = "the ledger is in memory: it keeps no past"),
        (status = 422, description = "a parameter is refused by name"),
        Views,
    )
)]
pub(crate) async fn diff(
    State(app): State<Arc<App>>,
    RequestId(request_id): RequestId,
    Asked(query): Asked<DiffQuery>,
) -> Reply {
    let from = when("from", query.from.as_deref().unwrap_or_default())?;
    let to = when("to", query.to.as_deref().unwrap_or("now"))?;
    let look = Look::begin(&app, ("diff", String::new(), request_id)).await?;
    look.run(move |look| fold::diff(look, (from, to), query.no_snapshots)).await
}

fn failed(why: &str) -> Refusal {
    tracing::error!(why, "the past cannot be read");
    Problem::new(500, None, format!("the past cannot be read: {why}")).into()
}
