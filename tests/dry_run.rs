//! A dry run: told what would happen, and nothing happened.
//!
//! Before each login and each adoption of a random recording the same is asked about. What was told must be what then
//! comes, and the state must be as if only time had passed.
//!
//! `SLEDGER_PROPERTY_RUNS` sets how many recordings, `SLEDGER_PROPERTY_SEED` the first seed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sledger_core::answer::Answer;
use sledger_core::command::{Actor, Command, Request, Target};
use sledger_core::decider::Decider;
use sledger_core::quota::key_for_people;
use sledger_core::{Limit, Millis, State};
use sledger_policy::Engine;
use sledger_testkit::recordings::{Oracle, Recording};
use sledger_wire::answer::AnswerLine;
use sledger_wire::config::{Config, Written};
use sledger_wire::recording::{Echo, Line, Reading, parse};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const LINES: usize = 80;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("`{name}` is no number")))
}

fn decider(recording: &Recording) -> Option<(Decider<Engine>, Reading)> {
    let text = toml::to_string(&recording.config).unwrap();
    let nothing = BTreeMap::new();
    let file = Some((Path::new("sledger.toml"), text.as_str()));
    let config = Config::read(&Written { file, environment: &nothing, flags: &nothing }).ok()?;
    let (bounds, settings) = (config.limits.bounds, config.settings_simulated());
    let reading = Reading { actor: Actor::Cli, sessions: settings.sessions.clone() };
    let decider = Decider::genesis(settings, &[], Engine::new(), (bounds, 0)).ok()?;
    Some((decider, reading))
}

/// Plays lines, each login twice: asked about, and then decided.
struct Twice {
    decider: Decider<Engine>,
    reading: Reading,
    /// How often each outcome was foreseen.
    outcomes: BTreeMap<&'static str, u64>,
}

/// What a dry run must not change.
fn known(state: &State) -> (u64, [u8; 32], usize) {
    (state.seq().0, state.digest(), state.session_count())
}

impl Twice {
    fn login(&mut self, (echo, request, at): (&Echo, &Request, Millis), line_no: u64) -> Answer {
        let mut out = Vec::new();
        // What is due is drained by time itself, whoever asks.
        self.decider.drain(at, &mut out);
        let before = known(self.decider.state());
        out.clear();
        let asked = Request { dry_run: true, ..request.clone() };
        let foreseen = self.decider.decide(&asked, at, &mut out);
        assert!(out.is_empty(), "line {line_no}: a dry run records nothing");
        assert_eq!(known(self.decider.state()), before, "line {line_no}");
        let came = self.decider.decide(request, at, &mut out);
        assert_eq!(told(echo, &foreseen), told(echo, &came), "line {line_no}");
        *self.outcomes.entry(foreseen.outcome.as_str()).or_default() += 1;
        came
    }

    fn adopt(&mut self, request: &Request, at: Millis, line_no: u64) -> Answer {
        let Command::Adopt(adopt) = &request.command else { unreachable!("only adoptions come here") };
        let mut out = Vec::new();
        self.decider.drain(at, &mut out);
        let before = known(self.decider.state());
        out.clear();
        let asked = Request { dry_run: true, ..request.clone() };
        let foreseen = self.decider.decide(&asked, at, &mut out);
        assert!(out.is_empty(), "line {line_no}: a dry run records nothing");
        assert_eq!(known(self.decider.state()), before, "line {line_no}");
        let ids = adopt.sessions.iter().filter_map(|one| one.login.session.as_deref());
        let fresh: BTreeSet<&str> = ids.filter(|id| self.decider.state().session(id).is_none()).collect();
        let came = self.decider.decide(request, at, &mut out);
        assert_eq!((foreseen.outcome, &foreseen.skipped), (came.outcome, &came.skipped), "line {line_no}");
        // What was over before it came goes before anybody is judged.
        self.decider.drain(at, &mut out);
        let found = over(self.decider.state(), &fresh, at);
        let told = foreseen.quotas.iter();
        let told: BTreeMap<_, _> =
            told.map(|one| ((one.quota.to_string(), one.key.to_string()), (one.active, one.limit))).collect();
        assert_eq!(told, found, "line {line_no}");
        *self.outcomes.entry("adopted").or_default() += 1;
        *self.outcomes.entry("above a limit").or_default() += u64::try_from(told.len()).unwrap();
        came
    }
}

