//! Sessions: in, seen, gone, listed.

use crate::app::App;
use crate::extract::{Asked, Named, RequestId, whole};
use crate::key::drawn_id;
use crate::openapi::{Bodies, Decisions, SessionPath, Views};
use crate::reply::{self, Refusal, Reply};
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use sledger::core::Seq;
use sledger::core::answer::{SessionView, Tombstone};
use sledger::core::command::{Rejection, Target};
use sledger::projector::{Projection, SessionQuery};
use sledger::{Actor, Command, Request};
use sledger_wire::answer::{AnswerLine, Problem, SessionObject, TombstoneObject};
use sledger_wire::bodies::{dry_login_from_json, end_from_json, login_from_json};
use sledger_wire::escape::brief;
use sledger_wire::pages::SessionsPage;
use sledger_wire::queries::{LoginQuery, SessionsQuery, TargetQuery, page_size};
use sledger_wire::recording::{Echo, OpName};
use sledger_wire::schemas::{EndBody, LoginBody};
use std::sync::Arc;

/// `POST /v1/sessions`.
#[utoipa::path(
    post,
    path = "/v1/sessions",
    tag = "sessions",
    operation_id = "login",
    summary = "A session wants in",
    description = "Decided against every quota that counts it. Without `session` it gets an id that \
        follows from `command`, so that a repeat is the same login. With `dry_run` nothing is decided: \
        the same answer tells what would become of it.",
    params(LoginQuery, RequestId),
    request_body(content = LoginBody, content_type = "application/json"),
    responses(
        (status = 201, description = "admitted", body = AnswerLine),
        (
            status = 200,
            description = "resumed: the session was in already; or ignored, as the configuration has it",
            body = AnswerLine,
        ),
        (
            status = 403,
            description = "denied: `code`, `quota`, `key`, `active`, `limit` say by what, `message` is \
                for the person, `offer` are sessions that may be ended instead",
        ),
        (
            status = 409,
            description = "conflict: the id is in use by another user, or `replaces` names a session that \
                is not live",
        ),
        (status = 410, description = "ended: the id had a session, and ids are not used again"),
        Decisions,
        Bodies,
    )
)]
pub(crate) async fn login(
    State(app): State<Arc<App>>,
    RequestId(id): RequestId,
    Asked(query): Asked<LoginQuery>,
    body: Body,
) -> Reply {
    let body = whole(body, app.config.read_max).await?;
    if query.dry_run {
        return foresee(&app, &body).await;
    }
    let (mut echo, mut request) = login_from_json(&body, &Actor::Local)?;
    request.request_id = id;
    name_session(&app, &mut echo, &mut request);
    let answer = app.callers.ask(request).await?;
    Ok(reply::answer(&echo, &answer))
}

/// What would become of a login.
async fn foresee(app: &App, body: &[u8]) -> Reply {
    let (mut echo, mut request) = dry_login_from_json(body, &Actor::Local)?;
    name_session(app, &mut echo, &mut request);
    if let Command::Login(login) = &mut request.command
        && login.session.is_none()
    {
        // An id for this question only: the login itself will have another, so it is not told.
        login.session = Some(drawn_id()?);
    }
    let answer = app.callers.ask(request).await?;
    Ok(reply::foreseen(&echo, &answer))
}

/// A login without an id gets one that follows from its command id, so that a repeat is the same login.
fn name_session(app: &App, echo: &mut Echo, request: &mut Request) {
    if let (Command::Login(login), Some(command)) = (&mut request.command, &request.command_id)
        && login.session.is_none()
    {
        let id = app.key.session_id(command, login.user.as_deref().unwrap_or_default());
        echo.session = Some(id.clone());
        login.session = Some(id);
    }
}

