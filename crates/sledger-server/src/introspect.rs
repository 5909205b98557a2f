//! `POST /v1/introspect` (RFC 7662): whether a session's id still stands for somebody.
//!
//! Promise: an id that is not live is `{"active":false}` and nothing else, whether it ended or never was.

use crate::app::App;
use crate::extract::whole;
use crate::openapi::{Bodies, Views};
use crate::reply::{self, Reply};
use axum::body::Body;
use axum::extract::State;
use sledger_wire::bodies::token_from_form;
use sledger_wire::pages::Introspection;
use sledger_wire::schemas::TokenForm;
use std::sync::Arc;

/// Where it is: the only call that takes a form, as the standard prescribes.
pub(crate) const PATH: &str = "/v1/introspect";

/// `POST /v1/introspect`.
#[utoipa::path(
    post,
    path = "/v1/introspect",
    tag = "sessions",
    operation_id = "introspect",
    summary = "Whether an id stands for somebody",
    description = "RFC 7662. An id that is not live is `{\"active\":false}` and nothing else, whether it \
        ended or never was.",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "who it is, or that it is nobody", body = Introspection),
        (status = 422, description = "`token` is missing, empty or given twice"),
        Bodies,
        Views,
    )
)]
pub(crate) async fn introspect(State(app): State<Arc<App>>, body: Body) -> Reply {
    let token = token_from_form(&whole(body, app.config.read_max).await?)?;
    let found = app.read(move |views| views.session(&token)).await?;
    Ok(reply::json(&found.as_ref().map(Introspection::from).unwrap_or_default()))
}
