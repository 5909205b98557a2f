//! Groups at run time: who is in them by the file, and who was put in or taken out since.

use crate::app::App;
use crate::openapi::{Decisions, MemberPath, Views};
use crate::quotas::{Asking, Pair, change, settings};
use crate::reply::{self, Reply};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::ETAG;
use sledger::core::command::Changing;
use sledger::core::config::Settings;
use sledger_wire::quotas::{GroupChange, GroupObject, GroupsPage, etag, groups};
use std::sync::Arc;

/// `GET /v1/groups`.
#[utoipa::path(
    get,
    path = "/v1/groups",
    tag = "quotas",
    operation_id = "groups",
    summary = "Groups by name",
    responses(
        (status = 200, description = "all of them", body = GroupsPage),
        Views,
    )
)]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Reply {
    let (seq, ready) = settings(&app).await?;
    Ok(reply::json(&GroupsPage { seq, groups: groups(&ready.settings) }))
}

/// `PUT /v1/groups/{name}/users/{user}`.
#[utoipa::path(
    put,
    path = "/v1/groups/{name}/users/{user}",
    tag = "quotas",
    operation_id = "add_to_group",
    summary = "Puts a user into a group",
    description = "It counts from the next login on.",
    params(MemberPath, Asking),
    request_body(content = Value, content_type = "application/json", description = "Not read: send `{}`"),
    responses(
        (status = 200, description = "he is in it", body = GroupChange),
        (status = 412, description = "somebody else changed it: look again"),
        Decisions,
    )
)]
pub(crate) async fn add(State(app): State<Arc<App>>, Pair(group, user): Pair, asking: Asking) -> Reply {
    member(&app, (group, user, true), &asking).await
}

/// `DELETE /v1/groups/{name}/users/{user}`.
#[utoipa::path(
    delete,
    path = "/v1/groups/{name}/users/{user}",
    tag = "quotas",
    operation_id = "remove_from_group",
    summary = "Takes a user out of a group",
    params(MemberPath, Asking),
    responses(
        (status = 200, description = "he is not in it", body = GroupChange),
        (status = 404, description = "he is not in it, or there is no such group"),
        (status = 412, description = "somebody else changed it: look again"),
        Decisions,
    )
)]
pub(crate) async fn remove(State(app): State<Arc<App>>, Pair(group, user): Pair, asking: Asking) -> Reply {
    member(&app, (group, user, false), &asking).await
}

async fn member(app: &App, (group, user, member): (String, String, bool), asking: &Asking) -> Reply {
    let what = Changing::Member { group: group.clone(), user, member };
    let answer = change(app, asking, what, None).await?;
    let (seq, ready) = settings(app).await?;
    let done = GroupChange { seq, group: named(&ready.settings, &group), changed: answer.seq.is_some() };
    let mut response = reply::json(&done);
    let tag = HeaderValue::from_str(&done.group.etag);
    response.headers_mut().extend(tag.ok().map(|tag| (ETAG, tag)));
    Ok(response)
}

/// The group; one that nobody is in any more is empty.
fn named(settings: &Settings, name: &str) -> GroupObject {
    let found = groups(settings).into_iter().find(|group| group.name == name);
    found.unwrap_or_else(|| GroupObject {
        name: name.to_owned(),
        etag: etag(&settings.group_tag(name)),
        ..GroupObject::default()
    })
}
