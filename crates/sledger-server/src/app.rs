//! What all handlers share, and which call is whose.

use crate::ask::Callers;
use crate::config::Config;
use crate::key::SessionKey;
use crate::limits::{BLOCK_READERS_MAX, DISK_READERS_MAX, PAST_READERS_MAX};
use crate::reload::Reloading;
use crate::reply::Refusal;
use crate::{
    batch, blocks, docs, erase, events, evidence, groups, health, introspect, ledger, metrics, notes,
    openapi, policies, quotas, reload, replay, reply, sessions, stats, users, why,
};
use axum::Router;
use axum::http::{Method, Uri};
use axum::response::Response;
use sledger::Ledger;
use sledger::projector::Projection;
use sledger_wire::answer::Problem;
use sledger_wire::escape::brief;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::{Semaphore, watch};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

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
    /// Bounds who has the past folded at once.
    pub(crate) past_readers: Arc<Semaphore>,
    /// One scrape at a time.
    pub(crate) scrapes: Semaphore,
    /// One policy at a time passes the gate: its tests may take a while.
    pub(crate) gate: Arc<Semaphore>,
    /// One reload of the configuration at a time, and how the last one went.
    pub(crate) reloading: Reloading,
    /// From this many percent of its limit a user counts as near it. Set by a reload.
    pub(crate) near_percent: AtomicU32,
}

impl App {
    pub(crate) fn new(config: Config, ledger: Ledger, key: SessionKey, stops: watch::Receiver<bool>) -> Self {
        let callers = Callers::new(ledger.clone());
        let disk_readers = Arc::new(Semaphore::new(DISK_READERS_MAX));
        let block_readers = Arc::new(Semaphore::new(BLOCK_READERS_MAX));
        let past_readers = Arc::new(Semaphore::new(PAST_READERS_MAX));
        let reloading = Reloading::new(config.policies_refused.clone());
        let (scrapes, gate) = (Semaphore::new(1), Arc::new(Semaphore::new(1)));
        let near_percent = AtomicU32::new(config.near_percent);
        Self {
            config,
            ledger,
            callers,
            key,
            stops,
            disk_readers,
            block_readers,
            past_readers,
            scrapes,
            gate,
            reloading,
            near_percent,
        }
    }

    /// From this many percent of its limit a user counts as near it.
    pub(crate) fn near(&self) -> u32 {
        // Relaxed: a number that stands for itself.
        self.near_percent.load(Ordering::Relaxed)
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

/// All calls, each with what it says of itself.
pub(crate) fn calls() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(sessions::list, sessions::login))
        .routes(routes!(sessions::one, sessions::logout))
        .routes(routes!(sessions::touch))
        .routes(routes!(sessions::disconnect))
        .routes(routes!(sessions::end))
        .routes(routes!(users::list))
        .routes(routes!(users::one))
        .routes(routes!(users::clear))
        .routes(routes!(stats::top))
        .routes(routes!(evidence::checkpoint))
        .routes(routes!(evidence::seal))
        .routes(routes!(ledger::ledger))
        .routes(routes!(ledger::base))
        .routes(routes!(ledger::hold))
        .routes(routes!(ledger::release))
        .routes(routes!(erase::erase))
        .routes(routes!(batch::run))
        .routes(routes!(events::follow))
        .routes(routes!(blocks::raw))
        .routes(routes!(replay::at))
        .routes(routes!(replay::timeline))
        .routes(routes!(replay::diff))
        .routes(routes!(quotas::list))
        .routes(routes!(quotas::one, quotas::put, quotas::patch, quotas::delete))
        .routes(routes!(quotas::enable))
        .routes(routes!(quotas::disable))
        .routes(routes!(quotas::reset))
        .routes(routes!(quotas::overrides::list_overrides))
        .routes(routes!(quotas::overrides::set_override, quotas::overrides::unset_override))
        .routes(routes!(groups::list))
        .routes(routes!(groups::add, groups::remove))
        .routes(routes!(policies::list))
        .routes(routes!(policies::one, policies::put))
        .routes(routes!(policies::promote))
        .routes(routes!(policies::rollback))
        .routes(routes!(policies::stop))
        .routes(routes!(notes::write))
        .routes(routes!(why::why))
        .routes(routes!(reload::over_http))
        .routes(routes!(introspect::introspect))
        .routes(routes!(metrics::metrics))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(openapi::openapi))
        .routes(routes!(docs::page))
        .routes(routes!(docs::style))
        .routes(routes!(docs::script))
}

/// All calls, and what is said where there is none.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let (router, _) = calls().split_for_parts();
    router.fallback(unknown).method_not_allowed_fallback(not_allowed).with_state(Arc::clone(app))
}

async fn unknown(uri: Uri) -> Response {
    reply::problem(&Problem::new(404, None, format!("there is no `{}` here", brief(uri.path()))))
}

async fn not_allowed(method: Method, uri: Uri) -> Response {
    let detail = format!("`{}` does not take `{}`", brief(uri.path()), brief(method.as_str()));
    reply::problem(&Problem::new(405, None, detail))
}
