//! The program's own log, to stderr: `[log]` says from which level on and in which form.

use sledger_wire::config::{Log, LogFormat, LogLevel};
use std::io::{IsTerminal as _, stderr};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::EnvFilter;

/// Begins to log.
pub(super) fn start(log: Log) {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // Libraries below are heard from their warnings on.
    let filter = EnvFilter::new(format!("{level},sled=warn,hyper=warn"));
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let writer = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let writer = writer.with_ansi(stderr().is_terminal() && !is_plain).with_target(false);
    // A log that is there already, in a test, is as good.
    let _there = match log.format {
        LogFormat::Text => writer.try_init(),
        LogFormat::Json => writer.json().try_init(),
    };
}
