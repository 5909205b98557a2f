//! `serve`: a ledger over HTTP, until SIGTERM or SIGINT, or until it is poisoned.
//!
//! Promise: everything that is configured is checked before the ledger is opened or a port is bound; a stop
//! asked for ends within 10 s and leaves the mark of a clean close.

mod announce;
mod tracing_setup;

use super::ledger::clock;
use crate::args::Global;
use crate::configured::{self, Configured, Flags};
use crate::exit::{Exit, ReaderGone, Usage};
use crate::output::Output;
use crate::policies;
use anyhow::{Context, Result, bail};
use clap::Args;
use sledger::{Ledger, OpenError, SystemClock};
use sledger_core::clock::Clock as _;
use sledger_server::{ServeError, Server};
use sledger_wire::config::{Config, Durability};
use std::future::Future;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How long closing the ledger may take once requests are done; with theirs it stays within 10 s.
const CLOSE_MAX: Duration = Duration::from_secs(4);
/// How long requests under way may take once a stop is asked for.
const STOP_MAX: Duration = Duration::from_secs(5);

/// Serve a ledger over HTTP
///
/// Needs no configuration: the ledger is in ./sledger-data, and each user may have five sessions. SIGTERM or
/// SIGINT stops it in good order
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where; port 0 is any [default: 127.0.0.1:7070]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Listen beyond this machine, though nobody who asks is asked who he is
    #[arg(long)]
    insecure_listen: bool,
}

impl Serve {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        if global.connect.is_some() || global.recording.is_some() {
            return Err(Usage::error("serve takes --data DIR, not --connect or --recording"));
        }
        let mut flags = Flags::new();
        if let Some(listen) = &self.listen {
            flags.insert("server.listen".to_owned(), listen.clone());
        }
        let configured = configured::load(global, &flags, out)?;
        for what in not_yet(&configured.config) {
            out.say(&format!("warning: {what} is set, and this version does not do it yet"));
        }
        tracing_setup::start(configured.config.log);
        let (ledger_config, server_config) =
            (ledger_config(&configured)?, self.server_config(&configured.config));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.context("cannot start the server")?;
        // Signals count from here on: a stop while a large ledger is opened is a stop.
        let stop = runtime.block_on(async { stop_asked() })?;
        let data = configured.config.ledger.data.clone();
        let ledger = open(ledger_config, &configured.config)?;
        let served = runtime.block_on(serve(ledger.clone(), server_config, stop, &data, out));
        // What a query still waits for is nobody's any more.
        runtime.shutdown_background();
        close(&ledger, served)
    }

    fn server_config(&self, config: &Config) -> sledger_server::Config {
        sledger_server::Config {
            listen: config.server.listen.to_string(),
            hosts: config.server.hosts.clone(),
            insecure_listen: self.insecure_listen,
            name: config.server.name.clone(),
            near_percent: u32::from(config.monitor.near_percent),
            stop_max: STOP_MAX,
            ..sledger_server::Config::default()
        }
    }
}

/// What is configured and would be expected, but is not done.
fn not_yet(config: &Config) -> Vec<&'static str> {
    let set = [
        (!config.audit.is_empty(), "[[audit]]"),
        (config.policies.watch, "policies.watch"),
        (!config.ledger.keep.is_never(), "ledger.keep"),
    ];
    set.into_iter().filter(|(is_set, _)| *is_set).map(|(_, what)| what).collect()
}

fn ledger_config(configured: &Configured) -> Result<sledger::Config> {
    let config = &configured.config;
    let data = &config.ledger.data;
    Ok(sledger::Config {
        settings: config.settings.clone(),
        file: configured.hash,
        installs: policies::load(config)?,
        bounds: config.limits.bounds,
        queue_max: config.limits.queue_max as usize,
        feed_readers_max: config.limits.feed_readers_max as usize,
        reserve_bytes: config.ledger.reserve_bytes,
        durability: match config.ledger.durability {
            Durability::Durable => sledger::Durability::Durable,
            Durability::Relaxed => sledger::Durability::Relaxed,
        },
        gap_max: config.ledger.gap_max,
        accept_clock: clock::accepted(data, SystemClock.wall(), config.ledger.gap_max),
        seal_personal: config.ledger.seal_personal,
        near_percent: u32::from(config.monitor.near_percent),
        ..sledger::Config::new(data)
    })
}

fn open(ledger_config: sledger::Config, config: &Config) -> Result<Ledger> {
    let data = ledger_config.data.clone();
    match Ledger::open(ledger_config) {
        Ok(ledger) => {
            clock::forget(&data);
            Ok(ledger)
        }
        Err(OpenError::Settings(error)) => Err(policies::refused(config, &error)),
        Err(error @ (OpenError::UsersChanged | OpenError::SealUnsupported)) => {
            Err(Usage::error(error.to_string()))
        }
        Err(error @ OpenError::Log(sledger_log::OpenError::Damaged { .. })) => {
            Err(anyhow::anyhow!("{error}; see `sledger ledger verify` and `sledger ledger salvage`"))
        }
        Err(error) => Err(error.into()),
    }
}

async fn serve(
    ledger: Ledger,
    config: sledger_server::Config,
    stop: impl Future<Output = ()>,
    data: &Path,
    out: &mut Output<'_>,
) -> Result<()> {
    let server = Server::bind(config, ledger).await.map_err(refused)?;
    let url = format!("http://{}", server.local_addr());
    note_url(data, &url);
    match announce::tell(&url, data, out) {
        // Whoever started it need not read on.
        Err(error) if !error.is::<ReaderGone>() => return Err(error),
        _ => {}
    }
    Ok(server.run(stop).await?)
}

/// What is wrong with the address is a matter of configuration; that it is taken is not.
fn refused(error: ServeError) -> anyhow::Error {
    match error {
        ServeError::Address { .. } | ServeError::BeyondLoopback { .. } | ServeError::Host { .. } => {
            Usage::error(error.to_string())
        }
        ServeError::Listen { .. } | ServeError::Key { .. } | ServeError::Poisoned(_) => error.into(),
    }
}

/// Ready once a stop is asked for.
fn stop_asked() -> Result<impl Future<Output = ()>> {
    let listen = |kind| signal(kind).context("cannot listen to signals");
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    })
}

/// Closes the ledger in good order, unless it is poisoned: then a writer may hang in a sync for ever.
fn close(ledger: &Ledger, served: Result<()>) -> Result<Exit> {
    if ledger.poisoned().is_none() {
        let (done, closed) = mpsc::channel();
        let closing = ledger.clone();
        std::thread::spawn(move || {
            closing.close();
            // Nobody waits any more when it took too long.
            let _late = done.send(());
        });
        if closed.recv_timeout(CLOSE_MAX).is_err() {
            served?;
            bail!(
                "the ledger could not be closed within {} s; nothing acknowledged is lost",
                CLOSE_MAX.as_secs()
            );
        }
    }
    served?;
    if let Some(reason) = ledger.poisoned() {
        bail!("the ledger is poisoned: {reason}");
    }
    tracing::info!("stopped");
    Ok(Exit::Ok)
}

/// Notes the URL in the lock file, for whoever finds the ledger served: pid, then URL.
fn note_url(data: &Path, url: &str) {
    let path = data.join("lock");
    if let Err(error) = std::fs::write(&path, format!("{}\n{url}\n", std::process::id())) {
        tracing::warn!(%error, path = %path.display(), "the URL could not be noted");
    }
}
