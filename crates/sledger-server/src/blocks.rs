//! `GET /v1/blocks`: raw blocks one after the other, so that verify, backtest and backup run at the caller's.
//!
//! Promise: the first block holds the event asked for, the last one ends at `sledger-head`, which was durable when
//! the request came in; what could not be read to its end breaks off the connection and does not look whole.
//! Absent on purpose: any reading of what the blocks say.

use crate::app::App;
use crate::events::opened;
use crate::extract::Asked;
use crate::limits::BLOCK_CHUNKS_MAX;
use crate::reply::{Refusal, Reply};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use sledger::core::Seq;
use sledger::core::command::Rejection;
use sledger::log::Reader;
use sledger_wire::answer::Problem;
use sledger_wire::queries::BlocksQuery;
use std::io;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

/// The ledger's id.
const LEDGER: HeaderName = HeaderName::from_static("sledger-ledger");
/// The last event of the last block.
const HEAD: HeaderName = HeaderName::from_static("sledger-head");
/// The first event that is there.
const FIRST: HeaderName = HeaderName::from_static("sledger-first");

/// `GET /v1/blocks`.
#[utoipa::path(
    get,
    path = "/v1/blocks",
    tag = "history",
    operation_id = "blocks",
    summary = "Raw blocks of the log",
    description = "Whole blocks one after the other, so that they can be verified and kept elsewhere. \
        What could not be read to its end breaks off the connection.",
    params(BlocksQuery),
    responses(
        (
            status = 200,
            description = "the blocks",
            body = Value,
            content_type = "application/octet-stream",
            headers(("sledger-ledger" = String, description = "The id of the ledger"),
                ("sledger-head" = u64, description = "The last event of the last block"),
                ("sledger-first" = u64, description = "The first event there is: 1, unless volumes went")),
        ),
        (status = 404, description = "the ledger is in memory: it keeps no blocks"),
        (status = 410, description = "`from` lies before the first event that is there, and is not 1"),
        (status = 422, description = "`from` is refused"),
        (status = 500, description = "the blocks cannot be read"),
    )
)]
pub(crate) async fn raw(State(app): State<Arc<App>>, Asked(query): Asked<BlocksQuery>) -> Reply {
    let Some(data) = app.ledger.data().map(ToOwned::to_owned) else {
        return Err(Problem::new(404, None, "the ledger is in memory: it keeps no blocks").into());
    };
    let (from, head) = (Seq(query.from.unwrap_or(1)), app.ledger.durable());
    check(from, head)?;
    let Ok(permit) = Arc::clone(&app.block_readers).acquire_owned().await else {
        return Err(failed("stopping"));
    };
    let reader = tokio::task::spawn_blocking(move || opened(&data)).await;
    let reader =
        reader.map_err(|_| failed("opening panicked"))?.map_err(|error| failed(&error.to_string()))?;
    let ledger = reader.meta().ledger.to_string();
    let first = reader.begins().map_or(Seq(1), |begins| begins.head.seq.next());
    if from > Seq(1) && from < first {
        let told = reader.begins().map(ToString::to_string).unwrap_or_default();
        return Err(Problem::new(410, None, told).into());
    }
    let (sender, receiver) = mpsc::channel(BLOCK_CHUNKS_MAX);
    let sending = Sending { from, head, sender, stops: app.stops.clone(), _permit: permit };
    tokio::task::spawn_blocking(move || sending.run(&reader));
    let chunks = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HEAD, HeaderValue::from(head.0));
    headers.insert(FIRST, HeaderValue::from(first.0));
    if let Ok(ledger) = HeaderValue::try_from(ledger) {
        headers.insert(LEDGER, ledger);
    }
    Ok(response)
}

/// From the one after the head nothing follows yet, which is an answer; beyond it there is nothing to ask for.
fn check(from: Seq, head: Seq) -> Result<(), Rejection> {
    if from.0 == 0 {
        return Err(Rejection::new("from", "is 0: the first event has seq 1"));
    }
    if from > head.next() {
        return Err(Rejection::new("from", format!("lies beyond the last event, which is seq {head}")));
    }
    Ok(())
}

fn failed(why: &str) -> Refusal {
    tracing::error!(why, "blocks cannot be read");
    Problem::new(500, None, format!("the blocks cannot be read: {why}")).into()
}

/// What is sent, and to whom.
struct Sending {
    from: Seq,
    head: Seq,
    sender: mpsc::Sender<io::Result<Bytes>>,
    stops: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
}

impl Sending {
    fn run(self, reader: &Reader) {
        let Err(error) = self.send(reader) else { return };
        tracing::warn!(%error, from = %self.from, head = %self.head, "blocks were sent in part");
        // A reader that is gone needs no end.
        let _gone = self.sender.blocking_send(Err(error));
    }

    fn send(&self, reader: &Reader) -> io::Result<()> {
        let mut at = Seq(self.from.0.saturating_sub(1));
        if at >= self.head {
            return Ok(());
        }
        for block in reader.blocks(self.from) {
            let block = block.map_err(io::Error::other)?;
            if block.header().last() > self.head {
                // Not durable when it was asked for.
                break;
            }
            at = block.header().last();
            let chunk = Ok(Bytes::copy_from_slice(block.bytes()));
            if self.sender.blocking_send(chunk).is_err() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            if at >= self.head {
                return Ok(());
            }
            if *self.stops.borrow() {
                return Err(io::Error::other("the server is stopping"));
            }
        }
        Err(io::Error::other(format!("the disk ends at seq {at}, though seq {} is durable", self.head)))
    }
}
