//! `/metrics` for Prometheus: the ledger in counts, gauges and histograms.
//!
//! Promise: no user, session or address stands in a label; labels are outcomes, codes, causes, and the names of
//! quotas and policies, whose number is bounded. Counts are since the process started.
//! Absent on purpose: anything counted per request. What is shown is read when it is asked for, by one reader at a
//! time, since the figures by quota look at every user.

mod text;

use crate::app::App;
use crate::reply::Reply;
use crate::stats::{bytes_on_disk, snapshot_age};
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;
use sledger::projector::{Latency, Projection, QuotaTotals};
use sledger::{Durability, Ledger, OPERATIONS_BOUNDS, Tallies};
use sledger_wire::answer::Problem;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Upper bounds of what deciding takes, in microseconds.
const DECISION_BOUNDS: [u64; 12] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 25_000];
/// Upper bounds of what a barrier or an answer takes, in microseconds.
const ANSWER_BOUNDS: [u64; 13] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 10_000_000];
/// The text format of Prometheus.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Everything shown by one scrape.
#[derive(Debug)]
struct Scrape {
    version: &'static str,
    tallies: Tallies,
    decision: Histogram,
    answer: Histogram,
    sync: Histogram,
    /// `None` where the views cannot be read.
    views: Option<Views>,
    bytes: Option<u64>,
    bytes_free: Option<u64>,
    seq: u64,
    snapshot_age: Option<Duration>,
    queue_length: u64,
    poisoned: bool,
    relaxed: bool,
    reload_failed: bool,
}

/// What the views show.
#[derive(Debug)]
struct Views {
    /// How long they took to show everything that was durable when they were asked.
    lag: Duration,
    sessions: u64,
    users: u64,
    quotas: Vec<QuotaTotals>,
}

/// Values in classes.
#[derive(Debug)]
struct Histogram {
    sum: f64,
    count: u64,
    /// Upper bound, and how many are at or below it and above the one before.
    buckets: Vec<(f64, u64)>,
}

/// `GET /metrics`.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    operation_id = "metrics",
    summary = "For Prometheus",
    description = "Text format 0.0.4.",
    responses(
        (
            status = 200,
            description = "counts, gauges and histograms",
            body = String,
            content_type = "text/plain",
        ),
        (status = 500, description = "reading the figures failed"),
    )
)]
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Reply {
    // The semaphore is never closed.
    let turn = app.scrapes.acquire().await.ok();
    let theirs = Arc::clone(&app);
    let text = tokio::task::spawn_blocking(move || Scrape::of(&theirs).into_text()).await;
    drop(turn);
    let text = text.map_err(|_| Problem::new(500, None, "reading the figures failed"))?;
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, TEXT);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

impl Scrape {
    fn of(app: &App) -> Self {
        let ledger = &app.ledger;
        let near = app.near();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            views: Views::of(ledger, near),
            tallies: ledger.tallies(),
            decision: Histogram::of(&ledger.latencies().decide, &DECISION_BOUNDS),
            answer: Histogram::of(&ledger.latencies().answer, &ANSWER_BOUNDS),
            sync: Histogram::of(ledger.sync_latency(), &ANSWER_BOUNDS),
            bytes: ledger.data().map(bytes_on_disk),
            bytes_free: ledger.disk_free(),
            seq: ledger.durable().0,
            snapshot_age: ledger.data().and_then(snapshot_age),
            queue_length: ledger.queue_length() as u64,
            poisoned: ledger.poisoned().is_some(),
            relaxed: ledger.durability() == Durability::Relaxed,
            reload_failed: app.reloading.failed().is_some(),
        }
    }

    /// How many operations policies took when they were asked.
    fn operations(&self) -> Histogram {
        let bounds = OPERATIONS_BOUNDS.into_iter().map(f64::from).chain([f64::INFINITY]);
        let counts = self.tallies.operations;
        #[expect(clippy::cast_precision_loss, reason = "shown only; exact up to 2^53 operations")]
        let sum = self.tallies.operations_sum as f64;
        Histogram { sum, count: counts.iter().sum(), buckets: bounds.zip(counts).collect() }
    }
}

impl Views {
    fn of(ledger: &Ledger, near: u32) -> Option<Self> {
        let asked = Instant::now();
        let look = |views: &Projection| Self {
            lag: asked.elapsed(),
            sessions: views.session_count() as u64,
            users: views.user_count() as u64,
            quotas: views.quota_totals(near),
        };
        ledger.views().read(look).ok()
    }
}

impl Histogram {
    /// Latencies in seconds.
    fn of(latency: &Latency, bounds: &[u64]) -> Self {
        // The classes first: what is measured meanwhile is in the last one.
        let at_or_below = latency.at_or_below(bounds);
        let (count, sum) = latency.quantiles().map_or((0, 0), |seen| (seen.count, seen.sum));
        let seconds = |micros: u64| Duration::from_micros(micros).as_secs_f64();
        let bounds = bounds.iter().map(|bound| seconds(*bound)).chain([f64::INFINITY]);
        let mut before = 0;
        let counts = at_or_below.into_iter().chain([count]).map(|upto| {
            let more = upto.saturating_sub(before);
            before = before.max(upto);
            more
        });
        Self { sum: seconds(sum), count, buckets: bounds.zip(counts).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_is_in_exactly_one_class() {
        let latency = Latency::default();
        latency.record([1, 100, 101, 999, 1_000, 2_600, 30_000_000]);
        let seen = Histogram::of(&latency, &ANSWER_BOUNDS);
        let counts: Vec<u64> = seen.buckets.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [2, 1, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((seen.count, seen.buckets.len()), (7, ANSWER_BOUNDS.len() + 1));
        assert_eq!(seen.sum.to_string(), "30.004801");
        assert_eq!(seen.buckets.last().map(|(bound, _)| *bound), Some(f64::INFINITY));
    }

    #[test]
    fn of_nothing_measured_every_class_is_empty() {
        let seen = Histogram::of(&Latency::default(), &DECISION_BOUNDS);
        assert!(seen.count == 0 && seen.buckets.iter().all(|(_, count)| *count == 0));
    }
}
