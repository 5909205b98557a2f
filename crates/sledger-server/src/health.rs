//! Whether the process lives, and whether it should be asked.

use crate::app::App;
use crate::reply::json_as;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;

/// `/healthz`.
#[derive(Serialize, utoipa::ToSchema)]
struct Alive {
    status: &'static str,
}

/// `/readyz`.
#[derive(Serialize, utoipa::ToSchema)]
struct Readiness<'a> {
    ready: bool,
    name: &'a str,
    durability: &'static str,
    reasons: Vec<Trouble>,
}

/// What is wrong.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Trouble {
    code: Option<&'static str>,
    pub(crate) reason: String,
    /// Whether nobody new is let in because of it.
    blocking: bool,
}

/// `GET /healthz`: the process answers.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operation",
    operation_id = "healthz",
    summary = "Whether the process answers",
    responses(
        (status = 200, description = "it does", body = Alive),
    )
)]
pub(crate) async fn healthz() -> Response {
    json_as(StatusCode::OK, &Alive { status: "ok" })
}

/// `GET /readyz`: 200, or 503 with every reason against it. What is wrong but stops nobody is told too.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    operation_id = "readyz",
    summary = "Whether somebody new is let in",
    responses(
        (status = 200, description = "somebody new is let in", body = Readiness),
        (status = 503, description = "nobody new is let in: `reasons` say why", body = Readiness),
    )
)]
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let mut reasons = reasons(&app);
    let ready = reasons.is_empty();
    reasons.extend(degraded(&app));
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let durability = app.ledger.durability().as_str();
    json_as(status, &Readiness { ready, name: &app.config.name, durability, reasons })
}

/// What is wrong though everybody is served.
pub(crate) fn degraded(app: &App) -> Vec<Trouble> {
    let reload = app.reloading.failed().map(|why| Trouble {
        code: None,
        reason: format!("the configuration was not taken, the former one stays in force: {why}"),
        blocking: false,
    });
    let sinks = app.config.audit.as_ref().map(|audit| audit.status()).unwrap_or_default();
    let failing = sinks.into_iter().filter_map(|sink| {
        let reason = format!(
            "the audit sink `{}` takes nothing, {} events behind: {}",
            sink.to, sink.behind, sink.failing?
        );
        Some(Trouble { code: None, reason, blocking: false })
    });
    reload.into_iter().chain(failing).collect()
}

fn reasons(app: &App) -> Vec<Trouble> {
    let poisoned = app.ledger.poisoned().map(|reason| Trouble {
        code: Some("LEDGER_POISONED"),
        reason: format!("the ledger is poisoned and admits nothing: {reason}"),
        blocking: true,
    });
    let disk = app.ledger.is_disk_full().then(|| Trouble {
        code: Some("LEDGER_FULL"),
        reason: "the disk's reserve is reached: nobody new is let in".to_owned(),
        blocking: true,
    });
    let stopping = (*app.stops.borrow()).then(|| Trouble {
        code: None,
        reason: "the server is stopping".to_owned(),
        blocking: true,
    });
    [poisoned, disk, stopping].into_iter().flatten().collect()
}
