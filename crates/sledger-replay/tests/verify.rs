//! Random pasts proved, and forged ones found out: what is decided again is what was recorded, and one changed
//! decision is named.

#![expect(clippy::indexing_slicing, reason = "a test that cannot go on fails")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::Value;
use sledger_core::event::{Cause, Code, Counted, Decision, Event, Judgement, Op};
use sledger_core::{Facts, Limit, Millis, Personal, Seq, Span, State};
use sledger_replay::export::begun;
use sledger_replay::history::Fold;
use sledger_replay::simulate::Simulation;
use sledger_replay::verify::{Report, Unable, Verify};
use sledger_testkit::recordings::{Oracle, Recording};
use sledger_wire::config::{Config, Written};
use sledger_wire::events::Begin;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const SEEDS: std::ops::Range<u64> = 1..160;
const LINES: usize = 60;

/// A simulation that keeps all that it records.
struct Kept {
    simulation: Simulation,
    recorded: Vec<Decision>,
}

impl Oracle for Kept {
    fn line(&mut self, line_no: u64, text: &str) -> Result<Value, String> {
        let answer = self.simulation.line(line_no, text).map_err(|stop| stop.to_string())?;
        let recorded = self.simulation.recorded().iter();
        self.recorded.extend(recorded.map(|one| Decision::clone(&one.decision)));
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
fn past(seed: u64, resolution: &str) -> (Begin, Vec<Decision>) {
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

fn proved(begin: &Begin, decisions: &[Decision]) -> Report {
    let mut verify = Verify::new(begin).unwrap();
    verify.decisions(decisions);
    verify.finish()
}

#[test]
fn every_random_past_is_decided_again_and_found_the_same() {
    let (mut decided, mut unable) = (0, BTreeMap::new());
    for seed in SEEDS {
        for resolution in ["", "10s"] {
            let (begin, decisions) = past(seed, resolution);
            let report = proved(&begin, &decisions);
            assert_eq!(report.problems, [], "seed {seed}, resolution `{resolution}`");
            assert_eq!(report.decisions, decisions.len() as u64, "seed {seed}");
            let counted: u64 = report.not_rederivable.values().sum();
            assert_eq!(
                report.rederived + counted,
                report.decisions,
                "seed {seed}: one answer for each decision"
            );
            decided += report.rederived;
            for (why, count) in report.not_rederivable {
                *unable.entry(why).or_insert(0) += count;
            }
        }
    }
    println!("{decided} decided again, {unable:?}");
    assert!(decided > 5_000, "{decided}");
    let allowed = [Unable::Aggregated, Unable::Reconcile];
    assert!(unable.keys().all(|why| allowed.contains(why)), "{unable:?}");
}

/// A way to forge a past: changes one decision, or takes it out; false where it does not apply.
type Forge = fn(&mut Vec<Decision>, usize, &State) -> bool;

/// Tries a forgery on each decision it applies to, one at a time: each must be found, and at that decision.
fn found_out(name: &str, forge: Forge) -> usize {
    let mut forged = 0;
    for seed in SEEDS.step_by(12) {
        let (begin, decisions) = past(seed, "");
        let mut fold = Fold::new(begun(&begin).unwrap());
        for index in 0..decisions.len() {
            let first = fold.state().seq().next();
            let mut changed = decisions.clone();
            if forge(&mut changed, index, fold.state()) {
                let report = proved(&begin, &changed);
                let said = report.problems.first();
                let said = said.unwrap_or_else(|| {
                    panic!("seed {seed}, seq {first}: {name} is not found: {:?}", changed.get(index))
                });
                let (is_change, detail) = (changed.len() == decisions.len(), &said.detail);
                assert!(said.seq == first || !is_change, "seed {seed}: {name} at seq {first}, said {said:?}");
                assert!(said.seq >= first, "seed {seed}: {name} at seq {first}, said {said:?}");
                assert!(!detail.contains(char::is_control), "{detail}");
                forged += 1;
            }
            fold.decision(Arc::new(decisions[index].clone())).unwrap();
        }
    }
    forged
}

/// Whether nothing that the event says tells when it was.
const fn is_timeless(event: &Event) -> bool {
    !matches!(event, Event::Ended { .. } | Event::Admitted { .. })
}

fn admission(decision: &mut Decision) -> Option<&mut Counted> {
    match decision.events.last_mut() {
        Some(Event::Admitted { counted, .. }) => counted.first_mut(),
        _ => None,
    }
}

#[test]
fn another_count_is_found() {
    let forged = found_out("another count", |all, index, _| {
        let Some(counted) = admission(&mut all[index]) else { return false };
        counted.count += 1;
        true
    });
    assert!(forged > 60, "{forged}");
}

#[test]
fn another_limit_is_found() {
    let forged = found_out("another limit", |all, index, _| {
        let Some(counted) = admission(&mut all[index]) else { return false };
        counted.limit = if counted.limit == Limit::Unlimited { Limit::Banned } else { Limit::Unlimited };
        true
    });
    assert!(forged > 60, "{forged}");
}

#[test]
fn another_victim_is_found() {
    let forged = found_out("another victim", |all, index, before| {
        let decision = &mut all[index];
        let ended: Vec<Seq> = decision
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Ended { session, .. } => Some(*session),
                _ => None,
            })
            .collect();
        let other = before.sessions().iter().map(|one| one.number).find(|number| !ended.contains(number));
        let victim = decision.events.iter_mut().find_map(|event| match event {
            Event::Ended { session, cause: Cause::Evicted, .. } => Some(session),
            _ => None,
        });
        let (Some(other), Some(victim)) = (other, victim) else { return false };
        let was = std::mem::replace(victim, other);
        for judged in &mut decision.judged {
            if let Judgement::Evict { victims } = &mut judged.answer {
                victims.iter_mut().filter(|one| **one == was).for_each(|one| *one = other);
            }
        }
        true
    });
    assert!(forged > 5, "{forged}");
}

#[test]
fn another_line_reason_or_answer_of_a_policy_is_found() {
    let line = found_out("another line", |all, index, _| {
        all[index].judged.first_mut().map(|judged| judged.line += 1).is_some()
    });
    let reason = found_out("another reason", |all, index, _| {
        all[index].judged.first_mut().map(|judged| judged.reason = Some("for\u{1b}ged".into())).is_some()
    });
    assert!(line.min(reason) > 20, "{line} {reason}");
}

/// Whether a decision from `from` on brings a new user, who is named by the event that brings him.
fn brings_a_user(all: &[Decision], from: usize) -> bool {
    let mut seq = 0;
    all.iter().enumerate().any(|(index, decision)| {
        seq += decision.events.len() as u64;
        let is_new = matches!(decision.events.last(), Some(Event::Admitted { user, .. }) if user.0 == seq);
        index >= from && is_new
    })
}

#[test]
fn a_denial_turned_or_dropped_is_found() {
    let turned = found_out("another code", |all, index, _| match all[index].events.last_mut() {
        Some(Event::Denied { code, .. }) => {
            *code = if *code == Code::UserBanned { Code::SessionConflict } else { Code::UserBanned };
            true
        }
        _ => false,
    });
    // What stands behind names sessions and users by number, and these no longer fit.
    let dropped = found_out("a dropped denial", |all, index, _| {
        let is_denial = matches!(all[index].events.last(), Some(Event::Denied { .. }));
        let is_shown = is_denial && brings_a_user(all, index + 1);
        if is_shown {
            all.remove(index);
        }
        is_shown
    });
    assert!(turned > 20 && dropped > 5, "{turned} {dropped}");
}

#[test]
fn a_moved_time_is_found() {
    let later = found_out("a later time", |all, index, _| {
        let next = all.get(index + 1).map_or(Millis(u64::MAX), |next| next.at);
        let decision = &mut all[index];
        // When somebody looked and found what was due is not written twice.
        let is_said =
            decision.op != Op::Expire && decision.at < next && !decision.events.iter().all(is_timeless);
        decision.at.0 += 1;
        is_said
    });
    assert!(later > 60, "{later}");
    let earlier = found_out("a time before the last", |all, index, before| {
        let last = before.at();
        all[index].at.0 = last.0.saturating_sub(1);
        last.0 > 0
    });
    assert!(earlier > 60, "{earlier}");
}

#[test]
fn an_expiry_taken_out_is_found() {
    let forged = found_out("an expiry taken out", |all, index, _| {
        let is_shown = all[index].op == Op::Expire && index + 1 < all.len();
        if is_shown {
            all.remove(index);
        }
        is_shown
    });
    assert!(forged > 5, "{forged}");
}

#[test]
fn another_life_of_a_session_is_found() {
    let forged = found_out("another ttl", |all, index, _| {
        let Op::Login(op) = &mut all[index].op else { return false };
        let Some(facts) = op.facts.plain().filter(|facts| facts.started != Millis(0)) else { return false };
        let mut facts = Facts::clone(facts);
        facts.ttl = Span::millis(facts.ttl.as_millis() / 2 + 1);
        op.facts = Personal::Plain(Arc::new(facts));
        true
    });
    assert!(forged > 60, "{forged}");
}
