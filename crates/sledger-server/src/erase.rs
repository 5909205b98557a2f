//! Erasing a person from a served ledger.

use crate::app::App;
use crate::extract::whole;
use crate::openapi::{Bodies, Decisions};
use crate::reply::{self, Refusal, Reply};
use axum::body::Body;
use axum::extract::State;
use sledger::core::command::{Refusal as Why, Rejection};
use sledger::{Actor, EraseError, Erased};
use sledger_wire::answer::Problem;
use sledger_wire::bodies::erase_from_json;
use sledger_wire::pages::Erasure;
use sledger_wire::schemas::EraseBody;
use std::sync::Arc;

/// `POST /v1/ledger/erase`.
#[utoipa::path(
    post,
    path = "/v1/ledger/erase",
    tag = "operation",
    operation_id = "erase",
    summary = "Erases a person",
    description = "Ends his sessions and destroys the key under which everything personal about him is sealed: what \
        the log holds of him can be read by nobody any more, while chain, numbers and counts hold. Only a ledger made \
        with `ledger.seal_personal` can. What others were told before is not called back: followers of the feed, audit \
        sinks, exports in the clear, backups that hold a copy of `keys`. Names in settings, reasons and request ids \
        stay as they were written.",
    request_body(content = EraseBody, content_type = "application/json"),
    responses(
        (status = 200, description = "erased, and durable", body = Erasure),
        (status = 404, description = "nobody of this name is known, or not any more"),
        (status = 409, description = "the ledger does not seal what is personal, or a hold stands"),
        Decisions,
        Bodies,
    )
)]
pub(crate) async fn erase(State(app): State<Arc<App>>, body: Body) -> Reply {
    let body = erase_from_json(&whole(body, app.config.read_max).await?)?;
    let ledger = app.ledger.clone();
    let reason = body.reason.unwrap_or_default();
    let erased = tokio::task::spawn_blocking(move || ledger.erase(&body.user, &reason, Actor::Local)).await;
    let Ok(erased) = erased else { return Err(Problem::new(500, None, "erasing failed").into()) };
    let Erased { seq, ended, snapshots_removed } = erased.map_err(refused)?;
    Ok(reply::json(&Erasure { seq: seq.0, ended: ended as u64, snapshots_removed }))
}

fn refused(error: EraseError) -> Refusal {
    match error {
        EraseError::NotSealed => Problem::new(409, None, error.to_string()).into(),
        EraseError::Unknown => Problem::new(404, None, error.to_string()).into(),
        EraseError::Refused { field, reason, refusal: None } => Rejection::new(field, reason).into(),
        EraseError::Refused { field, reason, refusal: Some(why) } => {
            let status = match why {
                Why::Unknown => 404,
                Why::Owned => 409,
                Why::Raced => 412,
            };
            Problem { field: Some(field), ..Problem::new(status, None, reason) }.into()
        }
        EraseError::Failed(failure) => failure.into(),
    }
}
