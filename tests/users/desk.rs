//! A served ledger whose clock the test sets, and the two doors to it.

use crate::{command, http};
use serde_json::Value;
use sledger::core::Millis;
use sledger::core::decide::Install;
use sledger::core::event::PolicySource;
use sledger::{Config as LedgerConfig, Ledger};
use sledger_client::Client;
use sledger_server::{Config as ServerConfig, Server};
use sledger_testkit::sim_clock::SimClock;
use sledger_wire::config::{Config, Written};
use sledger_wire::events::EventLine;
use sledger_wire::queries::EventsQuery;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;

/// 2026-11-20T12:00:00Z.
pub(crate) const NOON: Millis = Millis(1_795_176_000_000);
/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the ledger is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// By the calls of the contract.
    Http,
    /// By this program.
    Command(PathBuf),
}

/// A served ledger, asked through one of its doors.
pub(crate) struct Desk {
    pub(crate) door: Door,
    pub(crate) address: String,
    clock: Arc<SimClock>,
    ledger: Ledger,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Plays `scenario` over HTTP, and again by the command where it was built, each on a ledger under `config` of its own.
pub(crate) fn at_both_doors(config: &str, scenario: impl Fn(&Desk)) {
    at_both_doors_with(config, &[], scenario);
}

/// As [`at_both_doors`], with policies of its own, by name.
pub(crate) fn at_both_doors_with(config: &str, policies: &[(&str, &str)], scenario: impl Fn(&Desk)) {
    scenario(&Desk::open(Door::Http, config, policies));
    if let Some(program) = command::program() {
        scenario(&Desk::open(Door::Command(program), config, policies));
    }
}

impl Desk {
    fn open(door: Door, config: &str, policies: &[(&str, &str)]) -> Self {
        let nothing = BTreeMap::new();
        let file = Some((Path::new("sledger.toml"), config));
        let read = Config::read(&Written { file, environment: &nothing, flags: &nothing }).unwrap();
        let install = |(name, text): &(&str, &str)| Install {
            name: Arc::from(*name),
            text: Arc::from(*text),
            from: PolicySource::Folder,
        };
        let clock = Arc::new(SimClock::at(NOON));
        let theirs = Arc::clone(&clock);
        let ledger = Ledger::in_memory(LedgerConfig {
            settings: read.settings,
            installs: Some(policies.iter().map(install).collect()),
            clock: theirs,
            ..LedgerConfig::new("unused")
        });
        Self::serve(door, clock, ledger.unwrap())
    }

    fn serve(door: Door, clock: Arc<SimClock>, ledger: Ledger) -> Self {
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (tell, told) = channel();
        let theirs = ledger.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.unwrap().block_on(async move {
                let config = ServerConfig { listen: "127.0.0.1:0".to_owned(), ..ServerConfig::default() };
                let server = Server::bind(config, theirs).await.unwrap();
                tell.send(server.local_addr()).unwrap();
                let until = async {
                    // A test that is over stops its server.
                    let _over = stopped.await;
                };
                server.run(until).await.unwrap();
            });
        });
        let address = told.recv_timeout(PATIENCE).unwrap().to_string();
        Self { door, address, clock, ledger, stop: Some(stop), thread: Some(thread) }
    }

    /// Time passes, in minutes.
    pub(crate) fn pass(&self, minutes: u64) {
        self.clock.pass(minutes * 60_000);
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

    /// A login.
    pub(crate) fn login(&self, fields: &Value, outcome: &str) -> Value {
        self.ask("login", fields, outcome)
    }

    /// Ids of a user's live sessions, in the order in which they were admitted.
    pub(crate) fn live(&self, user: &str) -> Vec<String> {
        let mut sessions = self.client().user(user).unwrap().sessions;
        sessions.sort_by_key(|session| session.number);
        sessions.into_iter().map(|session| session.session).collect()
    }

    /// All events about `user` so far, of `kinds`.
    pub(crate) fn events(&self, user: &str, kinds: &str) -> Vec<EventLine> {
        let head = self.client().ledger().unwrap().head;
        // The last event of all ends the wait for more: an ignored kind would never come.
        let mut events = self.client().events(Some(self.first()), &EventsQuery::default()).unwrap();
        let mut found = Vec::new();
        let wanted = EventsQuery { kind: Some(kinds.to_owned()), ..EventsQuery::default() };
        while events.last_seq() < head {
            let event = events.next().unwrap().unwrap();
            if event.user.as_deref() == Some(user) && wanted.wants(&event.kind) {
                found.push(event);
            }
        }
        found
    }

    /// The first event that is still in memory: what opening recorded is not.
    fn first(&self) -> u64 {
        match self.client().events(Some(1), &EventsQuery::default()).unwrap().next() {
            Some(Err(sledger_client::ClientError::Lost { to, .. })) => to + 1,
            _ => 1,
        }
    }

    /// A client, for what both doors lead to.
    pub(crate) fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.address)).unwrap()
    }
}

impl Drop for Desk {
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
