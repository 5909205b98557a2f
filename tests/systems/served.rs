//! A ledger served under a ready configuration, whose file and clock the test holds.

use crate::{command, http};
use serde_json::{Value, json};
use sledger::core::Millis;
use sledger::core::command::Reload;
use sledger::{Config as LedgerConfig, Ledger};
use sledger_client::Client;
use sledger_server::{Config as ServerConfig, Fresh, Server, Source};
use sledger_testkit::sim_clock::SimClock;
use sledger_wire::config::{Config, Written};
use sledger_wire::events::EventLine;
use sledger_wire::queries::EventsQuery;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// 2026-11-20T12:00:00Z.
const NOON: Millis = Millis(1_795_176_000_000);
/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the file is called.
pub(crate) const FILE: &str = "sledger.toml";

/// How the ledger is asked and operated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// By the calls of the contract.
    Http,
    /// By this program.
    Command(PathBuf),
}

/// A served ledger.
pub(crate) struct Served {
    pub(crate) door: Door,
    pub(crate) address: String,
    clock: Arc<SimClock>,
    file: Arc<File>,
    ledger: Ledger,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The ready configuration of `system`, as it is shipped.
pub(crate) fn shipped(system: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies");
    std::fs::read_to_string(folder.join(format!("{system}.toml"))).unwrap()
}

/// Plays `scenario` over HTTP, and again by the command where it was built, each on a ledger of its own under the ready
/// configuration of `system`.
pub(crate) fn under(system: &str, scenario: impl Fn(&Served)) {
    under_text(&shipped(system), scenario);
}

/// As [`under`], with another file.
pub(crate) fn under_text(text: &str, scenario: impl Fn(&Served)) {
    scenario(&Served::open(Door::Http, text));
    if let Some(program) = command::program() {
        scenario(&Served::open(Door::Command(program), text));
    }
}

/// The configuration file, as a test last wrote it.
#[derive(Debug)]
struct File(Mutex<String>);

impl File {
    fn read(text: &str) -> Result<Reload, Vec<String>> {
        let nothing = BTreeMap::new();
        let file = Some((Path::new(FILE), text));
        let read = Config::read(&Written { file, environment: &nothing, flags: &nothing });
        let read =
            read.map_err(|refused| refused.to_string().lines().map(str::to_owned).collect::<Vec<_>>())?;
        assert_eq!(read.warnings.iter().map(|one| one.reason.as_str()).collect::<Vec<_>>(), [""; 0]);
        Ok(Reload {
            settings: read.settings,
            installs: Vec::new(),
            bounds: read.limits.bounds,
            file: Some(*blake3::hash(text.as_bytes()).as_bytes()),
        })
    }
}

impl Source for File {
    fn read(&self) -> Result<Fresh, Vec<String>> {
        let reload = Self::read(&self.0.lock().unwrap())?;
        Ok(Fresh { reload, warnings: Vec::new(), near_percent: 80, in_force: Box::new(|| {}) })
    }
}

impl Served {
    fn open(door: Door, text: &str) -> Self {
        let read = File::read(text).unwrap();
        let clock = Arc::new(SimClock::at(NOON));
        let theirs = Arc::clone(&clock);
        let config = LedgerConfig {
            settings: read.settings,
            file: read.file,
            bounds: read.bounds,
            clock: theirs,
            ..LedgerConfig::new("unused")
        };
        let ledger = Ledger::in_memory(config).unwrap();
        let file = Arc::new(File(Mutex::new(text.to_owned())));
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (tell, told) = channel();
        let (served, source) = (ledger.clone(), Arc::clone(&file));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.unwrap().block_on(async move {
                let config = ServerConfig {
                    listen: "127.0.0.1:0".to_owned(),
                    file: Some(FILE.to_owned()),
                    source: Some(source),
                    ..ServerConfig::default()
                };
                let server = Server::bind(config, served).await.unwrap();
                tell.send(server.local_addr()).unwrap();
                let until = async {
                    // A test that is over stops its server.
                    let _over = stopped.await;
                };
                server.run(until).await.unwrap();
            });
        });
        let address = told.recv_timeout(PATIENCE).unwrap().to_string();
        Self { door, address, clock, file, ledger, stop: Some(stop), thread: Some(thread) }
    }

    /// Time passes.
    pub(crate) fn pass(&self, ms: u64) {
        self.clock.pass(ms);
    }

    /// Somebody edits the file: `from`, which stands there once, becomes `to`. It is not read again by that.
    pub(crate) fn write(&self, from: &str, to: &str) {
        let mut text = self.file.0.lock().unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from:?} in\n{text}");
        *text = text.replace(from, to);
    }

    /// As [`Served::write`], and it is read again.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        self.write(from, to);
        assert_eq!(self.pull(&["config", "reload"])["changed"], true);
    }

    /// Asks for `op`; what came of it must be `outcome`. The answer, which is null where HTTP has no body.
    pub(crate) fn ask(&self, op: &str, fields: &Value, outcome: &str) -> Value {
        let came = match &self.door {
            Door::Http => http::ask(&self.address, op, fields, outcome),
            Door::Command(program) => command::ask(program, &self.address, op, fields, outcome),
        };
        if !came.is_null() {
            assert_eq!(came["outcome"], outcome, "{op} {fields} by {:?}: {came}", self.door);
        }
        came
    }

    /// A login with nothing but its two names.
    pub(crate) fn login(&self, user: &str, session: &str, outcome: &str) -> Value {
        self.ask("login", &json!({"user": user, "session": session}), outcome)
    }

    /// A login with more than its names.
    pub(crate) fn login_with(&self, (user, session): (&str, &str), more: &Value, outcome: &str) -> Value {
        let mut login = json!({"user": user, "session": session});
        login.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ask("login", &login, outcome)
    }

    /// `count` logins, each admitted and ending nobody, over HTTP whatever the door.
    pub(crate) fn fill(&self, user: &str, count: usize) -> Vec<String> {
        let ids: Vec<String> = (1..=count).map(|n| format!("{user}-{n}")).collect();
        for id in &ids {
            let login = json!({"user": user, "session": id});
            let answer = http::ask(&self.address, "login", &login, "admitted");
            assert_eq!(answer["evicted"], json!([]), "{answer}");
        }
        ids
    }

    /// The tombstone that whoever comes with `session` is shown.
    pub(crate) fn tombstone(&self, session: &str) -> Value {
        self.ask("touch", &json!({"session": session}), "ended")["tombstone"].clone()
    }

    /// Ids of a user's live sessions, in the order in which they were admitted.
    pub(crate) fn live(&self, user: &str) -> Vec<String> {
        let mut sessions = self.client().user(user).unwrap().sessions;
        sessions.sort_by_key(|session| session.number);
        sessions.into_iter().map(|session| session.session).collect()
    }

    /// All events so far of `kinds`.
    pub(crate) fn events(&self, kinds: &str) -> Vec<EventLine> {
        let client = self.client();
        let head = client.ledger().unwrap().head;
        let first = match client.events(Some(1), &EventsQuery::default()).unwrap().next() {
            // What opening recorded is not in memory.
            Some(Err(sledger_client::ClientError::Lost { to, .. })) => to + 1,
            _ => 1,
        };
        let mut events = client.events(Some(first), &EventsQuery::default()).unwrap();
        let wanted = EventsQuery { kind: Some(kinds.to_owned()), ..EventsQuery::default() };
        let mut found = Vec::new();
        while events.last_seq() < head {
            let event = events.next().unwrap().unwrap();
            if wanted.wants(&event.kind) {
                found.push(event);
            }
        }
        found
    }

    /// A client, for what both doors lead to.
    pub(crate) fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.address)).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // What it panicked about is told by its own message.
            let _panicked = thread.join();
        }
        self.ledger.close();
    }
}

/// Ids of a list in an answer.
pub(crate) fn ids(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().map(|id| id.as_str().unwrap()).collect()
}

/// Code, reason and message of an answer or tombstone.
pub(crate) fn told(answer: &Value) -> [&str; 3] {
    ["code", "reason", "message"].map(|key| answer[key].as_str().unwrap_or("-"))
}
