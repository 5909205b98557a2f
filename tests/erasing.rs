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
        let Some(key) = keys.key_of(&user) else { return };
        let keep = Keep::Erase { user: user.clone(), key, reason: "asked".to_owned() };
        let answer = self.simulation.ask(&Request::new(Actor::Local, Command::Keep(Box::new(keep))));
        assert_eq!(answer.outcome, Outcome::Configured, "{:?}", answer.reason);
        assert_eq!(self.simulation.state().active(&user), 0);
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
        played.write();
        played.log.close().unwrap();
        let state = refolded(played.dir.path(), &played.beginning, seed);
        assert_eq!(state.sealed_session_count(), 0, "seed {seed}");
        assert_eq!(state.key_counts(), played.simulation.state().key_counts(), "seed {seed}");
        assert_eq!(state.digest(), played.simulation.state().digest(), "seed {seed}");
        assert!(verify(played.dir.path()).unwrap().problems.is_empty(), "seed {seed}");
        erased += played.erased;
    }
    assert!(erased >= 40, "{erased} erasures are few");
}
