//! Policies at run time: looked at, installed, tried, promoted, rolled back, stopped.
//!
//! Invariant: a source passes the gate here (lint, tests) and the decider's (check, smoke run) before it is in force;
//! whatever fails, what decided before goes on deciding.

use crate::app::App;
use crate::extract::{Asked, Named, RequestId, whole};
use crate::openapi::{Bodies, Decisions, PolicyPath, Views};
use crate::reply::{self, Refusal, Reply};
use crate::stats;
use axum::body::Body;
use axum::extract::State;
use sledger::core::command::{Change, Changing, Deed, PolicyChange, Rejection};
use sledger::core::config::Level;
use sledger::policy::Lint;
use sledger::policy::gate::{self, Closed};
use sledger::projector::{Fared, Projection};
use sledger::{Actor, Command, PolicyTimes, Request};
use sledger_wire::answer::Problem;
use sledger_wire::bodies::{PolicyBody, policy_deed_from_json, policy_from_json};
use sledger_wire::policies::{
    Known, LintObject, PoliciesPage, PolicyChanged, PolicyFailed, PolicyObject, PolicyUse,
};
use sledger_wire::queries::{ChangeQuery, PolicyQuery};
use sledger_wire::schemas;
use std::sync::Arc;

/// What is known of policies, told to `tell`.
fn known<T>(views: &Projection, times: &PolicyTimes, tell: impl FnOnce(Known<'_>) -> T) -> T {
    let policies = views.policies();
    let fared = |quota: &str, policy: &_| PolicyUse {
        us: stats::told_quantiles(times.of(quota, policy)),
        ..counted(&policies.fared(quota, policy))
    };
    let settings = &views.ready().settings;
    tell(Known { settings, bindings: policies.bindings(), sources: policies.sources(), fared: &fared })
}

/// What was counted of a policy on a quota.
fn counted(fared: &Fared) -> PolicyUse {
    let Fared { asked, allowed, denied, evicted, failures, differences, last_failure } = *fared;
    let last_failure = last_failure.map(|last| PolicyFailed::new(last.seq, last.at, last.code, last.line));
    PolicyUse { asked, allowed, denied, evicted, failures, differences, last_failure, ..PolicyUse::default() }
}

/// `GET /v1/policies`.
#[utoipa::path(
    get,
    path = "/v1/policies",
    tag = "policies",
    operation_id = "policies",
    summary = "Policies, and where they decide",
    description = "By name: those that are installed and those that were given to a quota.",
    responses(
        (status = 200, description = "all of them", body = PoliciesPage),
        Views,
    )
)]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Reply {
    let times = app.ledger.policy_times();
    let page = app.read(move |views| {
        let policies = known(views, &times, |known| known.all());
        PoliciesPage { seq: views.seq().0, policies }
    });
    Ok(reply::json(&page.await?))
}

/// `GET /v1/policies/{name}`.
#[utoipa::path(
    get,
    path = "/v1/policies/{name}",
    tag = "policies",
    operation_id = "policy",
    summary = "One policy with its source",
    params(PolicyPath),
    responses(
        (status = 200, description = "as it is installed", body = PolicyObject),
        (status = 404, description = "there is no such policy"),
        Views,
    )
)]
pub(crate) async fn one(State(app): State<Arc<App>>, Named(name): Named) -> Reply {
    let (_, found) = look(&app, &name).await?;
    found.map(|policy| reply::json(&policy)).ok_or_else(|| {
        Problem::new(404, None, format!("there is no policy `{}`", sledger_wire::escape::brief(&name))).into()
    })
}

async fn look(app: &App, name: &str) -> Result<(u64, Option<PolicyObject>), Refusal> {
    let (name, times) = (name.to_owned(), app.ledger.policy_times());
    app.read(move |views| (views.seq().0, known(views, &times, |known| known.one(&name)))).await
}

