//! The feed from memory.

use super::line::Filter;
use super::lost_both;
use crate::app::App;
use axum::body::Bytes;
use futures_util::Stream;
use sledger::projector::{Next, Subscription};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// A sign of life.
const KEEP_ALIVE: Bytes = Bytes::from_static(b": still here\n\n");

/// Follows the ring until the reader goes, falls behind, or the server stops.
pub(super) struct Live {
    subscription: Subscription,
    filter: Filter,
    stops: watch::Receiver<bool>,
    keep_alive: Duration,
    is_over: bool,
}

impl Live {
    pub(super) fn new(app: &App, subscription: Subscription, filter: Filter) -> Self {
        let (stops, keep_alive) = (app.stops.clone(), app.config.keep_alive);
        Self { subscription, filter, stops, keep_alive, is_over: false }
    }

    /// What the reader gets next; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        let quiet_until = Instant::now() + self.keep_alive;
        while !self.is_over {
            let next = tokio::select! {
                biased;
                _ = self.stops.wait_for(|stop| *stop) => return None,
                () = tokio::time::sleep_until(quiet_until) => return Some(KEEP_ALIVE),
                next = self.subscription.next() => next,
            };
            match next {
                Next::Told(delivery) => {
                    let text = self.filter.text(delivery.events());
                    if !text.is_empty() {
                        return Some(text.into());
                    }
                    // Nothing in it was asked for; others have their turn.
                    tokio::task::yield_now().await;
                }
                Next::Lost(lost) => {
                    self.is_over = true;
                    return Some(lost_both(lost));
                }
                Next::Closed => self.is_over = true,
                Next::Idle => {}
            }
        }
        None
    }
}

/// The feed from memory.
pub(super) fn stream(
    app: &App,
    subscription: Subscription,
    filter: Filter,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let live = Live::new(app, subscription, filter);
    futures_util::stream::unfold(live, |mut live| async move { live.next().await.map(|text| (text, live)) })
}
