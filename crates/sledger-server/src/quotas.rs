//! Quotas at run time: looked at, set, switched, and limits for some users or groups.
//!
//! Invariant: a change is judged by the decider against what was seen (`If-Match`), so of two who saw the same only
//! one gets through.

pub(crate) mod overrides;

use crate::app::App;
use crate::extract::{Asked, Named, RequestId, text, whole};
use crate::openapi::{Bodies, Decisions, IfAbsent, QuotaPath, Views};
use crate::reply::{self, Refusal, Reply};
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use sledger::core::command::{Change, Changing, Expect, Refusal as Refused, Rejection};
use sledger::core::config::{Quota, Settings};
use sledger::{Actor, Answer, Command, Request};
use sledger_wire::answer::Problem;
use sledger_wire::bodies::{quota_from_json, quota_patched, switch_from_json};
use sledger_wire::escape::brief;
use sledger_wire::queries::ChangeQuery;
use sledger_wire::quotas::{QuotaChange, QuotasPage, etag, expectation, notes, shown};
use sledger_wire::schemas::{QuotaBody, QuotaObject, SwitchBody};
use std::sync::Arc;

/// A quota read again after somebody else's change, for a patch that names no tag.
const PATCH_TRIES_MAX: u32 = 8;

/// Who asks for a change, and what he saw of it.
pub(crate) struct Asking {
    request_id: Option<String>,
    expect: Option<Expect>,
    reason: Option<String>,
    command: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Asking {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Ok(RequestId(request_id)) = RequestId::from_request_parts(parts, state).await;
        let Asked(query) = Asked::<ChangeQuery>::from_request_parts(parts, state).await?;
        let header = |name: &axum::http::HeaderName| text(&parts.headers, name.as_str());
        let expect = expectation(header(&IF_MATCH), header(&IF_NONE_MATCH))
            .map_err(|reason| Rejection::new("if_match", reason.0))?;
        Ok(Self { request_id, expect, reason: query.reason, command: query.command })
    }
}

impl Asking {
    fn request(&self, what: Changing, reason: Option<String>) -> Request {
        let reason = reason.or_else(|| self.reason.clone());
        let change = Change { what, expect: self.expect, reason };
        Request {
            request_id: self.request_id.clone(),
            command_id: self.command.clone(),
            ..Request::new(Actor::Local, Command::Change(Box::new(change)))
        }
    }
}

/// `{name}` and `{selector}` of a path.
pub(crate) struct Pair(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Pair {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Ok(Path((one, other))) = Path::<(String, String)>::from_request_parts(parts, state).await else {
            return Err(Problem::new(400, None, "the path is no UTF-8 once percent-decoded").into());
        };
        Ok(Self(one, other))
    }
}

/// The settings in force, and the last event they are known up to.
pub(crate) async fn settings(app: &App) -> Result<(u64, Arc<sledger::core::quota::Ready>), Refusal> {
    app.read(|views| (views.seq().0, Arc::clone(views.ready()))).await
}

/// Asks for a change; whatever is not done is a problem. Says what was refused because the file owns it with its name.
pub(crate) async fn change(
    app: &App,
    asking: &Asking,
    what: Changing,
    reason: Option<String>,
) -> Result<Box<Answer>, Refusal> {
    let answer = app.callers.ask(asking.request(what, reason)).await?;
    match Problem::of_change(&answer) {
        None => Ok(answer),
        Some(mut problem) => {
            if let (Some(Refused::Owned), Some(file)) = (answer.refusal, &app.config.file) {
                problem.detail = format!("{} (`{}`)", problem.detail, brief(file));
            }
            Err(problem.into())
        }
    }
}

/// `GET /v1/quotas`.
#[utoipa::path(
    get,
    path = "/v1/quotas",
    tag = "quotas",
    operation_id = "quotas",
    summary = "Quotas in force",
    description = "In the order they are judged.",
    responses(
        (status = 200, description = "all of them", body = QuotasPage),
        Views,
    )
)]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Reply {
    let (seq, ready) = settings(&app).await?;
    let quotas = ready.settings.quotas.iter().map(|quota| shown(&ready.settings, quota)).collect();
    Ok(reply::json(&QuotasPage { seq, quotas }))
}