/// `PUT /v1/policies/{name}`.
#[utoipa::path(
    put,
    path = "/v1/policies/{name}",
    tag = "policies",
    operation_id = "put_policy",
    summary = "Installs a policy",
    description = "It is read, linted, tested and tried on recent logins before it is in force: to decide, as a \
        shadow beside what decides, or for a share of users.",
    params(PolicyPath, PolicyQuery, RequestId),
    request_body(content = schemas::PolicyBody, content_type = "application/json"),
    responses(
        (status = 200, description = "in force", body = PolicyChanged),
        (status = 404, description = "there is no such quota"),
        Decisions,
        Bodies,
    )
)]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    Named(name): Named,
    Asked(query): Asked<PolicyQuery>,
    RequestId(request_id): RequestId,
    body: Body,
) -> Reply {
    let mode = query.mode()?;
    let body = policy_from_json(&whole(body, app.config.read_max).await?)?;
    let warnings = passed(&app, &name, &body).await?;
    let PolicyBody { text, quota, params, reason, .. } = body;
    let change = PolicyChange { name, quota, deed: Deed::Install { text: text.into(), mode, params } };
    done(&app, change, Asking { reason, command: query.command, request_id }, warnings).await
}

/// The gate. Tests run on a thread that may wait.
async fn passed(app: &App, name: &str, body: &PolicyBody) -> Result<Vec<LintObject>, Refusal> {
    let levels = levels(app, name, body.quota.as_deref()).await?;
    let one = Arc::clone(&app.gate).acquire_owned().await;
    let (name, text, tests) = (name.to_owned(), body.text.clone(), body.tests.clone());
    // The place is held as long as the tests run, also where the caller does not wait for them.
    let passed = tokio::task::spawn_blocking(move || {
        let _one = one;
        gate::pass(&name, &text, tests.as_deref(), &levels)
    });
    match passed.await {
        Ok(Ok(warnings)) => {
            let untested = body.tests.is_none().then(untested);
            Ok(warnings.iter().map(lint_object).chain(untested).collect())
        }
        Ok(Err(closed)) => Err(refused(&closed).into()),
        Err(_) => Err(Problem::new(500, None, "running the policy's tests failed").into()),
    }
}

/// The levels of the quotas that the policy is to decide for.
async fn levels(app: &App, name: &str, quota: Option<&str>) -> Result<Vec<Level>, Refusal> {
    let (_, ready) = crate::quotas::settings(app).await?;
    let quotas = ready.settings.quotas.iter().filter(|one| {
        if let Some(quota) = quota {
            return one.name == quota;
        }
        let given = ready.settings.assigned(&one.name);
        given.map_or(&*one.on_exhausted, |given| &*given.policy) == name
    });
    let mut levels: Vec<Level> = Vec::new();
    for one in quotas {
        if !levels.contains(&one.level) {
            levels.push(one.level);
        }
    }
    Ok(levels)
}

fn refused(closed: &Closed) -> Problem {
    let field = match closed {
        Closed::Name(_) => "name",
        Closed::Lint(_) => "text",
        Closed::Tests(_) => "tests",
    };
    let lints =
        if let Closed::Lint(lints) = closed { lints.iter().map(lint_object).collect() } else { Vec::new() };
    Problem { lints, ..Problem::rejected(&Rejection::new(field, closed.to_string())) }
}

fn lint_object(lint: &Lint) -> LintObject {
    LintObject {
        line: lint.line,
        column: lint.column,
        code: lint.code.as_str().to_owned(),
        severity: lint.severity.as_str().to_owned(),
        message: lint.message.clone(),
    }
}

/// What is said of a policy that comes without tests.
fn untested() -> LintObject {
    LintObject {
        code: "untested".to_owned(),
        severity: "warning".to_owned(),
        message: "it comes without tests".to_owned(),
        ..LintObject::default()
    }
}

/// Who asks, and why.
struct Asking {
    reason: Option<String>,
    command: Option<String>,
    request_id: Option<String>,
}