/// The keys of these live sessions that hold more than the lowest limit of them there, by the state as it is.
fn over(state: &State, ids: &BTreeSet<&str>, at: Millis) -> BTreeMap<(String, String), (u32, Limit)> {
    let mut over = BTreeMap::new();
    for session in ids.iter().filter_map(|id| state.session(id)) {
        for (index, quota) in (0u16..).zip(&state.ready().quotas) {
            let limit = quota.configured_limit(&session.facts, at).0;
            for key in quota.keys_counting(&session.facts) {
                let count = state.key_count(index, &key);
                let name = (quota.name.to_string(), key_for_people(&key).to_string());
                if !limit.holds(count) {
                    let (_, lowest) = over.entry(name).or_insert((count, limit));
                    // A ban is the lowest: it holds none.
                    *lowest = [*lowest, limit].into_iter().min_by_key(|limit| limit.number()).unwrap();
                }
            }
        }
    }
    over
}

/// All that an answer tells, without what only a decision that was recorded has.
fn told(echo: &Echo, answer: &Answer) -> String {
    let line = AnswerLine::over_http(echo, answer);
    AnswerLine { seq: None, generation: None, ..line }.to_json()
}

impl Oracle for Twice {
    fn line(&mut self, line_no: u64, text: &str) -> Result<serde_json::Value, String> {
        let Line { at, echo, request } =
            parse(text.as_bytes(), &self.reading).map_err(|error| error.to_string())?;
        let answer = match request.command {
            Command::Login(_) => self.login((&echo, &request, at.at), line_no),
            Command::Adopt(_) => self.adopt(&request, at.at, line_no),
            _ => self.decider.decide(&request, at.at, &mut Vec::new()),
        };
        let line = AnswerLine::simulated(line_no, &at.given, &echo, &answer);
        Ok(serde_json::from_str(&line.to_json()).unwrap())
    }
}

#[test]
fn a_dry_run_tells_what_then_happens_and_changes_nothing() {
    let first = number("SLEDGER_PROPERTY_SEED", 20_000);
    let runs = number("SLEDGER_PROPERTY_RUNS", 150);
    println!("seeds {first} to {}", first + runs - 1);
    let mut outcomes: BTreeMap<&'static str, u64> = BTreeMap::new();
    for seed in first..first + runs {
        let recording = Recording::random(seed, LINES).unwrap();
        let Some((decider, reading)) = decider(&recording) else { continue };
        let mut twice = Twice { decider, reading, outcomes: BTreeMap::new() };
        println!("seed {seed}");
        recording.play(&mut twice);
        for (outcome, count) in twice.outcomes {
            *outcomes.entry(outcome).or_default() += count;
        }
    }
    println!("{outcomes:?}");
    let met: BTreeSet<&str> = outcomes.keys().copied().collect();
    for outcome in ["admitted", "denied", "resumed", "conflict", "ignored", "rejected", "above a limit"] {
        assert!(met.contains(outcome), "no {outcome} among {outcomes:?}");
    }
}

#[test]
fn only_logins_and_adoptions_can_be_asked_about() {
    let recording = Recording::random(20_000, 1).unwrap();
    let (mut decider, _) = decider(&recording).unwrap();
    let target = Target { session: Some("a".into()), ..Target::default() };
    for command in [Command::Logout(target.clone()), Command::Touch(target), Command::Advance] {
        let request = Request { dry_run: true, ..Request::new(Actor::Cli, command) };
        let mut out = Vec::new();
        let answer = decider.decide(&request, Millis(0), &mut out);
        assert_eq!((answer.outcome.as_str(), answer.field.as_deref()), ("rejected", Some("dry_run")));
        assert!(out.is_empty());
    }
}
