//! A configuration as TOML that reads back to itself, one comment per key.

mod quotas;
mod text;

pub(crate) use quotas::{level as level_word, on_error as on_error_word};

use super::Config;
use super::sections::{AUDIT_FORMATS, LOG_LEVELS};
use super::types::{Audit, AuditTarget, Checkpointing, Durability, LogFormat, Transport};
use crate::tree::Place;
use crate::values::bytes_text;
use sledger_core::config::{Reuse, SameId};
use std::path::{Path, PathBuf};
use text::{key, list, quote};

/// What stands in the comment of each key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Showing {
    /// What it means.
    Meaning,
    /// Where its value was written.
    Origin,
}

/// Comments begin in this column where the value leaves room.
const COMMENT_COLUMN: usize = 40;

impl Config {
    /// The configuration as TOML. [`Config::default`] shown so is what `config show --default` prints.
    #[must_use]
    pub fn show(&self, showing: Showing) -> String {
        let mut sheet = Sheet { config: self, showing, text: String::new() };
        sheet.server_and_ledger();
        sheet.limits_and_log();
        sheet.sessions();
        sheet.users_and_groups();
        sheet.messages();
        sheet.policies_and_monitor();
        sheet.audits();
        sheet.quotas();
        sheet.text
    }
}

/// TOML as it is written line by line.
struct Sheet<'c> {
    config: &'c Config,
    showing: Showing,
    text: String,
}

