//! The configuration read again for a server that runs: the same file, environment and flags as at its start.
//!
//! Invariant: what cannot change while the server runs is refused with what it needs; nothing is taken then.

use crate::args::Global;
use crate::configured::{self, Configured, Flags};
use crate::policies;
use sledger_core::command::Reload;
use sledger_server::{Fresh, Source};
use sledger_wire::config::Config;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// What is done once a configuration is in force, for what does not decide.
pub(crate) type InForce = Arc<dyn Fn(&Config) + Send + Sync>;

/// Where a server's configuration is written.
pub(crate) struct Written {
    global: Global,
    flags: Flags,
    /// The configuration in force, and the hash of its file.
    running: Arc<Mutex<(Config, Option<[u8; 32]>)>>,
    in_force: InForce,
}

impl Written {
    /// The configuration that `global` and `flags` name, of which `running` is in force.
    pub(crate) fn new(global: &Global, flags: &Flags, running: &Configured, in_force: InForce) -> Self {
        let running = Arc::new(Mutex::new((running.config.clone(), running.hash)));
        Self { global: global.clone(), flags: flags.clone(), running, in_force }
    }

    fn running(&self) -> (Config, Option<[u8; 32]>) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A configuration with its policies as they are written now.
    fn fresh(&self, config: Config, hash: Option<[u8; 32]>) -> Result<Fresh, Vec<String>> {
        let installs = policies::load_tested(&config).map_err(lines)?;
        let warnings = config.warnings.iter().map(|one| one.line(config.file.as_deref()));
        let warnings = warnings.chain(policies::without_tests(&config, &installs)).collect();
        let (settings, bounds) = (config.settings.clone(), config.limits.bounds);
        let reload = Reload { settings, installs, bounds, file: hash };
        let near_percent = u32::from(config.monitor.near_percent);
        let (running, tell) = (Arc::clone(&self.running), Arc::clone(&self.in_force));
        let in_force = Box::new(move || {
            tell(&config);
            *running.lock().unwrap_or_else(PoisonError::into_inner) = (config, hash);
        });
        Ok(Fresh { reload, warnings, near_percent, in_force })
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Written").field("flags", &self.flags).finish_non_exhaustive()
    }
}

impl Source for Written {
    fn read(&self) -> Result<Fresh, Vec<String>> {
        let configured = configured::read(&self.global, &self.flags).map_err(lines)?;
        let config = configured.config;
        let fixed = fixed(&self.running().0, &config);
        if !fixed.is_empty() {
            return Err(fixed);
        }
        if let Err(error) = sledger_server::audit::check(&config.audit) {
            return Err(vec![error.to_string()]);
        }
        self.fresh(config, configured.hash)
    }

    fn policies(&self) -> Result<Fresh, Vec<String>> {
        let (config, hash) = self.running();
        self.fresh(config, hash)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` calls")]
fn lines(error: anyhow::Error) -> Vec<String> {
    error.to_string().lines().map(str::to_owned).collect()
}

/// What differs and cannot change while the server runs.
fn fixed(running: &Config, fresh: &Config) -> Vec<String> {
    let file = fresh.file.as_deref().unwrap_or(Path::new("the configuration")).display().to_string();
    let sections = running.fixed_sections_changed(fresh).into_iter().map(|section| match section {
        "users" => {
            format!("{file}: `users` changed, which needs an empty ledger: counts are kept by user key")
        }
        section => format!("{file}: `{section}` changed, which needs a restart"),
    });
    let (was, is) = (&running.limits, &fresh.limits);
    let queues = [
        ("limits.queue", was.queue_max != is.queue_max),
        ("limits.feed_readers", was.feed_readers_max != is.feed_readers_max),
    ];
    let queues = queues.into_iter().filter(|(_, changed)| *changed);
    sections.chain(queues.map(|(key, _)| format!("{file}: `{key}` changed, which needs a restart"))).collect()
}