/// `POST /v1/sessions/{id}/touch`.
#[utoipa::path(
    post,
    path = "/v1/sessions/{id}/touch",
    tag = "sessions",
    operation_id = "touch",
    summary = "A session was active",
    params(SessionPath, TargetQuery, RequestId),
    request_body(content = Value, content_type = "application/json", description = "Not read: send `{}`"),
    responses(
        (status = 204, description = "noted"),
        (status = 404, description = "there is no such session"),
        (status = 409, description = "stale: it was resumed after the `generation` that was named"),
        (status = 410, description = "it has ended: `tombstone` tells how"),
        Decisions,
    )
)]
pub(crate) async fn touch(
    State(app): State<Arc<App>>,
    Named(session): Named,
    RequestId(id): RequestId,
    Asked(query): Asked<TargetQuery>,
) -> Reply {
    about(&app, (OpName::Touch, Command::Touch), (&session, query), id).await
}

/// `POST /v1/sessions/{id}/disconnect`.
#[utoipa::path(
    post,
    path = "/v1/sessions/{id}/disconnect",
    tag = "sessions",
    operation_id = "disconnect",
    summary = "A session's connection is gone",
    description = "It is kept for its retention, and resumed by the same login.",
    params(SessionPath, TargetQuery, RequestId),
    request_body(content = Value, content_type = "application/json", description = "Not read: send `{}`"),
    responses(
        (status = 204, description = "kept, or ended where nothing is kept"),
        (status = 404, description = "there is no such session"),
        (status = 409, description = "stale: it was resumed after the `generation` that was named"),
        (status = 410, description = "it has ended: `tombstone` tells how"),
        Decisions,
    )
)]
pub(crate) async fn disconnect(
    State(app): State<Arc<App>>,
    Named(session): Named,
    RequestId(id): RequestId,
    Asked(query): Asked<TargetQuery>,
) -> Reply {
    about(&app, (OpName::Disconnect, Command::Disconnect), (&session, query), id).await
}

/// `DELETE /v1/sessions/{id}`.
#[utoipa::path(
    delete,
    path = "/v1/sessions/{id}",
    tag = "sessions",
    operation_id = "logout",
    summary = "A session ended by its own side",
    params(SessionPath, TargetQuery, RequestId),
    responses(
        (status = 204, description = "logged out, now or before"),
        (status = 404, description = "there is no such session"),
        (status = 409, description = "stale: it was resumed after the `generation` that was named"),
        (status = 410, description = "it has ended: `tombstone` tells how"),
        Decisions,
    )
)]
pub(crate) async fn logout(
    State(app): State<Arc<App>>,
    Named(session): Named,
    RequestId(id): RequestId,
    Asked(query): Asked<TargetQuery>,
) -> Reply {
    about(&app, (OpName::Logout, Command::Logout), (&session, query), id).await
}

/// A command about one session that says nothing but which.
async fn about(
    app: &App,
    (op, command): (OpName, fn(Target) -> Command),
    (session, query): (&str, TargetQuery),
    request_id: Option<String>,
) -> Reply {
    let command = command(query.target(session));
    let request =
        Request { request_id, command_id: query.command.clone(), ..Request::new(Actor::Local, command) };
    let echo = Echo { op, user: query.user, session: Some(session.to_owned()) };
    let answer = app.callers.ask(request).await?;
    Ok(reply::answer(&echo, &answer))
}

/// `POST /v1/sessions/{id}/end`.
#[utoipa::path(
    post,
    path = "/v1/sessions/{id}/end",
    tag = "sessions",
    operation_id = "end",
    summary = "An operator ends a session",
    params(SessionPath, TargetQuery, RequestId),
    request_body(content = EndBody, content_type = "application/json"),
    responses(
        (status = 204, description = "ended"),
        (status = 404, description = "there is no such session"),
        (status = 409, description = "stale: it was resumed after the `generation` that was named"),
        (status = 410, description = "it has ended: `tombstone` tells how"),
        Decisions,
        Bodies,
    )
)]
pub(crate) async fn end(
    State(app): State<Arc<App>>,
    Named(session): Named,
    RequestId(id): RequestId,
    Asked(query): Asked<TargetQuery>,
    body: Body,
) -> Reply {
    let mut body = end_from_json(&whole(body, app.config.read_max).await?)?;
    body.generation = body.generation.or(query.generation.map(Seq));
    body.command = body.command.or(query.command);
    let mut request = body.into_request(&session, query.user.clone(), Actor::Local);
    request.request_id = id;
    let echo = Echo { op: OpName::End, user: query.user, session: Some(session) };
    let answer = app.callers.ask(request).await?;
    Ok(reply::answer(&echo, &answer))
}

