//! What a server is started with.

use crate::audit::Audit;
use crate::reload::Source;
use std::sync::Arc;
use std::time::Duration;

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen: address and port; port 0 for any.
    pub listen: String,
    /// Further names that requests may call this server by, `name` or `name:port`.
    pub hosts: Vec<String>,
    /// Listen beyond this machine, though nobody who asks is asked who he is.
    pub insecure_listen: bool,
    /// What this server is called.
    pub name: String,
    /// From this many percent of its limit a user counts as near it.
    pub near_percent: u32,
    /// Why the policies of the folder were not taken at the start, where they were not: told until they are.
    pub policies_refused: Option<String>,
    /// The configuration file, to be named where something is its own.
    pub file: Option<String>,
    /// Where the configuration is read again; `None` where it cannot be.
    pub source: Option<Arc<dyn Source>>,
    /// The audit sinks beside this server: `/readyz` names those that fail.
    pub audit: Option<Arc<Audit>>,
    /// Connections at once; more wait to be accepted.
    pub connections_max: usize,
    /// How long the head of a request, or a single body, may take; also how long a connection may be idle.
    pub read_max: Duration,
    /// How long a reader may take nothing of what it asked for before its connection is dropped.
    pub write_max: Duration,
    /// How long requests may still take once the server is to stop.
    pub stop_max: Duration,
    /// How long a poisoned server still says so before it ends.
    pub poison_linger: Duration,
    /// Between two signs of life on a feed that has nothing to say.
    pub keep_alive: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7070".to_owned(),
            hosts: Vec::new(),
            insecure_listen: false,
            name: "main".to_owned(),
            near_percent: 80,
            policies_refused: None,
            file: None,
            source: None,
            audit: None,
            connections_max: 8_192,
            read_max: Duration::from_secs(30),
            write_max: Duration::from_secs(30),
            stop_max: Duration::from_secs(9),
            poison_linger: Duration::from_secs(1),
            keep_alive: Duration::from_secs(15),
        }
    }
}