/// `GET /v1/quotas/{name}`.
#[utoipa::path(
    get,
    path = "/v1/quotas/{name}",
    tag = "quotas",
    operation_id = "quota",
    summary = "One quota",
    params(QuotaPath),
    responses(
        (status = 200, description = "as it is in force", body = QuotaObject),
        (status = 404, description = "there is no such quota"),
        Views,
    )
)]
pub(crate) async fn one(State(app): State<Arc<App>>, Named(name): Named) -> Reply {
    let (_, ready) = settings(&app).await?;
    let quota = found(&ready.settings, &name)?;
    Ok(tagged(&ready.settings, &name, reply::json(&shown(&ready.settings, quota))))
}

/// `PUT /v1/quotas/{name}`.
#[utoipa::path(
    put,
    path = "/v1/quotas/{name}",
    tag = "quotas",
    operation_id = "put_quota",
    summary = "Sets a quota",
    description = "Made where there is none, replaced where there is one.",
    params(QuotaPath, Asking, IfAbsent),
    request_body(content = QuotaBody, content_type = "application/json"),
    responses(
        (status = 201, description = "made", body = QuotaChange),
        (status = 200, description = "replaced", body = QuotaChange),
        (status = 409, description = "the configuration file owns it: change it there"),
        (status = 412, description = "somebody else changed it: look again"),
        Decisions,
        Bodies,
    )
)]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    Named(name): Named,
    asking: Asking,
    body: Body,
) -> Reply {
    let body = whole(body, app.config.read_max).await?;
    let quota = quota_from_json(&name, &body)?;
    changed(&app, &name, &asking, (Changing::Put(Box::new(quota)), None)).await
}

/// `PATCH /v1/quotas/{name}`: keys given replace those of the quota as it is. Without `If-Match` it is tried again on
/// whatever somebody else made of the quota meanwhile.
#[utoipa::path(
    patch,
    path = "/v1/quotas/{name}",
    tag = "quotas",
    operation_id = "patch_quota",
    summary = "Changes keys of a quota",
    description = "Without `If-Match` it is tried again on whatever somebody else made of the quota \
        meanwhile.",
    params(QuotaPath, Asking),
    request_body(content = QuotaBody, content_type = "application/json", description = "Keys given \
        replace those of the quota, null ones get their default"),
    responses(
        (status = 200, description = "changed", body = QuotaChange),
        (status = 404, description = "there is no such quota"),
        (status = 409, description = "the configuration file owns it: change it there"),
        (status = 412, description = "somebody else changed it: look again"),
        Decisions,
        Bodies,
    )
)]
pub(crate) async fn patch(
    State(app): State<Arc<App>>,
    Named(name): Named,
    asking: Asking,
    body: Body,
) -> Reply {
    let body = whole(body, app.config.read_max).await?;
    let mut tries = 0;
    loop {
        tries += 1;
        let (_, ready) = settings(&app).await?;
        let quota = quota_patched(found(&ready.settings, &name)?, &body)?;
        let seen = ready.settings.quota_tag(&name).map(Expect::Tag);
        let careful = Asking {
            expect: asking.expect.filter(|expect| *expect != Expect::Present).or(seen),
            request_id: asking.request_id.clone(),
            reason: asking.reason.clone(),
            command: asking.command.clone(),
        };
        let done = changed(&app, &name, &careful, (Changing::Put(Box::new(quota)), None)).await;
        let is_raced = done.as_ref().is_err_and(|refusal| refusal.status() == 412);
        if !is_raced
            || asking.expect.is_some_and(|expect| expect != Expect::Present)
            || tries >= PATCH_TRIES_MAX
        {
            return done;
        }
    }
}

/// `DELETE /v1/quotas/{name}`.
#[utoipa::path(
    delete,
    path = "/v1/quotas/{name}",
    tag = "quotas",
    operation_id = "delete_quota",
    summary = "Deletes a quota",
    params(QuotaPath, Asking),
    responses(
        (status = 200, description = "deleted", body = QuotaChange),
        (status = 404, description = "there is no such quota"),
        (status = 409, description = "the configuration file owns it: change it there"),
        (status = 412, description = "somebody else changed it: look again"),
        Decisions,
    )
)]
pub(crate) async fn delete(State(app): State<Arc<App>>, Named(name): Named, asking: Asking) -> Reply {
    let what = Changing::Delete { quota: name.clone() };
    changed(&app, &name, &asking, (what, None)).await
}

