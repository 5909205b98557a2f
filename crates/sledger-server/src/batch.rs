//! `POST /v1/batch`: lines in, answers out, in order, many under way at once.
//!
//! A line that cannot be read gets a `rejected` answer in its place, and the rest goes on. Answers are sent while
//! lines still come; who does not read them is not read from either.

mod lines;
mod pending;
mod told;

use crate::app::App;
use crate::ask::next_of;
use crate::extract::RequestId;
use crate::limits::{BATCH_CHUNK_BYTES, BATCH_CHUNKS_MAX, BATCH_IN_FLIGHT, BUSY_PAUSE};
use crate::reply::Reply;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;
use futures_util::StreamExt as _;
use lines::{Line, Lines};
use pending::Pending;
use sledger::{Actor, Caller, Failure, Refused, Request, Token};
use sledger_wire::recording::{Echo, Malformed, Reading, parse_batch};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::mpsc;

/// `POST /v1/batch`.
#[utoipa::path(
    post,
    path = "/v1/batch",
    tag = "sessions",
    operation_id = "batch",
    summary = "Many commands on one connection",
    description = "Lines in, answers out, in order, many under way at once. A line is an object with `op` \
        (`login touch logout disconnect end clear reconcile adopt`) and the fields of that op; `dry_run` \
        only asks. A line that is refused is answered `rejected` in its place, and the rest goes on.",
    params(RequestId),
    request_body(content = String, content_type = "application/x-ndjson", description = "One object a \
        line, each of at most 1 MiB"),
    responses(
        (
            status = 200,
            description = "one `AnswerLine` for each line, without `line` and `at`",
            body = String,
            content_type = "application/x-ndjson",
        ),
    )
)]
pub(crate) async fn run(State(app): State<Arc<App>>, RequestId(request_id): RequestId, body: Body) -> Reply {
    let (answers, receiver) = mpsc::channel(BATCH_CHUNKS_MAX);
    let batch = Batch {
        reading: Reading::simulated(Actor::Local),
        request_id,
        caller: app.ledger.caller(BATCH_IN_FLIGHT),
        pending: Pending::default(),
        answers,
        app,
    };
    tokio::spawn(batch.run(body.into_data_stream()));
    let chunks = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|text| (Ok::<_, Infallible>(text), receiver))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// One batch under way.
struct Batch {
    app: Arc<App>,
    reading: Reading,
    request_id: Option<String>,
    caller: Caller,
    pending: Pending,
    answers: mpsc::Sender<Bytes>,
}

/// Nobody reads the answers any more.
struct Gone;

impl Batch {
    /// Until the lines end or nobody reads the answers. What was submitted is decided all the same.
    async fn run(mut self, body: BodyDataStream) {
        // Nothing is left to tell when the reader is gone.
        let _gone = self.answer_lines(body).await;
    }

    async fn answer_lines(&mut self, mut body: BodyDataStream) -> Result<(), Gone> {
        let mut lines = Lines::default();
        let app = Arc::clone(&self.app);
        let mut too_late = std::pin::pin!(too_late(&app));
        loop {
            let chunk = tokio::select! {
                biased;
                () = too_late.as_mut() => break,
                chunk = body.next() => chunk,
                next = next_of(&app.ledger, &mut self.caller), if self.caller.in_flight() > 0 => {
                    self.take(next);
                    self.send(1).await?;
                    continue;
                }
            };
            // A sender that breaks off has ended; what it sent whole was meant.
            let Some(Ok(chunk)) = chunk else { break };
            for line in lines.feed(&chunk) {
                self.line(&line).await?;
            }
            self.take_more();
            // Where nothing is under way, nothing will come that takes these answers along.
            let bytes_min = if self.caller.in_flight() == 0 { 1 } else { BATCH_CHUNK_BYTES };
            self.send(bytes_min).await?;
        }
        if let Some(line) = lines.end() {
            self.line(&line).await?;
        }
        while self.caller.in_flight() > 0 {
            self.wait().await;
            self.send(BATCH_CHUNK_BYTES).await?;
        }
        self.send(1).await
    }

    async fn line(&mut self, line: &Line) -> Result<(), Gone> {
        let read = match line {
            Line::Whole(bytes) => parse_batch(bytes, &self.reading),
            Line::TooLong => Err(Malformed::TooLong),
        };
        match read {
            Ok((echo, request)) => self.submit(echo, request).await,
            Err(malformed) => {
                self.pending.push_ready(&told::malformed(&malformed));
                Ok(())
            }
        }
    }

    /// Hands a request in; while the queue or the ring is full, answers are waited for instead.
    async fn submit(&mut self, echo: Echo, mut request: Request) -> Result<(), Gone> {
        request.request_id.clone_from(&self.request_id);
        loop {
            match self.caller.submit(request.clone()) {
                Ok(token) => {
                    self.pending.push(token, echo, request.dry_run);
                    return Ok(());
                }
                Err(Refused::Ledger(Failure::Busy) | Refused::RingFull { .. }) => {
                    self.wait().await;
                    self.send(BATCH_CHUNK_BYTES).await?;
                }
                Err(Refused::Ledger(failure)) => {
                    self.pending.push_ready(&told::failed(&echo, &failure));
                    return Ok(());
                }
            }
        }
    }

    /// Waits for an answer, and takes what else is there.
    async fn wait(&mut self) {
        if self.caller.in_flight() == 0 {
            // The queue is full of what others want.
            return tokio::time::sleep(BUSY_PAUSE).await;
        }
        let next = next_of(&self.app.ledger, &mut self.caller).await;
        self.take(next);
        self.take_more();
    }

    fn take(&mut self, next: Result<(Token, sledger::Decision), Failure>) {
        match next {
            Ok((token, completion)) => self.pending.fill(token, completion),
            Err(failure) => {
                // Whatever still comes, comes too late: a fresh caller has nothing in flight.
                self.pending.fail_all(&failure);
                self.caller = self.app.ledger.caller(BATCH_IN_FLIGHT);
            }
        }
    }

    fn take_more(&mut self) {
        while let Some((token, completion)) = self.caller.try_next() {
            self.pending.fill(token, completion);
        }
    }

    /// Sends what is answered in order, once it is at least `bytes_min`.
    async fn send(&mut self, bytes_min: usize) -> Result<(), Gone> {
        match self.pending.text(bytes_min) {
            Some(text) => self.answers.send(text.into()).await.map_err(|_| Gone),
            None => Ok(()),
        }
    }
}

/// Ready when a server that stops takes no more lines: early enough to answer those it took.
async fn too_late(app: &App) {
    let mut stops = app.stops.clone();
    // An error: the server is gone.
    let _gone = stops.wait_for(|stop| *stop).await.is_err();
    tokio::time::sleep(app.config.stop_max / 2).await;
}
