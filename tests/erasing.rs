//! Erasing a person: what is left in memory is what anybody can read without the key.
//!
//! `SLEDGER_PROPERTY_RUNS` sets how many recordings, `SLEDGER_PROPERTY_SEED` the first seed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "erasing/disk.rs"]
mod disk;
#[path = "erasing/kills.rs"]
mod kills;

use sledger_core::answer::Outcome;
use sledger_core::command::{Actor, Command, Keep, Request};
use sledger_core::decider::Recorded;
use sledger_core::log::{Appended, Batch, Log};
use sledger_core::{Seq, State, refold};
use sledger_log::{LogConfig, Reader, SledLog, verify};
use sledger_replay::quotas::QuotaFold;
use sledger_replay::simulate::Simulation;
use sledger_testkit::recordings::{Oracle, Recording, Rng};
use sledger_wire::config::{Config, Written};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tempfile::TempDir;

const LINES: usize = 60;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("`{name}` is no number")))
}

/// A recording played to the real decider and written to a sealed log, with erasures in between.
struct Played {
    simulation: Simulation,
    beginning: State,
    log: SledLog,
    dir: TempDir,
    waiting: Vec<Recorded>,
    rng: Rng,
    erased: u32,
}

impl Played {
    fn begin(recording: &Recording) -> Option<Self> {
        let text = toml::to_string(&recording.config).unwrap();
        let nothing = BTreeMap::new();
        let file = Some((Path::new("sledger.toml"), text.as_str()));
        let config = Config::read(&Written { file, environment: &nothing, flags: &nothing }).ok()?;
        let simulation = Simulation::new(config).ok()?;
        let dir = tempfile::tempdir().unwrap();
        let log =
            SledLog::open(LogConfig { seal_personal: true, free_bytes_min: 0, ..LogConfig::new(dir.path()) });
        let beginning = simulation.state().clone();
        let rng = Rng::new(recording.seed);
        Some(Self { simulation, beginning, log: log.unwrap(), dir, waiting: Vec::new(), rng, erased: 0 })
    }

    fn take(&mut self) {
        self.waiting.extend_from_slice(self.simulation.recorded());
    }

    fn write(&mut self) {
        let decisions: Vec<_> = self.waiting.drain(..).map(|one| one.decision).collect();
        if decisions.is_empty() {
            return;
        }
        let head = self.log.head();
        let batch = Batch { first: head.seq.next(), epoch: 1, decisions: &decisions };
        assert!(matches!(self.log.append(batch, &head), Appended::Committed(_)));
    }

    /// Erases somebody of whom the state knows something.
    fn erase(&mut self) {
        self.write();
        let state = self.simulation.state();
        let live = state.sessions().into_iter().map(|session| session.facts.user().to_owned());
        let gone = state.tombstones().map(|tombstone| tombstone.facts.user().to_owned());
        let keys = self.log.keys().unwrap();
        let known: BTreeSet<String> = live.chain(gone).filter(|user| keys.key_of(user).is_some()).collect();
        let known: Vec<String> = known.into_iter().collect();
        let user = self.rng.pick(&known);
        self.erase_user(&user);
    }

    fn erase_user(&mut self, user: &str) {
        self.write();
        let keys = self.log.keys().unwrap();
        let Some(key) = keys.key_of(user) else { return };
        let keep = Keep::Erase { user: user.to_owned(), key, reason: "asked".to_owned() };
        let answer = self.simulation.ask(&Request::new(Actor::Local, Command::Keep(Box::new(keep))));
        assert_eq!(answer.outcome, Outcome::Configured, "{:?}", answer.reason);
        assert_eq!(self.simulation.state().active(user), 0);
        self.take();
        // What comes after it may be written with it, or later.
        if self.rng.chance(50) {
            self.write();
            assert!(!keys.holds(key));
        }
        self.erased += 1;
    }
}

