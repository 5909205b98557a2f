//! The same history decides the same: in debug and release, with other hash seeds, in another thread, on another
//! day, with another engine of rhai.
//!
//! `tests/golden/NAME.txt` holds what every policy of the folder, and one that looks at everything, decides in
//! fixed scenarios, one line each; `hostile_scripts.txt` how every hostile script ends and what it costs. A line
//! that differs is a change of what ledgers decide, so it needs a new revision of the engine. They are written
//! anew by `SLEDGER_GOLDEN=write cargo test -p sledger-policy --test policy golden`, and never otherwise.

use crate::world::Recorder;
use sledger_core::config::{Level, OnError, Param};
use sledger_core::event::{PolicyCode, PolicyRef};
use sledger_core::policy::{Bound, Choice, LimitQuestion, Policies, PolicyFault, Question, Reply, Verdict};
use sledger_core::{Limit, Millis, Seq};
use sledger_policy::Engine;
use sledger_policy::suite::World;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const SEED: u64 = 0x901d;
const RUNS: u32 = 32;

fn policies() -> Vec<(String, String)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [here.join("../../policies"), here.join("tests/golden")];
    folders.iter().flat_map(|folder| sledger_policy::load_folder(folder).unwrap()).collect()
}

/// Hand-made scenarios, and some drawn from a seed, under hard and soft quotas.
fn worlds(source: &str) -> Vec<(String, World)> {
    let mut worlds = Vec::new();
    let mut named = |name: &str, change: fn(&mut World)| {
        let mut world = World::with_sessions(4);
        change(&mut world);
        worlds.push((name.to_owned(), world));
    };
    named("four of four", |_| {});
    named("one of one", |world| *world = World::with_sessions(1));
    named("a hundred of a hundred", |world| *world = World::with_sessions(100));
    named("three too many", |world| world.limit = Limit::at_most(1).unwrap());
    named("all began together", |world| {
        for old in &mut world.sessions {
            (old.age, old.idle) = (3600, 60);
        }
    });
    named("two parked", |world| {
        world.sessions[1].retained = true;
        world.sessions[3].retained = true;
    });
    named("all in use", |world| world.sessions.iter_mut().for_each(|old| old.idle = 0));
    named("sessions of others", |world| {
        world.sessions[0].login.user = Some("bob".to_owned());
        world.sessions[2].login.user = Some("cleo".to_owned());
    });
    named("others are protected", |world| {
        world.evict_others = false;
        world.sessions[0].login.user = Some("bob".to_owned());
        world.sessions[1].login.user = Some("bob".to_owned());
    });
    named("one address", |world| {
        world.newcomer.ip = Some("192.0.2.1".to_owned());
        world.sessions.iter_mut().for_each(|old| old.login.ip = Some("192.0.2.1".to_owned()));
    });
    named("at night on a Sunday", |world| world.now = Millis(world.now.0 - 32 * 3_600_000));
    for level in [Level::Hard, Level::Soft] {
        let base = World { level, ..World::default() };
        for run in 0..RUNS {
            worlds.push((format!("drawn {run} {level:?}").to_lowercase(), base.drawn(source, (SEED, run))));
        }
    }
    worlds
}

/// What a policy decides in a world, in a line.
fn line(name: &str, source: &str, world: &World) -> String {
    let mut court = world.court((name, source), Recorder::default()).unwrap();
    let answer = world.login(&mut court);
    let state = court.state().clone();
    let id = |number: &Seq| {
        let live = state.session_numbered(*number).map(|session| session.facts.session().to_owned());
        live.unwrap_or_else(|| "gone".to_owned())
    };
    let recorder = court.policies();
    let operations: u32 = recorder.replies.iter().map(|reply| reply.operations).sum();
    let limits: Vec<String> = recorder.limits.iter().map(|reply| format!("{:?}", reply.answer)).collect();
    let said = match recorder.replies.last().map(|reply| &reply.answer) {
        Some(Ok(verdict)) => {
            let offer = match &verdict.choice {
                Choice::Deny { offer } if !offer.is_empty() => {
                    format!(" offer [{}]", offer.iter().map(id).collect::<Vec<_>>().join(", "))
                }
                _ => String::new(),
            };
            let told = verdict.told.as_ref().map(|told| format!(" tell {told:?}")).unwrap_or_default();
            let reason = verdict.reason.as_deref().unwrap_or_default();
            format!(
                "{reason:?}{offer}{told} notes {} at {}:{}",
                verdict.notes.len(),
                verdict.line,
                verdict.column
            )
        }
        Some(Err(failure)) => format!("fails at {}:{}", failure.line, failure.column),
        None => "not asked".to_owned(),
    };
    let gone: Vec<&str> = answer.evicted.iter().map(|facts| facts.session()).collect();
    let code = answer.policy_code.map_or("", PolicyCode::as_str);
    let mut line = format!("{} [{}] {said} for {operations}", answer.outcome.as_str(), gone.join(", "));
    for part in limits.iter().map(String::as_str).chain([code]).filter(|part| !part.is_empty()) {
        line = format!("{line} {part}");
    }
    line
}

fn lines(name: &str, source: &str, change: impl Fn(&mut World)) -> Vec<String> {
    let all = worlds(source).into_iter().map(|(scenario, mut world)| {
        change(&mut world);
        format!("{scenario}: {}", line(name, source, &world))
    });
    all.collect()
}

