//! The thread of one sink: reads, sends, notes how far it came; when something fails, waits and begins where it was
//! confirmed.

use super::SinkStatus;
use super::position::{Mark, Positions};
use super::sink::{Sink, Trouble};
use super::source::{Found, Source};
use sledger::Ledger;
use sledger_wire::config::Audit as SinkConfig;
use std::convert::Infallible;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Between two looks at whether there is an order, while no event comes.
const LOOK: Duration = Duration::from_millis(200);
/// Pauses after failures, from the first to the longest.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// How often the position is stored while nothing is sent.
const STORE_EVERY: Duration = Duration::from_secs(1);
/// A sink that has not taken what it was given for so long shows as failing.
const STALL: Duration = Duration::from_secs(10);

/// To open files again; that the sender is gone is the order to stop.
struct Reopen;

/// Why a sink's work came to an end.
enum End {
    Stopped,
    Reopened,
}

/// What others may see of a sink.
pub(super) struct Shown {
    /// Written by the sink's thread only.
    inner: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    seq: u64,
    failing: Option<String>,
    /// Whether the log was told that it fails.
    is_told: bool,
    /// Since when it has been given something that it has not taken.
    busy: Option<Instant>,
}

impl Shown {
    pub(super) fn new(seq: u64) -> Self {
        let failing = Some("it is being opened".to_owned());
        Self { inner: Mutex::new(Inside { seq, failing, ..Inside::default() }) }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failing(&self) -> Option<String> {
        let inside = self.lock();
        let stalled = inside.busy.map(|since| since.elapsed()).filter(|since| *since >= STALL);
        let stalled = stalled.map(|since| format!("it has taken nothing for {} s", since.as_secs()));
        inside.failing.clone().or(stalled)
    }
}

/// A sink with its thread.
pub(super) struct Running {
    config: SinkConfig,
    shown: Arc<Shown>,
    orders: SyncSender<Reopen>,
    ended: Receiver<Infallible>,
}

/// A sink that was told to stop.
pub(super) struct Ending {
    to: String,
    ended: Receiver<Infallible>,
}

impl Running {
    /// Starts the thread.
    pub(super) fn start(
        (config, sink): (SinkConfig, Box<dyn Sink>),
        (ledger, positions): (Ledger, Positions),
        (mark, shown): (Mark, Arc<Shown>),
    ) -> io::Result<Self> {
        let (orders, waiting) = sync_channel(1);
        let (alive, ended) = channel();
        let runner = Runner {
            ledger,
            positions,
            sink,
            config: config.clone(),
            shown: Arc::clone(&shown),
            orders: waiting,
            sent: mark,
            stored: mark,
            stored_at: Instant::now(),
            pause: PAUSE_MIN,
            _alive: alive,
        };
        thread::Builder::new().name("sledger-audit".to_owned()).spawn(move || runner.run())?;
        Ok(Self { config, shown, orders, ended })
    }

    pub(super) const fn config(&self) -> &SinkConfig {
        &self.config
    }

    /// Has it open its file again, or try again at once.
    pub(super) fn reopen(&self) {
        // One that waits already says what is to be said.
        let _told = self.orders.try_send(Reopen);
    }

    pub(super) fn status(&self, durable: u64) -> SinkStatus {
        let failing = self.shown.failing();
        let seq = self.shown.lock().seq;
        SinkStatus { to: self.config.to.to_string(), seq, behind: durable.saturating_sub(seq), failing }
    }

    /// Tells it to stop.
    pub(super) fn end(self) -> Ending {
        Ending { to: self.config.to.to_string(), ended: self.ended }
    }
}

impl Ending {
    /// Waits for its end; a sink that hangs is left to the end of the process.
    pub(super) fn wait(self, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        if let Err(RecvTimeoutError::Timeout) = self.ended.recv_timeout(left) {
            tracing::warn!(
                to = self.to,
                "an audit sink does not end; what it has not confirmed it gets again"
            );
        }
    }
}

struct Runner {
    ledger: Ledger,
    positions: Positions,
    sink: Box<dyn Sink>,
    config: SinkConfig,
    shown: Arc<Shown>,
    orders: Receiver<Reopen>,
    /// How far it was sent.
    sent: Mark,
    /// How far it is confirmed and stored; from here it begins again.
    stored: Mark,
    stored_at: Instant,
    /// Before the next try.
    pause: Duration,
    /// Dropped when the thread ends, however it does.
    _alive: Sender<Infallible>,
}

impl Runner {
    fn run(mut self) {
        loop {
            match self.follow() {
                Ok(End::Stopped) => return self.finish(),
                Ok(End::Reopened) | Err(Trouble::Again) => {}
                Err(trouble) => {
                    self.fails(&trouble);
                    if self.is_stopped_within_pause() {
                        return;
                    }
                }
            }
        }
    }

