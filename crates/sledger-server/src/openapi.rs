//! What this server can be asked and what it answers: `GET /openapi.json` (`OpenAPI` 3.1).
//!
//! Promise: the document has exactly the calls that are served, since both are made of the same annotated handlers
//! ([`crate::app::calls`]). What a handler says of itself stands with it; what is checked for every request alike, and
//! so can answer any of them, is added here.
//! Absent on purpose: anything about this ledger or its settings. The document is the same for every server of one
//! version.

mod answers;
mod examples;
mod params;

pub(crate) use answers::{Bodies, Decisions, Views};
pub(crate) use params::{
    IfAbsent, LastEventId, MemberPath, OverridePath, PolicyPath, QuotaPath, SessionPath, UserPath,
};

use crate::docs::asset;
use axum::body::Bytes;
use axum::response::Response;
use sledger_wire::answer::Problem;
use sledger_wire::events::EventLine;
use std::sync::LazyLock;
use utoipa::OpenApi;

/// The document, made once.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
    // What is made of types and constants has no keys that are not text, and nothing else can fail.
    let text = serde_json::to_string(&document()).unwrap_or_default();
    // The registry of formats spells them without the dash.
    Bytes::from(text.replace(r#""format":"u-int"#, r#""format":"uint"#))
});

#[derive(OpenApi)]
#[openapi(
    info(
        title = "sledger",
        description = "An event-sourced session ledger: who may be in, who is in, and why.\n\n\
            Errors are `application/problem+json` (RFC 9457) with a `code` for programs where the status does not say \
            all. Every request must name this server in `Host`, and a browser's `Origin` must be it too. Every `POST`, \
            `PUT` and `PATCH` must have a content type that is named here, also when its body is empty. The head of a \
            request has at most 64 KiB: a longer one is answered 431, and what is no HTTP 400, both without a body. A \
            path with another method than named here is answered 405 with `Allow`, any other path 404.",
    ),
    components(schemas(Problem, EventLine)),
    tags(
        (name = "sessions", description = "In, seen, gone, listed."),
        (name = "users", description = "Who has sessions, and how many more he may have."),
        (name = "quotas", description = "Limits and groups, changed while the ledger runs. Tags keep two who change \
            the same from undoing each other: send the `ETag` that you saw as `If-Match`."),
        (name = "policies", description = "Scripts that decide who stays where a quota is exhausted: tried beside what \
            decides, put in force, and taken back."),
        (name = "history", description = "What happened, from the first event on."),
        (name = "operation", description = "For those who run the ledger, and for what watches it."),
        (name = "reference", description = "This description.")
    )
)]
struct Head;

/// The document of all calls.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    let mut document = crate::app::calls().into_openapi();
    answers::complete(&mut document);
    examples::add(&mut document);
    document
}

/// The document without calls.
pub(crate) fn head() -> utoipa::openapi::OpenApi {
    Head::openapi()
}

/// `GET /openapi.json`.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "reference",
    operation_id = "openapi",
    summary = "This description",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json"))
)]
pub(crate) async fn openapi() -> Response {
    asset(DOCUMENT.clone(), "application/json")
}