/// Asks the decider, and tells the policy as it is afterwards.
async fn done(app: &App, change: PolicyChange, asking: Asking, warnings: Vec<LintObject>) -> Reply {
    let name = change.name.clone();
    let Asking { reason, command, request_id } = asking;
    let change = Change { what: Changing::Policy(Box::new(change)), expect: None, reason };
    let request = Request::new(Actor::Local, Command::Change(Box::new(change)));
    let answer = app.callers.ask(Request { command_id: command, request_id, ..request }).await?;
    if let Some(problem) = Problem::of_change(&answer) {
        return Err(problem.into());
    }
    let (seq, policy) = look(app, &name).await?;
    let policy = policy.unwrap_or_else(|| PolicyObject { name, ..PolicyObject::default() });
    Ok(reply::json(&PolicyChanged { seq, changed: answer.seq.is_some(), policy, warnings }))
}

/// `POST /v1/policies/{name}/promote`.
#[utoipa::path(
    post,
    path = "/v1/policies/{name}/promote",
    tag = "policies",
    operation_id = "promote_policy",
    summary = "Lets what is on trial decide",
    params(PolicyPath, ChangeQuery, RequestId),
    request_body(content = schemas::PolicyDeedBody, content_type = "application/json"),
    responses(
        (status = 200, description = "it decides", body = PolicyChanged),
        (status = 404, description = "it is not on trial, or there is no such quota"),
        Decisions,
        Bodies,
    )
)]
pub(crate) async fn promote(
    state: State<Arc<App>>,
    name: Named,
    query: Asked<ChangeQuery>,
    request_id: RequestId,
    body: Body,
) -> Reply {
    deed(state, name, (query, request_id), body, |_| Deed::Promote).await
}

/// `POST /v1/policies/{name}/rollback`.
#[utoipa::path(
    post,
    path = "/v1/policies/{name}/rollback",
    tag = "policies",
    operation_id = "roll_back_policy",
    summary = "Lets a former revision decide again",
    params(PolicyPath, ChangeQuery, RequestId),
    request_body(content = schemas::RollbackBody, content_type = "application/json"),
    responses(
        (status = 200, description = "it decides", body = PolicyChanged),
        (status = 404, description = "no such revision is kept, or there is no such quota"),
        Decisions,
        Bodies,
    )
)]
pub(crate) async fn rollback(
    state: State<Arc<App>>,
    name: Named,
    query: Asked<ChangeQuery>,
    request_id: RequestId,
    body: Body,
) -> Reply {
    deed(state, name, (query, request_id), body, |to| Deed::RollBack { to }).await
}

/// `POST /v1/policies/{name}/stop`.
#[utoipa::path(
    post,
    path = "/v1/policies/{name}/stop",
    tag = "policies",
    operation_id = "stop_policy",
    summary = "Ends a trial",
    params(PolicyPath, ChangeQuery, RequestId),
    request_body(content = schemas::PolicyDeedBody, content_type = "application/json"),
    responses(
        (status = 200, description = "it is no longer on trial", body = PolicyChanged),
        (status = 404, description = "it is not on trial, or there is no such quota"),
        Decisions,
        Bodies,
    )
)]
pub(crate) async fn stop(
    state: State<Arc<App>>,
    name: Named,
    query: Asked<ChangeQuery>,
    request_id: RequestId,
    body: Body,
) -> Reply {
    deed(state, name, (query, request_id), body, |_| Deed::Stop).await
}

async fn deed(
    State(app): State<Arc<App>>,
    Named(name): Named,
    (Asked(query), RequestId(request_id)): (Asked<ChangeQuery>, RequestId),
    body: Body,
    deed: fn(Option<[u8; 4]>) -> Deed,
) -> Reply {
    let names_revision = matches!(deed(None), Deed::RollBack { .. });
    let body = policy_deed_from_json(&whole(body, app.config.read_max).await?, names_revision)?;
    let change = PolicyChange { name, quota: body.quota, deed: deed(body.to) };
    let asking = Asking { reason: body.reason.or(query.reason), command: query.command, request_id };
    done(&app, change, asking, Vec::new()).await
}
