//! Listening, and ending in good order.
//!
//! Invariants: nothing is bound before everything that is configured is known to be right; a connection that is
//! cut off by the end of the server has had `stop_max` to finish.

use crate::app::App;
use crate::config::Config;
use crate::error::ServeError;
use crate::guard::Guard;
use crate::key::SessionKey;
use crate::limits::HEAD_BYTES_MAX;
use crate::reload::Reloader;
use crate::reply;
use crate::stall::Impatient;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use sledger::Ledger;
use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::Service as _;

/// After a connection could not be accepted, e.g. because there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A server that listens, but takes no requests yet.
pub struct Server {
    listener: TcpListener,
    local: SocketAddr,
    app: Arc<App>,
    guard: Arc<Guard>,
    stopping: watch::Sender<bool>,
}

/// Listens and serves until `shutdown` is ready.
///
/// # Errors
/// As [`Server::bind`] and [`Server::run`].
pub async fn serve(
    config: Config,
    ledger: Ledger,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    Server::bind(config, ledger).await?.run(shutdown).await
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// [`ServeError`]: an address that means nothing, is taken, or can be reached from other machines; a further
    /// host that is no name; a key that cannot be kept.
    pub async fn bind(config: Config, ledger: Ledger) -> Result<Self, ServeError> {
        let address = resolved(&config.listen).await?;
        if !address.ip().is_loopback() && !config.insecure_listen {
            return Err(ServeError::BeyondLoopback { address });
        }
        // Whether the further hosts are names does not depend on the port.
        let named = |address| {
            Guard::new(address, &config.listen, &config.hosts).map_err(|host| ServeError::Host { host })
        };
        named(address)?;
        let key = SessionKey::of(ledger.data())?;
        let listening = TcpListener::bind(address).await;
        let listener = listening.map_err(|source| ServeError::Listen { address, source })?;
        let local = listener.local_addr().map_err(|source| ServeError::Listen { address, source })?;
        let guard = Arc::new(named(local)?);
        let (stopping, stops) = watch::channel(false);
        let app = Arc::new(App::new(config, ledger, key, stops));
        Ok(Self { listener, local, app, guard, stopping })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Asks this server to read its configuration again, also while it serves.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        Reloader(Arc::clone(&self.app))
    }

    /// Serves until `shutdown` is ready or the ledger is poisoned. Then no more connections are accepted, requests
    /// under way may finish, feeds end, and what is left after `stop_max` is cut off. The ledger stays open.
    ///
    /// # Errors
    /// [`ServeError::Poisoned`] with the reason: the process is to end.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let (tell, mut told) = watch::channel(None);
        self.app.ledger.on_poison(move |reason| {
            // Nobody listens any more once the server has ended.
            let _ended = tell.send(Some(Arc::<str>::from(reason)));
        });
        let linger = self.app.config.poison_linger;
        let poisoned = async move {
            match told.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone()) {
                Some(reason) => {
                    tokio::time::sleep(linger).await;
                    reason
                }
                // The ledger is gone without being poisoned.
                None => std::future::pending().await,
            }
        };
        let mut connections = JoinSet::new();
        let poison = tokio::select! {
            () = shutdown => None,
            reason = poisoned => Some(reason),
            never = self.accept(&mut connections) => match never {},
        };
        let Self { listener, app, stopping, .. } = self;
        drop(listener);
        stopping.send_replace(true);
        finish(&mut connections, app.config.stop_max).await;
        // What came while the server was ending is told too.
        let poison = poison.or_else(|| app.ledger.poisoned());
        poison.map_or(Ok(()), |reason| Err(ServeError::Poisoned(reason)))
    }

    async fn accept(&self, connections: &mut JoinSet<()>) -> Infallible {
        let permits = Arc::new(Semaphore::new(self.app.config.connections_max.max(1)));
        let router = crate::app::router(&self.app);
        let waits = (self.app.config.read_max, self.app.config.write_max);
        loop {
            while connections.try_join_next().is_some() {}
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
                // The semaphore is never closed.
                std::future::pending::<()>().await;
                continue;
            };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let guard = Arc::clone(&self.guard);
                    let served = Served { router: router.clone(), guard, stops: self.stopping.subscribe() };
                    connections.spawn(served.run(stream, permit, waits));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Waits for connections to end, at most `within`; then cuts them off.
async fn finish(connections: &mut JoinSet<()>, within: Duration) {
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(within, ended).await.is_err() {
        tracing::warn!(left = connections.len(), "connections are cut off");
        connections.shutdown().await;
    }
}

async fn resolved(listen: &str) -> Result<SocketAddr, ServeError> {
    let unknown = |source| ServeError::Address { listen: listen.to_owned(), source };
    let mut found = tokio::net::lookup_host(listen).await.map_err(unknown)?;
    found.next().ok_or_else(|| unknown(std::io::ErrorKind::NotFound.into()))
}

/// How long a head may take to come, and a write to be taken.
type Waits = (Duration, Duration);

/// What one connection needs.
struct Served {
    router: Router,
    guard: Arc<Guard>,
    stops: watch::Receiver<bool>,
}

impl Served {
    async fn run(mut self, stream: TcpStream, permit: OwnedSemaphorePermit, (read_max, write_max): Waits) {
        // Without it an answer could wait for more bytes that never come; a socket that refuses is slower only.
        let _slower = stream.set_nodelay(true);
        let Ok(reached) = stream.local_addr() else { return };
        let reached = reached.ip().to_canonical();
        let (router, guard) = (self.router, self.guard);
        let service = service_fn(move |request| answer(router.clone(), Arc::clone(&guard), reached, request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(read_max)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(Impatient::new(stream, write_max)), service);
        let mut connection = pin!(connection);
        let mut stopped = false;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    break;
                }
                // An error: the server is gone, which is as good a reason to stop.
                _ = self.stops.wait_for(|stop| *stop), if !stopped => {
                    stopped = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
        drop(permit);
    }
}

async fn answer(
    mut router: Router,
    guard: Arc<Guard>,
    reached: IpAddr,
    request: hyper::Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    match guard.check(&request, reached) {
        Some(problem) => Ok(reply::problem(&problem)),
        None => router.call(request).await,
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("local", &self.local).finish_non_exhaustive()
    }
}
