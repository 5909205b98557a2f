//! Random pasts, exported and read back: as events, and as commands.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::Value;
use sledger_core::decider::Recorded;
use sledger_core::event::Op;
use sledger_projector::tell;
use sledger_replay::commands::{Commands, LateTouches};
use sledger_replay::export::{Exporter, ReadBack, begun, hex};
use sledger_replay::history::Fold;
use sledger_replay::lines::event_line;
use sledger_replay::simulate::Simulation;
use sledger_testkit::recordings::{Oracle, Recording};
use sledger_wire::config::{Config, Written};
use sledger_wire::events::{Begin, EventLine};
use sledger_wire::recording::{AtGiven, write_line};
use std::collections::BTreeMap;
use std::path::Path;

const SEEDS: std::ops::Range<u64> = 1..60;
const LINES: usize = 60;

/// A simulation that keeps all that it records.
struct Kept {
    simulation: Simulation,
    recorded: Vec<Recorded>,
}

impl Oracle for Kept {
    fn line(&mut self, line_no: u64, text: &str) -> Result<Value, String> {
        let answer = self.simulation.line(line_no, text).map_err(|stop| stop.to_string())?;
        self.recorded.extend_from_slice(self.simulation.recorded());
        Ok(answer)
    }
}

fn simulation(config: &str) -> Simulation {
    let nothing = BTreeMap::new();
    let file = Some((Path::new("sledger.toml"), config));
    let config = Config::read(&Written { file, environment: &nothing, flags: &nothing }).unwrap();
    Simulation::new(config).unwrap()
}

/// A random past: how it began, and what was recorded.
fn past(seed: u64, resolution: &str) -> (Begin, Vec<Recorded>) {
    let mut recording = Recording::random(seed, LINES).unwrap();
    if !resolution.is_empty() {
        let sessions = recording.config.as_object_mut().unwrap().entry("sessions");
        let sessions = sessions.or_insert_with(|| Value::Object(serde_json::Map::new()));
        sessions.as_object_mut().unwrap().insert("activity_resolution".to_owned(), resolution.into());
    }
    let simulation = simulation(&toml::to_string(&recording.config).unwrap());
    let mut kept = Kept { simulation, recorded: Vec::new() };
    recording.play(&mut kept);
    (kept.simulation.begin().clone(), kept.recorded)
}

/// What happened, without what differs from ledger to ledger.
fn story(begin: &Begin, recorded: &[Recorded]) -> Vec<EventLine> {
    let mut fold = Fold::new(begun(begin).unwrap());
    let mut story = Vec::new();
    for one in recorded {
        let one = fold.decision(one.decision.clone()).unwrap();
        if matches!(one.decision.op, Op::Configure | Op::Policy | Op::Ledger | Op::Denials) {
            continue;
        }
        let lines = tell(fold.state(), &one);
        story.extend(lines.iter().map(event_line).map(|line| EventLine {
            seq: 0,
            decision: 0,
            number: None,
            actor: String::new(),
            details: serde_json::Map::new(),
            ..line
        }));
    }
    story
}

fn commands(begin: &Begin, recorded: &[Recorded]) -> Vec<String> {
    let mut late = LateTouches::default();
    for one in recorded {
        late.see(&one.decision);
    }
    let mut commands = Commands::new(begin, late.sorted());
    let mut fold = Fold::new(begun(begin).unwrap());
    let mut timed = Vec::new();
    for one in recorded {
        let one = fold.decision(one.decision.clone()).unwrap();
        timed.extend(commands.decision(&one, fold.state()));
    }
    timed.extend(commands.finish(fold.state()));
    timed.iter().map(|timed| write_line(&AtGiven::Millis(timed.at.0), &timed.request).unwrap()).collect()
}

fn replayed(lines: &[String]) -> (Begin, Vec<Recorded>) {
    let mut kept = Kept { simulation: simulation(""), recorded: Vec::new() };
    for (number, line) in lines.iter().enumerate() {
        let answer = kept.line(number as u64 + 1, line).unwrap();
        assert_ne!(answer.get("outcome").unwrap(), "rejected", "{line}: {answer}");
    }
    (kept.simulation.begin().clone(), kept.recorded)
}

#[test]
fn commands_of_any_past_lead_to_the_same_events() {
    println!("seeds {SEEDS:?}");
    let mut touched_late = 0;
    for resolution in ["", "1h"] {
        for seed in SEEDS {
            let (begin, recorded) = past(seed, resolution);
            touched_late += recorded
                .iter()
                .filter(|one| matches!(one.decision.op, Op::Touch { .. }))
                .filter(|one| one.decision.actor == sledger_core::command::Actor::Timer)
                .count();
            let lines = commands(&begin, &recorded);
            let (again, replayed) = replayed(&lines);
            let (wanted, found) = (story(&begin, &recorded), story(&again, &replayed));
            for (wanted, found) in wanted.iter().zip(&found) {
                assert_eq!(wanted, found, "seed {seed}, resolution `{resolution}`\n{}", lines.join("\n"));
            }
            assert_eq!(wanted.len(), found.len(), "seed {seed}\n{}", lines.join("\n"));
        }
    }
    assert!(touched_late > 0, "no touch was recorded later than it was made: nothing of them is tried");
}

#[test]
fn an_export_of_any_past_folds_to_the_same_state() {
    println!("seeds {SEEDS:?}");
    for seed in SEEDS {
        let (begin, recorded) = past(seed, "");
        let mut fold = Fold::new(begun(&begin).unwrap());
        let mut exporter = Exporter::new(begin);
        let mut lines = Vec::new();
        for one in &recorded {
            let one = fold.decision(one.decision.clone()).unwrap();
            lines.extend(exporter.decision(&one, fold.state()));
        }
        lines.extend(exporter.finish(fold.state()));
        let Some(first) = lines.first() else { continue };
        let (mut read, _) = ReadBack::new(first.as_bytes()).unwrap();
        let mut again = Vec::new();
        for line in &lines {
            again.extend(read.line(line.as_bytes()).unwrap().map(|one| one.decision));
        }
        let decisions: Vec<_> = recorded.iter().map(|one| one.decision.clone()).collect();
        assert_eq!(again, decisions, "seed {seed}");
        let state = read.finish().unwrap();
        assert_eq!(hex(&state.digest()), hex(&fold.state().digest()), "seed {seed}");
    }
}
