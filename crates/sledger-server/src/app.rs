//! What all handlers share, and which call is whose.

use crate::ask::Callers;
use crate::config::Config;
use crate::key::SessionKey;
use crate::limits::{BLOCK_READERS_MAX, DISK_READERS_MAX};
use crate::reply::Refusal;
use crate::{batch, blocks, events, health, introspect, metrics, reply, sessions, stats, users};
use axum::Router;
use axum::http::{Method, Uri};
use axum::response::Response;
use axum::routing::{delete, get, post};
use sledger::Ledger;
use sledger::projector::Projection;
use sledger_wire::answer::Problem;
use sledger_wire::escape::brief;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// What all handlers share.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) ledger: Ledger,
    pub(crate) callers: Callers,
    pub(crate) key: SessionKey,
    /// True once the server is to stop.
    pub(crate) stops: watch::Receiver<bool>,
    /// Bounds who reads history from disk at once.
    pub(crate) disk_readers: Arc<Semaphore>,
    /// Bounds who takes raw blocks at once.
    pub(crate) block_readers: Arc<Semaphore>,
    /// One scrape at a time.
    pub(crate) scrapes: Semaphore,
}

impl App {
    pub(crate) fn new(config: Config, ledger: Ledger, key: SessionKey, stops: watch::Receiver<bool>) -> Self {
        let callers = Callers::new(ledger.clone());
        let disk_readers = Arc::new(Semaphore::new(DISK_READERS_MAX));
        let block_readers = Arc::new(Semaphore::new(BLOCK_READERS_MAX));
        let scrapes = Semaphore::new(1);
        Self { config, ledger, callers, key, stops, disk_readers, block_readers, scrapes }
    }

    /// Reads the views as of everything acknowledged before the call. For what is found by key: quick enough to be
    /// read right here, unless the views have to come up first.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Projection) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let views = self.ledger.views();
        if views.reached() >= views.durable() {
            return views.read(read).map_err(|error| unreadable(&error.to_string()));
        }
        self.read_at_length(read).await
    }

    /// As [`Self::read`], for what looks at more than a few rows: on a thread that may wait.
    pub(crate) async fn read_at_length<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Projection) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let views = self.ledger.views().clone();
        match tokio::task::spawn_blocking(move || views.read(read)).await {
            Ok(Ok(seen)) => Ok(seen),
            Ok(Err(error)) => Err(unreadable(&error.to_string())),
            Err(_) => Err(Problem::new(500, None, "reading the views failed").into()),
        }
    }
}

fn unreadable(why: &str) -> Refusal {
    Problem::new(503, None, why).into()
}

/// All calls.
pub(crate) fn router(app: &Arc<App>) -> Router {
    Router::new()
        .route("/v1/sessions", get(sessions::list).post(sessions::login))
        .route("/v1/sessions/{id}", get(sessions::one).delete(sessions::logout))
        .route("/v1/sessions/{id}/touch", post(sessions::touch))
        .route("/v1/sessions/{id}/disconnect", post(sessions::disconnect))
        .route("/v1/sessions/{id}/end", post(sessions::end))
        .route("/v1/users", get(users::list))
        .route("/v1/users/{user}", get(users::one))
        .route("/v1/users/{user}/sessions", delete(users::clear))
        .route("/v1/top", get(stats::top))
        .route("/v1/ledger", get(stats::ledger))
        .route("/v1/batch", post(batch::run))
        .route("/v1/events", get(events::follow))
        .route("/v1/blocks", get(blocks::raw))
        .route(introspect::PATH, post(introspect::introspect))
        .route("/metrics", get(metrics::metrics))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .with_state(Arc::clone(app))
}

async fn unknown(uri: Uri) -> Response {
    reply::problem(&Problem::new(404, None, format!("there is no `{}` here", brief(uri.path()))))
}

async fn not_allowed(method: Method, uri: Uri) -> Response {
    let detail = format!("`{}` does not take `{}`", brief(uri.path()), brief(method.as_str()));
    reply::problem(&Problem::new(405, None, detail))
}
