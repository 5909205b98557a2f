//! Notes of operators and investigators, written into the ledger for ever.

use crate::app::App;
use crate::extract::{Asked, RequestId, whole};
use crate::openapi::{Bodies, Decisions};
use crate::reply::{self, Refusal, Reply};
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use sledger::core::command::Keep;
use sledger::{Actor, Answer, Command, Request};
use sledger_wire::answer::Problem;
use sledger_wire::bodies::note_from_json;
use sledger_wire::keeping::Kept;
use sledger_wire::queries::CommandQuery;
use sledger_wire::schemas;
use std::sync::Arc;

/// Records something of the ledger's keeping; whatever is not done is a problem.
pub(crate) async fn record(
    app: &App,
    keep: Keep,
    (command, request_id): (Option<String>, Option<String>),
) -> Result<Box<Answer>, Refusal> {
    let request = Request::new(Actor::Local, Command::Keep(Box::new(keep)));
    let answer = app.callers.ask(Request { command_id: command, request_id, ..request }).await?;
    Problem::of_change(&answer).map_or(Ok(answer), |problem| Err(problem.into()))
}

/// What was recorded, as it is told.
pub(crate) fn kept(answer: &Answer) -> Kept {
    Kept { seq: answer.seq.unwrap_or_default().0, at: answer.at.rfc3339() }
}

/// `POST /v1/notes`.
#[utoipa::path(
    post,
    path = "/v1/notes",
    tag = "history",
    operation_id = "note",
    summary = "Writes a note into the ledger",
    description = "It stands there for ever, beside what it is about; it changes nothing.",
    params(CommandQuery, RequestId),
    request_body(content = schemas::NoteBody, content_type = "application/json"),
    responses(
        (status = 201, description = "recorded", body = Kept),
        Decisions,
        Bodies,
    )
)]
pub(crate) async fn write(
    State(app): State<Arc<App>>,
    Asked(query): Asked<CommandQuery>,
    RequestId(request_id): RequestId,
    body: Body,
) -> Reply {
    let note = note_from_json(&whole(body, app.config.read_max).await?)?;
    let keep = Keep::Note { about: note.about, text: note.text };
    let answer = record(&app, keep, (query.command, request_id)).await?;
    Ok(reply::json_as(StatusCode::CREATED, &kept(&answer)))
}
