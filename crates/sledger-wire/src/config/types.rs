//! What a configuration holds beside the settings that decide.

use sledger_core::Span;
use sledger_core::config::Bounds;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// `[server]`. A change needs a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Shown in the monitor and in notices.
    pub name: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Host names accepted beside the listen address and localhost.
    pub hosts: Vec<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            name: "main".to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7070)),
            hosts: Vec::new(),
        }
    }
}

/// `[ledger]`. A change needs a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// The folder of the ledger.
    pub data: PathBuf,
    /// When an answer leaves.
    pub durability: Durability,
    /// Admissions are refused below this many bytes of free disk.
    pub reserve_bytes: u64,
    /// Whether personal values are sealed under a key per user.
    pub seal_personal: bool,
    /// A wall clock further ahead of the last event is refused at start.
    pub gap_max: Span,
    /// The age at which sealed volumes are dropped.
    pub keep: Span,
    /// Checkpoints of the ledger.
    pub checkpoint: Checkpointing,
}

/// `checkpoint_…` in `[ledger]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpointing {
    /// How often one is signed, where something was recorded since the last.
    pub every: Span,
    /// The private key that signs them; in the folder of the ledger where it is not given.
    pub key: Option<PathBuf>,
    /// A second folder that each of them is copied to.
    pub to: Option<PathBuf>,
}

impl Default for Checkpointing {
    fn default() -> Self {
        Self { every: Span::seconds(3_600), key: None, to: None }
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            data: PathBuf::from("sledger-data"),
            durability: Durability::Durable,
            reserve_bytes: 256 << 20,
            seal_personal: false,
            gap_max: Span::seconds(7 * 86_400),
            keep: Span::NEVER,
            checkpoint: Checkpointing::default(),
        }
    }
}

/// When an answer leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// After its block is on the disk.
    Durable,
    /// Before; a power loss may take what was answered.
    Relaxed,
}

/// `[limits]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Those that the decider looks at.
    pub bounds: Bounds,
    /// Commands that may wait.
    pub queue_max: u32,
    /// Readers of the event feed.
    pub feed_readers_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bounds: Bounds::default(), queue_max: 65_536, feed_readers_max: 256 }
    }
}

/// `[log]`: the program's own log, not the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// From which level on.
    pub level: LogLevel,
    /// In which form.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: LogLevel::Info, format: LogFormat::Text }
    }
}

/// From which level on the program logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What may fail soon.
    Warn,
    /// What an operator wants to know.
    Info,
    /// What a developer wants to know.
    Debug,
    /// Everything.
    Trace,
}

/// The form of the program's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// JSON lines.
    Json,
}

/// `[policies]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies {
    /// `NAME.rhai` in it overrides the built-in NAME.
    pub folder: PathBuf,
    /// Whether changes in it are taken up at once.
    pub watch: bool,
}

impl Default for Policies {
    fn default() -> Self {
        Self { folder: PathBuf::from("policies"), watch: false }
    }
}

/// `[monitor]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitor {
    /// From this share of a limit on, in percent, a user is near it.
    pub near_percent: u8,
    /// Colours.
    pub theme: String,
    /// Keys bound otherwise: action to keys.
    pub keys: BTreeMap<String, Vec<String>>,
}

impl Default for Monitor {
    fn default() -> Self {
        Self { near_percent: 80, theme: "auto".to_owned(), keys: BTreeMap::new() }
    }
}

/// `[[audit]]`: a stream of events to somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Where to.
    pub to: AuditTarget,
    /// In which form.
    pub format: AuditFormat,
    /// Types of events, by glob; `*` for all.
    pub types: Vec<String>,
}

/// Where audit events go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditTarget {
    /// Standard output.
    Stdout,
    /// The end of a file.
    File(PathBuf),
    /// The journal of systemd.
    Journald,
    /// A syslog server.
    Syslog {
        /// Over what.
        transport: Transport,
        /// Its host name or address.
        host: String,
        /// Its port.
        port: u16,
    },
}

/// How a syslog server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream under TLS.
    Tls,
}

/// The form of audit events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditFormat {
    /// The JSON of the feed.
    Json,
    /// `ArcSight`'s common event format.
    Cef,
    /// Lines for people.
    Text,
}
