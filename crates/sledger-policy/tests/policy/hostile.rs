//! Scripts that loop, recurse, grow, reach out or are simply wrong: each ends, soon, with its code.
//!
//! The first line of each file says how: `// POLICY_…` when asked, `// refused: CODE` when read.

use crate::world::World;
use sledger_core::policy::Policies;
use sledger_policy::{Engine, OPERATIONS_MAX, Severity, lint};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn scripts() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.collect();
    files.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// Those that are asked and fail.
pub(crate) fn asked_scripts() -> Vec<(String, String)> {
    scripts().into_iter().filter(|(_, source)| !expected(source).starts_with("refused")).collect()
}

fn expected(source: &str) -> &str {
    source.lines().next().unwrap().trim_start_matches("// ")
}

#[test]
fn every_hostile_script_ends_with_its_code() {
    let (mut asked, mut wrong) = (0, Vec::new());
    for (name, source) in asked_scripts() {
        asked += 1;
        if let Err(fault) = Engine::new().bind("p", &source, &BTreeMap::new()) {
            wrong.push(format!("{name}: {fault}"));
            continue;
        }
        let reply = World::with_sessions(100).ask(&source);
        let code = reply.answer.as_ref().err().map(|failure| failure.code.as_str());
        if code != Some(expected(&source)) || reply.answer.as_ref().unwrap_err().line <= 1 {
            wrong.push(format!("{name}: {reply:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(asked >= 100, "{asked}");
}

#[test]
fn what_must_not_run_is_refused_when_it_is_read() {
    let (mut refused, mut wrong) = (0, Vec::new());
    for (name, source) in scripts() {
        let Some(code) = expected(&source).strip_prefix("refused: ") else { continue };
        refused += 1;
        let fault = Engine::new().bind("p", &source, &BTreeMap::new());
        let found = lint(&source, None);
        let error = found.iter().find(|lint| lint.severity == Severity::Error);
        if fault.is_ok() || error.is_none_or(|lint| lint.code.as_str() != code) {
            wrong.push(format!("{name}: {fault:?} {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(refused >= 30, "{refused}");
}

#[test]
fn a_hostile_script_ends_within_a_few_milliseconds() {
    // In a debug build only that it ends at all can be asked.
    let most = Duration::from_millis(if cfg!(debug_assertions) { 2000 } else { 10 });
    let mut slowest = (Duration::ZERO, String::new());
    for (name, source) in scripts().iter().filter(|(_, source)| !expected(source).starts_with("refused")) {
        let (mut recorder, policy, question) = World::with_sessions(1000).question(source);
        let mut best = Duration::MAX;
        for _ in 0..if cfg!(debug_assertions) { 1 } else { 20 } {
            let question = question.clone();
            let start = Instant::now();
            let reply = recorder.engine.ask(&policy, question, 0);
            best = best.min(start.elapsed());
            assert!(reply.answer.is_err(), "{name}");
        }
        println!("{name}: {best:?}");
        slowest = slowest.max((best, name.clone()));
    }
    assert!(slowest.0 <= most, "{slowest:?}");
}

#[test]
fn costs_are_the_same_every_time() {
    for (name, source) in scripts().iter().filter(|(_, source)| !expected(source).starts_with("refused")) {
        let world = World::with_sessions(50);
        let (first, second) = (world.ask(source), world.ask(source));
        assert_eq!(first, second, "{name}");
        if expected(source) == "POLICY_OVER_BUDGET" {
            assert!(first.operations > 0, "{name}");
        }
        assert!(first.operations <= OPERATIONS_MAX + 2000, "{name}: {}", first.operations);
    }
}