fn hostile_lines() -> Vec<String> {
    let line = |(name, source): (String, String)| {
        let reply = crate::world::World::with_sessions(100).ask(&source);
        let failure = reply.answer.unwrap_err();
        let (code, operations) = (failure.code.as_str(), reply.operations);
        format!("{name}: {code} at {}:{} for {operations}", failure.line, failure.column)
    };
    crate::hostile::asked_scripts().into_iter().map(line).collect()
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt"))
}

#[test]
fn golden_decisions_are_what_they_were() {
    let mut different = Vec::new();
    let decided = policies().into_iter().map(|(name, source)| (lines(&name, &source, |_| {}), name));
    for (found, name) in decided.chain([(hostile_lines(), "hostile_scripts".to_owned())]) {
        if std::env::var_os("SLEDGER_GOLDEN").is_some_and(|word| word == "write") {
            std::fs::create_dir_all(golden(&name).parent().unwrap()).unwrap();
            std::fs::write(golden(&name), found.join("\n") + "\n").unwrap();
        }
        let text = std::fs::read_to_string(golden(&name)).unwrap_or_default();
        let kept: Vec<&str> = text.lines().collect();
        for index in 0..found.len().max(kept.len()) {
            let (was, is) = (kept.get(index).copied(), found.get(index).map(String::as_str));
            if was != is {
                different.push(format!("{name}.txt:{}\n  was {was:?}\n  is  {is:?}", index + 1));
            }
        }
    }
    assert!(
        different.is_empty(),
        "{} lines differ; if they are meant to, write them anew with SLEDGER_GOLDEN=write:\n{}",
        different.len(),
        different.join("\n")
    );
}

#[test]
fn hash_seeds_change_nothing() {
    for (name, source) in policies() {
        let first = lines(&name, &source, |_| {});
        for seed in [0, 1, u64::MAX, 0x1234_5678_9abc_def0] {
            assert_eq!(lines(&name, &source, |world| world.hash_seed = seed), first, "{name} seed {seed}");
        }
    }
}

#[test]
fn another_day_decides_alike_where_the_policy_does_not_look_at_the_clock() {
    let clock = ["now.", ".started", ".expires", ".last_active"];
    let mut timeless = 0;
    for (name, source) in policies() {
        if clock.iter().any(|word| source.contains(word)) {
            continue;
        }
        timeless += 1;
        let first = lines(&name, &source, |_| {});
        for days in [1, 29, 366, 3653] {
            let later = |world: &mut World| world.now = Millis(world.now.0 + days * 86_400_000 + 12_345_678);
            assert_eq!(lines(&name, &source, later), first, "{name} after {days} days");
        }
    }
    assert!(timeless >= 6, "{timeless}");
}

#[test]
fn every_thread_decides_alike() {
    let all = || policies().iter().map(|(name, source)| lines(name, source, |_| {})).collect::<Vec<_>>();
    let first = all();
    let threads: Vec<_> = (0..3).map(|_| std::thread::spawn(all)).collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), first);
    }
}

#[test]
fn the_order_of_binding_and_what_else_is_bound_change_nothing() {
    let asked = |policies: &[(String, String)], others: u32| {
        let mut engine = Engine::new();
        let mut bound = BTreeMap::new();
        for i in 0..others {
            let other = format!("fn on_exhausted() {{ deny(\"{i}\") }}");
            engine.bind("other", &other, &BTreeMap::new()).unwrap();
        }
        for (name, source) in policies {
            bound.insert(name.clone(), engine.bind(name, source, &BTreeMap::new()).unwrap().policy);
        }
        let mut replies = BTreeMap::new();
        for (name, source) in policies {
            let (_, _, question) = crate::world::World::with_sessions(9).question(source);
            replies.insert(name.clone(), (bound[name].clone(), engine.ask(&bound[name], question, 0)));
        }
        replies
    };
    let mut policies = policies();
    let first = asked(&policies, 0);
    policies.reverse();
    assert_eq!(asked(&policies, 200), first);
}

/// Asks plainly and watched, and insists that both are one.
struct Both(Engine, u32);

impl Policies for Both {
    fn engine(&self) -> &str {
        self.0.engine()
    }
    fn built_in(&self, name: &str) -> Option<&'static str> {
        self.0.built_in(name)
    }
    fn check(&mut self, name: &str, source: &str) -> Result<(), PolicyFault> {
        self.0.check(name, source)
    }
    fn bind(
        &mut self,
        name: &str,
        source: &str,
        params: &BTreeMap<String, Param>,
    ) -> Result<Bound, PolicyFault> {
        self.0.bind(name, source, params)
    }
    fn ask(&mut self, policy: &PolicyRef, question: Question, spent: u32) -> Reply<Verdict> {
        self.1 += 1;
        let plain = self.0.ask(policy, question.clone(), spent);
        assert_eq!(self.0.trace(policy, question, spent).reply, plain);
        plain
    }
    fn limit(&mut self, policy: &PolicyRef, question: LimitQuestion) -> Reply<Option<Limit>> {
        let plain = self.0.limit(policy, question.clone());
        assert_eq!(self.0.trace_limit(policy, question).reply, plain);
        plain
    }
}

#[test]
fn watching_changes_nothing_in_generated_scenarios() {
    let mut asked = 0;
    let hostile = crate::hostile::asked_scripts();
    for (name, source) in policies().iter().chain(hostile.iter().step_by(5)) {
        let mut worlds = worlds(source);
        worlds.truncate(24);
        for (_, world) in worlds {
            let world = World { on_error: OnError::Deny, ..world };
            let mut court = world.court(("p", source), Both(Engine::new(), 0)).unwrap();
            world.login(&mut court);
            asked += court.policies().1;
        }
        assert!(asked > 0, "{name}");
    }
    assert!(asked > 500, "{asked}");
}
