//! `GET /docs`: the reference for people, from the binary alone.
//!
//! The page lists every call as it is served; its script reads `/openapi.json` and shows the rest: parameters, bodies,
//! answers, examples.
//!
//! Invariants: the page loads nothing from elsewhere, and its policy lets it load nothing from elsewhere; what stands
//! in the page comes from annotations, never from a request.

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use std::fmt::Write as _;
use std::sync::LazyLock;
use utoipa::openapi::PathItem;
use utoipa::openapi::path::Operation;

const PAGE: &str = include_str!("../assets/reference.html");
const STYLE: &str = include_str!("../assets/reference.css");
const SCRIPT: &str = include_str!("../assets/reference.js");
/// Where the calls stand in the page.
const CALLS: &str = "<!-- calls -->";
/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

/// The page with its calls, made once.
static WHOLE: LazyLock<Bytes> = LazyLock::new(|| PAGE.replacen(CALLS, &calls(), 1).into());

/// `GET /docs`.
#[utoipa::path(
    get,
    path = "/docs",
    tag = "reference",
    operation_id = "docs",
    summary = "This description, for people",
    responses((status = 200, description = "a page", body = String, content_type = "text/html"))
)]
pub(crate) async fn page() -> Response {
    let mut response = asset(WHOLE.clone(), "text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
    response
}

/// `GET /docs/reference.css`.
#[utoipa::path(
    get,
    path = "/docs/reference.css",
    tag = "reference",
    operation_id = "docs_style",
    summary = "How the page looks",
    responses((status = 200, description = "a style sheet", body = String, content_type = "text/css"))
)]
pub(crate) async fn style() -> Response {
    asset(Bytes::from_static(STYLE.as_bytes()), "text/css; charset=utf-8")
}

/// `GET /docs/reference.js`.
#[utoipa::path(
    get,
    path = "/docs/reference.js",
    tag = "reference",
    operation_id = "docs_script",
    summary = "What fills the page",
    responses((status = 200, description = "a script", body = String, content_type = "text/javascript"))
)]
pub(crate) async fn script() -> Response {
    asset(Bytes::from_static(SCRIPT.as_bytes()), "text/javascript; charset=utf-8")
}

/// Something out of the binary; asked for again after a new version was started.
pub(crate) fn asset(body: impl Into<Bytes>, kind: &'static str) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    let kept = "no-cache";
    let headers: [(HeaderName, &'static str); 3] =
        [(CONTENT_TYPE, kind), (CACHE_CONTROL, kept), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Every call in one line, for whom runs no script.
fn calls() -> String {
    let mut list = String::new();
    for (path, item) in crate::openapi::document().paths.paths {
        for (method, call) in by_method(&item) {
            let (path, summary) = (escaped(&path), escaped(call.summary.as_deref().unwrap_or_default()));
            // Writing to memory does not fail.
            let _always = writeln!(list, "<li><code>{method} {path}</code> {summary}</li>");
        }
    }
    list
}

fn by_method(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    let all = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    all.into_iter().filter_map(|(method, call)| Some((method, call.as_ref()?)))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
