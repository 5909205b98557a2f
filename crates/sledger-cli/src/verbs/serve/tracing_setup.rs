//! The program's own log, to stderr: `[log]` says from which level on and in which form.

use sledger_wire::config::{Log, LogFormat, LogLevel};
use std::io::{IsTerminal as _, stderr};
use std::sync::OnceLock;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{fmt, reload};

/// Changes what is heard, once there is a log.
type Change = Box<dyn Fn(EnvFilter) + Send + Sync>;

static CHANGE: OnceLock<Change> = OnceLock::new();

fn filter(log: Log) -> EnvFilter {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // What is not ours is heard from its warnings on, and no louder than we are.
    let others = level.min(LevelFilter::WARN);
    EnvFilter::new(format!("{level},hyper={others},hyper_util={others},mio={others},tower={others}"))
}

/// Hears from another level on. The form stays as it was at the start.
pub(super) fn change(log: Log) {
    if let Some(change) = CHANGE.get() {
        change(filter(log));
    }
}

/// Begins to log.
pub(super) fn start(log: Log) {
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let (filter, handle) = reload::Layer::new(filter(log));
    let writer = fmt::layer().with_writer(stderr);
    let writer = writer.with_ansi(stderr().is_terminal() && !is_plain);
    let known = tracing_subscriber::registry().with(filter);
    // A log that is there already, in a test, is as good.
    let _there = match log.format {
        LogFormat::Text => known.with(writer.with_target(false)).try_init(),
        LogFormat::Json => known.with(writer.json()).try_init(),
    };
    // Without a log there is nothing to change.
    let _there = CHANGE.set(Box::new(move |filter| drop(handle.reload(filter))));
}