    /// Opens the sink and sends it what comes, until it is to stop or something fails.
    fn follow(&mut self) -> Result<End, Trouble> {
        let durable = self.ledger.views().durable().0;
        if self.stored.seq > durable {
            let (to, seq) = (&self.config.to, self.stored.seq);
            tracing::warn!(%to, seq, durable, "the sink is ahead of the ledger; it goes on with what comes now");
            self.stored.seq = durable;
        }
        let mark = self.sink.open(self.stored, durable)?;
        (self.sent, self.stored) = (mark, mark);
        self.works();
        let mut source = Source::new(self.ledger.clone(), self.config.clone(), mark);
        loop {
            match self.orders.try_recv() {
                Ok(Reopen) if self.sink.is_reopened() => return Ok(End::Reopened),
                Ok(Reopen) | Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return Ok(End::Stopped),
            }
            match source.next(LOOK).map_err(|error| Trouble::Refused(error.to_string()))? {
                Found::Batch(batch) => {
                    if !batch.lines().is_empty() {
                        self.shown.lock().busy = Some(Instant::now());
                        self.sink.send(&batch)?;
                        self.shown.lock().busy = None;
                        self.pause = PAUSE_MIN;
                    }
                    self.sent = batch.mark();
                    self.shown.lock().seq = self.sent.seq;
                }
                Found::Nothing => {}
                Found::Closed => return Ok(End::Stopped),
            }
            let confirmed = self.sink.confirmed(self.sent)?;
            self.note(confirmed)?;
        }
    }

    /// Stores how far the sink is confirmed: at once when something was, else now and then.
    fn note(&mut self, confirmed: Mark) -> Result<(), Trouble> {
        let is_due = confirmed.last != self.stored.last || self.stored_at.elapsed() >= STORE_EVERY;
        if confirmed == self.stored || !is_due {
            return Ok(());
        }
        // Also where storing fails this process does not send it again.
        self.stored = confirmed;
        self.stored_at = Instant::now();
        self.positions.store(&self.config, confirmed).map_err(|error| Trouble::Refused(error.to_string()))
    }

    fn finish(mut self) {
        let finished = self.sink.finish(self.sent);
        self.stored_at = Instant::now().checked_sub(STORE_EVERY).unwrap_or(self.stored_at);
        if let Err(error) = finished.and_then(|confirmed| self.note(confirmed)) {
            tracing::warn!(to = %self.config.to, %error, "what the audit sink has got is not known to the end");
        }
    }

    fn works(&self) {
        let mut shown = self.shown.lock();
        shown.seq = self.sent.seq;
        shown.busy = None;
        shown.failing = None;
        if std::mem::take(&mut shown.is_told) {
            tracing::info!(to = %self.config.to, "the audit sink can be reached again");
        }
    }

    fn fails(&self, trouble: &Trouble) {
        let mut shown = self.shown.lock();
        shown.busy = None;
        if !std::mem::replace(&mut shown.is_told, true) {
            tracing::warn!(to = %self.config.to, %trouble, "an audit sink fails; it is tried again");
        }
        shown.failing = Some(trouble.to_string());
    }

    /// Waits before the next try, longer each time; an order to open again ends the wait.
    fn is_stopped_within_pause(&mut self) -> bool {
        let pause = self.pause;
        self.pause = pause.saturating_mul(2).min(PAUSE_MAX);
        matches!(self.orders.recv_timeout(pause), Err(RecvTimeoutError::Disconnected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sink_that_takes_nothing_for_long_shows_as_failing_though_nothing_failed() {
        let shown = Shown::new(7);
        assert_eq!(shown.failing().as_deref(), Some("it is being opened"));
        shown.lock().failing = None;
        shown.lock().busy = Some(Instant::now());
        assert_eq!(shown.failing(), None);
        shown.lock().busy = Instant::now().checked_sub(STALL);
        assert_eq!(shown.failing().as_deref(), Some("it has taken nothing for 10 s"));
    }
}
