//! Responses.

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sledger::{Answer, Failure};
use sledger_wire::answer::{AnswerLine, LEDGER_FULL, Problem, status};
use sledger_wire::recording::Echo;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
/// Codes of failures.
const LEDGER_BUSY: &str = "LEDGER_BUSY";
const LEDGER_POISONED: &str = "LEDGER_POISONED";
const OUTCOME_UNKNOWN: &str = "OUTCOME_UNKNOWN";

/// A problem as an error of a handler.
#[derive(Debug)]
pub(crate) struct Refusal(Box<Problem>);

impl Refusal {
    /// Its HTTP status.
    pub(crate) const fn status(&self) -> u16 {
        self.0.status
    }
}

pub(crate) type Reply = Result<Response, Refusal>;

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<sledger::core::command::Rejection> for Refusal {
    fn from(rejection: sledger::core::command::Rejection) -> Self {
        Problem::rejected(&rejection).into()
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        failed(&failure).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        problem(&self.0)
    }
}

/// The problem that a request without an answer is.
pub(crate) fn failed(failure: &Failure) -> Problem {
    Problem::new(503, failure_code(failure), failure.to_string())
}

/// The code of a failure; a ledger that is being closed has none.
pub(crate) const fn failure_code(failure: &Failure) -> Option<&'static str> {
    match failure {
        Failure::Busy => Some(LEDGER_BUSY),
        Failure::Poisoned(_) => Some(LEDGER_POISONED),
        Failure::OutcomeUnknown(_) => Some(OUTCOME_UNKNOWN),
        Failure::Closed => None,
    }
}

/// A problem, with `Retry-After` where trying again is sensible.
pub(crate) fn problem(problem: &Problem) -> Response {
    let code = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = with_type(code, to_json(problem), PROBLEM_JSON);
    if problem.status == 503 {
        let seconds = match problem.code.as_deref() {
            Some(LEDGER_BUSY) => "1",
            Some(LEDGER_FULL) => "30",
            _ => "5",
        };
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(seconds));
    }
    response
}

/// What a command came to.
pub(crate) fn answer(echo: &Echo, answer: &Answer) -> Response {
    told(echo, answer, &AnswerLine::over_http(echo, answer))
}

/// What a login would come to: the same answer, marked.
pub(crate) fn foreseen(echo: &Echo, answer: &Answer) -> Response {
    told(echo, answer, &AnswerLine::foreseen(echo, answer))
}

fn told(echo: &Echo, answer: &Answer, line: &AnswerLine) -> Response {
    if let Some(refused) = Problem::of(echo.op, answer, line) {
        return problem(&refused);
    }
    match status(echo.op, answer) {
        204 => no_content(),
        status => with_type(
            StatusCode::from_u16(status).unwrap_or(StatusCode::OK),
            Bytes::from(line.to_json().into_bytes()),
            JSON,
        ),
    }
}

/// 204.
pub(crate) fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// 200 with `value`.
pub(crate) fn json<T: Serialize>(value: &T) -> Response {
    json_as(StatusCode::OK, value)
}

/// `value` with another status.
pub(crate) fn json_as<T: Serialize>(status: StatusCode, value: &T) -> Response {
    with_type(status, to_json(value), JSON)
}

fn to_json<T: Serialize>(value: &T) -> Bytes {
    // Types of the contract have no keys that are not text, and nothing else can fail.
    Bytes::from(serde_json::to_vec(value).unwrap_or_default())
}

fn with_type(status: StatusCode, body: Bytes, kind: HeaderValue) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    // Who is in changes by the moment: no proxy is to remember it.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
