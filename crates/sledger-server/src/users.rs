//! Users: listed, looked at, cleared.

use crate::app::App;
use crate::extract::{Asked, Named, RequestId};
use crate::openapi::{Decisions, UserPath, Views};
use crate::reply::{self, Reply};
use axum::extract::State;
use sledger::core::command::Rejection;
use sledger::core::decide::edge;
use sledger::projector::{Projection, QueryError, Sort, UserQuery};
use sledger::{Actor, Command, Request};
use sledger_wire::answer::{AnswerLine, Problem, SessionObject};
use sledger_wire::pages::{Ended, UserDetail, UserRow, UsersPage};
use sledger_wire::queries::{ClearQuery, UsersQuery, page_size, share};
use sledger_wire::recording::{Echo, OpName};
use std::sync::Arc;

/// The order where the caller does not say.
const SORT_DEFAULT: &str = "-used";

/// The key that the ledger counts this name under.
pub(crate) fn key(views: &Projection, name: &str) -> Result<String, Rejection> {
    edge::user_key(name, &views.ready().settings.users)
}

/// `GET /v1/users`.
#[utoipa::path(
    get,
    path = "/v1/users",
    tag = "users",
    operation_id = "users",
    summary = "Users with live sessions",
    description = "Each with the enabled hard quota that has the least room left. A page; `next` is the \
        `cursor` of the one behind it.",
    params(UsersQuery),
    responses(
        (status = 200, description = "a page", body = UsersPage),
        (status = 422, description = "a parameter is refused by name"),
        Views,
    )
)]
pub(crate) async fn list(State(app): State<Arc<App>>, Asked(asked): Asked<UsersQuery>) -> Reply {
    let near = asked.near.as_deref().map(share).transpose();
    let near = near.map_err(|reason| Rejection::new("near", reason.0))?.map(u32::from);
    let sort = asked.sort.as_deref().unwrap_or(SORT_DEFAULT).parse::<Sort>();
    let query = UserQuery {
        sort: sort.map_err(|error| wrong(&error))?,
        near,
        glob: asked.user,
        quota: asked.quota,
        cursor: asked.cursor,
        page_size: page_size(asked.page_size),
    };
    let page = app.read_at_length(move |views| views.users(&query)).await?.map_err(|error| wrong(&error))?;
    let row = |row: &sledger::projector::UserRow| UserRow {
        user: row.user.to_string(),
        active: row.active,
        limit: row.limit.map(Into::into),
        quota: row.quota.as_ref().map(ToString::to_string),
    };
    Ok(reply::json(&UsersPage {
        seq: page.seq.0,
        users: page.users.iter().map(row).collect(),
        next: page.next,
    }))
}

fn wrong(error: &QueryError) -> Rejection {
    let field = match error {
        QueryError::Cursor(_) => "cursor",
        QueryError::Sort(_) => "sort",
        QueryError::Quota(_) => "quota",
    };
    Rejection::new(field, sledger_wire::escape(&error.to_string()))
}

/// `GET /v1/users/{user}`. A user without sessions is one with none: the ledger knows no others.
#[utoipa::path(
    get,
    path = "/v1/users/{user}",
    tag = "users",
    operation_id = "user",
    summary = "One user",
    description = "A user without sessions is one with none: the ledger knows no others.",
    params(UserPath),
    responses(
        (status = 200, description = "his sessions", body = UserDetail),
        (status = 422, description = "the name is refused"),
        Views,
    )
)]
pub(crate) async fn one(State(app): State<Arc<App>>, Named(user): Named) -> Reply {
    let detail = app
        .read(move |views| {
            let key = key(views, &user)?;
            let detail = views.user(&key);
            Ok::<_, Rejection>(detail.map_or_else(|| nobody(key), |detail| told(&detail)))
        })
        .await??;
    Ok(reply::json(&detail))
}

const fn nobody(user: String) -> UserDetail {
    UserDetail { user, active: 0, limit: None, sessions: Vec::new() }
}

fn told(detail: &sledger::projector::UserDetail) -> UserDetail {
    UserDetail {
        user: detail.user.to_string(),
        active: detail.active,
        limit: detail.limit.map(Into::into),
        sessions: detail.sessions.iter().map(SessionObject::from).collect(),
    }
}

/// `DELETE /v1/users/{user}/sessions`.
#[utoipa::path(
    delete,
    path = "/v1/users/{user}/sessions",
    tag = "users",
    operation_id = "clear",
    summary = "Ends the sessions of a user",
    params(UserPath, ClearQuery, RequestId),
    responses(
        (status = 200, description = "their ids", body = Ended),
        Decisions,
    )
)]
pub(crate) async fn clear(
    State(app): State<Arc<App>>,
    Named(user): Named,
    RequestId(request_id): RequestId,
    Asked(query): Asked<ClearQuery>,
) -> Reply {
    let command = Command::Clear { user: Some(user.clone()), keep: query.keep };
    let request = Request { request_id, command_id: query.command, ..Request::new(Actor::Local, command) };
    let answer = app.callers.ask(request).await?;
    let echo = Echo { op: OpName::Clear, user: Some(user), session: None };
    let line = AnswerLine::over_http(&echo, &answer);
    match Problem::of(OpName::Clear, &answer, &line) {
        Some(problem) => Err(problem.into()),
        None => Ok(reply::json(&Ended { ended: line.ended })),
    }
}
