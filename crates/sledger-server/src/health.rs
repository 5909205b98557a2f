//! Whether the process lives, and whether it should be asked.

use crate::app::App;
use crate::reply::json_as;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;

/// `/healthz`.
#[derive(Serialize)]
struct Alive {
    status: &'static str,
}

/// `/readyz`.
#[derive(Serialize)]
struct Readiness<'a> {
    ready: bool,
    name: &'a str,
    durability: &'static str,
    reasons: Vec<Reason>,
}

/// Why nobody new is let in.
#[derive(Serialize)]
struct Reason {
    code: Option<&'static str>,
    reason: String,
}

/// `GET /healthz`: the process answers.
pub(crate) async fn healthz() -> Response {
    json_as(StatusCode::OK, &Alive { status: "ok" })
}

/// `GET /readyz`: 200, or 503 with every reason against it.
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let reasons = reasons(&app);
    let ready = reasons.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let durability = app.ledger.durability().as_str();
    json_as(status, &Readiness { ready, name: &app.config.name, durability, reasons })
}

fn reasons(app: &App) -> Vec<Reason> {
    let poisoned = app.ledger.poisoned().map(|reason| Reason {
        code: Some("LEDGER_POISONED"),
        reason: format!("the ledger is poisoned and admits nothing: {reason}"),
    });
    let disk = app.ledger.is_disk_full().then(|| Reason {
        code: Some("LEDGER_FULL"),
        reason: "the disk's reserve is reached: nobody new is let in".to_owned(),
    });
    let stopping =
        (*app.stops.borrow()).then(|| Reason { code: None, reason: "the server is stopping".to_owned() });
    [poisoned, disk, stopping].into_iter().flatten().collect()
}