/// `POST /v1/quotas/{name}/enable`.
#[utoipa::path(
    post,
    path = "/v1/quotas/{name}/enable",
    tag = "quotas",
    operation_id = "enable_quota",
    summary = "Switches a quota on",
    params(QuotaPath, Asking),
    request_body(content = SwitchBody, content_type = "application/json"),
    responses(
        (status = 200, description = "switched", body = QuotaChange),
        (status = 404, description = "there is no such quota"),
        (status = 412, description = "somebody else changed it: look again"),
        Decisions,
        Bodies,
    )
)]
pub(crate) async fn enable(state: State<Arc<App>>, name: Named, asking: Asking, body: Body) -> Reply {
    switch(state, name, asking, body, true).await
}

/// `POST /v1/quotas/{name}/disable`.
#[utoipa::path(
    post,
    path = "/v1/quotas/{name}/disable",
    tag = "quotas",
    operation_id = "disable_quota",
    summary = "Switches a quota off",
    params(QuotaPath, Asking),
    request_body(content = SwitchBody, content_type = "application/json"),
    responses(
        (status = 200, description = "switched", body = QuotaChange),
        (status = 404, description = "there is no such quota"),
        (status = 412, description = "somebody else changed it: look again"),
        Decisions,
        Bodies,
    )
)]
pub(crate) async fn disable(state: State<Arc<App>>, name: Named, asking: Asking, body: Body) -> Reply {
    switch(state, name, asking, body, false).await
}

async fn switch(
    State(app): State<Arc<App>>,
    Named(name): Named,
    asking: Asking,
    body: Body,
    enabled: bool,
) -> Reply {
    let body = switch_from_json(&whole(body, app.config.read_max).await?)?;
    let what = Changing::Switch { quota: name.clone(), enabled, lasts: body.lasting };
    changed(&app, &name, &asking, (what, body.reason)).await
}

/// `POST /v1/quotas/{name}/reset`.
#[utoipa::path(
    post,
    path = "/v1/quotas/{name}/reset",
    tag = "quotas",
    operation_id = "reset_quota",
    summary = "Takes back what was set at run time",
    description = "Overrides and the switch; the quota stands as it was written.",
    params(QuotaPath, Asking),
    request_body(content = Value, content_type = "application/json", description = "Not read: send `{}`"),
    responses(
        (status = 200, description = "done", body = QuotaChange),
        (status = 404, description = "there is no such quota"),
        (status = 412, description = "somebody else changed it: look again"),
        Decisions,
    )
)]
pub(crate) async fn reset(State(app): State<Arc<App>>, Named(name): Named, asking: Asking) -> Reply {
    let what = Changing::Reset { quota: name.clone() };
    changed(&app, &name, &asking, (what, None)).await
}

/// Does a change of a quota, and tells it with the quota before and after.
pub(crate) async fn changed(
    app: &App,
    name: &str,
    asking: &Asking,
    (what, reason): (Changing, Option<String>),
) -> Reply {
    let (_, before) = settings(app).await?;
    change(app, asking, what, reason).await?;
    let (seq, after) = settings(app).await?;
    let as_shown = |settings: &Settings| settings.quota(name).map(|quota| shown(settings, quota));
    let is_new = before.settings.quota(name).is_none() && after.settings.quota(name).is_some();
    let done = QuotaChange {
        seq,
        quota: as_shown(&after.settings),
        before: as_shown(&before.settings),
        notes: notes(&before.settings, &after.settings),
    };
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(tagged(&after.settings, name, reply::json_as(status, &done)))
}

pub(crate) fn found<'a>(settings: &'a Settings, name: &str) -> Result<&'a Arc<Quota>, Refusal> {
    let unknown = || Problem::new(404, None, format!("there is no quota `{}`", brief(name))).into();
    settings.quota(name).ok_or_else(unknown)
}

pub(crate) fn tagged(settings: &Settings, name: &str, mut response: Response) -> Response {
    if let Some(tag) = settings.quota_tag(name) {
        let value = HeaderValue::from_str(&etag(&tag));
        response.headers_mut().extend(value.ok().map(|value| (ETAG, value)));
    }
    response
}
