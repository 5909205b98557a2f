//! Reading requests: paths, queries, headers, bodies; what is wrong is told as a problem.

use crate::limits::BODY_BYTES_MAX;
use crate::reply::Refusal;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use serde::de::DeserializeOwned;
use sledger::core::command::Rejection;
use sledger_wire::answer::Problem;
use sledger_wire::escape::escape;
use std::time::Duration;

/// The one thing that a path names, percent-decoded.
pub(crate) struct Named(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Ok(Path(name)) = Path::<String>::from_request_parts(parts, state).await else {
            return Err(Problem::new(400, None, "the path is no UTF-8 once percent-decoded").into());
        };
        Ok(Self(name))
    }
}

/// A query, its keys known.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        asked(&parts.uri).map(Self)
    }
}

fn asked<T: DeserializeOwned>(uri: &Uri) -> Result<T, Refusal> {
    let read = Query::<T>::try_from_uri(uri);
    read.map(|Query(query)| query).map_err(|error| {
        let error = error.to_string();
        let reason = error.split_once(": ").map_or(error.as_str(), |(_, reason)| reason);
        Rejection::new("query", escape(reason)).into()
    })
}

/// The caller's own id for the request.
pub(crate) struct RequestId(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(text(&parts.headers, "x-request-id").filter(|id| !id.is_empty()).map(str::to_owned)))
    }
}

/// A header that is text.
pub(crate) fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A whole single body, within its bound and within `read_max`.
pub(crate) async fn whole(body: Body, read_max: Duration) -> Result<Bytes, Refusal> {
    match tokio::time::timeout(read_max, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_too_long(&error) => {
            let detail = format!("the body is longer than {BODY_BYTES_MAX} bytes");
            Err(Problem::new(413, None, detail).into())
        }
        Ok(Err(_)) => Err(Problem::new(400, None, "the body ended before it was whole").into()),
        Err(_) => Err(Problem::new(408, None, "the body did not come in time").into()),
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        // The crate of this error is not among ours; its text is all there is to go by.
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        source = error.source();
    }
    false
}