/// What is known of one id.
enum Found {
    Live(Box<SessionView>),
    Ended(Arc<Tombstone>, Option<String>),
    Unknown,
}

/// `GET /v1/sessions/{id}`.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}",
    tag = "sessions",
    operation_id = "session",
    summary = "One session",
    description = "The live one of this id, else the latest that ended.",
    params(SessionPath),
    responses(
        (status = 200, description = "it is live", body = SessionObject),
        (status = 404, description = "there is no such session"),
        (status = 410, description = "it has ended: `tombstone` tells how"),
        Views,
    )
)]
pub(crate) async fn one(State(app): State<Arc<App>>, Named(session): Named) -> Reply {
    let asked = session.clone();
    match app.read(move |views| find(views, &asked)).await? {
        Found::Live(view) => Ok(reply::json(&SessionObject::from(&*view))),
        Found::Ended(tombstone, by) => {
            let told = TombstoneObject::from(&*tombstone).by(by.as_deref());
            let detail = format!("the session has ended: {}", told.cause);
            Err(Problem { tombstone: Some(told), ..Problem::new(410, None, detail) }.into())
        }
        Found::Unknown => {
            Err(Problem::new(404, None, format!("there is no session `{}`", brief(&session))).into())
        }
    }
}

/// The live session of this id, else the latest that ended; `id@SEQ` is the one of that number.
fn find(views: &Projection, asked: &str) -> Found {
    let ended = |tombstone: Arc<Tombstone>| {
        let by = tombstone.by_session.and_then(|number| views.session_numbered(number));
        Found::Ended(tombstone, by.map(|by| by.facts.session().to_owned()))
    };
    if let Some(view) = views.session(asked) {
        return Found::Live(Box::new(view));
    }
    if let Some(tombstone) = views.tombstone(asked) {
        return ended(tombstone);
    }
    let numbered = asked.rsplit_once('@').and_then(|(id, number)| Some((id, Seq(number.parse().ok()?))));
    let Some((id, number)) = numbered else { return Found::Unknown };
    if let Some(view) = views.session_numbered(number).filter(|view| view.facts.session() == id) {
        return Found::Live(Box::new(view));
    }
    let latest = views.tombstone(id).filter(|tombstone| tombstone.number == number);
    latest.map_or(Found::Unknown, ended)
}

/// `GET /v1/sessions`.
#[utoipa::path(
    get,
    path = "/v1/sessions",
    tag = "sessions",
    operation_id = "sessions",
    summary = "Live sessions",
    description = "A page; `next` is the `cursor` of the one behind it.",
    params(SessionsQuery),
    responses(
        (status = 200, description = "a page", body = SessionsPage),
        (status = 422, description = "a parameter is refused by name"),
        Views,
    )
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Asked(query): Asked<SessionsQuery>,
) -> Result<axum::response::Response, Refusal> {
    let cursor = query.cursor.as_deref().map(cursor).transpose()?;
    let SessionsQuery { user, client, source, ip, .. } = query;
    if let Some(range) = ip.as_deref().filter(|ip| ip.contains('/'))
        && range.parse::<ipnet::IpNet>().is_err()
    {
        let reason = format!("`{}` is no range of addresses; write e.g. 10.0.0.0/8", brief(range));
        return Err(Rejection::new("ip", reason).into());
    }
    let page_size = page_size(query.page_size);
    let page = app
        .read_at_length(move |views| {
            let user = user.map(|user| crate::users::key(views, &user)).transpose()?;
            Ok::<_, Rejection>(views.sessions(&SessionQuery { user, client, source, ip, cursor, page_size }))
        })
        .await??;
    Ok(reply::json_as(
        StatusCode::OK,
        &SessionsPage {
            seq: page.seq.0,
            sessions: page.sessions.iter().map(SessionObject::from).collect(),
            next: page.next.map(|next| next.0.to_string()),
        },
    ))
}

fn cursor(text: &str) -> Result<Seq, Rejection> {
    let read = text.parse().map(Seq);
    read.map_err(|_| Rejection::new("cursor", format!("`{}` is not one of this list", brief(text))))
}
