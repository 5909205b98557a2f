//! `serve`: a ledger over HTTP, until SIGTERM or SIGINT, or until it is poisoned.
//!
//! Promise: everything that is configured is checked before the ledger is opened or a port is bound; a stop
//! asked for ends within 10 s and leaves the mark of a clean close.

mod announce;
mod tracing_setup;

use super::ledger::clock;
use crate::args::Global;
use crate::configured::{self, Configured, Flags};
use crate::exit::{self, Exit, ReaderGone, Usage};
use crate::notify::{self, Manager, Word};
use crate::output::Output;
use crate::policies;
use crate::reload::{InForce, Written};
use crate::watch::{self, Watched};
use announce::Announced;
use anyhow::{Context, Result, bail};
use clap::Args;
use sledger::{CheckpointConfig, Ledger, OpenError, SystemClock};
use sledger_core::Span;
use sledger_core::clock::Clock as _;
use sledger_core::decide::Install;
use sledger_server::audit::{self, Audit};
use sledger_server::{Reloader, ServeError, Server};
use sledger_wire::config::{AuditTarget, Config, Durability, LogFormat};
use std::convert::Infallible;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

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
        let configured = configured::read(global, &flags)?;
        let log = configured.config.log;
        tracing_setup::start(log);
        warn(&configured.config, out);
        if let Err(error) = audit::check(&configured.config.audit) {
            return Err(Usage::error(error.to_string()));
        }
        let sinks = Sinks::default();
        let server_config = self.server_config((global, &flags), &configured, &sinks);
        let served = open_and_serve(&configured, (server_config, &sinks), out);
        if log.format == LogFormat::Json { served.or_else(|error| Ok(logged(&error))) } else { served }
    }

    fn server_config(
        &self,
        (global, flags): (&Global, &Flags),
        configured: &Configured,
        sinks: &Sinks,
    ) -> sledger_server::Config {
        let config = &configured.config;
        let sinks = Arc::clone(sinks);
        let in_force: InForce = Arc::new(move |config: &Config| {
            tracing_setup::change(config.log);
            replace_sinks(&sinks, config);
        });
        let source = Written::new(global, flags, configured, in_force);
        sledger_server::Config {
            file: config.file.as_ref().map(|file| file.display().to_string()),
            source: Some(Arc::new(source)),
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

fn open_and_serve(
    configured: &Configured,
    (server_config, sinks): (sledger_server::Config, &Sinks),
    out: &mut Output<'_>,
) -> Result<Exit> {
    let (ledger_config, policies_refused) = ledger_config(configured)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("cannot start the server")?;
    // Signals count from here on: a stop while a large ledger is opened is a stop.
    let (stop, hangup) = runtime.block_on(async { anyhow::Ok((stop_asked()?, hangups()?)) })?;
    let manager = Arc::new(Manager::of_environment());
    manager.tell(Word::Status("opening the ledger"));
    let data = configured.config.ledger.data.clone();
    let ledger = open(ledger_config, &configured.config)?;
    let audit = audit::start(&ledger, &configured.config.audit, &data).map(Arc::new);
    let audit = audit.inspect_err(|_| ledger.close())?;
    let audit = sinks.get_or_init(|| audit);
    let audit_of = Some(Arc::clone(audit));
    let server_config = sledger_server::Config { audit: audit_of, policies_refused, ..server_config };
    // What goes to standard output is for one reader.
    let is_taken = configured.config.audit.iter().any(|sink| sink.to == AuditTarget::Stdout);
    let announced = Announced { data: &data, is_taken };
    let policies = &configured.config.policies;
    let watched = policies.watch.then(|| Watched::new(&policies.folder));
    let served = serve(ledger.clone(), server_config, (stop, hangup, &manager), (&announced, watched), out);
    let served = runtime.block_on(served);
    audit.stop();
    // What a query still waits for is nobody's any more.
    runtime.shutdown_background();
    close(&ledger, served)
}

/// Warnings go where the log goes: a log of JSON is JSON in every line.
fn warn(config: &Config, out: &mut Output<'_>) {
    let lines = config.warnings.iter().map(|warning| warning.line(config.file.as_deref()));
    for warning in lines {
        let warning = sledger_wire::escape(&warning);
        match config.log.format {
            LogFormat::Json => tracing::warn!("{warning}"),
            LogFormat::Text => out.say(&format!("warning: {warning}")),
        }
    }
}

/// Complains in the log instead of to a person.
fn logged(error: &anyhow::Error) -> Exit {
    let (exit, lines) = exit::explain(error);
    for line in lines {
        tracing::error!("{line}");
    }
    exit
}

/// The audit sinks, once the ledger is open.
type Sinks = Arc<OnceLock<Arc<Audit>>>;

/// Runs the sinks of a configuration that was just taken. That they can run beside each other was looked at before.
fn replace_sinks(sinks: &Sinks, config: &Config) {
    if let Some(audit) = sinks.get()
        && let Err(error) = audit.replace(&config.audit)
    {
        tracing::error!(%error, "the audit sinks could not be replaced");
    }
}

/// The policies of the folder, or why a ledger that is there goes on with those it has.
///
/// # Errors
/// What is wrong with them, where there is no ledger yet.
fn policies_at_start(config: &Config) -> Result<(Option<Vec<Install>>, Option<String>)> {
    let is_there = config.ledger.data.join("ledger.toml").exists();
    match policies::load_tested(config) {
        Ok(installs) => {
            for warning in policies::without_tests(config, &installs) {
                tracing::warn!("{warning}");
            }
            Ok((Some(installs), None))
        }
        Err(error) if is_there => {
            tracing::error!(%error, "the policies were not taken; those of the ledger stay in force");
            Ok((None, Some(error.to_string().replace('\n', "; "))))
        }
        Err(error) => Err(error),
    }
}

fn ledger_config(configured: &Configured) -> Result<(sledger::Config, Option<String>)> {
    let (installs, refused) = policies_at_start(&configured.config)?;
    let ledger = settled(configured, installs);
    Ok((ledger, refused))
}

fn settled(configured: &Configured, installs: Option<Vec<Install>>) -> sledger::Config {
    let config = &configured.config;
    let data = &config.ledger.data;
    sledger::Config {
        settings: config.settings.clone(),
        file: configured.hash,
        installs,
        bounds: config.limits.bounds,
        queue_max: config.limits.queue_max as usize,
        feed_readers_max: config.limits.feed_readers_max as usize,
        reserve_bytes: config.ledger.reserve_bytes,
        durability: match config.ledger.durability {
            Durability::Durable => sledger::Durability::Durable,
            Durability::Relaxed => sledger::Durability::Relaxed,
        },
        gap_max: config.ledger.gap_max,
        keep: config.ledger.keep,
        accept_clock: clock::accepted(data, SystemClock.wall(), config.ledger.gap_max),
        seal_personal: config.ledger.seal_personal,
        near_percent: u32::from(config.monitor.near_percent),
        checkpoints: CheckpointConfig {
            every: config.ledger.checkpoint.every,
            key: config.ledger.checkpoint.key.clone(),
            to: config.ledger.checkpoint.to.clone(),
        },
        ..sledger::Config::new(data)
    }
}

/// The ledger's own configuration for looking after it at rest: settings and policies stay as they are recorded.
pub(crate) fn looked_after(configured: &Configured) -> sledger::Config {
    sledger::Config { as_recorded: true, keep: Span::NEVER, ..settled(configured, None) }
}

fn open(ledger_config: sledger::Config, config: &Config) -> Result<Ledger> {
    let data = ledger_config.data.clone();
    match Ledger::open(ledger_config) {
        Ok(ledger) => {
            clock::forget(&data);
            Ok(ledger)
        }
        Err(OpenError::Settings(error)) => Err(policies::refused(config, &error)),
        Err(error @ (OpenError::UsersChanged | OpenError::SealFixed { .. })) => {
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
    (stop, hangup, manager): (impl Future<Output = ()>, Signal, &Arc<Manager>),
    (announced, watched): (&Announced<'_>, Option<Watched>),
    out: &mut Output<'_>,
) -> Result<()> {
    let audit = config.audit.clone();
    let server = Server::bind(config, ledger.clone()).await.map_err(refused)?;
    let url = format!("http://{}", server.local_addr());
    note_url(announced.data, &url);
    match announce::tell(&url, announced, out) {
        // Whoever started it need not read on.
        Err(error) if !error.is::<ReaderGone>() => return Err(error),
        _ => {}
    }
    let serving = format!("serving {url}");
    let _watch = notify::watch(manager, &ledger, &serving).context("cannot watch the ledger")?;
    manager.tell(Word::Ready(&serving));
    let stop = async {
        stop.await;
        manager.tell(Word::Stopping("stopping"));
    };
    let reloader = server.reloader();
    let served = tokio::select! {
        served = server.run(stop) => served,
        never = reloads(hangup, (&reloader, audit), manager, &serving) => match never {},
        never = watch::reloads(watched, &reloader) => match never {},
    };
    if let Err(error) = &served {
        manager.tell(Word::Stopping(&error.to_string()));
    }
    Ok(served?)
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

fn hangups() -> Result<Signal> {
    signal(SignalKind::hangup()).context("cannot listen to signals")
}

/// A hangup asks for the configuration to be read again, and files of the audit to be opened again. What comes of it is in the log, and the server says so too.
async fn reloads(
    mut hangup: Signal,
    (reloader, audit): (&Reloader, Option<Arc<Audit>>),
    manager: &Manager,
    serving: &str,
) -> Infallible {
    loop {
        if hangup.recv().await.is_none() {
            return std::future::pending().await;
        }
        manager.tell(Word::Reloading);
        if let Some(audit) = &audit {
            audit.reopen();
        }
        match reloader.reload().await {
            Ok(_) => manager.tell(Word::Ready(serving)),
            Err(error) => manager.tell(Word::Ready(&format!("{serving}; a reload was refused: {error}"))),
        }
    }
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
