//! Properties of deciding and folding, over random recordings and hostile bytes.
//!
//! `SLEDGER_PROPERTY_RUNS` sets how many recordings, `SLEDGER_PROPERTY_SEED` the first seed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "seeds are for whoever runs the tests")]

use proptest::prelude::*;
use sledger_core::command::{Actor, Adopt, Adoptee, Command, Ending, Login, Reconcile, Request, Target};
use sledger_core::config::{Bounds, Settings};
use sledger_core::decider::{Decider, Recorded};
use sledger_core::event::Decision;
use sledger_core::{Millis, Seq, Span, State, codec, refold};
use sledger_policy::Engine;
use sledger_replay::quotas::QuotaFold;
use sledger_replay::simulate::Simulation;
use sledger_testkit::recordings::{Oracle, Recording};
use sledger_wire::config::{Config, Written};
use std::collections::BTreeMap;
use std::path::Path;

const LINES: usize = 80;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("`{name}` is no number")))
}

/// A recording played to the real decider, with everything it recorded.
struct Played {
    simulation: Simulation,
    beginning: State,
    recorded: Vec<Recorded>,
    /// Digest after the last decision of each line that recorded something.
    digests: BTreeMap<u64, [u8; 32]>,
}

impl Oracle for Played {
    fn line(&mut self, line_no: u64, text: &str) -> Result<serde_json::Value, String> {
        let answer = self.simulation.line(line_no, text).map_err(|stop| stop.to_string())?;
        self.recorded.extend_from_slice(self.simulation.recorded());
        self.digests.insert(self.simulation.state().seq().0, self.simulation.state().digest());
        Ok(answer)
    }
}

fn play(recording: &Recording) -> Option<Played> {
    let text = toml::to_string(&recording.config).unwrap();
    let nothing = BTreeMap::new();
    let file = Some((Path::new("sledger.toml"), text.as_str()));
    let config = Config::read(&Written { file, environment: &nothing, flags: &nothing }).ok()?;
    let simulation = Simulation::new(config).ok()?;
    let beginning = simulation.state().clone();
    let mut played = Played { simulation, beginning, recorded: Vec::new(), digests: BTreeMap::new() };
    recording.play(&mut played);
    Some(played)
}

fn each_recording(mut check: impl FnMut(u64, Played)) {
    let first = number("SLEDGER_PROPERTY_SEED", 10_000);
    let runs = number("SLEDGER_PROPERTY_RUNS", 250);
    println!("seeds {first} to {}", first + runs - 1);
    let mut played = 0;
    for seed in first..first + runs {
        let recording = Recording::random(seed, LINES).unwrap();
        if let Some(found) = play(&recording) {
            check(seed, found);
            played += 1;
        }
    }
    assert!(played * 2 > runs, "most recordings are played: {played} of {runs}");
}

#[test]
fn quotas_hold_at_every_prefix_of_events() {
    let mut admissions = 0;
    each_recording(|seed, played| {
        let mut state = played.beginning.clone();
        let mut fold = QuotaFold::new(state.ready());
        for recorded in &played.recorded {
            refold(&mut state, recorded.first, &recorded.decision);
            if let Err(broken) = fold.fold(recorded.first, &recorded.decision, &state) {
                panic!("[1] seed {seed}: {broken}");
            }
            assert_eq!(fold.session_count(), state.session_count(), "seed {seed}, seq {}", recorded.first);
        }
        admissions += fold.session_count();
    });
    assert!(admissions > 0, "something was admitted");
}

#[test]
fn folding_again_gives_the_same_state_at_every_step() {
    each_recording(|seed, played| {
        let mut state = played.beginning.clone();
        for recorded in &played.recorded {
            refold(&mut state, recorded.first, &recorded.decision);
            if let Some(digest) = played.digests.get(&state.seq().0) {
                // Time that passed without a decision is not folded.
                assert_eq!(&state.digest(), digest, "seed {seed}, seq {}", state.seq());
            }
        }
    });
}

#[test]
fn folding_a_then_b_is_folding_both_at_once() {
    each_recording(|seed, played| {
        let all = fold(played.beginning.clone(), &played.recorded);
        let cut = usize::try_from(seed).unwrap() % (played.recorded.len() + 1);
        let (a, b) = played.recorded.split_at(cut);
        // Through the encoding, as after a restart.
        let both = fold(fold(played.beginning.clone(), &reread(a)), &reread(b));
        assert_eq!(both.digest(), all.digest(), "seed {seed}, cut at {cut}");
    });
}

#[test]
fn looking_ahead_changes_nothing_that_is_folded() {
    each_recording(|seed, played| {
        let plain = fold(played.beginning.clone(), &played.recorded);
        let decisions: Vec<Decision> =
            reread(&played.recorded).into_iter().map(|one| (*one.decision).clone()).collect();
        let mut state = played.beginning.clone();
        let stretch = usize::try_from(seed).unwrap() % 7 + 4;
        for (some, kept) in decisions.chunks(stretch).zip(played.recorded.chunks(stretch)) {
            // All of them at any time: some name sessions that are not there yet, or not any more.
            state.look_ahead(&decisions);
            state.look_ahead(some);
            for (decision, kept) in some.iter().zip(kept) {
                refold(&mut state, kept.first, decision);
            }
            assert!(state.is_unshared(), "a look leaves no handle behind");
        }
        assert_eq!(state.digest(), plain.digest(), "seed {seed}, {stretch} at a time");
    });
}

