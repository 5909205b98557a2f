//! Snapshot and tail are the full fold: random recordings, snapshots taken while they are played.
//!
//! `SLEDGER_PROPERTY_RUNS` sets how many recordings, `SLEDGER_PROPERTY_SEED` the first seed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sledger_core::command::{Actor, Request};
use sledger_core::decider::{Decider, Recorded};
use sledger_core::snapshot::{Encoder, Loader, Rows};
use sledger_core::{Millis, Seq, State, refold};
use sledger_policy::Engine;
use sledger_testkit::changes;
use sledger_testkit::recordings::{Oracle, Recording, Rng};
use sledger_wire::answer::AnswerLine;
use sledger_wire::config::{Config, Written};
use sledger_wire::recording::{Line, Reading, parse};
use std::collections::BTreeMap;
use std::path::Path;

const LINES: usize = 120;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("`{name}` is no number")))
}

/// A snapshot being taken, or one that was.
struct Taken {
    /// The last event in it.
    seq: Seq,
    /// The last event when its last slice was taken, once it was.
    through: Option<Seq>,
    encoder: Option<Encoder>,
    frames: Vec<(u8, Vec<u8>)>,
}

/// A recording played to a decider from which snapshots are taken in slices between the lines.
struct Played {
    decider: Decider<Engine>,
    reading: Reading,
    rng: Rng,
    before: Millis,
    beginning: State,
    recorded: Vec<Recorded>,
    snapshots: Vec<Taken>,
    given_up: usize,
}

impl Played {
    fn new(recording: &Recording) -> Option<Self> {
        let text = toml::to_string(&recording.config).unwrap();
        let nothing = BTreeMap::new();
        let file = Some((Path::new("sledger.toml"), text.as_str()));
        let config = Config::read(&Written { file, environment: &nothing, flags: &nothing }).ok()?;
        let bounds = config.limits.bounds;
        let settings = config.settings_simulated();
        let reading = Reading { actor: Actor::Cli, sessions: settings.sessions.clone() };
        let decider = Decider::genesis(settings, &[], Engine::new(), (bounds, 5)).ok()?;
        let beginning = decider.state().clone();
        let mut played = Self {
            decider,
            reading,
            rng: Rng::new(recording.seed ^ 0x5EED),
            before: Millis(0),
            beginning,
            recorded: Vec::new(),
            snapshots: Vec::new(),
            given_up: 0,
        };
        recording.play(&mut played);
        while played.decider.snapshot().is_taking() {
            played.slice(64);
        }
        Some(played)
    }

    /// Begins a snapshot now and then, and goes on with the one being taken.
    fn step(&mut self) {
        if self.decider.snapshot().is_taking() {
            if self.rng.below(3) > 0 {
                let rows = 1 + self.rng.below(4);
                self.slice(rows);
            }
            return;
        }
        if self.snapshots.last().is_some_and(|taken| taken.through.is_none()) {
            self.snapshots.pop();
            self.given_up += 1;
        }
        if self.rng.below(6) == 0 {
            let beginning = self.decider.snapshot().begin();
            let (mut encoder, mut frames) = (Encoder::default(), Vec::new());
            encoder.beginning(&beginning, &mut |kind, body| keep(&mut frames, kind, body)).unwrap();
            let seq = beginning.seq();
            self.snapshots.push(Taken { seq, through: None, encoder: Some(encoder), frames });
        }
    }

