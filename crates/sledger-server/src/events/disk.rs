//! The feed from disk: for readers that ask for more than is in memory.
//!
//! An event names sessions by number, so the ledger is folded from its beginning to know the names. Few read so at
//! once; each waits for its reader, never the ledger for it.

use super::line::Filter;
use super::live::Live;
use super::lost;
use crate::app::App;
use crate::limits::{DISK_OPEN_PAUSE, DISK_OPENS_MAX, FEED_CHUNK_BYTES, FEED_CHUNKS_MAX};
use axum::body::Bytes;
use futures_util::Stream;
use sledger::core::decider::Recorded;
use sledger::core::{Seq, State, refold};
use sledger::log::{Block, CodecError, OpenError, ReadError, Reader};
use sledger::projector::{SubscribeError, Subscription, Views, tell};
use sledger_replay::history::first_state;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// Why history cannot be read on.
#[derive(Debug, thiserror::Error)]
enum HistoryError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error(transparent)]
    Beginning(#[from] sledger_replay::history::HistoryError),
    #[error("the disk ends at seq {at}, though seq {durable} is durable")]
    Short { at: Seq, durable: Seq },
    /// Nobody reads any more.
    #[error("the reader is gone")]
    Gone,
}

/// The feed from `from` on: from disk until it meets the ring, then live.
pub(super) fn stream(
    app: &Arc<App>,
    data: PathBuf,
    from: Seq,
    filter: Filter,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let (sender, receiver) = mpsc::channel(FEED_CHUNKS_MAX);
    tokio::spawn(read_on(Arc::clone(app), data, from, (filter, sender)));
    futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|text| (text, receiver))
    })
}

async fn read_on(app: Arc<App>, data: PathBuf, from: Seq, (filter, sender): (Filter, mpsc::Sender<Bytes>)) {
    let mut stops = app.stops.clone();
    // The semaphore is never closed; a server that stops needs no history.
    let permit = tokio::select! {
        permit = Arc::clone(&app.disk_readers).acquire_owned() => permit.ok(),
        _ = stops.wait_for(|stop| *stop) => None,
        () = sender.closed() => None,
    };
    let Some(permit) = permit else { return };
    let (views, theirs, wanted) = (app.ledger.views().clone(), sender.clone(), filter.clone());
    let stopped = app.stops.clone();
    let history = move || {
        let history = History::begin(&data, from, (wanted, theirs), stopped)?;
        history.catch_up(&data, &views, permit)
    };
    match tokio::task::spawn_blocking(history).await {
        Ok(Ok(subscription)) => {
            let mut live = Live::new(&app, subscription, filter);
            while let Some(text) = live.next().await {
                if sender.send(text).await.is_err() {
                    return;
                }
            }
        }
        Ok(Err(HistoryError::Gone)) | Err(_) => {}
        Ok(Err(error)) => {
            tracing::error!(%error, "history cannot be read for the feed");
            // What stays open is not told as lost up to a place that nobody knows.
            let _gone = sender.send(lost(from, app.ledger.durable().next())).await;
        }
    }
}

/// The state as of some event, and the reader that gets what follows.
struct History {
    state: State,
    wanted: Seq,
    filter: Filter,
    sender: mpsc::Sender<Bytes>,
    stops: tokio::sync::watch::Receiver<bool>,
    text: Vec<u8>,
}

impl History {
    fn begin(
        data: &Path,
        wanted: Seq,
        (filter, sender): (Filter, mpsc::Sender<Bytes>),
        stops: tokio::sync::watch::Receiver<bool>,
    ) -> Result<Self, HistoryError> {
        let state = first_state(data, &opened(data)?)?;
        Ok(Self { state, wanted, filter, sender, stops, text: Vec::new() })
    }

    /// Tells everything durable, again and again until the ring has what follows.
    fn catch_up(
        mut self,
        data: &Path,
        views: &Views,
        _permit: OwnedSemaphorePermit,
    ) -> Result<Subscription, HistoryError> {
        loop {
            self.pass(data, views.durable())?;
            match views.subscribe(Some(self.state.seq().next().max(self.wanted))) {
                Ok(subscription) => return Ok(subscription),
                Err(SubscribeError::TooOld { .. }) => {}
                Err(SubscribeError::TooManyReaders { .. }) => return Err(HistoryError::Gone),
            }
        }
    }

    /// Folds and tells up to `durable`: what lies behind may be on disk without being acknowledged.
    fn pass(&mut self, data: &Path, durable: Seq) -> Result<(), HistoryError> {
        let reader = opened(data)?;
        for block in reader.blocks(self.state.seq().next()) {
            let block = block?;
            if block.header().first > durable {
                break;
            }
            self.fold(&block)?;
            if self.text.len() >= FEED_CHUNK_BYTES {
                self.flush()?;
            }
            if *self.stops.borrow() || self.sender.is_closed() {
                return Err(HistoryError::Gone);
            }
        }
        self.flush()?;
        let at = self.state.seq();
        if at < durable { Err(HistoryError::Short { at, durable }) } else { Ok(()) }
    }

    fn fold(&mut self, block: &Block) -> Result<(), HistoryError> {
        let mut first = block.header().first;
        if first > self.state.seq().next() {
            // What comes next went while it was on its way to be read.
            return Err(HistoryError::Short { at: self.state.seq(), durable: first });
        }
        for decision in block.decisions() {
            let decision = decision?;
            let next = first.plus(decision.events.len() as u64);
            if first > self.state.seq() {
                let effects = refold(&mut self.state, first, &decision);
                if next > self.wanted {
                    self.tell(&Recorded { first, decision: Arc::new(decision), effects });
                }
            }
            first = next;
        }
        Ok(())
    }

    fn tell(&mut self, recorded: &Recorded) {
        let told = tell(&self.state, recorded);
        let wanted = told.partition_point(|told| told.seq < self.wanted);
        self.text.extend(self.filter.text(told.get(wanted..).unwrap_or_default()));
    }

    fn flush(&mut self) -> Result<(), HistoryError> {
        if self.text.is_empty() {
            return Ok(());
        }
        let text = std::mem::take(&mut self.text);
        self.sender.blocking_send(text.into()).map_err(|_| HistoryError::Gone)
    }
}

/// Opens the ledger beside its writer, which may be just about to begin a new volume.
pub(crate) fn opened(data: &Path) -> Result<Reader, OpenError> {
    let mut tries = 1;
    loop {
        match Reader::open(data) {
            Err(_) if tries < DISK_OPENS_MAX => {
                tries += 1;
                std::thread::sleep(DISK_OPEN_PAUSE);
            }
            opened => return opened,
        }
    }
}