fn fold(mut state: State, recorded: &[Recorded]) -> State {
    for one in recorded {
        refold(&mut state, one.first, &one.decision);
    }
    state
}

fn reread(recorded: &[Recorded]) -> Vec<Recorded> {
    let again = |one: &Recorded| {
        let decision: Decision = codec::decode(&codec::encode(&*one.decision)).unwrap();
        assert_eq!(decision, *one.decision);
        Recorded { decision: decision.into(), ..one.clone() }
    };
    recorded.iter().map(again).collect()
}

#[test]
fn every_decision_is_within_its_bound() {
    each_recording(|seed, played| {
        for recorded in &played.recorded {
            let bytes = codec::encode(&*recorded.decision).len();
            assert!(bytes <= sledger_core::config::DECISION_BYTES_MAX, "[20] seed {seed}: {bytes}");
            assert!(!recorded.decision.events.is_empty(), "seed {seed}");
        }
    });
}

#[test]
fn folding_damaged_decisions_never_panics() {
    let mut folded = 0u32;
    each_recording(|seed, played| {
        let mut state = played.beginning.clone();
        for (index, recorded) in played.recorded.iter().enumerate() {
            let mut bytes = codec::encode(&*recorded.decision);
            let at = usize::try_from(seed).unwrap().wrapping_mul(31).wrapping_add(index * 7) % bytes.len();
            bytes[at] ^= 1 << (seed % 8);
            if let Ok(decision) = codec::decode::<Decision>(&bytes) {
                // Out of order, and about sessions that never were.
                refold(&mut state, Seq(recorded.first.0 / 2), &decision);
                folded += 1;
            }
        }
        let _digest = state.digest();
    });
    assert!(folded > 100, "enough damaged decisions still decode: {folded}");
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "ann", "bob", "10.0.0.1", "web", ""]).prop_map(str::to_owned),
        1 => ".{0,8}",
        1 => "x{250,260}",
    ]
}

fn option<T: Strategy>(of: T) -> impl Strategy<Value = Option<T::Value>> {
    prop::option::weighted(0.7, of)
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![
        Just(Span::NEVER),
        Just(Span::ZERO),
        (0u64..5000).prop_map(Span::millis),
        any::<u64>().prop_map(Span::millis)
    ]
}

prop_compose! {
    fn login()(
        names in (option(text()), option(text()), option(text()), option(text()), option(text())),
        groups in prop::collection::vec(text(), 0..4),
        attributes in prop::collection::vec((text(), text()), 0..4),
        lives in (option(span()), option(span()), option(span())),
        end in prop_oneof![
            3 => Just(Ending::None),
            1 => Just(Ending::All),
            1 => Just(Ending::Others),
            1 => prop::collection::vec(text(), 0..3).prop_map(Ending::Ids),
        ],
        replaces in prop::option::weighted(0.2, text()),
    ) -> Login {
        let (user, session, ip, client, source) = names;
        let (ttl, idle, retention) = lives;
        Login {
            user, session, ip, client, source, groups,
            user_attributes: attributes.clone(), attributes,
            ttl, idle, retention, end, replaces,
        }
    }
}

fn target() -> impl Strategy<Value = Target> {
    (option(text()), option(text()), option(any::<u64>())).prop_map(|(session, user, generation)| Target {
        session,
        user,
        generation: generation.map(Seq),
    })
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => login().prop_map(|login| Command::Login(Box::new(login))),
        1 => target().prop_map(Command::Touch),
        1 => target().prop_map(Command::Logout),
        1 => target().prop_map(Command::Disconnect),
        1 => (target(), option(text())).prop_map(|(target, reason)| Command::End { target, reason }),
        1 => (option(text()), option(text())).prop_map(|(user, keep)| Command::Clear { user, keep }),
        1 => (option(text()), option(any::<u64>()), prop::collection::vec(text(), 0..4))
            .prop_map(|(source, as_of, live)| Command::Reconcile(Reconcile { source, as_of: as_of.map(Seq), live })),
        1 => (option(text()), prop::collection::vec((login(), any::<Option<u64>>(), any::<Option<u64>>()), 0..3))
            .prop_map(|(source, sessions)| {
                let adoptee = |(login, started, last_active): (Login, Option<u64>, Option<u64>)| Adoptee {
                    login,
                    started: started.map(Millis),
                    last_active: last_active.map(Millis),
                };
                Command::Adopt(Adopt { source, sessions: sessions.into_iter().map(adoptee).collect() })
            }),
        1 => Just(Command::Advance),
        1 => (text(), text()).prop_map(|(name, text)| Command::Policy { name, text }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn deciding_never_panics_on_any_command(
        commands in prop::collection::vec((command(), option(text()), prop_oneof![0u64..3000, any::<u64>()]), 1..40)
    ) {
        let bounds = (Bounds::default(), 7);
        let mut decider = Decider::genesis(Settings::default(), &[], Engine::new(), bounds).unwrap();
        let mut out = Vec::new();
        let mut at = Millis(0);
        for (command, command_id, passed) in commands {
            at = Millis(at.0.saturating_add(passed));
            let request = Request { command_id, ..Request::new(Actor::Local, command) };
            decider.decide(&request, at, &mut out);
        }
        prop_assert!(decider.state().is_unshared(), "no script keeps a hold on the state");
    }
}