impl Oracle for Played {
    fn line(&mut self, line_no: u64, text: &str) -> Result<serde_json::Value, String> {
        let answer = self.simulation.line(line_no, text).map_err(|stop| stop.to_string())?;
        self.take();
        if self.rng.chance(8) {
            self.erase();
        }
        Ok(answer)
    }
}

impl Played {
    fn play(&mut self, lines: &[&str]) {
        for (line, no) in lines.iter().zip(1..) {
            let answer = self.simulation.line(no, line).unwrap();
            assert_ne!(answer.get("outcome").unwrap(), "rejected", "{line}: {answer}");
            self.take();
        }
    }

    /// Closes the log; what anybody can read of it makes the state that is in memory.
    fn compare(mut self, seed: u64) -> u32 {
        self.write();
        self.log.close().unwrap();
        let state = refolded(self.dir.path(), &self.beginning, seed);
        assert_eq!(state.sealed_session_count(), 0, "seed {seed}");
        assert_eq!(state.key_counts(), self.simulation.state().key_counts(), "seed {seed}");
        assert_eq!(state.digest(), self.simulation.state().digest(), "seed {seed}");
        assert!(verify(self.dir.path()).unwrap().problems.is_empty(), "seed {seed}");
        self.erased
    }
}

/// The state that the blocks on the disk make, with the quotas checked at every prefix.
fn refolded(dir: &Path, beginning: &State, seed: u64) -> State {
    let mut state = beginning.clone();
    let mut quotas = QuotaFold::new(state.ready());
    let mut seq = Seq(1);
    for block in Reader::open(dir).unwrap().blocks(Seq(1)) {
        for decision in block.unwrap().decisions() {
            let decision = decision.unwrap();
            refold(&mut state, seq, &decision);
            if let Err(broken) = quotas.fold(seq, &decision, &state) {
                panic!("[1] seed {seed}: {broken}");
            }
            seq = seq.plus(decision.events.len() as u64);
        }
    }
    state
}

#[test]
fn memory_is_what_a_refold_without_the_keys_makes() {
    let first = number("SLEDGER_PROPERTY_SEED", 40_000);
    let runs = number("SLEDGER_PROPERTY_RUNS", 40);
    println!("seeds {first} to {}", first + runs - 1);
    let mut erased = 0;
    for seed in first..first + runs {
        let recording = Recording::random(seed, LINES).unwrap();
        let Some(mut played) = Played::begin(&recording) else { continue };
        recording.play(&mut played);
        erased += played.compare(seed);
    }
    assert!(erased >= 40, "{erased} erasures are few");
}

/// Two quotas; what is counted by address is counted anew while sessions are live.
#[test]
fn settings_changed_while_an_erased_person_was_in_leave_the_numbers_of_keys_alike() {
    let config = r#"{"quota": [{"name": "q", "count_by": "user", "max_sessions": 1,
        "on_exhausted": "deny_access"}]}"#;
    let config = serde_json::from_str(config).unwrap();
    let mut played = Played::begin(&Recording { seed: 0, config, lines: Vec::new() }).unwrap();
    played.play(&[
        r#"{"at": 1, "op": "login", "user": "ann", "session": "a", "ip": "10.0.0.1"}"#,
        r#"{"at": 2, "op": "login", "user": "ann", "session": "a2", "ip": "10.0.0.1"}"#,
        r#"{"at": 3, "op": "login", "user": "bob", "session": "b", "ip": "10.0.0.2"}"#,
        r#"{"at": 4, "op": "configure", "config": {"quota": [{"name": "per-ip", "count_by": "ip",
            "max_sessions": 9}]}}"#,
        r#"{"at": 5, "op": "login", "user": "carol", "session": "c", "ip": "10.0.0.2"}"#,
        r#"{"at": 6, "op": "login", "user": "dan", "session": "d", "ip": "10.0.0.3"}"#,
    ]);
    played.erase_user("ann");
    played.play(&[r#"{"at": 7, "op": "login", "user": "eve", "session": "e", "ip": "10.0.0.2"}"#]);
    played.erase_user("dan");
    assert_eq!(played.compare(0), 2);
}