impl Sheet<'_> {
    fn head(&mut self, line: &str, meaning: &str) {
        self.line(line, if self.showing == Showing::Meaning { meaning } else { "" });
    }

    /// `name = value  # comment`; `section` and `name` make the dotted key.
    fn key(&mut self, section: &str, name: &str, value: &str, meaning: &str) {
        let comment = match self.showing {
            Showing::Meaning => meaning.to_owned(),
            Showing::Origin => self.origin(&format!("{section}.{name}")),
        };
        self.line(&format!("{name} = {value}"), &comment);
    }

    fn origin(&self, key: &str) -> String {
        match self.config.place(key) {
            None => "default".to_owned(),
            Some(Place::Line(line)) => {
                let file = self.config.file.as_deref().unwrap_or(Path::new("file"));
                format!("{}:{line}", file.display())
            }
            Some(Place::Environment(name)) => name.to_string(),
            Some(Place::Flag(key)) => super::error::flag(key),
            Some(Place::Nowhere) => String::new(),
        }
    }

    fn line(&mut self, line: &str, comment: &str) {
        self.text.push_str(line);
        if !comment.is_empty() {
            // A value of several lines is commented after its end.
            let width = line.rsplit('\n').next().unwrap_or(line).chars().count();
            let gap = COMMENT_COLUMN.saturating_sub(width).max(2);
            self.text.push_str(&" ".repeat(gap));
            self.text.push_str("# ");
            self.text.push_str(comment);
        }
        self.text.push('\n');
    }

    /// Lines that show how a section is written where there is none.
    fn example(&mut self, lines: &[(&str, &str)]) {
        if self.showing == Showing::Meaning {
            for (line, meaning) in lines {
                self.line(&format!("# {line}"), meaning);
            }
        }
    }

    fn server_and_ledger(&mut self) {
        let (server, ledger) = (&self.config.server, &self.config.ledger);
        self.head("[server]", "a change needs a restart");
        self.key("server", "name", &quote(&server.name), "shown in the monitor and in notices");
        self.key("server", "listen", &quote(&server.listen.to_string()), "address and port");
        self.key("server", "hosts", &list(&server.hosts), "further Host names accepted");
        self.head("[ledger]", "a change needs a restart");
        self.key("ledger", "data", &path(&ledger.data), "folder of the ledger");
        let durability = match ledger.durability {
            Durability::Durable => "durable",
            Durability::Relaxed => "relaxed",
        };
        self.key(
            "ledger",
            "durability",
            &quote(durability),
            "or \"relaxed\": answers leave before the disk has them",
        );
        let reserve = quote(&bytes_text(ledger.reserve_bytes));
        self.key("ledger", "reserve", &reserve, "refuse admissions below this much free disk");
        let sealed = ledger.seal_personal.to_string();
        self.key("ledger", "seal_personal", &sealed, "seal personal values under a key per user");
        let gap = quote(&ledger.gap_max.to_string());
        self.key("ledger", "gap_max", &gap, "refuse to start with a clock further ahead");
        self.key(
            "ledger",
            "keep",
            &quote(&ledger.keep.to_string()),
            "age at which sealed volumes are dropped",
        );
        let Checkpointing { every, key, to } = &ledger.checkpoint;
        self.key("ledger", "checkpoint_every", &quote(&every.to_string()), "how often one is signed");
        let shown = |given: &Option<PathBuf>| given.as_deref().map_or_else(|| quote(""), path);
        self.key("ledger", "checkpoint_key", &shown(key), "\"\": checkpoint.key in the ledger's folder");
        self.key("ledger", "checkpoint_to", &shown(to), "a second folder for each of them");
    }

    fn limits_and_log(&mut self) {
        let limits = self.config.limits;
        let bounds = limits.bounds;
        self.head("[limits]", "reaching one refuses by name");
        let keys = [
            ("users", bounds.users_max, "users with live sessions"),
            ("sessions", bounds.sessions_max, "live sessions"),
            ("groups_per_login", bounds.groups_per_login_max, "groups a login may bring"),
            ("queue", limits.queue_max, "commands that may wait"),
            ("feed_readers", limits.feed_readers_max, "readers of the event feed"),
            ("policy_bytes", bounds.policy_bytes_max, "bytes of a policy"),
        ];
        for (name, value, meaning) in keys {
            self.key("limits", name, &value.to_string(), meaning);
        }
        self.head("[log]", "the program's own log");
        self.key("log", "level", &word(LOG_LEVELS, self.config.log.level), "error, warn, info, debug, trace");
        let format = match self.config.log.format {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        };
        self.key("log", "format", &quote(format), "or \"json\"");
    }

    fn sessions(&mut self) {
        let sessions = &self.config.settings.sessions;
        self.head("[sessions]", "for sessions admitted from now on");
        let spans = [
            ("ttl", sessions.ttl, "absolute life, or \"never\""),
            ("idle", sessions.idle, "life without activity, or \"never\""),
            ("retention", sessions.retention, "life after a disconnect"),
            ("activity_resolution", sessions.activity_resolution, "activity is recorded this often"),
        ];
        for (name, span, meaning) in spans {
            self.key("sessions", name, &quote(&span.to_string()), meaning);
        }
        let same_id = match sessions.same_id {
            SameId::Refuse => "refuse",
            SameId::TakeOver => "take_over",
        };
        self.key("sessions", "same_id", &quote(same_id), "or \"take_over\": another user brings a live id");
        let reuse = match sessions.reuse {
            Reuse::Allow => "allow",
            Reuse::Refuse => "refuse",
        };
        self.key("sessions", "reuse", &quote(reuse), "or \"refuse\": an ended id comes again");
        let wait = quote(&sessions.evicted_wait.to_string());
        self.key("sessions", "evicted_wait", &wait, "an evicted id is refused this long");
        let tombstones = sessions.tombstones_max.to_string();
        self.key("sessions", "tombstones_max", &tombstones, "ended sessions remembered");
    }

    fn users_and_groups(&mut self) {
        let settings = &self.config.settings;
        self.head("[users]", "fixed once anything is recorded");
        let fold = if settings.users.lowercase { "lowercase" } else { "none" };
        self.key("users", "fold", &quote(fold), "or \"lowercase\"");
        let domains = list(&settings.users.strip_domain);
        self.key("users", "strip_domain", &domains, "taken off names: DOMAIN\\ann, ann@DOMAIN");
        if settings.groups.is_empty() {
            self.example(&[
                ("[[group]]", "users in a group, beside the groups a login brings"),
                ("name = \"ops\"", "the group"),
                ("users = [\"ann\", \"bridge-*\"]", "names or globs"),
            ]);
        }
        for (index, group) in settings.groups.iter().enumerate() {
            let section = format!("group[{index}]");
            self.head("[[group]]", "users in a group, beside the groups a login brings");
            self.key(&section, "name", &quote(&group.name), "the group");
            self.key(&section, "users", &list(&group.users), "names or globs");
        }
        if settings.ignore.is_empty() {
            self.example(&[
                ("[[ignore]]", "logins that are no sessions"),
                ("client = [\"basic_auth\"]", "conditions as in a quota's `when`"),
            ]);
        }
        for (index, when) in settings.ignore.iter().enumerate() {
            self.head("[[ignore]]", "logins that are no sessions");
            for (name, value) in quotas::conditions(when) {
                self.key(&format!("ignore[{index}]"), &name, &value, "");
            }
        }
    }

    fn messages(&mut self) {
        let messages = &self.config.settings.messages;
        self.head("[messages]", "for the person; {limit} {active} {quota} {at} {by_client}");
        self.key("messages", "denied", &quote(&messages.denied), "for the newcomer who is denied");
        self.key("messages", "evicted", &quote(&messages.evicted), "for the one whose session is evicted");
    }

    fn policies_and_monitor(&mut self) {
        let (policies, monitor) = (&self.config.policies, &self.config.monitor);
        self.head("[policies]", "");
        self.key("policies", "folder", &path(&policies.folder), "NAME.rhai here overrides the built-in NAME");
        self.key("policies", "watch", &policies.watch.to_string(), "take up changes at once");
        self.head("[monitor]", "");
        let near = quote(&format!("{}%", monitor.near_percent));
        self.key("monitor", "near", &near, "share of a limit from which a user is near it");
        self.key("monitor", "theme", &quote(&monitor.theme), "colours");
        let keys: Vec<_> =
            monitor.keys.iter().map(|(name, keys)| format!("{} = {}", key(name), list(keys))).collect();
        self.key("monitor", "keys", &text::table(&keys), "actions bound to other keys");
    }

    fn audits(&mut self) {
        if self.config.audit.is_empty() {
            self.example(&[
                ("[[audit]]", "a stream of events to somewhere"),
                (
                    "to = \"stdout\"",
                    "file:PATH, journald, syslog+udp://H:P, syslog+tcp://H:P, syslog+tls://H:P",
                ),
                ("format = \"json\"", "or \"cef\", \"text\""),
                ("types = [\"login.denied\", \"quota.*\"]", "types of events, by glob"),
            ]);
        }
        for (index, audit) in self.config.audit.iter().enumerate() {
            let section = format!("audit[{index}]");
            self.head("[[audit]]", "a stream of events to somewhere");
            self.key(
                &section,
                "to",
                &quote(&target(audit)),
                "stdout, file:PATH, journald, syslog+udp://H:P, …",
            );
            self.key(&section, "format", &word(AUDIT_FORMATS, audit.format), "json, cef, text");
            self.key(&section, "types", &list(&audit.types), "types of events, by glob");
        }
    }

    fn quotas(&mut self) {
        for (index, quota) in self.config.settings.quotas.iter().enumerate() {
            let section = format!("quota[{index}]");
            self.head("[[quota]]", "judged in this order");
            for (name, value, meaning) in quotas::keys(quota) {
                self.key(&section, name, &value, meaning);
            }
        }
    }
}

fn path(path: &Path) -> String {
    quote(&path.to_string_lossy())
}

fn word<T: Copy + PartialEq>(words: &[(&str, T)], value: T) -> String {
    let found = words.iter().find(|(_, one)| *one == value);
    quote(found.map(|(word, _)| *word).unwrap_or_default())
}

fn target(audit: &Audit) -> String {
    match &audit.to {
        AuditTarget::Stdout => "stdout".to_owned(),
        AuditTarget::Journald => "journald".to_owned(),
        AuditTarget::File(path) => format!("file:{}", path.to_string_lossy()),
        AuditTarget::Syslog { transport, host, port } => {
            let scheme = match transport {
                Transport::Udp => "udp",
                Transport::Tcp => "tcp",
                Transport::Tls => "tls",
            };
            format!("syslog+{scheme}://{host}:{port}")
        }
    }
}
