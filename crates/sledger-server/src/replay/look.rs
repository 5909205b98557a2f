//! One look at the past: recorded, bounded, cancelled when nobody waits any more.

use super::failed;
use crate::app::App;
use crate::limits::PAST_CHUNKS_MAX;
use crate::reply::{Refusal, Reply};
use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;
use sledger::core::clock::Clock as _;
use sledger::core::command::{Keep, Rejection};
use sledger::core::{Millis, Seq};
use sledger::log::Reader;
use sledger::{Actor, Command, Request, SystemClock};
use sledger_replay::at::{Begin, When};
use sledger_wire::answer::Problem;
use sledger_wire::queries::TimelineQuery;
use sledger_wire::values::{Moment, Offset, moment};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

/// Reads a moment; times without an offset are UTC.
pub(super) fn when(field: &'static str, text: &str) -> Result<When, Refusal> {
    let read = moment(text, Offset::default()).map_err(|reason| Rejection::new(field, reason.0))?;
    let now = SystemClock.wall();
    Ok(match read {
        Moment::At(at) => When::At(at),
        Moment::Now => When::At(now),
        Moment::Ago(span) => When::At(Millis(now.0.saturating_sub(span.as_millis()))),
        Moment::Seq(seq) => When::After(seq),
    })
}

/// Which events of a timeline are asked for.
#[derive(Clone, Debug)]
pub(super) struct Window {
    since: Option<When>,
    until: Option<When>,
    after: Seq,
}

impl Window {
    pub(super) fn read(query: &TimelineQuery) -> Result<Self, Refusal> {
        let since = query.since.as_deref().map(|text| when("since", text)).transpose()?;
        let until = query.until.as_deref().map(|text| when("until", text)).transpose()?;
        Ok(Self { since, until, after: Seq(query.after.unwrap_or(0)) })
    }

    pub(super) fn covers(&self, seq: Seq, at: Millis) -> bool {
        let begun = match self.since {
            Some(When::At(since)) => at >= since,
            Some(When::After(since)) => seq > since,
            None => true,
        };
        begun && seq > self.after
    }

    pub(super) fn is_over(&self, seq: Seq, at: Millis) -> bool {
        match self.until {
            Some(When::At(until)) => at > until,
            Some(When::After(until)) => seq > until,
            None => false,
        }
    }
}

/// A look that may begin.
pub(super) struct Look {
    data: PathBuf,
    /// The last event that was durable when it was asked for.
    pub(super) head: Seq,
    stops: watch::Receiver<bool>,
    permit: OwnedSemaphorePermit,
}

impl Look {
    /// Records the look, where there is room for it.
    pub(super) async fn begin(
        app: &Arc<App>,
        (what, about, request_id): (&'static str, String, Option<String>),
    ) -> Result<Self, Refusal> {
        let Some(data) = app.ledger.data().map(ToOwned::to_owned) else {
            return Err(Problem::new(404, None, "the ledger is in memory: it keeps no past").into());
        };
        let Ok(permit) = Arc::clone(&app.past_readers).try_acquire_owned() else {
            return Err(Problem::new(503, None, "others are looking at the past: ask again").into());
        };
        let head = app.ledger.durable();
        let command = Command::Keep(Box::new(Keep::Read { what, about }));
        let request = Request { request_id, ..Request::new(Actor::Local, command) };
        app.callers.ask(request).await?;
        Ok(Self { data, head, stops: app.stops.clone(), permit })
    }

    /// Folds on a thread of its own, and sends what it writes.
    pub(super) async fn run(
        self,
        fold: impl FnOnce(&mut Looking) -> Result<(), Refusal> + Send + 'static,
    ) -> Reply {
        let (sender, receiver) = mpsc::channel(PAST_CHUNKS_MAX);
        let (begun, begins) = oneshot::channel();
        let Self { data, head, stops, permit } = self;
        let looking = Looking { data, head, sender, stops, begun: Some(begun), text: String::new() };
        let thread = std::thread::Builder::new().name("sledger-past".to_owned());
        let spawned = thread.spawn(move || {
            let _permit = permit;
            looking.run(fold);
        });
        spawned.map_err(|error| failed(&error.to_string()))?;
        begins.await.map_err(|_| failed("its thread ended"))??;
        let chunks = futures_util::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|chunk| (chunk, receiver))
        });
        let mut response = Response::new(Body::from_stream(chunks));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

/// A look on its thread.
pub(super) struct Looking {
    data: PathBuf,
    pub(super) head: Seq,
    sender: mpsc::Sender<io::Result<Bytes>>,
    stops: watch::Receiver<bool>,
    /// Told once the answer begins, or that there is none.
    begun: Option<oneshot::Sender<Result<(), Refusal>>>,
    text: String,
}

/// Bytes sent at once.
const CHUNK_BYTES: usize = 32 << 10;

impl Looking {
    fn run(mut self, fold: impl FnOnce(&mut Self) -> Result<(), Refusal>) {
        sledger::log::stand_back();
        let done = fold(&mut self).and_then(|()| self.flush());
        let Err(refusal) = done else { return };
        match self.begun.take() {
            // Whoever asked may be gone.
            Some(begun) => drop(begun.send(Err(refusal))),
            None => drop(self.sender.blocking_send(Err(io::Error::other("the past cannot be read on")))),
        }
    }

    /// The ledger, opened beside its writer.
    pub(super) fn open(&self) -> Result<Reader, Refusal> {
        crate::events::opened(&self.data).map_err(|error| failed(&error.to_string()))
    }

    pub(super) const fn data(&self) -> &PathBuf {
        &self.data
    }

    /// How it is read; `is_stopped` from [`Looking::stop`].
    pub(super) fn begin<'s>(&self, snapshots: bool, is_stopped: &'s dyn Fn() -> bool) -> Begin<'s> {
        Begin { snapshots, upto: Some(self.head), is_stopped }
    }

    /// Tells whether anybody waits for the answer.
    pub(super) fn stop(&self) -> impl Fn() -> bool + use<> {
        let (sender, stops) = (self.sender.clone(), self.stops.clone());
        move || sender.is_closed() || *stops.borrow()
    }

    /// Adds to the answer, which begins with the first of it.
    pub(super) fn write(&mut self, text: &str) -> Result<(), Refusal> {
        self.text.push_str(text);
        if self.text.len() >= CHUNK_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Refusal> {
        if let Some(begun) = self.begun.take() {
            // Whoever asked may be gone; sending tells.
            let _gone = begun.send(Ok(()));
        }
        let chunk = Bytes::from(std::mem::take(&mut self.text));
        self.sender.blocking_send(Ok(chunk)).map_err(|_| failed("the reader is gone"))
    }
}
