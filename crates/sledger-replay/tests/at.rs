//! Who was in at any moment of random pasts, against intervals read off the event lines by hand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::Value;
use sledger_core::decider::Recorded;
use sledger_core::event::Decision;
use sledger_core::{Millis, Seq};
use sledger_projector::tell;
use sledger_replay::at::{At, Walk, When};
use sledger_replay::export::begun;
use sledger_replay::history::Fold;
use sledger_replay::lines::event_line;
use sledger_replay::simulate::Simulation;
use sledger_testkit::recordings::{Oracle, Recording};
use sledger_wire::config::{Config, Written};
use sledger_wire::events::{Begin, EventLine};
use sledger_wire::values::time;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const SEEDS: std::ops::Range<u64> = 1..80;
/// Each event of them is asked about.
const FEW_SEEDS: std::ops::Range<u64> = 1..25;
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

/// A random past that goes on until every deadline there is has been written down.
fn past(seed: u64, resolution: &str) -> (Begin, Vec<Decision>, Vec<EventLine>) {
    let mut recording = Recording::random(seed, LINES).unwrap();
    let sessions = recording.config.as_object_mut().unwrap().entry("sessions");
    let sessions = sessions.or_insert_with(|| Value::Object(serde_json::Map::new()));
    sessions.as_object_mut().unwrap().insert("activity_resolution".to_owned(), resolution.into());
    let (nothing, config) = (BTreeMap::new(), toml::to_string(&recording.config).unwrap());
    let file = Some((Path::new("sledger.toml"), config.as_str()));
    let config = Config::read(&Written { file, environment: &nothing, flags: &nothing }).unwrap();
    let mut kept = Kept { simulation: Simulation::new(config).unwrap(), recorded: Vec::new() };
    recording.play(&mut kept);
    kept.line(1_000, r#"{"at":4000000000000,"op":"advance"}"#).unwrap();
    let begin = kept.simulation.begin().clone();
    let mut fold = Fold::new(begun(&begin).unwrap());
    let mut lines = Vec::new();
    for one in &kept.recorded {
        let one = fold.decision(one.decision.clone()).unwrap();
        lines.extend(tell(fold.state(), &one).iter().map(event_line));
    }
    let decisions = kept.recorded.iter().map(|one| Decision::clone(&one.decision)).collect();
    (begin, decisions, lines)
}

/// When a session was in: its user, its first event, from when on, and until when, by which event.
struct Stay {
    user: String,
    number: u64,
    from: Millis,
    over: Option<(Millis, u64)>,
    /// Whether it was over by itself, whenever that was written.
    expired: bool,
}

fn stays(lines: &[EventLine]) -> Vec<Stay> {
    let mut stays: BTreeMap<u64, Stay> = BTreeMap::new();
    for line in lines {
        let at = time(&line.at).unwrap();
        match line.kind.as_str() {
            "login.admitted" | "session.adopted" => {
                let number = line.number.unwrap();
                let user = line.user.clone().unwrap();
                stays.insert(number, Stay { user, number, from: at, over: None, expired: false });
            }
            "session.ended" | "session.evicted" => {
                let ended = time(line.ended_at.as_ref().unwrap()).unwrap();
                let stay = stays.get_mut(&line.number.unwrap()).unwrap();
                stay.over = Some((ended, line.seq));
                stay.expired = matches!(line.cause.as_deref(), Some("ttl" | "idle" | "retention"));
            }
            _ => {}
        }
    }
    stays.into_values().collect()
}

fn at(begin: &Begin, decisions: &[Decision], when: When) -> At {
    let mut walk = Walk::new(begun(begin).unwrap(), when, false);
    decisions.chunks(7).all(|some| walk.take(some));
    walk.finish()
}

/// Numbers by user, with how many each had.
fn found(at: &At) -> BTreeMap<String, BTreeSet<u64>> {
    let users = at.users().map(|one| {
        let numbers: BTreeSet<u64> = one.sessions.iter().map(|session| session.number.0).collect();
        assert_eq!(numbers.len(), one.sessions.len());
        let name = one.user().unwrap().to_owned();
        let alone: Vec<u64> = at.user(&name).sessions.iter().map(|session| session.number.0).collect();
        assert_eq!(alone, one.sessions.iter().map(|session| session.number.0).collect::<Vec<_>>());
        assert_eq!(at.user(&name).limit, one.limit);
        (name, numbers)
    });
    users.collect()
}

fn wanted(stays: &[Stay], is_in: impl Fn(&Stay) -> bool) -> BTreeMap<String, BTreeSet<u64>> {
    let mut users: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for stay in stays.iter().filter(|stay| is_in(stay)) {
        users.entry(stay.user.clone()).or_default().insert(stay.number);
    }
    users
}

#[test]
fn at_every_boundary_and_between_those_are_in_who_came_and_were_not_over() {
    println!("seeds {SEEDS:?}");
    let (mut asked, mut late) = (0, 0);
    for seed in SEEDS {
        let resolution = if seed % 3 == 0 { "1h" } else { "0s" };
        let (begin, decisions, lines) = past(seed, resolution);
        let stays = stays(&lines);
        let over = stays.iter().filter_map(|stay| stay.over).map(|(at, _)| at);
        let bounds: BTreeSet<Millis> = decisions.iter().map(|one| one.at).chain(over).collect();
        let moments = bounds.iter().flat_map(|at| [at.0.saturating_sub(1), at.0, at.0 + 1]);
        for moment in moments.collect::<BTreeSet<u64>>().into_iter().map(Millis) {
            let then = at(&begin, &decisions, When::At(moment));
            let is_in = |stay: &Stay| stay.from <= moment && stay.over.is_none_or(|(over, _)| moment < over);
            assert_eq!(found(&then), wanted(&stays, is_in), "seed {seed} at {moment:?}");
            asked += 1;
            let written =
                |stay: &Stay| stay.over.is_some_and(|(over, by)| over <= moment && by > then.seq().0);
            late += usize::from(stays.iter().any(|stay| stay.from <= moment && written(stay)));
        }
    }
    assert!(asked > 5_000 && late > 500, "{asked} moments, at {late} of them an expiry was not written yet");
}

#[test]
fn right_after_any_event_its_whole_decision_has_happened_and_no_other() {
    println!("seeds {FEW_SEEDS:?}");
    for seed in FEW_SEEDS {
        let (begin, decisions, lines) = past(seed, "0s");
        let stays = stays(&lines);
        for line in &lines {
            let whole = lines.iter().filter(|other| other.decision == line.decision);
            let (last, moment) = (whole.map(|other| other.seq).max().unwrap(), time(&line.at).unwrap());
            let then = at(&begin, &decisions, When::After(Seq(line.seq)));
            assert_eq!((then.seq().0, then.at()), (last, moment), "seed {seed} seq {}", line.seq);
            let is_over =
                |stay: &Stay, (over, by): (Millis, u64)| by <= last || (stay.expired && over <= moment);
            let is_in =
                |stay: &Stay| stay.number <= last && !stay.over.is_some_and(|over| is_over(stay, over));
            assert_eq!(found(&then), wanted(&stays, is_in), "seed {seed} seq {}", line.seq);
        }
    }
}
