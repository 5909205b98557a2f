//! Other limits for some users or groups.

use super::{Asking, Pair, changed, found, settings, tagged};
use crate::app::App;
use crate::extract::{Named, whole};
use crate::openapi::{Bodies, Decisions, OverridePath, QuotaPath, Views};
use crate::reply::{self, Reply};
use axum::body::Body;
use axum::extract::State;
use sledger::core::command::{Changing, Rejection};
use sledger_wire::bodies::override_from_json;
use sledger_wire::config::selector;
use sledger_wire::quotas::{OverridesPage, QuotaChange, overrides};
use sledger_wire::schemas::OverrideBody;
use std::sync::Arc;

/// `GET /v1/quotas/{name}/overrides`.
#[utoipa::path(
    get,
    path = "/v1/quotas/{name}/overrides",
    tag = "quotas",
    operation_id = "overrides",
    summary = "Other limits of a quota",
    params(QuotaPath),
    responses(
        (status = 200, description = "those looked at first before the others", body = OverridesPage),
        (status = 404, description = "there is no such quota"),
        Views,
    )
)]
pub(crate) async fn list_overrides(State(app): State<Arc<App>>, Named(name): Named) -> Reply {
    let (seq, ready) = settings(&app).await?;
    let quota = found(&ready.settings, &name)?;
    let page = OverridesPage { seq, quota: name.clone(), overrides: overrides(quota) };
    Ok(tagged(&ready.settings, &name, reply::json(&page)))
}

/// `PUT /v1/quotas/{name}/overrides/{selector}`.
#[utoipa::path(
    put,
    path = "/v1/quotas/{name}/overrides/{selector}",
    tag = "quotas",
    operation_id = "set_override",
    summary = "Sets another limit for some",
    params(OverridePath, Asking),
    request_body(content = OverrideBody, content_type = "application/json"),
    responses(
        (status = 200, description = "set", body = QuotaChange),
        (status = 404, description = "there is no such quota"),
        (status = 412, description = "somebody else changed it: look again"),
        Decisions,
        Bodies,
    )
)]
pub(crate) async fn set_override(
    State(app): State<Arc<App>>,
    Pair(name, whom): Pair,
    asking: Asking,
    body: Body,
) -> Reply {
    let body = override_from_json(&whole(body, app.config.read_max).await?)?;
    let selector = selector(&whom).map_err(|reason| Rejection::new("selector", reason.0))?;
    let what =
        Changing::Override { quota: name.clone(), selector, limit: Some(body.limit), until: body.until };
    changed(&app, &name, &asking, (what, body.reason)).await
}

/// `DELETE /v1/quotas/{name}/overrides/{selector}`.
#[utoipa::path(
    delete,
    path = "/v1/quotas/{name}/overrides/{selector}",
    tag = "quotas",
    operation_id = "unset_override",
    summary = "Takes another limit back",
    params(OverridePath, Asking),
    responses(
        (status = 200, description = "taken back", body = QuotaChange),
        (status = 404, description = "there is no such quota, or no such override"),
        (status = 409, description = "the configuration file owns it: change it there"),
        (status = 412, description = "somebody else changed it: look again"),
        Decisions,
    )
)]
pub(crate) async fn unset_override(
    State(app): State<Arc<App>>,
    Pair(name, whom): Pair,
    asking: Asking,
) -> Reply {
    let selector = selector(&whom).map_err(|reason| Rejection::new("selector", reason.0))?;
    let what = Changing::Override { quota: name.clone(), selector, limit: None, until: None };
    changed(&app, &name, &asking, (what, None)).await
}