    fn slice(&mut self, rows: usize) {
        let slice = self.decider.snapshot().slice(rows).unwrap();
        let through = self.decider.state().seq();
        let Taken { encoder, frames, through: done, .. } = self.snapshots.last_mut().unwrap();
        encoder.as_mut().unwrap().slice(&slice, &mut |kind, body| keep(frames, kind, body)).unwrap();
        if slice.last {
            let encoder = encoder.take().unwrap();
            encoder.end(&mut |kind, body| keep(frames, kind, body)).unwrap();
            *done = Some(through);
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "an encoder writes to what may fail")]
fn keep(frames: &mut Vec<(u8, Vec<u8>)>, kind: u8, body: &[u8]) -> Result<(), String> {
    frames.push((kind, body.to_vec()));
    Ok(())
}

impl Oracle for Played {
    fn line(&mut self, line_no: u64, text: &str) -> Result<serde_json::Value, String> {
        let Line { at, echo, request } =
            parse(text.as_bytes(), &self.reading).map_err(|stop| stop.to_string())?;
        if at.at < self.before {
            return Err("its time runs back".to_owned());
        }
        self.before = at.at;
        self.step();
        if self.rng.chance(10) {
            let change = Request::new(Actor::Local, changes::change(&mut self.rng, at.at));
            self.decider.decide(&change, at.at, &mut self.recorded);
            self.step();
        }
        let answer = self.decider.decide(&request, at.at, &mut self.recorded);
        let line = AnswerLine::simulated(line_no, &at.given, &echo, &answer);
        Ok(serde_json::from_str(&line.to_json()).unwrap())
    }
}

fn load(frames: &[(u8, Vec<u8>)]) -> State {
    let mut loader = Loader::new(99, 1 << 20);
    for (kind, body) in frames {
        loader.take(Rows::decode(*kind, body).unwrap()).unwrap();
    }
    loader.finish().unwrap()
}

/// What the sessions of a state are, in the order of their numbers.
fn sessions(state: &State) -> Vec<String> {
    state
        .sessions()
        .iter()
        .map(|session| format!("{:?} {:?}", session.view(), state.keys_of(session)))
        .collect()
}

/// Holds a snapshot and what follows it against the full fold, event by event; says how often they were compared.
fn check(seed: u64, played: &Played, taken: &Taken) -> u64 {
    let Some(through) = taken.through else { return 0 };
    let mut ours = load(&taken.frames);
    let mut all = played.beginning.clone();
    let mut compared = 0;
    for one in &played.recorded {
        if all.seq() == taken.seq && compared == 0 {
            assert_eq!(sessions(&ours), sessions(&all), "seed {seed}, snapshot at {}", taken.seq);
            assert_eq!((ours.seq(), ours.at(), ours.epoch()), (all.seq(), all.at(), all.epoch()));
        }
        refold(&mut all, one.first, &one.decision);
        if one.first > taken.seq {
            refold(&mut ours, one.first, &one.decision);
            assert_eq!(ours.next_deadline(), all.next_deadline(), "seed {seed}");
        }
        if all.seq() >= through && one.first > taken.seq {
            assert_eq!(ours.digest(), all.digest(), "seed {seed}, {} to {through}, {}", taken.seq, one.first);
            assert_eq!(ours.key_counts(), all.key_counts(), "seed {seed}");
            compared += 1;
        }
    }
    if all.seq() == taken.seq {
        assert_eq!(ours.digest(), all.digest(), "seed {seed}, snapshot at the end");
    }
    compared
}

#[test]
fn a_snapshot_and_the_events_after_it_are_the_full_fold() {
    let first = number("SLEDGER_PROPERTY_SEED", 40_000);
    let runs = number("SLEDGER_PROPERTY_RUNS", 250);
    println!("seeds {first} to {}", first + runs - 1);
    let (mut snapshots, mut overlapping, mut compared, mut given_up) = (0, 0, 0, 0);
    for seed in first..first + runs {
        let recording = Recording::random(seed, LINES).unwrap();
        let Some(played) = Played::new(&recording) else { continue };
        for taken in &played.snapshots {
            compared += check(seed, &played, taken);
            snapshots += 1;
            overlapping += usize::from(taken.through.is_some_and(|through| through > taken.seq));
        }
        given_up += played.given_up;
    }
    println!(
        "{snapshots} snapshots, {overlapping} while things changed, {given_up} given up, {compared} comparisons"
    );
    assert!(runs < 100 || (snapshots > 500 && overlapping > 200 && given_up > 5), "enough was tried");
}
