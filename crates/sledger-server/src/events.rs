//! The durable feed as server-sent events: `id` is the seq, so that `Last-Event-ID` resumes exactly.
//!
//! What is still in memory comes from the projector's ring; what is older is read from disk, folded and told by
//! the same function, and joined to the ring at the seq where the disk's part ended.
//!
//! Invariants: events come in order, none twice, none left out but by the filter; a reader that falls behind the
//! ring is told `lost` with what it missed, and is done.

mod disk;
mod line;
mod live;

pub(crate) use disk::opened;

use crate::app::App;
use crate::extract::{Asked, text};
use crate::openapi::LastEventId;
use crate::reply::{Refusal, Reply, failed};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use futures_util::{Stream, StreamExt as _};
use line::Filter;
use sledger::Failure;
use sledger::core::Seq;
use sledger::core::command::Rejection;
use sledger::projector::{Lost, SubscribeError};
use sledger_wire::answer::Problem;
use sledger_wire::escape::brief;
use sledger_wire::queries::EventsQuery;
use std::convert::Infallible;
use std::sync::Arc;

/// Where a reader that comes back says how far it came.
const LAST_EVENT_ID: &str = "last-event-id";
/// Told at once, so that everybody on the way sees that the feed has begun.
const GREETING: &[u8] = b"retry: 1000\n\n";

/// `GET /v1/events`.
#[utoipa::path(
    get,
    path = "/v1/events",
    tag = "history",
    operation_id = "events",
    summary = "The durable feed",
    description = "Server-sent events without an end: `id` is the seq, `event` the type, `data` an \
        `EventLine`. A reader that falls too far behind is told `lost` with `from` and `to`, and is done. \
        Comments are signs of life.",
    params(EventsQuery, LastEventId),
    responses(
        (status = 200, description = "the feed", body = String, content_type = "text/event-stream"),
        (status = 422, description = "a parameter is refused by name"),
        (status = 500, description = "a defect of this server"),
        (
            status = 503,
            description = "there are too many readers (`LEDGER_BUSY`), or the views cannot be read",
        ),
    )
)]
pub(crate) async fn follow(
    State(app): State<Arc<App>>,
    Asked(query): Asked<EventsQuery>,
    headers: HeaderMap,
) -> Reply {
    let from = from(&app, &headers, &query)?;
    let user = query.user.clone();
    let user = match user {
        Some(user) => Some(app.read(move |views| crate::users::key(views, &user)).await??),
        None => None,
    };
    let filter = Filter { user, query };
    let feed = match app.ledger.views().subscribe(from) {
        Ok(subscription) => live::stream(&app, subscription, filter).boxed(),
        Err(SubscribeError::TooOld { oldest }) => {
            let wanted = from.unwrap_or(oldest);
            match app.ledger.data() {
                Some(data) => disk::stream(&app, data.to_owned(), wanted, filter).boxed(),
                None => futures_util::stream::iter([lost(wanted, oldest)]).boxed(),
            }
        }
        Err(error @ SubscribeError::TooManyReaders { .. }) => {
            return Err(Problem { detail: error.to_string(), ..failed(&Failure::Busy) }.into());
        }
    };
    Ok(streamed(feed))
}

/// The first event wanted: after `Last-Event-ID`, else from `from`, else whatever comes next.
fn from(app: &App, headers: &HeaderMap, query: &EventsQuery) -> Result<Option<Seq>, Refusal> {
    let last = headers.contains_key(LAST_EVENT_ID).then(|| text(headers, LAST_EVENT_ID).unwrap_or("?"));
    let (field, from) = match last.map(str::trim) {
        None | Some("") => ("from", query.from),
        Some(last) => {
            let seq = last.parse::<u64>().ok().and_then(|seq| seq.checked_add(1));
            let no_seq = || Rejection::new("Last-Event-ID", format!("`{}` is no seq", brief(last)));
            ("Last-Event-ID", Some(seq.ok_or_else(no_seq)?))
        }
    };
    let head = app.ledger.durable();
    if from.is_some_and(|from| from > head.next().0) {
        let reason = format!("lies beyond the last event, which is seq {head}");
        return Err(Rejection::new(field, reason).into());
    }
    Ok(from.map(Seq))
}

fn streamed(feed: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let greeting = futures_util::stream::iter([Bytes::from_static(GREETING)]);
    let body = greeting.chain(feed).map(Ok::<_, Infallible>);
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Tells that the events from `from` up to the one before `next` cannot be had here any more.
fn lost(from: Seq, next: Seq) -> Bytes {
    lost_both(Lost { from, to: Seq(next.0.saturating_sub(1)) })
}

fn lost_both(lost: Lost) -> Bytes {
    let Lost { from, to } = lost;
    Bytes::from(format!("event: lost\ndata: {{\"from\":{from},\"to\":{to}}}\n\n"))
}
